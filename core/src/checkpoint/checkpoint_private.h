/* SPDX-License-Identifier: Apache-2.0 */
/* An open checkpoint: a mapped file and a table of what is in it. */
#ifndef CORE_CHECKPOINT_PRIVATE_H
#define CORE_CHECKPOINT_PRIVATE_H

#include <stddef.h>

#include <fairvox/checkpoint.h>

#include "base/arena.h"

typedef struct core_meta {
	const char *key, *value;
} core_meta;

struct fv_checkpoint {
	core_arena memory; /* names, metadata, tensors that were put in order */
	const char *path;
	const unsigned char *data; /* the whole file, mapped */
	size_t size;
	const char *container;
	int64_t n, n_meta;
	fv_tensor *tensor; /* [n] sorted by name */
	core_meta *meta;   /* [n_meta] sorted by key */
};

/* Bytes of one element, 0 for a type that is not read. */
size_t core_dtype_size(const char *dtype);

/* Whether the file begins as a safetensors file does: a header length that fits, then '{'. */
int core_safetensors_looks_so(const fv_checkpoint *file);

/* Fills tensor and meta from the header and checks every rule. */
FV_NODISCARD fv_status core_safetensors_read(fv_ctx *ctx, fv_checkpoint *file);

#endif
