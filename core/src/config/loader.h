/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that turn YAML into variants: messages without repetitions, notes, merging,
 * overrides. */
#ifndef CORE_CONFIG_LOADER_H
#define CORE_CONFIG_LOADER_H

#include "config/config.h"
#include "config/schema.h"
#include "config/yaml.h"

typedef struct core_fault {
	fv_status status;
	core_place place;
	const char *text;
	size_t file, order; /* indices of the file's first fault and of this one, for sorting */
} core_fault;

typedef struct core_loader {
	fv_ctx *ctx;
	const core_registry *registry;
	unsigned needs;   /* CORE_NEED_ flags */
	fv_status status; /* of the first failure */
	size_t n_failed;  /* faults kept here plus failures recorded directly in the context */
	size_t n_taken;   /* times that faults were taken, after which equal ones are new */
	bool whole;       /* a fault of the configuration as a whole, not of one variant */
	core_fault *fault;
	size_t n_faults, faults_capacity;
	/* hash set of messages: a fault in a base file would recur in every variant */
	uint64_t *seen;
	size_t n_seen, seen_capacity;
	core_note *note;
	size_t n_notes, notes_capacity;
	const char *folder;           /* the working folder, absolute */
	size_t n_files;               /* read so far */
	const core_yaml *corpus_seen; /* the corpus block checked last; `corpus` is the result */
	core_yaml *corpus;
	const core_yaml *spec_of; /* the resolved corpus that corpus_spec was made from */
	core_corpus_spec corpus_spec;
} core_loader;

FV_NODISCARD fv_status core_loader_open(
	core_loader *loader, fv_ctx *ctx, const core_registry *registry, unsigned needs);

/* Records a fault unless an equal one was recorded before. Returns `status`. */
fv_status core_loader_fail(core_loader *loader, fv_status status, core_place place,
	const char *format, ...) FV_PRINTF(4, 5);
/* The same with FV_CONFIG for a fault of the configuration as a whole: an unknown key. */
void core_loader_fail_whole(core_loader *loader, core_place place, const char *format, ...)
	FV_PRINTF(3, 4);
/* counts a failure whose message is in the context already */
void core_loader_count_failure(core_loader *loader, fv_status status);
/* Moves the faults to the context, sorted by file and line. Returns loader->status. */
fv_status core_loader_close(core_loader *loader);
/* Moves the faults to a reason. The loader then has none. */
const core_reason *core_loader_take_faults(core_loader *loader);
void core_loader_note(core_loader *loader, core_note_kind kind, core_place place,
	const char *format, ...) FV_PRINTF(4, 5);

/* merge.c: merges `over` into `base` (NULL: nothing); neither is changed. A block that names
 * another plugin replaces the base's block, whose other keys become notes. `path` is the dotted key
 * of both, "" at the root. NULL when memory is out. */
core_yaml *core_merge(core_loader *loader, const char *path, core_yaml *base, core_yaml *over);

/* Makes a tree of a dotted key and its value: loss.name, rw -> {loss: {name: rw}}. */
core_yaml *core_key_tree(
	core_loader *loader, const char *key, core_place key_place, core_yaml *value);
/* False (and a failure) when the key has an empty part ("a..b") or more than 16 parts. */
bool core_key_check(core_loader *loader, core_place place, const char *key);
/* The order in which keys are applied, so that none is lost: a block, its name, its other keys. */
int core_key_rank(const char *key);
core_yaml *core_key_find(core_yaml *root, const char *key); /* the value at a dotted key, or NULL */
/* True when `key` equals `block` or lies inside it. */
bool core_key_under(const char *key, const char *block);

/* compose.c: reads a file and merges the files of its `defaults:`, which is removed from the
 * result. */
FV_NODISCARD fv_status core_compose(core_loader *loader, const char *path, core_yaml **out);

/* One key=value of the command line. Several values make an axis. */
typedef struct core_override {
	const char *key;
	core_place place;
	core_yaml *values; /* list: one value, or the values of an axis */
} core_override;

FV_NODISCARD fv_status core_overrides_read(
	core_loader *loader, char *const *argument, size_t n, core_override **out, size_t *n_out);

/* matrix.c: the combinations, as complete but unchecked trees. */
typedef struct core_axis {
	const char *key;
	core_place place;
	core_yaml *values;  /* list */
	const char **label; /* [values->n] short and distinct */
} core_axis;

typedef struct core_combination {
	core_yaml *tree;
	const char **value; /* [n_axes] labels; "" where the axis has no effect */
	/* label of the keys of an included variant outside the axes and `tune`; NULL for crossed variants */
	const char *extra;
} core_combination;

typedef struct core_matrix {
	size_t n_axes, n, n_crossed, n_excluded; /* n = n_crossed - n_excluded + included */
	core_axis *axis;
	core_combination *combination;
} core_matrix;

/* Makes a short label for each value of an axis; a repeated label gets the value's position appended.
 * Returns false when memory is out. */
bool core_axis_label(core_loader *loader, core_axis *axis);

/* `root` may contain `matrix:`; the combinations do not. */
FV_NODISCARD fv_status core_matrix_expand(core_loader *loader, core_yaml *root,
	const core_override *override, size_t n_overrides, core_matrix *out);

/* label.c: a short name of a value for folders and table headings, of the characters
 * [A-Za-z0-9._-]. */
const char *core_make_label(core_loader *loader, const char *key, const core_yaml *value);
/* The folder name of a variant. `resolved` shows whether the grouper was kept. */
const char *core_make_slug(core_loader *loader, const core_matrix *matrix,
	const core_combination *combination, const core_yaml *resolved);

/* axes.c: the values of a variant on the axes, as a JSON object with the types that the schema
 * check found. Of a block only the written keys are included. NULL when memory is out. */
const char *core_axes_json(core_loader *loader, const core_matrix *matrix,
	const core_combination *combination, const core_yaml *resolved);

/* check.c: checks a value against its key's rule. The result is typed and canonical: a single value
 * becomes a list of one where a list is needed, and a relative path is joined to the folder of the
 * file that contains it. `path` is the dotted key for messages. NULL (and a failure) for a bad
 * value. */
core_yaml *core_check_value(
	core_loader *loader, const core_key *key, const char *path, const core_yaml *node);
/* What a value of this key must be: "a number from 0 to 1", "one of a, b". */
const char *core_check_want(core_loader *loader, const core_key *key);
/* Reports a key without a value, which may have a default instead or not. */
void core_check_refuse_empty(
	core_loader *loader, const core_key *key, const char *path, const core_yaml *node);
/* Parses the text of a default into an unchecked value. `place` is for messages about a bad
 * default. */
core_yaml *core_make_default(core_loader *loader, const core_key *key, core_place place,
	core_origin origin, const char *source, const char *text);

/* resolve.c: checks a combination against the schema and the plugins' parameter tables, and fills
 * in defaults. NULL (and failures) when something is wrong. */
core_yaml *core_resolve_tree(core_loader *loader, core_yaml *tree);

/* variant.c: fills a variant from the resolved tree. */
FV_NODISCARD fv_status core_variant_fill(
	core_loader *loader, const core_yaml *resolved, core_variant *variant);
FV_NODISCARD fv_status core_variant_encoder(
	core_loader *loader, const core_yaml *block, core_encoder_spec *out);

#endif
