/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to claims as tables: one for people, a line a claim, and two for programs, claims and comparisons. */
#include <math.h>
#include <string.h>

#include "base/plural.h"
#include "report/claims.h"
#include "report/effects.h"
#include "report/value_text.h"

/* What the functions of this file work on. */
struct making {
	fv_ctx *ctx;
	const core_grid *grid;
	const core_claim_results *all;
	const char *const *name; /* of rows for people; NULL: their labels */
	core_document *document;
};

/* --- words ------------------------------------------------------------------------------------ */

static const char *name_row(const struct making *m, size_t row)
{
	return m->name ? m->name[row] : m->grid->row[row].label;
}

/* Names the rows of one side, each once: "A; B". */
static const char *name_side(const struct making *m, const core_claim_comparison *c, bool against)
{
	core_text text = {0};
	for (size_t k = 0; k < c->n; k++) {
		size_t row = against ? c->pair[k].against : c->pair[k].row, before = 0;
		while (before < k &&
			row != (against ? c->pair[before].against : c->pair[before].row))
			before++;
		if (before == k)
			core_text_add(&text, "%s%s", text.size ? "; " : "", name_row(m, row));
	}
	return core_text_move(m->ctx, &text);
}

/* "A against B", "mean of A; B against C" */
static const char *name_comparison(const struct making *m, const core_claim_comparison *c)
{
	const char *own = name_side(m, c, false), *other = name_side(m, c, true);
	if (!own || !other)
		return NULL;
	return core_format(m->ctx, "%s%s against %s", c->n > 1 ? "mean of " : "", own, other);
}

/* "gender TPR gap < 0", "F1 > -0.033" */
static const char *describe_claimed(fv_ctx *ctx, const core_claim *claim)
{
	return core_format(ctx, "%s%s%s %s %.4g", claim->attribute ? claim->attribute : "",
		claim->attribute ? " " : "", core_metric_at(claim->metric)->title,
		claim->above ? ">" : "<", claim->bound + 0.0);
}

/* --- for people ------------------------------------------------------------------------------- */

enum { CLAIM, ANSWER, CHANGE, P, CLAIMED, PUBLISHED, ROWS, COLUMNS };
enum { SHOWN_MAX = 20 }; /* comparisons of one claim */

/* Counts the lines of a claim: one, and one for each of several comparisons. */
static size_t count_lines(const core_claim_result *r)
{
	size_t shown = r->n > SHOWN_MAX ? SHOWN_MAX : r->n;
	return !r->n ? 0 : r->n == 1 ? 1 : 1 + shown;
}

/* Without names of rows, lines are short: claims are named by their keys, and rows have a column of their own,
 * which is left out where room is short. */
static bool is_brief(const struct making *m)
{
	return !m->name;
}

static void set_columns(const struct making *m, core_result_table *t)
{
	static const char *const titles[COLUMNS] = {"claim", "answer", "change [95%]", "p (Holm)",
		"claimed change", "published", "rows"};
	static const int importance[COLUMNS] = {0, 0, 70, 60, 50, 30, 10};
	for (int k = 0; k < COLUMNS; k++) {
		t->column[k] = core_plain_column(titles[k], titles[k], CORE_FOR_PEOPLE);
		t->column[k].importance = importance[k];
		t->column[k].metric = k >= CHANGE ? "change" : NULL; /* left out, never cut */
	}
	t->column[CHANGE].format = t->column[PUBLISHED].format = CORE_SIGNED;
	t->column[CHANGE].parts = CORE_SHOW_INTERVAL;
	t->column[P].format = CORE_FOUR_DECIMALS;
	if (!is_brief(m))
		t->column[ROWS].audience = 0;
}

/* Puts a text behind another in the same cell. */
static fv_status add_remark(
	struct making *m, const char *between, const char *text, core_table_value *cell)
{
	cell->mark = core_format(m->ctx, "%s%s", between, text);
	return cell->mark ? FV_OK : FV_FAILED;
}

/* Names the rows below the claim, or in their column. */
static fv_status fill_rows(struct making *m, const char *text, core_result_table *t, size_t at)
{
	*core_table_at(t, at, ROWS) = core_value_text(text);
	return is_brief(m) ? FV_OK : add_remark(m, "\n", text, core_table_at(t, at, CLAIM));
}

