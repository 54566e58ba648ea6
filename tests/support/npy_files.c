/* SPDX-License-Identifier: Apache-2.0 */
#include "npy_files.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "support.h"
#include "torch_files.h"

const char *test_npy_path(fv_ctx *ctx, const char *name)
{
	static char folder[4200];
	if (!*folder)
		snprintf(folder, sizeof folder, "%s", test_folder("npy"));
	return core_path_join(ctx, folder, name);
}

void test_add_array(core_text *out, int version, const char *dict, const void *data, size_t size)
{
	core_text_put(out, "\x93NUMPY", 6);
	test_add_little(out, (uint64_t)version, 1);
	test_add_little(out, 0, 1);
	test_add_little(out, strlen(dict), version == 1 ? 2 : 4);
	core_text_put(out, dict, strlen(dict));
	core_text_put(out, data, size);
}

fv_status test_open_npy(fv_ctx *ctx, const char *name, const core_text *bytes, fv_checkpoint **out)
{
	const char *path = test_npy_path(ctx, name);
	test_ok(ctx, core_file_write(ctx, path, bytes->data, bytes->size));
	return fv_checkpoint_open(ctx, path, out);
}

/* 2 x 3 numbers 1, 2, 3 / 4, 5, -6 in every way to store them. */
