/* SPDX-License-Identifier: Apache-2.0 */
/* Agreement of inferred groups with true ones. Rows in which either is unknown (-1) are left out, and
 * counted. */
#ifndef CORE_EVAL_AGREEMENT_H
#define CORE_EVAL_AGREEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"

typedef struct core_partition {
	int32_t G;
	const char *const *name; /* [G]; NULL: groups have no names, e.g. clusters */
	const int32_t *id;       /* [n] 0..G-1; -1: unknown */
} core_partition;

typedef struct core_agreement {
	int64_t n, unknown_inferred,
		unknown_true; /* rows compared; rows left out (both unknown: counted as unknown_inferred) */
	int64_t correct; /* rows whose inferred name is the true one; -1: no names in common */
	double accuracy; /* correct / n; NaN: no names in common */
	double purity;   /* sum over inferred groups of their largest true count, divided by n */
	double nmi; /* mutual information / mean of the two entropies; 1 if both are constant */
	double ari; /* Rand index adjusted for chance; identical partitions: 1 */
} core_agreement;

/* Does inferred group a have the name of true group b? Ignores case. */
bool core_partition_same(
	const core_partition *inferred, int32_t a, const core_partition *truth, int32_t b);

/* Names match regardless of case ("female" is "Female"). An inferred group whose name no true group has is
 * always wrong. All four measures are NaN if there is no row to compare. */
FV_NODISCARD fv_status core_agreement_compute(fv_ctx *ctx, int64_t n,
	const core_partition *inferred, const core_partition *truth, core_agreement *out);

#endif
