/* SPDX-License-Identifier: Apache-2.0 */
#include "find_plugin.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/nearest.h"
#include "base/path.h"

/* Length of "loss/" and its like in front of a name; 0: none. */
static size_t measure_kind(const char *word, fv_kind *kind)
{
	static const fv_kind kinds[] = {FV_ENCODER, FV_GROUPER, FV_LOSS};
	for (size_t i = 0; i < 3; i++) {
		const char *name = core_kind_name(kinds[i]);
		size_t n = strlen(name);
		*kind = kinds[i];
		if (!strncmp(word, name, n) && word[n] == '/' && !strchr(word + n + 1, '/') &&
			!strstr(word, ".so"))
			return n + 1;
	}
	return 0;
}

static fv_status report_refused(fv_ctx *ctx, const core_refused *refused)
{
	return fv_fail(ctx, FV_DATA, "%s: refused: %s", refused->path, refused->reason);
}

static fv_status find_by_path(
	fv_ctx *ctx, const core_registry *r, const char *path, const core_plugin **out)
{
	char real[PATH_MAX];
	if (!realpath(path, real))
		return fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->plugin[i].path, real)) {
			*out = &r->plugin[i];
			return FV_OK;
		}
	for (size_t i = 0; i < r->n_refused; i++)
		if (!strcmp(r->refused[i].path, real))
			return report_refused(ctx, &r->refused[i]);
	return fv_fail(ctx, FV_DATA,
		"%s: is not taken for a plugin: its name must be NAME.so, with letters, digits, _ "
		"and - in NAME",
		path);
}

static fv_status check_path(fv_ctx *ctx, const char *path)
{
	struct stat st;
	fv_status status = cli_check_exists(ctx, path);
	if (status)
		return status;
	if (stat(path, &st))
		return fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return fv_fail(ctx, FV_DATA, "%s: is a folder: name a file in it", path);
	size_t n = strlen(path);
	if (n < 3 || strcmp(path + n - 3, ".so") != 0)
		return fv_fail(ctx, FV_DATA,
			"%s: is no plugin: a plugin is a shared object called NAME.so", path);
	return FV_OK;
}

static fv_status report_unknown(fv_ctx *ctx, const core_registry *r, const char *name)
{
	const core_refused *refused = core_registry_find_refused(r, name);
	if (refused)
		return report_refused(ctx, refused);
	if (core_file_exists(name) && check_path(ctx, name) != FV_OK)
		return FV_DATA;
	const char **names = core_alloc(ctx, r->n, sizeof *names);
	for (size_t i = 0; names && i < r->n; i++)
		names[i] = r->plugin[i].descriptor->name;
	if (!names)
		return FV_FAILED;
	return fv_fail(ctx, FV_CONFIG,
		"no plugin '%s'%s: see 'fairvox plugins', or give the path of a file", name,
		core_suggest_name(ctx, name, names, r->n));
}

static fv_status find_by_name(
	fv_ctx *ctx, const core_registry *r, const char *word, const core_plugin **out)
{
	fv_kind kind;
	size_t skipped = measure_kind(word, &kind);
	for (size_t i = 0; i < r->n; i++) {
		const fv_descriptor *d = r->plugin[i].descriptor;
		if (!strcmp(d->name, word + skipped) && (!skipped || d->kind == kind)) {
			*out = &r->plugin[i];
			return FV_OK;
		}
	}
	return report_unknown(ctx, r, word + skipped);
}

fv_status cli_find_plugin(
	fv_ctx *ctx, const cli_folders *folders, const char *word, const core_plugin **out)
{
	fv_kind kind;
	size_t n = strlen(word);
	bool is_path = !measure_kind(word, &kind) &&
		       (strchr(word, '/') || (n > 3 && !strcmp(word + n - 3, ".so")));
	cli_folders all = *folders;
	core_registry *r;
	fv_status status = is_path ? check_path(ctx, word) : FV_OK;
	if (status)
		return status;
	if (is_path) {
		memmove(all.path + 1, all.path, sizeof all.path - sizeof *all.path);
		all.path[0] = core_path_dir(ctx, word);
		all.n += all.n < sizeof all.path / sizeof *all.path;
		if (!all.path[0])
			return FV_FAILED;
	}
	status = core_registry_open(ctx, all.path, all.n, &r);
	if (status)
		return status;
	return is_path ? find_by_path(ctx, r, word, out) : find_by_name(ctx, r, word, out);
}
