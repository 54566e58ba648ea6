/* SPDX-License-Identifier: Apache-2.0 */
/* A grouper built from the headers of the first version of the ABI: recordings below and above a duration, with
 * memberships. */
#include <math.h>

#include <fairvox/fairvox.h>

typedef struct old_grouper {
	double seconds; /* the border; 0: the mean of the training rows */
} old_grouper;

static uint32_t old_uses(const void *state)
{
	(void)state;
	return FV_USE_DURATION | FV_USE_FILE | FV_USE_SPEAKER | FV_USE_CLASS | FV_USE_FEATURES;
}

/* The features are not used, but must be finite. */
static fv_status check_features(fv_ctx *ctx, const fv_grouper_input *rows)
{
	for (int64_t i = 0; i < (int64_t)rows->n * rows->layers * rows->dims; i++)
		if (!isfinite(rows->x[i]))
			return fv_fail(ctx, FV_DATA, "feature %lld is not finite", (long long)i);
	return FV_OK;
}

static fv_status old_fit(void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	static const char *const names[] = {"short", "long"};
	old_grouper *self = state;
	double sum = 0;
	if (!train->duration || !train->stem || !train->speaker || !train->klass || !train->x)
		return fv_fail(ctx, FV_DATA, "the input is not where it was");
	for (int32_t i = 0; i < train->n; i++)
		sum += isnan(train->duration[i]) ? 0 : train->duration[i];
	if (!(self->seconds > 0))
		self->seconds = sum / train->n;
	out->groups = 2;
	out->name = names;
	out->soft = 1;
	return check_features(ctx, train);
}

static fv_status old_assign(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	const old_grouper *self = state;
	for (int32_t i = 0; i < rows->n; i++) {
		double seconds = rows->duration[i];
		id[i] = isnan(seconds) ? -1 : seconds > self->seconds;
		for (int32_t g = 0; g < 2 && member; g++)
			member[2 * i + g] = (float)(id[i] == g);
	}
	return check_features(ctx, rows);
}

static const fv_param params[] = {FV_PARAM_REAL(old_grouper, seconds, .name = "seconds",
	.unit = "s", .min = 0, .max = 1000, .def_paper = "0", .doc = "the border; 0: the mean")};

static const fv_grouper_ops ops =
	FV_GROUPER_OPS(.uses = old_uses, .fit = old_fit, .assign = old_assign);

static const fv_descriptor descriptor = FV_GROUPER(.name = "old_grouper", .version = "1.0.0",
	.summary = "short and long recordings", .source = "none", .licence = "Apache-2.0",
	.state_size = sizeof(old_grouper), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