/* Fills the figures of a comparison; its first cell is filled already. */
static fv_status fill_comparison(
	struct making *m, const core_claim_comparison *c, core_result_table *t, size_t at)
{
	const char *rows = name_comparison(m, c);
	core_table_value *answer = core_table_at(t, at, ANSWER);
	*answer = core_value_text(core_claim_answer_name(c->answer));
	if (!isnan(c->change.value))
		*core_table_at(t, at, CHANGE) = core_value_figure(core_figure_of(c->change));
	if (!isnan(c->adjusted))
		*core_table_at(t, at, P) = core_value_number(c->adjusted);
	fv_status status = rows ? fill_rows(m, rows, t, at) : FV_FAILED;
	if (!status && c->reason && isnan(c->change.value)) /* else the figures show it */
		status = add_remark(m, ": ", c->reason, answer);
	return status;
}

/* Fills the first line of a claim. */
static fv_status fill_claim(
	struct making *m, const core_claim_result *r, core_result_table *t, size_t at)
{
	const core_claim *claim = r->claim;
	const char *claimed = describe_claimed(m->ctx, claim);
	const char *rule = core_format(m->ctx, "%s of %zu", claim->any ? "any" : "all", r->n);
	if (!claimed || !rule)
		return FV_FAILED;
	*core_table_at(t, at, CLAIM) = core_value_text(is_brief(m) ? claim->name : claim->text);
	*core_table_at(t, at, CLAIMED) = core_value_text(claimed);
	if (!isnan(claim->published))
		*core_table_at(t, at, PUBLISHED) = core_value_number(claim->published);
	fv_status status = FV_OK;
	if (r->n == 1) {
		status = fill_comparison(m, &r->comparison[0], t, at);
	} else {
		*core_table_at(t, at, ANSWER) = core_value_text(core_claim_answer_name(r->answer));
		status = fill_rows(m, rule, t, at);
	}
	if (r->answer != CORE_CLAIM_UNDECIDED)
		core_table_at(t, at, ANSWER)->rank = CORE_BEST;
	return status;
}

/* Fills the lines of a claim with several comparisons below its first. */
static fv_status fill_several(
	struct making *m, const core_claim_result *r, core_result_table *t, size_t *at)
{
	fv_status status = FV_OK;
	size_t shown = count_lines(r) - 1;
	for (size_t k = 0; k < shown && !status; k++, ++*at) {
		*core_table_at(t, *at, CLAIM) =
			core_value_text(core_format(m->ctx, "– %zu of %zu", k + 1, r->n));
		status = core_table_at(t, *at, CLAIM)->text
				 ? fill_comparison(m, &r->comparison[k], t, *at)
				 : FV_FAILED;
	}
	if (shown < r->n && !status)
		status = core_document_note(m->ctx, m->document,
			"%s: %zu more comparisons are not listed.", r->claim->text, r->n - shown);
	return status;
}

static fv_status add_for_people(struct making *m)
{
	size_t lines = 0, at = 0;
	for (size_t i = 0; i < m->all->claims->n; i++)
		lines += count_lines(&m->all->result[i]);
	if (!lines)
		return FV_OK;
	core_result_table *t = core_document_add(m->ctx, m->document, "claims",
		"Claims, answered by paired changes over speakers, all folds pooled", lines,
		COLUMNS);
	if (!t)
		return FV_FAILED;
	t->audience = CORE_FOR_PEOPLE;
	t->fits = true;
	fv_status status = FV_OK;
	bool several = false;
	set_columns(m, t);
	for (size_t i = 0; i < m->all->claims->n && !status; i++) {
		const core_claim_result *r = &m->all->result[i];
		if (!r->n)
			continue;
		t->line[at] = at && (several || r->n > 1);
		several = r->n > 1;
		status = fill_claim(m, r, t, at++);
		if (!status && several)
			status = fill_several(m, r, t, &at);
	}
	return status;
}

/* --- for programs ----------------------------------------------------------------------------- */

enum {
	OWN_NAME,
	OWN_TEXT,
	OWN_ANSWER,
	OWN_REASON,
	OWN_METRIC,
	ATTRIBUTE,
	SIDE,
	OWN_BOUND,
	RULE,
	COUNT,
	OWN_PUBLISHED,
	SOURCE,
	OWN_COLUMNS
};

/* A number as programs read it; NaN: missing. */
static fv_status set_number(struct making *m, double number, core_table_value *out)
{
	if (isnan(number))
		return FV_OK;
	*out = core_value_json(core_document_own(m->ctx, m->document, json_real(number)));
	return out->json ? FV_OK : FV_FAILED;
}

