/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as a tree that remembers where everything stood, and back.
 *
 * Accepted is one document of maps, lists and scalars in UTF-8, at most 1 MiB, 64 levels deep and
 * with 4096 keys in a map; anchors, aliases, tags, complex keys, repeated keys and NUL are errors
 * with FILE:line:column. Scalars stay text: what one means is for the schema to say, so `no` never
 * becomes false by itself. Trees are immutable once read, share parts freely and live as long as
 * the context. */
#ifndef CORE_CONFIG_YAML_H
#define CORE_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "config/place.h"

#define CORE_YAML_BYTES_MAX ((size_t)1 << 20)
#define CORE_YAML_DEPTH_MAX 64
#define CORE_YAML_KEYS_MAX 4096 /* of one map: merging compares them with each other */

typedef enum core_yaml_kind { CORE_YAML_SCALAR, CORE_YAML_LIST, CORE_YAML_MAP } core_yaml_kind;

typedef enum core_origin {
	CORE_FROM_FILE,
	CORE_FROM_COMMAND, /* an override or a flag */
	CORE_FROM_CORE,    /* the core's default */
	CORE_FROM_PLUGIN,  /* the default in a plugin's table */
	CORE_FROM_PROFILE, /* a default or preset that another profile would not have */
} core_origin;

/* What a scalar was found to be; only the trees that the schema check makes know it. */
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
	bool plain;   /* a scalar without quotes: may mean a number, a boolean or nothing */
	bool by_path; /* a map made from a dotted key: always merged, never replaces */
	core_place place;
	const char *text;    /* scalar */
	const char *written; /* a path's text before it was resolved; otherwise NULL */
	const char *source;  /* words for an origin without place: "default of NAME" */
	size_t n;
	core_entry *entry; /* [n] */
};

/* Errors: FV_CONFIG. `file` is kept, not copied. */
FV_NODISCARD fv_status core_yaml_parse(
	fv_ctx *ctx, const char *file, const char *data, size_t size, core_yaml **out);
FV_NODISCARD fv_status core_yaml_read(fv_ctx *ctx, const char *path, core_yaml **out);

/* The values of an override: "a, b" -> a list of two, each a word, a quoted text or a flow list or
 * map. Braces inside a word are part of it (labels_{fold}.csv). All nodes get `place` and `origin`.
 */
FV_NODISCARD fv_status core_yaml_words(
	fv_ctx *ctx, core_place place, core_origin origin, const char *text, core_yaml **list);

/* Making trees. NULL when memory is out (and a message). */
core_yaml *core_yaml_scalar(fv_ctx *ctx, core_place place, core_origin origin, const char *text);
core_yaml *core_yaml_map(fv_ctx *ctx, core_place place, core_origin origin, size_t room);
/* A map without one key; its other entries are shared. */
core_yaml *core_yaml_without(fv_ctx *ctx, const core_yaml *map, const char *key);
/* Adds to a map or list made with room for it, before anyone else sees it. */
void core_yaml_add(core_yaml *node, const char *key, core_place key_place, core_yaml *value);

/* Reading trees. */
const core_entry *core_yaml_entry(
	const core_yaml *map, const char *key);                  /* NULL: none, or no map */
core_yaml *core_yaml_get(const core_yaml *map, const char *key); /* the same, its value */
bool core_yaml_equal(
	const core_yaml *a, const core_yaml *b); /* key order and number format aside */
bool core_yaml_is_null(const core_yaml *node);   /* empty, ~ or null without quotes */
bool core_yaml_is_word(const core_yaml *node, const char *word); /* a plain scalar of that text */

/* Writing. The text is block style, quoted where needed, and reads back to an equal tree; relative
 * paths start at `folder` (NULL: stay). Errors: FV_FAILED. */
FV_NODISCARD fv_status core_yaml_write(
	fv_ctx *ctx, const core_yaml *root, const char *folder, core_text *out);
/* The canonical text of a resolved tree or block, by which it is compared and hashed: JSON, keys sorted by
 * bytes, no blanks, relative paths from `folder` (NULL: as they were written). Lives as long as the context; NULL
 * (and a message) when memory is out. */
const char *core_yaml_key(fv_ctx *ctx, const core_yaml *node, const char *folder);
/* One line, as in a flow list: for messages and listings. */
void core_yaml_flow(const core_yaml *node, core_text *out);

#endif
