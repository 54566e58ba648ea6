/* SPDX-License-Identifier: Apache-2.0 */
#include "report/study_results.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/whole_block.h"

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lists the folders of the study's variants, sorted. */
static const char **list_folders(fv_ctx *ctx, const core_study *study, size_t *n)
{
	size_t variants = study->config->n_variants;
	const char **name = core_alloc(ctx, variants + 1, sizeof *name);
	*n = 0;
	for (size_t i = 0; i < variants && name; i++)
		if (!study->identity[i].repeats)
			name[(*n)++] = core_path_base(study->identity[i].dir);
	if (name)
		qsort(name, *n, sizeof *name, compare_names);
	return name;
}

/* Finds the results of a variant; NULL: it has no folder. */
static core_variant_result *find_variant(core_results *results, const char *name)
{
	for (size_t i = 0; i < results->n + results->n_left_out; i++)
		if (!strcmp(results->variant[i].name, name))
			return &results->variant[i];
	return NULL;
}

/* Moves the result of one run out of `from`; a run without a folder is open. */
static core_run_result move_run(
	core_variant_result *from, const core_study *study, const core_run *run)
{
	core_run_result out = {.dir = run->dir,
		.fold = study->fold[run->fold].fold,
		.seed = run->seed,
		.status = CORE_RUN_OPEN};
	for (size_t k = 0; from && k < from->n; k++) {
		core_run_result *r = &from->run[k];
		if (r->fold != out.fold || r->seed != out.seed || !r->dir)
			continue;
		out = *r;
		*r = (core_run_result){.dir = NULL};
		break;
	}
	return out;
}

static int compare_runs(const void *a, const void *b)
{
	const core_run_result *x = a, *y = b;
	if (x->fold != y->fold)
		return x->fold < y->fold ? -1 : 1;
	return (x->seed > y->seed) - (x->seed < y->seed);
}

/* Makes the results of a variant from what was read, with all runs of the study. */
static fv_status make_variant(fv_ctx *ctx, const core_study *study, size_t index,
	core_variant_result *read, core_variant_result *out)
{
	const char *dir = study->identity[index].dir, *name = core_path_base(dir);
	size_t length = strlen(name);
	*out = (core_variant_result){.name = name,
		.dir = dir,
		.label = core_strndup(ctx, name, length > 9 ? length - 9 : length),
		.index = (int64_t)index};
	for (int64_t k = 0; k < study->n_runs; k++)
		out->n += study->run[k].variant == (int32_t)index;
	out->run = core_alloc(ctx, out->n + 1, sizeof *out->run);
	if (!out->label || !out->run)
		return FV_FAILED;
	out->n = 0;
	for (int64_t k = 0; k < study->n_runs; k++)
		if (study->run[k].variant == (int32_t)index)
			out->run[out->n++] = move_run(read, study, &study->run[k]);
	qsort(out->run, out->n, sizeof *out->run, compare_runs);
	return core_whole_block_find(ctx, out);
}

fv_status core_results_of_study(fv_ctx *ctx, const core_study *study, core_results **out)
{
	size_t n, variants = study->config->n_variants;
	const char **names = list_folders(ctx, study, &n);
	core_results *read;
	if (!names)
		return FV_FAILED;
	fv_status status = core_results_read_some(ctx, study->results, names, n, &read);
	if (status)
		return status;
	core_results *own = core_alloc(ctx, 1, sizeof *own);
	if (own) {
		*own = (core_results){.dir = read->dir,
			.n_old = read->n_old,
			.n_damaged = read->n_damaged,
			.variant = core_alloc(ctx, variants + 1, sizeof *own->variant)};
	}
	if (!own || !own->variant)
		status = FV_FAILED;
	for (size_t i = 0; i < variants && !status; i++) {
		if (study->identity[i].repeats)
			continue;
		core_variant_result *found =
			find_variant(read, core_path_base(study->identity[i].dir));
		status = make_variant(ctx, study, i, found, &own->variant[own->n++]);
	}
	core_results_free(read); /* what was not moved */
	*out = own;
	return status;
}
