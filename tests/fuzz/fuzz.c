/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

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
