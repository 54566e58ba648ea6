/* SPDX-License-Identifier: Apache-2.0 */
#include <fairvox/stream.h>

#include "train/predict.h"
#include "train/stages_private.h"

typedef struct core_stages stages;

/* Makes predictions where no model was trained: zeros, or drawn by file name. */
static void make_up_predictions(const stages *s, const fv_rows *rows, int32_t width, float *out)
{
	for (int32_t i = 0; i < rows->n; i++) {
		fv_stream stream = fv_rng_seeded(
			(uint64_t)s->index, "preview", 0, fv_name_hash(rows->stem[i]));
		for (int32_t k = 0; k < width; k++)
			*out++ = s->drawn ? (float)(2 * fv_normal(&stream)) : 0;
	}
}

/* Returns the stages that the plugin's op `next` is called from, or NULL with a message if there is no
 * model. */
static const stages *find_stages(fv_ctx *ctx)
{
	const stages *s = core_ctx_stages(ctx);
	if (!s)
		(void)fv_fail(ctx, FV_FAILED,
			"no earlier stage has a model: predict in op next, where index > 0");
	else if (!s->index)
		(void)fv_fail(ctx, FV_FAILED,
			"op next, stage 1: no earlier stage has a model: predict where index > 0");
	return s && s->index ? s : NULL;
}

/* Returns the rows and their features, or NULL with a message. */
static const core_train_data *find_data(fv_ctx *ctx, const stages *s, const fv_rows *rows)
{
	if (rows == s->objective->setup.train)
		return &s->job->train;
	if (rows == s->objective->setup.dev)
		return &s->job->dev;
	(void)fv_fail(ctx, FV_FAILED,
		"predictions are made for the training rows or the development rows");
	return NULL;
}

fv_status fv_predict_rows(fv_ctx *ctx, const fv_rows *rows, float *logits)
{
	const stages *s = find_stages(ctx);
	const core_train_data *data = s ? find_data(ctx, s, rows) : NULL;
	if (!data)
		return FV_FAILED;
	if (s->last.plan)
		return core_train_predict(ctx, s->last.plan, s->last.params, data, logits);
	make_up_predictions(s, rows, rows->classes, logits);
	return FV_OK;
}

int32_t fv_representation_width(fv_ctx *ctx)
{
	const stages *s = find_stages(ctx);
	if (!s)
		return 0;
	return s->last.plan ? core_train_representation_width(ctx, s->last.plan)
			    : core_head_width(&s->job->shape);
}

fv_status fv_represent_rows(fv_ctx *ctx, const fv_rows *rows, float *x)
{
	const stages *s = find_stages(ctx);
	const core_train_data *data = s ? find_data(ctx, s, rows) : NULL;
	if (!data)
		return FV_FAILED;
	if (s->last.plan)
		return core_train_represent(ctx, s->last.plan, s->last.params, data, x);
	make_up_predictions(s, rows, core_head_width(&s->job->shape), x);
	return FV_OK;
}
