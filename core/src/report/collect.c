/* SPDX-License-Identifier: Apache-2.0 */
#include "report/collect.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/block.h"
#include "run/folder.h"

/* <slug>-<8 hex digits> */
static bool is_cell_name(const char *name)
{
	const char *dash = strrchr(name, '-');
	return dash && dash != name && strlen(dash) == 9 &&
	       strspn(dash + 1, "0123456789abcdef") == 8;
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

static fv_status read_run(fv_ctx *ctx, core_result *run)
{
	char *done = core_path_join(ctx, run->dir, "done");
	char *failed = core_path_join(ctx, run->dir, "failed"), *text;
	size_t size;
	if (!done || !failed)
		return FV_FAILED;
	if (core_file_exists(done)) {
		run->state = CORE_RUN_DONE;
		fv_status status = read_json(ctx, run->dir, "metrics.json", &run->metrics);
		if (!status)
			status = read_json(ctx, run->dir, "env.json", &run->env);
		if (!status || core_file_exists(done))
			return status;
		core_error_clear(ctx); /* it was begun again while we read */
		json_decref(run->metrics);
		run->metrics = NULL;
		run->state = CORE_RUN_OPEN;
	}
	if (core_folder_is_locked(ctx, run->dir)) {
		run->state = CORE_RUN_RUNNING;
	} else if (core_file_exists(failed)) {
		run->state = CORE_RUN_FAILED;
		fv_status status = core_file_read(ctx, failed, 1 << 20, &text, &size);
		if (status)
			return status;
		text[strcspn(text, "\n")] = '\0';
		run->reason = text;
	}
	return FV_OK;
}

static int by_fold(const void *a, const void *b)
{
	const core_result *x = a, *y = b;
	if (x->fold != y->fold)
		return x->fold < y->fold ? -1 : 1;
	return (x->seed > y->seed) - (x->seed < y->seed);
}

static int by_index(const void *a, const void *b)
{
	const core_result_cell *x = a, *y = b;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Entries of a folder by name; the caller frees list and entries. */
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

static fv_status read_cell(fv_ctx *ctx, core_result_cell *cell)
{
	struct dirent **list;
	int n;
	fv_status status = list_folder(ctx, cell->dir, &list, &n);
	if (status)
		return status;
	cell->run = core_alloc(ctx, (size_t)n, sizeof *cell->run);
	for (int i = 0; i < n && cell->run && !status; i++) {
		core_result run = {.state = CORE_RUN_OPEN};
		if (!is_run_name(list[i]->d_name, &run.fold, &run.seed))
			continue;
		run.dir = core_path_join(ctx, cell->dir, list[i]->d_name);
		status = run.dir ? read_run(ctx, &run) : FV_FAILED;
		cell->run[cell->n++] = run;
	}
	free_list(list, n);
	if (!cell->run)
		return FV_FAILED;
	qsort(cell->run, cell->n, sizeof *cell->run, by_fold);
	if (!status)
		status = core_block_find(ctx, cell);
	cell->index = INT64_MAX;
	for (size_t i = 0; i < cell->n; i++) {
		json_t *index = json_object_get(json_object_get(cell->run[i].env, "cell"), "index");
		if (json_is_integer(index))
			cell->index = json_integer_value(index);
	}
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
	r->cell = core_alloc(ctx, (size_t)n, sizeof *r->cell);
	for (int i = 0; i < n && r->cell && !status; i++) {
		core_result_cell cell = {.name = core_strdup(ctx, list[i]->d_name),
			.dir = core_path_join(ctx, dir, list[i]->d_name)};
		if (!cell.name || !cell.dir)
			status = FV_FAILED;
		else if (is_cell_name(cell.name) && core_is_dir(cell.dir)) {
			status = read_cell(ctx, &cell);
			r->cell[r->n++] = cell;
		}
	}
	free_list(list, n);
	if (!status && !r->n)
		status = fv_fail(ctx, FV_DATA, "%s: holds no results of 'fairvox run'", dir);
	if (status) {
		core_results_free(r);
		return status;
	}
	qsort(r->cell, r->n, sizeof *r->cell, by_index);
	*out = r;
	return FV_OK;
}

void core_results_free(core_results *results)
{
	for (size_t i = 0; i < results->n; i++)
		for (size_t j = 0; j < results->cell[i].n; j++) {
			json_decref(results->cell[i].run[j].metrics);
			json_decref(results->cell[i].run[j].env);
		}
	results->n = 0;
}

double core_result_value(const core_result *run, const char *attribute, const char *metric)
{
	json_t *at = run->metrics;
	if (attribute)
		at = json_object_get(json_object_get(at, "attributes"), attribute);
	json_t *value = json_object_get(json_object_get(at, metric), "value");
	return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *core_result_attribute(const core_result *run, size_t index)
{
	const char *name;
	json_t *value;
	json_object_foreach(json_object_get(run->metrics, "attributes"), name,
		value) if (index-- == 0) return name;
	return NULL;
}
