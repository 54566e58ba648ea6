/* SPDX-License-Identifier: Apache-2.0 */
#include "report/status_tables.h"

#include <math.h>
#include <string.h>

#include "base/plural.h"
#include "base/progress.h"

const char *core_folder_state_name(core_folder_state state)
{
	static const char *const names[CORE_FOLDER_STATES] = {
		"done", "running", "failed", "interrupted", "pending"};
	return names[state];
}

/* --- tables ----------------------------------------------------------------------------------- */

#define NO_LABEL "(other)" /* of variants that are not on an axis */

struct axis_counts {
	const char *axis;
	size_t n;
	const char **label; /* [n] */
	int64_t *count;     /* [n, states] */
};

static void count_run(struct axis_counts *c, const core_variant *variant, core_folder_state state)
{
	const char *own = core_variant_label(variant, c->axis);
	own = own ? own : NO_LABEL;
	for (size_t k = 0; k < c->n && !variant->tune; k++)
		if (!strcmp(c->label[k], own))
			c->count[k * CORE_FOLDER_STATES + state]++;
}

static void count_runs(const core_survey *s, struct axis_counts *c)
{
	const core_study *study = s->study;
	for (int64_t i = 0; i < study->n_runs; i++)
		count_run(c, core_run_variant(study, &study->run[i]), s->state[i]);
	for (size_t i = 0; i < study->n_failed; i++)
		count_run(
			c, &study->config->variants[study->failed[i].variant], CORE_FOLDER_FAILED);
}

static fv_status add_axis(
	fv_ctx *ctx, const core_survey *s, const char *axis, core_document *document)
{
	const char **label = core_alloc(ctx, s->study->config->n_variants, sizeof *label);
	if (!label)
		return FV_FAILED;
	size_t n = core_config_labels(s->study->config, axis, NO_LABEL, label);
	if (n < 2)
		return FV_OK;
	int64_t *count = core_alloc(ctx, n * CORE_FOLDER_STATES, sizeof *count);
	core_result_table *t =
		core_document_add(ctx, document, axis, NULL, n, 1 + CORE_FOLDER_STATES);
	if (!count || !t)
		return FV_FAILED;
	count_runs(s, &(struct axis_counts){axis, n, label, count});
	t->column[0] = core_plain_column(axis, axis, CORE_FOR_PEOPLE);
	for (int state = 0; state < CORE_FOLDER_STATES; state++) {
		const char *name = core_folder_state_name((core_folder_state)state);
		t->column[1 + state] = core_plain_column(name, name, CORE_FOR_PEOPLE);
	}
	for (size_t k = 0; k < n; k++) {
		*core_table_at(t, k, 0) = core_value_text(label[k]);
		for (size_t state = 0; state < CORE_FOLDER_STATES; state++)
			*core_table_at(t, k, 1 + state) =
				core_value_count(count[k * CORE_FOLDER_STATES + state]);
	}
	return FV_OK;
}

fv_status core_status_tables(fv_ctx *ctx, const core_survey *s, core_document *document)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < s->study->config->n_axes && !status; i++)
		status = add_axis(ctx, s, s->study->config->axis[i], document);
	return status;
}

/* --- one line, JSON --------------------------------------------------------------------------- */

static int64_t count_all(const core_survey *s)
{
	int64_t n = 0;
	for (int state = 0; state < CORE_FOLDER_STATES; state++)
		n += s->count[state];
	return n;
}

void core_status_tell_warnings(core_text *out, int64_t n, const char *dir)
{
	if (n)
		core_text_add(out, "; %lld done run%s warnings: %s/log%s", (long long)n,
			n == 1 ? " has" : "s have", dir, n > 1 ? ", ..." : "");
}

