/* SPDX-License-Identifier: Apache-2.0 */
#include "report/short_choice.h"

#include <string.h>

#include "base/nearest.h"
#include "base/text.h"
#include "report/columns.h"

static const char *const parts[CORE_PARTS] = {
	"", "null", "excess", "p", "change", "interval", "change_p"};

/* How long each of the usual columns stays where room is short. */
enum {
	OTHER_GAP = 10,
	OWN_P = 20,
	INTERVAL = 30,
	UAR = 40,
	NULL_MEAN = 50,
	F1 = 60,
	CHANGE_P = 70,
	CHANGE = 80,
};

/* What names can be chosen from. */
struct known {
	fv_ctx *ctx;
	const core_variant_axes *axes;
	size_t n_attributes;
	const char **attribute; /* of any run */
	const char *usual;      /* the attribute of a metric without one; NULL: there is none */
};

/* --- attributes ------------------------------------------------------------------------------- */

static bool has_attribute(const struct known *known, const char *name)
{
	for (size_t i = 0; i < known->n_attributes; i++)
		if (!strcmp(known->attribute[i], name))
			return true;
	return false;
}

static fv_status add_attributes(struct known *known, const core_run_result *run)
{
	const char *name;
	for (size_t k = 0; (name = core_run_attribute(run, k)); k++) {
		if (has_attribute(known, name))
			continue;
		const char **grown = core_alloc(known->ctx, known->n_attributes + 1, sizeof *grown);
		if (!grown)
			return FV_FAILED;
		for (size_t i = 0; i < known->n_attributes; i++)
			grown[i] = known->attribute[i];
		grown[known->n_attributes++] = name;
		known->attribute = grown;
	}
	return FV_OK;
}

static fv_status find_attributes(const core_results *results, struct known *known)
{
	const core_run_facts *declared = core_find_declaration(results);
	fv_status status = FV_OK;
	for (size_t i = 0; i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n && !status; k++)
			status = add_attributes(known, &results->variant[i].run[k]);
	known->usual = known->n_attributes ? known->attribute[0] : NULL;
	if (declared && declared->compare_attribute &&
		has_attribute(known, declared->compare_attribute))
		known->usual = declared->compare_attribute;
	return status;
}

/* --- names ------------------------------------------------------------------------------------ */

static fv_status refuse_name(const struct known *known, const char *option, const char *name)
{
	core_text text = {0};
	core_metric_id id;
	if (core_metric_find(name, &id) && !known->n_attributes)
		return fv_fail(known->ctx, FV_CONFIG,
			"%s: '%s' is a metric of groups, and no run has an attribute", option,
			name);
	const char **all =
		core_alloc(known->ctx, CORE_METRICS + 2 * known->axes->n + 2, sizeof *all);
	size_t n = 0;
	if (!all)
		return FV_FAILED;
	all[n++] = "variant";
	all[n++] = "runs";
	for (size_t i = 0; i < known->axes->n; i++)
		all[n++] = known->axes->axis[i].title;
	for (int k = 0; k < CORE_METRICS; k++)
		all[n++] = core_metric_at((core_metric_id)k)->name;
	for (size_t i = 0; i < n; i++)
		core_text_add(&text, "%s%s", i ? ", " : "", all[i]);
	for (size_t i = 0; i < known->n_attributes; i++)
		core_text_add(&text, "%s%s",
			i ? ", " : "; with an attribute before (ATTRIBUTE.METRIC): ",
			known->attribute[i]);
	for (int k = 1; k < CORE_PARTS; k++)
		core_text_add(&text, "%s%s",
			k > 1 ? ", " : "; with a statistic after (METRIC:STATISTIC): ", parts[k]);
	core_text_add(&text, "; and keys of the configuration, such as train.batch");
	fv_status status =
		fv_fail(known->ctx, FV_CONFIG, "%s: no column '%s'%s: there are %s", option, name,
			core_suggest_name(known->ctx, name, all, n), text.data ? text.data : "");
	core_text_free(&text);
	return status;
}

