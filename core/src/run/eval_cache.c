/* SPDX-License-Identifier: Apache-2.0 */
#include "run/eval_cache.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/numerics.h"

fv_status core_eval_cache_path(fv_ctx *ctx, const core_study *study, const core_run *run,
	const core_measured *measured, const json_t *eval, const char **path)
{
	char predictions[CORE_SHA256_HEX], hex[CORE_SHA256_HEX];
	const char *csv = core_path_join(ctx, run->dir, "predictions.csv");
	fv_status status = csv ? core_sha256_file(ctx, csv, predictions) : FV_FAILED;
	if (status)
		return status;
	json_t *shown = json_copy((json_t *)eval);
	json_object_del(shown, "compare");
	/* metrics.json also holds fold, seed and epochs. */
	json_t *key = json_pack("{s:i, s:s, s:o*, s:I, s:I, s:i, s:i}", "numerics", CORE_NUMERICS,
		"predictions", predictions, "eval", shown, "fold", (json_int_t)measured->fold,
		"seed", (json_int_t)measured->seed, "selected_epoch", measured->selected_epoch,
		"epochs", measured->epochs);
	const char *text = core_json_text(ctx, key, JSON_COMPACT | JSON_SORT_KEYS);
	if (!text)
		return FV_FAILED;
	core_sha256_bytes(text, strlen(text), hex);
	*path = core_format(ctx, "%s/.eval/%s.json", study->results, hex);
	return *path ? FV_OK : FV_FAILED;
}

const char *core_eval_cache_read(fv_ctx *ctx, const char *path)
{
	char *text, *copy = NULL;
	size_t size;
	fv_ctx *aside = core_file_exists(path) ? core_ctx_aside(ctx) : NULL;
	if (!aside)
		return NULL;
	if (!core_file_read(aside, path, 1 << 26, &text, &size)) {
		json_t *root = json_loadb(text, size, 0, NULL);
		if (json_is_integer(json_object_get(root, "schema_version")))
			copy = core_strdup(ctx, text);
		json_decref(root);
	}
	core_ctx_free(aside);
	return copy;
}

void core_eval_cache_write(fv_ctx *ctx, const char *path, const char *metrics)
{
	fv_ctx *aside = core_file_exists(path) ? NULL : core_ctx_aside(ctx);
	char *folder =
		aside ? core_strndup(aside, path, (size_t)(strrchr(path, '/') - path)) : NULL;
	fv_status status = folder ? core_make_dirs(aside, folder) : FV_FAILED;
	if (!status)
		status = core_file_write(aside, path, metrics, strlen(metrics));
	(void)status; /* a cache that is not there is only slower */
	core_ctx_free(aside);
}
