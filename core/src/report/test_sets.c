/* SPDX-License-Identifier: Apache-2.0 */
#include "report/test_sets.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "eval/assess.h"
#include "eval/attribute_columns.h"
#include "eval/report_json.h"

/* Predictions of one seed of a variant, all folds. They live in a separate context. */
struct seed_rows {
	core_predictions p;
	int64_t *fold; /* [n] */
};

static bool same_texts(int64_t n, const char *const *a, const char *const *b)
{
	for (int64_t i = 0; i < n; i++)
		if (strcmp(a[i], b[i]))
			return false;
	return true;
}

/* Returns the group of a row; "": unknown. */
static const char *name_group(const core_eval_attribute *a, int64_t row)
{
	return a->id[row] < 0 ? "" : a->group[a->id[row]];
}

static fv_status have_same_groups(
	fv_ctx *ctx, const core_eval_attribute *a, const core_predictions *p, bool *same)
{
	core_eval_attribute own;
	core_mark before = core_ctx_mark(ctx);
	fv_status status = core_attribute_is_known(ctx, p, a->name, same);
	if (!status && *same)
		status = core_attribute_from_columns(
			ctx, p, "eval.attributes", a->name, CORE_MIN_SUPPORT, &own);
	for (int64_t i = 0; !status && *same && i < p->n; i++)
		*same = !strcmp(name_group(a, i), name_group(&own, i));
	core_ctx_release(ctx, before);
	return status;
}

static fv_status have_same_numbers(
	fv_ctx *ctx, const core_numeric_attribute *a, const core_predictions *p, bool *same)
{
	double *value;
	*same = core_predictions_column(p, a->name) != NULL;
	if (!*same)
		return FV_OK;
	core_mark before = core_ctx_mark(ctx);
	fv_status status = core_number_from_column(ctx, p, "eval.numeric", a->name, &value);
	for (int64_t i = 0; !status && *same && i < p->n; i++)
		*same = isnan(a->value[i]) ? isnan(value[i]) : a->value[i] == value[i];
	core_ctx_release(ctx, before);
	return status;
}

/* Are the rows the same: recordings, speakers, folds, labels and attributes? */
static fv_status have_same_rows(
	fv_ctx *ctx, const core_test_set *t, const struct seed_rows *s, bool *same)
{
	const core_predictions *p = &s->p;
	*same = t->n == p->n && t->C == p->C && p->speaker.value &&
		same_texts(t->C, t->classes, p->classes) && same_texts(t->n, t->stem, p->stem) &&
		same_texts(t->n, t->rows.speaker, p->speaker.value) &&
		!memcmp(t->rows.fold, s->fold, (size_t)t->n * sizeof *s->fold) &&
		!memcmp(t->label, p->label, (size_t)(t->n * t->C) * sizeof *p->label);
	fv_status status = FV_OK;
	for (int32_t a = 0; a < t->n_attributes && *same && !status; a++)
		status = have_same_groups(ctx, &t->attribute[a], p, same);
	for (int32_t k = 0; k < t->n_numeric && *same && !status; k++)
		status = have_same_numbers(ctx, &t->numeric[k], p, same);
	return status;
}

static const char **copy_texts(fv_ctx *ctx, int64_t n, const char *const *text)
{
	const char **copy = core_alloc(ctx, (size_t)n + 1, sizeof *copy);
	for (int64_t i = 0; i < n && copy; i++) {
		copy[i] = core_strdup(ctx, text[i]);
		if (!copy[i])
			return NULL;
	}
	return copy;
}

static void *copy_bytes(fv_ctx *ctx, const void *data, size_t size)
{
	void *copy = core_alloc(ctx, size + 1, 1);
	return copy ? memcpy(copy, data, size) : NULL;
}

