/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as a tree that keeps the place of every node, read and written.
 *
 * Input is one document of maps, lists and scalars in UTF-8, at most 1 MiB, 64 levels deep and with
 * 4096 keys in a map. Anchors, aliases, tags, complex keys, repeated keys and NUL are errors with
 * FILE:line:column. Scalars stay text and the schema decides their type, so that `no` is never read
 * as false. Trees are immutable once read, share parts and live as long as the context. */
#ifndef CORE_CONFIG_YAML_H
#define CORE_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "config/place.h"

#define CORE_YAML_BYTES_MAX ((size_t)1 << 20)
#define CORE_YAML_DEPTH_MAX 64
#define CORE_YAML_KEYS_MAX 4096 /* of one map: merging compares all pairs of keys */

typedef enum core_yaml_kind { CORE_YAML_SCALAR, CORE_YAML_LIST, CORE_YAML_MAP } core_yaml_kind;

typedef enum core_origin {
	CORE_FROM_FILE,
	CORE_FROM_COMMAND, /* an override or a flag */
	CORE_FROM_CORE,    /* the core's default */
	CORE_FROM_PLUGIN,  /* the default in a plugin's table */
	CORE_FROM_PROFILE, /* a default or preset that another profile would not have */
} core_origin;

/* The type of a scalar; set only in trees that the schema check has made. */
typedef enum core_value { CORE_VALUE_TEXT, CORE_VALUE_NUMBER, CORE_VALUE_BOOL } core_value;

typedef struct core_yaml core_yaml;

typedef struct core_entry {
	const char *key; /* NULL in a list */
	core_place key_place;
	core_yaml *value;
} core_entry;

struct core_yaml {
	core_yaml_kind kind;
	core_origin origin;
	core_value value;
	bool plain; /* a scalar without quotes: may be a number, a boolean or null */
	/* a map made from a dotted key: always merged, it never replaces another map */
	bool by_path;
	core_place place;
	const char *text;    /* scalar */
	const char *written; /* a path's text before it was resolved; otherwise NULL */
	const char *source;  /* description of an origin without a place: "default of NAME" */
	size_t n;
	core_entry *entry; /* [n] */
};

/* Errors: FV_CONFIG. The pointer `file` is kept, not copied. */
FV_NODISCARD fv_status core_yaml_parse(
	fv_ctx *ctx, const char *file, const char *data, size_t size, core_yaml **out);
FV_NODISCARD fv_status core_yaml_read(fv_ctx *ctx, const char *path, core_yaml **out);

/* Parses the value of an override, "a, b", into a list. Each item is a word, a quoted text, or a
 * flow list or map. Braces inside a word belong to it (labels_{fold}.csv). All nodes get `place`
 * and `origin`. */
FV_NODISCARD fv_status core_yaml_parse_values(
	fv_ctx *ctx, core_place place, core_origin origin, const char *text, core_yaml **list);

/* Make trees. NULL (and a message) when memory is out. */
core_yaml *core_yaml_scalar(fv_ctx *ctx, core_place place, core_origin origin, const char *text);
core_yaml *core_yaml_map(fv_ctx *ctx, core_place place, core_origin origin, size_t capacity);
/* Copies a map without one of its keys; the values are shared. */
core_yaml *core_yaml_copy_without(fv_ctx *ctx, const core_yaml *map, const char *key);
/* Adds to a map or list with enough capacity, before it is shared. */
void core_yaml_add(core_yaml *node, const char *key, core_place key_place, core_yaml *value);
/* Gives a whole tree one place, before it is shared. */
void core_yaml_set_place(core_yaml *node, core_place place);

/* Read trees. */
const core_entry *core_yaml_entry(
	const core_yaml *map, const char *key); /* NULL: no such key, or not a map */
core_yaml *core_yaml_get(const core_yaml *map, const char *key); /* the value of that entry */
/* Compares two trees without regard to the order of keys and the format of numbers. */
bool core_yaml_equal(const core_yaml *a, const core_yaml *b);
bool core_yaml_is_null(const core_yaml *node); /* empty, ~ or null without quotes */
/* True for a scalar with this text, without quotes. */
bool core_yaml_is_word(const core_yaml *node, const char *word);

/* Writes YAML in block style, quoted where needed; it reads back to an equal tree. Relative paths
 * are joined to `folder` (NULL: left as they are). Errors: FV_FAILED. */
FV_NODISCARD fv_status core_yaml_write(
	fv_ctx *ctx, const core_yaml *root, const char *folder, core_text *out);
/* The canonical text of a resolved tree or block, for comparing and hashing: JSON without blanks,
 * keys sorted by bytes, relative paths joined to `folder` (NULL: as written). Lives as long as the
 * context. NULL (and a message) when memory is out. */
const char *core_yaml_canonical_text(fv_ctx *ctx, const core_yaml *node, const char *folder);
/* Appends a node on one line, in flow style, for messages and listings. */
void core_yaml_write_flow(const core_yaml *node, core_text *out);

#endif