/* Splits "race.tpr_gap:null" into attribute, metric and statistic. Returns false if any is unknown. */
static bool parse_figure(const struct known *known, char *name, core_pick *out)
{
	char *colon = strrchr(name, ':'), *dot;
	*out = (core_pick){.kind = CORE_PICK_FIGURE};
	if (colon) {
		int part = 1;
		while (part < CORE_PARTS && strcmp(parts[part], colon + 1) != 0)
			part++;
		if (part == CORE_PARTS)
			return false;
		out->part = (core_pick_part)part;
		*colon = '\0';
	}
	const char *metric = name;
	if ((dot = strrchr(name, '.'))) {
		*dot = '\0';
		metric = dot + 1;
		for (size_t i = 0; i < known->n_attributes; i++)
			if (!strcmp(known->attribute[i], name))
				out->what.attribute = known->attribute[i];
		if (!out->what.attribute)
			return false;
	}
	if (!core_metric_find(metric, &out->what.id))
		return false;
	bool overall = core_metric_is_overall(out->what.id);
	bool gap = core_metric_is(out->what.id, CORE_METRIC_GAP);
	if ((overall && out->what.attribute) || (!gap && out->part && out->part < CORE_PART_CHANGE))
		return false;
	if (!overall && !out->what.attribute)
		out->what.attribute = known->usual;
	return overall || out->what.attribute;
}

static fv_status parse_pick(
	const struct known *known, const char *option, const char *name, core_pick *out)
{
	int64_t axis = core_axes_index(known->axes, name);
	if (!strcmp(name, "variant") || !strcmp(name, "runs")) {
		*out = (core_pick){.kind = *name == 'v' ? CORE_PICK_VARIANT : CORE_PICK_RUNS};
		return FV_OK;
	}
	if (axis >= 0) {
		*out = (core_pick){.kind = CORE_PICK_AXIS, .axis = (size_t)axis};
		return FV_OK;
	}
	char *copy = core_strdup(known->ctx, name);
	if (!copy)
		return FV_FAILED;
	return parse_figure(known, copy, out) ? FV_OK : refuse_name(known, option, name);
}

/* Is it a gap by itself, which is shown with its null? */
static bool is_bare_gap(const core_pick *pick)
{
	return pick->kind == CORE_PICK_FIGURE && pick->part == CORE_PART_VALUE &&
	       core_metric_is(pick->what.id, CORE_METRIC_GAP);
}

static fv_status parse_columns(const struct known *known, const char *list, core_short_choice *out)
{
	char *copy = core_strdup(known->ctx, list), *rest = NULL;
	size_t most = 2 * strlen(list) + 2;
	out->pick = core_alloc(known->ctx, most, sizeof *out->pick);
	if (!copy || !out->pick)
		return FV_FAILED;
	for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		core_pick *pick = &out->pick[out->n++];
		fv_status status = parse_pick(known, "--columns", name, pick);
		if (status)
			return status;
		if (!is_bare_gap(pick))
			continue;
		out->pick[out->n] = *pick;
		out->pick[out->n++].part = CORE_PART_NULL;
	}
	if (!out->n)
		return fv_fail(known->ctx, FV_CONFIG, "--columns: no column is named");
	/* What is named last is left out first. */
	for (size_t i = 1; i < out->n; i++)
		out->pick[i].importance = (int)(out->n - i);
	return FV_OK;
}

/* --- the usual columns ------------------------------------------------------------------------ */

static void add_figure(
	core_short_choice *out, core_column_request what, core_pick_part part, int importance)
{
	out->pick[out->n++] = (core_pick){
		.kind = CORE_PICK_FIGURE, .what = what, .part = part, .importance = importance};
}