/* Counts the speakers of each group. A speaker with two values of an attribute is an error. */
static fv_status count_speakers(fv_ctx *ctx, core_test_set *t)
{
	core_speakers speakers;
	core_cohort cohort;
	t->speakers = core_alloc(ctx, (size_t)t->n_attributes + 1, sizeof *t->speakers);
	fv_status status = t->speakers ? core_speakers_make(ctx, &t->rows, &speakers) : FV_FAILED;
	for (int32_t a = 0; a < t->n_attributes && !status; a++) {
		status = core_cohort_make(ctx, &t->rows, &speakers, &t->attribute[a], &cohort);
		t->speakers[a] = cohort.size;
	}
	return status;
}

int64_t core_smallest_group(const core_test_set *test, int32_t attribute)
{
	int64_t least = INT64_MAX;
	for (int32_t g = 0; g < test->attribute[attribute].G; g++)
		if (test->speakers[attribute][g] < least)
			least = test->speakers[attribute][g];
	return least;
}

/* Makes an attribute that outlives the predictions. */
static fv_status make_attribute(
	fv_ctx *ctx, const core_predictions *p, const char *name, core_eval_attribute *out)
{
	const core_text_column *column = core_predictions_column(p, name);
	if (!column) /* a product, whose values are new texts */
		return core_attribute_from_columns(
			ctx, p, "eval.attributes", name, CORE_MIN_SUPPORT, out);
	const char **value = copy_texts(ctx, p->n, column->value);
	return value ? core_eval_attribute_make(ctx, name, p->n, value, NULL, 0, out) : FV_FAILED;
}

/* Leaves out of each fold the groups of a product that have few rows there. */
static fv_status limit_to_folds(
	fv_ctx *ctx, const core_test_set *t, bool product, core_eval_attribute *a)
{
	if (!product)
		return FV_OK;
	int32_t *id = copy_bytes(ctx, a->id, (size_t)t->n * sizeof *id);
	int64_t *rows = core_alloc(ctx, (size_t)a->G + 1, sizeof *rows);
	if (!id || !rows)
		return FV_FAILED;
	for (int64_t from = 0, to; from < t->n; from = to) {
		memset(rows, 0, (size_t)a->G * sizeof *rows);
		for (to = from; to < t->n && t->rows.fold[to] == t->rows.fold[from]; to++)
			if (id[to] >= 0)
				rows[id[to]]++;
		for (int64_t i = from; i < to; i++)
			if (id[i] >= 0 && rows[id[i]] < CORE_MIN_SUPPORT)
				id[i] = -1;
	}
	a->id = id;
	return FV_OK;
}

/* Makes those of all attributes that the predictions have. */
static fv_status make_attributes(
	fv_ctx *ctx, const core_test_sets *all, const core_predictions *p, core_test_set *t)
{
	size_t n = (size_t)all->n_attributes + 1;
	t->attribute = core_alloc(ctx, n, sizeof *t->attribute);
	t->in_folds = core_alloc(ctx, n, sizeof *t->in_folds);
	if (!t->attribute || !t->in_folds)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (int32_t a = 0; a < all->n_attributes && !status; a++) {
		const char *name = all->attribute[a];
		core_eval_attribute *own = &t->attribute[t->n_attributes];
		core_eval_attribute *in_folds = &t->in_folds[t->n_attributes];
		bool known;
		status = core_attribute_is_known(ctx, p, name, &known);
		if (status || !known)
			continue;
		status = make_attribute(ctx, p, name, own);
		*in_folds = *own;
		if (!status)
			status =
				limit_to_folds(ctx, t, !core_predictions_column(p, name), in_folds);
		t->n_attributes++;
	}
	return status;
}

/* Reads the numeric attributes that the predictions have. */
static fv_status make_numeric(
	fv_ctx *ctx, const core_test_sets *all, const core_predictions *p, core_test_set *t)
{
	t->numeric = core_alloc(ctx, (size_t)all->numeric.n + 1, sizeof *t->numeric);
	fv_status status = t->numeric ? FV_OK : FV_FAILED;
	for (int32_t k = 0; k < all->numeric.n && !status; k++) {
		const char *name = all->numeric.item[k];
		double *value;
		if (!core_predictions_column(p, name))
			continue;
		status = core_number_from_column(ctx, p, "eval.numeric", name, &value);
		t->numeric[t->n_numeric++] = (core_numeric_attribute){name, value};
	}
	return status;
}

