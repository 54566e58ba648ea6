/* SPDX-License-Identifier: Apache-2.0 */
/* The networks that are tried on a GPU: encoders' own code, with weights and input that every machine draws alike, so
 * that no checkpoint is needed. tests/gpu/fixtures computes them on the processor, the suite on a GPU. */
#ifndef GPU_NETWORKS_H
#define GPU_NETWORKS_H

#include <stdbool.h>

#include "backend/device.h"
#include "ecapa.h"
#include "ge2e.h"

enum { NETWORKS = 4, UTTERANCES_MAX = 128 };

typedef struct network {
	const char *name; /* "base-plus", "large", "ecapa", "ge2e" */
	bool scaled;
	fv_trunk_shape shape; /* convs 0: no trunk */
	fv_trunk *trunk;
	ecapa_state ecapa;
	ge2e_state ge2e;
} network;

/* n utterances: rows of input of each, which are `width` numbers long */
typedef struct network_input {
	int32_t n;
	int64_t count[UTTERANCES_MAX], width;
	float *rows; /* of one utterance behind those of the other */
} network_input;

/* Fills in names and sizes: as published, or a few layers of a few channels. Returns false for another name. */
bool network_describe(network *network, const char *name, bool small);
/* Draws the weights and makes the constants on the context's device. */
fv_status network_open(network *network, fv_ctx *ctx, fv_precision precision);
/* Input that is compared: utterances of one frame to a few seconds. In memory of ctx; NULL rows: none left. */
network_input network_draw_input(const network *network, fv_ctx *ctx, bool small);
/* Utterance u of it */
network_input network_pick_input(const network_input *all, int32_t u);

/* States of a result, each [rows, dims]; numbers of an utterance in all states */
int32_t network_states(const network *network);
int64_t network_numbers(const network *network, int64_t count, bool pooled);
/* Computes the utterances in one pack -> out[u]: embeddings, or states, pooled or frame by frame. */
fv_status network_run(const network *network, fv_ctx *worker, core_device *device,
	const network_input *input, bool pooled, float *const *out);

/* Draws x [n]: equal chances within mean +- sqrt(3) deviation. */
void network_draw(float *x, int64_t n, double mean, double deviation, uint64_t seed);

#endif
