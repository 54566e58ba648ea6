/* SPDX-License-Identifier: Apache-2.0 */
#include "report/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "report/whole_block.h"
#include "run/fingerprint.h"
#include "run/folder.h"

enum { HASH_SUFFIX = 9 }; /* "-" and 8 hex digits */

bool core_is_variant_name(const char *name)
{
	const char *dash = strrchr(name, '-');
	return dash && dash != name && strlen(dash) == HASH_SUFFIX &&
	       strspn(dash + 1, "0123456789abcdef") == HASH_SUFFIX - 1;
}

bool core_is_run_name(const char *name, int64_t *fold, int64_t *seed)
{
	long long f, s;
	int used = 0;
	if (sscanf(name, "fold%lld-seed%lld%n", &f, &s, &used) != 2 || name[used])
		return false;
	*fold = f;
	*seed = s;
	return true;
}

static fv_status read_facts(fv_ctx *ctx, core_run_result *run)
{
	core_run_facts *facts = core_alloc(ctx, 1, sizeof *facts);
	run->facts = facts;
	return facts ? core_run_facts_read(ctx, run->env, facts) : FV_FAILED;
}

static bool is_current(const json_t *root)
{
	return json_integer_value(json_object_get(root, "schema_version")) == CORE_RESULTS_SCHEMA;
}

/* The runs left out so far, with the first of each kind. */
struct left_out {
	size_t n_old, n_damaged;
	const char *old, *damaged, *reason;
};

static void leave_out(core_run_result *run, size_t *n, const char **first)
{
	run->status = CORE_RUN_LEFT_OUT;
	json_decref(run->metrics);
	json_decref(run->env);
	run->metrics = run->env = NULL;
	run->facts = NULL;
	if (!(*n)++)
		*first = run->dir;
}

/* Decides whether a done run is left out; `status` is that of reading it. What the system did not give, for lack of
 * memory or descriptors or an error of the disk, is not left out: the table would be that of other runs. */
static fv_status judge_run(
	fv_ctx *ctx, fv_status status, core_run_result *run, struct left_out *left)
{
	if (status == FV_FAILED || (!status && is_current(run->env) && is_current(run->metrics)))
		return status;
	if (status && !left->n_damaged) {
		const char *line = core_error_line(ctx, core_error_lines(ctx) - 1);
		left->reason = core_strdup(ctx, line ? line : "cannot be read");
	}
	core_error_clear(ctx);
	if (status)
		leave_out(run, &left->n_damaged, &left->damaged);
	else
		leave_out(run, &left->n_old, &left->old);
	return FV_OK;
}

static fv_status read_run(fv_ctx *ctx, core_run_result *run, struct left_out *left)
{
	char *done = core_path_join(ctx, run->dir, "done");
	if (!done)
		return FV_FAILED;
	if (core_is_file(done)) {
		run->status = CORE_RUN_DONE;
		fv_status status = core_json_read(ctx, run->dir, "metrics.json", &run->metrics);
		if (!status)
			status = core_json_read(ctx, run->dir, "env.json", &run->env);
		if (!status)
			status = read_facts(ctx, run);
		if (!status || core_is_file(done))
			return judge_run(ctx, status, run, left);
		core_error_clear(ctx); /* the run was restarted while we read it */
		json_decref(run->metrics);
		run->metrics = NULL;
		run->facts = NULL;
		run->status = CORE_RUN_OPEN;
	}
	core_folder_state state;
	fv_status status = core_folder_find_state(ctx, run->dir, NULL, &state, &run->reason);
	if (status)
		return status;
	run->status = state == CORE_FOLDER_RUNNING  ? CORE_RUN_RUNNING
		      : state == CORE_FOLDER_FAILED ? CORE_RUN_FAILED
						    : CORE_RUN_OPEN;
	return FV_OK;
}

static int compare_runs(const void *a, const void *b)
{
	const core_run_result *x = a, *y = b;
	if (x->fold != y->fold)
		return x->fold < y->fold ? -1 : 1;
	return (x->seed > y->seed) - (x->seed < y->seed);
}

