/* SPDX-License-Identifier: Apache-2.0 */
#include "run/estimate.h"

#include <stdlib.h>
#include <string.h>

#include <fairvox/stages.h>
#include <fairvox/stream.h>

#include "base/clock.h"
#include "nn/adam.h"
#include "run/output.h"
#include "run/runner.h"

#define STEPS 8

/* Buffers of a training step on zeros. `vector` holds parameters, gradient and both moments. */
struct step {
	core_head *head;
	int64_t count;
	float *vector, *x, *logits;
	const float **row;
};

static void train_step(const struct step *s, int32_t batch, int32_t number)
{
	const core_adam adam = {.learning_rate = 1e-4};
	float *params = s->vector, *gradient = params + s->count;
	core_head_forward(s->head, params, s->row, batch, s->logits);
	core_head_backward(s->head, params, s->row, batch, s->logits, gradient);
	core_adam_step(&adam, number, core_clip_scale(core_vector_norm(gradient, s->count), 1),
		s->count, params, gradient, gradient + s->count, gradient + 2 * s->count);
}

/* Seconds of a training step and of a forward pass of a batch. */
static void time_steps(const struct step *s, int32_t batch, double *step_s, double *forward_s)
{
	for (int32_t i = 1; i <= 2; i++) /* the first ones are slower */
		train_step(s, batch, i);
	double begin = core_clock_s();
	for (int32_t i = 1; i <= STEPS; i++)
		train_step(s, batch, 2 + i);
	double trained = core_clock_s();
	for (int32_t i = 0; i < STEPS; i++)
		core_head_forward(s->head, s->vector, s->row, batch, s->logits);
	*step_s = (trained - begin) / STEPS;
	*forward_s = (core_clock_s() - trained) / STEPS;
}

/* Measures a training step of a batch. */
static fv_status measure_step(fv_ctx *ctx, core_step_cost *cost)
{
	const core_head_shape *shape = &cost->shape;
	int32_t batch = cost->batch;
	size_t width = (size_t)shape->layers * (size_t)shape->dims;
	struct step s = {.count = core_head_count(shape)};
	s.vector = calloc(4 * (size_t)s.count, sizeof *s.vector);
	s.x = calloc((size_t)batch * width, sizeof *s.x);
	s.logits = core_alloc(ctx, (size_t)batch * (size_t)shape->classes, sizeof *s.logits);
	s.row = core_alloc(ctx, (size_t)batch, sizeof *s.row);
	fv_status status =
		s.logits && s.row ? core_head_new(ctx, shape, batch, &s.head) : FV_FAILED;
	if (!status && (!s.vector || !s.x))
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	if (!status) {
		for (int32_t i = 0; i < batch; i++)
			s.row[i] = s.x + (size_t)i * width;
		time_steps(&s, batch, &cost->step_s, &cost->forward_s);
	}
	core_head_free(s.head);
	free(s.vector);
	free(s.x);
	return status;
}

static bool has_shape(const core_step_cost *cost, const core_head_shape *shape, int32_t batch)
{
	const core_head_shape *own = &cost->shape;
	if (cost->batch != batch || own->layers != shape->layers || own->dims != shape->dims ||
		own->projection != shape->projection || own->classes != shape->classes ||
		own->n_hidden != shape->n_hidden || own->activation != shape->activation ||
		own->dropout != shape->dropout)
		return false;
	return !memcmp(own->hidden, shape->hidden, (size_t)shape->n_hidden * sizeof *shape->hidden);
}

/* Returns what a training step of the run takes, which all runs of its shape share; NULL on failure. */
static const core_step_cost *find_step(
	fv_ctx *ctx, const core_study *study, const core_run *run, core_run_costs *costs)
{
	const core_variant *variant = core_run_variant(study, run);
	const core_encoder *e = study->encoding[run->encoding].encoder;
	core_head_shape shape = core_run_data_shape(variant, e->spec->layer >= 0 ? 1 : e->layers,
		e->dims, study->fold[run->fold].corpus->classes);
	for (size_t i = 0; i < costs->n_steps && i < CORE_STEP_COSTS; i++)
		if (has_shape(&costs->step[i], &shape, variant->train.batch))
			return &costs->step[i];
	core_step_cost cost = {.shape = shape, .batch = variant->train.batch};
	if (measure_step(ctx, &cost))
		return NULL;
	core_step_cost *kept = &costs->step[costs->n_steps++ % CORE_STEP_COSTS];
	*kept = cost;
	return kept;
}

