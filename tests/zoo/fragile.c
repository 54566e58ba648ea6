/* SPDX-License-Identifier: Apache-2.0 */
/* An encoder that fails: `fails` says how, `in` in which op. It encodes the mean square of a recording; encode
 * fails for one recording in five, by its number of samples. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fairvox/fairvox.h>

typedef struct fragile {
	int32_t fails, in;
	double scale;
} fragile;

enum { NEVER, CRASHES, EXITS, REFUSES, NAN_OUT, HANGS };
enum { ENCODE, OPEN, LOOKUP };

static fv_status fail(const fragile *self, fv_ctx *ctx, int32_t op)
{
	if (self->in != op)
		return FV_OK;
	if (self->fails == CRASHES)
		abort();
	if (self->fails == EXITS)
		exit(0);
	if (self->fails == HANGS)
		sleep(60);
	return self->fails == REFUSES ? fv_fail(ctx, FV_DATA, "as it was told") : FV_OK;
}

static fv_status fragile_open(void *state, fv_ctx *ctx, const char *weights)
{
	return weights ? fv_fail(ctx, FV_CONFIG, "takes no weights") : fail(state, ctx, OPEN);
}

static fv_status fragile_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	static const fv_output outputs[] = {FV_OUTPUT(.name = "power", .layers = 1, .dims = 1)};
	const fragile *self = state;
	(void)ctx;
	info->by_name = self->in == LOOKUP;
	info->rate_hz = info->by_name ? 0 : 16000;
	info->min_samples = 1;
	info->n_outputs = 1;
	info->outputs = outputs;
	return FV_OK;
}

static fv_status fragile_encode(const void *state, fv_ctx *ctx, int32_t output, const float *wave,
	int64_t n, int32_t pooled, float *out)
{
	const fragile *self = state;
	double sum = 0;
	(void)output, (void)pooled;
	for (int64_t i = 0; i < n; i++)
		sum += (double)wave[i] * (double)wave[i];
	*out = (float)(self->scale * sum / (double)n);
	if (n % 5)
		return FV_OK;
	if (self->fails == NAN_OUT)
		*out = NAN;
	return fail(self, ctx, ENCODE);
}

static fv_status fragile_lookup(
	const void *state, fv_ctx *ctx, int32_t output, const char *id, int32_t parts, float *out)
{
	(void)output, (void)parts;
	*out = (float)strlen(id);
	return fail(state, ctx, LOOKUP);
}

static const fv_param params[] = {
	FV_PARAM_CHOICE(fragile, fails, .name = "fails", .def_paper = "never",
		.doc = "how it fails", .choices = "never|crashes|exits|refuses|nan|hangs"),
	FV_PARAM_CHOICE(fragile, in, .name = "in", .def_paper = "encode",
		.doc = "the op that fails", .choices = "encode|open|lookup"),
	FV_PARAM_REAL(fragile, scale, .name = "scale", .min = 0, .max = 10,
		.def_paper = FRAGILE_SCALE, .doc = "factor of the number"),
};

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = fragile_open, .info = fragile_info,
	.encode = fragile_encode, .lookup = fragile_lookup);

static const fv_descriptor descriptor = FV_ENCODER(.name = FRAGILE, .version = "1",
	.summary = "an encoder that fails", .source = "none", .licence = "Apache-2.0",
	.state_size = sizeof(fragile), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
