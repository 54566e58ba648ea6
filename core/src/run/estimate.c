/* SPDX-License-Identifier: Apache-2.0 */
#include "run/estimate.h"

#include <stdlib.h>
#include <string.h>

#include <fairvox/stages.h>

#include "base/clock.h"
#include "nn/adam.h"
#include "run/runner.h"

#define STEPS 8

fv_status core_estimate_recording(
	fv_ctx *ctx, const core_study *study, const core_encoding *encoding, double *seconds)
{
	const core_recordings *r = &study->set[encoding->set].recordings;
	const core_encoder *e = encoding->encoder;
	*seconds = 0;
	if (e->info.by_name || !r->n)
		return FV_OK;
	float *value = core_alloc(ctx, (size_t)e->layers * (size_t)e->dims, sizeof *value);
	if (!value)
		return FV_FAILED;
	const int64_t pick[] = {0, r->n / 2, r->n - 1};
	double begin = core_clock_s();
	for (int i = 0; i < 3; i++) {
		fv_status status = core_encoder_encode_file(
			ctx, e, r->path[pick[i]], core_recording_segment(r, pick[i]), value, NULL);
		if (status)
			return status;
	}
	*seconds = (core_clock_s() - begin) / 3;
	return FV_OK;
}

/* Buffers of a training step on zeros. `vector` holds parameters, gradient and both moments. */
struct step {
	core_head *head;
	int64_t count;
	float *vector, *x, *logits;
	const float **row;
};

static void train_steps(const struct step *s, int32_t batch, int32_t n)
{
	const core_adam adam = {.learning_rate = 1e-4};
	float *params = s->vector, *gradient = params + s->count;
	for (int32_t i = 1; i <= n; i++) {
		core_head_forward(s->head, params, s->row, batch, s->logits);
		core_head_backward(s->head, params, s->row, batch, s->logits, gradient);
		core_adam_step(&adam, i, core_clip_scale(core_norm(gradient, s->count), 1),
			s->count, params, gradient, gradient + s->count, gradient + 2 * s->count);
	}
}

fv_status core_estimate_step(
	fv_ctx *ctx, const core_study *study, const core_run *run, double *seconds)
{
	const core_variant *variant = core_run_variant(study, run);
	const core_encoder *e = study->encoding[run->encoding].encoder;
	int32_t batch = variant->train.batch;
	core_head_shape shape = core_run_data_shape(variant, e->spec->layer >= 0 ? 1 : e->layers,
		e->dims, study->fold[run->fold].corpus->classes);
	size_t width = (size_t)shape.layers * (size_t)shape.dims;
	struct step s = {.count = core_head_count(&shape)};
	s.vector = calloc(4 * (size_t)s.count, sizeof *s.vector);
	s.x = calloc((size_t)batch * width, sizeof *s.x);
	s.logits = core_alloc(ctx, (size_t)batch * (size_t)shape.classes, sizeof *s.logits);
	s.row = core_alloc(ctx, (size_t)batch, sizeof *s.row);
	fv_status status =
		s.logits && s.row ? core_head_new(ctx, &shape, batch, &s.head) : FV_FAILED;
	if (!status && (!s.vector || !s.x))
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	if (!status) {
		for (int32_t i = 0; i < batch; i++)
			s.row[i] = s.x + (size_t)i * width;
		train_steps(&s, batch, 2);
		double begin = core_clock_s();
		train_steps(&s, batch, STEPS);
		*seconds = (core_clock_s() - begin) / STEPS;
	}
	core_head_free(s.head);
	free(s.vector);
	free(s.x);
	return status;
}

static bool needs_features(const core_study *study, const core_run *run)
{
	for (int32_t i = 0; i < core_run_variant(study, run)->n_groupers; i++)
		if (run->group_encoding[i] >= 0)
			return true;
	return false;
}

fv_status core_estimate_rows(
	fv_ctx *ctx, const core_study *study, const core_run *run, core_run_rows *out)
{
	const core_fold *fold = &study->fold[run->fold];
	core_rows rows;
	fv_status status = core_bias_rows(ctx, fold->corpus, &core_run_variant(study, run)->bias,
		(uint64_t)run->seed, fold->fold, &rows);
	if (status)
		return status;
	*out = (core_run_rows){rows.n[CORE_TRAIN], rows.n[CORE_DEV], rows.n[CORE_TEST], {0}};
	core_run_data r = {.study = study, .run = run};
	if (!needs_features(study, run))
		return core_runner_preview(ctx, &r, true, &out->preview);
	const fv_descriptor *loss = core_run_variant(study, run)->loss.plugin->descriptor;
	bool staged = loss->extension && loss->extension(FV_STAGES_1);
	if (!staged || ((const fv_loss_ops *)loss->ops)->uses_groups)
		return FV_OK;
	return core_runner_preview(ctx, &r, false, &out->preview);
}
