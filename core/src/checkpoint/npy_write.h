/* SPDX-License-Identifier: Apache-2.0 */
/* Writes tensors as NumPy's .npy and .npz, byte by byte as numpy.save writes an array. Equal tensors
 * give equal bytes; files are replaced atomically. */
#ifndef CORE_CHECKPOINT_NPY_WRITE_H
#define CORE_CHECKPOINT_NPY_WRITE_H

#include "checkpoint/safetensors_write.h"

/* Writes n F32 tensors of one shape as one array, [n] and that shape; in front of a shape [1, D] its
 * first dimension is left out: [n, D]. Their names go, one a line, to `names`, which is written
 * first. Errors: FV_DATA for a name that holds a line break; FV_FAILED when a file cannot be written.
 */
FV_NODISCARD fv_status core_npy_write(
	fv_ctx *ctx, const char *path, const char *names, const core_tensor_out *tensor, size_t n);

/* Writes n F32 tensors, each as an array called by its name, in an archive that is not compressed.
 * Errors: FV_DATA for a name that is not UTF-8, empty, longer than 1,024 bytes or not the only one;
 * FV_FAILED when the file cannot be written. */
FV_NODISCARD fv_status core_npz_write(
	fv_ctx *ctx, const char *path, const core_tensor_out *tensor, size_t n);

#endif
