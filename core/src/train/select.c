/* SPDX-License-Identifier: Apache-2.0 */
#include "train/select.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/plural.h"
#include "base/positive.h"
#include "eval/metric_formulas.h"
#include "nn/base_loss.h"

static const core_train_data *find_rows(const core_train_job *job, const core_select_rule *rule)
{
	return rule->on_test ? &job->test : &job->dev;
}

static fv_status check_subgroup(fv_ctx *ctx, const core_train_job *job,
	const core_select_rule *rule, int32_t group, int32_t klass)
{
	const fv_rows *rows = &find_rows(job, rule)->rows;
	const core_select_groups *groups = &job->select_groups;
	float threshold = core_chance_share(rows->classes);
	int32_t n = 0;
	for (int32_t i = 0; i < rows->n; i++)
		n += groups->id[i] == group && rows->label[i * rows->classes + klass] > threshold;
	if (n >= job->spec->select_support)
		return FV_OK;
	return fv_fail(ctx, FV_DATA,
		"train.select %s: class %s, group %s: %d positive %s utterance%s, %d required "
		"(train.select_support)",
		rule->name, job->class_name[klass], groups->name[group], (int)n,
		rule->on_test ? "test" : "development", core_plural(n),
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
			rule->name, (int)groups->n, core_plural(groups->n),
			job->spec->select_groups);
	for (int32_t g = 0; g < groups->n; g++)
		for (int32_t c = 0; c < job->shape.classes; c++) {
			fv_status status = check_subgroup(ctx, job, rule, g, c);
			first = first != FV_OK ? first : status;
		}
	return first;
}

/* Does the rule look at predictions, not at losses alone? */
static bool counts_predictions(const core_select_rule *rule)
{
	return rule->kind == CORE_SELECT_F1 || rule->kind == CORE_SELECT_UAR ||
	       rule->kind == CORE_SELECT_TPR_GAP;
}

static fv_status init_rows(fv_ctx *ctx, core_select *s, core_validation *dev)
{
	const core_train_job *job = s->job;
	s->rows = dev;
	if (!s->rule->on_test)
		return FV_OK;
	s->rows = &s->test;
	return core_validation_init(ctx, &s->test, &job->test, dev->width);
}

fv_status core_select_init(fv_ctx *ctx, const core_train_job *job, core_validation *dev,
	const core_base *base, int64_t count, core_select *out)
{
	int32_t C = job->shape.classes, G = job->select_groups.n;
	*out = (core_select){.ctx = ctx,
		.job = job,
		.rule = core_select_rule_find(job->spec->select),
		.base = *base,
		.count = count};
	fv_status status = init_rows(ctx, out, dev);
	if (status != FV_OK || !counts_predictions(out->rule))
		return status;
	size_t n = (size_t)find_rows(job, out->rule)->rows.n;
	out->prob = core_alloc(ctx, n * (size_t)C, sizeof *out->prob);
	out->cut = core_alloc(ctx, n * (size_t)C, sizeof *out->cut);
	if (!out->prob || !out->cut)
		return FV_FAILED;
	for (size_t i = 0; i < n * (size_t)C; i++)
		out->cut[i] = core_base_cut(base->kind, C);
	status = core_tally_alloc(ctx, 1, C, &out->all);
	if (status != FV_OK || out->rule->kind != CORE_SELECT_TPR_GAP)
		return status;
	status = core_tally_alloc(ctx, G, C, &out->each);
	return status == FV_OK ? core_rates_alloc(ctx, C, G, out->rates) : status;
}

