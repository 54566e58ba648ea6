/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "train/stages_private.h"

typedef struct core_stages stages;

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

/* Finds the first of the largest shares of each label -> memory of the context; NULL if it is out. */
static const int32_t *find_classes(fv_ctx *ctx, const float *label, int32_t n, int32_t classes)
{
	int32_t *klass = core_alloc(ctx, (size_t)n, sizeof *klass);
	for (int32_t i = 0; klass && i < n; i++, label += classes)
		for (int32_t k = 1; k < classes; k++)
			klass[i] = label[k] > label[klass[i]] ? k : klass[i];
	return klass;
}

/* Replaces the labels of rows, unless label is NULL. */
static fv_status set_labels(fv_ctx *ctx, const float *label, fv_rows *rows)
{
	if (!label)
		return FV_OK;
	rows->label = label;
	rows->klass = find_classes(ctx, label, rows->n, rows->classes);
	return rows->klass ? FV_OK : FV_FAILED;
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
	rows->duration = gather_rows(ctx, all.duration, sizeof *all.duration, row, n);
	train->index =
		train->index ? gather_rows(ctx, train->index, sizeof *train->index, row, n) : row;
	return rows->label && rows->klass && rows->stem && train->index &&
			       (rows->group || !all.group) && (rows->member || !all.member) &&
			       (rows->speaker || !all.speaker) && (rows->duration || !all.duration)
		       ? FV_OK
		       : FV_FAILED;
}

static fv_status prepare_delegate(
	const stages *s, const fv_stage *stage, core_train_job *job, core_train_pass *pass)
{
	const core_train_delegate *to = core_stages_delegate(s, stage);
	fv_status status = show_groups(s, stage, &job->train.rows, &job->dev.rows);
	if (status == FV_OK)
		status = show_rows(s, stage, &job->train);
	if (status != FV_OK)
		return status;
	if (to->loss->extension && to->loss->extension(FV_STAGES_1))
		return core_stages_fail(s, FV_CONFIG,
			"parameter %s names loss %s, which trains in stages itself: name another",
			stage->loss, to->loss->name);
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

fv_status core_stages_show_rows(
	const stages *s, const fv_stage *stage, core_train_job *job, core_train_pass *pass)
{
	fv_status status = set_labels(s->ctx, stage->label, &job->train.rows);
	if (status == FV_OK)
		status = set_labels(s->ctx, stage->dev_label, &job->dev.rows);
	if (status != FV_OK)
		return status;
	return stage->loss ? prepare_delegate(s, stage, job, pass) : prepare_own(s, stage, pass);
}
