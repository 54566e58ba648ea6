/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that check a combination: block.c handles the keys of a block, plugin_block.c
 * those of plugins, rules.c those that depend on each other. */
#ifndef CORE_CONFIG_RESOLVE_H
#define CORE_CONFIG_RESOLVE_H

#include "config/loader.h"

typedef struct core_resolver {
	core_loader *loader;
	core_yaml *tree;
	bool official;
	const fv_descriptor *loss; /* NULL: unknown or none */
} core_resolver;

/* A block under construction: its keys so far, and whether all of them were valid. */
typedef struct core_block_draft {
	core_resolver *r;
	const char *path;      /* "grouper.encoder" */
	const core_yaml *node; /* the block as written; NULL: not written */
	core_yaml *out;
	bool good;
} core_block_draft;

/* block.c: opens a draft for at most `room` keys; false (and a failure) when `node` is not a
 * map. */
bool core_draft_open(core_block_draft *b, core_resolver *r, const char *path, const core_yaml *node,
	size_t room);
const char *core_draft_make_path(const core_block_draft *b, const char *key);
/* `value` NULL marks the key as invalid. */
void core_draft_add(
	core_block_draft *b, const char *key, const core_entry *written, core_yaml *value);
void core_draft_resolve_key(core_block_draft *b, const core_key *key);
void core_draft_refuse_unknown(
	core_block_draft *b, const core_key *keys, size_t n, const fv_descriptor *d);
/* Resolves `node`, the block as written (NULL: not written). */
core_yaml *core_resolve_core_block(core_resolver *r, const char *name, const core_yaml *node);

/* corpus_keys.c: how messages name a key that resolved blocks have in its short spelling: "folds.by". */
const char *core_corpus_long_key(fv_ctx *ctx, const char *key);
/* The block with each setting in one spelling; NULL (and failures) where two spellings
 * of one are written. */
core_yaml *core_corpus_to_short_form(core_resolver *r, core_yaml *node);
/* eval_keys.c: the same of `eval`; NULL (and a failure) for an attribute of another form. */
core_yaml *core_eval_to_short_form(core_resolver *r, core_yaml *node);

/* plugin_block.c: these return NULL (and a failure) when something is wrong. */
typedef enum core_encoder_use {
	CORE_ENCODER_OF_VARIANT,
	CORE_ENCODER_OF_GROUPER, /* sees whole recordings, the same in every fold */
	/* whole recordings unless asked; there are no rows to standardize by */
	CORE_ENCODER_OF_FLAGS,
} core_encoder_use;
core_yaml *core_resolve_encoder(
	core_resolver *r, const char *path, const core_yaml *node, core_encoder_use use);
/* Resolves a grouper or a product of groupers. */
core_yaml *core_resolve_grouper(core_resolver *r, const core_yaml *node);
/* Also sets the profile and the loss in `r`, on which later blocks depend. */
core_yaml *core_resolve_loss(core_resolver *r, const core_yaml *node);

/* rules_slurm.c and rules_corpus.c, with helpers from rules.c. core_rules_fail returns false. */
bool core_rules_check_slurm(core_resolver *r, core_yaml *block);
bool core_rules_check_corpus(core_resolver *r, core_yaml *block);
bool core_rules_fail(core_resolver *r, const core_yaml *block, const char *key, const char *words);
/* True when the key is written in a file or on the command line. */
bool core_rules_is_given(const core_yaml *block, const char *key);
/* Removes a key that has no effect in this variant, so that variants of equal meaning are equal. */
void core_rules_remove_key(core_yaml *block, const char *key);

/* rules.c: false (and failures) when keys of a resolved block do not fit together. */
bool core_rules_check(core_resolver *r, const char *name, core_yaml *block);
/* Refuses train.order for a loss that trains in stages: the order is for one training only. */
bool core_rules_check_order(core_resolver *r, const core_yaml *variant);
bool core_rules_check_networks(core_resolver *r, const core_yaml *variant);
/* True when the loss, the sampler or the rule that chooses the epoch uses the grouper's groups; both blocks are resolved. */
bool core_rules_use_groups(const core_resolver *r, const core_yaml *loss, const core_yaml *train);
void core_rules_note_unused_grouper(core_resolver *r, const core_yaml *grouper);
/* A loss that uses groups needs a grouper; otherwise the grouper is dropped. */
bool core_rules_resolve_grouper(core_resolver *r, core_yaml *variant);

#endif
