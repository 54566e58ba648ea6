/* SPDX-License-Identifier: Apache-2.0 */
/* The forces on the points of a map, computed exactly or by Barnes-Hut, and their descent. */
#ifndef CORE_EMBEDDING_FIELD_H
#define CORE_EMBEDDING_FIELD_H

#include "backend/kernels.h"
#include "embedding/tsne.h"

#include "base/team.h"

/* The gradient of KL(P || Q) by a point is 4 (attraction - repulsion / sum_q). sum_q is over ordered pairs. */
typedef struct core_field {
	void *state;
	/* Overwrites the forces and returns sum_q. */
	double (*compute_forces)(
		void *state, const core_map_points *points, const core_map_forces *forces);
	/* sum_q over all pairs one by one */
	double (*sum_pairs)(void *state, const core_map_points *points);
	/* KL(P || Q) for a given sum_q */
	double (*compute_cost)(void *state, const core_map_points *points, double sum_q);
} core_field;

/* x [n,dims] is only read while a field is opened. Memory: the context's. */
FV_NODISCARD fv_status core_field_open_exact(fv_ctx *ctx, core_team *team, const float *x,
	int64_t n, int64_t dims, double perplexity, core_field *out);
FV_NODISCARD fv_status core_field_open_barnes_hut(fv_ctx *ctx, core_team *team, const float *x,
	int64_t n, int64_t dims, double perplexity, core_field *out);

/* n rounded up to whole chunks of columns: the length of arrays of a map */
int64_t core_map_padded(int64_t n);

/* Moves the points x, y [padded n] downhill. Sets kl and iterations of the result. */
FV_NODISCARD fv_status core_field_descend(fv_ctx *ctx, const core_field *field, int64_t n,
	const core_tsne_options *options, float *x, float *y, core_tsne_result *result);

/* The first two principal components of the rows of x [n,dims], into plane [n,2]. The largest loading of each is
 * positive. A component without variance is 0. */
FV_NODISCARD fv_status core_pca_project(
	fv_ctx *ctx, core_team *team, const float *x, int64_t n, int64_t dims, double *plane);

#endif
