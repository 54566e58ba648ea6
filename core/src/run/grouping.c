/* SPDX-License-Identifier: Apache-2.0 */
#include "run/grouping.h"

#include <math.h>
#include <string.h>

#include <xxhash.h>

#include <fairvox/grouper.h>

#include "base/fence.h"
#include "base/number.h"
#include "plugin/absent.h"
#include "plugin/descriptor.h"
#include "plugin/guard.h"
#include "plugin/lists.h"

/* One grouper of the product while it is fitted and applied. */
struct factor {
	fv_ctx *ctx;
	const core_grouper_input *input;
	const core_corpus *corpus;
	const core_rows *rows;
	const fv_grouper_ops *ops;
	const char *plugin;
	int64_t fold;
	void *state;
	size_t state_size;
	uint32_t uses;
	const core_attribute *column;
	core_matrix matrix;
	fv_grouping grouping;
	core_guard guard;
};

fv_standardize core_find_standardize(const core_encoder_spec *spec, const fv_output *output)
{
	return spec->has_standardize ? spec->standardize : output->standardize;
}

static fv_status find_column(struct factor *f)
{
	const core_grouper_spec *spec = f->input->spec;
	if (!(f->uses & FV_USE_COLUMN))
		return FV_OK;
	if (!spec->column)
		return core_fail_key(f->ctx, FV_CONFIG, (core_key_ref){spec->block, "", NULL},
			"grouper %s needs the key `column`: name an attribute of the corpus",
			f->plugin);
	f->column = core_corpus_attribute(f->corpus, spec->column);
	return core_corpus_check_attribute(f->ctx, f->corpus,
		(core_key_ref){spec->block, "column", NULL}, "grouper.column", spec->column);
}

static int32_t *gather_ids(fv_ctx *ctx, const int32_t *from, const int32_t *row, int32_t n)
{
	int32_t *out = core_alloc(ctx, (size_t)n, sizeof *out);
	for (int32_t i = 0; out && i < n; i++)
		out[i] = from[row[i]];
	return out;
}

static fv_status add_names(struct factor *f, int split, fv_grouper_input *shown)
{
	const int32_t *row = f->rows->row[split];
	int32_t n = f->rows->n[split];
	fv_ctx *ctx = f->ctx;
	if (f->column) {
		shown->column_id = gather_ids(ctx, f->column->id, row, n);
		shown->column_names = f->column->value;
		shown->n_column_names = f->column->n_values;
		if (!shown->column_id)
			return FV_FAILED;
	}
	if (f->uses & FV_USE_CLASS) {
		shown->class_names = f->corpus->class_name;
		shown->n_classes = f->corpus->classes;
	}
	if ((f->uses & FV_USE_CLASS) && split == CORE_TRAIN &&
		!(shown->klass = gather_ids(ctx, f->corpus->klass, row, n)))
		return FV_FAILED;
	if ((f->uses & FV_USE_SPEAKER) &&
		!(shown->speaker = gather_ids(ctx, f->corpus->speaker, row, n)))
		return FV_FAILED;
	if ((f->uses & FV_USE_DURATION) && f->input->seconds) {
		double *duration = core_alloc(ctx, (size_t)n, sizeof *duration);
		for (int32_t i = 0; duration && i < n; i++)
			duration[i] = f->input->seconds[f->input->corpus_row[row[i]]];
		shown->duration = duration;
		if (!duration)
			return FV_FAILED;
	}
	if (f->uses & FV_USE_FILE) {
		const char **stem = core_alloc(ctx, (size_t)n, sizeof *stem);
		for (int32_t i = 0; stem && i < n; i++)
			stem[i] = f->corpus->stem[row[i]];
		shown->stem = stem;
		if (!stem)
			return FV_FAILED;
	}
	return FV_OK;
}

/* Adds column names and roles, with defaults where the encoder gives none. */
static fv_status add_columns(struct factor *f, fv_grouper_input *shown)
{
	const fv_output *output = f->input->features->output;
	size_t dims = (size_t)shown->dims;
	shown->columns = output->columns;
	shown->roles = output->roles;
	if (!shown->columns) {
		const char **names = core_alloc(f->ctx, dims, sizeof *names);
		for (size_t j = 0; names && j < dims; j++)
			names[j] = core_format(f->ctx, "%zu", j);
		shown->columns = names;
	}
	if (!shown->roles)
		shown->roles = core_alloc(f->ctx, dims, sizeof *shown->roles);
	return shown->columns && shown->roles ? FV_OK : FV_FAILED;
}

