/* SPDX-License-Identifier: Apache-2.0 */
/* How well inferred groups agree with true ones. Rows where either is unknown (-1) are left out and
 * counted. */
#ifndef CORE_EVAL_AGREEMENT_H
#define CORE_EVAL_AGREEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"

typedef struct core_partition {
	int32_t G;
	const char *const *name; /* [G]; NULL: groups without names, such as cluster numbers */
	const int32_t *id;       /* [n] 0..G-1, -1 unknown */
} core_partition;

typedef struct core_agreement {
	int64_t n, unknown_inferred,
		unknown_true; /* rows compared; rows left out (both: as inferred) */
	int64_t correct; /* rows whose inferred name is the true one; -1 without names in common */
	double accuracy; /* correct / n; NaN without names in common */
	double purity;   /* sum over inferred of its largest true count, over n */
	double nmi; /* mutual information over the mean of the two entropies; both constant: 1 */
	double ari; /* Rand index adjusted for chance; identical partitions: 1 */
} core_agreement;

/* Is inferred group a called as true group b is? */
bool core_partition_same(
	const core_partition *inferred, int32_t a, const core_partition *truth, int32_t b);

/* Names match without regard to case, so "female" is "Female"; an inferred group that no true group
 * is called by is always wrong. All four are NaN without a row to compare. */
FV_NODISCARD fv_status core_agreement_compute(fv_ctx *ctx, int64_t n,
	const core_partition *inferred, const core_partition *truth, core_agreement *out);

#endif
