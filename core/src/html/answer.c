/* SPDX-License-Identifier: Apache-2.0 */
/* Section 1: the study in five lines. */
#include <math.h>
#include <string.h>

#include "base/markup.h"
#include "html/page.h"
#include "report/decimal.h"
#include "report/effects.h"
#include "report/short_table.h"
#include "report/value_text.h"

static const core_estimate *get_own(const core_html_page *page, size_t row)
{
	const core_mean *m = &core_grid_row_at(page->grid, row)->value[page->column];
	return core_short_is_pooled(page->grid) ? &m->pooled : &m->fold_mean;
}

static void put_line(core_html_page *page, const char *question, core_text *answer)
{
	core_html_element(page->out, "dt", NULL, question);
	core_html_element(page->out, "dd", NULL, answer->data ? answer->data : "");
	page->out->failed |= answer->failed;
	core_text_free(answer);
}

/* --- what was studied ------------------------------------------------------------------------- */

static void put_groups(core_text *out, const core_test_set *test)
{
	for (int32_t a = 0; a < test->n_attributes; a++) {
		const core_eval_attribute *attribute = &test->attribute[a];
		core_text_add(out, "%s%s: ", a ? "; " : " (", attribute->name);
		for (int32_t g = 0; g < attribute->G; g++)
			core_text_add(out, "%s%s %lld", g ? ", " : "", attribute->group[g],
				(long long)test->speakers[a][g]);
	}
	core_text_add(out, "%s", test->n_attributes ? ")" : "");
}

static void answer_what(core_html_page *page)
{
	const core_grid *grid = page->grid;
	core_text out = {0};
	int64_t done = 0, runs = 0;
	for (size_t i = 0; i < grid->n_rows; i++) {
		done += grid->row[i].done;
		runs += grid->row[i].runs;
	}
	core_text_add(&out, "%zu variant%s, %lld of %lld runs finished.", grid->n_rows,
		grid->n_rows == 1 ? "" : "s", (long long)done, (long long)runs);
	if (grid->tests.n_sets > 1)
		core_text_add(&out, " They were tested on %d different sets of recordings.",
			grid->tests.n_sets);
	if (grid->tests.n_sets == 1) {
		const core_test_set *test = &grid->tests.set[0];
		int64_t speakers = core_html_count_speakers(page, test);
		core_text_add(&out, " Tested on %lld recordings", (long long)test->n);
		if (speakers)
			core_text_add(&out, " of %lld speakers", (long long)speakers);
		put_groups(&out, test);
		core_text_add(&out, ", %d classes, %lld fold%s.", test->C, (long long)grid->folds,
			grid->folds == 1 ? "" : "s");
	}
	put_line(page, "What was compared?", &out);
}

/* --- is there a gap --------------------------------------------------------------------------- */

/* Returns why a run's metric is undefined; NULL: it does not say. */
static const char *find_reason(const core_html_page *page, const core_grid_row *row)
{
	const core_grid_column *c = &page->grid->column[page->column];
	const json_t *list = row->variant && row->variant->n_folds
				     ? json_object_get(row->variant->used[0]->metrics, "undefined")
				     : NULL;
	size_t i;
	json_t *one;
	json_array_foreach((json_t *)list, i, one)
	{
		const char *metric = json_string_value(json_object_get(one, "metric"));
		const char *attribute = json_string_value(json_object_get(one, "attribute"));
		if (metric && !strcmp(metric, c->metric) &&
			(!c->attribute || (attribute && !strcmp(attribute, c->attribute))))
			return json_string_value(json_object_get(one, "reason"));
	}
	return NULL;
}

/* Is the variant without debiasing, with the bias of the study and of the newest build, or what others are compared
 * with? */
static bool is_asked(const core_html_page *page, size_t row)
{
	const core_grid_row *r = &page->grid->row[row];
	bool asked = core_row_is_plain(r, false) || (int64_t)row == page->reference;
	return r->variant->n_folds && asked;
}

/* Lists the variants that the answer is about: without any that is_asked, the first with finished runs. */
static size_t list_asked(const core_html_page *page, size_t *row)
{
	const core_grid *grid = page->grid;
	size_t n = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		if (is_asked(page, i))
			row[n++] = i;
	for (size_t i = 0; i < grid->n_rows && !n; i++)
		if (grid->row[i].variant->n_folds)
			row[n++] = i;
	return n;
}

static const char *explain_undefined(const core_html_page *page, size_t row)
{
	const core_grid_row *r = core_grid_row_at(page->grid, row);
	const char *reason = r->reason ? r->reason : find_reason(page, r);
	return reason ? reason : "no fold has the value";
}

