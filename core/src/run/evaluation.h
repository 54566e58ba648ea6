/* SPDX-License-Identifier: Apache-2.0 */
/* How a run is evaluated: `eval` of the configuration, with defaults filled in from the corpus. It
 * is not part of the variant's identity: another `eval` is applied to models that are already
 * trained. */
#ifndef CORE_RUN_EVALUATION_H
#define CORE_RUN_EVALUATION_H

#include "corpus/corpus.h"

typedef struct core_evaluation {
	core_strings attributes; /* columns, and products of them */
	core_strings numeric;
	const char *compare_metric;    /* NULL: no comparison is declared */
	const char *compare_attribute; /* NULL: the metric is no gap */
	bool majority_only;            /* argmax leaves out rows without a strict majority */
	bool dev_threshold; /* a second reading at thresholds chosen on development rows */
	/* {"attributes": [...], "numeric": [...], "compare": {...} or null, "metrics": CORE_EVAL_METRICS, other keys of
	 * eval} */
	const char *json;
} core_evaluation;

/* Raised when metrics are added or defined anew: the metrics of finished runs are then computed again
 * from their predictions. */
#define CORE_EVAL_METRICS 2

struct core_yaml;

/* `resolved` is the variant's configuration. With `warn`, attributes that are left out are logged.
 * Errors: FV_CONFIG for an attribute that the corpus lacks. */
FV_NODISCARD fv_status core_evaluation_make(fv_ctx *ctx, const core_variant *variant,
	const struct core_yaml *resolved, const core_corpus *corpus, bool warn,
	const core_evaluation **out);

#endif