static void add_warnings(const core_survey *s, core_text *out)
{
	int64_t n = 0;
	const char *first = NULL;
	for (int64_t i = 0; i < s->study->n_runs; i++) {
		bool warned =
			s->warnings[i] && !core_run_variant(s->study, &s->study->run[i])->tune;
		first = warned && !n ? s->study->run[i].dir : first;
		n += warned;
	}
	core_status_tell_warnings(out, n, first);
}

void core_status_line(const core_survey *s, core_text *out)
{
	int64_t runs = count_all(s);
	core_text_add(out, "%lld %s:", (long long)runs, runs == 1 ? "run" : "runs");
	for (int state = 0, first = 1; state < CORE_FOLDER_STATES; state++) {
		if (!s->count[state] && state != CORE_FOLDER_DONE)
			continue;
		core_text_add(out, "%s %lld %s", first ? "" : ",", (long long)s->count[state],
			core_folder_state_name((core_folder_state)state));
		first = 0;
	}
	int64_t choices = s->chosen + s->to_choose + s->choice_failed;
	if (choices)
		core_text_add(out, "; tuned variants: %lld of %lld runs chosen",
			(long long)s->chosen, (long long)choices);
	if (s->choice_failed)
		core_text_add(out, ", %lld failed", (long long)s->choice_failed);
	size_t refused = s->study->config->n_refused;
	if (refused)
		core_text_add(out, "; %zu variant%s could not start", refused,
			core_plural((int64_t)refused));
	add_warnings(s, out);
	if (isnan(s->left_s) || s->left_s <= 0)
		return;
	core_text_add(out, "; about ");
	core_put_duration(out, s->left_s);
	core_text_add(
		out, "%s", s->count[CORE_FOLDER_RUNNING] ? " left" : " of work on one worker");
}

static json_t *make_run_json(const core_survey *s, int64_t index)
{
	const core_run *run = &s->study->run[index];
	const core_variant *variant = core_run_variant(s->study, run);
	return json_pack("{s:s, s:o*, s:I, s:I, s:s, s:s?, s:I}", "variant", variant->slug, "axes",
		json_loads(variant->axes_json, 0, NULL), "fold",
		(json_int_t)s->study->fold[run->fold].fold, "seed", (json_int_t)run->seed, "state",
		core_folder_state_name(s->state[index]), "reason", s->reason[index], "warnings",
		(json_int_t)s->warnings[index]);
}

static json_t *make_failed_json(const core_study *study, const core_failed_run *f)
{
	const core_variant *variant = &study->config->variants[f->variant];
	return json_pack("{s:s, s:o*, s:o, s:o, s:s, s:s}", "variant", variant->slug, "axes",
		json_loads(variant->axes_json, 0, NULL), "fold",
		f->all ? json_null() : json_integer((json_int_t)f->fold), "seed",
		f->all ? json_null() : json_integer((json_int_t)f->seed), "state",
		core_folder_state_name(CORE_FOLDER_FAILED), "reason", f->reason->text);
}

json_t *core_status_json(const core_survey *s)
{
	const core_study *study = s->study;
	json_t *counts = json_object(), *runs = json_array(), *refused = json_array();
	for (int state = 0; state < CORE_FOLDER_STATES; state++)
		json_object_set_new(counts, core_folder_state_name((core_folder_state)state),
			json_integer((json_int_t)s->count[state]));
	for (int64_t i = 0; i < study->n_runs; i++)
		json_array_append_new(runs, make_run_json(s, i));
	for (size_t i = 0; i < study->n_failed; i++)
		json_array_append_new(runs, make_failed_json(study, &study->failed[i]));
	for (size_t i = 0; i < study->config->n_refused; i++) {
		const core_refused_variant *v = &study->config->refused[i];
		json_array_append_new(refused,
			json_pack("{s:s, s:s}", "variant", v->slug, "reason", v->reason->text));
	}
	return json_pack("{s:i, s:o, s:o, s:o, s:o}", "schema_version", 2, "counts", counts,
		"left_s", isnan(s->left_s) ? json_null() : json_real(s->left_s), "runs", runs,
		"not_started", refused);
}