/* Returns the highest mean loss of a group. Losses are summed in the order of file names. */
static double find_worst_group(const core_select *s)
{
	const core_select_groups *groups = &s->job->select_groups;
	const core_validation *d = s->rows;
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

/* Returns the rows with the model's predictions. */
static core_eval_set make_predictions(core_select *s)
{
	const fv_rows *rows = &s->rows->data->rows;
	core_base_predict(s->base.kind, rows->n, rows->classes, s->rows->logits, s->prob);
	return (core_eval_set){.n = rows->n,
		.C = rows->classes,
		.prob = s->prob,
		.label = rows->label,
		.cut = s->cut};
}

static fv_status compute_f1_and_gap(core_select *s, double *f1, double *gap)
{
	double values[CORE_METRICS];
	core_eval_set set = make_predictions(s);
	fv_status status = core_tally_count(s->ctx, &set, NULL, NULL, &s->all);
	if (status == FV_OK)
		status = core_tally_count(s->ctx, &set, s->job->select_groups.id, NULL, &s->each);
	if (status != FV_OK)
		return status;
	core_metrics_of_groups(&s->each, (core_metric_mask)1 << CORE_TPR_GAP, s->rates, values);
	*f1 = core_tally_f1(&s->all, 0);
	*gap = values[CORE_TPR_GAP];
	return FV_OK;
}

/* Computes 1 minus a metric of all rows, since the lowest value wins, and records the metric. */
static fv_status compute_metric(
	core_select *s, core_metric_id id, const char *name, core_train_epoch *epoch, double *value)
{
	double values[CORE_METRICS];
	core_eval_set set = make_predictions(s);
	fv_status status = core_tally_count(s->ctx, &set, NULL, NULL, &s->all);
	if (status != FV_OK)
		return status;
	core_metrics_of_unit(&s->all, 0, (core_metric_mask)1 << id, values);
	epoch->judged_name[0] = name;
	epoch->judged[0] = values[id];
	epoch->n_judged = 1;
	*value = 1 - values[id];
	return FV_OK;
}

/* Computes the value that decides, and F1 if the rule has a floor, and records both in the epoch. */
static fv_status evaluate_rule(core_select *s, core_train_epoch *epoch, double *f1, double *value)
{
	*f1 = 1;
	switch (s->rule->kind) {
	case CORE_SELECT_LOSS:
		*value = epoch->dev_loss;
		return FV_OK;
	case CORE_SELECT_OBJECTIVE:
		*value = epoch->dev_objective;
		return FV_OK;
	case CORE_SELECT_F1:
		return compute_metric(s, CORE_F1, "dev_f1", epoch, value);
	case CORE_SELECT_UAR:
		return compute_metric(s, CORE_UAR, "dev_uar", epoch, value);
	case CORE_SELECT_WORST_GROUP:
		*value = epoch->judged[0] = find_worst_group(s);
		epoch->judged_name[0] = "dev_worst_group";
		epoch->n_judged = 1;
		return FV_OK;
	case CORE_SELECT_TPR_GAP:
		break;
	}
	fv_status status = compute_f1_and_gap(s, f1, value);
	epoch->judged_name[0] = s->rule->on_test ? "test_f1" : "dev_f1";
	epoch->judged_name[1] = s->rule->on_test ? "test_tpr_gap" : "dev_tpr_gap";
	epoch->judged[0] = *f1;
	epoch->judged[1] = *value;
	epoch->n_judged = 2;
	return status;
}

/* Keeps the candidates that can still win, in their order, and moves the free entries behind them. */
static void drop_losers(core_select *s, double f1, double value)
{
	double floor = s->job->spec->select_f1_floor * s->best_f1;
	int32_t kept = 0;
	for (int32_t i = 0; i < s->n; i++) {
		core_candidate own = s->candidate[i];
		if (own.f1 < floor || (f1 >= own.f1 && value < own.value))
			continue;
		s->candidate[i] = s->candidate[kept];
		s->candidate[kept++] = own;
	}
	s->n = kept;
}

static bool can_win(const core_select *s, double f1, double value)
{
	for (int32_t i = 0; i < s->n; i++)
		if (s->candidate[i].f1 >= f1 && s->candidate[i].value <= value)
			return false;
	return f1 >= s->job->spec->select_f1_floor * s->best_f1;
}

bool core_select_grow(core_select *s, int32_t capacity)
{
	core_candidate *grown = core_alloc(s->ctx, (size_t)capacity, sizeof *grown);
	float *models = core_alloc(s->ctx, (size_t)capacity * (size_t)s->count, sizeof *models);
	s->packed = core_alloc(s->ctx, (size_t)capacity * 4, sizeof *s->packed);
	if (!grown || !models || !s->packed)
		return false;
	if (s->capacity)
		memcpy(models, s->models, (size_t)(s->capacity * s->count) * sizeof *models);
	for (int32_t i = 0; i < capacity; i++) {
		if (i < s->capacity)
			grown[i] = s->candidate[i];
		else
			grown[i].place = i;
	}
	s->candidate = grown;
	s->models = models;
	s->capacity = capacity;
	return true;
}

static fv_status add_candidate(
	core_select *s, int32_t epoch, double f1, double value, const float *params)
{
	if (s->n == s->capacity && !core_select_grow(s, s->capacity ? 2 * s->capacity : 2))
		return FV_FAILED;
	core_candidate *next = &s->candidate[s->n];
	memcpy(core_select_model(s, next), params, (size_t)s->count * sizeof *params);
	next->epoch = epoch;
	next->f1 = f1;
	next->value = value;
	s->n++;
	return FV_OK;
}

float *core_select_model(const core_select *s, const core_candidate *candidate)
{
	return s->models + candidate->place * s->count;
}

const core_candidate *core_select_chosen(const core_select *s)
{
	const core_candidate *best = NULL;
	for (int32_t i = 0; i < s->n; i++)
		if (!best || s->candidate[i].value < best->value)
			best = &s->candidate[i];
	return best;
}

fv_status core_select_judge(core_select *s, core_networks *networks, const float *params,
	core_train_epoch *epoch, bool *finite)
{
	double f1 = NAN, value = NAN;
	fv_status status = FV_OK;
	s->judged++;
	if (!s->rows->on_device) /* what the objective computed in the validation pass counts too */
		*finite = core_networks_finite(networks);
	if (*finite && s->rule->on_test)
		status = core_validation_score(s->rows, networks, &s->base, finite);
	if (status == FV_OK && *finite)
		status = evaluate_rule(s, epoch, &f1, &value);
	epoch->select_value = value;
	if (status != FV_OK || !isfinite(value))
		return status;
	s->best_f1 = f1 > s->best_f1 ? f1 : s->best_f1;
	drop_losers(s, f1, value);
	if (can_win(s, f1, value))
		status = add_candidate(s, epoch->epoch, f1, value, params);
	const core_candidate *chosen = core_select_chosen(s);
	epoch->best = chosen && chosen->epoch == epoch->epoch;
	return status;
}
