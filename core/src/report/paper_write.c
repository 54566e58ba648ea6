/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "report/decimal.h"
#include "report/few.h"
#include "report/grid_private.h"
#include "report/paper.h"

/* What is printed of a table besides its numbers: ranks of the three scopes. */
struct ranks {
	core_rank *method; /* [rows, columns] */
	core_rank overall[CORE_PAPER_SCOPES][CORE_PAPER_COLUMNS];
	core_rank gain[CORE_PAPER_SCOPES][CORE_PAPER_COLUMNS];
};

static const core_mean *value_of(const core_paper *p, int32_t row, int32_t column)
{
	const core_grid_row *cell = p->row[row].row;
	int64_t at = p->column[column].grid;
	return cell && at >= 0 ? &cell->value[at] : NULL;
}

static void rank_scopes(const core_paper *p, int32_t j, struct ranks *r)
{
	int64_t overall[CORE_PAPER_SCOPES], gain[CORE_PAPER_SCOPES];
	bool skip[CORE_PAPER_SCOPES] = {false};
	core_rank rank[CORE_PAPER_SCOPES];
	size_t n = (size_t)p->n_scopes;
	for (size_t s = 0; s < n; s++) {
		overall[s] = p->scope[s].overall[j];
		gain[s] = p->scope[s].gain[j];
	}
	core_rank_column(n, overall, skip, p->column[j].higher_is_better, rank);
	for (size_t s = 0; s < n; s++)
		r->overall[s][j] = rank[s];
	core_rank_column(n, gain, skip, true, rank);
	for (size_t s = 0; s < n; s++)
		r->gain[s][j] = rank[s];
}

static fv_status make_ranks(fv_ctx *ctx, const core_paper *p, struct ranks *r)
{
	size_t n = (size_t)p->n_rows;
	int64_t *value = core_alloc(ctx, n, sizeof *value);
	bool *skip = core_alloc(ctx, n, sizeof *skip);
	core_rank *rank = core_alloc(ctx, n, sizeof *rank);
	r->method = core_alloc(ctx, n * CORE_PAPER_COLUMNS, sizeof *r->method);
	if (!value || !skip || !rank || !r->method)
		return FV_FAILED;
	for (int32_t j = 0; j < p->n_columns; j++) {
		for (size_t i = 0; i < n; i++) {
			const core_paper_row *row = &p->row[i];
			value[i] = row->printed[j];
			skip[i] = !row->ranked || (row->row && core_row_unranked(row->row));
		}
		core_rank_column(n, value, skip, p->column[j].higher_is_better, rank);
		for (size_t i = 0; i < n; i++)
			r->method[i * CORE_PAPER_COLUMNS + (size_t)j] = rank[i];
		rank_scopes(p, j, r);
	}
	return FV_OK;
}

static const char *thousandths(fv_ctx *ctx, int64_t value)
{
	core_text text = {0};
	core_put_thousandths(&text, value);
	return core_text_take(ctx, &text);
}

/* "41.64%" */
static const char *percent(fv_ctx *ctx, int64_t hundredths)
{
	core_text text = {0};
	if (hundredths == CORE_NO_NUMBER) {
		core_text_add(&text, "—");
		return core_text_take(ctx, &text);
	}
	int64_t size = hundredths < 0 ? -hundredths : hundredths;
	core_text_add(&text, "%s%lld.%02lld%%", hundredths < 0 ? "-" : "", (long long)(size / 100),
		(long long)(size % 100));
	return core_text_take(ctx, &text);
}

/* " (-0.116; excess -0.098)" beside a gain in percent */
static const char *change(fv_ctx *ctx, const core_paper_scope *scope, int32_t j)
{
	core_text text = {0};
	if (isnan(scope->change[j]))
		return "";
	core_text_add(&text, " (");
	core_put_signed(&text, scope->change[j]);
	if (!isnan(scope->excess[j])) {
		core_text_add(&text, "; excess ");
		core_put_signed(&text, scope->excess[j]);
	}
	core_text_add(&text, ")");
	return core_text_take(ctx, &text);
}

