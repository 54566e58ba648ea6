/* SPDX-License-Identifier: Apache-2.0 */
#include "report/pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/families.h"
#include "eval/swap.h"
#include "report/effects.h"

/* Data shared by all pairs on a test set. */
struct ground {
	core_speakers speakers;
	core_cohort *cohort; /* [attributes] */
	core_draws draws;    /* with signs that are drawn once */
};

/* Counts of a variant: without an attribute, then with each. */
struct counted {
	core_system overall, *attribute;
};

static fv_status draw_signs(fv_ctx *ctx, const core_draws *draws, struct ground *g)
{
	size_t S = (size_t)g->speakers.S, n = (size_t)draws->n;
	int32_t *all = core_alloc(ctx, n * S + 1, sizeof *all);
	int32_t *one = core_alloc(ctx, 2 * S + 1, sizeof *one);
	if (!all || !one)
		return FV_FAILED;
	for (int64_t b = 0; b < draws->n; b++) {
		core_draw_signs(&g->speakers, draws, b, one);
		memcpy(all + (size_t)b * S, one, S * sizeof *one);
	}
	g->draws = *draws;
	g->draws.given = all;
	return FV_OK;
}

static fv_status make_ground(
	fv_ctx *ctx, const core_test_set *t, const core_draws *draws, struct ground *g)
{
	g->cohort = core_alloc(ctx, (size_t)t->n_attributes + 1, sizeof *g->cohort);
	fv_status status = g->cohort ? core_speakers_make(ctx, &t->rows, &g->speakers) : FV_FAILED;
	for (int32_t a = 0; a < t->n_attributes && !status; a++)
		status = core_cohort_make(
			ctx, &t->rows, &g->speakers, &t->attribute[a], &g->cohort[a]);
	return status ? status : draw_signs(ctx, draws, g);
}

static fv_status count_variant(fv_ctx *ctx, const core_variant_predictions *e,
	const core_test_set *t, const struct ground *g, struct counted *c)
{
	c->attribute = core_alloc(ctx, (size_t)t->n_attributes + 1, sizeof *c->attribute);
	if (!c->attribute)
		return FV_FAILED;
	fv_status status =
		core_system_make(ctx, e->n_seeds, e->set, &g->speakers, NULL, &c->overall);
	for (int32_t a = 0; a < t->n_attributes && !status; a++)
		status = core_system_make(
			ctx, e->n_seeds, e->set, &g->speakers, &t->attribute[a], &c->attribute[a]);
	return status;
}

/* Copies the columns of one attribute (NULL: of none) from a test. */
static void copy_columns(
	const core_grid *grid, const char *attribute, const core_swap *s, core_pair *pair)
{
	for (size_t j = 0; j < grid->n_columns; j++) {
		const core_grid_column *c = &grid->column[j];
		bool own = attribute && c->attribute ? !strcmp(attribute, c->attribute)
						     : attribute == c->attribute;
		if (!own)
			continue;
		pair->diff[j] = s->diff[c->id];
		pair->p[j] = s->p[c->id];
	}
}

static fv_status test_pair(fv_ctx *ctx, const core_grid *grid, const struct ground *grounds,
	const struct counted *counted, core_pair *pair)
{
	int32_t test = grid->tests.variant[pair->a].test;
	const core_test_set *t = &grid->tests.set[test];
	const struct ground *g = &grounds[test];
	const struct counted *a = &counted[pair->a], *b = &counted[pair->b];
	core_swap swap;
	core_mark before = core_ctx_mark(ctx); /* releases the memory of each test */
	fv_status status = core_swap_test(
		ctx, &g->speakers, NULL, &a->overall, &b->overall, &g->draws, NULL, &swap);
	if (!status)
		copy_columns(grid, NULL, &swap, pair);
	for (int32_t k = 0; k < t->n_attributes && !status; k++) {
		status = core_swap_test(ctx, &g->speakers, &g->cohort[k], &a->attribute[k],
			&b->attribute[k], &g->draws, NULL, &swap);
		if (!status)
			copy_columns(grid, t->attribute[k].name, &swap, pair);
	}
	core_ctx_release(ctx, before);
	return status;
}

static fv_status open_pair(fv_ctx *ctx, const core_grid *grid, size_t a, size_t b, core_pair *pair)
{
	size_t n = grid->n_columns;
	double *all = core_alloc(ctx, 4 * n, sizeof *all);
	if (!all)
		return FV_FAILED;
	for (size_t i = 0; i < 4 * n; i++)
		all[i] = NAN;
	*pair = (core_pair){.a = a,
		.b = b,
		.reason = core_effect_reason(grid, a, b),
		.diff = all,
		.p = all + n,
		.holm = all + 2 * n,
		.bh = all + 3 * n};
	return FV_OK;
}

static fv_status adjust_column(
	fv_ctx *ctx, core_pairs *pairs, size_t column, double *p, double *adjusted)
{
	int32_t n = (int32_t)pairs->n;
	for (int32_t i = 0; i < n; i++)
		p[i] = pairs->pair[i].p[column];
	fv_status status = core_holm(ctx, n, p, adjusted);
	for (int32_t i = 0; i < n && !status; i++)
		pairs->pair[i].holm[column] = adjusted[i];
	if (!status)
		status = core_benjamini_hochberg(ctx, n, p, adjusted);
	for (int32_t i = 0; i < n && !status; i++)
		pairs->pair[i].bh[column] = adjusted[i];
	return status;
}

static fv_status prepare_tests(
	fv_ctx *ctx, const core_grid *grid, struct ground *grounds, struct counted *counted)
{
	fv_status status = FV_OK;
	for (int32_t t = 0; t < grid->tests.n_sets && !status; t++)
		status = make_ground(ctx, &grid->tests.set[t], &grid->options.draws, &grounds[t]);
	for (size_t i = 0; i < grid->n_rows && !status; i++) {
		const core_variant_predictions *e = &grid->tests.variant[i];
		if (!e->reason)
			status = count_variant(
				ctx, e, &grid->tests.set[e->test], &grounds[e->test], &counted[i]);
	}
	return status;
}

fv_status core_pairs_make(fv_ctx *ctx, const core_grid *grid, core_pairs *out)
{
	size_t n = grid->n_rows, most = n * (n - 1) / 2;
	*out = (core_pairs){.grid = grid, .pair = core_alloc(ctx, most + 1, sizeof *out->pair)};
	struct ground *grounds = core_alloc(ctx, (size_t)grid->tests.n_sets + 1, sizeof *grounds);
	struct counted *counted = core_alloc(ctx, n, sizeof *counted);
	double *p = core_alloc(ctx, 2 * most + 1, sizeof *p);
	if (!out->pair || !grounds || !counted || !p)
		return FV_FAILED;
	fv_status status = prepare_tests(ctx, grid, grounds, counted);
	for (size_t a = 0; a < n && !status; a++)
		for (size_t b = a + 1; b < n && !status; b++) {
			core_pair *pair = &out->pair[out->n++];
			status = open_pair(ctx, grid, a, b, pair);
			if (!status && !pair->reason)
				status = test_pair(ctx, grid, grounds, counted, pair);
		}
	for (size_t j = 0; j < grid->n_columns && !status; j++)
		status = adjust_column(ctx, out, j, p, p + most);
	return status;
}