/* Tells which rows are silent. Features without sound, such as those read from a file, have none. */
static fv_status add_silence(struct factor *f, int split, fv_grouper_input *shown)
{
	const uint8_t *of_recording = f->input->features->silent;
	uint8_t *silent = core_alloc(f->ctx, (size_t)shown->n, sizeof *silent);
	if (!silent)
		return FV_FAILED;
	for (int32_t i = 0; of_recording && i < shown->n; i++)
		silent[i] = of_recording[f->input->corpus_row[f->rows->row[split][i]]];
	shown->silent = silent;
	return FV_OK;
}

static bool has_probabilities(const fv_grouper_input *shown)
{
	for (int32_t d = 0; shown->roles && d < shown->dims; d++)
		if (shown->roles[d] == FV_COL_PROBABILITY)
			return true;
	return false;
}

/* A classifier's probabilities of a recording in which nothing can be heard tell nothing: the group
 * is unknown. */
static void clear_silent(const fv_grouper_input *shown, int32_t groups, int32_t *id, float *member)
{
	if (!shown->silent || !has_probabilities(shown))
		return;
	for (int32_t i = 0; i < shown->n; i++) {
		if (!shown->silent[i])
			continue;
		id[i] = -1;
		for (int32_t g = 0; member && g < groups; g++)
			member[(size_t)i * (size_t)groups + (size_t)g] = 0;
	}
}

static fv_status make_input(struct factor *f, int split, fv_grouper_input *shown)
{
	*shown = (fv_grouper_input){.size = sizeof *shown, .n = f->rows->n[split]};
	if (f->uses & FV_USE_FEATURES) {
		shown->x = f->matrix.x[split];
		shown->layers = f->input->features->layers;
		shown->dims = f->input->features->dims;
		fv_status status = add_columns(f, shown);
		if (!status)
			status = add_silence(f, split, shown);
		if (status)
			return status;
	}
	return add_names(f, split, shown);
}

static fv_status check_grouping(struct factor *f)
{
	const fv_grouping *g = &f->grouping;
	if (g->groups < 1 || g->groups > CORE_GROUPS_MAX)
		return fv_fail(f->ctx, FV_FAILED, "grouper %s made %d groups: it must make 1 to %d",
			f->plugin, g->groups, CORE_GROUPS_MAX);
	const char *list = core_format(f->ctx, "grouper %s: name", f->plugin);
	fv_status status =
		list ? core_names_check(f->ctx, list, "groups", g->name, g->groups) : FV_FAILED;
	return status ? status : core_names_check_distinct(f->ctx, list, g->name, g->groups);
}

/* Hashes all that the grouper may only read. Each array has another number. */
static uint64_t hash_input(const struct factor *f, const fv_grouper_input *in, bool state)
{
	size_t n = (size_t)in->n, values = n * (size_t)in->layers * (size_t)in->dims;
	const struct {
		const void *data;
		size_t size;
	} part[] = {{in, sizeof *in}, {in->x, values * sizeof *in->x},
		{in->column_id, n * sizeof *in->column_id}, {in->klass, n * sizeof *in->klass},
		{in->speaker, n * sizeof *in->speaker}, {in->silent, n * sizeof *in->silent},
		{in->duration, n * sizeof *in->duration}, {state ? f->state : NULL, f->state_size}};
	uint64_t hash = 0;
	for (size_t i = 0; i < sizeof part / sizeof *part; i++)
		if (part[i].data)
			hash = XXH3_64bits_withSeed(part[i].data, part[i].size, hash + i);
	return hash;
}

/* Fails, in the grouper's name, if an op has written before an array. */
static fv_status check_fence(struct factor *f, core_fence *fence, fv_status status)
{
	char text[128];
	if (!fence || core_fence_check(fence, text, sizeof text))
		return status;
	fv_status failed = core_guard_fail(&f->guard, text);
	return status ? status : failed;
}

