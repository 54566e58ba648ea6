/* SPDX-License-Identifier: Apache-2.0 */
#include "report/claims.h"

#include <math.h>
#include <string.h>

#include "eval/families.h"
#include "report/effects.h"
#include "report/value_text.h"

enum { FEW_SPEAKERS = 10 };

const char *core_claim_answer_name(core_claim_answer answer)
{
	static const char *const names[] = {"undecided", "yes", "no", "left out"};
	return names[answer];
}

/* Does the claim say that there is a change: is 0 not on its side? */
static bool is_test(const core_claim *claim)
{
	return claim->above ? claim->bound >= 0 : claim->bound <= 0;
}

/* --- comparisons ------------------------------------------------------------------------------ */

static int32_t find_attribute(const core_test_set *test, const char *name)
{
	for (int32_t a = 0; a < test->n_attributes; a++)
		if (!strcmp(test->attribute[a].name, name))
			return a;
	return -1;
}

/* Was any run evaluated by the attribute? */
static bool has_attribute(const core_grid *grid, const char *name)
{
	for (int32_t t = 0; t < grid->tests.n_sets; t++)
		if (find_attribute(&grid->tests.set[t], name) >= 0)
			return true;
	return false;
}

static const core_test_set *find_test(const core_grid *grid, const core_claim_comparison *c)
{
	return &grid->tests.set[grid->tests.variant[c->pair[0].row].test];
}

/* Returns why the rows of a comparison cannot be compared or averaged; NULL: they can. */
static const char *find_reason(
	const core_grid *grid, const core_claim *claim, const core_claim_comparison *c)
{
	for (size_t k = 0; k < c->n; k++) {
		const char *reason = core_effect_reason(grid, c->pair[k].row, c->pair[k].against);
		if (!reason && k)
			reason = core_effect_reason(grid, c->pair[k].row, c->pair[0].row);
		if (reason)
			return reason;
	}
	if (!claim->attribute)
		return NULL;
	const core_test_set *test = find_test(grid, c);
	int32_t a = find_attribute(test, claim->attribute);
	if (a < 0)
		return "the test recordings lack the attribute";
	return core_smallest_group(test, a) < 2 ? "a group has one speaker" : NULL;
}

/* Puts the predictions of all rows of one side, seed by seed, into a list -> set [sum of seeds]. */
static void gather_sets(
	const core_grid *grid, const core_claim_comparison *c, bool against, core_eval_set *set)
{
	for (size_t k = 0; k < c->n; k++) {
		size_t row = against ? c->pair[k].against : c->pair[k].row;
		const core_variant_predictions *p = &grid->tests.variant[row];
		memcpy(set, p->set, (size_t)p->n_seeds * sizeof *set);
		set += p->n_seeds;
	}
}

/* Compares the two sides: a metric is averaged over rows as over seeds, with the same exchange of speakers in
 * all of them. */
static fv_status compare_sides(fv_ctx *ctx, const core_grid *grid, const core_claim *claim,
	const core_draws *draws, core_claim_comparison *c)
{
	const core_test_set *t = find_test(grid, c);
	int32_t n = (int32_t)c->n * grid->tests.variant[c->pair[0].row].n_seeds;
	int32_t a = claim->attribute ? find_attribute(t, claim->attribute) : -1;
	core_eval_set *own = core_alloc(ctx, (size_t)n, sizeof *own);
	core_eval_set *other = core_alloc(ctx, (size_t)n, sizeof *other);
	core_comparison result;
	core_draws limited = *draws;
	limited.family = is_test(claim) ? draws->family : 0;
	limited.only = (core_metric_mask)1 << claim->metric;
	limited.no_overall = a >= 0;
	if (!own || !other)
		return FV_FAILED;
	gather_sets(grid, c, false, own);
	gather_sets(grid, c, true, other);
	fv_status status = core_compare(ctx, n, own, other, &t->rows, t->classes, a >= 0,
		a >= 0 ? &t->attribute[a] : NULL, &limited, &result);
	if (!status)
		c->change = a >= 0 ? result.attribute[0].metric[claim->metric]
				   : result.metric[claim->metric];
	return status;
}

static fv_status compare_all(
	fv_ctx *ctx, const core_grid *grid, const core_draws *draws, const core_claim_results *all)
{
	fv_status status = FV_OK;
	core_draws limited = {.n = draws->n, .seed = draws->seed, .family = all->family};
	for (size_t i = 0; i < all->claims->n; i++)
		for (size_t k = 0; k < all->result[i].n && !status; k++) {
			core_claim_comparison *c = &all->result[i].comparison[k];
			core_mark mark = core_ctx_mark(ctx);
			if (!c->reason)
				status =
					compare_sides(ctx, grid, all->result[i].claim, &limited, c);
			core_ctx_release(ctx, mark);
		}
	return status;
}

