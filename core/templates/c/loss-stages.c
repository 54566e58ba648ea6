/* SPDX-License-Identifier: Apache-2.0 */
/* my_plugin: trains twice; in the second training the rows that the first model gets wrong count more.
 *
 *     stage 1: first_epochs epochs of the mean base loss
 *     stage 2: a new model, with the base loss of row i times w_i = factor if the model of stage 1 takes
 *              row i for another class, and 1 otherwise
 *
 * Shapes: w [N], one for each training row. Ties between classes go to the first. No groups. Validation:
 * the mean base loss, in both stages.
 *
 * What to change: ask_stage, which is called before each training stage and fills in what differs from an
 * ordinary training. fairvox/stages.h lists the members: rows, weights, labels and groups of the stage,
 * the model that it starts from, averages of models, another loss that it delegates to. Without an op
 * `weigh` a stage trains the mean base loss; the ops of fairvox/loss.h work in every stage of its own.
 */
#include <string.h>

#include <fairvox/fairvox.h>

typedef struct state {
	double factor;
	int64_t first_epochs;
	const fv_rows *train; /* filled in by open_loss, like all below */
	double *weight;       /* [N] */
} state;

static fv_status open_loss(void *self, fv_ctx *ctx, const fv_loss_setup *setup)
{
	state *s = self;
	s->train = setup->train;
	s->weight = fv_alloc(ctx, (size_t)setup->train->n * sizeof *s->weight);
	return s->weight ? FV_OK : FV_FAILED;
}

static int32_t find_largest(const float *logits, int32_t classes)
{
	int32_t largest = 0;
	for (int32_t k = 1; k < classes; k++)
		largest = logits[k] > logits[largest] ? k : largest;
	return largest;
}

/* Writes the weights of the rows by what the model of the stage before makes of them. */
static fv_status weigh_rows(const state *s, fv_ctx *ctx)
{
	const fv_rows *rows = s->train;
	size_t classes = (size_t)rows->classes;
	float *logits = fv_scratch(ctx, (size_t)rows->n * classes * sizeof *logits);
	if (!logits || fv_predict_rows(ctx, rows, logits))
		return FV_FAILED;
	for (int32_t i = 0; i < rows->n; i++) {
		const float *row = logits + (size_t)i * classes;
		s->weight[i] = find_largest(row, rows->classes) == rows->klass[i] ? 1 : s->factor;
	}
	return FV_OK;
}

static fv_status ask_stage(void *self, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	const state *s = self;
	if (index == 0) {
		stage->epochs = s->first_epochs;
		stage->use_last = 1; /* the model of the last epoch, not of the best */
		*more = 1;           /* a stage follows */
		return FV_OK;
	}
	stage->fresh = 1; /* a new model; 0 would go on with that of stage 1 */
	stage->row_weight = s->weight;
	return weigh_rows(s, ctx);
}

static const fv_stages_1 stages = FV_STAGES(.next = ask_stage);

static const void *find_extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

/* Without a default (.def_paper) the user must give a number or choice; `fairvox check` then takes -p key=value. */
static const fv_param params[] = {
	FV_PARAM_REAL(state, factor, .name = "factor", .min = 1, .max = 1000, .def_paper = "5",
		.doc = "how much more a row counts that the first model gets wrong"),
	FV_PARAM_INT(state, first_epochs, .name = "first_epochs", .min = 1, .max = 10000,
		.def_paper = "5", .doc = "epochs of the first training"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.open = open_loss);

static const fv_descriptor descriptor = FV_LOSS(.name = "my_plugin", .version = "0.1",
	.summary = "a second training in which the errors of the first count more",
	.source = "an example: name the paper here", .licence = "Apache-2.0",
	.state_size = sizeof(state), FV_PARAMS(params), .ops = &ops, .extension = find_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
