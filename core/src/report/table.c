/* SPDX-License-Identifier: Apache-2.0 */
#include "report/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ranks compare what is printed: equal to three decimals is equal. */
static double printed(double value)
{
	return round(value * 1000);
}

/* 0 best, 1 second, 2 the rest: the number of distinct better values among ranked rows. */
static int rank_of(const core_grid *grid, size_t row, size_t column)
{
	const core_mean *own = &grid->row[row].value[column];
	bool up = grid->column[column].higher_is_better;
	double better[2] = {NAN, NAN};
	int n = 0;
	if (isnan(own->mean) || grid->row[row].transductive || grid->n_rows < 3)
		return 2;
	for (size_t i = 0; i < grid->n_rows && n < 2; i++) {
		double value = printed(grid->row[i].value[column].mean);
		double mine = printed(own->mean);
		if (isnan(value) || grid->row[i].transductive || value == better[0] ||
			!(up ? value > mine : value < mine))
			continue;
		better[n++] = value;
	}
	return n;
}

static void put_value(const core_grid *grid, size_t row, size_t column, core_text *out)
{
	const core_mean *v = &grid->row[row].value[column];
	if (isnan(v->mean)) {
		core_text_add(out, " nan |");
		return;
	}
	static const char *const open[] = {"**", "<u>", ""}, *const close[] = {"**", "</u>", ""};
	int rank = rank_of(grid, row, column);
	core_text_add(out, " %s%.3f%s", open[rank], v->mean, close[rank]);
	if (!isnan(v->sd))
		core_text_add(out, " ± %.3f", v->sd);
	if (v->folds < grid->folds)
		core_text_add(out, " (%lld folds)", (long long)v->folds);
	core_text_add(out, " |");
}

static void put_caption(const core_grid *grid, core_text *out)
{
	core_text_add(out, "\nMean ± sd over %lld fold%s (fold_mean; sd of folds, n-1)",
		(long long)grid->folds, grid->folds == 1 ? "" : "s");
	if (grid->seeds > 1)
		core_text_add(out, ", %lld seeds averaged within a fold", (long long)grid->seeds);
	core_text_add(out, ". Gaps: lower is better, and noise alone makes one: see `fairvox audit`"
			   " for nulls.\n");
	for (size_t i = 0; i < grid->n_rows; i++)
		if (grid->row[i].transductive) {
			core_text_add(out, "† uses test speakers' recordings (transductive): not "
					   "ranked with the others.\n");
			break;
		}
	if (grid->shared_speakers)
		core_text_add(out, "Splits of this corpus share speakers (declared).\n");
	if (grid->synthetic)
		core_text_add(out, "Synthetic speech: these numbers say nothing about people.\n");
}

static void write_md(const core_grid *grid, core_text *out)
{
	core_text_add(out, "| cell |");
	for (size_t j = 0; j < grid->n_columns; j++)
		core_text_add(out, " %s |", grid->column[j].title);
	core_text_add(out, " runs |\n|---|");
	for (size_t j = 0; j < grid->n_columns; j++)
		core_text_add(out, "---|");
	core_text_add(out, "---|\n");
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_grid_row *row = &grid->row[i];
		size_t slug = strlen(row->cell->name) - 9;
		core_text_add(out, "| %.*s%s |", (int)slug, row->cell->name,
			row->transductive ? " †" : "");
		for (size_t j = 0; j < grid->n_columns; j++)
			put_value(grid, i, j, out);
		if (row->done == row->runs)
			core_text_add(out, " %lld |\n", (long long)row->done);
		else
			core_text_add(out, " %lld of %lld |\n", (long long)row->done,
				(long long)row->runs);
	}
	put_caption(grid, out);
}

static void put_number(double value, core_text *out)
{
	if (isnan(value))
		core_text_add(out, "nan");
	else
		core_text_add(out, "%.17g", value);
}

/* Every R of metrics.json: an object with a value. */
static void put_values(const core_result_cell *cell, const core_result *run, const char *attribute,
	json_t *object, core_text *out)
{
	const char *metric;
	json_t *entry;
	json_object_foreach(object, metric, entry) {
		json_t *value = json_object_get(entry, "value");
		if (!value)
			continue;
		core_text_csv(out, cell->name);
		core_text_add(out, ",%lld,%lld,", (long long)run->fold, (long long)run->seed);
		core_text_csv(out, attribute);
		core_text_add(out, ",%s,", metric);
		put_number(json_is_number(value) ? json_number_value(value) : NAN, out);
		core_text_add(out, "\n");
	}
}

static void write_csv(const core_results *results, core_text *out)
{
	core_text_add(out, "cell,fold,seed,attribute,metric,value\n");
	for (size_t i = 0; i < results->n; i++) {
		const core_result_cell *cell = &results->cell[i];
		for (size_t j = 0; j < cell->n; j++) {
			const core_result *run = &cell->run[j];
			if (run->state != CORE_RUN_DONE)
				continue;
			put_values(cell, run, "", run->metrics, out);
			const char *attribute;
			json_t *entry;
			json_object_foreach(json_object_get(run->metrics, "attributes"), attribute,
				entry)
				put_values(cell, run, attribute, entry, out);
		}
	}
}

static json_t *mean_json(const core_mean *m)
{
	return json_pack("{s:o, s:o, s:I}", "mean",
		isnan(m->mean) ? json_null() : json_real(m->mean), "sd",
		isnan(m->sd) ? json_null() : json_real(m->sd), "folds", (json_int_t)m->folds);
}

static json_t *row_json(const core_grid *grid, const core_grid_row *row)
{
	json_t *values = json_object(), *attributes = json_object();
	for (size_t j = 0; j < grid->n_columns; j++) {
		const core_grid_column *c = &grid->column[j];
		json_t *into = values;
		if (c->attribute) {
			into = json_object_get(attributes, c->attribute);
			if (!into) {
				into = json_object();
				json_object_set_new(attributes, c->attribute, into);
			}
		}
		json_object_set_new(into, c->metric, mean_json(&row->value[j]));
	}
	json_object_set_new(values, "attributes", attributes);
	return json_pack("{s:s, s:I, s:I, s:b, s:o}", "cell", row->cell->name, "runs",
		(json_int_t)row->runs, "done", (json_int_t)row->done, "transductive",
		row->transductive, "metrics", values);
}

static void write_json(const core_grid *grid, core_text *out)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < grid->n_rows; i++)
		json_array_append_new(rows, row_json(grid, &grid->row[i]));
	json_t *root = json_pack("{s:i, s:s, s:s, s:I, s:I, s:b, s:o}", "schema_version", 1,
		"aggregate", "fold_mean", "spread", "sd", "folds", (json_int_t)grid->folds, "seeds",
		(json_int_t)grid->seeds, "synthetic", grid->synthetic, "cells", rows);
	char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
	json_decref(root);
	if (text)
		core_text_add(out, "%s\n", text);
	else
		out->failed = true;
	free(text);
}

fv_status core_grid_write(fv_ctx *ctx, const core_results *results, const core_grid *grid,
	core_table_format format, core_text *out)
{
	if (format == CORE_TABLE_MD)
		write_md(grid, out);
	else if (format == CORE_TABLE_CSV)
		write_csv(results, out);
	else
		write_json(grid, out);
	return out->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}
