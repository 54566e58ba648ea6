/* SPDX-License-Identifier: Apache-2.0 */
#include "staged.h"

#include <string.h>

static fv_status script_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	staged_script *s = state;
	(void)ctx;
	s->opened++;
	s->setup = setup;
	return FV_OK;
}

static fv_status script_next(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	staged_script *s = state;
	assert_true(index < s->n && *more == 0 && stage->epochs == 0 && !stage->row);
	if (s->other)
		return fv_predict_rows(ctx, s->other, s->logits[0]);
	if (s->ask && index) {
		test_ok(ctx, fv_predict_rows(ctx, s->setup->train, s->logits[index]));
		test_ok(ctx, fv_predict_rows(ctx, s->setup->dev, s->dev_logits[index]));
	}
	uint32_t size = stage->size;
	*stage = s->stage[index];
	stage->size = size;
	*more = index + 1 < s->n;
	return FV_OK;
}

static void script_close(void *state)
{
	((staged_script *)state)->closed++;
}

static const fv_stages_1 stages = {.size = sizeof stages, .next = script_next};
static const fv_stages_1 own_groups = {
	.size = sizeof stages, .next = script_next, .makes_groups = 1};

static const void *extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const void *extension_own(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &own_groups;
}

static const fv_loss_ops ops = {.size = sizeof ops, .open = script_open, .close = script_close};
const fv_descriptor staged_loss = {
	.size = sizeof staged_loss, .name = "scripted", .ops = &ops, .extension = extension};
const fv_descriptor staged_grouping_loss = {
	.size = sizeof staged_loss, .name = "scripted", .ops = &ops, .extension = extension_own};

fv_status staged_record(void *user, const core_train_epoch *epoch)
{
	staged_history *h = user;
	h->calls[h->n] = -1;
	for (size_t i = 0; i < core_array_count(h->ctx); i++) {
		const core_array *array = core_array_at(h->ctx, i);
		const char *label = core_array_label(h->ctx, array);
		if (label && !strcmp(label, "calls"))
			h->calls[h->n] = *(const double *)array->data;
	}
	memcpy(h->params[h->n], epoch->params,
		(size_t)core_head_count(&task_shape) * sizeof(float));
	h->epoch[h->n++] = *epoch;
	return FV_OK;
}

task *staged_task(const fv_descriptor *loss, staged_script *s, staged_history *h)
{
	task *t = new_task(test_loss("erm"), false);
	t->job.loss = loss;
	t->job.loss_state = s;
	*h = (staged_history){.ctx = t->ctx};
	t->job.on_epoch = staged_record;
	t->job.user = h;
	return t;
}

bool staged_same_params(const float *a, const float *b)
{
	return !memcmp(a, b, (size_t)core_head_count(&task_shape) * sizeof *a);
}

void staged_run_plain(int epochs, const int32_t *row, int32_t n, staged_history *h, float *kept)
{
	staged_script s = {.n = 1, .stage = {{.epochs = epochs, .row = row, .n = n}}};
	task *t = staged_task(&staged_loss, &s, h);
	core_train_result result;
	if (!row) {
		t->job.loss = test_loss("erm");
		t->spec.epochs = epochs;
	}
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	memcpy(kept, result.params, (size_t)core_head_count(&task_shape) * sizeof *kept);
	free_task(t);
}
