/* SPDX-License-Identifier: Apache-2.0 */
#include "run/selection.h"

#include <string.h>

#include <fairvox/grouper.h>

#include "config/select_rule.h"

/* The groups of all rows, including those without rows. */
struct source {
	const core_run_data *r;
	const core_attribute *attribute; /* NULL: the inferred groups */
	int32_t n;
	const char *const *name;
};

static int32_t find_group(const struct source *s, int split, int32_t i)
{
	if (!s->attribute)
		return s->r->groups.id[split][i];
	int32_t id = s->attribute->id[s->r->rows.row[split][i]];
	return id >= 0 && s->attribute->counted[id] ? id : -1;
}

static fv_status find_source(fv_ctx *ctx, const core_run_data *r, struct source *s)
{
	const char *name = r->variant->train.select_groups;
	*s = (struct source){.r = r};
	if (!strcmp(name, CORE_INFERRED_GROUPS)) {
		s->n = r->groups.groups;
		s->name = r->groups.name;
		return FV_OK;
	}
	s->attribute = core_corpus_attribute(r->corpus, name);
	if (!s->attribute) /* refused before the run starts */
		return fv_fail(ctx, FV_CONFIG,
			"train.select_groups: the corpus has no attribute '%s'", name);
	s->n = s->attribute->n_values;
	s->name = s->attribute->value;
	return FV_OK;
}

static void mark_groups(const struct source *s, int split, int32_t *new_id)
{
	for (int32_t i = 0; i < s->r->rows.n[split]; i++) {
		int32_t g = find_group(s, split, i);
		if (g >= 0)
			new_id[g] = 0;
	}
}

/* Numbers the groups that have rows -> new_id (-1: no rows) and their names. */
static fv_status number_groups(fv_ctx *ctx, const struct source *s, bool on_test, int32_t **new_id,
	core_select_groups *out)
{
	const char **name = core_alloc(ctx, (size_t)s->n + 1, sizeof *name);
	*new_id = core_alloc(ctx, (size_t)s->n + 1, sizeof **new_id);
	if (!name || !*new_id)
		return FV_FAILED;
	for (int32_t g = 0; g < s->n; g++)
		(*new_id)[g] = -1;
	mark_groups(s, on_test ? CORE_TEST : CORE_TRAIN, *new_id);
	mark_groups(s, on_test ? CORE_TEST : CORE_DEV, *new_id);
	for (int32_t g = 0; g < s->n; g++) {
		if ((*new_id)[g] < 0)
			continue;
		name[out->n] = s->name[g];
		(*new_id)[g] = out->n++;
	}
	out->name = name;
	return FV_OK;
}

static fv_status make_groups(
	fv_ctx *ctx, const core_run_data *r, bool on_test, core_select_groups *out)
{
	struct source s;
	int split = on_test ? CORE_TEST : CORE_DEV;
	int32_t n = r->rows.n[split], *new_id;
	*out = (core_select_groups){0};
	int32_t *id = core_alloc(ctx, (size_t)n + 1, sizeof *id);
	fv_status status = id ? find_source(ctx, r, &s) : FV_FAILED;
	if (!status)
		status = number_groups(ctx, &s, on_test, &new_id, out);
	for (int32_t i = 0; i < n && !status; i++) {
		int32_t g = find_group(&s, split, on_test ? i : r->dev_order[i]);
		id[i] = g < 0 ? -1 : new_id[g];
	}
	out->id = id;
	return status;
}

static fv_status make_test_data(fv_ctx *ctx, const core_run_data *r, core_train_data *out)
{
	int32_t n = r->rows.n[CORE_TEST];
	int32_t *order = core_alloc(ctx, (size_t)n + 1, sizeof *order);
	if (!order)
		return FV_FAILED;
	for (int32_t i = 0; i < n; i++)
		order[i] = i;
	fv_rows rows;
	fv_status status = core_run_data_make_rows(ctx, r, CORE_TEST, order, &rows);
	if (!status)
		*out = core_run_data_make_split(r, CORE_TEST, rows);
	return status;
}

fv_status core_selection_make(fv_ctx *ctx, const core_run_data *r, core_train_job *job)
{
	const core_select_rule *rule = core_select_rule_find(r->variant->train.select);
	bool inferred = core_select_uses_groups(rule) &&
			!strcmp(r->variant->train.select_groups, CORE_INFERRED_GROUPS);
	if (!core_select_uses_groups(rule) || (inferred && !r->groups.groups))
		return FV_OK;
	fv_status status = make_groups(ctx, r, rule->on_test, &job->select_groups);
	return status || !rule->on_test ? status : make_test_data(ctx, r, &job->test);
}

bool core_selection_uses_labels(const core_variant *variant)
{
	const core_select_rule *rule = core_select_rule_find(variant->train.select);
	bool column = false;
	if (!core_select_uses_groups(rule))
		return false;
	for (int32_t i = 0; i < variant->n_groupers; i++)
		column |= (variant->groupers[i].uses & FV_USE_COLUMN) != 0;
	return column || strcmp(variant->train.select_groups, CORE_INFERRED_GROUPS) != 0;
}