static fv_status fill_own(
	struct making *m, const core_claim_result *r, core_result_table *t, size_t i)
{
	const core_claim *c = r->claim;
	*core_table_at(t, i, OWN_NAME) = core_value_text(c->name);
	*core_table_at(t, i, OWN_TEXT) = core_value_text(c->text);
	*core_table_at(t, i, OWN_ANSWER) = core_value_text(core_claim_answer_name(r->answer));
	*core_table_at(t, i, OWN_REASON) = core_value_text(r->reason);
	*core_table_at(t, i, OWN_METRIC) = core_value_text(core_metric_at(c->metric)->name);
	*core_table_at(t, i, ATTRIBUTE) = core_value_text(c->attribute);
	*core_table_at(t, i, SIDE) = core_value_text(c->above ? "above" : "below");
	*core_table_at(t, i, RULE) = core_value_text(c->any ? "any" : "all");
	*core_table_at(t, i, COUNT) = core_value_count((int64_t)r->n);
	*core_table_at(t, i, SOURCE) = core_value_text(c->source);
	fv_status status = set_number(m, c->bound, core_table_at(t, i, OWN_BOUND));
	return status ? status : set_number(m, c->published, core_table_at(t, i, OWN_PUBLISHED));
}

static fv_status add_own(struct making *m)
{
	static const char *const keys[OWN_COLUMNS] = {"name", "claim", "answer", "reason", "metric",
		"attribute", "side", "bound", "rule", "comparisons", "published", "source"};
	fv_status status = FV_OK;
	core_result_table *t = core_document_add_json(
		m->ctx, m->document, "claims", keys, OWN_COLUMNS, m->all->claims->n);
	if (!t)
		return FV_FAILED;
	t->audience = CORE_FOR_JSON | CORE_FOR_CSV;
	for (int k = 0; k < OWN_COLUMNS; k++)
		t->column[k].audience = t->audience;
	for (size_t i = 0; i < m->all->claims->n && !status; i++)
		status = fill_own(m, &m->all->result[i], t, i);
	return status;
}

enum { OF, NUMBER, OF_ROWS, OF_AGAINST, OF_ANSWER, OF_REASON, OF_CHANGE, OF_COLUMNS };

/* Lists the folder names of the rows of one side. */
static fv_status list_side(
	struct making *m, const core_claim_comparison *c, bool against, core_table_value *out)
{
	json_t *list = json_array();
	for (size_t k = 0; k < c->n; k++) {
		size_t row = against ? c->pair[k].against : c->pair[k].row;
		if (json_array_append_new(list, json_string(m->grid->row[row].variant->name)))
			break;
	}
	bool whole = json_array_size(list) == c->n;
	*out = core_value_json(core_document_own(m->ctx, m->document, list));
	if (!whole)
		return fv_fail(m->ctx, FV_FAILED, "out of memory");
	return out->json ? FV_OK : FV_FAILED;
}

static fv_status fill_change(
	struct making *m, const core_claim_result *r, size_t k, core_result_table *t, size_t at)
{
	const core_claim_comparison *c = &r->comparison[k];
	core_figure f = core_figure_of(c->change);
	f.p_holm = c->adjusted;
	*core_table_at(t, at, OF) = core_value_text(r->claim->name);
	*core_table_at(t, at, NUMBER) = core_value_count((int64_t)k + 1);
	*core_table_at(t, at, OF_ANSWER) = core_value_text(core_claim_answer_name(c->answer));
	*core_table_at(t, at, OF_REASON) = core_value_text(c->reason);
	*core_table_at(t, at, OF_CHANGE) = core_value_figure(f);
	fv_status status = list_side(m, c, false, core_table_at(t, at, OF_ROWS));
	return status ? status : list_side(m, c, true, core_table_at(t, at, OF_AGAINST));
}

static fv_status add_changes(struct making *m)
{
	static const char *const keys[OF_COLUMNS] = {
		"claim", "number", "rows", "against", "answer", "reason", "change"};
	size_t n = 0, at = 0;
	fv_status status = FV_OK;
	for (size_t i = 0; i < m->all->claims->n; i++)
		n += m->all->result[i].n;
	core_result_table *t =
		core_document_add_json(m->ctx, m->document, "comparisons", keys, OF_COLUMNS, n);
	if (!t)
		return FV_FAILED;
	t->audience = CORE_FOR_JSON | CORE_FOR_CSV;
	for (int k = 0; k < OF_COLUMNS; k++)
		t->column[k].audience = t->audience;
	t->column[OF_CHANGE].metric = "change";
	t->column[OF_CHANGE].parts = CORE_SHOW_INTERVAL | CORE_SHOW_ADJUSTED;
	for (size_t i = 0; i < m->all->claims->n; i++)
		for (size_t k = 0; k < m->all->result[i].n && !status; k++)
			status = fill_change(m, &m->all->result[i], k, t, at++);
	return status;
}