static void put_gap(core_html_page *page, size_t row, core_text *out)
{
	const core_estimate *e = get_own(page, row);
	const char *name = core_html_name_row(page, row);
	const char *metric = core_html_name_column(page, (size_t)page->column);
	if (isnan(e->value)) {
		core_text_add(out, "Undefined: %s", explain_undefined(page, row));
		return;
	}
	if (isnan(e->p))
		core_text_add(out, "Not tested: ");
	else
		core_text_add(out, "%s: ",
			e->p <= CORE_SIGNIFICANT ? "Yes" : "Not beyond what chance alone gives");
	core_text_add(out, "the %s of %s is %.3f", metric, name, e->value);
	if (!isnan(e->null_mean))
		core_text_add(
			out, "; if groups had no effect it would be %.3f on average", e->null_mean);
	core_html_put_p(out, e->p);
	core_text_add(out, ".");
}

static bool are_plain(const core_html_page *page, const size_t *row, size_t n)
{
	bool plain = true;
	for (size_t i = 0; i < n; i++) {
		const core_run_facts *facts = page->grid->row[row[i]].facts;
		plain = plain && facts && facts->plain;
	}
	return plain;
}

/* "Yes, in 1 of 3 variants ..." */
static void put_verdict(core_html_page *page, const size_t *row, size_t n, core_text *out)
{
	size_t yes = 0, tested = 0;
	for (size_t i = 0; i < n; i++) {
		double p = get_own(page, row[i])->p;
		tested += isnan(p) ? 0 : 1;
		yes += p <= CORE_SIGNIFICANT;
	}
	if (!tested)
		core_text_add(out, "Not tested in any of %zu variants", n);
	else if (yes)
		core_text_add(out, "Yes, in %zu of %zu variants", yes, n);
	else
		core_text_add(out, "Not beyond what chance alone gives in any of %zu variants", n);
	bool plain = are_plain(page, row, n);
	core_text_add(out, "%s", plain ? " without debiasing" : "");
	if (tested && tested < n)
		core_text_add(out, ", %zu of which could not be tested", n - tested);
	if (tested)
		core_text_add(out, " (each is tested alone: p is not adjusted for their number)");
}

/* Names every variant, with its gap, the gap by chance, and p. */
static void put_gaps(core_html_page *page, const size_t *row, size_t n, core_text *out)
{
	put_verdict(page, row, n, out);
	core_text_add(out, ". The %s, and what it would be on average if groups had no effect: ",
		core_html_name_column(page, (size_t)page->column));
	for (size_t i = 0; i < n; i++) {
		const core_estimate *e = get_own(page, row[i]);
		core_text_add(out, "%s%s ", i ? "; " : "", core_html_name_row(page, row[i]));
		if (isnan(e->value)) {
			core_text_add(out, "undefined (%s)", explain_undefined(page, row[i]));
			continue;
		}
		core_text_add(out, "%.3f", e->value);
		if (!isnan(e->null_mean))
			core_text_add(out, " against %.3f", e->null_mean);
		core_html_put_p(out, e->p);
	}
	core_text_add(out, ".");
}

static fv_status answer_gap(core_html_page *page)
{
	core_text out = {0};
	const core_grid *grid = page->grid;
	size_t *row = core_alloc(page->ctx, grid->n_rows + 1, sizeof *row);
	if (!row)
		return FV_FAILED;
	size_t n = list_asked(page, row);
	if (page->column < 0 || !n)
		core_text_add(&out, "Cannot be said: no run was evaluated by an attribute "
				    "(eval.attributes).");
	else if (!core_column_is_gap(&grid->column[page->column]))
		core_text_add(&out, "Variants are compared by %s, which is no gap: %.3f for %s.",
			core_html_name_column(page, (size_t)page->column),
			get_own(page, row[0])->value, core_html_name_row(page, row[0]));
	else if (n == 1)
		put_gap(page, row[0], &out);
	else
		put_gaps(page, row, n, &out);
	put_line(page, "Is there a gap?", &out);
	return FV_OK;
}

/* --- what closes it, at what cost ------------------------------------------------------------- */

/* Counts the variants with a change, and those whose main figure improves with p <= .05. */
static size_t count_better(const core_html_page *page, size_t *n)
{
	size_t better = 0;
	bool up = core_metric_at(page->grid->column[page->column].id)->higher_is_better;
	*n = 0;
	for (size_t i = 0; i < page->grid->n_rows; i++) {
		const core_effect *e = &page->grid->row[i].effect;
		if (e->reference < 0 || e->reason)
			continue;
		double change = e->diff[page->column].value;
		++*n;
		better += e->adjusted[page->column] <= CORE_SIGNIFICANT &&
			  (up ? change > 0 : change < 0);
	}
	return better;
}

/* "-0.156 [-0.188, -0.104], p .0036" */
static void put_change(const core_effect *effect, size_t column, core_text *out)
{
	const core_estimate *e = &effect->diff[column];
	core_put_signed(out, e->value);
	if (!isnan(e->low)) {
		core_text_add(out, " [");
		core_put_signed(out, e->low);
		core_text_add(out, ", ");
		core_put_signed(out, e->high);
		core_text_add(out, "]");
	}
	core_html_put_p(out, effect->adjusted[column]);
}

