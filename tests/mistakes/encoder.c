/* SPDX-License-Identifier: Apache-2.0 */
/* A sound encoder (mean square and peak) with places for one mistake; see loss.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fairvox/fairvox.h>

#include "second.h"

#ifndef MISTAKE
#define MISTAKE "sound"
#endif
#ifndef FILE_SCOPE
#define FILE_SCOPE
#endif
#ifndef OPEN
#define OPEN
#endif
#ifndef WEIGHTS
#define WEIGHTS 0
#endif
#ifndef INFO
#define INFO
#endif
#ifndef OUTPUT
#define OUTPUT .name = "power", .layers = 1, .dims = 2
#endif
#ifndef ENCODE
#define ENCODE
#endif
#ifndef FRAME
#define FRAME (2 * t + d)
#endif
#ifndef TENTH
#define TENTH x[d]
#endif
#ifndef OPS
#define OPS FV_ENCODER_OPS(.open = sound_open, .info = sound_info, .encode = sound_encode)
#endif

typedef struct self {
	double last;
} self;

FILE_SCOPE

static fv_status sound_open(void *state, fv_ctx *ctx, const char *weights)
{
	(void)state;
	if (weights && !WEIGHTS)
		return fv_fail(ctx, FV_CONFIG, "takes no weights: remove the key 'weights'");
	OPEN;
	return FV_OK;
}

static fv_status sound_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	static const fv_output output[2] = {FV_OUTPUT(OUTPUT), FV_OUTPUT(OUTPUT)};
	(void)state, (void)ctx;
	info->rate_hz = 16000;
	info->min_samples = 1;
	info->n_outputs = 1;
	info->outputs = output;
	INFO;
	return FV_OK;
}

__attribute__((unused)) static fv_status sound_encode(const void *state, fv_ctx *ctx,
	int32_t output, const float *wave, int64_t n, int32_t pooled, float *out)
{
	self *me = *(self *const *)(const void *)&state;
	double sum = 0, peak = 0;
	(void)output, (void)pooled, (void)ctx, (void)me;
	for (int64_t i = 0; i < n; i++) {
		sum += (double)wave[i] * (double)wave[i];
		peak = fmax(peak, fabs((double)wave[i]));
	}
	out[0] = (float)(sum / (double)n);
	out[1] = (float)peak;
	ENCODE;
	return FV_OK;
}

/* Mean and square of every tenth of a second, [T,2]. */
__attribute__((unused)) static int64_t tenths_count(const void *state, int32_t output, int64_t n)
{
	(void)state, (void)output;
	return (n + 1599) / 1600;
}

__attribute__((unused)) static fv_status tenths_encode(const void *state, fv_ctx *ctx,
	int32_t output, const float *wave, int64_t n, int32_t pooled, float *out)
{
	int64_t frames = tenths_count(state, output, n);
	float whole[2] = {0};
	(void)ctx;
	for (int64_t t = 0; t < frames; t++) {
		double x[2] = {0};
		for (int64_t i = 1600 * t; i < n && i < 1600 * (t + 1); i++) {
			x[0] += 0.01 * (double)wave[i];
			x[1] += 0.01 * (double)wave[i] * (double)wave[i];
		}
		for (int d = 0; d < 2; d++) {
			whole[d] += (float)(x[d] / (double)frames);
			if (!pooled)
				out[FRAME] = (float)(TENTH);
		}
	}
	if (pooled)
		memcpy(out, whole, sizeof whole);
	return FV_OK;
}

#define OPS_FRAMES                                                                                 \
	FV_ENCODER_OPS(.open = sound_open, .info = sound_info, .frames = tenths_count,             \
		.encode = tenths_encode)
static const fv_encoder_ops ops = OPS;
static const fv_descriptor descriptor =
	FV_ENCODER(.name = MISTAKE, .version = "1", .summary = "a mistake", .source = "none",
		.licence = "Apache-2.0", .state_size = sizeof(self), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