static fv_status method_rows(
	fv_ctx *ctx, const core_paper *p, const struct ranks *r, core_sheet *sheet)
{
	for (int32_t i = 0; i < p->n_rows; i++) {
		const core_paper_row *row = &p->row[i];
		size_t at = (size_t)i;
		*core_sheet_at(sheet, at, 0) = (core_sheet_cell){
			row->label, row->row ? core_row_marks(row->row) : "", 0, false};
		core_sheet_at(sheet, at, 1)->value = row->variant;
		for (int32_t j = 0; j < p->n_columns; j++) {
			const core_mean *m = value_of(p, i, j);
			core_sheet_cell *cell = core_sheet_at(sheet, at, (size_t)j + 2);
			cell->value = thousandths(ctx, row->printed[j]);
			cell->after = m ? core_null_text(ctx, &m->fold_mean) : "";
			cell->few = m && core_few_column(p->grid, row->row,
						 (size_t)p->column[j].grid, false);
			cell->rank = r->method[at * CORE_PAPER_COLUMNS + (size_t)j];
			if (!cell->value || !cell->after)
				return FV_FAILED;
		}
	}
	return FV_OK;
}

static fv_status scope_rows(
	fv_ctx *ctx, const core_paper *p, const struct ranks *r, core_sheet *sheet)
{
	for (int32_t s = 0; s < p->n_scopes; s++) {
		const core_paper_scope *scope = &p->scope[s];
		size_t overall = (size_t)(p->n_rows + s), gain = overall + (size_t)p->n_scopes;
		core_sheet_at(sheet, overall, 0)->value = "Overall";
		core_sheet_at(sheet, gain, 0)->value = "Gain";
		core_sheet_at(sheet, overall, 1)->value = scope->variant;
		core_sheet_at(sheet, gain, 1)->value = scope->variant;
		sheet->line[overall] = sheet->line[gain] = s == 0;
		for (int32_t j = 0; j < p->n_columns; j++) {
			size_t at = (size_t)j + 2;
			*core_sheet_at(sheet, overall, at) = (core_sheet_cell){
				thousandths(ctx, scope->overall[j]), "", r->overall[s][j], false};
			*core_sheet_at(sheet, gain, at) =
				(core_sheet_cell){percent(ctx, scope->gain[j]),
					change(ctx, scope, j), r->gain[s][j], false};
			if (!core_sheet_at(sheet, gain, at)->value ||
				!core_sheet_at(sheet, gain, at)->after)
				return FV_FAILED;
		}
	}
	return FV_OK;
}

static const char *column_title(fv_ctx *ctx, const core_paper_column *c)
{
	const char *title = !strcmp(c->metric, "f1")        ? "F1"
			    : !strcmp(c->metric, "acc")     ? "ACC"
			    : !strcmp(c->metric, "tpr_gap") ? "TPR gap"
							    : "DP gap";
	return c->attribute ? core_format(ctx, "%s %s", c->attribute, title) : title;
}

static fv_status main_sheet(fv_ctx *ctx, const core_paper *p, core_document *d)
{
	struct ranks ranks;
	core_sheet *sheet = core_sheet_add(ctx, d,
		"fold_mean [excess over the null, p]; ▲ above its null (p ≤ .05); Overall: mean of "
		"the "
		"cells as printed; Gain over the first row in percent (change; change of the "
		"excess)",
		(size_t)(p->n_rows + 2 * p->n_scopes), (size_t)p->n_columns + 2);
	fv_status status = sheet ? make_ranks(ctx, p, &ranks) : FV_FAILED;
	if (status)
		return status;
	sheet->head[0] = "method";
	sheet->head[1] = p->variant_title;
	for (int32_t j = 0; j < p->n_columns; j++)
		sheet->head[j + 2] = column_title(ctx, &p->column[j]);
	status = method_rows(ctx, p, &ranks, sheet);
	return status ? status : scope_rows(ctx, p, &ranks, sheet);
}

/* "inside", "outside", or "" where there is nothing to hold against each other. */
static const char *verdict(const core_paper *p, int32_t row, int32_t column)
{
	const core_mean *m = value_of(p, row, column);
	int64_t published = p->row[row].published[column];
	if (!m || published == CORE_NO_NUMBER || isnan(core_paper_width(m)))
		return "";
	double off = fabs(m->mean - (double)published / 1000);
	return off <= core_paper_width(m) ? "inside" : "outside";
}

