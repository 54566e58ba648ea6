/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of train/ that implement networks. */
#ifndef CORE_TRAIN_NETWORKS_PRIVATE_H
#define CORE_TRAIN_NETWORKS_PRIVATE_H

#include "nn/product.h"
#include "train/networks.h"

#define CORE_NODE_PARTS 8 /* terms of one layer's output */
#define CORE_READERS 16   /* products of one step */

/* A term of a linear layer's output: the rows of an encoder, of which the layer's columns from `first` on read
 * `permutation` (NULL: as they are), and the factor of the gradient that flows into the encoder */
typedef struct core_part {
	int32_t encoder, first,
		reader; /* encoder: its network; reader: which product computes the term */
	const int32_t *permutation;
	double factor;
} core_part;

struct fv_node {
	core_node is;
	int32_t at; /* position among the batch's nodes */
	float *data, *gradient;
	size_t data_capacity, gradient_capacity; /* numbers allocated */
	bool reached;                            /* by a gradient */
	bool deferred;                           /* data is not computed yet (networks_product.c) */
	int32_t n_parts;                         /* 0: not computed by products */
	core_part part[CORE_NODE_PARTS];
};

/* The product of a linear network and an encoder whose rows are columns of what it reads */
typedef struct core_reader {
	int32_t net, encoder, first; /* first: of these columns */
	bool prepared, used;         /* for these parameters; with these or the ones before */
	const float *rows;           /* [rows,out] of this batch; NULL: not computed */
	core_product *product;
} core_reader;

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
	int32_t capacity, n; /* rows of the largest batch, of this one */
	core_networks_phase phase;
	const float *params;
	float *gradient;
	const float *const *x;
	const char *const *stem;
	struct fv_net net[CORE_PLAN_NETS];
	struct fv_node node[CORE_PLAN_NODES];
	int32_t n_nodes;
	core_reader reader[CORE_READERS];
	int32_t n_readers;    /* for these parameters */
	bool mixed;           /* encoders without hidden layers have mixed this batch */
	bool finite, carried; /* carried: backward was done */
	bool drops;           /* hidden layers drop units, as `drop` says */
	core_dropout drop;
};

/* Allocates the workspace of a network of the plan. */
FV_NODISCARD fv_status core_networks_open_net(core_networks *w, int32_t index);

/* The tensors of a network */
const core_head_tensor *core_net_tensors(const core_networks *w, int32_t net);
/* Computes what depends on a head's or encoder's parameters alone, unless it was done. */
void core_networks_prepare(core_networks *w, fv_net *net);

/* --- networks_product.c --- */
/* Marks the products as those of other parameters. */
void core_networks_forget_products(core_networks *w);
/* Mixes the layers for all encoders without hidden layers, once a batch. */
void core_networks_mix(core_networks *w);
/* Computes a linear layer on a deferred value. Returns false if it must be computed from the value's data. */
bool core_networks_multiply(core_networks *w, fv_node *node);
/* Adds the gradient of such a layer to its products. */
void core_networks_backward_parts(core_networks *w, const fv_node *node);
/* Propagates the gradients of the products with an encoder, and of its rows if there is one. */
void core_networks_backward_encoder(core_networks *w, const fv_node *node);
/* Computes the gradients of these encoders' mixes. */
void core_networks_backward_mixes(core_networks *w);

/* Adds the node and computes it, unless the phase is PREDICT. Returns NULL with a message on errors. */
fv_node *core_networks_node(core_networks *w, core_node node);

#endif