/* "training rows", or "rows of noisy" */
static const char *describe_rows(fv_ctx *ctx, const core_corpus *corpus, int split)
{
	static const char *const own[CORE_SPLITS] = {
		"training rows", "development rows", "test rows"};
	return split < CORE_SPLITS
		       ? own[split]
		       : core_format(ctx, "rows of %s", core_corpus_split_name(corpus, split));
}

/* Calls assign with arrays that show what it did not write. */
static fv_status call_assign(
	struct factor *f, const fv_grouper_input *shown, int32_t *id, float *member)
{
	size_t members = member ? (size_t)shown->n * (size_t)f->grouping.groups : 0;
	for (int32_t i = 0; i < shown->n; i++)
		id[i] = INT32_MIN;
	for (size_t i = 0; i < members; i++)
		member[i] = NAN;
	uint64_t before = hash_input(f, shown, true);
	core_guard_enter(&f->guard, "assign", 0, false);
	fv_status status = f->ops->assign(f->state, f->ctx, shown, id, member);
	status = core_guard_leave(&f->guard, status);
	core_scratch_reset(f->ctx);
	if (!status && hash_input(f, shown, true) != before)
		status = core_guard_fail(
			&f->guard, "wrote into its input or its state, which it may only read");
	return status;
}

static fv_status check_groups(
	struct factor *f, const fv_grouper_input *shown, const int32_t *id, const float *member)
{
	size_t groups = (size_t)f->grouping.groups;
	for (int32_t i = 0; i < shown->n; i++) {
		if (id[i] == INT32_MIN)
			return fv_fail(f->ctx, FV_FAILED, "grouper %s gave no id for row %d",
				f->plugin, i);
		if (id[i] < -1 || id[i] >= f->grouping.groups)
			return fv_fail(f->ctx, FV_FAILED, "grouper %s gave id %d of %d groups",
				f->plugin, id[i], f->grouping.groups);
	}
	bool probability = f->grouping.probability != 0;
	for (size_t i = 0; member && i < (size_t)shown->n * groups; i++)
		if (!core_is_membership((double)member[i], probability))
			return fv_fail(f->ctx, FV_FAILED,
				"grouper %s gave row %zu the membership %g in group %zu: it must "
				"write a number from 0 %s for every group of a soft grouping%s",
				f->plugin, i / groups, core_printable((double)member[i]),
				i % groups, probability ? "to 1" : "on",
				probability ? " whose memberships are probabilities" : "");
	return FV_OK;
}

/* Assigns rows to groups in memory with fences around it. */
static fv_status assign_fenced(struct factor *f, const fv_grouper_input *shown, core_fence *ids,
	core_fence *members, int32_t *id, float *member)
{
	size_t n = (size_t)shown->n, n_members = n * (size_t)f->grouping.groups;
	int32_t *their_id = core_fence_place(ids, n * sizeof *id);
	float *their_member =
		members ? core_fence_place(members, n_members * sizeof *member) : NULL;
	fv_status status = call_assign(f, shown, their_id, their_member);
	status = check_fence(f, members, check_fence(f, ids, status));
	if (!status)
		status = check_groups(f, shown, their_id, their_member);
	memcpy(id, their_id, n * sizeof *id);
	if (member)
		memcpy(member, their_member, n_members * sizeof *member);
	return status;
}

static fv_status assign_split(struct factor *f, int split, core_groups *out)
{
	fv_grouper_input shown;
	fv_status status = make_input(f, split, &shown);
	if (status)
		return status;
	size_t n = (size_t)shown.n, groups = (size_t)f->grouping.groups;
	bool soft = f->grouping.soft != 0;
	int32_t *id = core_alloc(f->ctx, n, sizeof *id);
	float *member = soft ? core_alloc(f->ctx, n * groups, sizeof *member) : NULL;
	core_fence *ids = core_fence_open(f->ctx, "id", n * sizeof *id);
	core_fence *members =
		soft ? core_fence_open(f->ctx, "member", n * groups * sizeof *member) : NULL;
	status = id && ids && (!soft || (member && members)) ? FV_OK : FV_FAILED;
	core_ctx_set_about(f->ctx, describe_rows(f->ctx, f->corpus, split));
	if (!status)
		status = assign_fenced(f, &shown, ids, members, id, member);
	core_ctx_set_about(f->ctx, NULL);
	core_fence_close(ids);
	core_fence_close(members);
	out->id[split] = id;
	out->member[split] = member;
	if (!status)
		clear_silent(&shown, f->grouping.groups, id, member);
	return status;
}