static fv_status add_test_set(fv_ctx *ctx, const core_variant_result *variant,
	const struct seed_rows *s, core_test_sets *out)
{
	const core_predictions *p = &s->p;
	core_test_set *t = &out->set[out->n_sets++];
	*t = (core_test_set){.n = p->n, .C = p->C, .first = variant};
	t->classes = copy_texts(ctx, p->C, p->classes);
	t->stem = copy_texts(ctx, p->n, p->stem);
	t->label = copy_bytes(ctx, p->label, (size_t)(p->n * p->C) * sizeof *p->label);
	t->rows = (core_eval_rows){.n = p->n,
		.speaker = copy_texts(ctx, p->n, p->speaker.value),
		.fold = copy_bytes(ctx, s->fold, (size_t)p->n * sizeof *s->fold)};
	if (!t->classes || !t->stem || !t->label || !t->rows.speaker || !t->rows.fold)
		return FV_FAILED;
	fv_status status = make_attributes(ctx, out, p, t);
	if (!status)
		status = make_numeric(ctx, out, p, t);
	return status ? status : count_speakers(ctx, t);
}

static fv_status find_test_set(fv_ctx *ctx, const core_variant_result *variant,
	const struct seed_rows *s, core_test_sets *out, int32_t *index)
{
	for (*index = 0; *index < out->n_sets; ++*index) {
		bool same;
		fv_status status = have_same_rows(ctx, &out->set[*index], s, &same);
		if (status || same)
			return status;
	}
	return add_test_set(ctx, variant, s, out);
}

/* --- reading a variant ------------------------------------------------------------------------ */

/* Joins the rows of all folds into one test set. Every row needs a speaker, and no recording or
 * speaker may be in two folds (FV_DATA otherwise). */
static fv_status join_folds(fv_ctx *own, const core_variant_result *variant,
	const core_predictions *part, struct seed_rows *out)
{
	core_speakers speakers;
	fv_status status = core_predictions_concat(
		own, variant->n_folds, part, variant->fold, &out->p, &out->fold);
	if (status)
		return status;
	core_eval_rows rows = {.n = out->p.n, .speaker = out->p.speaker.value, .fold = out->fold};
	if (!rows.speaker)
		return fv_fail(own, FV_DATA, "its predictions have no column SpkrID");
	return core_speakers_make(own, &rows, &speakers);
}

/* Reads from metrics.json what is not computed from counts: metrics of probabilities and of speakers. */
static void read_other_values(const json_t *metrics, const char *set, double *values)
{
	const json_t *own = set ? json_object_get(json_object_get(metrics, "tests"), set) : metrics;
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *metric = core_metric_at((core_metric_id)k);
		const json_t *value = json_object_get(json_object_get(own, metric->name), "value");
		if ((metric->kind & (CORE_METRIC_ROWS | CORE_METRIC_SPEAKERS)) &&
			json_is_number(value))
			values[k] = json_number_value(value);
	}
}

static fv_status compute_run_values(fv_ctx *own, const core_test_sets *all, const json_t *metrics,
	const core_predictions *p, core_variant_predictions *e, int32_t fold, int32_t seed)
{
	core_eval_set set = core_predictions_set(p);
	double *overall = (double *)core_run_values(all, e, fold, seed, -1);
	fv_status status = core_metric_values(own, &set, NULL, overall);
	read_other_values(metrics, all->name, overall);
	for (int32_t a = 0; a < all->n_attributes && !status; a++) {
		double *values = (double *)core_run_values(all, e, fold, seed, a);
		core_eval_attribute attribute;
		bool known;
		for (int k = 0; k < CORE_METRICS; k++)
			values[k] = NAN;
		status = core_attribute_is_known(own, p, all->attribute[a], &known);
		e->has[a] = e->has[a] && !status && known;
		if (status || !known)
			continue;
		status = core_attribute_from_columns(
			own, p, "eval.attributes", all->attribute[a], CORE_MIN_SUPPORT, &attribute);
		if (!status)
			status = core_metric_values(own, &set, &attribute, values);
	}
	return status;
}

