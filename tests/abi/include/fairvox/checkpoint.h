/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tensors: safetensors; a file written by torch.save (a dict of tensors, or nested dicts: a
 * tensor's name is then the keys that lead to it, joined by dots); NumPy's .npy (one tensor, called
 * "array") and .npz (a tensor for each array, or, if one array holds texts and one numbers with the
 * same first dimension, one for each row of the numbers, called by its text).
 *
 * The format is recognised by the content, never by the file's name. A file that breaks a rule of
 * its format is refused with one line, FILE: byte N: RULE: reason. Nothing that a pickle names is
 * ever called.
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

/* Maps the file into memory and checks all rules of its format, including the checksums of a zip
 * archive. Errors: FV_DATA. */
FV_NODISCARD fv_status fv_checkpoint_open(fv_ctx *ctx, const char *path, fv_checkpoint **out);
void fv_checkpoint_close(fv_checkpoint *file); /* file may be NULL */

/* Returns "safetensors", "torch zip" (torch.save since version 1.6), "torch legacy" (before), "npy",
 * "npz" or "index" (of a model that is split over several files). */
const char *fv_checkpoint_container(const fv_checkpoint *file);

int64_t fv_checkpoint_count(const fv_checkpoint *file);
const fv_tensor *fv_checkpoint_at(const fv_checkpoint *file, int64_t index); /* sorted by name */
const fv_tensor *fv_checkpoint_find(const fv_checkpoint *file, const char *name); /* or NULL */

/* Returns metadata of the file, or NULL. safetensors: the entries of __metadata__. torch files: the
 * strings, integers (in decimal) and booleans (true, false) of the dict under their keys, and those
 * of a nested dict under both keys joined by a dot. */
const char *fv_checkpoint_meta(const fv_checkpoint *file, const char *key);

/* Hints that the tensor's data is not needed soon, so that its part of the file may leave memory.
 * It can still be read, but more slowly. */
void fv_checkpoint_release(const fv_checkpoint *file, const fv_tensor *tensor);

/* Converts a tensor of type F32, F16, BF16 or F64 to float32 in out [count]. Errors: FV_DATA for
 * other types. */
FV_NODISCARD fv_status fv_tensor_to_f32(fv_ctx *ctx, const fv_tensor *tensor, float *out);

/* Reads the tensor `name` as float32 into out [count]. Errors: FV_DATA, with a message that starts
 * with `path`, if there is no such tensor or if it holds a number that is not finite. */
FV_NODISCARD fv_status fv_checkpoint_read(
	fv_ctx *ctx, const char *path, const fv_checkpoint *file, const char *name, float *out);

/* --- census: does a file hold exactly the tensors of a network? ------------------------------- */

typedef struct fv_expected {
	const char *name;
	int32_t rank;
	int64_t shape[FV_TENSOR_RANK_MAX];
	int32_t ignored; /* 1: the tensor is not used, so it may be missing and have any type */
} fv_expected;

/* Returns FV_OK if each of the n expected tensors is in the file with exactly its shape and a
 * floating-point type, and the file holds no other tensors except those that may stand beside the
 * network (fv_checkpoint_is_beside). Otherwise returns FV_DATA with a line for each tensor that is
 * missing or wrong and one for all that are unknown; with ctx NULL there is no message. Notes which
 * tensors beside the network are left out. */
FV_NODISCARD fv_status fv_checkpoint_census(fv_ctx *ctx, const char *path,
	const fv_checkpoint *file, const fv_expected *expected, int64_t n, const char *prefix,
	const char *const *heads);

/* The tensors of a file that a network does not use: how many are unknown, how many may stand
 * beside it, and the first of each (NULL: none). */
typedef struct fv_others {
	int64_t unknown, beside;
	const char *first_unknown, *first_beside;
} fv_others;

/* What the census does with them: notes those that are left out, and returns FV_DATA, with a line
 * unless ctx is NULL, if there are unknown ones. */
FV_NODISCARD fv_status fv_checkpoint_judge_others(
	fv_ctx *ctx, const char *path, const fv_others *others);

/* --- where is a network in a file? -------------------------------------------------------------
 *
 * Trainers and wrappers put keys in front of the names of a network's tensors: "module." (DDP),
 * "_orig_mod." (torch.compile), "state_dict.model." (Lightning), "wavlm." (a model with a head), and
 * several of them one after the other. */

#define FV_PREFIX_MAX 256 /* bytes of a prefix with its NUL */

/* Finds the prefix that most of the n names of a network have in the file, and writes it to prefix
 * [FV_PREFIX_MAX]: "" or text that ends with a dot; *found: how many names. FV_DATA, with a message
 * (none with ctx NULL), if another prefix has as many, so that the file holds the network twice.
 * FV_FAILED: memory is out. */
FV_NODISCARD fv_status fv_checkpoint_find_prefix(fv_ctx *ctx, const char *path,
	const fv_checkpoint *file, const char *const *name, int64_t n, char *prefix,
	int64_t *found);

/* Reports files that cannot hold a network alone, FV_DATA: adapters (LoRA) that belong to another
 * file, and one part of a model that is split over several files. No message with ctx NULL. */
FV_NODISCARD fv_status fv_checkpoint_check_whole(
	fv_ctx *ctx, const char *path, const fv_checkpoint *file);

/* Returns 1 if a tensor may stand beside a network with this prefix without being used: the state
 * of an optimizer or schedule, or one of the heads. Heads are patterns, with NULL at the end; a "*"
 * at the end of one matches any rest. They are looked for behind the prefix and behind each part of
 * it: with "module.wavlm." also behind "module." and at the start. heads may be NULL. */
int32_t fv_checkpoint_is_beside(const char *prefix, const char *const *heads, const char *name);

/* Notes, once, that a prefix is left out of the names, unless it is empty or one of the `usual` ones
 * (NULL at the end; usual may be NULL). */
void fv_checkpoint_note_prefix(
	fv_ctx *ctx, const char *path, const char *prefix, const char *const *usual);

FV_END_DECLS

#endif