/* Warns of groups of training rows that no loss can tell apart or compare. Soft groups may differ
 * in their memberships. */
static fv_status warn_of_groups(struct factor *f, const core_groups *groups)
{
	const int32_t *id = groups->id[CORE_TRAIN];
	int32_t known = 0, occur = 0, last = -1, n = f->rows->n[CORE_TRAIN];
	bool *seen = core_alloc(f->ctx, (size_t)groups->groups, sizeof *seen);
	if (!seen)
		return FV_FAILED;
	for (int32_t i = 0; i < n; i++) {
		if (id[i] < 0)
			continue;
		known++;
		last = id[i];
		occur += !seen[last];
		seen[last] = true;
	}
	if (!known)
		fv_warn(f->ctx, "grouper %s put none of the %d training rows into a group",
			f->plugin, n);
	else if (occur == 1 && known > 1 && !groups->member[CORE_TRAIN])
		fv_warn(f->ctx,
			"grouper %s: all %d training rows of fold %lld that have a group are in "
			"group '%s': a loss has nothing to balance",
			f->plugin, known, (long long)f->fold, groups->name[last]);
	else if (occur == known && known > 2)
		fv_warn(f->ctx,
			"grouper %s: each of the %d training rows of fold %lld that have a group "
			"is alone in its group: such groups tell no more than the rows do",
			f->plugin, known, (long long)f->fold);
	return FV_OK;
}

static fv_status fit_and_assign(struct factor *f, core_groups *out)
{
	fv_grouper_input shown;
	fv_status status = make_input(f, CORE_TRAIN, &shown);
	if (status)
		return status;
	f->grouping.size = sizeof f->grouping;
	uint64_t before = hash_input(f, &shown, false);
	core_guard_enter(&f->guard, "fit", 0, false);
	status = f->ops->fit(f->state, f->ctx, &shown, &f->grouping);
	if (!status && core_scratch_holds(f->ctx, f->grouping.name))
		status = core_guard_fail(&f->guard, CORE_NAMES_IN_SCRATCH);
	status = core_guard_leave(&f->guard, status);
	core_scratch_reset(f->ctx);
	if (!status && hash_input(f, &shown, false) != before)
		status = core_guard_fail(&f->guard, "wrote into its input, which it may only read");
	if (!status)
		status = check_grouping(f);
	if (status)
		return status;
	out->groups = f->grouping.groups;
	out->probability = f->grouping.probability != 0;
	out->name = core_alloc(f->ctx, (size_t)out->groups, sizeof *out->name);
	for (int32_t g = 0; out->name && g < out->groups; g++)
		if (!(out->name[g] = core_strdup(f->ctx, f->grouping.name[g])))
			return FV_FAILED;
	for (int k = 0; k < core_rows_splits(f->rows) && !status; k++)
		status = out->name ? assign_split(f, k, out) : FV_FAILED;
	return status ? status : warn_of_groups(f, out);
}

static fv_status close_grouper(struct factor *f, fv_status status)
{
	if (!f->ops->close)
		return status;
	core_guard_enter(&f->guard, "close", 0, false);
	f->ops->close(f->state);
	fv_status closed = core_guard_leave(&f->guard, FV_OK);
	return status ? status : closed;
}

