/* SPDX-License-Identifier: Apache-2.0 */
#include "report/study_results.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/rebuilt.h"
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
		if (study->identity[i].dir && !study->identity[i].repeats)
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
	core_variant_result *from, const char *dir, int64_t fold, int64_t seed)
{
	core_run_result out = {.dir = dir, .fold = fold, .seed = seed, .status = CORE_RUN_OPEN};
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

static const char *copy_first_line(fv_ctx *ctx, const core_reason *reason)
{
	return core_strndup(ctx, reason->text, strcspn(reason->text, "\n"));
}

/* Gives a done run the axes of this study: it may have been computed for another one, whose matrix differs. */
static fv_status set_axes(fv_ctx *ctx, const core_variant *variant, core_run_result *run)
{
	core_run_facts *facts = core_alloc(ctx, 1, sizeof *facts);
	json_t *axes = json_loads(variant->axes_json, 0, NULL);
	if (json_object_set_new(json_object_get(run->env, "variant"), "axes", axes) || !facts)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	run->facts = facts;
	return core_run_facts_read(ctx, run->env, facts);
}

/* Adds the runs of a variant that can be planned, and those that cannot. */
static fv_status add_runs(fv_ctx *ctx, const core_study *study, size_t index,
	core_variant_result *read, core_variant_result *out)
{
	for (int64_t k = 0; k < study->n_runs; k++) {
		const core_run *run = &study->run[k];
		if (run->variant == (int32_t)index)
			out->run[out->n++] =
				move_run(read, run->dir, study->fold[run->fold].fold, run->seed);
	}
	for (size_t k = 0; k < study->n_failed; k++) {
		const core_failed_run *f = &study->failed[k];
		if (f->variant != (int32_t)index || !f->dir)
			continue;
		core_run_result run = move_run(read, f->dir, f->fold, f->seed);
		if (run.status != CORE_RUN_DONE) {
			run.status = CORE_RUN_FAILED;
			run.reason = copy_first_line(ctx, f->reason);
			if (!run.reason)
				return FV_FAILED;
		}
		out->run[out->n++] = run;
	}
	fv_status status = FV_OK;
	for (size_t k = 0; k < out->n && !status; k++)
		if (out->run[k].facts)
			status = set_axes(ctx, &study->config->variants[index], &out->run[k]);
	return status;
}

/* Makes a variant that could not start. */
static fv_status make_unstarted(
	fv_ctx *ctx, const core_refused_variant *v, int64_t index, core_variant_result *out)
{
	const char *name = core_format(ctx, "%s-%.8s", v->slug, v->written);
	*out = (core_variant_result){.name = name,
		.dir = name,
		.slug = v->slug,
		.label = v->slug,
		.index = index,
		.reason = copy_first_line(ctx, v->reason),
		.run = core_alloc(ctx, 1, sizeof *out->run)};
	if (!name || !out->reason || !out->run)
		return FV_FAILED;
	return core_whole_block_find(ctx, out);
}

/* Returns why a variant without identity could not start. */
static const core_reason *find_reason(const core_study *study, size_t index)
{
	for (size_t k = 0; k < study->n_failed; k++)
		if (study->failed[k].variant == (int32_t)index)
			return study->failed[k].reason;
	return NULL;
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
	const char *dir = study->identity[index].dir, *name;
	const core_reason *reason = dir ? NULL : find_reason(study, index);
	if (reason) {
		const core_variant *variant = &study->config->variants[index];
		core_refused_variant refused = {.slug = variant->slug, .reason = reason};
		memcpy(refused.written, variant->written, sizeof refused.written);
		return make_unstarted(ctx, &refused, (int64_t)index, out);
	}
	name = core_path_base(dir);
	size_t length = strlen(name);
	const char *slug = core_strndup(ctx, name, length > 9 ? length - 9 : length);
	*out = (core_variant_result){
		.name = name, .dir = dir, .slug = slug, .label = slug, .index = (int64_t)index};
	size_t runs = study->n_failed; /* at most */
	for (int64_t k = 0; k < study->n_runs; k++)
		runs += study->run[k].variant == (int32_t)index;
	out->run = core_alloc(ctx, runs + 1, sizeof *out->run);
	if (!out->label || !out->run)
		return FV_FAILED;
	fv_status status = add_runs(ctx, study, index, read, out);
	if (status)
		return status;
	qsort(out->run, out->n, sizeof *out->run, compare_runs);
	return core_whole_block_find(ctx, out);
}

/* Makes the results of all variants from what was read. */
static fv_status make_results(
	fv_ctx *ctx, const core_study *study, core_results *read, core_results **out)
{
	const core_config *config = study->config;
	size_t variants = config->n_variants;
	core_results *own = core_alloc(ctx, 1, sizeof *own);
	if (!own)
		return FV_FAILED;
	*own = (core_results){.dir = read->dir,
		.n_old = read->n_old,
		.n_damaged = read->n_damaged,
		.variant = core_alloc(ctx, variants + config->n_refused + 1, sizeof *own->variant)};
	fv_status status = own->variant ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < variants && !status; i++) {
		if (study->identity[i].repeats)
			continue;
		const char *dir = study->identity[i].dir;
		core_variant_result *found = dir ? find_variant(read, core_path_base(dir)) : NULL;
		status = make_variant(ctx, study, i, found, &own->variant[own->n++]);
	}
	for (size_t i = 0; i < config->n_refused && !status; i++)
		status = make_unstarted(
			ctx, &config->refused[i], (int64_t)(variants + i), &own->variant[own->n++]);
	if (!status)
		status = core_rebuilt_find(ctx, study, own);
	*out = own;
	return status;
}

/* Fails for a study without any folder if those of another build are there. */
static fv_status check_folders(
	fv_ctx *ctx, const core_study *study, const char *const *names, size_t n)
{
	core_results none = {.dir = study->results}, *own;
	for (size_t i = 0; i < n; i++) {
		const char *dir = core_path_join(ctx, study->results, names[i]);
		if (!dir || core_is_dir(dir))
			return dir ? FV_OK : FV_FAILED;
	}
	if (!core_is_dir(study->results))
		return FV_OK; /* told where it is read */
	fv_status status = make_results(ctx, study, &none, &own);
	for (size_t i = 0; !status && i < own->n; i++)
		if (own->variant[i].rebuilt)
			return fv_fail(ctx, FV_DATA,
				"%s: no finished run of this configuration since plugin %s was "
				"built anew: 'fairvox run' computes them, 'fairvox table %s' shows "
				"those of another build",
				study->results, own->variant[i].rebuilt, study->results);
	return status;
}

fv_status core_results_of_study(fv_ctx *ctx, const core_study *study, core_results **out)
{
	size_t n;
	const char **names = list_folders(ctx, study, &n);
	core_results *read;
	fv_status status = names ? check_folders(ctx, study, names, n) : FV_FAILED;
	if (!status)
		status = core_results_read_some(ctx, study->results, names, n, &read);
	if (status)
		return status;
	status = make_results(ctx, study, read, out);
	core_results_free(read); /* what was not moved */
	return status;
}