static fv_status against_cell(
	fv_ctx *ctx, const core_paper *p, int32_t i, int32_t j, core_sheet_cell *cell)
{
	const core_mean *m = value_of(p, i, j);
	const char *word = verdict(p, i, j);
	core_text text = {0};
	core_put_thousandths(&text, p->row[i].printed[j]);
	if (m && !isnan(core_paper_width(m)))
		core_text_add(&text, " ± %.3f", core_paper_width(m));
	core_text_add(&text, " / ");
	core_put_thousandths(&text, p->row[i].published[j]);
	core_text_add(&text, "%s%s", *word ? " " : "", word);
	cell->value = core_text_take(ctx, &text);
	return cell->value ? FV_OK : FV_FAILED;
}

static fv_status against_sheet(fv_ctx *ctx, const core_paper *p, core_document *d)
{
	core_sheet *sheet = core_sheet_add(ctx, d,
		"ours ± half width of the 95% interval of a mean over folds (t) / published; "
		"inside or "
		"outside of it",
		(size_t)p->n_rows, (size_t)p->n_columns + 2);
	fv_status status = sheet ? FV_OK : FV_FAILED;
	for (int32_t i = 0; i < p->n_rows && !status; i++) {
		core_sheet_at(sheet, (size_t)i, 0)->value = p->row[i].label;
		core_sheet_at(sheet, (size_t)i, 1)->value = p->row[i].variant;
		for (int32_t j = 0; j < p->n_columns && !status; j++)
			status = against_cell(
				ctx, p, i, j, core_sheet_at(sheet, (size_t)i, (size_t)j + 2));
	}
	if (!status)
		memcpy(sheet->head, d->sheet[0].head, sheet->n_columns * sizeof *sheet->head);
	return status;
}

static fv_status write_document(
	fv_ctx *ctx, const core_paper *p, core_table_format format, core_text *out)
{
	core_document *d = core_alloc(ctx, 1, sizeof *d);
	fv_status status = d ? main_sheet(ctx, p, d) : FV_FAILED;
	if (!status && p->against)
		status = against_sheet(ctx, p, d);
	if (!status)
		status = core_facts_sheet(ctx, p->grid, false, d);
	if (!status)
		status = core_note(ctx, d, "— no cell of this folder is that row.");
	if (!status && p->n_on_test)
		status = core_note(ctx, d,
			"Cells chosen on test are no rows of this layout: %d left out.",
			(int)p->n_on_test);
	if (!status)
		status = core_grid_notes(ctx, p->grid, d);
	if (!status && format == CORE_TABLE_MD)
		core_document_md(d, out);
	else if (!status)
		core_document_tex(d, out);
	return status;
}

static void csv_number(core_text *out, double value, bool there)
{
	core_text_add(out, ",");
	if (there)
		core_put_exact(out, value);
}

static void csv_start(core_text *out, const char *label, const char *variant, const char *cell,
	const core_paper_column *c)
{
	core_text_csv(out, label);
	core_text_add(out, ",");
	core_text_csv(out, variant);
	core_text_add(out, ",");
	core_text_csv(out, cell);
	core_text_add(out, ",%s,%s", c->attribute ? c->attribute : "", c->metric);
}

static void csv_row(const core_paper *p, int32_t i, int32_t j, core_text *out)
{
	const core_paper_row *row = &p->row[i];
	const core_mean *m = value_of(p, i, j);
	csv_start(
		out, row->label, row->variant, row->row ? row->row->cell->name : "", &p->column[j]);
	csv_number(out, m ? m->mean : NAN, m != NULL);
	csv_number(out, m ? m->sd : NAN, m && !isnan(m->sd));
	csv_number(out, m ? m->fold_mean.excess : NAN, m && !isnan(m->fold_mean.excess));
	csv_number(out, m ? m->fold_mean.p : NAN, m && !isnan(m->fold_mean.p));
	core_text_add(out, ",");
	if (row->published[j] != CORE_NO_NUMBER)
		core_put_thousandths(out, row->published[j]);
	const char *rule = row->row ? json_string_value(core_row_env(row->row, "select")) : NULL;
	bool few = m && core_few_column(p->grid, row->row, (size_t)p->column[j].grid, false);
	core_text_add(out, ",%s,%s,%s\n", verdict(p, i, j), rule ? rule : "",
		!m    ? ""
		: few ? "1"
		      : "0");
}

