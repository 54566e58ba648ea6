/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/loaded_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/visible.h"

#define FILES_MAX 1024

struct loaded {
	char *path; /* lives as long as the process */
	struct stat known;
	char sha256[CORE_SHA256_HEX];
};

static struct {
	struct loaded file[FILES_MAX];
	size_t n;
} loaded;

static struct loaded *find_place(const char *path)
{
	for (size_t i = 0; i < loaded.n; i++)
		if (!strcmp(loaded.file[i].path, path))
			return &loaded.file[i];
	char *kept = loaded.n < FILES_MAX ? strdup(path) : NULL;
	if (!kept)
		return NULL;
	loaded.file[loaded.n].path = kept;
	return &loaded.file[loaded.n++];
}

void core_loaded_file_note(const char *path, const char sha256[CORE_SHA256_HEX])
{
	struct stat now;
	struct loaded *file = stat(path, &now) ? NULL : find_place(path);
	if (!file)
		return;
	file->known = now;
	memcpy(file->sha256, sha256, sizeof file->sha256);
}

/* A file of another number is another file, which leaves the mapped one alone. */
static bool is_overwritten(const struct loaded *file)
{
	const struct stat *known = &file->known;
	struct stat now;
	return !stat(file->path, &now) && now.st_ino == known->st_ino &&
	       now.st_dev == known->st_dev &&
	       (now.st_size != known->st_size || now.st_mtim.tv_sec != known->st_mtim.tv_sec ||
		       now.st_mtim.tv_nsec != known->st_mtim.tv_nsec);
}

static void tell_overwritten(const struct loaded *file, char text[CORE_OVERWRITTEN_SIZE])
{
	char path[CORE_MAPPED_PATH];
	core_escape(path, sizeof path, file->path);
	snprintf(text, CORE_OVERWRITTEN_SIZE,
		"plugin file %s was overwritten while it was in use: replace it with mv (or "
		"install), then run again",
		path);
}

bool core_loaded_file_was_overwritten(char text[CORE_OVERWRITTEN_SIZE])
{
	for (size_t i = 0; i < loaded.n; i++)
		if (is_overwritten(&loaded.file[i])) {
			tell_overwritten(&loaded.file[i], text);
			return true;
		}
	return false;
}

fv_status core_loaded_files_check(fv_ctx *ctx)
{
	for (size_t i = 0; i < loaded.n; i++) {
		const struct loaded *file = &loaded.file[i];
		char now[CORE_SHA256_HEX], text[CORE_OVERWRITTEN_SIZE];
		if (!is_overwritten(file))
			continue;
		fv_status status = core_sha256_file(ctx, file->path, now);
		if (status)
			return status;
		tell_overwritten(file, text);
		if (strcmp(now, file->sha256))
			return fv_fail(ctx, FV_FAILED, "%s", text);
	}
	return FV_OK;
}
