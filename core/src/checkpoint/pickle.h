/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a Python pickle as data: the 31 opcodes of protocol 2 that torch.save writes and the
 * thirteen names that a file of tensors needs. Nothing is ever called; any other opcode or name
 * is rejected.
 *
 * Objects are numbered in the order of creation. A tensor knows its storage only by the key,
 * type and element count that the pickle states; the container finds the bytes.
 *
 */
#ifndef CORE_CHECKPOINT_PICKLE_H
#define CORE_CHECKPOINT_PICKLE_H

#include <fairvox/checkpoint.h>

#include "base/arena.h"
#include "checkpoint/scan.h"

#define CORE_PICKLE_DEPTH_MAX 64
#define CORE_TENSORS_MAX 65536

typedef enum core_pickle_kind {
	CORE_PICKLE_NONE,
	CORE_PICKLE_FLOAT, /* the value is not kept */
	CORE_PICKLE_BOOL,
	CORE_PICKLE_INT,
	CORE_PICKLE_TEXT,
	CORE_PICKLE_TUPLE,
	CORE_PICKLE_LIST,
	CORE_PICKLE_DICT,
	CORE_PICKLE_ORDERED, /* collections.OrderedDict */
	CORE_PICKLE_GLOBAL,
	CORE_PICKLE_STORAGE,
	CORE_PICKLE_TENSOR
} core_pickle_kind;

/* State of an object in the walk of tree.h. */
typedef enum core_pickle_walk { CORE_WALK_NEW, CORE_WALK_OPEN, CORE_WALK_DONE } core_pickle_walk;

typedef struct core_object {
	uint8_t kind, walk;
	uint8_t height;       /* depth of the containers below; set by the walk */
	bool leads_to_tensor; /* set by the walk */
	uint32_t at;          /* byte of its opcode, from the start of the pickle */
	union {
		int64_t integer; /* also 0 or 1 of a boolean */
		struct {
			const char *data; /* points into the file: UTF-8, no NUL after it */
			uint32_t n;
		} text;
		struct {
			uint32_t
				*item; /* object numbers; a dict holds key, value, key, value ... */
			uint32_t n, room;
		} list;
		uint32_t index; /* index of a global, storage or tensor */
	};
} core_object;

typedef struct core_pickle_storage {
	uint64_t key; /* the number its name spells */
	const char *dtype;
	int64_t count;             /* elements */
	size_t at;                 /* byte in the file, for messages */
	const unsigned char *data; /* set by the container */
} core_pickle_storage;

typedef struct core_pickle_tensor {
	uint32_t storage;
	int32_t rank;
	int64_t offset, count; /* elements */
	int64_t shape[FV_TENSOR_RANK_MAX], stride[FV_TENSOR_RANK_MAX];
	size_t at;
} core_pickle_tensor;

/* A growing array: n of `room` elements are used. */
#define CORE_PICKLE_GROWING(type)                                                                  \
	struct {                                                                                   \
		type *item;                                                                        \
		uint32_t n, room;                                                                  \
	}

typedef struct core_pickle {
	core_scan scan; /* set by the caller: from the first byte up to the last possible */
	const char
		*past_end; /* set by the caller: rule to report when an argument crosses the end */
	size_t begin;
	core_arena memory;
	CORE_PICKLE_GROWING(core_object) object;
	CORE_PICKLE_GROWING(uint32_t) stack;
	CORE_PICKLE_GROWING(uint32_t) memo;               /* object numbers; UINT32_MAX: not set */
	CORE_PICKLE_GROWING(core_pickle_storage) storage; /* one per mention */
	CORE_PICKLE_GROWING(core_pickle_tensor) tensor;
	uint32_t mark[CORE_PICKLE_DEPTH_MAX], n_marks;
	uint32_t top; /* number of the object the pickle holds */
} core_pickle;

/* Reads one pickle including its STOP; scan.at is then the byte after it. Call core_pickle_free
 * also after an error. */
FV_NODISCARD fv_status core_pickle_read(core_pickle *pickle);
void core_pickle_free(core_pickle *pickle);

/* Finds the value of a text key in a dict; NULL when there is none. */
const core_object *core_pickle_get(
	const core_pickle *pickle, const core_object *dict, const char *key);

/* Parses the key of a storage: decimal digits without a leading zero, below 2^64. */
bool core_pickle_parse_key(const core_object *text, uint64_t *key);

/* Creates an object of that kind and pushes it; NULL when memory is out. */
core_object *core_pickle_push(core_pickle *pickle, core_pickle_kind kind, size_t at);

/* Opcodes of pickle_build.c that build more than plain data; they take their arguments from the
 * stack. */
FV_NODISCARD fv_status core_pickle_push_global(core_pickle *pickle, size_t at, const char *module,
	size_t module_n, const char *name, size_t name_n);
FV_NODISCARD fv_status core_pickle_reduce(core_pickle *pickle, size_t at);
FV_NODISCARD fv_status core_pickle_build(core_pickle *pickle, size_t at);
FV_NODISCARD fv_status core_pickle_push_storage(core_pickle *pickle, size_t at);

/* Grows the array for one more element of `size` bytes; false when memory is out. */
bool core_pickle_grow(void *item, uint32_t n, uint32_t *room, size_t size);
#define CORE_PICKLE_GROW(list)                                                                     \
	core_pickle_grow(&(list).item, (list).n, &(list).room, sizeof *(list).item)

/* An opcode at byte `at`; its arguments come from the file and the stack. */
typedef fv_status core_pickle_opcode(core_pickle *pickle, size_t at);
/* NULL: not supported, or STOP. */
core_pickle_opcode *core_pickle_find_opcode(int code);

#endif