/* Reads the predictions of one seed into part [n_folds]. */
static fv_status read_seed(fv_ctx *own, const core_variant_result *variant,
	const core_test_sets *all, int32_t seed, core_variant_predictions *e,
	core_predictions *part)
{
	fv_status status = FV_OK;
	for (int32_t f = 0; f < variant->n_folds && !status; f++) {
		const core_run_result *run = variant->used[f * variant->n_seeds + seed];
		char *path = core_path_join(own, run->dir, "predictions.csv");
		status = path ? core_predictions_read_split(own, path, NULL, all->name, &part[f])
			      : FV_FAILED;
		if (!status)
			status = core_report_read_options(own, run->metrics, &part[f]);
		if (!status)
			status = compute_run_values(own, all, run->metrics, &part[f], e, f, seed);
	}
	return status;
}

/* Copies the predictions of one seed out of the context of the files. */
static fv_status keep_seed(fv_ctx *ctx, const core_variant_result *variant,
	const struct seed_rows *s, int32_t seed, core_test_sets *all, core_variant_predictions *e,
	core_eval_set *set)
{
	int32_t test;
	fv_status status = find_test_set(ctx, variant, s, all, &test);
	if (status)
		return status;
	if (seed && test != e->test)
		return fv_fail(ctx, FV_DATA,
			"%s: seeds %lld and %lld were tested on different rows or labels",
			variant->dir, (long long)variant->seed[0], (long long)variant->seed[seed]);
	e->test = test;
	const core_test_set *t = &all->set[test];
	*set = (core_eval_set){.n = t->n,
		.C = t->C,
		.majority_only = s->p.majority_only,
		.prob = copy_bytes(ctx, s->p.prob, (size_t)(t->n * t->C) * sizeof *s->p.prob),
		.label = t->label,
		.cut = s->p.cut
			       ? copy_bytes(ctx, s->p.cut, (size_t)(t->n * t->C) * sizeof *s->p.cut)
			       : NULL};
	return set->prob && !set->cut == !s->p.cut ? FV_OK : FV_FAILED;
}

static fv_status read_seeds(fv_ctx *ctx, fv_ctx *own, const core_variant_result *variant,
	core_test_sets *all, core_variant_predictions *e)
{
	core_eval_set *set = core_alloc(ctx, (size_t)variant->n_seeds, sizeof *set);
	core_predictions *part = core_alloc(own, (size_t)variant->n_folds, sizeof *part);
	if (!set || !part)
		return FV_FAILED;
	for (int32_t k = 0; k < variant->n_seeds; k++) {
		struct seed_rows s = {0};
		fv_status status = read_seed(own, variant, all, k, e, part);
		if (status)
			return status;
		if (e->reason)
			continue; /* still reads the values of the other runs */
		status = join_folds(own, variant, part, &s);
		if (status == FV_DATA) {
			e->reason = core_strdup(ctx, core_error_line(own, 0));
			core_error_clear(own);
			if (!e->reason)
				return FV_FAILED;
			continue;
		}
		if (status)
			return status;
		status = keep_seed(ctx, variant, &s, k, all, e, &set[k]);
		if (status)
			return status;
	}
	e->set = set;
	return FV_OK;
}

/* Have all runs that count the set? */
static bool has_set(const core_variant_result *variant, const char *name)
{
	bool has = true;
	for (int32_t k = 0; k < variant->n_folds * variant->n_seeds; k++)
		has = has &&
		      json_object_get(json_object_get(variant->used[k]->metrics, "tests"), name);
	return has;
}

