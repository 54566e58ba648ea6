/* SPDX-License-Identifier: Apache-2.0 */
#include "run/failure_files.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "run/folder.h"

#define SHORT 8 /* digits of the hash in a folder's name */

/* Is a folder of this name that of the variant, under its settings or under its label? */
static bool names_variant(const char *name, const char *slug, const char *written)
{
	size_t n = strlen(name), m = strlen(slug);
	if (n <= SHORT + 1 || name[n - SHORT - 1] != '-')
		return false;
	return !strncmp(name + n - SHORT, written, SHORT) ||
	       (n == m + SHORT + 1 && !strncmp(name, slug, m));
}

static bool is_of_study(const core_config *config, const char *name)
{
	for (size_t i = 0; i < config->n_variants; i++)
		if (names_variant(name, config->variants[i].slug, config->variants[i].written))
			return true;
	for (size_t i = 0; i < config->n_refused; i++)
		if (names_variant(name, config->refused[i].slug, config->refused[i].written))
			return true;
	return false;
}

/* Removes the record of a variant. A folder that holds more is left. */
static void remove_record(fv_ctx *ctx, const char *results, const char *name)
{
	char *dir = core_path_join(ctx, results, name);
	char *failed = dir ? core_path_join(ctx, dir, "failed") : NULL;
	if (failed && !unlink(failed))
		(void)rmdir(dir);
}

static fv_status remove_old_records(fv_ctx *ctx, const core_study *study)
{
	fv_ctx *own = core_ctx_aside(ctx);
	if (!own)
		return FV_FAILED;
	struct dirent **list;
	int n = scandir(study->results, &list, NULL, alphasort);
	if (n < 0)
		(void)core_memory_note_errno();
	for (int i = 0; i < n; i++) {
		if (is_of_study(study->config, list[i]->d_name))
			remove_record(own, study->results, list[i]->d_name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	core_ctx_free(own);
	return FV_OK;
}

/* Reports one reason of a variant without identity and adds it to its record. */
static fv_status record_variant(fv_ctx *ctx, const core_study *study, const char *slug,
	const char *written, const core_reason *reason)
{
	char *dir = core_format(ctx, "%s/%s-%.*s", study->results, slug, SHORT, written), *old;
	char *path = dir ? core_path_join(ctx, dir, "failed") : NULL;
	size_t size;
	if (!path)
		return FV_FAILED;
	(void)core_reason_report(ctx, dir, reason);
	fv_status status = core_make_dirs(ctx, dir);
	if (!status && core_file_exists(path))
		status = core_file_read(ctx, path, 1 << 20, &old, &size);
	else
		old = "";
	char *text = status ? NULL : core_format(ctx, "%s%s\n", old, reason->text);
	return text ? core_file_write(ctx, path, text, strlen(text)) : FV_FAILED;
}

/* Was the reason met in an earlier run of the same variant? */
static bool is_repeated(const core_study *study, size_t index)
{
	const core_failed_run *own = &study->failed[index];
	for (size_t i = 0; i < index; i++)
		if (study->failed[i].variant == own->variant && !study->failed[i].dir &&
			study->failed[i].reason == own->reason)
			return true;
	return false;
}

fv_status core_failures_record(fv_ctx *ctx, const core_study *study, bool refused_too)
{
	const core_config *config = study->config;
	fv_status status = refused_too ? remove_old_records(ctx, study) : FV_OK, first = status;
	for (size_t i = 0; refused_too && i < config->n_refused; i++) {
		const core_refused_variant *refused = &config->refused[i];
		status = record_variant(
			ctx, study, refused->slug, refused->written, refused->reason);
		first = first ? first : status;
	}
	for (size_t i = 0; i < study->n_failed; i++) {
		const core_failed_run *failed = &study->failed[i];
		const core_variant *variant = &config->variants[failed->variant];
		status = FV_OK;
		if (failed->aside)
			continue;
		if (failed->dir) {
			(void)core_reason_report(ctx, failed->dir, failed->reason);
			core_folder_record_failure(ctx, failed->dir, failed->reason->text);
		} else if (!is_repeated(study, i)) {
			status = record_variant(
				ctx, study, variant->slug, variant->written, failed->reason);
		}
		first = first ? first : status;
	}
	return first;
}
