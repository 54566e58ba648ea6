/* SPDX-License-Identifier: Apache-2.0 */
#include "report/evidence.h"

#include <string.h>

#include "base/file.h"
#include "eval/predictions.h"

/* What one seed of a cell predicted, all folds; lives in a context of its own. */
struct seed_rows {
	core_predictions p;
	int64_t *fold; /* [n] */
};

static fv_status read_seed(
	fv_ctx *ctx, const core_result_cell *cell, int32_t seed, struct seed_rows *out)
{
	core_predictions *part = core_alloc(ctx, (size_t)cell->n_folds, sizeof *part);
	if (!part)
		return FV_FAILED;
	for (int32_t f = 0; f < cell->n_folds; f++) {
		const core_result *run = cell->used[f * cell->n_seeds + seed];
		char *path = core_path_join(ctx, run->dir, "predictions.csv");
		fv_status status =
			path ? core_predictions_read(ctx, path, NULL, &part[f]) : FV_FAILED;
		if (status)
			return status;
	}
	return core_predictions_concat(ctx, cell->n_folds, part, cell->fold, &out->p, &out->fold);
}

static bool same_texts(int64_t n, const char *const *a, const char *const *b)
{
	for (int64_t i = 0; i < n; i++)
		if (strcmp(a[i], b[i]))
			return false;
	return true;
}

static bool same_attribute(const core_eval_attribute *a, const core_predictions *p)
{
	const core_text_column *column = core_predictions_column(p, a->name);
	for (int64_t i = 0; column && i < p->n; i++)
		if (strcmp(a->id[i] < 0 ? "" : a->group[a->id[i]], column->value[i]))
			return false;
	return column != NULL;
}

