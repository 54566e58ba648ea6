/* SPDX-License-Identifier: Apache-2.0 */
/* What each cell used and was allowed to see, and how its model was chosen. */
#include <math.h>
#include <string.h>

#include "report/decimal.h"
#include "report/grid_private.h"

const json_t *core_row_env(const core_grid_row *row, const char *key)
{
	if (!row->cell || !row->cell->n_folds)
		return NULL;
	return json_object_get(json_object_get(row->cell->used[0]->env, "cell"), key);
}

const char *core_row_marks(const core_grid_row *row)
{
	static const char *const marks[2][2] = {{"", " ‡"}, {" †", " † ‡"}};
	return marks[row->transductive][row->on_test];
}

const char *core_pair_label(fv_ctx *ctx, const core_grid_row *own, const core_grid_row *other)
{
	return core_format(ctx, "%s%s - %s%s", own->label, core_row_marks(own), other->label,
		core_row_marks(other));
}

/* Does the objective work on groups? Of files that do not say, where it has a grouper. */
static bool trains_on_groups(const core_grid_row *row)
{
	const json_t *uses = core_row_env(row, "uses_groups");
	return uses ? json_is_true(uses) : json_array_size(core_row_env(row, "grouping")) > 0;
}

const char *core_row_groups(fv_ctx *ctx, const core_grid_row *row)
{
	const json_t *grouping = core_row_env(row, "grouping");
	core_text text = {0};
	if (!grouping)
		return "not recorded";
	if (!trains_on_groups(row))
		return "none";
	if (json_is_true(core_row_env(row, "uses_group_labels")))
		return "true labels";
	for (size_t i = 0; i < json_array_size(grouping); i++) {
		const json_t *name = json_object_get(json_array_get(grouping, i), "name");
		core_text_add(&text, "%s%s", i ? " x " : "inferred: ",
			json_is_string(name) ? json_string_value(name) : "");
	}
	return core_text_take(ctx, &text);
}

/* The rule, with what it looks at. */
static const char *rule_of(fv_ctx *ctx, const core_grid_row *row)
{
	const json_t *selection = core_row_env(row, "selection");
	const char *rule = json_string_value(core_row_env(row, "select"));
	const char *groups = json_string_value(json_object_get(selection, "groups"));
	const json_t *floor = json_object_get(selection, "f1_floor");
	core_text text = {0};
	core_text_add(&text, "%s", rule ? rule : "not recorded");
	if (groups)
		core_text_add(&text, " (%s%s", strcmp(groups, "inferred") ? "" : "groups ", groups);
	if (json_is_number(floor))
		core_text_add(&text, ", F1 ≥ %g of the best", json_number_value(floor));
	core_text_add(&text, "%s", groups ? ")" : "");
	if (json_is_true(json_object_get(selection, "uses_group_labels")))
		core_text_add(&text, ", uses group labels");
	return core_text_take(ctx, &text);
}

/* "50 x 2": epochs that a model was chosen from, times the seeds averaged. */
static const char *trials(fv_ctx *ctx, const core_grid_row *row)
{
	const json_t *epochs = json_object_get(core_row_env(row, "selection"), "epochs");
	if (!json_is_integer(epochs))
		return "not recorded";
	return core_format(
		ctx, "%lld x %d", (long long)json_integer_value(epochs), (int)row->cell->n_seeds);
}

static const char *split_of(const core_grid_row *row)
{
	const char *split =
		json_string_value(json_object_get(core_row_env(row, "selection"), "split"));
	if (!split)
		return "not recorded";
	return row->on_test ? "test" : "development";
}

/* Groups that the rule of selection looked at: "", ", true groups" or ", inferred groups". */
static const char *selection_sees(const core_grid_row *row)
{
	const json_t *selection = core_row_env(row, "selection");
	const char *rule = json_string_value(core_row_env(row, "select"));
	bool own = rule && !strcmp(rule, "dev_objective") && trains_on_groups(row);
	bool labels = own && json_is_true(core_row_env(row, "uses_group_labels"));
	labels |= json_is_true(json_object_get(selection, "uses_group_labels"));
	if (!own && !json_object_get(selection, "groups"))
		return "";
	return labels ? ", true groups" : ", inferred groups";
}

