/* SPDX-License-Identifier: Apache-2.0 */
/* What a network gives for its input, one number behind the other: the pooled states or embedding of each utterance,
 * and behind them the states frame by frame of the utterances that are short. A fixture is a file of it. */
#ifndef GPU_FIXTURE_H
#define GPU_FIXTURE_H

#include "networks.h"

/* A part of it: one state of one utterance */
typedef struct fixture_part {
	int32_t utterance, state;
	bool pooled;
	int64_t first, count;
} fixture_part;

int64_t fixture_count(const network *network, const network_input *input);
/* Finds the part that begins at number `first`. */
fixture_part fixture_find_part(const network *network, const network_input *input, int64_t first);
/* Computes all of it into out [fixture_count]. */
fv_status fixture_compute(const network *network, fv_ctx *ctx, core_device *device,
	const network_input *input, float *out);

/* FOLDER/NAME.fixture. Both return false, with a line on standard error. */
bool fixture_write(const char *folder, const char *name, const float *x, int64_t n);
bool fixture_read(const char *folder, const char *name, float *x, int64_t n);

#endif
