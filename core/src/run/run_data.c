/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_data.h"

#include <stdlib.h>
#include <string.h>

#include <fairvox/grouper.h>

/* Returns true if the grouper uses other recordings of a test speaker. */
static bool is_transductive(const core_grouper_input *input)
{
	if (input->spec->uses & FV_USE_SPEAKER)
		return true;
	return input->features && core_find_standardize(input->encoder, input->features->output) ==
					  FV_STANDARDIZE_SPEAKER;
}

static const core_set *find_set(const core_run_data *r)
{
	return &r->study->set[r->study->fold[r->run->fold].set];
}

static void make_inputs(
	const core_run_data *r, const core_grouper_spec *grouper, core_grouper_input *input)
{
	for (int32_t i = 0; i < r->variant->n_groupers; i++) {
		int32_t encoding = r->run->group_encoding[i];
		input[i] = (core_grouper_input){.spec = &grouper[i],
			.encoder =
				grouper[i].has_encoder ? &grouper[i].encoder : &r->variant->encoder,
			.features = encoding < 0 ? NULL : &r->study->encoding[encoding].features,
			.corpus_row = r->study->fold[r->run->fold].row,
			.seconds = find_set(r)->seconds};
	}
}

fv_status core_run_data_infer_groups(
	fv_ctx *ctx, const core_run_data *r, const core_grouper_spec *grouper, core_groups *out)
{
	core_grouper_input input[CORE_PRODUCT_MAX];
	make_inputs(r, grouper, input);
	return core_groups_infer(ctx, input, r->variant->n_groupers, r->corpus, &r->rows,
		(uint64_t)r->run->seed, r->study->fold[r->run->fold].fold, out);
}

/* Finds the rows of each split after exclusion and bias. */
fv_status core_run_data_find_rows(fv_ctx *ctx, core_run_data *r)
{
	const core_study *study = r->study;
	const core_run *run = r->run;
	const core_fold *fold = &study->fold[run->fold];
	r->variant = core_run_variant(study, run);
	r->corpus = fold->corpus;
	core_ctx_set_run(ctx, (uint64_t)run->seed, fold->fold);
	return core_bias_rows(
		ctx, r->corpus, &r->variant->bias, (uint64_t)run->seed, fold->fold, &r->rows);
}

fv_status core_run_data_make_groups(fv_ctx *ctx, core_run_data *r)
{
	fv_status status = core_run_data_find_rows(ctx, r);
	if (status)
		return status;
	core_grouper_input input[CORE_PRODUCT_MAX];
	make_inputs(r, r->variant->groupers, input);
	for (int32_t i = 0; i < r->variant->n_groupers; i++)
		r->transductive |= is_transductive(&input[i]);
	return core_run_data_infer_groups(ctx, r, r->variant->groupers, &r->groups);
}

/* Indexes the development rows of the features in the order of the trainer. */
fv_status core_run_data_order_dev_index(fv_ctx *ctx, core_run_data *r)
{
	core_matrix *m = &r->input;
	const int32_t *index = m->index[CORE_DEV];
	int32_t *ordered = core_alloc(ctx, (size_t)m->n[CORE_DEV], sizeof *ordered);
	for (int32_t i = 0; ordered && i < m->n[CORE_DEV]; i++)
		ordered[i] = index ? index[r->dev_order[i]] : r->dev_order[i];
	r->dev_index = ordered;
	return ordered ? FV_OK : FV_FAILED;
}

core_head_shape core_run_data_shape(
	const core_variant *variant, int32_t layers, int32_t dims, int32_t classes)
{
	core_head_shape shape = {.layers = layers,
		.dims = dims,
		.projection = variant->head_projection,
		.classes = classes,
		.n_hidden = variant->n_head_hidden,
		.activation = variant->head_activation,
		.dropout = variant->head_dropout};
	for (int32_t i = 0; i < shape.n_hidden; i++)
		shape.hidden[i] = (int32_t)variant->head_hidden[i];
	return shape;
}

/* Warns if all training rows have the same features. */
static void warn_of_same_features(
	fv_ctx *ctx, const core_run_data *r, const core_features *features)
{
	const core_fold *fold = &r->study->fold[r->run->fold];
	const int32_t *row = r->rows.row[CORE_TRAIN];
	size_t width = (size_t)features->layers * (size_t)features->dims;
	int32_t n = r->rows.n[CORE_TRAIN];
	const float *first = features->x + (size_t)fold->row[row[0]] * width;
	for (int32_t i = 1; i < n; i++)
		if (memcmp(first, features->x + (size_t)fold->row[row[i]] * width,
			    width * sizeof *first))
			return;
	if (n > 1)
		fv_warn(ctx,
			"encoder %s: all %d training rows of fold %lld have the same features: "
			"nothing can be learned from them",
			r->variant->encoder.use.plugin->descriptor->name, (int)n,
			(long long)fold->fold);
}

