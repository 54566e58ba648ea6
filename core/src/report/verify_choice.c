/* SPDX-License-Identifier: Apache-2.0 */
#include "report/verify_choice.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "run/tune.h"

enum { HASH = 8 };

static bool end_alike(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	return n >= HASH && m >= HASH && !strcmp(a + n - HASH, b + m - HASH);
}

/* Finds a trial's folder; it may have been renamed, but not in the hash at its end. */
static const char *find_trial(const core_results *results, const char *name)
{
	for (size_t i = 0; i < results->n; i++)
		if (end_alike(results->variant[i].name, name))
			return results->variant[i].dir;
	return NULL;
}

/* Computes the mean value of a trial over the seeds of the choice. */
static fv_status compute_mean(fv_ctx *ctx, const char *dir, const core_run_result *run,
	const char *by, const json_t *seeds, double *mean)
{
	size_t i, n = json_array_size(seeds);
	json_t *seed;
	*mean = 0;
	json_array_foreach((json_t *)seeds, i, seed)
	{
		double value;
		const char *from = core_format(ctx, "%s/fold%lld-seed%lld", dir,
			(long long)run->fold, (long long)json_integer_value(seed));
		fv_status status = from ? core_tune_read_value(ctx, from, by, &value) : FV_FAILED;
		if (status)
			return status;
		*mean += value / (double)n;
	}
	return FV_OK;
}

static json_t *make_chosen(
	const json_t *trials, const char *by, int32_t best, int32_t n, const double *value)
{
	const json_t *trial = json_array_get(trials, best < 0 ? 0 : (size_t)best);
	json_t *values = json_array();
	for (int32_t i = 0; i < n; i++)
		json_array_append_new(values, core_json_number(value[i]));
	return json_pack("{s:O, s:O, s:s, s:o, s:o}", "variant", json_object_get(trial, "variant"),
		"axes", json_object_get(trial, "axes"), "by", by, "value",
		core_json_number(best < 0 ? NAN : value[best]), "values", values);
}

fv_status core_verify_choice(
	fv_ctx *ctx, const core_results *results, const core_run_result *run, json_t *found)
{
	const json_t *tune = run->facts->tune, *trials = json_object_get(tune, "trials");
	const json_t *seeds = json_object_get(json_object_get(run->env, "fingerprint"), "seeds");
	const char *by = json_string_value(json_object_get(tune, "by"));
	int32_t n = (int32_t)json_array_size(trials);
	if (!n || !by)
		return FV_OK;
	double *value = core_alloc(ctx, (size_t)n, sizeof *value);
	fv_status status = value ? FV_OK : FV_FAILED;
	for (int32_t i = 0; i < n && !status; i++) {
		const char *name = json_string_value(
			json_object_get(json_array_get(trials, (size_t)i), "variant"));
		const char *dir = name ? find_trial(results, name) : NULL;
		status = dir ? compute_mean(ctx, dir, run, by, seeds, &value[i])
			     : fv_fail(ctx, FV_DATA,
				       "%s: its trial %s is not there: 'fairvox run' computes it "
				       "again",
				       run->dir, name ? name : "");
	}
	if (status)
		return status;
	int32_t best = core_tune_find_best(by, n, value);
	json_t *chosen = make_chosen(trials, by, best, n, value);
	if (!chosen || json_object_set_new(found, "chosen", chosen))
		return fv_fail(ctx, FV_FAILED, "out of memory");
	return FV_OK;
}
