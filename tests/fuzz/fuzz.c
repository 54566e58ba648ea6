/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fairvox/checkpoint.h>

const char *fuzz_write_file(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[64];
	if (fd < 0) {
		fd = memfd_create("input", 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	fuzz_require(fd >= 0 && !ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size,
		"the input cannot be written");
	return path;
}

static char folder[] = "/tmp/fuzz-XXXXXX";

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)st;
	(void)kind;
	(void)place;
	return remove(path);
}

static void remove_folder(void)
{
	(void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_make_folder(void)
{
	static bool made;
	if (!made)
		fuzz_require(mkdtemp(folder) && !atexit(remove_folder), "a folder cannot be made");
	made = true;
	return folder;
}

static void write_whole(const char *path, const uint8_t *data, size_t size)
{
	FILE *file = fopen(path, "wb");
	fuzz_require(file != NULL, "a file cannot be written");
	size_t written = fwrite(data, 1, size, file);
	fuzz_require(!fclose(file) && written == size, "a file cannot be written");
}

void fuzz_write_parts(const uint8_t *data, size_t size, const char *const *name, size_t n)
{
	static const char mark[] = "====\n";
	const uint8_t *at = data, *end = data + size;
	char path[512];
	for (size_t i = 0; i < n; i++) {
		size_t left = at ? (size_t)(end - at) : 0;
		const uint8_t *next = left ? memmem(at, left, mark, sizeof mark - 1) : NULL;
		snprintf(path, sizeof path, "%s/%s", fuzz_make_folder(), name[i]);
		if (at)
			write_whole(path, at, next ? (size_t)(next - at) : left);
		else
			(void)unlink(path);
		at = next ? next + sizeof mark - 1 : NULL;
	}
}

void fuzz_require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "finding: %s\n", what);
	abort();
}

void fuzz_check_status(const fv_ctx *ctx, fv_status status)
{
	fuzz_require(status == FV_OK || core_error_count(ctx) > 0, "a failure without a message");
	fuzz_require(status == FV_OK || status == FV_DATA || status == FV_CONFIG,
		"bad input must be FV_DATA or FV_CONFIG");
}

fv_status fuzz_read_tensors(fv_ctx *ctx, const char *path, uint64_t most)
{
	fv_checkpoint *file;
	fv_status status = fv_checkpoint_open(ctx, path, &file);
	fuzz_check_status(ctx, status);
	if (status)
		return status;
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++) {
		const fv_tensor *t = fv_checkpoint_at(file, i);
		fuzz_require(fv_checkpoint_find(file, t->name) != NULL, "a tensor is not found");
		fuzz_require(
			t->count >= 0 && (uint64_t)t->count <= most, "more elements than bytes");
		float *out = malloc(((size_t)t->count + 1) * sizeof *out);
		fv_ctx *own = core_ctx_new();
		fuzz_check_status(own, fv_tensor_to_f32(own, t, out));
		core_ctx_free(own);
		free(out);
	}
	fv_checkpoint_close(file);
	return FV_OK;
}
