/* SPDX-License-Identifier: Apache-2.0 */
#include "run/variants.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/memory.h"
#include "run/failures.h"

#define SHORT 8 /* digits of the hash in a folder's name */

/* The finished runs of a folder. */
struct evidence {
	int own,
		other; /* runs of this variant; of another one, or of another version of the files */
};

/* Counts one run. Damaged runs do not count, because they are computed again. */
static void count_run(fv_ctx *own, const char *dir, const char *sha256, struct evidence *e)
{
	char *path = core_path_join(own, dir, "done"), *text;
	size_t size;
	if (!path || !core_file_exists(path) || core_file_read(own, path, 1 << 20, &text, &size))
		return;
	json_t *root = json_loadb(text, size, 0, NULL);
	const char *stored = json_string_value(json_object_get(root, "variant"));
	if (stored && !strcmp(stored, sha256))
		e->own++;
	else if (root)
		e->other++;
	json_decref(root);
}

static void count_runs(fv_ctx *ctx, const char *dir, const char *sha256, struct evidence *e)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort);
	if (n < 0)
		(void)core_memory_note_errno();
	fv_ctx *own = core_ctx_new();
	*e = (struct evidence){0};
	for (int i = 0; i < n; i++) {
		char *run = own && !strncmp(list[i]->d_name, "fold", 4)
				    ? core_path_join(ctx, dir, list[i]->d_name)
				    : NULL;
		if (run)
			count_run(own, run, sha256, e);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	core_ctx_free(own);
}

static bool ends_in_hash(const char *name, const char *sha256)
{
	const char *dash = strrchr(name, '-');
	return dash && dash != name && strlen(dash + 1) == SHORT &&
	       !strncmp(dash + 1, sha256, SHORT);
}

struct found {
	const char *dir;
	int own;
};

/* Prefers the folder with most runs of the variant; among equals the one named after its label,
 * then the first. */
static fv_status consider_folder(
	fv_ctx *ctx, const char *dir, const char *sha256, bool named, struct found *best)
{
	struct evidence e;
	count_runs(ctx, dir, sha256, &e);
	if (!e.own && e.other && named)
		return fv_fail(ctx, FV_FAILED,
			"%s: holds runs of another variant or of another version: move it away, "
			"or give another folder with --results",
			dir);
	if (!e.own && e.other)
		return FV_OK;
	if (!best->dir || e.own > best->own || (named && e.own == best->own))
		*best = (struct found){dir, e.own};
	return FV_OK;
}

static fv_status find_variant_folder(
	fv_ctx *ctx, const core_study *study, struct dirent *const *list, int n, int32_t index)
{
	core_identity *identity = &study->identity[index];
	char *name = core_format(
		ctx, "%s-%.*s", study->config->variants[index].slug, SHORT, identity->sha256);
	struct found best = {0};
	fv_status status = name ? FV_OK : FV_FAILED;
	for (int i = 0; i < n && !status; i++) {
		if (!ends_in_hash(list[i]->d_name, identity->sha256))
			continue;
		char *dir = core_path_join(ctx, study->results, list[i]->d_name);
		if (!dir)
			return FV_FAILED;
		if (core_is_dir(dir))
			status = consider_folder(
				ctx, dir, identity->sha256, !strcmp(list[i]->d_name, name), &best);
	}
	if (status)
		return status;
	identity->dir = best.dir ? best.dir : core_format(ctx, "%s/%s", study->results, name);
	return identity->dir ? FV_OK : FV_FAILED;
}

fv_status core_variants_place(fv_ctx *ctx, core_study *study)
{
	struct dirent **list;
	int n = scandir(study->results, &list, NULL, alphasort);
	fv_status status = FV_OK;
	if (n < 0 && core_memory_note_errno())
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < study->config->n_variants && !status; i++)
		if (*study->identity[i].sha256) {
			status = find_variant_folder(ctx, study, list, n, (int32_t)i);
			status = core_study_fail_variant(ctx, study, (int32_t)i, status);
		}
	for (int i = 0; i < n; i++)
		free(list[i]);
	if (n >= 0)
		free(list);
	return status;
}
