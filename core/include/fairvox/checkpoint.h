/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors in a file: safetensors, or what torch.save wrote (a dict of tensors, or dicts in dicts: the
 * keys on the way to a tensor, joined by dots, are its name). The format is found from the content,
 * never from the file's name; a file that breaks a rule is refused with one line, FILE: byte N: RULE:
 * reason. Nothing that a pickle names is ever called.
 */
#ifndef FAIRVOX_CHECKPOINT_H
#define FAIRVOX_CHECKPOINT_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

typedef struct fv_checkpoint fv_checkpoint;

#define FV_TENSOR_RANK_MAX 8

typedef struct fv_tensor {
	const char *name; /* lives until the file is closed */
	const char
		*dtype; /* "F32", "F16", "BF16", "F64", "I64", "I32", "I16", "I8", "U8", "BOOL" */
	int32_t rank;
	int64_t shape[FV_TENSOR_RANK_MAX];
	int64_t count;    /* product of shape */
	const void *data; /* little endian, row-major; may be unaligned */
} fv_tensor;

/* Maps the file and checks all of its rules, checksums of a zip archive included. Errors: FV_DATA. */
FV_NODISCARD fv_status fv_checkpoint_open(fv_ctx *ctx, const char *path, fv_checkpoint **out);
void fv_checkpoint_close(fv_checkpoint *file); /* NULL is allowed */

/* "safetensors", "torch zip" (torch.save since version 1.6) or "torch legacy" (before). */
const char *fv_checkpoint_container(const fv_checkpoint *file);

int64_t fv_checkpoint_count(const fv_checkpoint *file);
const fv_tensor *fv_checkpoint_at(const fv_checkpoint *file, int64_t index); /* sorted by name */
const fv_tensor *fv_checkpoint_find(const fv_checkpoint *file, const char *name); /* or NULL */

/* What the file says beside its tensors, or NULL: of safetensors its __metadata__; of torch files the
 * texts, integers (decimal) and booleans (true, false) of the dict under their keys, and those of a
 * dict in it under both keys, joined by a dot. */
const char *fv_checkpoint_meta(const fv_checkpoint *file, const char *key);

/* Says that the tensor's data is not needed soon: its part of the file may leave memory. It can still
 * be read, more slowly. */
void fv_checkpoint_release(const fv_checkpoint *file, const fv_tensor *tensor);

/* Converts to float32 (F32, F16, BF16, F64) into out [count]. Errors: FV_DATA for other types. */
FV_NODISCARD fv_status fv_tensor_to_f32(fv_ctx *ctx, const fv_tensor *tensor, float *out);

/* Reads the tensor `name` as float32 into out [count]. Errors: FV_DATA, naming `path`, when there is no
 * such tensor or a number is not finite. */
FV_NODISCARD fv_status fv_checkpoint_read(
	fv_ctx *ctx, const char *path, const fv_checkpoint *file, const char *name, float *out);

/* --- census: all tensors of a network, and nothing else ------------------------------------------
 */

typedef struct fv_expected {
	const char *name;
	int32_t rank;
	int64_t shape[FV_TENSOR_RANK_MAX];
	int32_t ignored; /* 1: may be missing and of any type, since nothing is computed with it */
} fv_expected;

/* FV_OK when each of the n tensors is in the file with exactly its shape and a type of floats, and the
 * file holds no other one, but for those whose names begin with `beside` (NULL: none). Otherwise
 * FV_DATA with a line for each fault, or without any where ctx is NULL. */
FV_NODISCARD fv_status fv_checkpoint_census(fv_ctx *ctx, const char *path,
	const fv_checkpoint *file, const fv_expected *expected, int64_t n, const char *beside);

FV_END_DECLS

#endif
