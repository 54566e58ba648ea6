/* SPDX-License-Identifier: Apache-2.0 */
/* Everything a grid holds, for other programs. */
#include <math.h>

#include "base/json.h"
#include "report/few.h"
#include "report/grid_private.h"
#include "report/spread.h"

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static void put_known(json_t *object, const char *key, double value)
{
	if (!isnan(value))
		json_object_set_new(object, key, json_real(value));
}

static void put_null(json_t *object, const core_estimate *e)
{
	put_known(object, "null_mean", e->null_mean);
	put_known(object, "null_p95", e->null_p95);
	put_known(object, "p", e->p);
	put_known(object, "excess", e->excess);
}

/* mean, sd and folds are those of metrics.json, the rest of the predictions. */
static json_t *mean_json(const core_mean *m)
{
	json_t *object = json_pack("{s:o, s:o, s:I}", "mean", number(m->mean), "sd", number(m->sd),
		"folds", (json_int_t)m->folds);
	put_null(object, &m->fold_mean);
	return object;
}

static json_t *pooled_json(const core_mean *m)
{
	json_t *object = json_pack("{s:o}", "value", number(m->pooled.value));
	put_null(object, &m->pooled);
	return object;
}

/* {"f1": of(...), "attributes": {"gender": {"tpr_gap": of(...)}}} */
static json_t *by_column(const core_grid *grid, const void *row,
	json_t *(*of)(const core_grid *grid, const void *row, size_t column))
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
		json_object_set_new(into, c->metric, of(grid, row, j));
	}
	json_object_set_new(values, "attributes", attributes);
	return values;
}

/* Says of a gap whether it rests on too little. */
static json_t *with_few(
	const core_grid *grid, const void *row, size_t column, bool pooled, json_t *r)
{
	if (grid->column[column].attribute && ((const core_grid_row *)row)->scores.test)
		json_object_set_new(
			r, "few", json_boolean(core_few_column(grid, row, column, pooled)));
	return r;
}

static json_t *mean_of(const core_grid *grid, const void *row, size_t column)
{
	return with_few(
		grid, row, column, false, mean_json(&((const core_grid_row *)row)->value[column]));
}

static json_t *pooled_of(const core_grid *grid, const void *row, size_t column)
{
	return with_few(
		grid, row, column, true, pooled_json(&((const core_grid_row *)row)->value[column]));
}

static json_t *difference_of(const core_grid *grid, const void *row, size_t column)
{
	const core_versus *v = &((const core_grid_row *)row)->versus;
	const core_estimate *d = &v->diff[column];
	bool family = (int64_t)column == grid->family;
	json_t *object = json_pack("{s:o}", "value", number(d->value));
	put_known(object, "low", d->low);
	put_known(object, "high", d->high);
	put_known(object, "p", d->p);
	put_known(object, "p_adjusted", v->adjusted[column]);
	json_object_set_new(object, "adjustment", json_string(family ? "holm" : "bh"));
	json_object_set_new(object, "exploratory", json_boolean(!family));
	return object;
}

static json_t *level_json(const core_level_change *l, const core_eval_attribute *a)
{
	json_t *object = json_pack("{s:o, s:o, s:b}", "best_change", number(l->best_change),
		"worst_change", number(l->worst_change), "flag", l->flag);
	if (l->best >= 0) {
		json_object_set_new(object, "best", json_string(a->group[l->best]));
		json_object_set_new(object, "worst", json_string(a->group[l->worst]));
	}
	return object;
}

static json_t *levelling_json(const core_grid_row *row)
{
	const core_test_set *t = row->scores.test;
	json_t *root = json_object();
	for (int32_t a = 0; a < t->n_attributes; a++) {
		const core_levelling *l = &row->versus.levelling[a];
		json_t *classes = json_object();
		for (int32_t c = 0; c < t->C; c++)
			json_object_set_new(classes, t->classes[c],
				l->per_class[c].best < 0
					? json_null()
					: level_json(&l->per_class[c], &t->attribute[a]));
		json_object_set_new(root, t->attribute[a].name,
			json_pack("{s:o, s:o}", "per_class", classes, "mean",
				level_json(&l->mean, &t->attribute[a])));
	}
	return root;
}

