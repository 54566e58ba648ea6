/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/plural.h"
#include "report/split_tables.h"

static core_table_column figure_column(const char *title)
{
	return (core_table_column){.title = title, .audience = CORE_FOR_PEOPLE};
}

/* --- agreement -------------------------------------------------------------------------------- */

static void fill_agreement(
	core_result_table *t, size_t row, const core_group_truth *truth, int part)
{
	const core_agreement *a = &truth->part[part];
	const core_table_value value[] = {core_value_text(truth->name),
		core_value_text(core_get_part_name(part)), core_value_count(a->n),
		core_value_number(a->accuracy),
		a->correct < 0 ? core_value_text(NULL) : core_value_count(a->correct),
		core_value_number(a->purity), core_value_number(a->nmi), core_value_number(a->ari),
		core_value_count(a->unknown_inferred), core_value_count(a->unknown_true)};
	for (size_t j = 0; j < sizeof value / sizeof *value; j++)
		*core_table_at(t, row, j) = value[j];
}

static fv_status add_agreement(fv_ctx *ctx, const core_group_report *r, core_document *document)
{
	static const char *const titles[] = {"attribute", "split", "known", "accuracy", "correct",
		"purity", "NMI", "ARI", "no group", "no value"};
	size_t columns = sizeof titles / sizeof *titles, row = 0;
	int32_t truths = r->n_attributes + 2;
	core_result_table *t = core_document_add(
		ctx, document, "agreement", NULL, (size_t)truths * CORE_PARTS, columns);
	if (!t)
		return FV_FAILED;
	for (size_t j = 0; j < columns; j++)
		t->column[j] = figure_column(titles[j]);
	for (int32_t k = 0; k < truths; k++)
		for (int part = 0; part < CORE_PARTS; part++)
			fill_agreement(t, row++, &r->truth[k], part);
	return core_document_note(ctx, document,
		"known: rows with a group and a value; accuracy = correct / known; no "
		"value: rows with a group but no value.");
}

/* --- accuracy by class and by length ---------------------------------------------------------- */

static core_result_table *add_parts(
	fv_ctx *ctx, core_document *document, const char *title, const char *head, size_t rows)
{
	core_result_table *t =
		core_document_add(ctx, document, "parts", title, rows, 1 + CORE_PARTS);
	if (!t)
		return NULL;
	t->column[0] = figure_column(head);
	for (int part = 0; part < CORE_PARTS; part++)
		t->column[1 + part] = figure_column(core_get_part_name(part));
	return t;
}

/* "0.944 (1511/1600)" */
static fv_status fill_share(fv_ctx *ctx, const core_share *s, core_table_value *v)
{
	if (!s->known)
		return FV_OK;
	*v = core_value_number((double)s->correct / (double)s->known);
	v->mark = core_format(ctx, " (%lld/%lld)", (long long)s->correct, (long long)s->known);
	return v->mark ? FV_OK : FV_FAILED;
}

static fv_status add_class_shares(fv_ctx *ctx, const core_group_report *r,
	const core_group_truth *truth, core_document *document)
{
	const core_corpus *c = r->runner->corpus;
	const char *title = core_format(ctx, "accuracy for %s (correct/known)", truth->name);
	core_result_table *t = add_parts(ctx, document, title, "class", (size_t)c->classes);
	fv_status status = t && title ? FV_OK : FV_FAILED;
	for (int32_t k = 0; k < c->classes && !status; k++) {
		*core_table_at(t, (size_t)k, 0) = core_value_text(c->class_name[k]);
		for (int part = 0; part < CORE_PARTS && !status; part++)
			status = fill_share(ctx, &truth->by_class[part][k],
				core_table_at(t, (size_t)k, 1 + (size_t)part));
	}
	return status;
}

static const char *format_length(fv_ctx *ctx, int bin)
{
	if (bin == CORE_LENGTH_BINS - 1)
		return core_format(ctx, "%g s and over", core_length_edge[bin]);
	return core_format(
		ctx, "%g to under %g s", core_length_edge[bin], core_length_edge[bin + 1]);
}