/* Is it the same people saying the same things, folds, labels and attributes included? */
static bool same_rows(const core_test_set *t, const struct seed_rows *s)
{
	const core_predictions *p = &s->p;
	bool same = t->n == p->n && t->C == p->C && p->speaker.value &&
		    same_texts(t->C, t->classes, p->classes) &&
		    same_texts(t->n, t->stem, p->stem) &&
		    same_texts(t->n, t->rows.speaker, p->speaker.value) &&
		    !memcmp(t->rows.fold, s->fold, (size_t)t->n * sizeof *s->fold) &&
		    !memcmp(t->label, p->label, (size_t)(t->n * t->C) * sizeof *p->label);
	for (int32_t a = 0; a < t->n_attributes && same; a++)
		same = same_attribute(&t->attribute[a], p);
	return same;
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

/* Who stands behind each group; a speaker with two values of an attribute is an error. */
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

int64_t core_test_fewest(const core_test_set *test, int32_t attribute)
{
	int64_t least = INT64_MAX;
	for (int32_t g = 0; g < test->attribute[attribute].G; g++)
		if (test->speakers[attribute][g] < least)
			least = test->speakers[attribute][g];
	return least;
}

static fv_status make_attributes(
	fv_ctx *ctx, const core_result *run, const core_predictions *p, core_test_set *t)
{
	while (core_result_attribute(run, (size_t)t->n_attributes))
		t->n_attributes++;
	t->attribute = core_alloc(ctx, (size_t)t->n_attributes + 1, sizeof *t->attribute);
	if (!t->attribute)
		return FV_FAILED;
	for (int32_t a = 0; a < t->n_attributes; a++) {
		const char *name = core_strdup(ctx, core_result_attribute(run, (size_t)a));
		const core_text_column *column = name ? core_predictions_column(p, name) : NULL;
		if (!column)
			return fv_fail(ctx, FV_DATA,
				"%s: metrics.json has the attribute '%s', "
				"predictions.csv does not",
				run->dir, name ? name : "");
		const char **value = copy_texts(ctx, p->n, column->value);
		if (!value ||
			core_eval_attribute_make(ctx, name, p->n, value, NULL, 0, &t->attribute[a]))
			return FV_FAILED;
	}
	return FV_OK;
}

static fv_status add_test(
	fv_ctx *ctx, const core_result_cell *cell, const struct seed_rows *s, core_evidences *out)
{
	const core_predictions *p = &s->p;
	core_test_set *t = &out->test[out->n_tests++];
	*t = (core_test_set){.n = p->n, .C = p->C, .first = cell};
	t->classes = copy_texts(ctx, p->C, p->classes);
	t->stem = copy_texts(ctx, p->n, p->stem);
	t->label = copy_bytes(ctx, p->label, (size_t)(p->n * p->C) * sizeof *p->label);
	t->rows = (core_eval_rows){.n = p->n,
		.speaker = copy_texts(ctx, p->n, p->speaker.value),
		.fold = copy_bytes(ctx, s->fold, (size_t)p->n * sizeof *s->fold)};
	if (!t->classes || !t->stem || !t->label || !t->rows.speaker || !t->rows.fold)
		return FV_FAILED;
	fv_status status = make_attributes(ctx, cell->used[0], p, t);
	return status ? status : count_speakers(ctx, t);
}

static fv_status find_test(fv_ctx *ctx, const core_result_cell *cell, const struct seed_rows *s,
	core_evidences *out, int32_t *index)
{
	for (*index = 0; *index < out->n_tests; ++*index)
		if (same_rows(&out->test[*index], s))
			return FV_OK;
	return add_test(ctx, cell, s, out);
}

/* Every row has a speaker, and no speaker is in the test sets of two folds. */
static bool one_set(fv_ctx *own, const struct seed_rows *s)
{
	core_speakers speakers;
	core_eval_rows rows = {.n = s->p.n, .speaker = s->p.speaker.value, .fold = s->fold};
	return rows.speaker && core_speakers_make(own, &rows, &speakers) == FV_OK;
}

/* Reasons for which the rows of several folds are no single set; the table goes on without. */
static fv_status not_one_set(fv_ctx *ctx, const fv_ctx *own, core_evidence *e)
{
	const char *line = core_error_line(own, 0);
	e->reason = core_strdup(ctx, line ? line : "its folds are no single test set");
	return e->reason ? FV_OK : FV_FAILED;
}

static fv_status read_cell_seeds(fv_ctx *ctx, fv_ctx *own, const core_result_cell *cell,
	core_evidences *all, core_evidence *e)
{
	core_eval_set *set = core_alloc(ctx, (size_t)cell->n_seeds, sizeof *set);
	if (!set)
		return FV_FAILED;
	for (int32_t k = 0; k < cell->n_seeds; k++) {
		struct seed_rows s = {0};
		int32_t test;
		fv_status status = read_seed(own, cell, k, &s);
		if (status && !s.p.n)
			return status;
		if (status || !one_set(own, &s))
			return not_one_set(ctx, own, e);
		status = find_test(ctx, cell, &s, all, &test);
		if (status)
			return status;
		if (k && test != e->test)
			return fv_fail(ctx, FV_DATA,
				"%s: seeds %lld and %lld were tested on "
				"different rows or labels",
				cell->dir, (long long)cell->seed[0], (long long)cell->seed[k]);
		e->test = test;
		const core_test_set *t = &all->test[test];
		set[k] = (core_eval_set){.n = t->n,
			.C = t->C,
			.prob = copy_bytes(ctx, s.p.prob, (size_t)(t->n * t->C) * sizeof *s.p.prob),
			.label = t->label};
		if (!set[k].prob)
			return FV_FAILED;
	}
	e->n_seeds = cell->n_seeds;
	e->set = set;
	return FV_OK;
}

static fv_status read_cell(
	fv_ctx *ctx, const core_result_cell *cell, core_evidences *all, core_evidence *e)
{
	e->test = -1;
	if (!cell->n_folds) {
		e->reason = "no run is done";
		return FV_OK;
	}
	fv_ctx *own = core_ctx_aside(ctx); /* the files' text is not kept */
	if (!own)
		return FV_FAILED;
	fv_status status = core_ctx_rejoin(ctx, own, read_cell_seeds(ctx, own, cell, all, e));
	if (e->reason)
		e->test = -1;
	return status;
}

fv_status core_evidence_read(fv_ctx *ctx, const core_results *results, core_evidences *out)
{
	*out = (core_evidences){.test = core_alloc(ctx, results->n, sizeof *out->test),
		.cell = core_alloc(ctx, results->n, sizeof *out->cell)};
	if (!out->test || !out->cell)
		return FV_FAILED;
	for (size_t i = 0; i < results->n; i++) {
		fv_status status = read_cell(ctx, &results->cell[i], out, &out->cell[i]);
		if (status)
			return status;
	}
	return FV_OK;
}
