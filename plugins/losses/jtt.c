/* SPDX-License-Identifier: Apache-2.0 */
/* Just train twice (JTT): what a briefly trained model gets wrong counts more in a second training.
 *
 *     stage 1   the mean loss for first_epochs epochs; the last model is used
 *     E         training rows with argmax_k z_k != argmax_k y_k under this model, first on ties
 *     stage 2   from fresh start weights, the mean over all rows, with those of E repeated lambda
 *               times: (sum_{i in E} lambda l_i + sum_{i not in E} l_i) / (lambda |E| + N - |E|)
 *
 * Shapes: z [N,C]. Rows of E appear lambda times in the list of an epoch, which is longer by
 * (lambda - 1) |E|. No groups. Validation: the mean in stage 1; in stage 2 (1/B) sum_i w_i l_i,
 * with w_i proportional to lambda if stage 1's model is wrong on the development row and to 1
 * otherwise, with mean 1. metrics.jsonl shows |E| as "errors".
 *
 * Source: Liu et al., "Just train twice: improving group robustness without training group
 * information", ICML 2021, eq. 2 and algorithm 1. They choose T, lambda and the epoch by
 * worst-group accuracy, which needs group labels; here train.select decides.
 */
#include <string.h>

#include "refit.h"

typedef struct jtt {
	int64_t first_epochs, lambda;
	const fv_loss_setup *setup;
	double *dev_weight; /* [dev n]; NULL in stage 1 */
	double *errors;     /* [1] */
} jtt;

static fv_status jtt_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	jtt *self = state;
	self->setup = setup;
	self->errors = fv_array(ctx, "errors", FV_F64, 1, 1);
	return self->errors ? FV_OK : FV_FAILED;
}

/* Marks the misclassified rows in error [n] and returns their number; -1 on an error, with a
 * message. */
static int64_t find_errors(fv_ctx *ctx, const fv_rows *rows, int32_t *error)
{
	size_t classes = (size_t)rows->classes;
	float *logits = fv_scratch(ctx, (size_t)rows->n * classes * sizeof *logits);
	int64_t n = 0;
	if (!logits || fv_predict_rows(ctx, rows, logits) != FV_OK)
		return -1;
	for (int32_t i = 0; i < rows->n; i++) {
		const float *z = logits + (size_t)i * classes;
		int32_t guess = 0;
		for (int32_t k = 1; k < rows->classes; k++)
			guess = z[k] > z[guess] ? k : guess;
		error[i] = guess != rows->klass[i];
		n += error[i];
	}
	return n;
}

static fv_status weigh_dev(jtt *self, fv_ctx *ctx)
{
	const fv_rows *dev = self->setup->dev;
	int32_t *error = fv_scratch(ctx, (size_t)dev->n * sizeof *error);
	self->dev_weight = fv_alloc(ctx, (size_t)dev->n * sizeof *self->dev_weight);
	if (!error || !self->dev_weight || find_errors(ctx, dev, error) < 0)
		return FV_FAILED;
	for (int32_t i = 0; i < dev->n; i++)
		self->dev_weight[i] = error[i] ? (double)self->lambda : 1;
	refit_normalise(self->dev_weight, dev->n);
	return FV_OK;
}

/* Lists all rows in order, those of E lambda times. */
static fv_status repeat_errors(jtt *self, fv_ctx *ctx, fv_stage *stage)
{
	const fv_rows *train = self->setup->train;
	int32_t *error = fv_scratch(ctx, (size_t)train->n * sizeof *error);
	int64_t n = error ? find_errors(ctx, train, error) : -1;
	if (n < 0)
		return FV_FAILED;
	self->errors[0] = (double)n;
	if (n == 0 || n == train->n)
		fv_warn(ctx,
			"the model of stage 1 is wrong on %s training rows, so stage 2 weights all "
			"rows "
			"alike",
			n ? "all" : "no");
	int64_t size = train->n + (self->lambda - 1) * n;
	if (size > INT32_MAX)
		return fv_fail(ctx, FV_CONFIG,
			"lambda %lld makes %lld rows of %d, more than can be trained on: choose a "
			"smaller "
			"lambda",
			(long long)self->lambda, (long long)size, train->n);
	int32_t *row = fv_alloc(ctx, (size_t)size * sizeof *row);
	if (!row)
		return FV_FAILED;
	stage->row = row;
	for (int32_t i = 0; i < train->n; i++)
		for (int64_t copy = 0; copy < (error[i] ? self->lambda : 1); copy++)
			row[stage->n++] = i;
	return FV_OK;
}

static fv_status jtt_next(void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	jtt *self = state;
	*more = index == 0;
	stage->fresh = 1;
	if (index == 0) {
		stage->epochs = self->first_epochs;
		stage->use_last = 1;
		return FV_OK;
	}
	fv_status status = weigh_dev(self, ctx);
	return status != FV_OK ? status : repeat_errors(self, ctx, stage);
}

static fv_status jtt_evaluate(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const jtt *self = state;
	(void)ctx;
	*value = refit_compute_mean(batch, self->dev_weight);
	return FV_OK;
}

static const fv_stages_1 stages = FV_STAGES(.next = jtt_next);

static const void *jtt_extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const fv_param params[] = {
	FV_PARAM_INT(jtt, first_epochs, .name = "first_epochs", .min = 1, .max = 1000000,
		.def_paper = "5", .doc = "epochs of the model whose errors count more: T"),
	FV_PARAM_INT(jtt, lambda, .name = "lambda", .min = 1, .max = 10000, .def_paper = "6",
		.doc = "how often a recording that it gets wrong appears in an epoch of stage 2"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.open = jtt_open, .evaluate = jtt_evaluate);

static const fv_descriptor descriptor = FV_LOSS(.name = "jtt", .version = "1.0.0",
	.summary = "just train twice: the errors of a short training count more in the next",
	.source = "Liu et al., Just train twice: improving group robustness without training "
		  "group information, ICML 2021, eq. 2",
	.licence = "Apache-2.0", .state_size = sizeof(jtt), FV_PARAMS(params), .ops = &ops,
	.extension = jtt_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
