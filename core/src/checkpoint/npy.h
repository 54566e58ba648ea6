/* SPDX-License-Identifier: Apache-2.0 */
/* One array of NumPy's .npy format, versions 1 to 3: a magic, a header that is a Python dictionary of
 * descr, fortran_order and shape, and the numbers. Rules: magic, header, type, objects, shape, size.
 */
#ifndef CORE_CHECKPOINT_NPY_H
#define CORE_CHECKPOINT_NPY_H

#include "checkpoint/checkpoint_private.h"
#include "checkpoint/scan.h"

typedef struct core_npy {
	char kind;   /* 'f' float, 'i' and 'u' integer, 'b' bool, 'S' bytes, 'U' characters */
	size_t size; /* bytes of an element */
	bool big;    /* big endian */
	bool fortran;
	int32_t rank;
	int64_t shape[FV_TENSOR_RANK_MAX];
	int64_t count;
	const unsigned char *data; /* in the array's own byte order and layout */
} core_npy;

/* Parses an array that takes up all of scan->data from 0 to scan->end. */
FV_NODISCARD fv_status core_npy_parse(const core_scan *scan, core_npy *out);

/* Makes a tensor of an array of numbers. Little-endian arrays in C order stay where they are, others
 * are copied into the scan's arena. Errors: FV_DATA for a type that tensors do not have. */
FV_NODISCARD fv_status core_npy_to_tensor(
	const core_scan *scan, const core_npy *array, fv_tensor *out);

/* Element i of an array of texts in UTF-8, without the NULs at its end, in the scan's arena. */
FV_NODISCARD fv_status core_npy_read_text(
	const core_scan *scan, const core_npy *array, int64_t i, char **out);

/* A whole file: one tensor called "array". */
FV_NODISCARD fv_status core_npy_read(fv_ctx *ctx, fv_checkpoint *file);

/* --- npz.c: a zip archive of arrays, stored or deflated --- */

/* A tensor for each array; or, where one array holds texts and one numbers with the same first
 * dimension, a tensor for each row of the numbers, called by its text. Rules beyond those of arrays:
 * end record, count, local header, method, flags, size, CRC, deflate, name, duplicate name, texts. */
FV_NODISCARD fv_status core_npz_read(fv_ctx *ctx, fv_checkpoint *file);

#endif
