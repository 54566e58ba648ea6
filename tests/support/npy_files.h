/* SPDX-License-Identifier: Apache-2.0 */
/* Builds files of NumPy byte by byte. */
#ifndef TEST_NPY_FILES_H
#define TEST_NPY_FILES_H

#include <fairvox/checkpoint.h>

#include "base/text.h"

/* The dictionary of an array's header. */
#define DICT(type, order, shape)                                                                   \
	"{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }   \n"

/* Adds an array: version, dictionary, numbers. */
void test_add_array(core_text *out, int version, const char *dict, const void *data, size_t size);

/* Returns the path of a file of that name in the test's folder. */
const char *test_npy_path(fv_ctx *ctx, const char *name);
/* Writes the bytes as a file of that name and opens it. */
fv_status test_open_npy(fv_ctx *ctx, const char *name, const core_text *bytes, fv_checkpoint **out);

#endif
