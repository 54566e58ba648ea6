/* SPDX-License-Identifier: Apache-2.0 */
/* Attentive statistics: mean and deviation of each channel over the frames, first with equal
 * weights, then with the softmax over time of V tanh(norm(max(0, W (z_t, mean, deviation) + b))) +
 * c. z = norm(x) is never stored: its mean is scale times that of x plus shift, its deviation
 * |scale| times that of x, no smaller than 1e-6. Sums are in double and of differences to the first
 * frame, so that a channel that does not change has no deviation, and none is lost in a large mean.
 */
#include <math.h>
#include <string.h>

#include "ecapa.h"

enum { CHANNELS = 256 }; /* at a time */

#define VARIANCE_MIN 1e-12

struct sums {
	double weight[CHANNELS], first[CHANNELS], second[CHANNELS];
};

/* Sums over frames of channels from .. from + n -> statistics of norm(x). */
static void finish(const struct sums *sums, const float *origin, const ecapa_norm *norm,
	int64_t from, int64_t n, int64_t channels, float *statistics)
{
	for (int64_t c = 0; c < n; c++) {
		double scale = (double)norm->scale[from + c], shift = (double)norm->shift[from + c];
		double mean = sums->first[c] / sums->weight[c];
		double variance = scale * scale * (sums->second[c] / sums->weight[c] - mean * mean);
		statistics[from + c] = (float)(scale * (mean + (double)origin[c]) + shift);
		statistics[channels + from + c] = (float)sqrt(fmax(variance, VARIANCE_MIN));
	}
}

static int64_t channels_left(int64_t channels, int64_t from)
{
	return channels - from < CHANNELS ? channels - from : CHANNELS;
}

static void equal_weights(
	const ecapa_state *s, const float *x, int64_t frames, struct sums *sums, float *statistics)
{
	const int64_t channels = s->sizes.pooled;
	for (int64_t from = 0; from < channels; from += CHANNELS) {
		const float *origin = x + from;
		int64_t n = channels_left(channels, from);
		memset(sums, 0, sizeof *sums);
		for (int64_t t = 0; t < frames; t++)
			for (int64_t c = 0; c < n; c++) {
				double d = (double)(origin[t * channels + c] - origin[c]);
				sums->first[c] += d;
				sums->second[c] += d * d;
			}
		for (int64_t c = 0; c < n; c++)
			sums->weight[c] = (double)frames;
		finish(sums, origin, &s->merge_norm, from, n, channels, statistics);
	}
}

static void soft_weights(const ecapa_state *s, const float *x, const float *logits, int64_t frames,
	struct sums *sums, float *statistics)
{
	const int64_t channels = s->sizes.pooled;
	float largest[CHANNELS], weight[CHANNELS];
	for (int64_t from = 0; from < channels; from += CHANNELS) {
		const float *origin = x + from, *logit = logits + from;
		int64_t n = channels_left(channels, from);
		memcpy(largest, logit, (size_t)n * sizeof *largest);
		for (int64_t t = 1; t < frames; t++)
			for (int64_t c = 0; c < n; c++) {
				float l = logit[t * channels + c];
				largest[c] = l > largest[c] ? l : largest[c];
			}
		memset(sums, 0, sizeof *sums);
		for (int64_t t = 0; t < frames; t++) {
			for (int64_t c = 0; c < n; c++)
				weight[c] = expf(logit[t * channels + c] - largest[c]);
			for (int64_t c = 0; c < n; c++) {
				double w = (double)weight[c];
				double d = (double)(origin[t * channels + c] - origin[c]);
				sums->weight[c] += w;
				sums->first[c] += w * d;
				sums->second[c] += w * d * d;
			}
		}
		finish(sums, origin, &s->merge_norm, from, n, channels, statistics);
	}
}

fv_status ecapa_pool(const ecapa_state *s, fv_ctx *worker, const float *x, int64_t frames,
	float *hidden, float *logits, float *linear_scratch, float *statistics)
{
	const ecapa_sizes *z = &s->sizes;
	struct sums *sums = fv_scratch(worker, sizeof *sums);
	float *context = fv_scratch(worker, (size_t)z->attention * sizeof *context);
	if (!sums || !context)
		return FV_FAILED;
	equal_weights(s, x, frames, sums, statistics);
	fv_linear_apply(s->context, 1, statistics, 2 * z->pooled, 0, FV_ACTIVATION_NONE, context,
		z->attention, linear_scratch);
	for (int64_t t = 0; t < frames; t++)
		memcpy(hidden + t * z->attention, context, (size_t)z->attention * sizeof *context);
	fv_linear_apply(s->look, frames, x, z->pooled, 1, FV_ACTIVATION_RELU, hidden, z->attention,
		linear_scratch);
	for (int64_t t = 0; t < frames; t++)
		for (int64_t c = 0; c < z->attention; c++) {
			float *h = &hidden[t * z->attention + c];
			*h = tanhf(s->look_norm.scale[c] * *h + s->look_norm.shift[c]);
		}
	fv_linear_apply(s->attend, frames, hidden, z->attention, 0, FV_ACTIVATION_NONE, logits,
		z->pooled, linear_scratch);
	soft_weights(s, x, logits, frames, sums, statistics);
	return FV_OK;
}
