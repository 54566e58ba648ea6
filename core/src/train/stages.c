/* SPDX-License-Identifier: Apache-2.0 */
#include "train/stages.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <fairvox/stages.h>
#include <fairvox/stream.h>

#include "base/plural.h"
#include "train/pass.h"
#include "train/predict.h"

struct core_stages {
	fv_ctx *ctx;
	const core_train_job *job;
	core_objective *objective;
	core_train_result last; /* of the stage before; plan NULL: none, or nothing is trained */
	int32_t index;          /* from 0 */
	int64_t shuffled;       /* epochs since the last fresh start */
	bool drawn;             /* predictions where nothing is trained */
};

typedef struct core_stages stages;

#define REPORT(s, ...) report_stage(s, FV_FAILED, __VA_ARGS__)

static fv_status FV_PRINTF(3, 4)
	report_stage(const stages *s, fv_status status, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return fv_fail(
		s->ctx, status, "loss %s: stage %d: %s", s->objective->name, s->index + 1, text);
}

static fv_status check_rows(const stages *s, const fv_stage *stage)
{
	int32_t all = s->objective->train.n;
	if (stage->row && (stage->n < 1 || stage->n > INT32_MAX))
		return REPORT(s, "%lld rows", (long long)stage->n);
	for (int64_t i = 0; stage->row && i < stage->n; i++)
		if (stage->row[i] < 0 || stage->row[i] >= all)
			return REPORT(s, "row %d, but rows are 0 to %d", (int)stage->row[i],
				(int)all - 1);
	double sum = 0;
	for (int32_t i = 0; stage->row_weight && i < all; i++) {
		double weight = stage->row_weight[i];
		if (!isfinite(weight) || weight < 0)
			return REPORT(s, "the weight of row %d is %g", (int)i, weight);
		sum += weight;
	}
	if (stage->row_weight && !(sum > 0 && isfinite(sum)))
		return REPORT(s, "the weights of the rows sum to %g", sum);
	return FV_OK;
}

static fv_status check_ids(
	const stages *s, const char *of, const int32_t *group, int32_t n, int32_t groups)
{
	for (int32_t i = 0; group && i < n; i++)
		if (group[i] < -1 || group[i] >= groups)
			return REPORT(s, "group %d of %s row %d is not in -1 to %d", (int)group[i],
				of, (int)i, (int)groups - 1);
	return FV_OK;
}

static fv_status check_groups(const stages *s, const fv_stage *stage)
{
	if (!stage->groups && !stage->group && !stage->dev_group)
		return FV_OK;
	if (!stage->loss)
		return REPORT(s, "has groups and delegates to no loss");
	if (stage->groups < 1 || stage->groups > 1 << 20 || !stage->group)
		return REPORT(s, "%d groups%s", (int)stage->groups,
			stage->group ? "" : ", but none of the rows");
	fv_status status =
		check_ids(s, "training", stage->group, s->objective->train.n, stage->groups);
	return status ? status
		      : check_ids(s, "development", stage->dev_group, s->objective->dev.n,
				stage->groups);
}

static const core_train_delegate *find_delegate(const stages *s, const fv_stage *stage)
{
	for (int32_t i = 0; stage->loss && i < s->job->n_delegates; i++)
		if (!strcmp(s->job->delegate[i].param, stage->loss))
			return &s->job->delegate[i];
	return NULL;
}

static fv_status check_stage(const stages *s, const fv_stage *stage)
{
	if (stage->epochs < 0 || stage->epochs > 1000000)
		return REPORT(s, "%lld epochs", (long long)stage->epochs);
	if (!isfinite(stage->learning_rate) || stage->learning_rate < 0)
		return REPORT(s, "learning rate %g", stage->learning_rate);
	if (!isfinite(stage->anchor) || stage->anchor < 0)
		return REPORT(s, "anchor %g", stage->anchor);
	if (stage->loss && !find_delegate(s, stage))
		return REPORT(s, "no parameter '%s' that names a loss", stage->loss);
	fv_status status = check_rows(s, stage);
	return status ? status : check_groups(s, stage);
}

static fv_status ask_stage(stages *s, fv_stage *stage, bool *more)
{
	if (s->index == CORE_STAGES_MAX)
		return REPORT(s, "more than %d stages", CORE_STAGES_MAX);
	core_ctx_set_stages(s->ctx, s);
	fv_status status = core_objective_next(s->objective, s->index, stage, more);
	core_ctx_set_stages(s->ctx, NULL);
	return status ? status : check_stage(s, stage);
}

/* Makes predictions where no model was trained: zeros, or drawn by file name. */
static void make_up_predictions(const stages *s, const fv_rows *rows, float *logits)
{
	for (int32_t i = 0; i < rows->n; i++) {
		fv_stream stream = fv_rng_seeded(
			(uint64_t)s->index, "preview", 0, fv_name_hash(rows->stem[i]));
		for (int32_t k = 0; k < rows->classes; k++)
			*logits++ = s->drawn ? (float)(2 * fv_normal(&stream)) : 0;
	}
}

