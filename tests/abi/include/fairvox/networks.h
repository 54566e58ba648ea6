/* SPDX-License-Identifier: Apache-2.0 */
/* Extension fv.networks/1: objectives with networks of their own, such as a second branch or an
 * adversary.
 *
 * The plugin creates its networks and, in each step, computes d objective / d output itself. The
 * core does the layers, their gradients, gradient clipping (one norm over all networks), Adam,
 * validation passes, saving and prediction. A loss plugin offers the extension through its
 * descriptor:
 *
 *     static const void *my_loss_extension(const char *id)
 *     {
 *             return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
 *     }
 *
 * Its fv_loss_ops work as usual, except for weigh and evaluate: the ops below replace them.
 *
 * Values are nodes: one row of float32 numbers per sample of the batch, row-major. A node lives
 * until the op returns. Applying a network twice to the same node returns the same node, so nothing
 * is computed twice. A network that is applied to the input is evaluated once a step.
 *
 * Functions that return a pointer return NULL on an error, with a message; return FV_FAILED then. A
 * number that is not finite is not an error here: the core ends the run itself and names the step.
 */
#ifndef FAIRVOX_NETWORKS_H
#define FAIRVOX_NETWORKS_H

#include <fairvox/abi.h>
#include <fairvox/context.h>
#include <fairvox/loss.h>

FV_BEGIN_DECLS

#define FV_NETWORKS_1 "fv.networks/1"

typedef struct fv_net fv_net;   /* a network; lives until close() */
typedef struct fv_node fv_node; /* a value; lives until the op returns */

/* What the method can be combined with beyond the softmax base losses and a model with a projection or
 * hidden layers. The core refuses other settings before anything is trained. */
#define FV_NETWORKS_SIGMOID                                                                        \
	1u /* train.base_loss bce: nothing in it takes the logits for a softmax's */
#define FV_NETWORKS_BARE 2u /* head.projection none without hidden layers */

/* build, predict and step are required. */
typedef struct fv_networks_1 {
	uint32_t size;
	/* Creates the networks. Called after open(), with the same `setup`. [run] */
	fv_status (*build)(void *state, fv_ctx *ctx, const fv_loss_setup *setup);
	/* Writes the node of C logits that predicts. Called once, after build(). The core records
	 * how the node is computed and evaluates it in training, in validation passes, on the test
	 * set and from the saved model. It must not contain a permutation. [run] */
	fv_status (*predict)(void *state, fv_ctx *ctx, fv_node **logits);
	/* One training step: writes gradients, calls fv_net_backward and writes the objective's
	 * value. loss and logits of the batch are those of the predicting node. Without a call of
	 * fv_net_backward the networks do not change in this step. [run] */
	fv_status (*step)(void *state, fv_ctx *ctx, const fv_batch *batch, double *value);
	/* The objective's value on a batch of development rows (row counts development rows). Must
	 * not change any state; there are no gradients. NULL: the mean base loss. [run] */
	fv_status (*evaluate)(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value);
	uint32_t allows; /* FV_NETWORKS_... */
} fv_networks_1;

#define FV_NETWORKS(...) FV_SIZED(fv_networks_1, __VA_ARGS__)

/* --- in build(): networks ---------------------------------------------------------------------
 * The tensors of a network in model.safetensors start with its name: "" for the first branch,
 * "biased." for a second one. Start values are drawn by that name, so the first branch starts with
 * the same weights as the model of every other objective. Projection, hidden layers, activation and dropout are those
 * of the block `head`; H is the width of the last of these layers.   [run] */

/* A head: input -> [outputs] through layer mix, projection, hidden layers and output layer. Its tensors are
 * layer_mix, projection.weight and .bias, hidden.0.weight and .bias, ..., output.weight and .bias, each after
 * the prefix. */
fv_net *fv_net_head(fv_ctx *ctx, const char *prefix, int32_t outputs);
/* A head without its output layer: input -> [H]. Errors: the head has neither projection nor hidden layers
 * (FV_NETWORKS_BARE). */
fv_net *fv_net_encoder(fv_ctx *ctx, const char *prefix);
/* A linear layer: [inputs] -> [outputs]. Its tensors are <name>.weight and <name>.bias. Named
 * "output" or "biased.output", it completes an encoder to a head. */
fv_net *fv_net_linear(fv_ctx *ctx, const char *name, int32_t outputs, int32_t inputs);
int32_t fv_net_outputs(const fv_net *net);

/* --- in predict(), step() and evaluate(): values.   [run] */

fv_node *fv_net_input(fv_ctx *ctx); /* the batch's features; fv_net_data cannot read them */
fv_node *fv_net_forward(fv_ctx *ctx, fv_net *net, fv_node *in);
/* a and b side by side, as one row. hold: which half is a constant, so that no gradient flows into
 * it: 0 neither, 1 a, 2 b. permutation [B]: row i takes row permutation[i] of b; NULL: row i. The
 * caller owns permutation and must keep it until the op returns. */
fv_node *fv_net_concat(
	fv_ctx *ctx, fv_node *a, fv_node *b, int32_t hold, const int32_t *permutation);
/* The same numbers, but the gradient that flows back through the node is multiplied by factor;
 * -lambda reverses it. Not allowed in the node that predicts. */
fv_node *fv_net_scale_gradient(fv_ctx *ctx, fv_node *node, double factor);
/* `width` uniform draws in [0,1) per row, from the stream (purpose, 0, fv_name_hash(stem)). */
fv_node *fv_net_uniform(fv_ctx *ctx, const char *purpose, int32_t width);

const float *fv_net_data(fv_ctx *ctx, fv_node *node); /* [B,width] */
/* Gradient of the objective with respect to the node, [B,width], zero when first asked for in a
 * step: write it or add to it. Only in step(). */
float *fv_net_grad(fv_ctx *ctx, fv_node *node);
/* Propagates the gradients that were written back through all nodes into the networks. Once a step.
 */
fv_status fv_net_backward(fv_ctx *ctx);

FV_END_DECLS

#endif