/* "train: labels, true groups; dev: labels; test: recordings" */
static const char *sees(fv_ctx *ctx, const core_grid_row *row)
{
	bool labels = json_is_true(core_row_env(row, "uses_group_labels"));
	core_text text = {0};
	if (!core_row_env(row, "grouping"))
		return "not recorded";
	core_text_add(&text, "train: labels%s",
		labels                  ? ", true groups"
		: trains_on_groups(row) ? ", inferred groups"
					: "");
	core_text_add(&text, "; dev: labels%s", row->on_test ? "" : selection_sees(row));
	if (row->on_test)
		core_text_add(&text, "; test: labels%s", selection_sees(row));
	if (row->transductive)
		core_text_add(&text, "; test: recordings");
	return core_text_take(ctx, &text);
}

static const char *printed(fv_ctx *ctx, double value)
{
	core_text text = {0};
	core_put_value(&text, value);
	return core_text_take(ctx, &text);
}

static fv_status fact_row(
	fv_ctx *ctx, const core_grid_row *row, bool sharp, core_sheet *sheet, size_t at)
{
	const core_cell_scores *s = &row->scores;
	*core_sheet_at(sheet, at, 0) = (core_sheet_cell){row->label, core_row_marks(row), 0, false};
	if (row->cell) {
		const char *fact[] = {core_row_groups(ctx, row), rule_of(ctx, row), split_of(row),
			trials(ctx, row), sees(ctx, row)};
		for (size_t j = 0; j < sizeof fact / sizeof *fact; j++) {
			if (!fact[j])
				return FV_FAILED;
			core_sheet_at(sheet, at, j + 1)->value = fact[j];
		}
	}
	const double value[] = {
		s->sharp.labels_predicted, s->sharp.labels_true, s->sharp.auc, s->sharp.ap};
	for (size_t j = 0; j < 4 && sharp && s->test; j++) {
		core_sheet_cell *cell = core_sheet_at(sheet, at, j + 6);
		cell->value = printed(ctx, value[j]);
		if (!cell->value)
			return FV_FAILED;
	}
	return FV_OK;
}

fv_status core_facts_sheet(fv_ctx *ctx, const core_grid *grid, bool sharp, core_document *document)
{
	static const char *const head[] = {"cell", "groups", "selected by", "on",
		"trials (epochs x seeds)", "may see", "positives a row", "true", "AUC",
		"average precision"};
	size_t columns = sharp ? 10 : 6, rows = grid->n_rows + (sharp ? grid->n_baselines : 0);
	core_sheet *sheet = core_sheet_add(ctx, document,
		sharp ? "What each cell used and saw, how its model was chosen, and how sharply it "
			"predicts (pooled)"
		      : "What each cell used and saw, and how its model was chosen",
		rows, columns);
	fv_status status = sheet ? FV_OK : FV_FAILED;
	if (!sheet)
		return status;
	memcpy(sheet->head, head, columns * sizeof *head);
	sheet->line[grid->n_rows] = rows > grid->n_rows;
	for (size_t i = 0; i < rows && !status; i++)
		status = fact_row(ctx,
			i < grid->n_rows ? &grid->row[i] : &grid->baseline[i - grid->n_rows], sharp,
			sheet, i);
	return status;
}

void core_facts_put(json_t *object, const core_grid_row *row)
{
	static const char *const keys[] = {"objective", "grouping", "encoder", "profile", "select",
		"selection", "uses_groups", "uses_group_labels", "plain", "bias", "axes"};
	json_object_set_new(object, "transductive", json_boolean(row->transductive));
	json_object_set_new(object, "chosen_on_test", json_boolean(row->on_test));
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		json_t *value = (json_t *)core_row_env(row, keys[i]);
		if (value)
			json_object_set(object, keys[i], value);
	}
}

json_t *core_facts_json(const core_grid *grid)
{
	json_t *list = json_array();
	for (size_t i = 0; i < grid->n_rows; i++) {
		json_t *object = json_pack("{s:s}", "cell", grid->row[i].cell->name);
		core_facts_put(object, &grid->row[i]);
		json_array_append_new(list, object);
	}
	return list;
}