static int compare_variants(const void *a, const void *b)
{
	const core_variant_result *x = a, *y = b;
	if (x->left_out != y->left_out)
		return x->left_out ? 1 : -1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return strcmp(x->name, y->name);
}

static fv_status read_variant(fv_ctx *ctx, core_variant_result *variant, struct left_out *left)
{
	const char **name;
	size_t n;
	fv_status status = core_list_folder(ctx, variant->dir, &name, &n);
	if (status)
		return status;
	variant->run = core_alloc(ctx, n, sizeof *variant->run);
	for (size_t i = 0; i < n && variant->run && !status; i++) {
		core_run_result run = {.status = CORE_RUN_OPEN};
		if (!core_is_run_name(name[i], &run.fold, &run.seed))
			continue;
		run.dir = core_path_join(ctx, variant->dir, name[i]);
		status = run.dir ? read_run(ctx, &run, left) : FV_FAILED;
		variant->run[variant->n++] = run;
	}
	if (!variant->run)
		return FV_FAILED;
	qsort(variant->run, variant->n, sizeof *variant->run, compare_runs);
	if (!status)
		status = core_whole_block_find(ctx, variant);
	if (!status && !variant->n)
		status = core_folder_read_failure(ctx, variant->dir, &variant->reason);
	variant->index = INT64_MAX;
	variant->left_out = variant->n > 0;
	for (size_t i = 0; i < variant->n; i++) {
		variant->left_out &= variant->run[i].status == CORE_RUN_LEFT_OUT;
		const core_run_facts *facts = variant->run[i].facts;
		if (facts && facts->index >= 0)
			variant->index = facts->index;
	}
	return status;
}

/* Returns a name as it is, or escaped if it is not UTF-8, which no table and no JSON can hold. NULL: memory is out. */
static const char *copy_name(fv_ctx *ctx, const char *name)
{
	if (core_is_utf8(name))
		return core_strdup(ctx, name);
	core_text visible = {0};
	(void)core_put_visible(&visible, name);
	const char *copy = visible.failed ? NULL : core_strdup(ctx, visible.data);
	core_text_free(&visible);
	return copy;
}

/* Reads a subfolder of the results folder if it is a variant's. */
static fv_status add_variant(fv_ctx *ctx, core_results *r, const char *name, struct left_out *left)
{
	core_variant_result variant = {
		.name = copy_name(ctx, name), .dir = core_path_join(ctx, r->dir, name)};
	if (!variant.name || !variant.dir)
		return FV_FAILED;
	if (!core_is_variant_name(name) || !core_is_dir(variant.dir))
		return FV_OK;
	variant.slug = variant.label =
		core_strndup(ctx, variant.name, strlen(variant.name) - HASH_SUFFIX);
	fv_status status = variant.label ? read_variant(ctx, &variant, left) : FV_FAILED;
	r->variant[r->n++] = variant;
	return status;
}

/* Moves variants that are left out behind the others, and warns with one line for each kind. Fails if
 * there are no others. */
