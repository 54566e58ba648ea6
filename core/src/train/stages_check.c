/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
	return fv_fail(
		s->ctx, status, "loss %s: stage %d: %s", s->objective->name, s->index + 1, text);
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
		snprintf(name, sizeof name, "loss %s: stage %d: %s", s->objective->name,
			s->index + 1, list[i].name);
		if (list[i].data)
			status = core_list_check(
				s->ctx, name, list[i].count, list[i].data, list[i].n, list[i].size);
	}
	return status;
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
				"the label of %s row %d is no distribution: it sums to %g, the "
				"least share is %g",
				of, (int)i, sum, least);
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
	if (stage->start < 0 || stage->start > s->index)
		return REPORT(s, "starts from stage %d, but only stages before it have a model",
			(int)stage->start);
	if (stage->start && stage->fresh)
		return REPORT(s, "starts from stage %d and fresh", (int)stage->start);
	if (stage->n_average < 0 || stage->n_average > s->index ||
		(stage->n_average && !stage->average))
		return REPORT(s, "averages %d models%s, and %d stages are before it",
			(int)stage->n_average, stage->average ? "" : " that it does not name",
			(int)s->index);
	for (int32_t i = 0; i < stage->n_average; i++)
		if (stage->average[i] < 1 || stage->average[i] > s->index)
			return REPORT(s,
				"averages stage %d, but only stages before it have a model",
				(int)stage->average[i]);
	if (stage->n_average && has_training(stage))
		return REPORT(s, "averages models, so that nothing else of it may be set");
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
		return REPORT(s, "%lld epochs", (long long)stage->epochs);
	if (!isfinite(stage->learning_rate) || stage->learning_rate < 0)
		return REPORT(s, "learning rate %g", stage->learning_rate);
	if (!isfinite(stage->anchor) || stage->anchor < 0)
		return REPORT(s, "anchor %g", stage->anchor);
	if (!isfinite(stage->output_l1) || stage->output_l1 < 0)
		return REPORT(s, "output_l1 %g", stage->output_l1);
	if (stage->loss && !core_stages_delegate(s, stage))
		return REPORT(s, "no parameter '%s' that names a loss", stage->loss);
	fv_status status = check_lists(s, stage);
	if (status == FV_OK)
		status = check_models(s, stage);
	if (status == FV_OK)
		status = check_rows(s, stage);
	if (status == FV_OK)
		status = check_labels(s, "training", stage->label, s->objective->train.n);
	if (status == FV_OK)
		status = check_labels(s, "development", stage->dev_label, s->objective->dev.n);
	return status ? status : check_groups(s, stage);
}