/* Makes predictions of all test and development rows, drawn at random. */
static fv_status draw_predictions(fv_ctx *ctx, core_run_data *r)
{
	size_t classes = (size_t)r->corpus->classes;
	for (int split = CORE_DEV; split < core_rows_splits(&r->rows); split++) {
		size_t n = (size_t)r->rows.n[split];
		float *prob = r->prob[split] = core_alloc(ctx, n * classes, sizeof *prob);
		fv_stream stream = fv_rng(ctx, "estimate", 0, (uint64_t)split);
		if (!prob)
			return FV_FAILED;
		for (size_t i = 0; i < n; i++) {
			double sum = 0;
			for (size_t c = 0; c < classes; c++)
				sum += prob[i * classes + c] = (float)fv_uniform(&stream) + 0.01f;
			for (size_t c = 0; c < classes; c++)
				prob[i * classes + c] /= (float)sum;
		}
	}
	return FV_OK;
}

/* Seconds to compute metrics.json, with its nulls and intervals. */
static fv_status estimate_evaluation(
	fv_ctx *ctx, const core_study *study, const core_run *run, core_run_costs *costs)
{
	int32_t set = study->fold[run->fold].set;
	if (costs->evaluation && costs->set == set &&
		!strcmp(costs->evaluation, run->evaluation->json))
		return FV_OK;
	fv_ctx *own = core_ctx_aside(ctx);
	core_run_data r = {.study = study, .run = run};
	char *json;
	fv_status status = own ? core_run_data_find_rows(own, &r) : FV_FAILED;
	if (!status)
		status = draw_predictions(own, &r);
	double begin = core_clock_s();
	if (!status)
		status = core_output_measure(own, &r, &json);
	costs->evaluation = run->evaluation->json;
	costs->set = set;
	costs->evaluate_s = core_clock_s() - begin;
	return own ? core_ctx_rejoin(ctx, own, status) : status;
}

static bool needs_features(const core_study *study, const core_run *run)
{
	for (int32_t i = 0; i < core_run_variant(study, run)->n_groupers; i++)
		if (run->group_encoding[i] >= 0)
			return true;
	return false;
}

/* Whether the training can be previewed before groups are inferred: stages of a loss that uses none. */
static bool needs_no_groups(const core_study *study, const core_run *run)
{
	const fv_descriptor *loss = core_run_variant(study, run)->loss.plugin->descriptor;
	bool staged = loss->extension && loss->extension(FV_STAGES_1);
	return staged && !((const fv_loss_ops *)loss->ops)->uses_groups;
}

fv_status core_estimate_rows(
	fv_ctx *ctx, const core_study *study, const core_run *run, core_run_rows *out)
{
	core_run_data r = {.study = study, .run = run};
	*out = (core_run_rows){0};
	bool inferred = needs_features(study, run);
	fv_status status = inferred && !needs_no_groups(study, run)
				   ? core_run_data_find_rows(ctx, &r)
				   : core_runner_preview(ctx, &r, !inferred, &out->preview);
	out->train = r.rows.n[CORE_TRAIN];
	out->dev = r.rows.n[CORE_DEV];
	out->test = r.rows.n[CORE_TEST];
	return status;
}

fv_status core_estimate_run(fv_ctx *ctx, const core_study *study, const core_run *run,
	const core_run_rows *rows, core_run_costs *costs, double *seconds)
{
	const core_train_spec *train = &core_run_variant(study, run)->train;
	core_train_preview preview = rows->preview;
	const core_step_cost *step = find_step(ctx, study, run, costs);
	fv_status status = step ? estimate_evaluation(ctx, study, run, costs) : FV_FAILED;
	if (status)
		return status;
	if (!preview.n) {
		preview.n = 1;
		preview.stage[0].rows = rows->train;
		preview.stage[0].epochs = train->epochs;
	}
	double validation_s = step->forward_s * rows->dev / train->batch;
	*seconds = costs->evaluate_s;
	for (int32_t i = 0; i < preview.n; i++) {
		int32_t steps = (preview.stage[i].rows + train->batch - 1) / train->batch;
		*seconds += preview.stage[i].epochs * (step->step_s * steps + validation_s);
	}
	return FV_OK;
}
