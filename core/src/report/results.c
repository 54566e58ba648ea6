/* SPDX-License-Identifier: Apache-2.0 */
#include "report/results.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/whole_block.h"
#include "run/folder.h"

enum { HASH_SUFFIX = 9 }; /* "-" and 8 hex digits */

/* <slug>-<8 hex digits> */
static bool is_variant_name(const char *name)
{
	const char *dash = strrchr(name, '-');
	return dash && dash != name && strlen(dash) == HASH_SUFFIX &&
	       strspn(dash + 1, "0123456789abcdef") == HASH_SUFFIX - 1;
}

static bool is_run_name(const char *name, int64_t *fold, int64_t *seed)
{
	long long f, s;
	int used = 0;
	if (sscanf(name, "fold%lld-seed%lld%n", &f, &s, &used) != 2 || name[used])
		return false;
	*fold = f;
	*seed = s;
	return true;
}

static fv_status read_json(fv_ctx *ctx, const char *dir, const char *name, json_t **out)
{
	char *path = core_path_join(ctx, dir, name), *text;
	size_t size;
	fv_status status = path ? core_file_read(ctx, path, 1 << 26, &text, &size) : FV_FAILED;
	if (status)
		return status;
	json_error_t error;
	*out = json_loadb(text, size, 0, &error);
	if (!*out)
		return fv_fail(ctx, FV_DATA, "%s: byte %d: %s", path, error.position, error.text);
	return FV_OK;
}

static fv_status read_facts(fv_ctx *ctx, core_run_result *run)
{
	core_run_facts *facts = core_alloc(ctx, 1, sizeof *facts);
	run->facts = facts;
	return facts ? core_run_facts_read(ctx, run->env, facts) : FV_FAILED;
}

static fv_status read_run(fv_ctx *ctx, core_run_result *run)
{
	char *done = core_path_join(ctx, run->dir, "done");
	char *failed = core_path_join(ctx, run->dir, "failed"), *text;
	size_t size;
	if (!done || !failed)
		return FV_FAILED;
	if (core_file_exists(done)) {
		run->status = CORE_RUN_DONE;
		fv_status status = read_json(ctx, run->dir, "metrics.json", &run->metrics);
		if (!status)
			status = read_json(ctx, run->dir, "env.json", &run->env);
		if (!status)
			status = read_facts(ctx, run);
		if (!status || core_file_exists(done))
			return status;
		core_error_clear(ctx); /* the run was restarted while we read it */
		json_decref(run->metrics);
		run->metrics = NULL;
		run->facts = NULL;
		run->status = CORE_RUN_OPEN;
	}
	if (core_folder_is_locked(ctx, run->dir)) {
		run->status = CORE_RUN_RUNNING;
	} else if (core_file_exists(failed)) {
		run->status = CORE_RUN_FAILED;
		fv_status status = core_file_read(ctx, failed, 1 << 20, &text, &size);
		if (status)
			return status;
		text[strcspn(text, "\n")] = '\0';
		run->reason = text;
	}
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
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Lists the entries of a folder by name. The caller frees list and entries. */
static fv_status list_folder(fv_ctx *ctx, const char *dir, struct dirent ***list, int *n)
{
	*n = scandir(dir, list, NULL, alphasort);
	if (*n < 0)
		return fv_fail(ctx, FV_DATA, "%s: %s", dir, strerror(errno));
	return FV_OK;
}

static void free_list(struct dirent **list, int n)
{
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static fv_status read_variant(fv_ctx *ctx, core_variant_result *variant)
{
	struct dirent **list;
	int n;
	fv_status status = list_folder(ctx, variant->dir, &list, &n);
	if (status)
		return status;
	variant->run = core_alloc(ctx, (size_t)n, sizeof *variant->run);
	for (int i = 0; i < n && variant->run && !status; i++) {
		core_run_result run = {.status = CORE_RUN_OPEN};
		if (!is_run_name(list[i]->d_name, &run.fold, &run.seed))
			continue;
		run.dir = core_path_join(ctx, variant->dir, list[i]->d_name);
		status = run.dir ? read_run(ctx, &run) : FV_FAILED;
		variant->run[variant->n++] = run;
	}
	free_list(list, n);
	if (!variant->run)
		return FV_FAILED;
	qsort(variant->run, variant->n, sizeof *variant->run, compare_runs);
	if (!status)
		status = core_whole_block_find(ctx, variant);
	variant->index = INT64_MAX;
	for (size_t i = 0; i < variant->n; i++) {
		const core_run_facts *facts = variant->run[i].facts;
		if (facts && facts->index >= 0)
			variant->index = facts->index;
	}
	return status;
}

/* Reads a subfolder of the results folder if it is a variant's. */
static fv_status add_variant(fv_ctx *ctx, core_results *r, const char *name)
{
	core_variant_result variant = {
		.name = core_strdup(ctx, name), .dir = core_path_join(ctx, r->dir, name)};
	if (!variant.name || !variant.dir)
		return FV_FAILED;
	if (!is_variant_name(name) || !core_is_dir(variant.dir))
		return FV_OK;
	variant.label = core_strndup(ctx, name, strlen(name) - HASH_SUFFIX);
	fv_status status = variant.label ? read_variant(ctx, &variant) : FV_FAILED;
	r->variant[r->n++] = variant;
	return status;
}

fv_status core_results_read(fv_ctx *ctx, const char *dir, core_results **out)
{
	core_results *r = core_alloc(ctx, 1, sizeof *r);
	struct dirent **list;
	int n;
	fv_status status = r ? list_folder(ctx, dir, &list, &n) : FV_FAILED;
	if (status)
		return status;
	r->dir = core_strdup(ctx, dir);
	r->variant = core_alloc(ctx, (size_t)n, sizeof *r->variant);
	for (int i = 0; i < n && r->variant && !status; i++)
		status = add_variant(ctx, r, list[i]->d_name);
	free_list(list, n);
	if (!status && !r->n)
		status = fv_fail(
			ctx, FV_DATA, "%s: no results of 'fairvox run' in this folder", dir);
	if (status) {
		core_results_free(r);
		return status;
	}
	qsort(r->variant, r->n, sizeof *r->variant, compare_variants);
	*out = r;
	return FV_OK;
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

const char *core_run_attribute(const core_run_result *run, size_t index)
{
	const char *name;
	json_t *value;
	json_object_foreach(json_object_get(run->metrics, "attributes"), name,
		value) if (index-- == 0) return name;
	return NULL;
}