static json_t *versus_json(const core_grid *grid, const core_grid_row *row)
{
	const core_versus *v = &row->versus;
	if (v->reference < 0)
		return json_null();
	const char *name = grid->row[v->reference].cell->name;
	if (v->reason)
		return json_pack("{s:s, s:s}", "reference", name, "reason", v->reason);
	json_t *object = by_column(grid, row, difference_of);
	json_object_set_new(object, "reference", json_string(name));
	json_object_set_new(object, "levelling_down", levelling_json(row));
	return object;
}

static json_t *sharp_json(const core_cell_sharpness *s)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "labels_predicted", number(s->labels_predicted),
		"labels_true", number(s->labels_true), "auc", number(s->auc), "average_precision",
		number(s->ap));
}

static json_t *sharpness_json(const core_cell_scores *s)
{
	json_t *object = sharp_json(&s->sharp), *attributes = json_object();
	for (int32_t a = 0; a < s->test->n_attributes; a++) {
		const core_eval_attribute *own = &s->test->attribute[a];
		json_t *groups = json_object();
		for (int32_t g = 0; g < own->G; g++)
			json_object_set_new(groups, own->group[g], sharp_json(&s->group[a][g]));
		json_object_set_new(attributes, own->name, groups);
	}
	json_object_set_new(object, "attributes", attributes);
	return object;
}

static json_t *interval_json(const core_estimate *e)
{
	json_t *object = json_pack("{s:o}", "value", number(e->value));
	put_known(object, "low", e->low);
	put_known(object, "high", e->high);
	return object;
}

/* TPR of one group less that of another, by class, pooled. */
static json_t *differences_json(const core_cell_scores *s)
{
	const core_test_set *t = s->test;
	json_t *attributes = json_object();
	for (int32_t a = 0; a < t->n_attributes && s->difference[a]; a++) {
		const core_eval_attribute *own = &t->attribute[a];
		json_t *list = json_array();
		for (int32_t k = 0; k < own->G * (own->G - 1) / 2; k++) {
			const core_tpr_difference *d = &s->difference[a][k];
			json_t *classes = json_object();
			for (int32_t c = 0; c < t->C; c++)
				json_object_set_new(
					classes, t->classes[c], interval_json(&d->value[c]));
			json_array_append_new(list,
				json_pack("{s:s, s:s, s:b, s:b, s:o}", "group", own->group[d->g],
					"minus", own->group[d->h], "few_speakers", d->few,
					"one_speaker", d->one_speaker, "classes", classes));
		}
		json_object_set_new(attributes, own->name, list);
	}
	return attributes;
}

static json_t *numbers_json(int32_t n, const int64_t *value)
{
	json_t *list = json_array();
	for (int32_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer((json_int_t)value[i]));
	return list;
}

static json_t *row_json(const core_grid *grid, const core_grid_row *row)
{
	const core_evidence *e = row->cell ? &grid->evidence.cell[row - grid->row] : NULL;
	json_t *object = json_object();
	json_object_set_new(object, "cell", json_string(row->cell ? row->cell->name : row->label));
	if (row->cell) {
		json_object_set_new(object, "label", json_string(row->label));
		json_object_set_new(object, "runs", json_integer((json_int_t)row->runs));
		json_object_set_new(object, "done", json_integer((json_int_t)row->done));
		json_object_set_new(
			object, "folds", numbers_json(row->cell->n_folds, row->cell->fold));
		json_object_set_new(
			object, "seeds", numbers_json(row->cell->n_seeds, row->cell->seed));
		core_facts_put(object, row);
	}
	json_object_set_new(object, "metrics", by_column(grid, row, mean_of));
	if (row->scores.test) {
		json_object_set_new(object, "pooled", by_column(grid, row, pooled_of));
		json_object_set_new(object, "sharpness", sharpness_json(&row->scores));
		json_object_set_new(object, "tpr_difference", differences_json(&row->scores));
	} else if (row->reason) {
		json_object_set_new(object, "reason", json_string(row->reason));
	}
	if (e && !e->reason)
		json_object_set_new(object, "test_set", json_integer(e->test + 1));
	if (row->cell)
		json_object_set_new(object, "versus", versus_json(grid, row));
	return object;
}