fv_status fv_predict_rows(fv_ctx *ctx, const fv_rows *rows, float *logits)
{
	const stages *s = core_ctx_stages(ctx);
	if (!s || !s->index)
		return fv_fail(
			ctx, FV_FAILED, "no earlier stage has a model: predict in a later stage");
	const core_train_data *data = rows == s->objective->setup.train ? &s->job->train
				      : rows == s->objective->setup.dev ? &s->job->dev
									: NULL;
	if (!data)
		return fv_fail(ctx, FV_FAILED,
			"predictions are made for the training rows or the development rows");
	if (s->last.plan)
		return core_train_predict(ctx, s->last.plan, s->last.params, data, logits);
	make_up_predictions(s, rows, logits);
	return FV_OK;
}

/* --- what a delegate sees ---------------------------------------------------------------------- */

/* Returns out with out[i] = from[row[i]], `width` bytes each, or `from` itself if there are no rows to pick.
 * NULL: no memory. */
static const void *gather_rows(
	fv_ctx *ctx, const void *from, size_t width, const int32_t *row, int32_t n)
{
	char *out = row && from ? core_alloc(ctx, (size_t)n, width) : NULL;
	if (!row || !from)
		return from;
	for (int32_t i = 0; out && i < n; i++)
		memcpy(out + (size_t)i * width, (const char *)from + (size_t)row[i] * width, width);
	return out;
}

static void set_groups(fv_rows *rows, int32_t groups, const int32_t *group)
{
	rows->groups = groups;
	rows->group = groups ? group : NULL;
	rows->member = NULL;
}

/* Replaces the groups of the job's rows by those of the stage. */
static fv_status show_groups(const stages *s, const fv_stage *stage, fv_rows *train, fv_rows *dev)
{
	if (!stage->groups) {
		if (s->objective->stages.makes_groups) {
			set_groups(train, 0, NULL);
			set_groups(dev, 0, NULL);
		}
		return FV_OK;
	}
	const int32_t *dev_group = stage->dev_group;
	if (!dev_group) {
		int32_t *unknown = core_alloc(s->ctx, (size_t)dev->n, sizeof *unknown);
		if (!unknown)
			return FV_FAILED;
		for (int32_t i = 0; i < dev->n; i++)
			unknown[i] = -1;
		dev_group = unknown;
	}
	set_groups(train, stage->groups, stage->group);
	set_groups(dev, stage->groups, dev_group);
	return FV_OK;
}

/* Reduces the training rows to those of the stage, numbered from 0. */
static fv_status show_rows(const stages *s, const fv_stage *stage, core_train_data *train)
{
	fv_ctx *ctx = s->ctx;
	fv_rows *rows = &train->rows;
	const int32_t *row = stage->row;
	int32_t n = (int32_t)stage->n;
	size_t classes = (size_t)rows->classes, groups = (size_t)rows->groups;
	if (!row)
		return FV_OK;
	const fv_rows all = *rows;
	rows->n = n;
	rows->label = gather_rows(ctx, all.label, classes * sizeof *all.label, row, n);
	rows->klass = gather_rows(ctx, all.klass, sizeof *all.klass, row, n);
	rows->group = gather_rows(ctx, all.group, sizeof *all.group, row, n);
	rows->member = gather_rows(ctx, all.member, groups * sizeof *all.member, row, n);
	rows->stem = gather_rows(ctx, all.stem, sizeof *all.stem, row, n);
	rows->speaker = gather_rows(ctx, all.speaker, sizeof *all.speaker, row, n);
	train->index =
		train->index ? gather_rows(ctx, train->index, sizeof *train->index, row, n) : row;
	return rows->label && rows->klass && rows->stem && train->index &&
			       (rows->group || !all.group) && (rows->member || !all.member) &&
			       (rows->speaker || !all.speaker)
		       ? FV_OK
		       : FV_FAILED;
}

static fv_status prepare_delegate(
	const stages *s, const fv_stage *stage, core_train_job *job, core_train_pass *pass)
{
	const core_train_delegate *to = find_delegate(s, stage);
	fv_status status = show_groups(s, stage, &job->train.rows, &job->dev.rows);
	if (status == FV_OK)
		status = show_rows(s, stage, &job->train);
	if (status != FV_OK)
		return status;
	if (to->loss->extension && to->loss->extension(FV_STAGES_1))
		return report_stage(
			s, FV_CONFIG, "loss %s trains in stages itself", to->loss->name);
	job->loss = to->loss;
	job->loss_state = core_alloc(s->ctx, 1, to->loss->state_size);
	pass->row_weight = gather_rows(s->ctx, stage->row_weight, sizeof *stage->row_weight,
		stage->row, (int32_t)stage->n);
	if (!job->loss_state || (stage->row_weight && !pass->row_weight))
		return FV_FAILED;
	memcpy(job->loss_state, to->state, to->loss->state_size);
	return FV_OK;
}

