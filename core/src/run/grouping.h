/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of one run: a grouper is fitted on the training rows and applied to all splits;
 * several groupers form a product. */
#ifndef CORE_RUN_GROUPING_H
#define CORE_RUN_GROUPING_H

#include "run/data.h"

typedef struct core_groups {
	int32_t groups;                 /* G; 0: no grouper */
	const char **name;              /* [G] */
	bool probability;               /* memberships are a classifier's probabilities */
	int32_t *id[CORE_SPLITS_MAX];   /* [n], -1: unknown; rows in the order of core_rows */
	float *member[CORE_SPLITS_MAX]; /* [n,G], or all NULL: hard groups only */
} core_groups;

/* What a grouper may see of the run. `features` is NULL if it uses none. */
typedef struct core_grouper_input {
	const core_grouper_spec *spec;
	const core_encoder_spec *encoder; /* its own encoder, or the variant's */
	const core_features *features;
	const int64_t *corpus_row;
	const double *seconds; /* durations by corpus_row; NULL: none is known */
} core_grouper_input;

/* Infers the groups of all rows with the n groupers of `input`. Ids of a product are in mixed radix
 * with the first grouper slowest, names are joined by " x ", and an id is unknown if any factor is
 * unknown. Memberships are multiplied (1 and 0 for hard factors, 0 for unknown ones). Rows must be
 * in the order of stems. Errors: those of the plugins; FV_CONFIG for an attribute that the corpus
 * lacks. */
FV_NODISCARD fv_status core_groups_infer(fv_ctx *ctx, const core_grouper_input *input, int32_t n,
	const core_corpus *corpus, const core_rows *rows, uint64_t seed, int64_t fold,
	core_groups *out);

/* Returns the standardisation of an encoder's spec; the default is that of its output. */
fv_standardize core_find_standardize(const core_encoder_spec *spec, const fv_output *output);

#endif
