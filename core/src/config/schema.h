/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the core's own blocks, declared once: checks, defaults, suggestions and the reference
 * in core/docs/configuration.md all follow from these tables. Plugins declare theirs in fv_param.
 */
#ifndef CORE_CONFIG_SCHEMA_H
#define CORE_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin/registry.h"

typedef enum core_key_type {
	CORE_KEY_INT,
	CORE_KEY_REAL,
	CORE_KEY_BOOL,
	CORE_KEY_CHOICE,
	CORE_KEY_TEXT,
	CORE_KEY_PATH,
	CORE_KEY_LOSS,     /* a loss plugin inside another: its name, or {name: ..., parameters} */
	CORE_KEY_INTS,     /* list of distinct whole numbers; one number is a list of one */
	CORE_KEY_REALS,    /* list of numbers */
	CORE_KEY_TEXTS,    /* list of texts */
	CORE_KEY_NAMES,    /* list of distinct texts */
	CORE_KEY_TEXT_MAP, /* name: text */
	CORE_KEY_BINS,     /* attribute: {Name: [low, high]} */
	CORE_KEY_VALUES,   /* attribute: [texts] */
	CORE_KEY_BLOCK,    /* keys of its own */
	CORE_KEY_ENCODER,  /* an encoder block inside a grouper */
} core_key_type;

typedef struct core_key core_key;

struct core_key {
	const char *name;
	core_key_type type;
	const char *unit;
	double min, max;      /* inclusive; both 0: no limit */
	bool above;           /* min itself is not allowed */
	const char *choices;  /* "a|b" of a choice; words a number may be instead: "none" */
	const char *def;      /* default as YAML text; NULL: none */
	const char *official; /* the same in profile official; NULL: as def */
	bool required;
	const core_key *keys; /* of a block */
	size_t n_keys;
	const char *doc;
	/* The field of the spec (or of a plugin's state) that the value goes to: its offset and its bytes, 0
	 * for none. A choice goes to a text as it is written, to anything else by its index. */
	size_t offset, size;
	size_t count; /* offset of the int32_t with the items of a list or map; 0: the list has its own */
	size_t has;   /* offset of a bool that says whether there is a value; 0: none */
	int64_t word; /* what a word instead of a number stands for */
};

typedef struct core_block {
	const char *name;
	fv_kind kind; /* 0: no plugin */
	const core_key *keys;
	size_t n_keys;
	const char *doc;
} core_block;

extern const core_block core_delegate_block; /* the value of a CORE_KEY_LOSS */
extern const core_block core_blocks[];
extern const size_t core_n_blocks;

const core_block *core_schema_block(const char *name); /* NULL: none */
const core_key *core_schema_key(const core_key *keys, size_t n, const char *name);
/* The rule of a plugin's parameter in terms of the core's. */
core_key core_schema_param(const fv_param *param, bool official);

bool core_key_is_list(core_key_type type);

/* Is there such a dotted key (for some plugin)? Does k=a,b mean a list there rather than an axis?
 */
bool core_schema_knows(const core_registry *registry, const char *key);
bool core_schema_is_list(const core_registry *registry, const char *key);

#endif
