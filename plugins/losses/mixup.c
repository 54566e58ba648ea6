/* SPDX-License-Identifier: Apache-2.0 */
/* Mixup: every sample is mixed with another one, features and labels alike.
 *
 *     x~_i = lambda_i x_i + (1 - lambda_i) x_j      y~ alike      lambda_i ~ Beta(alpha, alpha)
 *     value = (1/B) sum_i l(x~_i, y~_i)             v_i = 1/B
 *
 * Shapes: partner j [B], drawn uniformly from all training rows; lambda [B]. x are the pooled
 * hidden states of all layers, before anything trainable. A sample's draws are keyed by epoch and
 * file name, so they do not depend on its batch or on the order of a label file. No groups, no
 * state. The base loss is that of the mixed label. If class weights differ, it is not the mixture
 * of two base losses, because it is quadratic in the label. Validation: the mean, without mixing.
 *
 * Source: Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018.
 * Differences from the authors' code: one lambda per sample instead of one per batch, and partners
 * from all rows.
 */
#include "mixing.h"

typedef struct mixup {
	double alpha;
	int32_t n;
	named_row *row; /* [N] all rows, sorted by name */
} mixup;

static fv_status mixup_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	mixup *self = state;
	self->n = setup->train->n;
	self->row = fv_alloc(ctx, (size_t)self->n * sizeof *self->row);
	if (!self->row)
		return FV_FAILED;
	named_rows_sort(setup->train, self->row);
	return FV_OK;
}

static fv_status mixup_mix(
	void *state, fv_ctx *ctx, const fv_batch *batch, int32_t *partner_row, double *lambda)
{
	const mixup *self = state;
	for (int32_t i = 0; i < batch->n; i++) {
		fv_stream stream = mixing_open_stream(ctx, batch, i);
		partner_row[i] = self->row[fv_below(&stream, (uint64_t)self->n)].row;
		lambda[i] = mixing_draw_beta(&stream, self->alpha);
	}
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_REAL(mixup, alpha, .name = "alpha", .min = 0.001, .max = 1000, .def_paper = "0.2",
		.doc = "both parameters of the Beta distribution of the share: near 0 hardly "
		       "mixed, 1 uniform, large values half and half"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.open = mixup_open, .mix = mixup_mix);

static const fv_descriptor descriptor = FV_LOSS(.name = "mixup", .version = "1.0.0",
	.summary = "mixup: training on mixtures of two recordings' features and labels",
	.source = "Zhang et al., mixup: beyond empirical risk minimization, ICLR 2018",
	.licence = "Apache-2.0", .state_size = sizeof(mixup), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
