/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "plugin/lists.h"
#include "train/stages_private.h"

typedef struct core_stages stages;

#define REPORT(s, ...) core_stages_fail(s, FV_FAILED, __VA_ARGS__)

fv_status core_stages_fail(const stages *s, fv_status status, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return fv_fail(s->ctx, status, "loss %s: op next, stage %d: %s", s->objective->name,
		s->index + 1, text);
}

/* Checks that the memory of each list reaches as far as its count says. */
static fv_status check_lists(const stages *s, const fv_stage *stage)
{
	const int64_t train = s->objective->train.n, dev = s->objective->dev.n;
	const int64_t classes = s->objective->train.classes;
	const struct {
		const char *name, *count;
		const void *data;
		int64_t n;
		size_t size;
	} list[] = {
		{"row", "n", stage->row, stage->n, sizeof *stage->row},
		{"row_weight", "N", stage->row_weight, train, sizeof *stage->row_weight},
		{"label", "N C", stage->label, train * classes, sizeof *stage->label},
		{"dev_label", "M C", stage->dev_label, dev * classes, sizeof *stage->dev_label},
		{"group", "N", stage->group, train, sizeof *stage->group},
		{"dev_group", "M", stage->dev_group, dev, sizeof *stage->dev_group},
		{"average", "n_average", stage->average, stage->n_average, sizeof *stage->average},
	};
	fv_status status = FV_OK;
	for (size_t i = 0; i < sizeof list / sizeof *list && !status; i++) {
		char name[96];
		snprintf(name, sizeof name, "loss %s: op next, stage %d: stage->%s",
			s->objective->name, s->index + 1, list[i].name);
		if (list[i].data)
			status = core_list_check(
				s->ctx, name, list[i].count, list[i].data, list[i].n, list[i].size);
	}
	return status;
}

/* Weights by position in stage->row instead of by training row end with the n-th: rows of the stage that stand behind
 * it have none, and rows that are not in the stage do. Returns such a row of the stage; -1: none. */
static int32_t find_shifted_weight(const stages *s, const fv_stage *stage)
{
	const int32_t all = s->objective->train.n, n = (int32_t)stage->n;
	const double *weight = stage->row_weight;
	double inside = 0, before = 0;
	int32_t behind = -1;
	if (!stage->row || !weight || stage->n >= all || !(weight[n - 1] > 0))
		return -1;
	for (int32_t i = 0; i < all; i++) {
		if (i >= n && weight[i] > 0)
			return -1;
		before += weight[i];
	}
	for (int32_t i = 0; i < n; i++) {
		behind = stage->row[i] >= n ? stage->row[i] : behind;
		inside += weight[stage->row[i]];
	}
	return inside < before ? behind : -1;
}

static fv_status check_rows(const stages *s, const fv_stage *stage)
{
	int32_t all = s->objective->train.n;
	if (stage->row && (stage->n < 1 || stage->n > INT32_MAX))
		return REPORT(s,
			"stage->n is %lld, but stage->row is set: write how many rows it has, or "
			"leave "
			"row NULL for all",
			(long long)stage->n);
	for (int64_t i = 0; stage->row && i < stage->n; i++)
		if (stage->row[i] < 0 || stage->row[i] >= all)
			return REPORT(s,
				"stage->row[%lld] is %d, but rows are 0 to %d: write positions in "
				"setup->train",
				(long long)i, (int)stage->row[i], (int)all - 1);
	double sum = 0;
	for (int32_t i = 0; stage->row_weight && i < all; i++) {
		double weight = stage->row_weight[i];
		if (!isfinite(weight) || weight < 0)
			return REPORT(s,
				"stage->row_weight[%d] is %g: write a finite number, from 0 on",
				(int)i, core_printable(weight));
		sum += weight;
	}
	if (stage->row_weight && !(sum > 0 && isfinite(sum)))
		return REPORT(s, "stage->row_weight sums to %g: give some row a weight above 0",
			core_printable(sum));
	int32_t shifted = find_shifted_weight(s, stage);
	if (shifted >= 0)
		return REPORT(s,
			"stage->row_weight is above 0 up to row %d, for the %d rows of the stage, "
			"but row "
			"%d of it has weight 0: write weights by training row, row_weight[row[i]]",
			(int)stage->n - 1, (int)stage->n, (int)shifted);
	return FV_OK;
}

static fv_status check_ids(
	const stages *s, const char *of, const int32_t *group, int32_t n, int32_t groups)
{
	for (int32_t i = 0; group && i < n; i++)
		if (group[i] < -1 || group[i] >= groups)
			return REPORT(s,
				"stage->%s[%d] is %d, but stage->groups is %d: write -1 to %d", of,
				(int)i, (int)group[i], (int)groups, (int)groups - 1);
	return FV_OK;
}

static fv_status check_groups(const stages *s, const fv_stage *stage)
{
	if (!stage->groups && !stage->group && !stage->dev_group)
		return FV_OK;
	if (!stage->loss)
		return REPORT(s,
			"stage->groups is %d, but stage->loss is NULL: only a loss that is "
			"delegated "
			"to sees groups of a stage",
			(int)stage->groups);
	if (stage->groups < 1 || stage->groups > 1 << 20 || !stage->group)
		return REPORT(s, "stage->groups is %d%s: write both, or neither",
			(int)stage->groups, stage->group ? "" : ", but stage->group is NULL");
	fv_status status =
		check_ids(s, "group", stage->group, s->objective->train.n, stage->groups);
	return status ? status
		      : check_ids(s, "dev_group", stage->dev_group, s->objective->dev.n,
				stage->groups);
}

