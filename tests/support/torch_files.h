/* SPDX-License-Identifier: Apache-2.0 */
/* Builds files of torch.save byte by byte: pickles from a short notation, and archives around
 * them. */
#ifndef TEST_TORCH_FILES_H
#define TEST_TORCH_FILES_H

#include <fairvox/checkpoint.h>

#include "base/text.h"

/* Adds a pickle. Every byte of `spec` is an opcode or argument as it stands, except
 *   'text'          BINUNICODE
 *   #123;           an integer in the shortest opcode that holds it
 *   @module name;   GLOBAL
 * Arguments with a NUL cannot be written this way: use test_add_little. */
void test_add_pickle(core_text *out, const char *spec);
void test_add_little(core_text *out, uint64_t value, int bytes);

#define STORAGE(type, key, n) "('storage'@torch " type "Storage;'" key "''cpu'#" n ";tQ"
#define TENSOR_OF(storage, offset, shape, strides)                                                 \
	"@torch._utils _rebuild_tensor_v2;(" storage "#" offset ";(" shape "t(" strides            \
	"t\x89@collections OrderedDict;)RtR"
#define TENSOR(offset, shape, strides) TENSOR_OF(STORAGE("Float", "0", "6"), offset, shape, strides)
#define VECTOR6 TENSOR("0", "#6;", "#1;")
#define DOC(inside) "\x80\x02}(" inside "u."

typedef struct test_record {
	const char *name; /* path with its folder */
	const void *data;
	size_t n;
	size_t name_n; /* 0: strlen */
	int no_descriptor, wide;
	const char *local_extra; /* NULL: padding to 64 bytes */
	size_t local_extra_n, gap;
	const char *central_extra; /* in the central directory */
	size_t central_extra_n;
} test_record;

/* Byte offsets of the parts of each record and of the end records. */
typedef struct test_anchors {
	size_t local[8], descriptor[8], central[8], end64, locator, end;
} test_anchors;

void test_add_archive(core_text *out, const test_record *record, size_t n, test_anchors *anchors);

/* Adds a whole file around a pickle: an archive of it, data/0 = 0, 1 ... 5 as float32, and
 * version; or the form before version 1.6, with a list of the keys in `keys`. */
void test_add_torch_zip(core_text *out, const void *pickle, size_t n);
void test_add_torch_legacy(core_text *out, const void *pickle, size_t n, const char *keys);

/* Returns the pickle of a state dictionary with the tensor w, 0 to 5. */
core_text test_vector_pickle(void);

/* Writes the bytes as x.pt and opens it. */
fv_status test_open_torch(fv_ctx *ctx, const core_text *bytes, fv_checkpoint **file);
/* Opens the bytes as a file, which must be refused with the message; NULL: be accepted. */
void test_check_torch(const core_text *bytes, const char *message, const char *what);

#endif
