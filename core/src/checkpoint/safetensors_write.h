/* SPDX-License-Identifier: Apache-2.0 */
/* Writes safetensors files: equal tensors give equal bytes.
 *
 * Order in header and data: element size (largest first), then name, so that every tensor is
 * aligned to its elements. The header is padded with spaces to a multiple of 8 bytes; metadata
 * is sorted by key. The file is replaced atomically. */
#ifndef CORE_CHECKPOINT_SAFETENSORS_WRITE_H
#define CORE_CHECKPOINT_SAFETENSORS_WRITE_H

#include <fairvox/checkpoint.h>

#include "base/context.h"

typedef struct core_tensor_out {
	const char *name;  /* UTF-8, not empty, at most 1,024 bytes */
	const char *dtype; /* as in fv_tensor */
	int32_t rank;      /* 0 to 8 */
	int64_t shape[FV_TENSOR_RANK_MAX];
	const void *data; /* row-major; may be NULL for a tensor without elements */
} core_tensor_out;

typedef struct core_meta_out {
	const char *key, *value; /* UTF-8 */
} core_meta_out;

/* Writes n tensors with distinct names and n_meta pairs with distinct keys. Errors: FV_DATA for
 * a name that is not UTF-8, too long or duplicated (names come from users' files); FV_FAILED
 * when the file cannot be written. */
FV_NODISCARD fv_status core_safetensors_write(fv_ctx *ctx, const char *path,
	const core_tensor_out *tensor, size_t n, const core_meta_out *meta, size_t n_meta);
/* The same without fsync (core_writer_commit_loose). */
FV_NODISCARD fv_status core_safetensors_write_loose(fv_ctx *ctx, const char *path,
	const core_tensor_out *tensor, size_t n, const core_meta_out *meta, size_t n_meta);

#endif
