/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the core's own blocks, each declared once. Checks, defaults, suggestions and the
 * reference core/docs/configuration.md follow from these tables. Plugins declare theirs as
 * fv_param. */
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
	CORE_KEY_LOSS,     /* a loss inside another loss: its name, or {name: ..., parameters} */
	CORE_KEY_INTS,     /* list of distinct whole numbers; a single number is a list of one */
	CORE_KEY_SIZES,    /* list of whole numbers, repeats allowed, may be empty */
	CORE_KEY_REALS,    /* list of numbers */
	CORE_KEY_TEXTS,    /* list of texts */
	CORE_KEY_NAMES,    /* list of distinct texts */
	CORE_KEY_TEXT_MAP, /* name: text */
	CORE_KEY_BINS,     /* attribute: {Name: [low, high]} */
	CORE_KEY_VALUES,   /* attribute: [texts] */
	CORE_KEY_FOLDS,    /* like INTS; {make, by, use, seed} is resolved before the check */
	CORE_KEY_NULL_MAP, /* name: text or null */
	CORE_KEY_COLUMNS,  /* name: column, or a list of columns to join */
	CORE_KEY_RANGES,   /* column: [low, high], or a list of values */
	CORE_KEY_FILES,    /* a path, a list of paths, or name: path or paths */
	CORE_KEY_BLOCK,    /* a block with its own keys */
	CORE_KEY_ENCODER,  /* an encoder block inside a grouper */
} core_key_type;

typedef struct core_key core_key;

struct core_key {
	const char *name;
	core_key_type type;
	const char *unit;
	double min, max; /* inclusive; both 0: no limit */
	bool above;      /* min itself is not allowed */
	bool below;      /* max itself is not allowed */
	/* choices as "a|b"; for a number, words allowed instead of it: "none" */
	const char *choices;
	const char *def;      /* default as YAML text; NULL: none */
	const char *official; /* default in profile official; NULL: same as def */
	bool required;
	const core_key *keys; /* of a block */
	size_t n_keys;
	const char *doc;
	/* The field of the spec (or of a plugin's state) that gets the value: offset and size in
	 * bytes, size 0 for none. A choice is stored as its text in a text field and as its index
	 * in any other. */
	size_t offset, size;
	/* offset of the int32_t that counts the items of a list or map; 0: counted in the list
	 * itself */
	size_t count;
	size_t has;   /* offset of a bool that tells whether there is a value; 0: none */
	int64_t word; /* the number stored for a word in place of a number */
};

typedef struct core_block {
	const char *name;
	fv_kind kind; /* 0: no plugin */
	const core_key *keys;
	size_t n_keys;
	const char *doc;
} core_block;

extern const core_block core_delegate_block; /* the block inside a CORE_KEY_LOSS */
extern const core_block core_blocks[];
extern const size_t core_n_blocks;

const core_block *core_schema_block(const char *name); /* NULL: none */
const core_key *core_schema_key(const core_key *keys, size_t n, const char *name);
/* A plugin's parameter as a key of the core. It is required if it has no default in this profile and is a
 * number, switch or choice, or declared as required. */
core_key core_schema_from_param(const fv_param *param, bool official);

bool core_key_is_list(core_key_type type);

/* Whether a dotted key exists (for some plugin), and whether key=a,b sets a list there instead of
 * making an axis. */
bool core_schema_knows(const core_registry *registry, const char *key);
bool core_schema_is_list(const core_registry *registry, const char *key);

#endif
