/* SPDX-License-Identifier: Apache-2.0 */
/* A Python pickle read as data: the 31 opcodes of protocol 2 that torch.save writes, and the twelve
 * names that a file of tensors needs. Nothing is ever called; any other opcode or name is refused.
 *
 * Objects are numbered in the order in which they are made. A tensor knows its storage only by the
 * key, the type and the number of elements that the pickle states: the container finds the bytes.
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
	CORE_PICKLE_FLOAT, /* its value is not needed */
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

/* What the walk over the finished objects has found out; see tree.h. */
typedef enum core_pickle_walk { CORE_WALK_NEW, CORE_WALK_OPEN, CORE_WALK_DONE } core_pickle_walk;

typedef struct core_object {
	uint8_t kind, walk;
	uint8_t height;       /* of the containers below, once walked */
	bool leads_to_tensor; /* once walked */
	uint32_t at;          /* byte of its opcode in the pickle */
	union {
		int64_t integer; /* and 0 or 1 of a boolean */
		struct {
			const char *data; /* in the file, UTF-8, no NUL after it */
			uint32_t n;
		} text;
		struct {
			uint32_t *item; /* objects; of a dict: key, value, key, value ... */
			uint32_t n, room;
		} list;
		uint32_t index; /* of a global, storage or tensor */
	};
} core_object;

typedef struct core_pickle_storage {
	uint64_t key; /* the decimal digits of its name */
	const char *dtype;
	int64_t count;             /* elements */
	size_t at;                 /* byte in the file, for messages */
	const unsigned char *data; /* filled by the container */
} core_pickle_storage;

typedef struct core_pickle_tensor {
	uint32_t storage;
	int32_t rank;
	int64_t offset, count; /* elements */
	int64_t shape[FV_TENSOR_RANK_MAX], stride[FV_TENSOR_RANK_MAX];
	size_t at;
} core_pickle_tensor;

/* A list that grows; `item` is the array, `room` what it holds. */
#define CORE_PICKLE_GROWING(type)                                                                  \
	struct {                                                                                   \
		type *item;                                                                        \
		uint32_t n, room;                                                                  \
	}

typedef struct core_pickle {
	core_scan scan; /* set by the caller: at = first byte, end = past the last possible one */
	const char *past_end; /* set by the caller: the rule when an argument crosses the end */
	size_t begin;
	core_arena memory;
	CORE_PICKLE_GROWING(core_object) object;
	CORE_PICKLE_GROWING(uint32_t) stack;
	CORE_PICKLE_GROWING(uint32_t) memo;               /* UINT32_MAX: not set */
	CORE_PICKLE_GROWING(core_pickle_storage) storage; /* one for each mention */
	CORE_PICKLE_GROWING(core_pickle_tensor) tensor;
	uint32_t mark[CORE_PICKLE_DEPTH_MAX], n_marks;
	uint32_t top; /* the object that the pickle is */
} core_pickle;

/* Reads one pickle, up to and with its STOP; scan.at is then the byte after it. Free in any case.
 */
FV_NODISCARD fv_status core_pickle_read(core_pickle *pickle);
void core_pickle_free(core_pickle *pickle);

/* Value of a dict's text key, or NULL. */
const core_object *core_pickle_get(
	const core_pickle *pickle, const core_object *dict, const char *key);

/* The key of a storage, a text of decimal digits without a leading zero, below 2^64. */
bool core_pickle_key(const core_object *text, uint64_t *key);

/* For pickle_build.c: a new object of that kind on the stack. NULL when memory is out. */
core_object *core_pickle_push(core_pickle *pickle, core_pickle_kind kind, size_t at);

/* The opcodes that make more than plain data; arguments are taken from the stack. */
FV_NODISCARD fv_status core_pickle_global(core_pickle *pickle, size_t at, const char *module,
	size_t module_n, const char *name, size_t name_n);
FV_NODISCARD fv_status core_pickle_reduce(core_pickle *pickle, size_t at);
FV_NODISCARD fv_status core_pickle_build(core_pickle *pickle, size_t at);
FV_NODISCARD fv_status core_pickle_persistent_id(core_pickle *pickle, size_t at);

/* Makes room for one more of `size` bytes; false when memory is out. */
bool core_pickle_grow(void *item, uint32_t n, uint32_t *room, size_t size);

#endif