/* Allocates the values of the runs that count; all are NaN until they are computed. */
static fv_status alloc_values(
	fv_ctx *ctx, const core_test_sets *all, size_t runs, core_variant_predictions *e)
{
	size_t attributes = (size_t)all->n_attributes;
	size_t n = runs * (1 + attributes) * CORE_METRICS;
	e->value = core_alloc(ctx, n + 1, sizeof *e->value);
	e->has = core_alloc(ctx, attributes + 1, sizeof *e->has);
	if (!e->value || !e->has)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++)
		e->value[i] = NAN;
	return FV_OK;
}

static fv_status read_variant(fv_ctx *ctx, const core_variant_result *variant, core_test_sets *all,
	core_variant_predictions *e)
{
	size_t runs = (size_t)variant->n_folds * (size_t)variant->n_seeds;
	*e = (core_variant_predictions){.test = -1, .n_seeds = variant->n_seeds};
	fv_status status = alloc_values(ctx, all, runs, e);
	if (status)
		return status;
	if (!runs)
		e->reason = "no run is done";
	else if (all->name && !has_set(variant, all->name))
		e->reason = "its runs lack this test set";
	if (e->reason)
		return FV_OK;
	for (int32_t a = 0; a < all->n_attributes; a++)
		e->has[a] = true;
	fv_ctx *own = core_ctx_aside(ctx); /* holds the text of the files, released below */
	if (!own)
		return FV_FAILED;
	status = core_ctx_rejoin(ctx, own, read_seeds(ctx, own, variant, all, e));
	if (e->reason)
		e->test = -1;
	return status;
}

static bool is_listed(const char *const *list, int32_t n, const char *name)
{
	for (int32_t k = 0; k < n; k++)
		if (!strcmp(list[k], name))
			return true;
	return false;
}

/* Adds the numeric attributes of a run that are not listed yet. */
static fv_status add_numeric(fv_ctx *ctx, const core_run_result *run, core_test_sets *out)
{
	const char *name;
	json_t *value;
	core_strings *known = &out->numeric;
	json_object_foreach(json_object_get(run->metrics, "numeric"), name, value)
	{
		if (known->n == CORE_NUMERIC_MAX || is_listed(known->item, known->n, name))
			continue;
		if (!known->item)
			known->item = core_alloc(ctx, CORE_NUMERIC_MAX, sizeof *known->item);
		if (!known->item || !(known->item[known->n] = core_strdup(ctx, name)))
			return FV_FAILED;
		known->n++;
	}
	return FV_OK;
}

/* Adds the attributes of a run that are not listed yet. */
static fv_status add_attributes(fv_ctx *ctx, const core_run_result *run, core_test_sets *out)
{
	const char *name;
	for (size_t k = 0; (name = core_run_attribute(run, k)); k++) {
		if (is_listed(out->attribute, out->n_attributes, name))
			continue;
		const char **grown = core_alloc(ctx, (size_t)out->n_attributes + 1, sizeof *grown);
		if (!grown)
			return FV_FAILED;
		for (int32_t i = 0; i < out->n_attributes; i++)
			grown[i] = out->attribute[i];
		grown[out->n_attributes] = core_strdup(ctx, name);
		if (!grown[out->n_attributes++])
			return FV_FAILED;
		out->attribute = grown;
	}
	return FV_OK;
}

static fv_status add_run_names(fv_ctx *ctx, const core_run_result *run, core_test_sets *out)
{
	fv_status status = add_attributes(ctx, run, out);
	return status ? status : add_numeric(ctx, run, out);
}

fv_status core_test_sets_read(
	fv_ctx *ctx, const core_results *results, const char *set, core_test_sets *out)
{
	*out = (core_test_sets){.name = set,
		.set = core_alloc(ctx, results->n, sizeof *out->set),
		.variant = core_alloc(ctx, results->n, sizeof *out->variant)};
	if (!out->set || !out->variant)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (size_t i = 0; i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n && !status; k++)
			if (results->variant[i].run[k].status == CORE_RUN_DONE)
				status = add_run_names(ctx, &results->variant[i].run[k], out);
	for (size_t i = 0; i < results->n && !status; i++)
		status = read_variant(ctx, &results->variant[i], out, &out->variant[i]);
	return status;
}
