/* SPDX-License-Identifier: Apache-2.0 */
#include "run/output.h"

#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/json.h"
#include "run/measure.h"

static json_t *make_numbers(const double *value, int64_t n)
{
	json_t *list = json_array();
	for (int64_t i = 0; i < n; i++)
		json_array_append_new(list, core_json_number(value[i]));
	return list;
}

/* Adds the arrays that the objective labels for its groups, such as weights, as the op `validated` left them. A
 * name that the line has of its own gets "array." in front. */
static void add_arrays(fv_ctx *ctx, json_t *line)
{
	for (size_t i = 0; i < core_array_count(ctx); i++) {
		const core_array *array = core_array_at(ctx, i);
		const char *label = core_array_label(ctx, array);
		if (!label || array->type != FV_F64 || array->n0 != 1)
			continue;
		bool own = json_object_get(line, label) || !strcmp(label, "seconds") ||
			   !strcmp(label, "learning_rate");
		const char *key = own ? core_format(ctx, "array.%s", label) : label;
		if (key)
			json_object_set_new(line, key, make_numbers(array->data, array->n1));
	}
}

fv_status core_output_add_epoch(fv_ctx *ctx, core_run_data *r, const core_train_epoch *e)
{
	json_t *line = json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:b, s:o}", "stage", e->stage,
		"epoch", e->epoch, "value", core_json_number(e->value), "dev_loss",
		core_json_number(e->dev_loss), "dev_objective", core_json_number(e->dev_objective),
		"grad_norm", core_json_number(e->grad_norm), "best", e->best, "group_loss",
		make_numbers(e->group_loss, e->groups));
	if (line && r->variant->train.schedule)
		json_object_set_new(line, "learning_rate", core_json_number(e->learning_rate));
	for (int32_t i = 0; line && i < e->n_judged; i++)
		json_object_set_new(line, e->judged_name[i], core_json_number(e->judged[i]));
	if (line)
		add_arrays(ctx, line);
	if (line)
		json_object_set_new(line, "seconds", json_real(e->seconds));
	const char *text = core_json_text(ctx, line, JSON_COMPACT | JSON_REAL_PRECISION(17));
	if (!text)
		return FV_FAILED;
	core_text_add(&r->history, "%s\n", text);
	return FV_OK;
}

/* Returns the value of an attribute, or "" if `values:` excludes it from the metrics. */
static const char *find_counted_value(const core_attribute *a, int32_t row)
{
	return a->id[row] >= 0 && a->counted[a->id[row]] ? a->value[a->id[row]] : "";
}

/* Returns the k-th split of predictions.csv: test, further test sets, development. */
static int find_predicted(const core_rows *rows, int k)
{
	int split = CORE_TEST + k;
	return split < core_rows_splits(rows) ? split : CORE_DEV;
}

static int count_predicted_splits(const core_rows *rows)
{
	return rows->n_sets + 2;
}

static int64_t count_predicted(const core_rows *rows)
{
	int64_t n = 0;
	for (int k = 0; k < count_predicted_splits(rows); k++)
		n += rows->n[find_predicted(rows, k)];
	return n;
}

static fv_status alloc_predictions(fv_ctx *ctx, const core_run_data *r, core_predictions *p)
{
	const core_corpus *corpus = r->corpus;
	size_t n = (size_t)count_predicted(&r->rows), classes = (size_t)corpus->classes;
	*p = (core_predictions){.n = (int64_t)n,
		.C = corpus->classes,
		.classes = corpus->class_name,
		.file = core_alloc(ctx, n, sizeof *p->file),
		.prob = core_alloc(ctx, n * classes, sizeof *p->prob),
		.label = core_alloc(ctx, n * classes, sizeof *p->label),
		.n_attributes = corpus->n_attributes,
		.attribute = core_alloc(ctx, (size_t)corpus->n_attributes, sizeof *p->attribute),
		.speaker = {"SpkrID", core_alloc(ctx, n, sizeof(char *))},
		.split = {"split", core_alloc(ctx, n, sizeof(char *))}};
	bool good = p->file && p->prob && p->label && p->attribute && p->speaker.value &&
		    p->split.value;
	if (r->groups.groups) {
		p->group = (core_text_column){"group", core_alloc(ctx, n, sizeof(char *))};
		good = good && p->group.value;
	}
	for (int32_t a = 0; good && a < p->n_attributes; a++) {
		p->attribute[a] = (core_text_column){
			corpus->attribute[a].name, core_alloc(ctx, n, sizeof(char *))};
		good = p->attribute[a].value != NULL;
	}
	return good ? core_measure_set_options(
			      ctx, &r->variant->train, r->run->evaluation->majority_only, p)
		    : FV_FAILED;
}