static bool is_in_family(const core_claim_result *r, size_t comparison)
{
	return is_test(r->claim) && !r->comparison[comparison].reason;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Says why the comparison is undecided, or answers it. */
static void answer_comparison(const core_claim *claim, core_claim_comparison *c)
{
	const core_estimate *e = &c->change;
	bool below = e->high<claim->bound, above = e->low> claim->bound;
	bool no_zero = below ? claim->bound <= 0 : claim->bound >= 0; /* on the answer's side */
	if (c->reason)
		return;
	if (isnan(e->value))
		c->reason = "metric undefined";
	else if (isnan(e->low) || isnan(e->high))
		c->reason = "no interval";
	else if (!below && !above)
		c->reason = "bound inside interval";
	else if (is_test(claim) && no_zero && !(c->adjusted <= CORE_SIGNIFICANT))
		c->reason = "adjusted p > .05";
	else
		c->answer = above == claim->above ? CORE_CLAIM_YES : CORE_CLAIM_NO;
}

static core_claim_answer join_answers(const core_claim_result *r)
{
	size_t n[CORE_CLAIM_ANSWERS] = {0};
	core_claim_answer one = r->claim->any ? CORE_CLAIM_YES : CORE_CLAIM_NO;
	core_claim_answer every = r->claim->any ? CORE_CLAIM_NO : CORE_CLAIM_YES;
	for (size_t k = 0; k < r->n; k++)
		n[r->comparison[k].answer]++;
	if (n[one])
		return one;
	return n[every] == r->n ? every : CORE_CLAIM_UNDECIDED;
}

/* Adjusts the p-values of all tests together. */
static fv_status adjust_all(fv_ctx *ctx, const core_claim_results *all)
{
	double *p = core_alloc(ctx, (size_t)all->family + 1, sizeof *p);
	int32_t at = 0;
	if (!p)
		return FV_FAILED;
	for (size_t i = 0; i < all->claims->n; i++)
		for (size_t k = 0; k < all->result[i].n; k++)
			if (is_in_family(&all->result[i], k))
				p[at++] = all->result[i].comparison[k].change.p;
	fv_status status = core_holm(ctx, at, p, p);
	at = 0;
	for (size_t i = 0; i < all->claims->n; i++)
		for (size_t k = 0; k < all->result[i].n; k++)
			if (is_in_family(&all->result[i], k))
				all->result[i].comparison[k].adjusted = p[at++];
	return status;
}

static bool has_few_speakers(const core_grid *grid, const core_claim_result *r)
{
	for (size_t k = 0; k < r->n && r->claim->attribute; k++) {
		if (r->comparison[k].reason)
			continue;
		const core_test_set *test = find_test(grid, &r->comparison[k]);
		int32_t a = find_attribute(test, r->claim->attribute);
		if (core_smallest_group(test, a) < FEW_SPEAKERS)
			return true;
	}
	return false;
}

/* --- all claims ------------------------------------------------------------------------------- */

static fv_status open_claim(
	fv_ctx *ctx, const core_grid *grid, const core_claim *claim, core_claim_result *out)
{
	core_claim_pairs pairs;
	*out = (core_claim_result){.claim = claim};
	fv_status status = core_claim_pairs_find(ctx, grid, claim, &pairs);
	if (status)
		return status;
	if (!pairs.missing && claim->attribute && !has_attribute(grid, claim->attribute))
		pairs.missing = core_format(ctx, "no run was evaluated by %s", claim->attribute);
	out->reason = pairs.missing;
	if (out->reason) {
		out->answer = CORE_CLAIM_LEFT_OUT;
		return FV_OK;
	}
	out->comparison = core_alloc(ctx, pairs.n_comparisons + 1, sizeof *out->comparison);
	if (!out->comparison)
		return FV_FAILED;
	out->n = pairs.n_comparisons;
	for (size_t k = 0, at = 0; k < out->n; at += pairs.n_pairs[k++]) {
		core_claim_comparison *c = &out->comparison[k];
		*c = (core_claim_comparison){.n = pairs.n_pairs[k],
			.pair = pairs.pair + at,
			.change = core_estimate_of(NAN),
			.adjusted = NAN};
		c->reason = find_reason(grid, claim, c);
	}
	return FV_OK;
}

fv_status core_claims_answer(fv_ctx *ctx, const core_grid *grid, const core_claims *claims,
	const core_draws *draws, core_claim_results *out)
{
	fv_status status = FV_OK;
	*out = (core_claim_results){.claims = claims,
		.draws = draws->n,
		.result = core_alloc(ctx, claims->n + 1, sizeof *out->result)};
	if (!out->result)
		return FV_FAILED;
	for (size_t i = 0; i < claims->n && !status; i++) {
		core_claim_result *r = &out->result[i];
		status = open_claim(ctx, grid, &claims->claim[i], r);
		for (size_t k = 0; k < r->n; k++)
			out->family += is_in_family(r, k);
		out->few_speakers += !status && has_few_speakers(grid, r);
	}
	if (!status)
		status = compare_all(ctx, grid, draws, out);
	if (!status)
		status = adjust_all(ctx, out);
	for (size_t i = 0; i < claims->n && !status; i++) {
		core_claim_result *r = &out->result[i];
		for (size_t k = 0; k < r->n; k++)
			answer_comparison(r->claim, &r->comparison[k]);
		if (r->n)
			r->answer = join_answers(r);
		out->count[r->answer]++;
	}
	return status;
}
