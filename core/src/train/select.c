/* SPDX-License-Identifier: Apache-2.0 */
#include "train/select.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "nn/base_loss.h"

static const core_train_data *rows_of(const core_train_job *job, const core_select_rule *rule)
{
	return rule->on_test ? &job->test : &job->dev;
}

static fv_status check_cell(fv_ctx *ctx, const core_train_job *job, const core_select_rule *rule,
	int32_t group, int32_t klass)
{
	const fv_rows *rows = &rows_of(job, rule)->rows;
	const core_select_groups *groups = &job->select_groups;
	float threshold = (float)(1.0 / rows->classes);
	int32_t n = 0;
	for (int32_t i = 0; i < rows->n; i++)
		n += groups->id[i] == group && rows->label[i * rows->classes + klass] > threshold;
	if (n >= job->spec->select_support)
		return FV_OK;
	return fv_fail(ctx, FV_DATA,
		"train.select %s: class %s, group %s: %d positive %s utterance%s, %d required "
		"(train.select_support)",
		rule->name, job->class_name[klass], groups->name[group], (int)n,
		rule->on_test ? "test" : "development", n == 1 ? "" : "s",
		(int)job->spec->select_support);
}

fv_status core_select_check(fv_ctx *ctx, const core_train_job *job)
{
	const core_select_rule *rule = core_select_rule_find(job->spec->select);
	assert(rule);
	if (!core_select_uses_groups(rule))
		return FV_OK;
	const core_select_groups *groups = &job->select_groups;
	fv_status first = FV_OK;
	if (groups->n < 2)
		return fv_fail(ctx, FV_DATA,
			"train.select %s: %d group%s of '%s' here, at least 2 are needed",
			rule->name, (int)groups->n, groups->n == 1 ? "" : "s",
			job->spec->select_groups);
	for (int32_t g = 0; g < groups->n; g++)
		for (int32_t c = 0; c < job->shape.classes; c++) {
			fv_status status = check_cell(ctx, job, rule, g, c);
			first = first != FV_OK ? first : status;
		}
	return first;
}

static void *grown(core_select *s, const void *old, size_t room, size_t size)
{
	void *memory = core_alloc(s->ctx, room, size);
	return memory && s->n ? memcpy(memory, old, (size_t)s->n * size) : memory;
}

static fv_status make_room(core_select *s, int32_t n)
{
	if (n <= s->room)
		return FV_OK;
	size_t room = n > 2 * s->room ? (size_t)n : 2 * (size_t)s->room;
	s->epoch = grown(s, s->epoch, room, sizeof *s->epoch);
	s->f1 = grown(s, s->f1, room, sizeof *s->f1);
	s->value = grown(s, s->value, room, sizeof *s->value);
	s->model = grown(s, s->model, room, (size_t)s->count * sizeof *s->model);
	s->room = (int32_t)room;
	return s->epoch && s->f1 && s->value && s->model ? FV_OK : FV_FAILED;
}

static fv_status init_rows(fv_ctx *ctx, core_select *s, core_develop *dev)
{
	const core_train_job *job = s->job;
	s->rows = dev;
	if (!s->rule->on_test)
		return FV_OK;
	s->rows = &s->test;
	return core_develop_init(ctx, &s->test, &job->test, dev->width);
}

fv_status core_select_init(fv_ctx *ctx, const core_train_job *job, core_develop *dev,
	const double *class_weight, int64_t count, core_select *out)
{
	int32_t C = job->shape.classes, G = job->select_groups.n;
	*out = (core_select){.ctx = ctx,
		.job = job,
		.rule = core_select_rule_find(job->spec->select),
		.class_weight = class_weight,
		.count = count};
	fv_status status = init_rows(ctx, out, dev);
	if (status == FV_OK)
		status = make_room(out, 1);
	if (status != FV_OK || out->rule->kind != CORE_SELECT_TPR_GAP)
		return status;
	size_t n = (size_t)rows_of(job, out->rule)->rows.n;
	out->prob = core_alloc(ctx, n * (size_t)C, sizeof *out->prob);
	if (!out->prob)
		return FV_FAILED;
	status = core_tally_alloc(ctx, 1, C, &out->all);
	if (status == FV_OK)
		status = core_tally_alloc(ctx, G, C, &out->each);
	return status == FV_OK ? core_rates_alloc(ctx, C, G, &out->rates) : status;
}

/* Sums run in the order of file names. */
static double worst_group(const core_select *s)
{
	const core_select_groups *groups = &s->job->select_groups;
	const core_develop *d = s->rows;
	double worst = -INFINITY;
	for (int32_t g = 0; g < groups->n; g++) {
		double sum = 0;
		int32_t n = 0;
		for (int32_t i = 0; i < d->data->rows.n; i++) {
			int32_t row = d->order[i];
			if (groups->id[row] != g)
				continue;
			sum += d->loss[row];
			n++;
		}
		double mean = n ? sum / n : NAN;
		worst = mean > worst || isnan(mean) ? mean : worst;
		if (isnan(worst))
			break;
	}
	return worst;
}