static void fill_prediction(
	const core_run_data *r, int split, int32_t at, int64_t i, core_predictions *p)
{
	const core_corpus *corpus = r->corpus;
	int32_t row = r->rows.row[split][at];
	size_t classes = (size_t)corpus->classes, to = (size_t)i * classes;
	p->file[i] = core_run_data_find_id(r, row);
	p->speaker.value[i] = corpus->speaker_name[corpus->speaker[row]];
	p->split.value[i] = core_corpus_split_name(corpus, split);
	memcpy(p->prob + to, r->prob[split] + (size_t)at * classes, classes * sizeof *p->prob);
	memcpy(p->label + to, corpus->label + (size_t)row * classes, classes * sizeof *p->label);
	for (int32_t a = 0; a < p->n_attributes; a++)
		p->attribute[a].value[i] = find_counted_value(&corpus->attribute[a], row);
	if (p->group.value) {
		int32_t id = r->groups.id[split][at];
		p->group.value[i] = id < 0 ? "" : r->groups.name[id];
	}
}

/* Collects the rows of the test sets, then the development rows, each in the order of stems. */
static fv_status make_predictions(fv_ctx *ctx, const core_run_data *r, core_predictions *p)
{
	fv_status status = alloc_predictions(ctx, r, p);
	int64_t i = 0;
	for (int k = 0; k < count_predicted_splits(&r->rows) && !status; k++) {
		int split = find_predicted(&r->rows, k);
		for (int32_t at = 0; at < r->rows.n[split]; at++)
			fill_prediction(r, split, at, i++, p);
	}
	return status;
}

/* Returns n rows of the predictions, from `first` on. */
static core_predictions slice_predictions(
	fv_ctx *ctx, const core_predictions *p, int64_t first, int64_t n)
{
	core_predictions out = *p;
	size_t classes = (size_t)p->C;
	out.n = n;
	out.file += first;
	out.prob += (size_t)first * classes;
	out.label += (size_t)first * classes;
	if (p->cut)
		out.cut += (size_t)first * classes;
	out.speaker.value += first;
	out.split.value += first;
	if (p->group.value)
		out.group.value += first;
	out.attribute = core_alloc(ctx, (size_t)p->n_attributes, sizeof *out.attribute);
	for (int32_t a = 0; out.attribute && a < p->n_attributes; a++)
		out.attribute[a] =
			(core_text_column){p->attribute[a].name, p->attribute[a].value + first};
	return out;
}

/* Finds the rows of every test set in the predictions. */
static fv_status find_test_rows(
	fv_ctx *ctx, const core_run_data *r, const core_predictions *p, core_measured_rows *out)
{
	int64_t first = r->rows.n[CORE_TEST];
	*out = (core_measured_rows){.test = slice_predictions(ctx, p, 0, first),
		.n_sets = r->rows.n_sets,
		.set_name = r->corpus->set_name,
		.set = core_alloc(ctx, (size_t)r->rows.n_sets, sizeof *out->set)};
	if (!out->set || !out->test.attribute)
		return FV_FAILED;
	for (int32_t k = 0; k < out->n_sets; k++) {
		int32_t n = r->rows.n[CORE_SPLITS + k];
		out->set[k] = slice_predictions(ctx, p, first, n);
		first += n;
		if (!out->set[k].attribute)
			return FV_FAILED;
	}
	out->has_dev = r->run->evaluation->dev_threshold;
	out->dev = slice_predictions(ctx, p, first, r->rows.n[CORE_DEV]);
	return out->dev.attribute ? FV_OK : FV_FAILED;
}

static fv_status measure_metrics(
	fv_ctx *ctx, const core_run_data *r, const core_predictions *p, char **json)
{
	const core_measured_names names = {
		r->run->evaluation->attributes, r->run->evaluation->numeric};
	const core_measured run = {r->study->fold[r->run->fold].fold, r->run->seed,
		r->result.selected_epoch, r->result.use_last ? 0 : r->result.epochs};
	core_measured_rows rows;
	fv_status status = find_test_rows(ctx, r, p, &rows);
	return status ? status : core_measure_predictions(ctx, &rows, &names, &run, json);
}

