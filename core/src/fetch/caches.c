/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/caches.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"

#define HUB "https://huggingface.co/"
#define FOUND_MAX 256

struct search {
	fv_ctx *ctx;
	int64_t bytes; /* -1: any size */
	core_found *found;
	size_t n;
};

/* The parts of https://huggingface.co/ORG/NAME/resolve/REVISION/FILE. */
struct hub_address {
	const char *org, *name, *revision, *file;
};

static bool parse_hub_address(fv_ctx *ctx, const char *url, struct hub_address *out)
{
	if (strncmp(url, HUB, sizeof HUB - 1))
		return false;
	char *rest = core_strdup(ctx, url + sizeof HUB - 1), *part[5];
	for (int i = 0; i < 5 && rest; i++) {
		part[i] = rest;
		char *slash = i < 4 ? strchr(rest, '/') : NULL;
		if (i < 4 && !slash)
			return false;
		if (slash)
			*slash = '\0';
		rest = slash ? slash + 1 : rest;
	}
	if (!rest || strcmp(part[2], "resolve"))
		return false;
	*out = (struct hub_address){part[0], part[1], part[3], part[4]};
	return true;
}

const char *core_form_find_pointer(fv_ctx *ctx, const core_form *form)
{
	struct hub_address hub;
	if (form->pointer || !parse_hub_address(ctx, form->url, &hub))
		return form->pointer;
	return core_format(ctx, HUB "%s/%s/raw/%s/%s", hub.org, hub.name, hub.revision, hub.file);
}

/* The folder that an environment variable names, or else `name` below `parent`; NULL when
 * neither is set. */
static const char *find_folder(
	fv_ctx *ctx, const char *variable, const char *parent, const char *name)
{
	const char *value = variable ? getenv(variable) : NULL;
	if (value && *value)
		return core_strdup(ctx, value);
	return parent ? core_path_join(ctx, parent, name) : NULL;
}

static const char *find_user_cache(fv_ctx *ctx)
{
	return find_folder(ctx, "XDG_CACHE_HOME", getenv("HOME"), ".cache");
}

static void add_found(struct search *s, const char *path, const char *cache, const char *sha256)
{
	struct stat st;
	if (!path || stat(path, &st) || !S_ISREG(st.st_mode) || s->n == FOUND_MAX)
		return;
	if (s->bytes >= 0 && st.st_size != s->bytes)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->found[i].path, path))
			return;
	s->found[s->n++] = (core_found){path, cache, sha256};
}

/* Searches the snapshots of Hugging Face's cache. Their files link to blobs; the blob of a large
 * file is named by its SHA-256. */
static void search_hub(struct search *s, const core_form *form)
{
	struct hub_address hub;
	if (!parse_hub_address(s->ctx, form->url, &hub))
		return;
	const char *home = find_folder(s->ctx, "HF_HOME", find_user_cache(s->ctx), "huggingface");
	const char *hubs = find_folder(s->ctx, "HF_HUB_CACHE", home, "hub");
	const char *snapshots =
		hubs ? core_format(s->ctx, "%s/models--%s--%s/snapshots", hubs, hub.org, hub.name)
		     : NULL;
	DIR *dir = snapshots ? opendir(snapshots) : NULL;
	for (struct dirent *e; dir && (e = readdir(dir));) {
		char real[PATH_MAX];
		const char *path = core_format(s->ctx, "%s/%s/%s", snapshots, e->d_name, hub.file);
		if (e->d_name[0] == '.' || !path || !realpath(path, real))
			continue;
		const char *blob = core_path_base(real);
		bool is_hash = strlen(blob) == 64 && strspn(blob, "0123456789abcdef") == 64;
		add_found(s, core_strdup(s->ctx, real), "Hugging Face",
			is_hash ? core_strdup(s->ctx, blob) : NULL);
	}
	if (dir)
		closedir(dir);
}

/* Adds the file with the right name and all files of the right size. */
static void search_flat(struct search *s, const char *where, const char *cache, const char *name)
{
	if (!where)
		return;
	if (name)
		add_found(s, core_path_join(s->ctx, where, name), cache, NULL);
	DIR *dir = s->bytes >= 0 ? opendir(where) : NULL;
	for (struct dirent *e; dir && (e = readdir(dir));)
		add_found(s, core_path_join(s->ctx, where, e->d_name), cache, NULL);
	if (dir)
		closedir(dir);
}

fv_status core_caches_search(fv_ctx *ctx, const core_form *form, core_found **out, size_t *n)
{
	struct search s = {.ctx = ctx,
		.bytes = form->member ? form->member_bytes : form->bytes,
		.found = core_alloc(ctx, FOUND_MAX, sizeof *s.found)};
	char hash[CORE_SHA256_HEX];
	if (!s.found)
		return FV_FAILED;
	core_sha256_bytes(form->url, strlen(form->url), hash);
	const char *base = core_path_base(form->url), *home = getenv("HOME");
	if (!form->member)
		search_hub(&s, form);
	search_flat(&s, find_folder(ctx, NULL, home, ".cache/s3prl/download"), "s3prl",
		core_format(ctx, "%s.%s", hash, base));
	const char *torch = find_folder(ctx, "TORCH_HOME", find_user_cache(ctx), "torch");
	search_flat(
		&s, torch ? core_path_join(ctx, torch, "hub/checkpoints") : NULL, "torch", base);
	*out = s.found;
	*n = s.n;
	return FV_OK;
}
