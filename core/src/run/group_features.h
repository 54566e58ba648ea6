/* SPDX-License-Identifier: Apache-2.0 */
/* The features that the first grouper of a run sees, read from the cache: for a map of the recordings. */
#ifndef CORE_RUN_GROUP_FEATURES_H
#define CORE_RUN_GROUP_FEATURES_H

#include "run/study.h"

typedef struct core_group_features {
	int64_t n, dims;
	const char **id; /* [n] recordings, as in groups.csv */
	float *x; /* [n, dims] rows after exclusion and bias, standardised as the grouper sees them */
	const char *encoder; /* name of the plugin, "functionals" */
} core_group_features;

/* Reads the rows of a run of the study. Memory of the context. Errors: FV_DATA if the grouper uses no
 * features, or if the cache lacks some; they are not computed. */
FV_NODISCARD fv_status core_group_features_read(
	fv_ctx *ctx, core_study *study, int64_t run, core_group_features *out);

#endif
