/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of a paper as inequalities, in a YAML file (core/docs/report.md describes it): which variants are
 * compared with which, by which metric, and on which side of a bound the change is claimed to lie. */
#ifndef CORE_REPORT_CLAIMS_FILE_H
#define CORE_REPORT_CLAIMS_FILE_H

#include "config/place.h"
#include "eval/metric.h"

typedef struct core_claim_condition {
	const char *key; /* "loss", "grouper.k", "train.batch" */
	size_t n;
	const char **value; /* [n] any of these */
} core_claim_condition;

/* Selects the variants that meet every condition. */
typedef struct core_claim_selector {
	size_t n;
	core_claim_condition *condition; /* [n], at least one */
} core_claim_selector;

typedef struct core_claim {
	const char *name, *text;
	core_place place;
	core_claim_selector rows, against;
	core_metric_id metric;
	const char *attribute; /* NULL: the metric is over all rows */
	bool above;            /* the change is claimed to be above the bound, else below it */
	double bound;
	size_t n_means;
	const char **mean_over; /* [n_means] keys: rows that differ in these alone are averaged */
	bool any;               /* of several comparisons one is enough; else all are needed */
	double published;       /* the change that the paper prints; NaN: none */
	const char *source;     /* where it does; NULL: not said */
} core_claim;

typedef struct core_claims {
	const char *about; /* whose claims these are; NULL: not said */
	size_t n;
	core_claim *claim; /* [n] */
} core_claims;

/* Reads a file of claims; path NULL: those of the paper, configs/paper/claims.yaml, which are built in. Everything
 * lives as long as the context. Errors: FV_CONFIG, one line with the place. */
FV_NODISCARD fv_status core_claims_read(fv_ctx *ctx, const char *path, core_claims *out);

#endif