static json_t *attribute_support(const core_test_set *t, const core_scores *s)
{
	json_t *groups = json_object();
	for (int32_t g = 0; g < s->G; g++) {
		json_t *positives = json_object();
		for (int32_t c = 0; c < t->C; c++)
			json_object_set_new(positives, t->classes[c],
				numbers_json(
					s->n_folds, s->positives + (c * s->G + g) * s->n_folds));
		json_object_set_new(groups, s->group[g],
			json_pack("{s:o, s:o, s:o}", "speakers",
				numbers_json(s->n_folds, s->speakers + g * s->n_folds), "rows",
				numbers_json(s->n_folds, s->rows + g * s->n_folds), "positives",
				positives));
	}
	return groups;
}

/* Counts by fold, in the order of "folds". */
static json_t *support_json(const core_grid *grid)
{
	json_t *list = json_array();
	for (int32_t t = 0; t < grid->evidence.n_tests; t++) {
		const core_test_set *test = &grid->evidence.test[t];
		for (size_t i = 0; i < grid->n_rows; i++) {
			const core_cell_scores *s = &grid->row[i].scores;
			if (s->test != test)
				continue;
			json_t *attributes = json_object();
			for (int32_t a = 0; a < test->n_attributes; a++)
				json_object_set_new(attributes, test->attribute[a].name,
					attribute_support(test, &s->attribute[a]));
			json_array_append_new(list,
				json_pack("{s:I, s:o, s:o}", "rows", (json_int_t)test->n, "folds",
					numbers_json(grid->row[i].cell->n_folds,
						grid->row[i].cell->fold),
					"attributes", attributes));
			break;
		}
	}
	return list;
}

static json_t *notes_json(const core_document *document)
{
	json_t *list = json_array();
	for (size_t i = 0; i < document->n_notes; i++)
		json_array_append_new(list, json_string(document->note[i]));
	return list;
}

static json_t *family_json(const core_grid *grid)
{
	if (grid->family < 0)
		return json_null();
	const core_grid_column *c = &grid->column[grid->family];
	return json_pack("{s:s, s:s?}", "metric", c->metric, "attribute", c->attribute);
}

static json_t *grid_json(const core_grid *grid, const core_document *notes, json_t *spread)
{
	json_t *rows = json_array(), *baselines = json_array();
	for (size_t i = 0; i < grid->n_rows; i++)
		json_array_append_new(rows, row_json(grid, &grid->row[i]));
	for (size_t i = 0; i < grid->n_baselines; i++)
		json_array_append_new(baselines, row_json(grid, &grid->baseline[i]));
	return json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:o, s:o, s:o, s:o, s:o, s:o}",
		"schema_version", 1, "aggregate", "fold_mean", "spread", "sd", "folds",
		(json_int_t)grid->folds, "seeds", (json_int_t)grid->seeds, "draws",
		(json_int_t)grid->options.draws.n, "min_support",
		(json_int_t)grid->options.min_support, "synthetic", grid->synthetic, "compare",
		family_json(grid), "cells", rows, "baselines", baselines, "spread_by_source",
		spread, "support", support_json(grid), "notes", notes_json(notes));
}

fv_status core_grid_json(fv_ctx *ctx, const core_grid *grid, core_text *out)
{
	core_document *notes = core_alloc(ctx, 1, sizeof *notes);
	fv_status status = notes ? core_grid_notes(ctx, grid, notes) : FV_FAILED;
	json_t *spread = NULL;
	if (!status)
		status = core_spread_json(ctx, grid, &spread);
	if (status)
		return status;
	const char *text = core_json_text(
		ctx, grid_json(grid, notes, spread), JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	if (!text)
		return FV_FAILED;
	core_text_add(out, "%s\n", text);
	return FV_OK;
}