fv_status core_run_data_make_input(fv_ctx *ctx, core_run_data *r)
{
	const core_encoding *encoding = &r->study->encoding[r->run->encoding];
	warn_of_same_features(ctx, r, &encoding->features);
	fv_standardize kind =
		core_find_standardize(&r->variant->encoder, encoding->features.output);
	r->transductive |= kind == FV_STANDARDIZE_SPEAKER;
	r->shape = core_run_data_shape(
		r->variant, encoding->features.layers, encoding->features.dims, r->corpus->classes);
	return core_matrix_share(ctx, r->matrices, &encoding->features,
		r->study->fold[r->run->fold].row, r->corpus, &r->rows, kind, r->trainer != NULL,
		&r->input, &r->shared_input);
}

/* Adds the durations of the rows, if they were asked for. */
static fv_status add_durations(
	fv_ctx *ctx, const core_run_data *r, int split, const int32_t *order, fv_rows *rows)
{
	const double *seconds = find_set(r)->seconds;
	if (!seconds)
		return FV_OK;
	double *duration = core_alloc(ctx, (size_t)rows->n, sizeof *duration);
	for (int32_t i = 0; duration && i < rows->n; i++)
		duration[i] =
			seconds[r->study->fold[r->run->fold].row[r->rows.row[split][order[i]]]];
	rows->duration = duration;
	return duration ? FV_OK : FV_FAILED;
}

fv_status core_run_data_make_rows(
	fv_ctx *ctx, const core_run_data *r, int split, const int32_t *order, fv_rows *out)
{
	size_t n = (size_t)r->rows.n[split], classes = (size_t)r->corpus->classes;
	size_t groups = (size_t)r->groups.groups;
	float *label = core_alloc(ctx, n * classes, sizeof *label);
	float *member =
		r->groups.member[split] ? core_alloc(ctx, n * groups, sizeof *member) : NULL;
	int32_t *klass = core_alloc(ctx, n, sizeof *klass), *group = NULL;
	int32_t *speaker = core_alloc(ctx, n, sizeof *speaker);
	const char **stem = core_alloc(ctx, n, sizeof *stem);
	if (groups)
		group = core_alloc(ctx, n, sizeof *group);
	if (!label || !klass || !stem || !speaker || (groups && !group) ||
		(r->groups.member[split] && !member))
		return FV_FAILED;
	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)order[i];
		int32_t row = r->rows.row[split][at];
		memcpy(label + i * classes, r->corpus->label + (size_t)row * classes,
			classes * sizeof *label);
		klass[i] = r->corpus->klass[row];
		stem[i] = r->corpus->stem[row];
		speaker[i] = r->corpus->speaker[row];
		if (groups)
			group[i] = r->groups.id[split][at];
		if (member)
			memcpy(member + i * groups, r->groups.member[split] + at * groups,
				groups * sizeof *member);
	}
	*out = (fv_rows){.size = sizeof *out,
		.n = (int32_t)n,
		.classes = r->corpus->classes,
		.groups = (int32_t)groups,
		.label = label,
		.klass = klass,
		.group = group,
		.member = member,
		.stem = stem,
		.speaker = speaker};
	return add_durations(ctx, r, split, order, out);
}

struct by_file {
	int32_t key, at;
};

static int compare_file_order(const void *a, const void *b)
{
	int32_t x = ((const struct by_file *)a)->key, y = ((const struct by_file *)b)->key;
	return (x > y) - (x < y);
}

/* Orders development rows as in the file, because dev_objective depends on their batches. */
static fv_status make_dev_order(fv_ctx *ctx, core_run_data *r)
{
	size_t n = (size_t)r->rows.n[CORE_DEV];
	struct by_file *list = core_alloc(ctx, n, sizeof *list);
	r->dev_order = core_alloc(ctx, n, sizeof *r->dev_order);
	if (!list || !r->dev_order)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++)
		list[i] = (struct by_file){
			r->corpus->file_order[r->rows.row[CORE_DEV][i]], (int32_t)i};
	qsort(list, n, sizeof *list, compare_file_order);
	for (size_t i = 0; i < n; i++)
		r->dev_order[i] = list[i].at;
	return FV_OK;
}

fv_status core_run_data_make_training(fv_ctx *ctx, core_run_data *r)
{
	int32_t n = r->rows.n[CORE_TRAIN];
	int32_t *identity = core_alloc(ctx, (size_t)n, sizeof *identity);
	if (!identity)
		return FV_FAILED;
	for (int32_t i = 0; i < n; i++)
		identity[i] = i;
	fv_status status = make_dev_order(ctx, r);
	if (!status)
		status = core_run_data_make_rows(ctx, r, CORE_TRAIN, identity, &r->train);
	return status ? status : core_run_data_make_rows(ctx, r, CORE_DEV, r->dev_order, &r->dev);
}

core_train_data core_run_data_make_split(const core_run_data *r, int split, fv_rows rows)
{
	const core_matrix *m = &r->input;
	return (core_train_data){.rows = rows,
		.x = m->x[split],
		.index = split == CORE_DEV ? r->dev_index : m->index[split],
		.mean = m->mean[split],
		.scale = m->scale[split]};
}