static void answer_closes(core_html_page *page)
{
	core_text out = {0};
	size_t n = 0, better = page->column >= 0 ? count_better(page, &n) : 0;
	const core_effect *e = page->best >= 0 ? &page->grid->row[page->best].effect : NULL;
	if (!n && core_effects_only_plain(page->grid)) {
		core_text_add(&out, "Cannot be said: every variant with finished runs is without "
				    "debiasing.");
	} else if (!n) {
		core_text_add(&out, "Cannot be said: no variant could be compared with training "
				    "without debiasing.");
	} else if (!e || e->reference < 0 || e->reason) {
		core_text_add(
			&out, "No variant was chosen: the development rows do not rank them.");
	} else {
		const core_estimate *own = get_own(page, (size_t)page->best);
		core_text_add(&out, "%s, the best on development rows, changes the %s by ",
			core_html_name_row(page, (size_t)page->best),
			core_html_name_column(page, (size_t)page->column));
		put_change(e, (size_t)page->column, &out);
		core_text_add(&out, ", to %.3f", own->value);
		if (!isnan(own->excess))
			core_text_add(&out, " (%.3f above chance)", own->excess);
		core_text_add(&out, ".");
	}
	if (n)
		core_text_add(&out,
			" Of %zu variants compared, %zu improve it with adjusted p ≤ .05.", n,
			better);
	put_line(page, "Which variant closes it?", &out);
}

/* What the best and the worst group of the reference lose or gain. */
static void put_levelling(core_html_page *page, const core_grid_row *row, core_text *out)
{
	const core_grid_column *c = &page->grid->column[page->column];
	const core_test_set *test = row->scores.test;
	for (int32_t a = 0; test && c->attribute && a < test->n_attributes; a++) {
		const core_levelling *l = &row->effect.levelling[a];
		int32_t flags = 0;
		if (strcmp(test->attribute[a].name, c->attribute) != 0 ||
			isnan(l->mean.best_change))
			continue;
		for (int32_t k = 0; k < test->C; k++)
			flags += l->per_class[k].flag;
		core_text_add(out,
			" True positive rates, on average over classes: the better group's changes "
			"by %+.3f, the worse group's by %+.3f; levelled down in %d of %d classes.",
			l->mean.best_change, l->mean.worst_change, flags, test->C);
	}
}

static void answer_cost(core_html_page *page)
{
	core_text out = {0};
	const core_grid *grid = page->grid;
	const core_grid_row *row = page->best >= 0 ? &grid->row[page->best] : NULL;
	bool any = false;
	if (!row || row->effect.reference < 0 || row->effect.reason) {
		core_text_add(&out, "Cannot be said without a comparison.");
	} else {
		for (size_t j = 0; j < grid->n_columns; j++) {
			const char *name = grid->column[j].metric;
			if (grid->column[j].attribute || isnan(row->effect.diff[j].value) ||
				(strcmp(name, "f1") != 0 && strcmp(name, "uar") != 0))
				continue;
			core_text_add(
				&out, "%s%s ", any ? "; " : "", core_html_name_column(page, j));
			put_change(&row->effect, j, &out);
			any = true;
		}
		core_text_add(&out, "%s", any ? "." : "");
		if (page->column >= 0)
			put_levelling(page, row, &out);
	}
	put_line(page, "At what cost?", &out);
}

/* --- what cannot be told ---------------------------------------------------------------------- */

/* Can no comparison reach p <= .05, however large the effect? */
static bool is_floor_too_high(const core_html_page *page, size_t n)
{
	return n && (double)n / (double)(page->grid->options.draws.n + 1) > CORE_SIGNIFICANT;
}

static void answer_not(core_html_page *page)
{
	const core_grid *grid = page->grid;
	core_text out = {0};
	size_t n = 0;
	if (page->column >= 0)
		(void)count_better(page, &n);
	if (grid->synthetic)
		core_text_add(&out, "Synthetic speech: these numbers say nothing about people. ");
	if (page->column >= 0 && grid->column[page->column].few_speakers)
		core_text_add(&out,
			"A group of %s has fewer than 10 speakers: its figures may be "
			"those of these speakers. ",
			grid->column[page->column].attribute);
	if (is_floor_too_high(page, n))
		core_text_add(&out,
			"%zu comparisons with %lld draws cannot reach p ≤ .05: raise "
			"--draws. ",
			n, (long long)grid->options.draws.n);
	if (!core_short_is_pooled(grid))
		core_text_add(
			&out, "No nulls and no changes: the folds do not form one test set. ");
	core_text_add(&out,
		"Whether other corpora, other attributes or other draws of the data would show the "
		"same. An adjusted p above .05 does not mean that there is no difference.");
	put_line(page, "What can it not tell?", &out);
}

fv_status core_html_answer(core_html_page *page)
{
	core_text_add(page->out, "<dl class=answer>\n");
	answer_what(page);
	fv_status status = answer_gap(page);
	answer_closes(page);
	answer_cost(page);
	answer_not(page);
	core_text_add(page->out, "</dl>\n");
	return status;
}
