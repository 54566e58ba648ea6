/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
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
