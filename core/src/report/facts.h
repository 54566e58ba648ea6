/* SPDX-License-Identifier: Apache-2.0 */
/* The facts that env.json records about a run. Everything lives as long as the context; the JSON is
 * borrowed from the run's result. */
#ifndef CORE_REPORT_FACTS_H
#define CORE_REPORT_FACTS_H

#include <stdbool.h>

#include <jansson.h>

#include "base/context.h"

typedef struct core_grouper_facts {
	const char *name;
	bool has_seed; /* false: groups are inferred with the run's seed */
	int64_t seed;
	const json_t *json; /* name, column, seed, params */
} core_grouper_facts;

typedef struct core_selection_facts {
	const char *rule;   /* train.select */
	const char *split;  /* "dev" or "test" */
	const char *groups; /* groups that the rule used: "inferred" or an attribute; NULL: none */
	int64_t epochs;     /* to choose from; -1: not recorded */
	double f1_floor;    /* NaN: none */
	bool uses_group_labels;
	const json_t *json;
} core_selection_facts;

/* Text is "" if env.json does not have it. */
typedef struct core_run_facts {
	int64_t index; /* position of the variant in the configuration that made it; -1: not known */
	const char *loss, *encoder, *profile;
	const char *
		replicates; /* the same for variants that differ only in the seeds of groupers and bias */
	const char *settings; /* the same for variants that differ only in the files of plugins */
	bool plain;           /* training without debiasing */
	bool has_groupers;    /* env.json lists the groupers, even if there are none */
	bool uses_groups, uses_group_labels;
	int32_t n_groupers;
	core_grouper_facts *grouper;
	core_selection_facts selection;
	bool biased, says_bias; /* trained with a simulated bias; env.json records whether */
	bool has_bias_seed;
	int64_t bias_seed;                              /* the bias's own seed */
	const char *compare_metric, *compare_attribute; /* NULL: not declared; over all rows */
	const char *majority_class;
	bool transductive, synthetic, shared_speakers, no_speakers;
	const json_t *axes, *objective, *grouping, *bias; /* NULL: missing */
	const json_t *plugins; /* all that took part: block, name, sha256; NULL: missing */
	const json_t *tune;    /* {by, trials} of a tuned variant; NULL: it was trained itself */
} core_run_facts;

/* `env`: the object of env.json. Errors: FV_FAILED (memory). */
FV_NODISCARD fv_status core_run_facts_read(fv_ctx *ctx, const json_t *env, core_run_facts *out);

/* Return the seeds of the groupers ("1", "1 2") and of the bias; "": the run's seed. NULL: out of
 * memory. */
const char *core_grouping_seeds(fv_ctx *ctx, const core_run_facts *facts);
const char *core_bias_seed(fv_ctx *ctx, const core_run_facts *facts);

#endif