/* Prepares a stage that the plugin trains itself, on rows of the run. */
static fv_status prepare_own(const stages *s, const fv_stage *stage, core_train_pass *pass)
{
	pass->objective = s->objective;
	pass->row_weight = stage->row_weight;
	pass->row = stage->row;
	pass->n = stage->row ? (int32_t)stage->n : s->objective->train.n;
	if (stage->row)
		return FV_OK;
	int32_t *all = core_alloc(s->ctx, (size_t)pass->n, sizeof *all);
	for (int32_t i = 0; all && i < pass->n; i++)
		all[i] = i;
	pass->row = all;
	return all ? FV_OK : FV_FAILED;
}

/* --- the stages -------------------------------------------------------------------------------- */

static core_train_spec make_spec(const stages *s, const fv_stage *stage)
{
	core_train_spec spec = *s->job->spec;
	if (stage->epochs)
		spec.epochs = (int32_t)stage->epochs;
	if (stage->learning_rate > 0)
		spec.learning_rate = stage->learning_rate;
	return spec;
}

static fv_status train_stage(stages *s, const fv_stage *stage)
{
	const core_train_spec spec = make_spec(s, stage);
	core_train_job job = *s->job;
	core_train_pass pass = {.stage = s->index + 1,
		.class_weight = s->objective->setup.class_weight,
		.anchor = stage->anchor,
		.output_only = stage->output_only != 0,
		.use_last = stage->use_last != 0};
	job.spec = &spec;
	if (stage->fresh || !s->index) {
		s->shuffled = 0;
	} else {
		pass.from = s->last.plan;
		pass.from_params = s->last.params;
		pass.shuffled = s->shuffled;
	}
	s->shuffled += spec.epochs;
	fv_status status = stage->loss ? prepare_delegate(s, stage, &job, &pass)
				       : prepare_own(s, stage, &pass);
	if (status != FV_OK)
		return status;
	core_train_result result;
	core_ctx_set_scope(s->ctx, stage->loss ? pass.stage : 0);
	status = core_train_pass_run(s->ctx, &job, &pass, &result);
	core_ctx_set_scope(s->ctx, 0);
	if (status != FV_OK)
		return status;
	core_log(s->ctx, CORE_INFO, "stage %d (%s): %d row%s, epoch %d of %d kept%s", pass.stage,
		job.loss->name, (int)result.subsample, core_plural(result.subsample),
		(int)result.selected_epoch, (int)spec.epochs, stage->use_last ? ", the last" : "");
	result.candidates += s->last.candidates;
	s->last = result;
	return FV_OK;
}

fv_status core_stages_run(fv_ctx *ctx, const core_train_job *job, core_objective *objective,
	core_train_result *result)
{
	stages s = {.ctx = ctx, .job = job, .objective = objective};
	fv_stage stage;
	bool more = true;
	if (job->order)
		return fv_fail(ctx, FV_CONFIG,
			"train.order cannot be used: loss %s trains in stages", objective->name);
	for (; more; s.index++) {
		fv_status status = ask_stage(&s, &stage, &more);
		if (status == FV_OK)
			status = train_stage(&s, &stage);
		if (status != FV_OK)
			return status;
	}
	*result = s.last;
	return FV_OK;
}

fv_status core_stages_walk(fv_ctx *ctx, const core_train_job *job, core_objective *objective,
	bool drawn, void (*each)(void *user, const fv_stage *stage), void *user)
{
	stages s = {.ctx = ctx, .job = job, .objective = objective, .drawn = drawn};
	fv_stage stage;
	bool more = true;
	for (; more; s.index++) {
		fv_status status = ask_stage(&s, &stage, &more);
		if (status != FV_OK)
			return status;
		each(user, &stage);
	}
	return FV_OK;
}

struct preview {
	stages s;
	core_train_preview *out;
};

static void note_stage(void *user, const fv_stage *stage)
{
	const struct preview *p = user;
	const core_train_delegate *to = find_delegate(&p->s, stage);
	int32_t at = p->out->n++;
	p->out->stage[at].loss = to ? to->loss->name : p->s.objective->name;
	p->out->stage[at].epochs = make_spec(&p->s, stage).epochs;
	p->out->stage[at].rows = stage->row ? (int32_t)stage->n : p->s.objective->train.n;
}

fv_status core_stages_preview(
	fv_ctx *ctx, const core_train_job *job, core_objective *objective, core_train_preview *out)
{
	struct preview p = {{.ctx = ctx, .job = job, .objective = objective}, out};
	return core_stages_walk(ctx, job, objective, false, note_stage, &p);
}
