/* SPDX-License-Identifier: Apache-2.0 */
/* What the files share that turn YAML into variants: messages said once, notes, merging, overrides. */
#ifndef CORE_CONFIG_LOADER_H
#define CORE_CONFIG_LOADER_H

#include "config/config.h"
#include "config/schema.h"
#include "config/yaml.h"

typedef struct core_fault {
	fv_status status;
	core_place place;
	const char *text;
	size_t file, order; /* of the file's first fault; of this one */
} core_fault;

typedef struct core_loader {
	fv_ctx *ctx;
	const core_registry *registry;
	unsigned needs;   /* CORE_NEED_ flags */
	fv_status status; /* of the first failure */
	size_t n_failed;  /* faults and what was recorded in the context directly */
	core_fault *fault;
	size_t n_faults, faults_room;
	uint64_t *seen; /* hashes of what was said: a fault in a base file shows in every variant */
	size_t n_seen, seen_room;
	core_note *note;
	size_t n_notes, notes_room;
	const char *folder;           /* the working folder, absolute */
	size_t n_files;               /* read so far */
	const core_yaml *corpus_seen; /* the corpus block checked last, and what came of it */
	core_yaml *corpus;
	const core_yaml *spec_of; /* the resolved corpus that corpus_spec was made from */
	core_corpus_spec corpus_spec;
} core_loader;

FV_NODISCARD fv_status core_loader_open(
	core_loader *loader, fv_ctx *ctx, const core_registry *registry, unsigned needs);

/* Keeps a fault unless the same was kept before. Returns `status`. */
fv_status core_loader_fail(core_loader *loader, fv_status status, core_place place,
	const char *format, ...) FV_PRINTF(4, 5);
void core_loader_failed(core_loader *loader, fv_status status); /* its words are in the context */
/* Records the faults in the context, each file's in the order of its lines. Returns loader->status.
 */
fv_status core_loader_close(core_loader *loader);
void core_loader_note(core_loader *loader, core_note_kind kind, core_place place,
	const char *format, ...) FV_PRINTF(4, 5);

/* merge.c: `over` on top of `base` (NULL: nothing), neither of them changed. A block whose name
 * changes replaces the base's; its keys become notes. `path` is the dotted key of both, "" at the
 * root. NULL when memory is out. */
core_yaml *core_merge(core_loader *loader, const char *path, core_yaml *base, core_yaml *over);

/* A dotted key with its value as a tree: loss.name, rw -> {loss: {name: rw}}. */
core_yaml *core_key_tree(
	core_loader *loader, const char *key, core_place key_place, core_yaml *value);
/* False (and a failure) for an empty part ("a..b") or more than 16 of them. */
bool core_key_check(core_loader *loader, core_place place, const char *key);
/* Order in which keys are applied so that none is lost: a block, its name, its other keys. */
int core_key_rank(const char *key);
core_yaml *core_key_find(core_yaml *root, const char *key); /* the value at a dotted key, or NULL */
/* Is `key` the same as `block` or inside it? */
bool core_key_under(const char *key, const char *block);

/* compose.c: the file with its defaults merged; `defaults:` itself is taken out. */
FV_NODISCARD fv_status core_compose(core_loader *loader, const char *path, core_yaml **out);

/* One k=v of the command line. An axis has several values. */
typedef struct core_override {
	const char *key;
	core_place place;
	core_yaml *values; /* list: one value, or the values of an axis */
} core_override;

FV_NODISCARD fv_status core_overrides_read(
	core_loader *loader, char *const *argument, size_t n, core_override **out, size_t *n_out);

/* matrix.c: the combinations as complete, unchecked trees. */
typedef struct core_axis {
	const char *key;
	core_place place;
	core_yaml *values;  /* list */
	const char **label; /* [values->n] short and distinct */
} core_axis;

typedef struct core_combination {
	core_yaml *tree;
	const char **value; /* [n_axes] labels; "" where the axis says nothing */
	const char
		*extra; /* of an included variant: what it says beside the axes; otherwise NULL */
} core_combination;

typedef struct core_matrix {
	size_t n_axes, n, n_crossed, n_excluded; /* n = n_crossed - n_excluded + included */
	core_axis *axis;
	core_combination *combination;
} core_matrix;

/* `root` holds `matrix:` itself, if there is one; the combinations do not. */
FV_NODISCARD fv_status core_matrix_expand(core_loader *loader, core_yaml *root,
	const core_override *override, size_t n_overrides, core_matrix *out);

/* label.c: a short name of a value for folders and table headings, [A-Za-z0-9._-]. */
const char *core_label(core_loader *loader, const char *key, const core_yaml *value);
/* The folder's name of a variant; `resolved` says whether the grouper stayed. */
const char *core_slug(core_loader *loader, const core_matrix *matrix,
	const core_combination *combination, const core_yaml *resolved);

/* axes.c: the values on the axes of a variant as a JSON object, typed as the schema check found them; of a
 * block only the keys that are written. NULL when memory is out. */
const char *core_axes_json(core_loader *loader, const core_matrix *matrix,
	const core_combination *combination, const core_yaml *resolved);

/* check.c: a value against its rule. The result is typed and canonical, a single value where a list
 * is wanted has become one, a relative path starts at the folder of the file that says it. `path`
 * is the dotted key for messages. NULL when it does not fit (and a failure). */
core_yaml *core_check(
	core_loader *loader, const core_key *key, const char *path, const core_yaml *node);
/* A default's text as an unchecked value. `place` is for messages about a bad default. */
core_yaml *core_default(core_loader *loader, const core_key *key, core_place place,
	core_origin origin, const char *source, const char *text);

/* resolve.c: checks a combination against the schema and the plugins' tables and fills in defaults.
 * NULL when something was wrong (and recorded). */
core_yaml *core_resolve(core_loader *loader, core_yaml *tree);

/* variant.c: the resolved tree as a variant. */
FV_NODISCARD fv_status core_variant_fill(
	core_loader *loader, const core_yaml *resolved, core_variant *variant);
FV_NODISCARD fv_status core_variant_encoder(
	core_loader *loader, const core_yaml *block, core_encoder_spec *out);

#endif
