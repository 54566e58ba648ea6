/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tuning.h"
#include "base/plural.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HASH = 8 };

static json_t *list_trials(const core_run_facts *facts)
{
	return json_object_get(facts ? facts->tune : NULL, "trials");
}

/* Does a tuned variant name this one as a trial that is no row of its own? Folders may have been renamed,
 * so the hashes at the end of their names count. */
static bool is_hidden_by(const core_run_facts *facts, const char *name)
{
	size_t i;
	json_t *trial;
	json_array_foreach(list_trials(facts), i, trial)
	{
		const char *own = json_string_value(json_object_get(trial, "variant"));
		size_t n = own ? strlen(own) : 0, m = strlen(name);
		if (n >= HASH && m >= HASH && !strcmp(own + n - HASH, name + m - HASH) &&
			!json_is_true(json_object_get(trial, "row")))
			return true;
	}
	return false;
}

static bool is_hidden(const core_results *results, const core_variant_result *variant)
{
	for (size_t i = 0; i < results->n; i++)
		if (is_hidden_by(core_variant_facts(&results->variant[i]), variant->name))
			return true;
	return false;
}

fv_status core_hide_trials(fv_ctx *ctx, core_results *results)
{
	core_variant_result *sorted = core_alloc(ctx, results->n + 1, sizeof *sorted);
	size_t at = 0, shown = 0;
	if (!sorted)
		return FV_FAILED;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < results->n; i++)
			if (is_hidden(results, &results->variant[i]) == pass)
				sorted[at++] = results->variant[i];
		shown = pass ? shown : at;
	}
	memcpy(results->variant, sorted, results->n * sizeof *sorted);
	results->n_trials = results->n - shown;
	core_results_keep_first(results, shown);
	return FV_OK;
}

/* The smallest and largest number of epochs that a model was chosen from. */
struct range {
	int64_t low, high;
};

static void extend_range(struct range *r, const json_t *epochs)
{
	int64_t n = json_integer_value(epochs);
	if (!json_is_integer(epochs))
		return;
	r->low = n < r->low ? n : r->low;
	r->high = n > r->high ? n : r->high;
}

static struct range find_epochs(const core_grid_row *row)
{
	struct range r = {INT64_MAX, -1};
	const core_variant_result *v = row->variant;
	for (int32_t k = 0; k < v->n_folds * v->n_seeds; k++) {
		const core_run_facts *facts = v->used[k]->facts;
		size_t i;
		json_t *trial;
		json_array_foreach(list_trials(facts), i, trial)
			extend_range(&r, json_object_get(trial, "epochs"));
		if (!facts->tune)
			extend_range(&r, json_object_get(facts->selection.json, "epochs"));
	}
	return r;
}

const char *core_format_trials(fv_ctx *ctx, const core_grid_row *row)
{
	struct range r = find_epochs(row);
	core_text text = {0};
	size_t trials = json_array_size(list_trials(row->facts));
	if (r.high < 0)
		return "not recorded";
	core_text_add(&text, "%lld", (long long)r.low);
	if (r.high > r.low)
		core_text_add(&text, "-%lld", (long long)r.high);
	core_text_add(&text, " x %d", (int)row->variant->n_seeds);
	if (trials)
		core_text_add(&text, " x %zu tuned", trials);
	return core_text_move(ctx, &text);
}

static const char *find_last_part(const char *key)
{
	const char *dot = strrchr(key, '.');
	return dot ? dot + 1 : key;
}

const char *core_format_tuning(fv_ctx *ctx, const core_run_facts *facts)
{
	const char *key, *between = " (";
	json_t *trials = list_trials(facts), *value;
	core_text text = {0};
	if (!trials)
		return "";
	core_text_add(
		&text, ", tuned by %s", json_string_value(json_object_get(facts->tune, "by")));
	json_object_foreach(json_object_get(json_array_get(trials, 0), "axes"), key, value)
	{
		core_text_add(&text, "%s%s", between, find_last_part(key));
		between = ", ";
	}
	size_t n = json_array_size(trials);
	core_text_add(&text, ": %zu trial%s)", n, core_plural((int64_t)n));
	return core_text_move(ctx, &text);
}

/* --- the table of trials ---------------------------------------------------------------------- */

enum { LABEL, VARIANT, TRIAL, BY, VALUE, CHOSEN, AXES, FOLDER, COLUMNS };

/* "learning_rate 0.001, dropout 0.1" */
static const char *format_axes(fv_ctx *ctx, json_t *axes)
{
	core_text text = {0};
	const char *key;
	json_t *value;
	json_object_foreach(axes, key, value)
	{
		char *shown = json_is_string(value)
				      ? NULL
				      : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT |
								  JSON_REAL_PRECISION(12));
		core_text_add(&text, "%s%s %s", text.size ? ", " : "", find_last_part(key),
			shown                   ? shown
			: json_is_string(value) ? json_string_value(value)
						: "");
		free(shown);
	}
	return core_text_move(ctx, &text);
}

