/* SPDX-License-Identifier: Apache-2.0 */
#include "run/output.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/json.h"
#include "run/measure.h"

/* JSON has no NaN: null stands for it. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *numbers(const double *value, int64_t n)
{
	json_t *list = json_array();
	for (int64_t i = 0; i < n; i++)
		json_array_append_new(list, number(value[i]));
	return list;
}

fv_status core_output_epoch(fv_ctx *ctx, core_runner *r, const core_train_epoch *e)
{
	json_t *line = json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:b, s:o}", "stage", e->stage,
		"epoch", e->epoch, "value", number(e->value), "dev_loss", number(e->dev_loss),
		"dev_objective", number(e->dev_objective), "grad_norm", number(e->grad_norm),
		"best", e->best, "group_loss", numbers(e->group_loss, e->groups));
	for (int32_t i = 0; line && i < e->n_judged; i++)
		json_object_set_new(line, e->judged_name[i], number(e->judged[i]));
	/* What the objective keeps for its groups: weights, how often each won. */
	for (size_t i = 0; line && i < core_array_count(ctx); i++) {
		const core_array *array = core_array_at(ctx, i);
		const char *label = core_array_label(ctx, array);
		if (label && array->type == FV_F64 && array->n0 == 1)
			json_object_set_new(line, label, numbers(array->data, array->n1));
	}
	if (line)
		json_object_set_new(line, "seconds", json_real(e->seconds));
	const char *text = core_json_text(ctx, line, JSON_COMPACT | JSON_REAL_PRECISION(17));
	if (!text)
		return FV_FAILED;
	core_text_add(&r->history, "%s\n", text);
	return FV_OK;
}

/* A value that `values:` does not count is unknown to the metrics, so it is left empty. */
static const char *counted_value(const core_attribute *a, int32_t row)
{
	return a->id[row] >= 0 && a->counted[a->id[row]] ? a->value[a->id[row]] : "";
}

static fv_status fill_attributes(fv_ctx *ctx, const core_runner *r, core_predictions *p)
{
	const core_corpus *corpus = r->corpus;
	const int32_t *row = r->rows.row[CORE_TEST];
	p->n_attributes = corpus->n_attributes;
	p->attribute = core_alloc(ctx, (size_t)p->n_attributes, sizeof *p->attribute);
	if (!p->attribute)
		return FV_FAILED;
	for (int32_t a = 0; a < p->n_attributes; a++) {
		const char **value = core_alloc(ctx, (size_t)p->n, sizeof *value);
		if (!value)
			return FV_FAILED;
		for (int64_t i = 0; i < p->n; i++)
			value[i] = counted_value(&corpus->attribute[a], row[i]);
		p->attribute[a] = (core_text_column){corpus->attribute[a].name, value};
	}
	return FV_OK;
}

static fv_status make_predictions(fv_ctx *ctx, const core_runner *r, core_predictions *p)
{
	const core_corpus *corpus = r->corpus;
	const int32_t *row = r->rows.row[CORE_TEST];
	size_t n = (size_t)r->rows.n[CORE_TEST], classes = (size_t)corpus->classes;
	const char **file = core_alloc(ctx, n, sizeof *file);
	const char **speaker = core_alloc(ctx, n, sizeof *speaker);
	const char **group = core_alloc(ctx, n, sizeof *group);
	float *label = core_alloc(ctx, n * classes, sizeof *label);
	if (!file || !speaker || !group || !label)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++) {
		file[i] = corpus->file[row[i]];
		speaker[i] = corpus->speaker_name[corpus->speaker[row[i]]];
		int32_t id = r->groups.groups ? r->groups.id[CORE_TEST][i] : -1;
		group[i] = id < 0 ? "" : r->groups.name[id];
		memcpy(label + i * classes, corpus->label + (size_t)row[i] * classes,
			classes * sizeof *label);
	}
	*p = (core_predictions){.n = (int64_t)n,
		.C = corpus->classes,
		.classes = corpus->class_name,
		.file = file,
		.prob = r->test_prob,
		.label = label,
		.speaker = {"SpkrID", speaker},
		.group = {"group", r->groups.groups ? group : NULL}};
	return fill_attributes(ctx, r, p);
}

static fv_status write_metrics(
	fv_ctx *ctx, const core_runner *r, const core_folder *folder, const core_predictions *p)
{
	const core_measured run = {
		r->study->fold[r->run->fold].fold, r->run->seed, r->result.selected_epoch};
	char *text;
	fv_status status = core_measure(ctx, p, &r->variant->eval.attributes, &run, &text);
	if (status)
		return status;
	return core_folder_write(ctx, folder, "metrics.json", text, strlen(text));
}

fv_status core_output_groups(fv_ctx *ctx, const core_runner *r, core_text *out)
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
	for (int k = 0; k < CORE_SPLITS; k++) {
		for (int32_t i = 0; i < r->rows.n[k]; i++) {
			int32_t id = r->groups.id[k][i];
			core_text_csv(out, r->corpus->file[r->rows.row[k][i]]);
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

static fv_status write_groups(fv_ctx *ctx, const core_runner *r, const core_folder *folder)
{
	if (!r->groups.groups)
		return FV_OK;
	core_text text = {0};
	fv_status status = core_output_groups(ctx, r, &text);
	if (!status)
		status = core_folder_write(ctx, folder, "groups.csv", text.data, text.size);
	core_text_free(&text);
	return status;
}

static fv_status write_model(fv_ctx *ctx, const core_runner *r, const core_folder *folder)
{
	core_model model = {.plan = r->result.plan,
		.params = r->result.params,
		.fold = r->study->fold[r->run->fold].fold,
		.seed = (uint64_t)r->run->seed,
		.scaling = r->input.scaling,
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

static fv_status write_config(fv_ctx *ctx, const core_runner *r, const core_folder *folder)
{
	char *text = core_format(ctx, "# fold %lld, seed %lld\n%s",
		(long long)r->study->fold[r->run->fold].fold, (long long)r->run->seed,
		r->variant->yaml);
	return text ? core_folder_write(ctx, folder, "config.yaml", text, strlen(text)) : FV_FAILED;
}

fv_status core_output_write(fv_ctx *ctx, core_runner *r, const core_folder *folder)
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
		status = write_config(ctx, r, folder);
	if (!status)
		status = core_output_env(ctx, r, &env);
	if (!status)
		status = core_folder_write(ctx, folder, "env.json", env, strlen(env));
	if (!status)
		status = write_text(ctx, folder, "metrics.jsonl", &r->history);
	return status ? status : write_text(ctx, folder, "log", &r->log);
}
