/* SPDX-License-Identifier: Apache-2.0 */
/* The table of variants: what each used and could see, and how its model was chosen. */
#include <math.h>
#include <string.h>

#include "report/tuning.h"

enum { LABEL, VARIANT, GROUPS, RULE, SPLIT, TRIALS, SEES, PREDICTED, TRUE_LABELS, AUC, AP, FACTS };

/* Does the objective work on groups? */
static bool trains_on_groups(const core_run_facts *f)
{
	return f->uses_groups;
}

/* "true labels", "inferred: NAME", "none", "not recorded" */
static const char *format_groups(fv_ctx *ctx, const core_run_facts *f)
{
	core_text text = {0};
	if (!f->has_groupers)
		return "not recorded";
	if (!trains_on_groups(f))
		return "none";
	if (f->uses_group_labels)
		return "true labels";
	for (int32_t i = 0; i < f->n_groupers; i++)
		core_text_add(&text, "%s%s", i ? " x " : "inferred: ", f->grouper[i].name);
	return core_text_move(ctx, &text);
}

/* Returns the selection rule and what it uses. */
static const char *format_rule(fv_ctx *ctx, const core_run_facts *f)
{
	const core_selection_facts *s = &f->selection;
	const char *tuning = core_format_tuning(ctx, f);
	core_text text = {0};
	if (!tuning)
		return NULL;
	core_text_add(&text, "%s", *s->rule ? s->rule : "not recorded");
	if (s->groups)
		core_text_add(
			&text, " (%s%s", strcmp(s->groups, "inferred") ? "" : "groups ", s->groups);
	if (!isnan(s->f1_floor))
		core_text_add(&text, ", F1 ≥ %g of the best", s->f1_floor);
	core_text_add(&text, "%s", s->groups ? ")" : "");
	if (s->uses_group_labels)
		core_text_add(&text, ", uses group labels");
	core_text_add(&text, "%s", tuning);
	return core_text_move(ctx, &text);
}

static const char *format_split(const core_grid_row *row)
{
	if (!*row->facts->selection.split)
		return "not recorded";
	return row->on_test ? "test" : "development";
}

/* Returns the groups that the selection rule used: "", ", true groups" or ", inferred groups". */
static const char *format_selection_groups(const core_run_facts *f)
{
	bool own = !strcmp(f->selection.rule, "dev_objective") && trains_on_groups(f);
	bool labels = (own && f->uses_group_labels) || f->selection.uses_group_labels;
	if (!own && !f->selection.groups)
		return "";
	return labels ? ", true groups" : ", inferred groups";
}

/* Returns "train: labels, true groups; dev: labels; test: recordings". */
static const char *format_seen_data(fv_ctx *ctx, const core_grid_row *row)
{
	const core_run_facts *f = row->facts;
	core_text text = {0};
	if (!f->has_groupers)
		return "not recorded";
	core_text_add(&text, "train: labels%s",
		f->uses_group_labels  ? ", true groups"
		: trains_on_groups(f) ? ", inferred groups"
				      : "");
	core_text_add(&text, "; dev: labels%s", row->on_test ? "" : format_selection_groups(f));
	if (row->on_test)
		core_text_add(&text, "; test: labels%s", format_selection_groups(f));
	if (row->transductive)
		core_text_add(&text, "; test: recordings");
	return core_text_move(ctx, &text);
}

static json_t *numbers_json(int32_t n, const int64_t *value)
{
	json_t *list = json_array();
	for (int32_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer((json_int_t)value[i]));
	return list;
}

/* Returns what programs see of a variant: the facts of env.json, its runs, its test set. */
static json_t *facts_json(const core_grid *grid, const core_grid_row *row)
{
	const core_variant_result *v = row->variant;
	const core_variant_predictions *p = &grid->tests.variant[row - grid->row];
	const core_run_facts *f = row->facts;
	json_t *object = json_pack("{s:I, s:I, s:o, s:o, s:b, s:b, s:b}", "runs",
		(json_int_t)row->runs, "done", (json_int_t)row->done, "folds",
		numbers_json(v->n_folds, v->fold), "seeds", numbers_json(v->n_seeds, v->seed),
		"transductive", row->transductive, "chosen_on_test", row->on_test, "older_build",
		row->older);
	if (p->reason)
		json_object_set_new(object, "reason", json_string(p->reason));
	else
		json_object_set_new(object, "test_set", json_integer(p->test + 1));
	if (!f)
		return object;
	json_t *more = json_pack(
		"{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*}",
		"loss", f->loss, "encoder", f->encoder, "profile", f->profile, "select",
		f->selection.rule, "plain", f->plain, "uses_groups", f->uses_groups,
		"uses_group_labels", f->uses_group_labels, "axes", f->axes, "objective",
		f->objective, "grouping", f->grouping, "plugins", f->plugins, "bias", f->bias,
		"selection", f->selection.json, "tune", f->tune);
	json_object_update(object, more);
	json_decref(more);
	return object;
}