static fv_status f1_and_gap(core_select *s, double *f1, double *gap)
{
	const fv_rows *rows = &s->rows->data->rows;
	double stat[CORE_STATS];
	core_eval_set set = {
		.n = rows->n, .C = rows->classes, .prob = s->prob, .label = rows->label};
	core_softmax(rows->n, rows->classes, s->rows->logits, s->prob);
	fv_status status = core_tally_count(s->ctx, &set, NULL, NULL, &s->all);
	if (status == FV_OK)
		status = core_tally_count(s->ctx, &set, s->job->select_groups.id, NULL, &s->each);
	if (status != FV_OK)
		return status;
	core_gaps(&s->each, &s->rates, stat);
	*f1 = core_tally_f1(&s->all, 0);
	*gap = stat[CORE_TPR_GAP];
	return FV_OK;
}

/* The value that decides, and F1 where there is a floor; what was looked at goes into the epoch. */
static fv_status look(core_select *s, core_train_epoch *epoch, double *f1, double *value)
{
	*f1 = 1;
	switch (s->rule->kind) {
	case CORE_SELECT_LOSS:
		*value = epoch->dev_loss;
		return FV_OK;
	case CORE_SELECT_OBJECTIVE:
		*value = epoch->dev_objective;
		return FV_OK;
	case CORE_SELECT_WORST_GROUP:
		*value = epoch->judged[0] = worst_group(s);
		epoch->judged_name[0] = "dev_worst_group";
		epoch->n_judged = 1;
		return FV_OK;
	case CORE_SELECT_TPR_GAP:
		break;
	}
	fv_status status = f1_and_gap(s, f1, value);
	epoch->judged_name[0] = s->rule->on_test ? "test_f1" : "dev_f1";
	epoch->judged_name[1] = s->rule->on_test ? "test_tpr_gap" : "dev_tpr_gap";
	epoch->judged[0] = *f1;
	epoch->judged[1] = *value;
	epoch->n_judged = 2;
	return status;
}

/* Those that stay keep their order. */
static void drop_losers(core_select *s, double f1, double value)
{
	double floor = s->job->spec->select_f1_floor * s->best_f1;
	int32_t kept = 0;
	for (int32_t i = 0; i < s->n; i++) {
		if (s->f1[i] < floor || (f1 >= s->f1[i] && value < s->value[i]))
			continue;
		if (kept < i) {
			s->epoch[kept] = s->epoch[i];
			s->f1[kept] = s->f1[i];
			s->value[kept] = s->value[i];
			memcpy(core_select_model(s, kept), core_select_model(s, i),
				(size_t)s->count * sizeof *s->model);
		}
		kept++;
	}
	s->n = kept;
}

static bool can_win(const core_select *s, double f1, double value)
{
	for (int32_t i = 0; i < s->n; i++)
		if (s->f1[i] >= f1 && s->value[i] <= value)
			return false;
	return f1 >= s->job->spec->select_f1_floor * s->best_f1;
}

static fv_status add(core_select *s, int32_t epoch, double f1, double value, const float *params)
{
	fv_status status = make_room(s, s->n + 1);
	if (status != FV_OK)
		return status;
	s->epoch[s->n] = epoch;
	s->f1[s->n] = f1;
	s->value[s->n] = value;
	memcpy(core_select_model(s, s->n++), params, (size_t)s->count * sizeof *params);
	return FV_OK;
}

int32_t core_select_chosen(const core_select *s)
{
	int32_t best = -1;
	for (int32_t i = 0; i < s->n; i++)
		if (best < 0 || s->value[i] < s->value[best])
			best = i;
	return best;
}

fv_status core_select_judge(core_select *s, core_networks *networks, const float *params,
	core_train_epoch *epoch, bool *finite)
{
	double f1 = 0, value = NAN;
	fv_status status = FV_OK;
	s->judged++;
	*finite = core_networks_finite(networks);
	if (*finite && s->rule->on_test)
		status = core_develop_score(s->rows, networks, s->class_weight, finite);
	if (status == FV_OK && *finite)
		status = look(s, epoch, &f1, &value);
	if (status != FV_OK || !isfinite(value))
		return status;
	s->best_f1 = f1 > s->best_f1 ? f1 : s->best_f1;
	drop_losers(s, f1, value);
	if (can_win(s, f1, value))
		status = add(s, epoch->epoch, f1, value, params);
	int32_t chosen = core_select_chosen(s);
	epoch->best = chosen >= 0 && s->epoch[chosen] == epoch->epoch;
	return status;
}

fv_status core_select_add_parts(core_select *s, core_state *state)
{
	int64_t saved = core_state_is_open(state) ? core_state_count(state, "select.epoch") : -1;
	if (saved >= 0 && saved <= s->job->spec->epochs) {
		fv_status status = make_room(s, (int32_t)saved);
		if (status != FV_OK)
			return status;
		s->n = (int32_t)saved;
	}
	core_state_add(state, "select.judged", FV_I32, 1, &s->judged);
	core_state_add(state, "select.best_f1", FV_F64, 1, &s->best_f1);
	core_state_add(state, "select.epoch", FV_I32, s->n, s->epoch);
	core_state_add(state, "select.f1", FV_F64, s->n, s->f1);
	core_state_add(state, "select.value", FV_F64, s->n, s->value);
	core_state_add(state, "select.model", FV_F32, s->n * s->count, s->model);
	return FV_OK;
}

bool core_select_is_sound(const core_select *s, int32_t epoch)
{
	bool sound = s->judged >= s->n && s->judged < epoch;
	for (int32_t i = 0; i < s->n; i++)
		sound &= s->epoch[i] < epoch && s->epoch[i] > (i ? s->epoch[i - 1] : 0) &&
			 isfinite(s->value[i]) && s->f1[i] <= s->best_f1;
	return sound;
}
