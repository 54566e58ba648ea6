/* SPDX-License-Identifier: Apache-2.0 */
/* A loss built from the headers of the first version of the ABI: the mean of the base losses, through every op
 * of an ordinary loss. It gives the same model as erm. */
#include <fairvox/fairvox.h>

typedef struct old_loss {
	int64_t whole;
	double real;
	int32_t flag, choice;
	const char *text, *path;
	fv_list list;
	const fv_loss_setup *setup;
	double *passes; /* [1,2] validation passes; the mean development loss of the last */
} old_loss;

static fv_status old_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	old_loss *self = state;
	const fv_rows *train = setup->train;
	self->setup = setup;
	self->passes = fv_array(ctx, "passes", FV_F64, 1, 2);
	if (!self->passes)
		return FV_FAILED;
	if (self->whole != 3 || self->real < 0.25 || self->flag != 1 || self->choice != 1 ||
		!self->text || self->path || self->list.n != 2)
		return fv_fail(ctx, FV_DATA, "parameters are not where they were");
	if (!train->label || !train->klass || !train->stem || !train->group || !train->duration)
		return fv_fail(ctx, FV_DATA, "rows are not where they were");
	double rows = 0;
	for (int32_t k = 0; k < train->classes; k++)
		rows += setup->count->c[k];
	if (rows < train->n || rows > train->n || setup->epochs < 1 || setup->batch < 1)
		return fv_fail(ctx, FV_DATA, "counts are not where they were");
	return FV_OK;
}

static fv_status old_subsample(void *state, fv_ctx *ctx, int32_t *row, int64_t cap, int64_t *n)
{
	const old_loss *self = state;
	*n = self->setup->train->n;
	if (*n > cap)
		return fv_fail(ctx, FV_FAILED, "room for %lld rows", (long long)cap);
	for (int32_t i = 0; i < *n; i++)
		row[i] = i;
	return FV_OK;
}

/* cppcheck-suppress constParameter ; the signature of the op */
static fv_status old_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	(void)state;
	return epoch > 0 && position && n > 0 ? FV_OK : fv_fail(ctx, FV_FAILED, "no epoch");
}

static fv_status old_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	(void)state, (void)ctx;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		v[i] = 1.0 / batch->n;
		*value += batch->loss[i];
	}
	*value /= batch->n;
	return FV_OK;
}

static fv_status old_evaluate(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	double *v = fv_scratch(ctx, (size_t)batch->n * sizeof *v);
	(void)state;
	return v ? old_weigh(NULL, ctx, batch, v, value) : FV_FAILED;
}

static fv_status old_validated(void *state, fv_ctx *ctx, const fv_batch *dev)
{
	old_loss *self = state;
	(void)ctx;
	self->passes[0]++;
	self->passes[1] = 0;
	for (int32_t i = 0; i < dev->n; i++)
		self->passes[1] += dev->loss[i] / dev->n;
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_INT(old_loss, whole, .name = "whole", .min = 0, .max = 9, .def_paper = "3",
		.doc = "a whole number"),
	FV_PARAM_REAL(old_loss, real, .name = "real", .def_paper = "0.5", .doc = "a number"),
	FV_PARAM_BOOL(old_loss, flag, .name = "flag", .def_paper = "true", .doc = "a switch"),
	FV_PARAM_CHOICE(old_loss, choice, .name = "choice", .choices = "a|b", .def_paper = "b",
		.doc = "a choice"),
	FV_PARAM_STRING(old_loss, text, .name = "text", .def_paper = "words", .doc = "a text"),
	FV_PARAM_PATH(old_loss, path, .name = "path", .doc = "a file"),
	FV_PARAM_LIST(old_loss, list, .name = "list", .def_paper = "[1, 2]", .doc = "numbers"),
};

static const fv_preset presets[] = {FV_PRESET("official", "train.clip", "none")};

static const fv_loss_ops ops = FV_LOSS_OPS(.uses_groups = 1, .uses_duration = 1,
	.exact_derivative = 1, .open = old_open, .subsample = old_subsample, .order = old_order,
	.weigh = old_weigh, .evaluate = old_evaluate, .validated = old_validated);

static const fv_descriptor descriptor = FV_LOSS(.name = "old_loss", .version = "1.0.0",
	.summary = "the mean, through every op", .source = "none", .licence = "Apache-2.0",
	.state_size = sizeof(old_loss), FV_PARAMS(params), FV_PRESETS(presets), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
