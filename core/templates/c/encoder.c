/* SPDX-License-Identifier: Apache-2.0 */
/* my_plugin: four statistics of the energy of a recording.
 *
 *     e_t = 10 log10(mean of w^2 in frame t + 1e-10)   level of the frame in dB, -100 for silence
 *     out = mean, standard deviation, 10 % and 90 % quantile of e_t
 *
 * Shapes: wave w [n], mono, in [-1, 1] -> [1, 4]. Frames do not overlap; a rest shorter than a frame is
 * left out.
 *
 * What to change: the parameters, `outputs` (names, shapes, columns) and encode_wave, which may run on
 * several threads at once and so changes nothing in the state. Read weights in `open`
 * (fairvox/checkpoint.h). fairvox/dsp.h has Fourier transforms, mel bands and pitch.
 */
#include <math.h>
#include <stdlib.h>

#include <fairvox/fairvox.h>

enum { RATE_HZ = 16000, DIMS = 4, FRAME_MS_MAX = 100 };

typedef struct state {
	int64_t frame_ms;
} state;

static int64_t count_frame_samples(const state *s)
{
	return s->frame_ms * RATE_HZ / 1000;
}

static fv_status open_encoder(void *self, fv_ctx *ctx, const char *weights)
{
	(void)self;
	if (weights)
		return fv_fail(ctx, FV_CONFIG,
			"takes no weights, but '%s' is given: remove the key 'weights'", weights);
	return FV_OK;
}

static fv_status describe_outputs(const void *self, fv_ctx *ctx, fv_encoder_info *info)
{
	static const char *const columns[DIMS] = {"mean_db", "sd_db", "p10_db", "p90_db"};
	static const fv_output outputs[] = {
		FV_OUTPUT(.name = "energy", .layers = 1, .dims = DIMS, .columns = columns,
			.standardize = FV_STANDARDIZE_TRAIN),
	};
	(void)ctx;
	info->rate_hz = RATE_HZ;
	info->min_samples = (int32_t)count_frame_samples(self);
	info->n_outputs = 1;
	info->outputs = outputs;
	return FV_OK;
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static float measure_level(const float *frame, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += (double)frame[i] * (double)frame[i];
	return (float)(10 * log10(sum / (double)n + 1e-10));
}

static fv_status encode_wave(const void *self, fv_ctx *worker, int32_t output, const float *wave,
	int64_t n, int32_t pooled, float *out)
{
	int64_t frame = count_frame_samples(self), frames = n / frame;
	float *level = fv_scratch(worker, (size_t)frames * sizeof *level);
	double sum = 0, squares = 0;
	(void)output, (void)pooled; /* there is one output, and it has no frames */
	if (!level)
		return FV_FAILED;
	for (int64_t t = 0; t < frames; t++) {
		level[t] = measure_level(wave + t * frame, frame);
		sum += (double)level[t];
	}
	double mean = sum / (double)frames;
	for (int64_t t = 0; t < frames; t++)
		squares += ((double)level[t] - mean) * ((double)level[t] - mean);
	qsort(level, (size_t)frames, sizeof *level, compare_floats);
	out[0] = (float)mean;
	out[1] = (float)sqrt(squares / (double)frames);
	out[2] = (float)fv_quantile(level, frames, 0.1);
	out[3] = (float)fv_quantile(level, frames, 0.9);
	return FV_OK;
}

/* Without a default (.def_paper) the user must give a number or choice; `fairvox check` then takes -p key=value. */
static const fv_param params[] = {
	FV_PARAM_INT(state, frame_ms, .name = "frame_ms", .unit = "ms", .min = 1,
		.max = FRAME_MS_MAX, .def_paper = "25", .doc = "length of a frame"),
};

static const fv_encoder_ops ops =
	FV_ENCODER_OPS(.open = open_encoder, .info = describe_outputs, .encode = encode_wave);

static const fv_descriptor descriptor = FV_ENCODER(.name = "my_plugin", .version = "0.1",
	.summary = "statistics of the energy of a recording",
	.source = "an example: name the paper here", .licence = "Apache-2.0",
	.state_size = sizeof(state), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