static fv_status infer_one(fv_ctx *ctx, const core_grouper_input *input, const core_corpus *corpus,
	const core_rows *rows, int64_t fold, core_groups *out)
{
	const fv_descriptor *d = input->spec->use.plugin->descriptor;
	struct factor f = {.ctx = ctx,
		.input = input,
		.corpus = corpus,
		.rows = rows,
		.ops = d->ops,
		.plugin = d->name,
		.fold = fold,
		.uses = input->spec->uses};
	core_guard_open(&f.guard, ctx, FV_GROUPER, d->name);
	f.state = core_alloc(ctx, 1, d->state_size);
	f.state_size = d->state_size;
	if (!f.state)
		return FV_FAILED;
	memcpy(f.state, input->spec->use.state, d->state_size);
	if (f.uses >= 2 * FV_USE_DURATION)
		return fv_fail(ctx, FV_FAILED,
			"grouper %s: uses() returned flags %#x, some of which do not exist",
			d->name, f.uses);
	f.guard.absent = core_absent_of_grouper(ctx, f.uses, input->seconds != NULL);
	fv_status status = find_column(&f);
	if (status)
		return status;
	if (f.uses & FV_USE_FEATURES) {
		fv_standardize kind =
			core_find_standardize(input->encoder, input->features->output);
		status = core_matrix_copy(
			ctx, input->features, input->corpus_row, corpus, rows, kind, &f.matrix);
	}
	if (!status)
		status = fit_and_assign(&f, out);
	core_matrix_free(&f.matrix);
	return close_grouper(&f, status);
}

static float find_membership(const core_groups *g, int split, size_t i, int32_t group)
{
	if (g->member[split])
		return g->member[split][i * (size_t)g->groups + (size_t)group];
	return g->id[split][i] == group ? 1.0f : 0.0f;
}

static fv_status cross_members(fv_ctx *ctx, const core_groups *a, const core_groups *b, int split,
	size_t n, core_groups *out)
{
	size_t groups = (size_t)out->groups;
	float *member = core_alloc(ctx, n * groups, sizeof *member);
	if (!member)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++)
		for (int32_t g = 0; g < out->groups; g++)
			member[i * groups + (size_t)g] =
				find_membership(a, split, i, g / b->groups) *
				find_membership(b, split, i, g % b->groups);
	out->member[split] = member;
	return FV_OK;
}

/* Replaces a by the product a x b. */
static fv_status cross_groups(
	fv_ctx *ctx, core_groups *a, const core_groups *b, const core_rows *rows)
{
	if ((int64_t)a->groups * b->groups > CORE_GROUPS_MAX)
		return fv_fail(ctx, FV_CONFIG, "the product of groupers has over %d groups",
			CORE_GROUPS_MAX);
	core_groups out = {
		.groups = a->groups * b->groups, .probability = a->probability || b->probability};
	out.name = core_alloc(ctx, (size_t)out.groups, sizeof *out.name);
	for (int32_t g = 0; out.name && g < out.groups; g++)
		out.name[g] =
			core_format(ctx, "%s x %s", a->name[g / b->groups], b->name[g % b->groups]);
	if (!out.name)
		return FV_FAILED;
	bool soft = a->member[CORE_TRAIN] || b->member[CORE_TRAIN];
	for (int k = 0; k < core_rows_splits(rows); k++) {
		size_t n = (size_t)rows->n[k];
		out.id[k] = core_alloc(ctx, n, sizeof **out.id);
		if (!out.id[k])
			return FV_FAILED;
		for (size_t i = 0; i < n; i++)
			out.id[k][i] = a->id[k][i] < 0 || b->id[k][i] < 0
					       ? -1
					       : a->id[k][i] * b->groups + b->id[k][i];
		fv_status status = soft ? cross_members(ctx, a, b, k, n, &out) : FV_OK;
		if (status)
			return status;
	}
	*a = out;
	return FV_OK;
}

fv_status core_groups_infer(fv_ctx *ctx, const core_grouper_input *input, int32_t n,
	const core_corpus *corpus, const core_rows *rows, uint64_t seed, int64_t fold,
	core_groups *out)
{
	*out = (core_groups){0};
	fv_status status = FV_OK;
	for (int32_t i = 0; i < n && !status; i++) {
		const core_grouper_spec *spec = input[i].spec;
		core_groups next = {0};
		core_ctx_set_run(ctx, spec->has_seed ? (uint64_t)spec->seed : seed, fold);
		status = infer_one(ctx, &input[i], corpus, rows, fold, i ? &next : out);
		if (!status && i)
			status = cross_groups(ctx, out, &next, rows);
	}
	core_ctx_set_run(ctx, seed, fold);
	return status;
}