static fv_status set_apart(fv_ctx *ctx, core_results *r, const struct left_out *left)
{
	qsort(r->variant, r->n, sizeof *r->variant, compare_variants);
	for (; r->n && r->variant[r->n - 1].left_out; r->n--)
		r->n_left_out++;
	r->n_old = left->n_old;
	r->n_damaged = left->n_damaged;
	if (!r->n)
		return fv_fail(ctx, FV_DATA,
			"%s: no run that can be read: %zu of another version of fairvox, %zu "
			"damaged%s%s",
			r->dir, left->n_old, left->n_damaged, left->reason ? ": " : "",
			left->reason ? left->reason : "");
	if (left->n_old)
		fv_warn(ctx,
			"left out: runs of another version of fairvox (%zu, the first is %s): "
			"'fairvox run' computes them anew, into folders of their own",
			left->n_old, left->old);
	if (left->n_damaged)
		fv_warn(ctx,
			"left out: runs whose files cannot be read (%zu, the first is %s: %s): "
			"remove their folders, and 'fairvox run' computes them again",
			left->n_damaged, left->damaged, left->reason);
	return FV_OK;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

fv_status core_results_read(fv_ctx *ctx, const char *dir, core_results **out)
{
	return core_results_read_some(ctx, dir, NULL, 0, out);
}

/* Says that no variant that is asked for is there, and how many others are. */
static fv_status report_none(fv_ctx *ctx, const char *dir, size_t n_others)
{
	if (!n_others)
		return fv_fail(ctx, FV_DATA, "%s: no results of 'fairvox run' in this folder", dir);
	return fv_fail(ctx, FV_DATA,
		"%s: no run of this configuration, with these overrides, is in this folder; it has "
		"%zu other variant%s: 'fairvox run' computes those of the configuration, 'fairvox "
		"table %s' shows what is there",
		dir, n_others, n_others == 1 ? "" : "s", dir);
}

fv_status core_results_read_some(
	fv_ctx *ctx, const char *dir, const char *const *names, size_t n_names, core_results **out)
{
	core_results *r = core_alloc(ctx, 1, sizeof *r);
	struct left_out left = {0};
	const char **name;
	size_t n, n_others = 0;
	fv_status status = r ? core_list_folder(ctx, dir, &name, &n) : FV_FAILED;
	if (status)
		return status;
	r->dir = core_strdup(ctx, dir);
	r->variant = core_alloc(ctx, n, sizeof *r->variant);
	for (size_t i = 0; i < n && r->variant && !status; i++)
		if (!names || bsearch(&name[i], names, n_names, sizeof *names, compare_names))
			status = add_variant(ctx, r, name[i], &left);
		else
			n_others += core_is_variant_name(name[i]) ? 1 : 0;
	if (!status && !r->n)
		status = report_none(ctx, dir, n_others);
	if (!status)
		status = set_apart(ctx, r, &left);
	if (status) {
		core_results_free(r);
		return status;
	}
	*out = r;
	return FV_OK;
}

static int compare_labels(const void *a, const void *b)
{
	const core_variant_result *x = *(core_variant_result *const *)a,
				  *y = *(core_variant_result *const *)b;
	return strcmp(x->label, y->label);
}

fv_status core_results_tell_apart(fv_ctx *ctx, core_results *results)
{
	core_variant_result **sorted = core_alloc(ctx, results->n + 1, sizeof *sorted);
	fv_status status = sorted ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < results->n && sorted; i++)
		sorted[i] = &results->variant[i];
	if (sorted)
		qsort(sorted, results->n, sizeof *sorted, compare_labels);
	for (size_t i = 0, end; i < results->n && !status; i = end) {
		const char *label = sorted[i]->label;
		end = i + 1;
		while (end < results->n && !strcmp(label, sorted[end]->label))
			end++;
		for (size_t k = i; k < end && end > i + 1; k++) {
			const char *builds = label + strlen(sorted[k]->slug);
			sorted[k]->label = core_format(ctx, "%s%s", sorted[k]->name, builds);
			status = sorted[k]->label ? status : FV_FAILED;
		}
	}
	return status;
}

void core_results_keep_first(core_results *results, size_t n)
{
	for (size_t i = n; i < results->n; i++)
		for (size_t j = 0; j < results->variant[i].n; j++) {
			json_decref(results->variant[i].run[j].metrics);
			json_decref(results->variant[i].run[j].env);
		}
	results->n = n;
}

void core_results_free(core_results *results)
{
	core_results_keep_first(results, 0);
}

double core_run_metric(const core_run_result *run, const char *attribute, const char *metric)
{
	json_t *at = run->metrics;
	if (attribute)
		at = json_object_get(json_object_get(at, "attributes"), attribute);
	json_t *value = json_object_get(json_object_get(at, metric), "value");
	return json_is_number(value) ? json_number_value(value) : NAN;
}

const json_t *core_run_features(const core_run_result *run)
{
	return json_object_get(json_object_get(run->env, "fingerprint"), "features");
}

const char *core_run_attribute(const core_run_result *run, size_t index)
{
	const char *name;
	json_t *value;
	json_object_foreach(json_object_get(run->metrics, "attributes"), name,
		value) if (index-- == 0) return name;
	return NULL;
}