static fv_status add_length_shares(
	fv_ctx *ctx, const core_group_truth *truth, core_document *document)
{
	core_result_table *t = add_parts(ctx, document, NULL, "length", CORE_LENGTH_BINS);
	fv_status status = t ? FV_OK : FV_FAILED;
	for (int b = 0; b < CORE_LENGTH_BINS && !status; b++) {
		const char *name = format_length(ctx, b);
		status = name ? FV_OK : FV_FAILED;
		*core_table_at(t, (size_t)b, 0) = core_value_text(name);
		for (int part = 0; part < CORE_PARTS && !status; part++)
			status = fill_share(ctx, &truth->by_length[part][b],
				core_table_at(t, (size_t)b, 1 + (size_t)part));
	}
	return status;
}

static fv_status add_shares(fv_ctx *ctx, const core_group_report *r, const core_group_truth *truth,
	core_document *document)
{
	fv_status status = add_class_shares(ctx, r, truth, document);
	if (!status && r->has_lengths)
		status = add_length_shares(ctx, truth, document);
	return status;
}

/* --- sizes and stability ---------------------------------------------------------------------- */

static fv_status add_sizes(fv_ctx *ctx, const core_group_report *r, core_document *document)
{
	const core_groups *groups = &r->runner->groups;
	bool soft = !isnan(r->largest[CORE_PART_ALL]);
	size_t n = (size_t)groups->groups;
	core_result_table *t = add_parts(ctx, document, NULL, "group", n + (soft ? 2 : 1));
	if (!t)
		return FV_FAILED;
	*core_table_at(t, 0, 0) = core_value_text("(unknown)");
	for (size_t g = 0; g < n; g++)
		*core_table_at(t, 1 + g, 0) = core_value_text(groups->name[g]);
	if (soft)
		*core_table_at(t, 1 + n, 0) = core_value_text("largest membership, mean");
	for (size_t part = 0; part < CORE_PARTS; part++) {
		*core_table_at(t, 0, 1 + part) = core_value_count(r->unknown[part]);
		for (size_t g = 0; g < n; g++)
			*core_table_at(t, 1 + g, 1 + part) = core_value_count(r->size[part][g]);
		if (soft)
			*core_table_at(t, 1 + n, 1 + part) = core_value_number(r->largest[part]);
	}
	return FV_OK;
}

static fv_status add_stability(fv_ctx *ctx, const core_group_report *r, core_document *document)
{
	static const char *const titles[] = {"split", "ARI mean", "least", "NMI mean", "least"};
	const char *title = core_format(ctx,
		"%d seeds of the grouper, compared in pairs: %d pair%s", (int)r->seeds,
		(int)(r->seeds * (r->seeds - 1) / 2), core_plural(r->seeds * (r->seeds - 1) / 2));
	core_result_table *t = core_document_add(ctx, document, "stability", title, CORE_PARTS, 5);
	if (!t || !title)
		return FV_FAILED;
	for (size_t j = 0; j < 5; j++)
		t->column[j] = figure_column(titles[j]);
	for (size_t part = 0; part < CORE_PARTS; part++) {
		const core_stability *s = &r->stability[part];
		const double value[] = {s->ari, s->ari_least, s->nmi, s->nmi_least};
		*core_table_at(t, part, 0) = core_value_text(core_get_part_name((int)part));
		for (size_t j = 0; j < 4; j++)
			*core_table_at(t, part, 1 + j) = core_value_number(value[j]);
	}
	return FV_OK;
}

fv_status core_group_tables(fv_ctx *ctx, const core_group_report *r, core_document *document)
{
	fv_status status = add_agreement(ctx, r, document);
	for (int32_t k = 0; k < r->n_attributes + 2 && !status; k++)
		if (r->truth[k].named)
			status = add_shares(ctx, r, &r->truth[k], document);
	if (!status)
		status = add_sizes(ctx, r, document);
	if (!status && r->seeds)
		status = add_stability(ctx, r, document);
	if (!status && r->has_lengths && r->no_length[CORE_PART_ALL])
		status = core_document_note(ctx, document,
			"rows whose recording has no known length: %lld",
			(long long)r->no_length[CORE_PART_ALL]);
	if (!status && r->runner->transductive)
		status = core_document_note(ctx, document,
			"transductive: the group of a recording depends on other recordings of "
			"its speaker, also in the test split");
	return status;
}
