/* SPDX-License-Identifier: Apache-2.0 */
#include "report/paper.h"

#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/embedded.h"
#include "base/number.h"
#include "report/decimal.h"

struct layout {
	const char *name, *file, *published;
	int32_t n_columns;
	core_paper_column column[CORE_PAPER_COLUMNS];
};

static const struct layout layouts[] = {
	{"paper1", "configs/paper/layouts/paper1.csv", "configs/paper/published/table1.csv", 4,
		{{NULL, "f1", "f1", -1, true}, {NULL, "acc", "acc", -1, true},
			{"gender", "tpr_gap", "tpr_gap", -1, false},
			{"gender", "dp_gap", "dp_gap", -1, false}}},
	{"paper2", "configs/paper/layouts/paper2.csv", "configs/paper/published/table2.csv", 6,
		{{NULL, "f1", "f1", -1, true}, {NULL, "acc", "acc", -1, true},
			{"race", "tpr_gap", "race_tpr_gap", -1, false},
			{"race", "dp_gap", "race_dp_gap", -1, false},
			{"age", "tpr_gap", "age_tpr_gap", -1, false},
			{"age", "dp_gap", "age_dp_gap", -1, false}}},
};

static fv_status read_embedded(fv_ctx *ctx, const char *name, core_csv *out)
{
	const char *text = core_embedded_text(name);
	if (!text)
		return fv_fail(ctx, FV_FAILED, "%s is not built into this program", name);
	return core_csv_parse(ctx, name, text, strlen(text), out);
}

static const char *csv_field(const core_csv *csv, int64_t row, const char *column)
{
	int64_t at = core_csv_column(csv, column);
	return at < 0 ? "" : core_csv_cell(csv, row, at);
}

static fv_status read_rows(fv_ctx *ctx, const struct layout *layout, core_paper *out)
{
	core_csv csv;
	fv_status status = read_embedded(ctx, layout->file, &csv);
	if (status)
		return status;
	out->row = core_alloc(ctx, (size_t)csv.n_rows, sizeof *out->row);
	if (!out->row)
		return FV_FAILED;
	out->n_rows = (int32_t)csv.n_rows;
	out->variant_title = csv.header[1];
	for (int32_t i = 0; i < out->n_rows; i++) {
		out->row[i] = (core_paper_row){.label = csv_field(&csv, i, "label"),
			.variant = core_csv_cell(&csv, i, 1),
			.loss = csv_field(&csv, i, "loss"),
			.grouper = csv_field(&csv, i, "grouper"),
			.setting = csv_field(&csv, i, "setting"),
			.mean = !strcmp(csv_field(&csv, i, "mean"), "yes"),
			.ranked = !strcmp(csv_field(&csv, i, "ranked"), "yes")};
		for (int32_t j = 0; j < CORE_PAPER_COLUMNS; j++)
			out->row[i].printed[j] = out->row[i].published[j] = CORE_NO_NUMBER;
	}
	return FV_OK;
}

/* Joins the published rows by their first two columns, label and variant. */
static fv_status read_published(fv_ctx *ctx, const struct layout *layout, core_paper *out)
{
	core_csv csv;
	fv_status status = read_embedded(ctx, layout->published, &csv);
	for (int32_t i = 0; i < out->n_rows && !status; i++) {
		core_paper_row *row = &out->row[i];
		for (int64_t k = 0; k < csv.n_rows; k++) {
			if (strcmp(core_csv_cell(&csv, k, 0), row->label) ||
				strcmp(core_csv_cell(&csv, k, 1), row->variant))
				continue;
			for (int32_t j = 0; j < out->n_columns; j++) {
				double value;
				if (core_parse_double(
					    csv_field(&csv, k, out->column[j].published), &value))
					row->published[j] = core_thousandths(value);
			}
		}
	}
	return status;
}

/* Does the grouper have a setting such as "k=16": a parameter, or its column? */
static bool has_setting(const json_t *grouper, const char *setting)
{
	const char *equals = strchr(setting, '=');
	size_t n = equals ? (size_t)(equals - setting) : 0;
	const json_t *params = json_object_get(grouper, "params");
	if (!equals)
		return true;
	const json_t *value = json_object_getn(params, setting, n);
	if (!value)
		value = json_object_getn(grouper, setting, n);
	double number;
	if (json_is_string(value))
		return !strcmp(json_string_value(value), equals + 1);
	return json_is_number(value) && core_parse_double(equals + 1, &number) &&
	       json_number_value(value) == number;
}

/* Does the variant match the row? In a study with a simulated bias, one without it matches none: it is for
 * comparison only. */
static bool is_variant_of(const core_grid_row *variant, const core_paper_row *row)
{
	const core_run_facts *f = variant->facts;
	if (!f || !f->has_groupers || strcmp(f->loss, row->loss) || variant->on_test ||
		variant->unbiased || variant->older)
		return false;
	/* A grouper that the objective does not use serves to choose the epoch only. */
	if (!*row->grouper)
		return f->n_groupers == 0 || !f->uses_groups;
	return f->n_groupers == 1 && !strcmp(f->grouper[0].name, row->grouper) &&
	       has_setting(f->grouper[0].json, row->setting);
}

