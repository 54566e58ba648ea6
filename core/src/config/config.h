/* SPDX-License-Identifier: Apache-2.0 */
/* From a YAML file and overrides to checked cells. Everything lives as long as the context. */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include "base/text.h"
#include "config/spec.h"

struct core_yaml;

/* Blocks that a verb cannot do without. Those that are present are checked whatever is needed, but
 * for one that names a plugin which is not there and is not needed: it is left out, with a note. */
enum {
	CORE_NEED_CORPUS = 1,
	CORE_NEED_ENCODER = 2,
	CORE_NEED_GROUPER = 4, /* the grouper stays even when the loss has no use for it */
	CORE_NEED_LOSS = 8,    /* and a grouper if it uses groups; drops the grouper otherwise */
	CORE_NEED_RUN = CORE_NEED_CORPUS | CORE_NEED_ENCODER | CORE_NEED_LOSS,
};

typedef enum core_note_kind {
	CORE_NOTE_DROPPED,  /* a key of a base block that another name replaced */
	CORE_NOTE_UNUSED,   /* a key or block that has no effect in this variant */
	CORE_NOTE_EXCLUDED, /* what an entry of matrix.exclude dropped */
	CORE_NOTE_MERGED,   /* two equal variants */
} core_note_kind;

typedef struct core_note {
	core_note_kind kind;
	core_place place; /* of what was dropped, unused or excluded */
	const char *text; /* one line, place included */
} core_note;

typedef struct core_config {
	const char *path;
	size_t n_variants, n_notes;
	core_variant *variants;               /* [n_variants] */
	const struct core_yaml *const *trees; /* [n_variants] resolved, with origins */
	core_note *notes;                     /* [n_notes] each said once */
	size_t n_combinations, n_excluded, n_included, n_merged; /* how n_variants came about */
	size_t n_axes;                                           /* of the matrix */
	const char **axis;
} core_config;

/* Reads `path`, its defaults, the overrides ("a.b=v"; their place is "command line: argument 1" for
 * the first) and its matrix. All faults are reported at once. Errors: FV_CONFIG with file, line and
 * column; FV_DATA when a plugin that is named was refused by the loader. */
FV_NODISCARD fv_status core_config_load(fv_ctx *ctx, const core_registry *registry,
	const char *path, char *const *overrides, size_t n_overrides, unsigned needs,
	core_config **out);

/* Where every value of a variant comes from: lines of "key  value  origin". */
void core_config_origins(fv_ctx *ctx, const core_config *config, size_t variant, core_text *out);

/* An encoder from flags: weights and output may be NULL; params are "key=value" (-p), plugin
 * parameters or reserved keys of the encoder block. Nothing is cut or normalised unless asked;
 * normalize=corpus is for a caller that knows the corpus's mean and sd. */
FV_NODISCARD fv_status core_encoder_from_flags(fv_ctx *ctx, const core_registry *registry,
	const char *name, const char *weights, const char *output, char *const *params,
	size_t n_params, core_encoder_spec *out);

#endif
