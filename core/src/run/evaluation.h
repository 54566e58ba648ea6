/* SPDX-License-Identifier: Apache-2.0 */
/* How a run is judged: `eval` of the configuration with its defaults filled in from the corpus. It is no
 * part of what a variant is: another one is applied to what is trained. */
#ifndef CORE_RUN_EVALUATION_H
#define CORE_RUN_EVALUATION_H

#include "corpus/corpus.h"

typedef struct core_evaluation {
	core_strings attributes;
	const char *compare_metric, *compare_attribute; /* NULL: no family declared; no gap */
	const char *json; /* {"attributes": [...], "compare": {...} or null, other keys of eval} */
} core_evaluation;

/* A numeric attribute of more values than this is none to compare groups by. */
#define CORE_EVAL_VALUES_MAX 12

struct core_yaml;

/* `resolved`: the variant's configuration; `tell`: log what is left out. Errors: FV_CONFIG for an
 * attribute that the corpus lacks. */
FV_NODISCARD fv_status core_evaluation_make(fv_ctx *ctx, const core_variant *variant,
	const struct core_yaml *resolved, const core_corpus *corpus, bool tell,
	const core_evaluation **out);

#endif
