/* SPDX-License-Identifier: Apache-2.0 */
/* An open checkpoint: a file in memory and the table of its tensors and metadata. */
#ifndef CORE_CHECKPOINT_PRIVATE_H
#define CORE_CHECKPOINT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include <fairvox/checkpoint.h>

#include "base/arena.h"

typedef struct core_meta {
	const char *key, *value;
} core_meta;

struct fv_checkpoint {
	core_arena memory; /* names, metadata, and row-major copies of strided tensors */
	const char *path;
	const unsigned char *data; /* the whole file (base/mapping.h) */
	size_t size;
	const char *container;
	int64_t n, n_meta;
	fv_tensor *tensor;    /* [n] sorted by name */
	core_meta *meta;      /* [n_meta] sorted by key */
	fv_checkpoint **part; /* [n_parts] files of an index, whose tensors are in `tensor` */
	size_t n_parts;
};

/* Bytes of one element; 0 for a type that is not supported. */
size_t core_dtype_size(const char *dtype);

/* Whether the file starts with the length of a header that it can hold. */
bool core_safetensors_fits(const fv_checkpoint *file);

/* Whether the file starts like safetensors: a header length that fits the file, then '{'. */
bool core_is_safetensors(const fv_checkpoint *file);

/* Fills `tensor` and `meta` from the header after checking every rule of the format. */
FV_NODISCARD fv_status core_safetensors_read(fv_ctx *ctx, fv_checkpoint *file);

#endif
