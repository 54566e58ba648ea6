/* SPDX-License-Identifier: Apache-2.0 */
/* peaks: first sample and peak of each frame of 20 ms, as frames or their mean, in one layer or two (the second holds
 * the negatives). For wheel_inside.py, which computes the same with NumPy. */
#include <math.h>

#include <fairvox/fairvox.h>

enum { RATE_HZ = 16000, FRAME = 320, DIMS = 2, LAYERS_MAX = 2 };

static fv_status open_encoder(void *self, fv_ctx *ctx, const char *weights)
{
	(void)self;
	return weights ? fv_fail(ctx, FV_CONFIG, "takes no weights") : FV_OK;
}

static fv_status describe_outputs(const void *self, fv_ctx *ctx, fv_encoder_info *info)
{
	static const fv_output outputs[] = {
		FV_OUTPUT(.name = "peaks", .layers = 1, .dims = DIMS, .has_frames = 1),
		FV_OUTPUT(.name = "both", .layers = LAYERS_MAX, .dims = DIMS, .has_frames = 1),
	};
	(void)self, (void)ctx;
	info->rate_hz = RATE_HZ;
	info->min_samples = FRAME;
	info->n_outputs = 2;
	info->outputs = outputs;
	return FV_OK;
}

static int64_t count_frames(const void *self, int32_t output, int64_t n)
{
	(void)self, (void)output;
	return n / FRAME;
}

static void measure_frame(const float *wave, float *out)
{
	out[0] = wave[0];
	out[1] = 0;
	for (int i = 0; i < FRAME; i++)
		out[1] = fmaxf(out[1], fabsf(wave[i]));
}

static fv_status encode_wave(const void *self, fv_ctx *worker, int32_t output, const float *wave,
	int64_t n, int32_t pooled, float *out)
{
	int64_t frames = n / FRAME, count = pooled ? 1 : frames;
	double sum[DIMS] = {0};
	(void)self, (void)worker;
	for (int64_t t = 0; t < frames; t++) {
		float frame[DIMS];
		measure_frame(wave + t * FRAME, frame);
		for (int d = 0; d < DIMS; d++) {
			sum[d] += (double)frame[d];
			if (!pooled)
				out[t * DIMS + d] = frame[d];
		}
	}
	for (int d = 0; pooled && d < DIMS; d++)
		out[d] = (float)(sum[d] / (double)frames);
	for (int64_t i = 0; output == 1 && i < count * DIMS; i++)
		out[count * DIMS + i] = -out[i];
	return FV_OK;
}

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = open_encoder, .info = describe_outputs,
	.frames = count_frames, .encode = encode_wave);

static const fv_descriptor descriptor = FV_ENCODER(.name = "peaks", .version = "1",
	.summary = "first sample and peak of each frame", .source = "a test",
	.licence = "Apache-2.0", .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
