/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a YAML file and overrides into checked variants. All results live as long as the
 * context. */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include "base/text.h"
#include "config/spec.h"

struct core_yaml;

/* Blocks that a command needs. A block that is present is always checked, with one exception: if it
 * names a plugin that is not installed and the command does not need the block, it is left out with
 * a note. */
enum {
	CORE_NEED_CORPUS = 1,
	CORE_NEED_ENCODER = 2,
	CORE_NEED_GROUPER = 4, /* keeps the grouper even when the loss does not use it */
	/* also a grouper if the loss uses groups; otherwise the grouper is dropped */
	CORE_NEED_LOSS = 8,
	CORE_NEED_RUN = CORE_NEED_CORPUS | CORE_NEED_ENCODER | CORE_NEED_LOSS,
	/* No block: a variant that is refused is left out and listed, as long as others remain. An
	 * unknown key, or what is wrong with all variants, still refuses the configuration. */
	CORE_KEEP_GOING = 16,
};

typedef enum core_note_kind {
	/* a key of a base block, dropped because the block now names another plugin */
	CORE_NOTE_DROPPED,
	CORE_NOTE_UNUSED,   /* a key or block that has no effect in this variant */
	CORE_NOTE_EXCLUDED, /* combinations dropped by an entry of matrix.exclude */
	CORE_NOTE_MERGED,   /* two equal variants */
} core_note_kind;

typedef struct core_note {
	core_note_kind kind;
	core_place place; /* where the dropped, unused or excluded setting is written */
	const char *text; /* one line, place included */
} core_note;

/* A variant that cannot be computed because of its settings or its plugins. */
typedef struct core_refused_variant {
	const char *slug;
	char written[65]; /* as in core_variant */
	const core_reason *reason;
} core_refused_variant;

typedef struct core_config {
	const char *path;
	size_t n_variants, n_notes, n_refused;
	core_refused_variant *refused;        /* [n_refused] only with CORE_KEEP_GOING */
	core_variant *variants;               /* [n_variants] */
	const struct core_yaml *const *trees; /* [n_variants] resolved, with origins */
	core_note *notes;                     /* [n_notes] without repetitions */
	/* how n_variants came about: combinations - excluded + included - merged */
	size_t n_combinations, n_excluded, n_included, n_merged;
	size_t n_axes; /* of the matrix */
	const char **axis;
} core_config;

/* Reads `path`, the files in its `defaults:`, the overrides ("a.b=v", with the place "command line:
 * argument 1" for the first one) and its matrix. All faults are reported together. Errors:
 * FV_CONFIG with file, line and column; FV_DATA when a named plugin was refused by the plugin
 * loader. */
FV_NODISCARD fv_status core_config_load(fv_ctx *ctx, const core_registry *registry,
	const char *path, char *const *overrides, size_t n_overrides, unsigned needs,
	core_config **out);

/* Appends a line "key value origin" for every value of a variant. */
void core_config_origins(fv_ctx *ctx, const core_config *config, size_t variant, core_text *out);

/* Returns a key as it appears in a name: its last part, or the short form common in papers. */
const char *core_shorten_key(const char *key);

/* Returns the label of a variant on an axis of the matrix; NULL: it is on none of its values. */
const char *core_variant_label(const core_variant *variant, const char *axis);
/* Lists the labels of all variants on an axis, each once in the order of the variants, and `none` for variants that
 * have none; none NULL: those are left out. label [n_variants]. Returns how many there are. */
size_t core_config_labels(
	const core_config *config, const char *axis, const char *none, const char **label);

/* Makes an encoder spec from command line flags. `weights` and `output` may be NULL. `params`
 * are "key=value" (-p): plugin parameters or reserved keys of the encoder block. Recordings are
 * cut or normalised only when asked; normalize=corpus needs a caller that knows the corpus's
 * mean and sd. */
FV_NODISCARD fv_status core_encoder_from_flags(fv_ctx *ctx, const core_registry *registry,
	const char *name, const char *weights, const char *output, char *const *params,
	size_t n_params, core_encoder_spec *out);

#endif
