/* SPDX-License-Identifier: Apache-2.0 */
/* What the files share that check a combination: block.c goes through the keys of a block,
 * plugin_block.c knows those of plugins, rules.c those that depend on each other. */
#ifndef CORE_CONFIG_RESOLVE_H
#define CORE_CONFIG_RESOLVE_H

#include "config/loader.h"

typedef struct core_resolver {
	core_loader *loader;
	core_yaml *tree;
	bool official;
	const fv_descriptor *loss; /* NULL: unknown or none */
} core_resolver;

/* A block being made: its keys so far, and whether all of them were good. */
typedef struct core_block_draft {
	core_resolver *r;
	const char *path;      /* "grouper.encoder" */
	const core_yaml *node; /* what is written; NULL: nothing */
	core_yaml *out;
	bool good;
} core_block_draft;

/* block.c. A draft with room for that many keys; false (and a failure) when `node` is no map. */
bool core_draft_open(core_block_draft *b, core_resolver *r, const char *path, const core_yaml *node,
	size_t room);
const char *core_draft_path(const core_block_draft *b, const char *key);
/* `value` NULL: the key was bad. */
void core_draft_add(core_block_draft *b, const char *key, const core_entry *said, core_yaml *value);
void core_draft_key(core_block_draft *b, const core_key *key);
void core_draft_refuse_unknown(
	core_block_draft *b, const core_key *keys, size_t n, const fv_descriptor *plugin);
core_yaml *core_resolve_core_block(core_resolver *r, const char *name);

/* plugin_block.c. NULL when something was wrong (and a failure). */
typedef enum core_encoder_use {
	CORE_ENCODER_OF_CELL,
	CORE_ENCODER_OF_GROUPER, /* sees whole recordings, the same in every fold */
	CORE_ENCODER_OF_FLAGS,   /* whole recordings unless asked; no rows to standardize by */
} core_encoder_use;
core_yaml *core_resolve_encoder(
	core_resolver *r, const char *path, const core_yaml *node, core_encoder_use use);
core_yaml *core_resolve_grouper(core_resolver *r, const core_yaml *node); /* a product too */
/* Also sets the profile and the loss that later blocks depend on. */
core_yaml *core_resolve_loss(core_resolver *r, const core_yaml *node);

/* rules.c: false (and failures) when keys of a resolved block do not go together. */
bool core_rules_check(core_resolver *r, const char *name, core_yaml *block);
/* An order of rows is of one training. */
bool core_rules_check_order(core_resolver *r, const core_yaml *variant);
/* A loss that uses no groups has no grouper; one that does must have one. */
bool core_rules_settle_grouper(core_resolver *r, core_yaml *variant);

#endif