/* --- notes ------------------------------------------------------------------------------------ */

static fv_status add_head(struct making *m)
{
	json_t *head = json_pack("{s:i, s:s, s:I, s:i, s:s?, s:b}", "schema_version", 2, "layout",
		"claims", "draws", (json_int_t)m->all->draws, "family", (int)m->all->family,
		"about", m->all->claims->about, "synthetic", m->grid->synthetic);
	int failed = head ? json_object_update(m->document->head, head) : -1;
	json_decref(head);
	return failed ? fv_fail(m->ctx, FV_FAILED, "out of memory") : FV_OK;
}

static size_t count_at_floor(const core_claim_results *all)
{
	size_t n = 0;
	for (size_t i = 0; i < all->claims->n; i++)
		for (size_t k = 0; k < all->result[i].n; k++)
			n += all->result[i].comparison[k].change.at_floor;
	return n;
}

/* Says what the answers mean. */
static fv_status add_reading(struct making *m)
{
	const core_claim_results *all = m->all;
	fv_status status = core_document_note(m->ctx, m->document,
		"yes: the 95%% interval of the change, over speakers, lies wholly on the claimed "
		"side of the bound; no: wholly on the other side; undecided: neither. A claim "
		"that there is a change also needs p ≤ .05, adjusted by Holm over the %d "
		"comparison%s of such claims; others go by the interval alone.",
		(int)all->family, core_plural(all->family));
	if (!status)
		status = core_document_note(m->ctx, m->document,
			"Intervals are of paired changes; a gap itself has none, since it is never "
			"negative. Published changes are those of the paper's corpus and of means "
			"over folds.");
	if (!status && all->few_speakers)
		status = core_document_note(m->ctx, m->document,
			"%zu claim%s about groups of which one has fewer than 10 speakers: "
			"intervals are too narrow.",
			all->few_speakers, core_plural((int64_t)all->few_speakers));
	size_t floor = count_at_floor(all);
	if (!status && floor)
		status = core_document_note(m->ctx, m->document,
			"%zu p-value%s ended at the limit of draws, so the true one%s may be "
			"smaller.",
			floor, core_plural((int64_t)floor), core_plural((int64_t)floor));
	return status;
}

fv_status core_note_claims_left_out(
	fv_ctx *ctx, const core_claim_results *all, core_document *document)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < all->claims->n && !status; i++) {
		const char *reason = all->result[i].reason;
		size_t before = 0, n = 0;
		core_text names = {0};
		while (before < i && (!all->result[before].reason || !reason ||
					     strcmp(reason, all->result[before].reason) != 0))
			before++;
		if (!reason || before < i)
			continue;
		for (size_t k = i; k < all->claims->n; k++)
			if (all->result[k].reason && !strcmp(reason, all->result[k].reason))
				core_text_add(&names, "%s%s", n++ ? ", " : "",
					all->claims->claim[k].name);
		const char *text = core_text_move(ctx, &names);
		status = text ? core_document_note(ctx, document, "Left out, %s: %s.", reason, text)
			      : FV_FAILED;
	}
	return status;
}

fv_status core_add_claims(fv_ctx *ctx, const core_grid *grid, const core_claim_results *all,
	const char *const *name, core_document *document)
{
	struct making m = {ctx, grid, all, name, document};
	size_t n = all->claims->n, answered = n - all->count[CORE_CLAIM_LEFT_OUT];
	document->heading = core_format(ctx,
		"%s%s%zu of %zu claim%s can be answered: %zu yes, %zu no, %zu undecided.",
		all->claims->about ? all->claims->about : "", all->claims->about ? ". " : "",
		answered, n, core_plural((int64_t)n), all->count[CORE_CLAIM_YES],
		all->count[CORE_CLAIM_NO], all->count[CORE_CLAIM_UNDECIDED]);
	if (!document->heading)
		return FV_FAILED;
	fv_status status = add_head(&m);
	if (!status)
		status = add_for_people(&m);
	if (!status)
		status = add_own(&m);
	if (!status)
		status = add_changes(&m);
	return status || !answered ? status : add_reading(&m);
}