static fv_status check_labels(const stages *s, const char *of, const float *label, int32_t n)
{
	int32_t classes = s->objective->train.classes;
	for (int32_t i = 0; label && i < n; i++) {
		const float *row = label + (size_t)i * (size_t)classes;
		double sum = 0, least = 0;
		for (int32_t k = 0; k < classes; k++) {
			least = fmin(least, (double)row[k]);
			sum += (double)row[k]; /* NaN if a share is */
		}
		if (least < 0 || !(fabs(sum - 1) < 1e-3))
			return REPORT(s,
				"stage->%s of row %d sums to %g, its least share is %g: write "
				"shares from "
				"0 on that sum to 1",
				of, (int)i, core_printable(sum), core_printable(least));
	}
	return FV_OK;
}

/* Returns true if a member is set that only a stage with training has. */
static bool has_training(const fv_stage *t)
{
	return t->fresh || t->start || t->fresh_output || t->output_only || t->use_last || t->row ||
	       t->row_weight || t->label || t->dev_label || t->groups || t->group || t->dev_group ||
	       t->epochs || t->learning_rate > 0 || t->anchor > 0 || t->output_l1 > 0 || t->loss;
}

/* Checks which models the stage starts from or averages: only stages before it have one. */
static fv_status check_models(const stages *s, const fv_stage *stage)
{
	if (stage->start && !s->index)
		return REPORT(s,
			"stage->start is %d, but no stage before it has a model: leave it 0 in the "
			"first stage",
			(int)stage->start);
	if (stage->start < 0 || stage->start > s->index)
		return REPORT(s,
			"stage->start is %d, but only stages before it have a model: write 1 to "
			"%d, or "
			"0 for the one before",
			(int)stage->start, (int)s->index);
	if (stage->start && stage->fresh)
		return REPORT(s, "stage->start is %d and stage->fresh is set: set one of them",
			(int)stage->start);
	if (stage->n_average < 0 || stage->n_average > s->index ||
		(stage->n_average && !stage->average))
		return REPORT(s, "stage->n_average is %d%s: name some of the %d stages before it",
			(int)stage->n_average, stage->average ? "" : ", but stage->average is NULL",
			(int)s->index);
	for (int32_t i = 0; i < stage->n_average; i++)
		if (stage->average[i] < 1 || stage->average[i] > s->index)
			return REPORT(s,
				"stage->average[%d] is %d, but only stages before it have a model: "
				"write "
				"1 to %d",
				(int)i, (int)stage->average[i], (int)s->index);
	if (stage->n_average && has_training(stage))
		return REPORT(s,
			"stage->n_average is %d: a stage that averages models trains nothing, so "
			"leave "
			"all other members 0",
			(int)stage->n_average);
	return FV_OK;
}

const core_train_delegate *core_stages_delegate(const stages *s, const fv_stage *stage)
{
	for (int32_t i = 0; stage->loss && i < s->job->n_delegates; i++)
		if (!strcmp(s->job->delegate[i].param, stage->loss))
			return &s->job->delegate[i];
	return NULL;
}

fv_status core_stages_check(const stages *s, const fv_stage *stage)
{
	if (stage->epochs < 0 || stage->epochs > 1000000)
		return REPORT(s, "stage->epochs is %lld: write 1 to 1000000, or 0 for train.epochs",
			(long long)stage->epochs);
	if (!isfinite(stage->learning_rate) || stage->learning_rate < 0)
		return REPORT(s,
			"stage->learning_rate is %g: write a number above 0, or 0 for "
			"train.learning_rate",
			core_printable(stage->learning_rate));
	if (!isfinite(stage->anchor) || stage->anchor < 0)
		return REPORT(s, "stage->anchor is %g: write a finite number, from 0 on",
			core_printable(stage->anchor));
	if (!isfinite(stage->output_l1) || stage->output_l1 < 0)
		return REPORT(s, "stage->output_l1 is %g: write a finite number, from 0 on",
			core_printable(stage->output_l1));
	if (stage->loss && !core_stages_delegate(s, stage))
		return REPORT(s,
			"stage->loss is '%s', which is no parameter of type FV_LOSS_REF: declare "
			"it "
			"with FV_PARAM_LOSS_REF",
			stage->loss);
	fv_status status = check_lists(s, stage);
	if (status == FV_OK)
		status = check_models(s, stage);
	if (status == FV_OK)
		status = check_rows(s, stage);
	if (status == FV_OK)
		status = check_labels(s, "label", stage->label, s->objective->train.n);
	if (status == FV_OK)
		status = check_labels(s, "dev_label", stage->dev_label, s->objective->dev.n);
	return status ? status : check_groups(s, stage);
}

fv_status core_stages_refuse_scratch(const core_objective *o, int32_t index, const fv_stage *stage)
{
	const struct {
		const char *name;
		const void *data;
	} list[] = {{"row", stage->row}, {"row_weight", stage->row_weight}, {"label", stage->label},
		{"dev_label", stage->dev_label}, {"group", stage->group},
		{"dev_group", stage->dev_group}, {"average", stage->average}};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (core_scratch_holds(o->ctx, list[i].data))
			return fv_fail(o->ctx, FV_FAILED,
				"op next, stage %d: stage->%s is memory of fv_scratch, "
				"which ends when the op returns: get it in open() with fv_alloc",
				index + 1, list[i].name);
	return FV_OK;
}
