/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of train/ that implement networks. */
#ifndef CORE_TRAIN_NETWORKS_PRIVATE_H
#define CORE_TRAIN_NETWORKS_PRIVATE_H

#include "train/networks.h"

struct fv_node {
	core_node is;
	int32_t at; /* position among the batch's nodes */
	float *data, *gradient;
	size_t data_capacity, gradient_capacity; /* numbers allocated */
	bool reached;                            /* by a gradient */
};

struct fv_net {
	core_networks *owner;
	int32_t index;          /* in the plan */
	core_head *head;        /* NULL: linear */
	bool prepared, reached; /* for these parameters; by a gradient of this batch */
	double *sum;            /* linear: [out] */
};

struct core_networks {
	fv_ctx *ctx;
	core_plan *plan;
	int32_t capacity, n, rows; /* rows of the largest batch, wanted, computed */
	core_networks_phase phase;
	const float *params;
	float *gradient;
	const float *const *x;
	const char *const *stem;
	struct fv_net net[CORE_PLAN_NETS];
	struct fv_node node[CORE_PLAN_NODES];
	int32_t n_nodes;
	bool finite, carried; /* carried: backward was done */
	bool drops;           /* hidden layers drop units, as `drop` says */
	core_dropout drop;
};

/* Allocates the workspace of a network of the plan. */
FV_NODISCARD fv_status core_networks_open_net(core_networks *w, int32_t index);

/* Adds the node and computes it, unless the phase is PREDICT. Returns NULL with a message on errors. */
fv_node *core_networks_node(core_networks *w, core_node node);

#endif