/* Sums up a trial over the folds of its tuned variant: its mean value, and the folds that chose it. */
static fv_status sum_trial(fv_ctx *ctx, const core_variant_result *v, size_t trial,
	const char *name, double *value, const char **folds)
{
	core_text text = {0};
	*value = 0;
	for (int32_t f = 0; f < v->n_folds; f++) {
		const core_run_result *run = v->used[f * v->n_seeds];
		const json_t *chosen = json_object_get(run->metrics, "chosen");
		const json_t *own = json_array_get(json_object_get(chosen, "values"), trial);
		const char *taken = json_string_value(json_object_get(chosen, "variant"));
		*value += json_is_number(own) ? json_number_value(own) / v->n_folds : NAN;
		if (taken && !strcmp(taken, name))
			core_text_add(
				&text, "%s%lld", text.size ? ", " : "", (long long)v->fold[f]);
	}
	if (!text.size)
		core_text_add(&text, "none");
	*folds = core_text_move(ctx, &text);
	return *folds ? FV_OK : FV_FAILED;
}

static fv_status fill_trial(
	fv_ctx *ctx, const core_grid_row *row, size_t k, core_result_table *t, size_t at)
{
	json_t *trial = json_array_get(list_trials(row->facts), k);
	json_t *axes = json_object_get(trial, "axes");
	const char *name = json_string_value(json_object_get(trial, "variant"));
	const char *text = format_axes(ctx, axes), *folds;
	double value;
	fv_status status = text ? sum_trial(ctx, row->variant, k, name ? name : "", &value, &folds)
				: FV_FAILED;
	if (status)
		return status;
	core_name_row(t, at, LABEL, row);
	*core_table_at(t, at, TRIAL) = core_value_text(text);
	*core_table_at(t, at, BY) =
		core_value_text(json_string_value(json_object_get(row->facts->tune, "by")));
	*core_table_at(t, at, VALUE) = core_value_number(value);
	*core_table_at(t, at, CHOSEN) = core_value_text(folds);
	*core_table_at(t, at, AXES) = core_value_json(axes);
	*core_table_at(t, at, FOLDER) = core_value_text(name);
	return FV_OK;
}

static void set_columns(core_result_table *t)
{
	core_name_columns(t, LABEL, "variant");
	t->column[TRIAL] = core_plain_column("trial", "trial", CORE_FOR_PEOPLE);
	t->column[BY] = core_plain_column("by", "by", CORE_FOR_PEOPLE | CORE_FOR_JSON);
	t->column[VALUE] = (core_table_column){.path = {"value"},
		.title = "mean over folds",
		.audience = CORE_FOR_PEOPLE | CORE_FOR_JSON,
		.metric = "value"};
	t->column[CHOSEN] =
		core_plain_column("folds", "chosen in fold", CORE_FOR_PEOPLE | CORE_FOR_JSON);
	t->column[AXES] = core_plain_column("axes", "axes", CORE_FOR_JSON);
	t->column[FOLDER] = core_plain_column("folder", "folder", CORE_FOR_JSON);
}

fv_status core_add_tuning(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	size_t rows = 0, at = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		rows += json_array_size(list_trials(grid->row[i].facts));
	if (!rows)
		return FV_OK;
	core_result_table *t = core_document_add(ctx, document, "tuning",
		"What tuning chose: each fold takes the trial with the best development value "
		"(mean over its seeds)",
		rows, COLUMNS);
	fv_status status = t ? FV_OK : FV_FAILED;
	if (t)
		set_columns(t);
	for (size_t i = 0; i < grid->n_rows; i++)
		for (size_t k = 0; k < json_array_size(list_trials(grid->row[i].facts)) && !status;
			k++) {
			t->line[at] = k == 0 && at;
			status = fill_trial(ctx, &grid->row[i], k, t, at++);
		}
	return status;
}

/* --- kept epochs ------------------------------------------------------------------------------ */

enum { NAMED = 3 };

/* Returns how many of the runs that count kept their first or last epoch. */
static int count_edge(const core_variant_result *v, bool last)
{
	int n = 0;
	for (int32_t k = 0; k < v->n_folds * v->n_seeds; k++) {
		const json_t *metrics = v->used[k]->metrics;
		json_int_t kept = json_integer_value(json_object_get(metrics, "selected_epoch"));
		json_int_t epochs = json_integer_value(json_object_get(metrics, "epochs"));
		n += epochs > 1 && kept == (last ? epochs : 1);
	}
	return n;
}

static fv_status note_edge(
	fv_ctx *ctx, const core_grid *grid, bool last, const char *advice, core_document *d)
{
	core_text names = {0};
	int runs = 0, all = 0, variants = 0;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_variant_result *v = grid->row[i].variant;
		int n = count_edge(v, last), of = v->n_folds * v->n_seeds;
		all += of;
		runs += n;
		if (n && variants++ < NAMED)
			core_text_add(&names, "%s%s %d of %d", variants > 1 ? ", " : "",
				grid->row[i].label, n, of);
	}
	if (variants > NAMED)
		core_text_add(&names, ", and %d more variant%s", variants - NAMED,
			core_plural(variants - NAMED));
	const char *text = core_text_move(ctx, &names);
	if (!text || !runs)
		return text ? FV_OK : FV_FAILED;
	return core_document_note(ctx, d, "%d of %d run%s kept the %s epoch they could (%s): %s.",
		runs, all, core_plural(all), last ? "last" : "first", text, advice);
}

fv_status core_note_kept_epochs(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	fv_status status =
		note_edge(ctx, grid, true, "train longer (train.epochs), or with a higher rate", d);
	return status ? status
		      : note_edge(ctx, grid, false, "a lower train.learning_rate may do better", d);
}
