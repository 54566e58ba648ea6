/* SPDX-License-Identifier: Apache-2.0 */
/* Extension fv.networks/1: objectives with networks of their own (a second branch, an adversary).
 *
 * The plugin says which networks there are, and in each step computes d objective / d output
 * itself. The core does the layers, their gradients, clipping (one joint norm over all networks),
 * Adam, the development set, saving and prediction. A loss plugin offers it by
 *
 *     static const void *extension(const char *id)
 *     {
 *             return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
 *     }
 *
 * in its descriptor; its fv_loss_ops are asked as ever, but for weigh and evaluate, whose place the
 * ops below take.
 *
 * Values are nodes: rows of numbers, one row a sample of the batch, float32, row-major. They live
 * until the op returns. A network applied twice to the same node gives the same node, so nothing is
 * computed twice, and a network that takes the input is evaluated once a step.
 *
 * Functions that return a pointer return NULL, with a message, when something does not fit; pass
 * that on as FV_FAILED. A number that is not finite is no such case: the core ends the run and
 * names the step.
 */
#ifndef FAIRVOX_NETWORKS_H
#define FAIRVOX_NETWORKS_H

#include <fairvox/abi.h>
#include <fairvox/context.h>
#include <fairvox/loss.h>

FV_BEGIN_DECLS

#define FV_NETWORKS_1 "fv.networks/1"

typedef struct fv_net fv_net;   /* a network; lives until close */
typedef struct fv_node fv_node; /* a value; lives until the op returns */

typedef struct fv_networks_1 {
	uint32_t size;
	/* Makes the networks, after open(). `setup` is that of open(). [run] */
	fv_status (*build)(void *state, fv_ctx *ctx, const fv_loss_setup *setup);
	/* The node of C numbers that predicts. Asked once, after build: the core keeps how it is
	 * made, and evaluates it in training, on the development set, for the test set and in the
	 * saved model. No permutations here. [run] */
	fv_status (*predict)(void *state, fv_ctx *ctx, fv_node **logits);
	/* One step: writes gradients, calls fv_net_backward, gives the objective's value. loss and
	 * logits of the batch are those of the predicting node. A step without fv_net_backward
	 * leaves the networks where they are. [run] */
	fv_status (*step)(void *state, fv_ctx *ctx, const fv_batch *batch, double *value);
	/* The value of a development batch (row = development row). Changes no state; no gradients.
	 * NULL: the mean of the base losses. [run] */
	fv_status (*evaluate)(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value);
} fv_networks_1;

/* --- in build: networks. Their tensors in model.safetensors are called by their name: "" for the
 * first branch, "biased." for a second one. Start values are drawn by that name, so the first
 * branch starts as the model of every other objective does. H is head.projection.   [run] */

/* input -> [outputs]: mix of the layers, projection, output. Tensors layer_mix, projection.weight,
 * projection.bias, output.weight, output.bias behind the prefix. */
fv_net *fv_net_head(fv_ctx *ctx, const char *prefix, int32_t outputs);
/* input -> [H]: the head without its output. */
fv_net *fv_net_encoder(fv_ctx *ctx, const char *prefix);
/* [inputs] -> [outputs]. Tensors <name>.weight and <name>.bias; "output" and "biased.output"
 * complete an encoder to what a head is. */
fv_net *fv_net_linear(fv_ctx *ctx, const char *name, int32_t outputs, int32_t inputs);
int32_t fv_net_outputs(const fv_net *net);

/* --- in predict, step, evaluate: values.   [run] */

fv_node *fv_net_input(fv_ctx *ctx); /* the batch's features; has no data to look at */
fv_node *fv_net_forward(fv_ctx *ctx, fv_net *net, fv_node *in);
/* [a, b] side by side. hold: the half that counts as constant, so that no gradient goes into it: 0
 * none, 1 a, 2 b. permutation [B]: row i takes b's row permutation[i]; NULL: row i. It stays the
 * caller's and must live until the op returns. */
fv_node *fv_net_concat(
	fv_ctx *ctx, fv_node *a, fv_node *b, int32_t hold, const int32_t *permutation);
/* The same numbers; what flows back through it is multiplied by factor: a gradient reversed with
 * -lambda. Not in what predicts. */
fv_node *fv_net_scale_gradient(fv_ctx *ctx, fv_node *node, double factor);
/* [width] draws on [0,1) a row, of stream (purpose, 0, fv_name_hash(stem)). */
fv_node *fv_net_uniform(fv_ctx *ctx, const char *purpose, int32_t width);

const float *fv_net_data(fv_ctx *ctx, fv_node *node); /* [B,width] */
/* [B,width], zero at the first call of a step: write or add d objective / d node. In step only. */
float *fv_net_grad(fv_ctx *ctx, fv_node *node);
/* Carries what was written through all nodes into the networks, once a step. */
fv_status fv_net_backward(fv_ctx *ctx);

/* The base loss of one row (loss.h): logits, label, class_weight [C] -> loss; gradient [C] with
 * respect to the logits, NULL: not wanted. In double. */
double fv_base_loss(int32_t classes, const float *logits, const float *label,
	const double *class_weight, double *gradient);

FV_END_DECLS

#endif