/* Overall as a number of three decimals, Gain in percent. */
static void csv_scope(const core_paper *p, int32_t s, int32_t j, core_text *out)
{
	const core_paper_scope *scope = &p->scope[s];
	for (int k = 0; k < 2; k++) {
		int64_t value = k ? scope->gain[j] : scope->overall[j];
		csv_start(out, k ? "Gain" : "Overall", scope->variant, "", &p->column[j]);
		core_text_add(out, ",");
		if (value != CORE_NO_NUMBER)
			core_text_add(out, "%.*f", k ? 2 : 3, (double)value / (k ? 100 : 1000));
		csv_number(out, NAN, false);
		csv_number(out, scope->excess[j], k && !isnan(scope->excess[j]));
		core_text_add(out, ",,,,,\n");
	}
}

static void write_csv(const core_paper *p, core_text *out)
{
	core_text_add(out,
		"label,%s,cell,attribute,metric,value,sd,excess,p,published,verdict,select,few\n",
		p->variant_title);
	for (int32_t i = 0; i < p->n_rows; i++)
		for (int32_t j = 0; j < p->n_columns; j++)
			csv_row(p, i, j, out);
	for (int32_t s = 0; s < p->n_scopes; s++)
		for (int32_t j = 0; j < p->n_columns; j++)
			csv_scope(p, s, j, out);
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *scaled(int64_t value, double scale)
{
	return value == CORE_NO_NUMBER ? json_null() : json_real((double)value / scale);
}

static json_t *row_value(const core_paper *p, int32_t i, int32_t j)
{
	const core_mean *m = value_of(p, i, j);
	json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o}", "value", number(m ? m->mean : NAN),
		"sd", number(m ? m->sd : NAN), "excess", number(m ? m->fold_mean.excess : NAN), "p",
		number(m ? m->fold_mean.p : NAN), "printed", scaled(p->row[i].printed[j], 1000));
	if (m && p->column[j].attribute)
		json_object_set_new(object, "few",
			json_boolean(core_few_column(
				p->grid, p->row[i].row, (size_t)p->column[j].grid, false)));
	if (p->against) {
		json_object_set_new(object, "published", scaled(p->row[i].published[j], 1000));
		json_object_set_new(object, "half_width", number(m ? core_paper_width(m) : NAN));
		json_object_set_new(object, "verdict", json_string(verdict(p, i, j)));
	}
	return object;
}

static json_t *scope_json(const core_paper *p, const core_paper_scope *scope)
{
	json_t *values = json_object();
	for (int32_t j = 0; j < p->n_columns; j++)
		json_object_set_new(values, p->column[j].published,
			json_pack("{s:o, s:o, s:o, s:o}", "overall",
				scaled(scope->overall[j], 1000), "gain_percent",
				scaled(scope->gain[j], 100), "change", number(scope->change[j]),
				"excess_change", number(scope->excess[j])));
	return json_pack("{s:s, s:o}", p->variant_title, scope->variant, "values", values);
}

static fv_status write_json(fv_ctx *ctx, const core_paper *p, core_text *out)
{
	json_t *rows = json_array(), *scopes = json_array();
	for (int32_t i = 0; i < p->n_rows; i++) {
		const core_paper_row *row = &p->row[i];
		json_t *values = json_object();
		for (int32_t j = 0; j < p->n_columns; j++)
			json_object_set_new(values, p->column[j].published, row_value(p, i, j));
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s?, s:o}", "label", row->label,
				      p->variant_title, row->variant, "cell",
				      row->row ? row->row->cell->name : NULL, "values", values));
	}
	for (int32_t s = 0; s < p->n_scopes; s++)
		json_array_append_new(scopes, scope_json(p, &p->scope[s]));
	json_t *root = json_pack("{s:i, s:s, s:b, s:o, s:o, s:o}", "schema_version", 1, "layout",
		p->name, "synthetic", p->grid->synthetic, "cells", core_facts_json(p->grid), "rows",
		rows, "overall", scopes);
	const char *text = core_json_text(ctx, root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	if (!text)
		return FV_FAILED;
	core_text_add(out, "%s\n", text);
	return FV_OK;
}

fv_status core_paper_write(
	fv_ctx *ctx, const core_paper *paper, core_table_format format, core_text *out)
{
	fv_status status = FV_OK;
	if (format == CORE_TABLE_CSV)
		write_csv(paper, out);
	else if (format == CORE_TABLE_JSON)
		status = write_json(ctx, paper, out);
	else
		status = write_document(ctx, paper, format, out);
	if (!status && out->failed)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	return status;
}