static fv_status find_variant(fv_ctx *ctx, const core_paper *paper, core_paper_row *row)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < paper->grid->n_rows; i++) {
		const core_grid_row *variant = &paper->grid->row[i];
		if (!is_variant_of(variant, row))
			continue;
		if (row->row)
			status = fv_fail(ctx, FV_DATA,
				"--layout %s: %s and %s both match the row %s %s: choose one with "
				"--rows",
				paper->name, row->row->variant->name, variant->variant->name,
				row->label, row->variant);
		row->row = variant;
	}
	return status;
}

static void find_columns(core_paper *paper)
{
	for (int32_t j = 0; j < paper->n_columns; j++) {
		core_paper_column *own = &paper->column[j];
		for (size_t k = 0; k < paper->grid->n_columns; k++) {
			const core_grid_column *c = &paper->grid->column[k];
			bool same = !own->attribute == !c->attribute &&
				    (!own->attribute || !strcmp(own->attribute, c->attribute));
			if (same && !strcmp(own->metric, c->metric))
				own->grid = (int64_t)k;
		}
	}
}

static const core_mean *find_value(const core_paper *paper, const core_paper_row *row, int32_t j)
{
	int64_t at = paper->column[j].grid;
	return row->row && at >= 0 ? &row->row->value[at] : NULL;
}

static core_paper_scope *find_scope(core_paper *paper, const char *variant)
{
	for (int32_t s = 0; s < paper->n_scopes; s++)
		if (!strcmp(paper->scope[s].variant, variant))
			return &paper->scope[s];
	if (paper->n_scopes == CORE_PAPER_SCOPES)
		return NULL;
	paper->scope[paper->n_scopes] = (core_paper_scope){.variant = variant};
	return &paper->scope[paper->n_scopes++];
}

static double find_excess(const core_paper *paper, const core_paper_row *row, int32_t j)
{
	const core_mean *m = find_value(paper, row, j);
	return m ? m->fold_mean.excess : NAN;
}

/* Computes in whole thousandths, comparing sums with n times the first row, and rounds only at the end. */
static void summarize_column(core_paper *paper, core_paper_scope *scope, int32_t j)
{
	int64_t sum = 0, n = 0, first = paper->row[0].printed[j];
	double excess = 0;
	bool whole = true;
	for (int32_t i = 0; i < paper->n_rows; i++) {
		const core_paper_row *row = &paper->row[i];
		if (!row->mean || strcmp(row->variant, scope->variant))
			continue;
		whole = whole && row->printed[j] != CORE_NO_NUMBER;
		sum += whole ? row->printed[j] : 0;
		excess += find_excess(paper, row, j);
		n++;
	}
	scope->overall[j] = scope->gain[j] = CORE_NO_NUMBER;
	scope->change[j] = scope->excess[j] = NAN;
	if (!whole)
		return;
	scope->overall[j] = core_divide(sum, n);
	if (first == CORE_NO_NUMBER || first <= 0)
		return;
	int64_t better = paper->column[j].higher_is_better ? sum - n * first : n * first - sum;
	scope->gain[j] = core_divide(10000 * better, n * first);
	scope->change[j] = (double)(sum - n * first) / (1000.0 * (double)n);
	scope->excess[j] = excess / (double)n - find_excess(paper, &paper->row[0], j);
}

void core_paper_summarize(core_paper *paper)
{
	paper->n_scopes = 0;
	for (int32_t i = 0; i < paper->n_rows; i++)
		if (paper->row[i].mean)
			(void)find_scope(paper, paper->row[i].variant);
	for (int32_t s = 0; s < paper->n_scopes; s++)
		for (int32_t j = 0; j < paper->n_columns; j++)
			summarize_column(paper, &paper->scope[s], j);
}

/* 97.5% quantiles of Student's t for 1, 2, ... degrees of freedom, then of the normal distribution. */
double core_paper_width(const core_mean *mean)
{
	static const double t[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060,
		2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009,
		2.0930};
	int64_t known = (int64_t)(sizeof t / sizeof *t);
	if (isnan(mean->sd) || mean->folds < 2)
		return NAN;
	double quantile = mean->folds - 1 <= known ? t[mean->folds - 2] : 1.96;
	return quantile * mean->sd / sqrt((double)mean->folds);
}

fv_status core_paper_make(
	fv_ctx *ctx, const core_grid *grid, const char *name, bool against, core_paper *out)
{
	const struct layout *layout = layouts;
	while (strcmp(layout->name, name) != 0)
		layout++;
	*out = (core_paper){.name = layout->name,
		.grid = grid,
		.against = against,
		.n_columns = layout->n_columns};
	memcpy(out->column, layout->column, sizeof out->column);
	find_columns(out);
	for (size_t i = 0; i < grid->n_rows; i++)
		out->n_on_test += grid->row[i].on_test;
	fv_status status = read_rows(ctx, layout, out);
	if (!status && against)
		status = read_published(ctx, layout, out);
	for (int32_t i = 0; i < out->n_rows && !status; i++) {
		core_paper_row *row = &out->row[i];
		status = find_variant(ctx, out, row);
		for (int32_t j = 0; j < out->n_columns; j++) {
			const core_mean *m = find_value(out, row, j);
			row->printed[j] = m ? core_thousandths(m->mean) : CORE_NO_NUMBER;
		}
	}
	core_paper_summarize(out);
	return status;
}
