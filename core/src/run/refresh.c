/* SPDX-License-Identifier: Apache-2.0 */
#include "run/refresh.h"

#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/json.h"
#include "run/eval_cache.h"
#include "run/folder.h"
#include "run/measure.h"
#include "run/output.h"

static json_t *read_json(fv_ctx *ctx, const core_run *run, const char *name)
{
	char *path = core_path_join(ctx, run->dir, name), *text;
	size_t size;
	json_error_t error;
	if (!path || core_file_read(ctx, path, 1 << 26, &text, &size))
		return NULL;
	json_t *root = json_loadb(text, size, 0, &error);
	if (!root)
		(void)fv_fail(ctx, FV_DATA,
			"%s: byte %d: %s: remove the run's folder, and it is "
			"computed again",
			path, error.position, error.text);
	return root;
}

/* Returns true if the study has an axis that env.json lacks. */
static bool lacks_axis(const core_study *study, const core_run *run, const json_t *env)
{
	json_t *stored = json_object_get(json_object_get(env, "variant"), "axes");
	json_t *own = json_loads(core_run_variant(study, run)->axes_json, 0, NULL);
	bool lacks = false;
	const char *key;
	json_t *value;
	json_object_foreach(own, key, value) lacks |= !json_object_get(stored, key);
	json_decref(own);
	return lacks;
}

/* Returns true if the metrics stay the same: `compare` changes tables, but no metric of a run. */
static bool has_same_metrics(const json_t *wanted, const json_t *stored)
{
	json_t *a = json_copy((json_t *)wanted), *b = json_copy((json_t *)stored);
	json_object_del(a, "compare");
	json_object_del(b, "compare");
	bool same = a && b && json_equal(a, b);
	json_decref(a);
	json_decref(b);
	return same;
}

static unsigned find_stale(const core_study *study, const core_run *run, const json_t *env)
{
	json_t *wanted = json_loads(run->evaluation->json, 0, NULL);
	json_t *stored = json_object_get(env, "eval");
	unsigned stale = lacks_axis(study, run, env) ? CORE_STALE_AXES : 0;
	if (!wanted || !stored || !json_equal(wanted, stored))
		stale |= CORE_STALE_EVAL;
	if (!has_same_metrics(wanted, stored))
		stale |= CORE_STALE_METRICS;
	json_decref(wanted);
	return stale;
}

bool core_refresh_find(const core_study *study, const core_run *run, unsigned *stale)
{
	fv_ctx *own = core_ctx_new(); /* env.json is needed only here */
	json_t *env = own ? read_json(own, run, "env.json") : NULL;
	if (env)
		*stale = find_stale(study, run, env);
	json_decref(env);
	core_ctx_free(own);
	return env != NULL;
}

/* Finds the metrics under the wanted evaluation: in the cache of an earlier change, or computed
 * from the predictions. */
static fv_status find_metrics(fv_ctx *ctx, const core_study *study, const core_run *run,
	const core_measured *measured, const char **metrics)
{
	const core_corpus *corpus = study->fold[run->fold].corpus;
	core_measured_rows rows;
	const char *entry;
	json_t *wanted = json_loads(run->evaluation->json, 0, NULL);
	char *path = core_path_join(ctx, run->dir, "predictions.csv"), *text = NULL;
	fv_status status =
		path ? core_eval_cache_path(ctx, study, run, measured, wanted, &entry) : FV_FAILED;
	json_decref(wanted);
	*metrics = status ? NULL : core_eval_cache_read(ctx, entry);
	if (status || *metrics)
		return status;
	status = core_measured_rows_read(
		ctx, path, corpus->n_sets, corpus->set_name, run->evaluation->dev_threshold, &rows);
	const core_train_spec *train = &core_run_variant(study, run)->train;
	bool majority = run->evaluation->majority_only;
	const core_measured_names names = {run->evaluation->attributes, run->evaluation->numeric};
	if (!status)
		status = core_measure_set_options(ctx, train, majority, &rows.test);
	if (!status && rows.has_dev)
		status = core_measure_set_options(ctx, train, majority, &rows.dev);
	for (int32_t k = 0; !status && k < rows.n_sets; k++)
		status = core_measure_set_options(ctx, train, majority, &rows.set[k]);
	if (!status)
		status = core_measure_predictions(ctx, &rows, &names, measured, &text);
	if (!status)
		core_eval_cache_write(ctx, entry, text);
	*metrics = text;
	return status;
}

static fv_status write_metrics(
	fv_ctx *ctx, const core_study *study, const core_run *run, const core_folder *folder)
{
	json_t *old = read_json(ctx, run, "metrics.json");
	const char *metrics;
	if (!old)
		return FV_DATA;
	const core_measured measured =
		core_measured_read(study->fold[run->fold].fold, run->seed, old);
	json_decref(old);
	fv_status status = find_metrics(ctx, study, run, &measured, &metrics);
	return status ? status
		      : core_folder_write(ctx, folder, "metrics.json", metrics, strlen(metrics));
}

/* Writes env.json with the current evaluation and the axes that it lacks. */
static fv_status write_env(fv_ctx *ctx, const core_study *study, const core_run *run,
	const core_folder *folder, json_t *env)
{
	json_t *variant = json_object_get(env, "variant");
	json_t *axes = json_object_get(variant, "axes");
	json_t *own = json_loads(core_run_variant(study, run)->axes_json, 0, NULL);
	json_t *eval = json_loads(run->evaluation->json, 0, NULL);
	if (run->stale & CORE_STALE_AXES)
		json_object_set_new(variant, "index", json_integer(run->variant));
	json_object_update_missing(axes, own);
	json_object_set(variant, "compare", json_object_get(eval, "compare"));
	json_object_set_new(env, "eval", eval);
	json_decref(own);
	const char *text = core_json_text(ctx, json_incref(env), JSON_INDENT(1));
	char *line = text ? core_format(ctx, "%s\n", text) : NULL;
	return line ? core_folder_write(ctx, folder, "env.json", line, strlen(line)) : FV_FAILED;
}

static fv_status refresh_files(fv_ctx *ctx, const core_study *study, const core_run *run,
	const core_folder *folder, bool *judged)
{
	json_t *env = read_json(ctx, run, "env.json");
	if (!env)
		return FV_DATA;
	unsigned stale = find_stale(study, run, env);
	fv_status status = FV_OK;
	if (stale & CORE_STALE_METRICS)
		status = write_metrics(ctx, study, run, folder);
	if (!status && (stale & CORE_STALE_EVAL))
		status = core_output_write_config(ctx, study, run, folder);
	if (!status && stale)
		status = write_env(ctx, study, run, folder, env);
	*judged = !status && (stale & CORE_STALE_EVAL);
	json_decref(env);
	return status;
}

/* Drops warnings of the metrics, which were logged when the run was computed. */
static void discard_line(void *user, core_level level, const char *line)
{
	(void)user;
	(void)level;
	(void)line;
}

fv_status core_refresh_run(fv_ctx *ctx, const core_study *study, const core_run *run,
	core_lease_view *view, bool *taken, bool *judged)
{
	core_folder folder;
	*judged = false;
	fv_status status = core_folder_lock(ctx, run, view, &folder, taken);
	if (status || !*taken)
		return status;
	core_ctx_set_log(ctx, discard_line, NULL);
	status = refresh_files(ctx, study, run, &folder, judged);
	core_folder_release(&folder);
	return status;
}
