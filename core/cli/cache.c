/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox cache: lists and removes entries of the feature cache. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fairvox/checkpoint.h>

#include "base/file.h"
#include "run/cache.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox cache list [--cache DIR]\n"
	"       fairvox cache prune [--cache DIR] KEY...\n"
	"\n"
	"list: prints a line per encoder key: key, encoder, entries, MiB, days since the last\n"
	"entry was written.\n"
	"prune: removes the entries of the given keys (a unique prefix of 8 or more digits is\n"
	"enough) and files left by killed writers. Removed entries are recomputed when needed.\n"
	"\n"
	"      --cache DIR  feature cache (default: cache)\n";

struct folder {
	const char *key, *path, *encoder;
	int64_t entries, bytes;
	time_t newest;
};

static const char *read_encoder_name(fv_ctx *ctx, const char *path)
{
	fv_checkpoint *file;
	if (fv_checkpoint_open(ctx, path, &file)) {
		core_error_clear(ctx);
		return "(damaged)";
	}
	const char *recorded = fv_checkpoint_meta(file, "encoder");
	const char *name = core_strdup(ctx, recorded ? recorded : "(unknown)");
	fv_checkpoint_close(file);
	return name ? name : "(unknown)";
}

static fv_status read_folder(fv_ctx *ctx, struct folder *f)
{
	DIR *dir = opendir(f->path);
	if (!dir)
		return fv_fail(ctx, FV_DATA, "%s: %s", f->path, strerror(errno));
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct stat st;
		if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, 0))
			continue;
		if (!f->encoder)
			f->encoder =
				read_encoder_name(ctx, core_path_join(ctx, f->path, entry->d_name));
		f->entries++;
		f->bytes += st.st_size;
		if (st.st_mtime > f->newest)
			f->newest = st.st_mtime;
	}
	closedir(dir);
	return FV_OK;
}

static fv_status find_folders(fv_ctx *ctx, const char *cache, struct folder **out, int *n)
{
	struct dirent **list;
	int found = scandir(cache, &list, NULL, alphasort);
	if (found < 0)
		return fv_fail(ctx, FV_DATA, "%s: %s", cache, strerror(errno));
	*out = core_alloc(ctx, (size_t)found, sizeof **out);
	*n = 0;
	fv_status status = *out ? FV_OK : FV_FAILED;
	for (int i = 0; i < found; i++) {
		if (!status && core_cache_is_key(list[i]->d_name)) {
			struct folder *f = &(*out)[(*n)++];
			f->key = core_strdup(ctx, list[i]->d_name);
			f->path = core_path_join(ctx, cache, list[i]->d_name);
			status = f->key && f->path ? read_folder(ctx, f) : FV_FAILED;
		}
		free(list[i]);
	}
	free(list);
	return status;
}

static void print_folders(const struct folder *f, int n)
{
	for (int i = 0; i < n; i++)
		cli_printf("%s %-20s %8lld %-7s %10.1f MiB %6.0f days\n", f[i].key,
			f[i].encoder ? f[i].encoder : "-", (long long)f[i].entries,
			f[i].entries == 1 ? "entry" : "entries", (double)f[i].bytes / (1 << 20),
			f[i].newest ? difftime(time(NULL), f[i].newest) / 86400 : 0);
}

static const struct folder *match_folder(
	fv_ctx *ctx, const struct folder *f, int n, const char *word)
{
	const struct folder *found = NULL;
	for (int i = 0; i < n; i++) {
		if (strlen(word) < 8 || strncmp(f[i].key, word, strlen(word)))
			continue;
		if (found) {
			(void)fv_fail(ctx, FV_CONFIG,
				"prune: '%s' matches two keys: give more digits", word);
			return NULL;
		}
		found = &f[i];
	}
	if (!found)
		(void)fv_fail(
			ctx, FV_CONFIG, "prune: no key starts with '%s' (at least 8 digits)", word);
	return found;
}

/* Removes only files that the cache itself wrote. */
static fv_status prune_folder(fv_ctx *ctx, const char *cache, const struct folder *f)
{
	core_lease *lease;
	fv_status status = core_cache_lock_key(ctx, cache, f->key, &lease);
	if (status)
		return status;
	DIR *dir = opendir(f->path);
	int64_t removed = 0;
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (core_cache_is_entry(entry->d_name))
			removed += unlinkat(dirfd(dir), entry->d_name, 0) == 0;
	if (dir)
		closedir(dir);
	core_lease_remove(lease);
	rmdir(f->path); /* fails if other files are in it */
	cli_printf("%s: %lld %s removed\n", f->key, (long long)removed,
		removed == 1 ? "entry" : "entries");
	return FV_OK;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{"cache", required_argument, NULL, 'C'}, {0}};
	const char *cache = "cache";
	for (int option; (option = cli_option(ctx, argc, argv, "", longs)) != -1; cache = optarg)
		if (option == '?')
			return FV_CONFIG;
	const char *what = optind < argc ? argv[optind++] : "";
	bool list = !strcmp(what, "list");
	if ((!list && strcmp(what, "prune")) || list != (optind == argc))
		return fv_fail(ctx, FV_CONFIG,
			"cache: use 'list', or 'prune' and keys: see 'fairvox cache --help'");
	struct folder *f = NULL;
	int n = 0;
	fv_status status = cli_check_exists(ctx, cache);
	if (!status)
		status = find_folders(ctx, cache, &f, &n);
	if (status)
		return status;
	if (list)
		print_folders(f, n);
	for (; optind < argc && !status; optind++) {
		const struct folder *one = match_folder(ctx, f, n, argv[optind]);
		status = one ? prune_folder(ctx, cache, one) : FV_CONFIG;
	}
	return status ? status : cli_flush(ctx);
}

const cli_verb cli_verb_cache = {"cache", "list or prune the feature cache", usage, run};
