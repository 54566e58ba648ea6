/* SPDX-License-Identifier: Apache-2.0 */
/* What a model consists of: its networks, where their tensors lie in the one vector of parameters,
 * and how the logits come out of them. The plan of an ordinary model is one head applied to the
 * input; an objective with networks of its own makes another (fairvox/networks.h). A saved model
 * holds its plan, so that it predicts without the objective that trained it.
 *
 * Networks: `head` (mix, projection, hidden layers, output), `encoder` (the same without output) and `linear`
 * ([in] -> [out]). A network's name is what its tensors' names begin with: a head or encoder called
 * "biased." has biased.layer_mix, a linear layer called "output" has output.weight.
 */
#ifndef CORE_NN_PLAN_H
#define CORE_NN_PLAN_H

#include "base/context.h"
#include "nn/head.h"

#define CORE_PLAN_NETS 16
#define CORE_PLAN_NODES 64 /* values of one step */
#define CORE_PLAN_TENSORS (CORE_PLAN_NETS * CORE_HEAD_TENSORS)
#define CORE_PLAN_WIDTH (1 << 20) /* numbers a row of a value may have */

typedef enum core_net_kind { CORE_NET_HEAD, CORE_NET_ENCODER, CORE_NET_LINEAR } core_net_kind;

typedef struct core_net {
	core_net_kind kind;
	const char *name;
	int32_t in, out;           /* in: linear only */
	int32_t tensor, n_tensors; /* its first one, their number */
	int64_t offset, count;     /* in the vector of parameters */
} core_net;

/* A value: rows of `width` numbers. */
typedef enum core_node_kind {
	CORE_NODE_INPUT,   /* the features [L,D] */
	CORE_NODE_APPLY,   /* network `net` on value a */
	CORE_NODE_CONCAT,  /* [a, b], b's rows permuted */
	CORE_NODE_SCALE,   /* a, its gradient times factor; not in a plan */
	CORE_NODE_UNIFORM, /* draws of stream (purpose, 0, hash of the row's stem) in [0,1) */
} core_node_kind;

typedef struct core_node {
	core_node_kind kind;
	int32_t net, a, b;          /* a, b: positions of values made before */
	int32_t hold;               /* concat: which half gets no gradient; 0: none, 1: a, 2: b */
	const int32_t *permutation; /* concat: [rows] row of b; NULL: as it is */
	const char *purpose;
	double factor;
	int32_t width; /* of the input: 0 */
} core_node;

typedef struct core_plan {
	core_head_shape shape; /* classes: of the labels */
	/* The file that it is read from: what cannot be is FV_DATA and names it. NULL: FV_FAILED.
	 */
	const char *origin;
	core_net net[CORE_PLAN_NETS];
	int32_t n_nets;
	core_head_tensor tensor[CORE_PLAN_TENSORS]; /* offsets in the whole vector */
	int32_t n_tensors;
	int64_t count; /* length of the vector */
	core_node node[CORE_PLAN_NODES];
	int32_t n_nodes; /* the last one is the logits */
} core_plan;

/* Makes a plan without networks and values, in memory of the context. */
FV_NODISCARD fv_status core_plan_new(fv_ctx *ctx, const core_head_shape *shape, core_plan **out);
/* Makes the plan of one head called "", applied to the input. */
FV_NODISCARD fv_status core_plan_head(fv_ctx *ctx, const core_head_shape *shape, core_plan **out);

/* Adds a network after the others -> *index. Errors: for a name that is taken or not
 * made of [a-z0-9_.], sizes out of range, too many networks. */
FV_NODISCARD fv_status core_plan_add_net(fv_ctx *ctx, core_plan *plan, core_net_kind kind,
	const char *name, int32_t out, int32_t in, int32_t *index);

/* Returns the shape of a head or encoder of the plan. */
core_head_shape core_net_shape(const core_plan *plan, const core_net *net);
/* Returns the branch of a network's streams: 0 for the unprefixed ones. */
int64_t core_net_branch(const core_net *net);

/* Sets the width of `node`, made from values a and b (what its kind needs of them). Errors:
 * FV_FAILED when they do not fit together. */
FV_NODISCARD fv_status core_plan_check(fv_ctx *ctx, const core_plan *plan, core_node *node,
	const core_node *a, const core_node *b);

/* Checks that the values can be predictions. */
FV_NODISCARD fv_status core_plan_check_logits(
	fv_ctx *ctx, const core_plan *plan, const core_node *node);

/* Start values of all networks: mixes 0, the rest as torch.nn.Linear. Draws depend on the tensor's
 * name only: those of the unprefixed tensors are the same whatever networks there are beside them.
 */
void core_plan_init(fv_ctx *ctx, const core_plan *plan, float *params);

#endif