fv_status core_output_measure(fv_ctx *ctx, const core_run_data *r, char **json)
{
	core_predictions predictions;
	fv_status status = make_predictions(ctx, r, &predictions);
	return status ? status : measure_metrics(ctx, r, &predictions, json);
}

static fv_status write_metrics(
	fv_ctx *ctx, const core_run_data *r, const core_folder *folder, const core_predictions *p)
{
	char *text;
	fv_status status = measure_metrics(ctx, r, p, &text);
	return status ? status : core_folder_write(ctx, folder, "metrics.json", text, strlen(text));
}

fv_status core_output_format_groups(fv_ctx *ctx, const core_run_data *r, core_text *out)
{
	(void)ctx;
	bool soft = r->groups.member[CORE_TRAIN] != NULL;
	size_t groups = (size_t)r->groups.groups;
	core_text_add(out, "FileName,group");
	for (size_t g = 0; soft && g < groups; g++) {
		char *name = core_format(ctx, "prob_%s", r->groups.name[g]);
		if (!name)
			return FV_FAILED;
		core_text_add(out, ",");
		core_text_csv(out, name);
	}
	core_text_add(out, "\n");
	for (int k = 0; k < core_rows_splits(&r->rows); k++) {
		for (int32_t i = 0; i < r->rows.n[k]; i++) {
			int32_t id = r->groups.id[k][i];
			core_text_csv(out, core_run_data_find_id(r, r->rows.row[k][i]));
			core_text_add(out, ",");
			core_text_csv(out, id < 0 ? "" : r->groups.name[id]);
			for (size_t g = 0; soft && g < groups; g++)
				core_text_add(out, ",%.9g",
					(double)r->groups.member[k][(size_t)i * groups + g]);
			core_text_add(out, "\n");
		}
	}
	return out->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}

static fv_status write_groups(fv_ctx *ctx, const core_run_data *r, const core_folder *folder)
{
	if (!r->groups.groups)
		return FV_OK;
	core_text text = {0};
	fv_status status = core_output_format_groups(ctx, r, &text);
	if (!status)
		status = core_folder_write(ctx, folder, "groups.csv", text.data, text.size);
	core_text_free(&text);
	return status;
}

static fv_status write_model(fv_ctx *ctx, const core_run_data *r, const core_folder *folder)
{
	core_model model = {.plan = r->result.plan,
		.params = r->result.params,
		.fold = r->study->fold[r->run->fold].fold,
		.seed = (uint64_t)r->run->seed,
		.scaling = r->input.scaling,
		.sigmoid = r->variant->train.base_loss == FV_BCE,
		.class_name = (const char *const *)r->corpus->class_name,
		.encoder_json =
			core_model_encoder_json(ctx, r->study->encoding[r->run->encoding].encoder)};
	char *path = core_path_join(ctx, folder->dir, "model.safetensors");
	if (!path || !model.encoder_json)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	return core_model_write(ctx, path, &model);
}

static fv_status write_text(
	fv_ctx *ctx, const core_folder *folder, const char *name, const core_text *text)
{
	if (text->failed)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	return core_folder_write(ctx, folder, name, text->data ? text->data : "", text->size);
}

fv_status core_output_write_config(
	fv_ctx *ctx, const core_study *study, const core_run *run, const core_folder *folder)
{
	char *text = core_format(ctx, "# fold %lld, seed %lld\n%s",
		(long long)study->fold[run->fold].fold, (long long)run->seed,
		core_run_variant(study, run)->yaml);
	return text ? core_folder_write(ctx, folder, "config.yaml", text, strlen(text)) : FV_FAILED;
}

fv_status core_output_write(fv_ctx *ctx, core_run_data *r, const core_folder *folder)
{
	core_predictions predictions;
	char *env;
	fv_status status = make_predictions(ctx, r, &predictions);
	char *path = core_path_join(ctx, folder->dir, "predictions.csv");
	if (!status)
		status = path ? core_predictions_write(ctx, path, &predictions) : FV_FAILED;
	if (!status)
		status = write_metrics(ctx, r, folder, &predictions);
	if (!status)
		status = write_groups(ctx, r, folder);
	if (!status)
		status = write_model(ctx, r, folder);
	if (!status)
		status = core_output_write_config(ctx, r->study, r->run, folder);
	if (!status)
		status = core_output_format_env(ctx, r, &env);
	if (!status)
		status = core_folder_write(ctx, folder, "env.json", env, strlen(env));
	if (!status)
		status = write_text(ctx, folder, "metrics.jsonl", &r->history);
	return status ? status : write_text(ctx, folder, "log", &r->log);
}
