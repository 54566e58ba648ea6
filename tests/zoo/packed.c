/* SPDX-License-Identifier: Apache-2.0 */
/* A small encoder that computes on packs, and needs no weights: rows of 160 samples through two layers. What
 * `trouble` names happens to recordings of 5,000 to 5,159 samples. */
#include <math.h>
#include <signal.h>
#include <string.h>

#include <fairvox/fairvox.h>

enum { HOP = 160, INNER = 96, WIDTH = 24, LAYERS = 2, ODD_ROWS = 31 };
enum { NONE, PREPARE_CRASHES, PREPARE_FAILS, REFUSES, FAILS, CRASHES, NAN_OUT };

typedef struct packed {
	int32_t trouble;
	fv_linear *inner, *outer;
} packed;

/* A layer of made-up weights. */
static fv_linear *open_layer(fv_ctx *ctx, int64_t outputs, int64_t inputs)
{
	float *weight = fv_scratch(ctx, (size_t)(outputs * inputs) * sizeof *weight);
	uint32_t x = 12345;
	for (int64_t i = 0; weight && i < outputs * inputs; i++) {
		x = x * 1664525u + 1013904223u;
		weight[i] = ((float)(x >> 8) / 8388608.0f - 1) / sqrtf((float)inputs);
	}
	return weight ? fv_linear_open(ctx, FV_PRECISION_FP32, outputs, inputs, weight, NULL)
		      : NULL;
}

static fv_status packed_open(void *state, fv_ctx *ctx, const char *weights)
{
	packed *self = state;
	if (weights)
		return fv_fail(ctx, FV_CONFIG, "takes no weights");
	self->inner = open_layer(ctx, INNER, HOP);
	self->outer = open_layer(ctx, WIDTH, INNER);
	return self->inner && self->outer ? FV_OK : FV_FAILED;
}

static fv_status packed_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	static const fv_output outputs[] = {
		FV_OUTPUT(.name = "states", .layers = LAYERS, .dims = WIDTH, .has_frames = 1)};
	(void)state, (void)ctx;
	info->rate_hz = 16000;
	info->min_samples = HOP;
	info->n_outputs = 1;
	info->outputs = outputs;
	return FV_OK;
}

static int64_t packed_frames(const void *state, int32_t output, int64_t n)
{
	(void)state, (void)output;
	return n / HOP;
}

static fv_status packed_prepare(const void *state, fv_ctx *worker, int32_t output,
	const float *wave, int64_t n, fv_feed *feed)
{
	const packed *self = state;
	int64_t rows = n / HOP;
	(void)output;
	if (rows == ODD_ROWS && self->trouble == PREPARE_CRASHES)
		raise(SIGSEGV);
	if (rows == ODD_ROWS && self->trouble == PREPARE_FAILS)
		return fv_fail(worker, FV_DATA, "as it was told");
	float *to = fv_feed_rows(feed, rows, HOP);
	if (!to)
		return FV_FAILED;
	memcpy(to, wave, (size_t)(rows * HOP) * sizeof *to);
	return FV_OK;
}

/* What happens to utterance u before the network computes. */
static fv_status make_trouble(const packed *self, fv_ctx *worker, fv_pack *pack, int32_t u)
{
	if (fv_pack_input_rows(pack, u) != ODD_ROWS)
		return FV_OK;
	if (self->trouble == CRASHES)
		raise(SIGSEGV);
	if (self->trouble == REFUSES)
		fv_pack_refuse(pack, u, "it has %d rows", ODD_ROWS);
	return self->trouble == FAILS ? fv_fail(worker, FV_DATA, "as it was told") : FV_OK;
}

static void fetch_layers(fv_pack *pack, fv_matrix layer[LAYERS], int32_t pooled, float *const *out)
{
	for (int32_t l = 0; l < LAYERS; l++) {
		fv_matrix from = layer[l];
		if (pooled) {
			from = fv_pack_utterances(pack, WIDTH);
			fv_pack_mean(pack, FV_SUMS_FLOAT, layer[l], from);
		}
		fv_pack_fetch(pack, from, l, out);
	}
}

static fv_status packed_batch(const void *state, fv_ctx *worker, int32_t output, fv_pack *pack,
	int32_t pooled, float *const *out)
{
	const packed *self = state;
	(void)output;
	for (int32_t u = 0; u < fv_pack_count(pack); u++) {
		fv_status status = make_trouble(self, worker, pack, u);
		if (status)
			return status;
	}
	fv_matrix x = fv_pack_input(pack), inner = fv_pack_rows(pack, x, INNER);
	fv_matrix layer[LAYERS] = {fv_pack_rows(pack, x, WIDTH), fv_pack_rows(pack, x, WIDTH)};
	fv_pack_linear(pack, self->inner, x, 0, FV_ACTIVATION_GELU, inner);
	fv_pack_linear(pack, self->outer, inner, 0, FV_ACTIVATION_NONE, layer[0]);
	fv_pack_linear(pack, self->outer, inner, 0, FV_ACTIVATION_RELU, layer[1]);
	fetch_layers(pack, layer, pooled, out);
	fv_status status = fv_pack_wait(pack);
	for (int32_t u = 0; u < fv_pack_count(pack) && !status; u++)
		if (self->trouble == NAN_OUT && fv_pack_input_rows(pack, u) == ODD_ROWS)
			out[u][0] = NAN;
	return status;
}

static const fv_param params[] = {
	FV_PARAM_CHOICE(packed, trouble, .name = "trouble", .def_paper = "none",
		.doc = "what happens to some recordings",
		.choices = "none|prepare_crashes|prepare_fails|refuses|fails|crashes|nan"),
};

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = packed_open, .info = packed_info,
	.frames = packed_frames, .prepare = packed_prepare, .batch = packed_batch);

static const fv_descriptor descriptor = FV_ENCODER(.name = "packed", .version = "1",
	.summary = "an encoder that computes on packs", .source = "none", .licence = "Apache-2.0",
	.state_size = sizeof(packed), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