/* What variants are judged by: eval.compare; else the TPR gap of an attribute; else F1. */
static void find_main(
	const core_results *results, const struct known *known, core_column_request *out)
{
	const core_run_facts *declared = core_find_declaration(results);
	*out = (core_column_request){
		.attribute = known->usual, .id = known->usual ? CORE_TPR_GAP : CORE_F1};
	if (declared && core_metric_find(declared->compare_metric, &out->id) &&
		core_metric_is_overall(out->id))
		out->attribute = NULL;
	if (!out->attribute && !core_metric_is_overall(out->id))
		out->id = CORE_F1;
}

/* The main figure, with its null if it is a gap, and the change against the reference. */
static void add_main(core_short_choice *out)
{
	add_figure(out, out->main, CORE_PART_VALUE, 0);
	if (core_metric_is(out->main.id, CORE_METRIC_GAP)) {
		add_figure(out, out->main, CORE_PART_NULL, NULL_MEAN);
		add_figure(out, out->main, CORE_PART_P, OWN_P);
	}
	add_figure(out, out->main, CORE_PART_CHANGE, CHANGE);
	add_figure(out, out->main, CORE_PART_INTERVAL, INTERVAL);
	add_figure(out, out->main, CORE_PART_CHANGE_P, CHANGE_P);
}

/* Sets the columns of every table: metrics over all rows, the main figure, gaps of other attributes. The
 * axes are put before them when it is known which of them tell the rows apart. */
static fv_status add_usual(const struct known *known, core_short_choice *out)
{
	static const struct {
		const char *name;
		int importance;
	} overall[] = {{"uar", UAR}, {"f1", F1}};
	bool gap = core_metric_is(out->main.id, CORE_METRIC_GAP);
	out->pick = core_alloc(known->ctx, 8 + 2 * known->n_attributes, sizeof *out->pick);
	if (!out->pick)
		return FV_FAILED;
	for (size_t k = 0; k < sizeof overall / sizeof *overall; k++) {
		core_column_request what = {.id = CORE_F1};
		if (core_metric_find(overall[k].name, &what.id) &&
			(out->main.attribute || what.id != out->main.id))
			add_figure(out, what, CORE_PART_VALUE, overall[k].importance);
	}
	add_main(out);
	for (size_t i = 0; i < known->n_attributes && gap; i++) {
		core_column_request what = {.attribute = known->attribute[i], .id = out->main.id};
		if (!strcmp(known->attribute[i], out->main.attribute))
			continue;
		add_figure(out, what, CORE_PART_VALUE, OTHER_GAP);
		add_figure(out, what, CORE_PART_NULL, OTHER_GAP);
	}
	return FV_OK;
}

/* --- both ------------------------------------------------------------------------------------- */

static void add_request(core_short_choice *out, const core_pick *pick)
{
	core_column_request what = pick->what;
	what.compared = pick->part >= CORE_PART_CHANGE;
	what.drawn = pick->part != CORE_PART_VALUE;
	if (pick->kind == CORE_PICK_FIGURE)
		out->request[out->n_requests++] = what;
}

static fv_status add_requests(fv_ctx *ctx, core_short_choice *out)
{
	out->request = core_alloc(ctx, out->n + 2, sizeof *out->request);
	if (!out->request)
		return FV_FAILED;
	out->request[out->n_requests++] = out->main;
	for (size_t i = 0; i < out->n; i++)
		add_request(out, &out->pick[i]);
	if (out->sorts)
		add_request(out, &out->sort);
	return FV_OK;
}

fv_status core_short_choose(fv_ctx *ctx, const core_results *results, const core_variant_axes *axes,
	const char *columns, const char *sort, core_short_choice *out)
{
	struct known known = {.ctx = ctx, .axes = axes};
	*out = (core_short_choice){.sorts = sort != NULL, .usual = columns == NULL};
	fv_status status = find_attributes(results, &known);
	if (status)
		return status;
	find_main(results, &known, &out->main);
	status = columns ? parse_columns(&known, columns, out) : add_usual(&known, out);
	if (!status && sort) {
		out->descending = *sort == '-';
		status = parse_pick(&known, "--sort", sort + out->descending, &out->sort);
	}
	return status ? status : add_requests(ctx, out);
}