static fv_status fill_row(fv_ctx *ctx, const core_grid *grid, const core_grid_row *row,
	core_result_table *t, size_t i, core_document *document)
{
	core_name_row(t, i, LABEL, row);
	if (!row->variant)
		return FV_OK;
	const json_t *facts = core_document_own(ctx, document, facts_json(grid, row));
	if (!facts)
		return FV_FAILED;
	*core_table_at(t, i, FACTS) = core_value_json(facts);
	if (!row->facts)
		return FV_OK;
	const char *text[] = {format_groups(ctx, row->facts), format_rule(ctx, row->facts),
		format_split(row), core_format_trials(ctx, row), format_seen_data(ctx, row)};
	for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
		if (!text[k])
			return FV_FAILED;
		*core_table_at(t, i, GROUPS + k) = core_value_text(text[k]);
	}
	return FV_OK;
}

static void fill_scores(const core_grid_row *row, core_result_table *t, size_t i)
{
	const core_threshold_free *s = &row->scores.all;
	if (!row->scores.test)
		return;
	*core_table_at(t, i, PREDICTED) = core_value_number(s->labels_predicted);
	*core_table_at(t, i, TRUE_LABELS) = core_value_number(s->labels_true);
	*core_table_at(t, i, AUC) = core_value_number(s->auc);
	*core_table_at(t, i, AP) = core_value_number(s->ap);
}

static void set_columns(core_result_table *t, bool scores)
{
	static const char *const titles[] = {
		"groups", "selected by", "on", "trials (epochs x seeds)", "may see"};
	static const char *const keys[] = {
		"labels_predicted", "labels_true", "auc", "average_precision"};
	static const char *const heads[] = {
		"positives per row", "true", "AUC", "average precision"};
	core_name_columns(t, LABEL, "variant");
	for (size_t k = 0; k < 5; k++)
		t->column[GROUPS + k] = core_plain_column(titles[k], titles[k], CORE_FOR_PEOPLE);
	for (size_t k = 0; k < 4; k++)
		t->column[PREDICTED + k] = (core_table_column){.path = {"threshold_free", keys[k]},
			.title = heads[k],
			.audience = scores ? CORE_FOR_PEOPLE | CORE_FOR_JSON : 0,
			.metric = keys[k]};
	t->column[FACTS] = core_plain_column("facts", "facts", CORE_FOR_JSON);
}

fv_status core_add_variants(
	fv_ctx *ctx, const core_grid *grid, bool scores, core_document *document)
{
	size_t rows = grid->n_rows + (scores ? grid->n_baselines : 0);
	core_result_table *t = core_document_add(ctx, document, "variants",
		scores ? "What each variant used and saw, how its model was chosen, and its "
			 "threshold-free metrics (pooled)"
		       : "What each variant used and saw, and how its model was chosen",
		rows, FACTS + 1);
	fv_status status = t ? FV_OK : FV_FAILED;
	if (!t)
		return status;
	set_columns(t, scores);
	t->line[grid->n_rows] = rows > grid->n_rows;
	for (size_t i = 0; i < rows && !status; i++) {
		const core_grid_row *row = core_grid_row_at(grid, i);
		status = fill_row(ctx, grid, row, t, i, document);
		fill_scores(row, t, i);
	}
	return status;
}

/* --- by group, for programs ------------------------------------------------------------------- */

static void fill_groups(const core_grid_row *row, core_result_table *t, size_t *at)
{
	for (int32_t a = 0; a < row->scores.test->n_attributes; a++) {
		const core_eval_attribute *own = &row->scores.test->attribute[a];
		for (int32_t g = 0; g < own->G; g++, ++*at) {
			const core_threshold_free *s = &row->scores.group[a][g];
			const double value[] = {s->labels_predicted, s->labels_true, s->auc, s->ap};
			*core_table_at(t, *at, 0) = core_value_text(core_row_name(row));
			*core_table_at(t, *at, 1) = core_value_text(own->name);
			*core_table_at(t, *at, 2) = core_value_text(own->group[g]);
			for (size_t k = 0; k < 4; k++)
				*core_table_at(t, *at, 3 + k) = core_value_number(value[k]);
		}
	}
}

fv_status core_add_group_metrics(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	static const char *const keys[] = {"variant", "attribute", "group", "labels_predicted",
		"labels_true", "auc", "average_precision"};
	size_t rows = 0, at = 0, all = grid->n_rows + grid->n_baselines;
	for (size_t i = 0; i < all; i++) {
		const core_test_set *test = core_grid_row_at(grid, i)->scores.test;
		for (int32_t a = 0; test && a < test->n_attributes; a++)
			rows += (size_t)test->attribute[a].G;
	}
	core_result_table *t =
		core_document_add_json(ctx, document, "group_metrics", keys, 7, rows);
	if (!t)
		return FV_FAILED;
	for (size_t i = 0; i < all; i++)
		if (core_grid_row_at(grid, i)->scores.test)
			fill_groups(core_grid_row_at(grid, i), t, &at);
	return FV_OK;
}
