/* SPDX-License-Identifier: Apache-2.0 */
/* The losses that only weight or choose samples (erm, rw, ds, gdro, gadro, pgdro, cvar_dro),
 * compared with golden/training/objectives: one step, extreme losses, tables, subsamples, and whole
 * training runs. */
#include "losses.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "corpus/corpus.h"
#include "nn/base_loss.h"
#include "train/objective.h"
#include "train/trainer.h"

/* A plugin that is opened with given counts, outside a trainer. */
typedef struct bench {
	fv_ctx *ctx;
	const fv_loss_ops *ops;
	void *state;
	fv_rows rows;
	fv_counts count;
	fv_loss_setup setup;
} bench;

static const float some_member;

static const char *get_option(const json_t *options, const char *key)
{
	return json_string_value(json_object_get(options, key));
}

/* The plugin of a golden variant. */
static const fv_descriptor *variant_loss(const json_t *options)
{
	const char *name = get_option(options, "name");
	return test_loss(strcmp(name, "cvar") ? name : "cvar_dro");
}

/* The parameters that correspond to a golden variant's options. */
static void *variant_state(fv_ctx *ctx, const fv_descriptor *loss, const json_t *options)
{
	static char weight[64], mode[64], eta[64], groups[64], lambda[64], counts[64];
	if (!strcmp(loss->name, "erm"))
		return test_loss_state(ctx, loss, "paper", NULL);
	if (!strcmp(loss->name, "cvar_dro")) {
		snprintf(weight, sizeof weight, "alpha=%.17g",
			json_number_value(json_object_get(options, "alpha")));
		return test_loss_state(ctx, loss, "paper", weight, NULL);
	}
	if (!strcmp(loss->name, "rw")) {
		snprintf(weight, sizeof weight, "weight=%s", get_option(options, "weight"));
		return test_loss_state(ctx, loss, "paper", weight, NULL);
	}
	const char *by = get_option(options, "groups");
	json_t *rate = json_object_get(options, "eta");
	snprintf(mode, sizeof mode, "mode=%s", get_option(options, "mode"));
	snprintf(eta, sizeof eta, "eta=%.17g", rate ? json_number_value(rate) : 0.01);
	snprintf(groups, sizeof groups, "groups=%s",
		by && !strcmp(by, "class_x_g") ? "class_x_group" : "group");
	if (!strcmp(loss->name, "gdro"))
		return test_loss_state(ctx, loss, "paper", mode, eta, groups, NULL);
	snprintf(lambda, sizeof lambda, "lambda=%.17g",
		json_number_value(json_object_get(options, "lambda")));
	if (!strcmp(loss->name, "gadro"))
		return test_loss_state(ctx, loss, "paper", mode, eta, groups, lambda, NULL);
	bool normalize = json_is_true(json_object_get(options, "normalize"));
	snprintf(counts, sizeof counts, "counts=%s", get_option(options, "counts"));
	return test_loss_state(ctx, loss, "paper",
		!strcmp(get_option(options, "mode"), "eg") ? "mode=eg" : "mode=max", eta, lambda,
		normalize ? "normalize=true" : "normalize=false", counts, NULL);
}

/* Memberships are float32 in a batch, but not in the golden numbers. */
static double get_tolerance(const fv_descriptor *loss)
{
	return strcmp(loss->name, "pgdro") ? 1e-12 : 2e-6;
}

/* cg [C,G]; g_soft [G] or NULL; unknown [C] or NULL */
static void open_bench_soft(bench *b, const fv_descriptor *loss, void *state, int32_t classes,
	int32_t groups, const double *cg, const double *g_soft, const double *unknown)
{
	double *c = core_alloc(b->ctx, (size_t)classes, 8),
	       *g = core_alloc(b->ctx, (size_t)groups, 8);
	double *none = core_alloc(b->ctx, (size_t)classes, 8);
	for (int32_t i = 0; i < classes * groups; i++) {
		c[i / groups] += cg[i];
		g[i % groups] += cg[i];
	}
	b->ops = loss->ops;
	b->state = state;
	b->rows.size = sizeof b->rows;
	b->rows.classes = classes;
	b->rows.groups = groups;
	b->count = (fv_counts){
		sizeof b->count, c, g, cg, g_soft ? g_soft : g, cg, unknown ? unknown : none};
	if (g_soft) /* pgdro checks whether there are memberships */
		b->rows.member = &some_member;
	b->setup = (fv_loss_setup){.size = sizeof b->setup,
		.train = &b->rows,
		.dev = &b->rows,
		.count = &b->count,
		.class_weight = b->setup.class_weight,
		.epochs = 1,
		.batch = 32,
		.member_is_probability = b->setup.member_is_probability};
	if (b->ops->open)
		test_ok(b->ctx, b->ops->open(state, b->ctx, &b->setup));
}

static void open_bench(bench *b, const fv_descriptor *loss, void *state, int32_t classes,
	int32_t groups, const double *cg, const double *unknown)
{
	open_bench_soft(b, loss, state, classes, groups, cg, NULL, unknown);
}

static void set_q(fv_ctx *ctx, const double *q, size_t n)
{
	double *log_q = fv_array(ctx, "log_q", FV_F64, (int64_t)n, 1);
	double *shown = fv_array(ctx, "q", FV_F64, 1, (int64_t)n);
	for (size_t i = 0; i < n; i++) {
		log_q[i] = log(q[i]);
		shown[i] = q[i];
	}
}

static void check_q(fv_ctx *ctx, const json_t *want, double off)
{
	size_t n;
	double *q = test_numbers(want, &n), *got = fv_array(ctx, "q", FV_F64, 1, (int64_t)n);
	for (size_t i = 0; i < n; i++)
		test_close(got[i], q[i], off);
	free(q);
}

/* The index of the only 1 in "wins", or -1. */
static int find_winner(fv_ctx *ctx, int64_t n)
{
	double *wins = fv_array(ctx, "wins", FV_F64, 1, n);
	for (int64_t i = 0; i < n; i++)
		if (wins[i] > 0)
			return (int)i;
	return -1;
}

static void check_gradient(
	const json_t *batch, const json_t *entry, const double *v, int32_t n, int32_t classes)
{
	size_t count;
	float *logits = test_floats(json_object_get(batch, "logits"), &count);
	float *label = test_floats(json_object_get(batch, "labels"), &count);
	double *w = test_numbers(json_object_get(batch, "class_weights"), &count);
	double *want = test_numbers(json_object_get(entry, "grad_logits"), &count);
	double *want_loss = test_numbers(json_object_get(entry, "loss"), &count);
	double *loss = malloc((size_t)n * 8), *grad = malloc((size_t)(n * classes) * 8);
	core_base_loss(&(core_base){.weight = w}, n, classes, logits, label, loss, grad);
	for (int32_t i = 0; i < n; i++) {
		test_close(loss[i], want_loss[i], 2e-6);
		for (int32_t k = 0; k < classes; k++)
			test_close(v[i] * grad[i * classes + k], want[i * classes + k], 2e-6);
	}
	free(logits);
	free(label);
	free(w);
	free(want);
	free(want_loss);
	free(loss);
	free(grad);
}

/* v is the derivative of the value with respect to each loss, with q and omega held constant. */
static void check_difference(
	bench *b, const fv_descriptor *loss, const fv_batch *batch, const double *v, bool eg)
{
	double *moving = malloc((size_t)batch->n * 8), *other = malloc((size_t)batch->n * 8);
	double up, down;
	fv_batch moved = *batch;
	moved.loss = moving;
	if (eg) {
		const fv_param *param = NULL; /* with eta = 0 q does not change */
		for (uint32_t i = 0; i < loss->n_params; i++)
			if (!strcmp(loss->params[i].name, "eta"))
				param = &loss->params[i];
		*(double *)(void *)((char *)b->state + param->offset) = 0;
	}
	for (int32_t i = 0; i < batch->n; i++) {
		const double h = 1e-6;
		memcpy(moving, batch->loss, (size_t)batch->n * 8);
		moving[i] += h;
		memset(other, 0, (size_t)batch->n * 8);
		test_ok(b->ctx, b->ops->weigh(b->state, b->ctx, &moved, other, &up));
		moving[i] -= 2 * h;
		memset(other, 0, (size_t)batch->n * 8);
		test_ok(b->ctx, b->ops->weigh(b->state, b->ctx, &moved, other, &down));
		test_close((up - down) / (2 * h), v[i], 1e-7);
	}
	free(moving);
	free(other);
}

/* The value that a step reports, including the constant that adjusts groups, if there is one. */
static double get_reported_value(const json_t *entry)
{
	const json_t *constant = json_object_get(entry, "value_with_constant");
	return json_number_value(constant ? constant : json_object_get(entry, "value"));
}

static void one_case(const json_t *entry, const json_t *batches)
{
	const json_t *options = json_object_get(entry, "options"), *value;
	const fv_descriptor *loss = variant_loss(options);
	const char *batch_name = get_option(entry, "batch");
	const json_t *source = json_object_get(batches, batch_name);
	size_t n, m;
	bench b = {.ctx = test_ctx()};
	int32_t classes = (int32_t)json_integer_value(json_object_get(source, "C"));
	int32_t groups = (int32_t)json_integer_value(json_object_get(source, "G"));
	double *cg = test_numbers(json_object_get(source, "n_cg"), &n);
	double *l = test_numbers(json_object_get(entry, "loss"), &n);
	double *want = test_numbers(json_object_get(entry, "v"), &m);
	int32_t *klass = test_ints(json_object_get(source, "class"), &m);
	int32_t *group = test_ints(json_object_get(source, "g"), &m);
	double *v = calloc(n, sizeof *v), got, off = get_tolerance(loss);
	double *g_soft = test_numbers(json_object_get(source, "n_g_soft"), &m);
	float *member = test_floats(json_object_get(source, "pi"), &m);
	open_bench_soft(
		&b, loss, variant_state(b.ctx, loss, options), classes, groups, cg, g_soft, NULL);
	bool eg = (value = json_object_get(entry, "q_before")) != NULL;
	if (eg) {
		double *q = test_numbers(value, &m);
		set_q(b.ctx, q, m);
		free(q);
	}
	fv_batch batch = {.size = sizeof batch,
		.n = (int32_t)n,
		.classes = classes,
		.groups = groups,
		.step = 1,
		.loss = l,
		.klass = klass,
		.group = group,
		.member = member};
	test_ok(b.ctx, b.ops->weigh(b.state, b.ctx, &batch, v, &got));
	for (size_t i = 0; i < n; i++)
		test_close(v[i], want[i], off);
	test_close(got, get_reported_value(entry), off);
	if (eg)
		check_q(b.ctx, json_object_get(entry, "q_after"), off);
	value = json_object_get(entry, "winner");
	if (value)
		assert_int_equal(
			find_winner(b.ctx, (int64_t)json_array_size(json_object_get(entry, "L_g"))),
			json_is_null(value) ? -1 : json_integer_value(value));
	if (b.ops->evaluate) { /* for eg, with q after the update, and without the constant */
		double evaluated;
		test_ok(b.ctx, b.ops->evaluate(b.state, b.ctx, &batch, &evaluated));
		test_close(evaluated, json_number_value(json_object_get(entry, "value")), off);
	}
	check_gradient(source, entry, v, (int32_t)n, classes);
	if (strcmp(batch_name, "tie_for_max_G2")) /* no derivative at a tie */
		check_difference(&b, loss, &batch, v, eg);
	free(cg);
	free(g_soft);
	free(member);
	free(l);
	free(want);
	free(klass);
	free(group);
	free(v);
	core_ctx_free(b.ctx);
}

static void one_step(void **state)
{
	(void)state;
	json_t *entries = test_json(test_golden("training/objectives/onestep.json")), *entry;
	json_t *batches = test_json(test_golden("training/objectives/batches.json"));
	size_t i;
	json_array_foreach(entries, i, entry) one_case(entry, batches);
	assert_int_equal(i, 14 * 19);
	json_decref(entries);
	json_decref(batches);
}

static void extreme_losses(void **state)
{
	(void)state;
	json_t *entries = test_json(test_golden("training/objectives/losses_only.json")), *entry;
	size_t i, n, m, all, overflowing = 0;
	json_array_foreach(entries, i, entry)
	{
		const json_t *options = json_object_get(entry, "options");
		const fv_descriptor *loss = variant_loss(options);
		double *l = test_numbers(json_object_get(entry, "loss"), &n);
		double *want = test_numbers(json_object_get(entry, "v"), &m);
		double *count = test_numbers(json_object_get(entry, "n_g"), &m);
		int32_t *group = test_ints(json_object_get(entry, "g"), &n), klass[8] = {0};
		bench b = {.ctx = test_ctx()};
		float *member = test_floats(json_object_get(entry, "pi"), &all);
		open_bench_soft(&b, loss, variant_state(b.ctx, loss, options), 1, (int32_t)m, count,
			count, NULL);
		double v[8] = {0}, got, off = get_tolerance(loss);
		fv_batch batch = {.size = sizeof batch,
			.n = (int32_t)n,
			.classes = 1,
			.groups = (int32_t)m,
			.loss = l,
			.klass = klass,
			.group = group,
			.member = member};
		test_ok(b.ctx, b.ops->weigh(b.state, b.ctx, &batch, v, &got));
		for (size_t j = 0; j < n; j++)
			test_close(v[j], want[j], off);
		test_close(got, get_reported_value(entry), off);
		if (json_object_get(entry, "q_after")) {
			check_q(b.ctx, json_object_get(entry, "q_after"), off);
			overflowing +=
				json_number_value(json_object_get(options, "eta")) * l[0] > 709;
		}
		free(l);
		free(want);
		free(count);
		free(group);
		free(member);
		core_ctx_free(b.ctx);
	}
	assert_int_equal(i, 95);
	assert_true(overflowing > 0);
	json_decref(entries);
}

/* Returns omega of a subgroup, which is B v at B = 1. */
static double get_omega(bench *b, int32_t klass, int32_t group)
{
	double loss = 1, v = 0, value;
	fv_batch batch = {.size = sizeof batch,
		.n = 1,
		.classes = b->rows.classes,
		.groups = b->rows.groups,
		.loss = &loss,
		.klass = &klass,
		.group = &group};
	test_ok(b->ctx, b->ops->weigh(b->state, b->ctx, &batch, &v, &value));
	return v;
}

static void rw_tables(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/tables.json"));
	json_t *subgroups = json_object_get(json, "cells"), *table, *forms, *want;
	const char *name, *form;
	const fv_descriptor *loss = test_loss("rw");
	int checked = 0;
	json_object_foreach(subgroups, name, table)
	{
		size_t n;
		double *cg = test_numbers(json_object_get(table, "n_cg"), &n);
		forms = json_object_get(table, "rw");
		json_object_foreach(forms, form, want)
		{
			char setting[64];
			bench b = {.ctx = test_ctx()};
			double *weights = test_numbers(want, &n);
			int32_t classes = (int32_t)json_array_size(want);
			int32_t groups = (int32_t)n / classes;
			snprintf(setting, sizeof setting, "weight=%s", form);
			open_bench(&b, loss,
				test_loss_state(b.ctx, loss, "official", setting, NULL), classes,
				groups, cg, NULL);
			for (int32_t i = 0; i < (int32_t)n; i++, checked++)
				test_close(
					get_omega(&b, i / groups, i % groups), weights[i], 1e-14);
			test_close(get_omega(&b, 0, -1), 1, 0);
			free(weights);
			core_ctx_free(b.ctx);
		}
		free(cg);
	}
	assert_int_equal(checked, 3 * 6 * (2 + 4 + 2 + 16));
	json_decref(json);
}

/* In profile paper, -1 is weighted like a third group with these counts. In official it has weight
 * 1, and the other subgroups are weighted as if the unknown rows were not there. */
static void rw_unknown(void **state)
{
	(void)state;
	const double known[4] = {30, 10, 5, 40}, unknown[2] = {12, 0};
	const double all[6] = {30, 10, 12, 5, 40, 0};
	const char *forms[] = {"weight=stratified", "weight=eq1", "weight=kamiran_calders"};
	const fv_descriptor *loss = test_loss("rw");
	for (int f = 0; f < 6; f++) {
		bool paper = f < 3;
		const char *profile = paper ? "paper" : "official", *form = forms[f % 3];
		int32_t groups = paper ? 3 : 2;
		bench b = {.ctx = test_ctx()}, plain = {.ctx = test_ctx()};
		open_bench(&b, loss, test_loss_state(b.ctx, loss, profile, form, NULL), 2, 2, known,
			unknown);
		open_bench(&plain, loss, test_loss_state(plain.ctx, loss, profile, form, NULL), 2,
			groups, paper ? all : known, NULL);
		for (int32_t i = 0; i < 2 * groups; i++) {
			int32_t group = i % groups == 2 ? -1 : i % groups;
			test_close(get_omega(&b, i / groups, group),
				get_omega(&plain, i / groups, i % groups), 1e-15);
		}
		assert_true((get_omega(&b, 0, -1) != 1) == paper && get_omega(&b, 1, -1) == 1);
		core_ctx_free(b.ctx);
		core_ctx_free(plain.ctx);
	}
}

/* Rows for subsample(): names, classes, groups and memberships, opened with real counts. */
static void open_rows(bench *b, core_objective *objective, const fv_descriptor *loss, void *state,
	int32_t n, int32_t classes, int32_t groups, const int32_t *klass, const int32_t *group,
	const float *member)
{
	const char **stem = core_alloc(b->ctx, (size_t)n, sizeof *stem);
	int32_t *order = core_alloc(b->ctx, (size_t)n, sizeof *order);
	for (int32_t i = 0; i < n; i++) {
		stem[i] = core_format(b->ctx, "clip%04d", (int)i);
		order[i] = i;
	}
	b->rows = (fv_rows){.size = sizeof b->rows,
		.n = n,
		.classes = classes,
		.groups = groups,
		.klass = klass,
		.group = group,
		.member = member,
		.stem = stem};
	b->setup = (fv_loss_setup){.size = sizeof b->setup,
		.train = &b->rows,
		.dev = &b->rows,
		.member_is_probability = member != NULL};
	test_ok(b->ctx, core_objective_open(b->ctx, loss, state, &b->setup, order, objective));
}

static void ds_confident_sets(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/tables.json"));
	json_t *sets = json_object_get(json, "ds_confident"), *set;
	const fv_descriptor *loss = test_loss("ds");
	const char *name;
	json_object_foreach(sets, name, set)
	{
		size_t n, kept;
		int32_t *klass = test_ints(json_object_get(set, "class"), &n), *row, got;
		int32_t *group = test_ints(json_object_get(set, "pseudo"), &n), classes = 0;
		float *member = test_floats(json_object_get(set, "pi"), &n);
		int32_t *want = test_ints(json_object_get(set, "kept_sorted_with_repeats"), &kept);
		n /= 2;
		for (size_t i = 0; i < n; i++)
			classes = klass[i] >= classes ? klass[i] + 1 : classes;
		bench b = {.ctx = test_ctx()};
		core_objective objective;
		open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "paper", NULL),
			(int32_t)n, classes, 2, klass, group, member);
		test_ok(b.ctx, core_objective_subsample(&objective, &row, &got));
		assert_int_equal(got, kept);
		assert_memory_equal(row, want, kept * sizeof *row);
		test_ok(b.ctx, core_objective_close(&objective, FV_OK));
		core_ctx_free(b.ctx);
		free(klass);
		free(group);
		free(member);
		free(want);
	}
	assert_int_equal(json_object_size(sets), 4);
	json_decref(json);
}

/* Writes rows with the counts of a table into klass and group and returns their number. */
static int32_t rows_of(
	const double *cg, int32_t subgroups, int32_t groups, int32_t *klass, int32_t *group)
{
	int32_t n = 0;
	for (int32_t subgroup = 0; subgroup < subgroups; subgroup++)
		for (int i = 0; i < (int)cg[subgroup]; i++, n++) {
			klass[n] = subgroup / groups;
			group[n] = subgroup % groups;
		}
	return n;
}

static void ds_random_counts(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/tables.json"));
	json_t *subgroups = json_object_get(json, "cells"), *table;
	const fv_descriptor *loss = test_loss("ds");
	const char *name;
	static int32_t klass[10000], group[10000];
	json_object_foreach(subgroups, name, table)
	{
		size_t n;
		double *cg = test_numbers(json_object_get(table, "n_cg"), &n);
		double *want = test_numbers(json_object_get(table, "ds_kept_per_cell"), &n);
		int32_t groups = (int32_t)n / 6, got, *row;
		int32_t rows = rows_of(cg, (int32_t)n, groups, klass, group);
		double *kept = calloc(n, sizeof *kept);
		bench b = {.ctx = test_ctx()};
		core_objective objective;
		open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "paper", NULL), rows,
			6, groups, klass, group, NULL);
		test_ok(b.ctx, core_objective_subsample(&objective, &row, &got));
		assert_int_equal(got, json_integer_value(json_object_get(table, "ds_kept_total")));
		for (int32_t i = 0; i < got; i++) {
			assert_true(
				i == 0 || row[i] > row[i - 1]); /* in ascending order, each once */
			kept[klass[row[i]] * groups + group[row[i]]]++;
		}
		for (size_t i = 0; i < n; i++)
			test_close(kept[i], want[i], 0);
		free(kept);
		free(cg);
		free(want);
		core_ctx_free(b.ctx);
	}
	json_decref(json);
}

/* Every row of a subgroup is equally likely to be taken, and the draw depends on the seed and the
 * name only. */
static void ds_random_is_uniform(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("ds");
	const double cg[2] = {5, 20};
	enum { RUNS = 4000 };
	int32_t klass[25], group[25], n = rows_of(cg, 2, 2, klass, group), times[25] = {0};
	for (int run = 0; run < RUNS; run++) {
		int32_t *row, *again, got;
		bench b = {.ctx = test_ctx()};
		core_ctx_set_run(b.ctx, (uint64_t)run, 1);
		core_objective objective;
		open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "paper", NULL), n, 1,
			2, klass, group, NULL);
		test_ok(b.ctx, core_objective_subsample(&objective, &row, &got));
		assert_int_equal(got, 10);
		for (int i = 0; i < got; i++)
			times[row[i]]++;
		test_ok(b.ctx, core_objective_subsample(&objective, &again, &got));
		assert_memory_equal(row, again, 10 * sizeof *row);
		core_ctx_free(b.ctx);
	}
	for (int i = 0; i < 25; i++) /* 5 of 20: sd sqrt(4000 * 3/16) = 27 */
		assert_in_range(
			times[i], i < 5 ? RUNS : RUNS / 4 - 110, i < 5 ? RUNS : RUNS / 4 + 110);
}

static void ds_options(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("ds");
	/* one class: 3 rows of group 0, 2 of group 1, 1 unknown; the unknown row has the highest
	 * membership of both */
	const int32_t klass[6] = {0}, group[6] = {0, 0, 0, 1, 1, -1};
	const float member[12] = {
		0.6f, 0.1f, 0.9f, 0.1f, 0.8f, 0.2f, 0.3f, 0.7f, 0.2f, 0.8f, 0.95f, 0.95f};
	const struct {
		const char *profile, *draw;
		int32_t n, row[6];
	} cases[] = {
		{"paper", "draw=confident", 2, {5, 5}}, /* the minimum is 1, from the unknown */
		{"official", "draw=confident", 4, {1, 2, 3, 4}},
	};
	for (int i = 0; i < 2; i++) {
		bench b = {.ctx = test_ctx()};
		core_objective objective;
		int32_t *row, n;
		open_rows(&b, &objective, loss,
			test_loss_state(b.ctx, loss, cases[i].profile, cases[i].draw, NULL), 6, 1,
			2, klass, group, member);
		test_ok(b.ctx, core_objective_subsample(&objective, &row, &n));
		assert_int_equal(n, cases[i].n);
		assert_memory_equal(row, cases[i].row, (size_t)n * sizeof *row);
		core_ctx_free(b.ctx);
	}
	for (int official = 0; official < 2;
		official++) { /* random: 1 row from each of 3 groups, or 2 rows from each of 2 */
		bench b = {.ctx = test_ctx()};
		core_objective objective;
		int32_t *row, n, of[3] = {0};
		open_rows(&b, &objective, loss,
			test_loss_state(
				b.ctx, loss, official ? "official" : "paper", "draw=random", NULL),
			6, 1, 2, klass, group, member);
		test_ok(b.ctx, core_objective_subsample(&objective, &row, &n));
		for (int32_t i = 0; i < n; i++)
			of[group[row[i]] + 1]++;
		assert_int_equal(of[0], official ? 0 : 1);
		assert_int_equal(of[1], official ? 2 : 1);
		assert_int_equal(of[2], official ? 2 : 1);
		core_ctx_free(b.ctx);
	}
	bench b = {.ctx = test_ctx()};
	fv_rows rows = {.size = sizeof rows, .n = 1, .classes = 1, .groups = 2};
	fv_loss_setup setup = {.size = sizeof setup, .train = &rows, .dev = &rows};
	test_fails(b.ctx,
		((const fv_loss_ops *)loss->ops)
			->open(test_loss_state(b.ctx, loss, "paper", "draw=confident", NULL), b.ctx,
				&setup),
		FV_CONFIG, "memberships");
	core_ctx_free(b.ctx);
}

/* Rows are drawn with the golden probabilities (chi-square over rows). */
static void gdro_sampler(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/tables.json"));
	json_t *sets = json_object_get(json, "sampler"), *set;
	const fv_descriptor *loss = test_loss("gdro");
	const char *name;
	json_object_foreach(sets, name, set)
	{
		size_t n;
		double *prob = test_numbers(json_object_get(set, "prob"), &n), chi = 0;
		int32_t *group = test_ints(json_object_get(set, "g"), &n);
		int32_t groups = (int32_t)json_integer_value(json_object_get(set, "G"));
		int32_t *klass = calloc(n, sizeof *klass), *times = calloc(n, sizeof *times);
		int32_t position[64];
		enum { EPOCHS = 2000 };
		bench b = {.ctx = test_ctx()};
		core_objective objective;
		open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "official", NULL),
			(int32_t)n, 1, groups, klass, group, NULL);
		for (int epoch = 1; epoch <= EPOCHS; epoch++) {
			test_ok(b.ctx,
				core_objective_order(&objective, epoch, position, (int32_t)n));
			for (size_t i = 0; i < n; i++)
				times[position[i]]++;
		}
		for (size_t i = 0; i < n; i++) {
			double expected = prob[i] * EPOCHS * (double)n;
			chi += (times[i] - expected) * (times[i] - expected) / expected;
		}
		assert_int_equal(n, 40);
		assert_true(
			chi > 15 && chi < 75); /* 39 degrees of freedom: p < .0005 on both sides */
		free(prob);
		free(group);
		free(klass);
		free(times);
		core_ctx_free(b.ctx);
	}
	json_decref(json);
}

/* -1 is a group of its own for the sampler; sampler: shuffle does not change the order. */
static void gdro_sampler_unknown(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("gdro");
	enum { N = 60 };
	int32_t klass[N] = {0}, group[N], position[N], of[3] = {0};
	for (int i = 0; i < N; i++)
		group[i] = i < 50 ? 0 : i < 58 ? 1 : -1;
	bench b = {.ctx = test_ctx()};
	core_objective objective;
	open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "official", NULL), N, 1, 2,
		klass, group, NULL);
	for (int epoch = 1; epoch <= 500; epoch++) {
		test_ok(b.ctx, core_objective_order(&objective, epoch, position, N));
		for (int i = 0; i < N; i++)
			of[group[position[i]] + 1]++;
	}
	for (int g = 0; g < 3; g++) /* 30000 draws, 1/3 each: sd 82 */
		assert_in_range(of[g], 10000 - 330, 10000 + 330);
	core_ctx_free(b.ctx);
	b = (bench){.ctx = test_ctx()};
	open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "paper", NULL), N, 1, 2, klass,
		group, NULL);
	for (int i = 0; i < N; i++)
		position[i] = N - 1 - i;
	test_ok(b.ctx, core_objective_order(&objective, 1, position, N));
	for (int i = 0; i < N; i++)
		assert_int_equal(position[i], N - 1 - i);
	core_ctx_free(b.ctx);
}

static void pgdro_needs_memberships(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("pgdro");
	bench b = {.ctx = test_ctx()};
	fv_rows rows = {.size = sizeof rows, .n = 1, .classes = 2, .groups = 2};
	fv_loss_setup setup = {
		.size = sizeof setup, .train = &rows, .dev = &rows, .count = &b.count};
	test_fails(b.ctx,
		((const fv_loss_ops *)loss->ops)
			->open(test_loss_state(b.ctx, loss, "paper", NULL), b.ctx, &setup),
		FV_CONFIG, "needs memberships");
	core_ctx_free(b.ctx);
}

/* groups: class_x_group with memberships of 0 and 1 equals gadro, and the adjustment of a group
 * without training rows does not make it the worst. */
static void soft_class_x_group(void **state)
{
	(void)state;
	const double cg[4] = {100, 4, 0, 25}, losses[4] = {1, 2, 3.5, 2.5};
	const int32_t klass[4] = {0, 0, 1, 1}, group[4] = {0, 1, 1, 1};
	const float member[8] = {1, 0, 0, 1, 0, 1, 0, 1};
	const char *names[] = {"gadro", "pgdro"}, *modes[] = {"mode=batch_max", "mode=max"};
	for (int eg = 0; eg < 2; eg++) {
		double v[2][4] = {{0}}, value[2];
		for (int l = 0; l < 2; l++) {
			const fv_descriptor *loss = test_loss(names[l]);
			bench b = {.ctx = test_ctx()};
			b.rows.member = member;
			open_bench(&b, loss,
				test_loss_state(b.ctx, loss, "paper", eg ? "mode=eg" : modes[l],
					"groups=class_x_group", "lambda=4", "eta=0.5",
					l ? "normalize=true" : NULL, NULL),
				2, 2, cg, NULL);
			fv_batch batch = {.size = sizeof batch,
				.n = 4,
				.classes = 2,
				.groups = 2,
				.step = 1,
				.loss = losses,
				.klass = klass,
				.group = group,
				.member = member};
			test_ok(b.ctx, b.ops->weigh(b.state, b.ctx, &batch, v[l], &value[l]));
			if (!eg) { /* 2 + 4/2 against 3 + 4/5 */
				assert_true(v[l][1] == 1 && v[l][0] == 0 && v[l][2] == 0);
				test_close(value[l], 4, 1e-15);
			}
			core_ctx_free(b.ctx);
		}
		for (int i = 0; i < 4; i++)
			test_close(v[0][i], v[1][i], 1e-15);
		test_close(value[0], value[1], 1e-15);
	}
}

/* q_g exp(eta L_g / (q_g + alpha)); an absent group does not change, apart from normalisation; the
 * q in the value is the one after the update. */
static void gdro_smoothed(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("gdro");
	const double cg[3] = {5, 5, 5}, losses[3] = {2, 1, 0.5}, q[3] = {0.5, 0.3, 0.2};
	const int32_t klass[3] = {0}, group[3] = {0, 1, 1};
	bench b = {.ctx = test_ctx()};
	open_bench(&b, loss,
		test_loss_state(
			b.ctx, loss, "paper", "mode=smoothed", "eta=0.1", "alpha=0.25", NULL),
		1, 3, cg, NULL);
	set_q(b.ctx, q, 3);
	fv_batch batch = {.size = sizeof batch,
		.n = 3,
		.classes = 1,
		.groups = 3,
		.loss = losses,
		.klass = klass,
		.group = group};
	double v[3] = {0}, value, evaluated;
	test_ok(b.ctx, b.ops->weigh(b.state, b.ctx, &batch, v, &value));
	double a0 = 0.5 * exp(0.1 * 2 / 0.75), a1 = 0.3 * exp(0.1 * 0.75 / 0.55), a2 = 0.2;
	double sum = a0 + a1 + a2;
	test_close(v[0], a0 / sum, 1e-15);
	test_close(v[1], a1 / sum / 2, 1e-15);
	test_close(v[2], a1 / sum / 2, 1e-15);
	test_close(value, (2 * a0 + 0.75 * a1) / sum, 1e-15);
	test_ok(b.ctx, b.ops->evaluate(b.state, b.ctx, &batch, &evaluated));
	test_close(evaluated, value, 1e-15);
	const double *after = fv_array(b.ctx, "q", FV_F64, 1, 3);
	test_close(after[2], a2 / sum, 1e-15);
	core_ctx_free(b.ctx);
}

/* --- whole runs through the trainer
 * --------------------------------------------------------------- */

typedef struct follower {
	fv_loss_ops real;
	const json_t *trace;
	double *value, *q;
	int32_t *winner, groups;
	size_t steps;
	double wins[128];
	const char *name;
	float *init;
} follower;

static follower *following; /* ops have no user pointer */

static fv_status watch_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	follower *f = following;
	fv_status status = f->real.weigh(state, ctx, batch, v, value);
	size_t step = (size_t)batch->step - 1;
	double plain = *value; /* eg: the golden value is without the constant */
	if (f->q)
		test_ok(ctx, f->real.evaluate(state, ctx, batch, &plain));
	test_close(plain, f->value[step], 5e-6);
	if (f->q) {
		double *q = fv_array(ctx, "q", FV_F64, 1, f->groups);
		for (int32_t g = 0; g < f->groups; g++)
			test_close(q[g], f->q[step * (size_t)f->groups + (size_t)g], 2e-6);
	}
	if (f->winner) {
		double *wins = fv_array(ctx, "wins", FV_F64, 1, f->groups);
		f->wins[f->winner[step]]++;
		assert_memory_equal(wins, f->wins, (size_t)f->groups * sizeof *wins);
	}
	f->steps++;
	return status;
}

static fv_status start_follower(void *user, const core_plan *plan, float *params)
{
	const follower *f = user;
	memcpy(params, f->init, (size_t)plan->count * sizeof *params);
	return FV_OK;
}

static fv_status watch_epoch(void *user, const core_train_epoch *epoch)
{
	follower *f = user;
	size_t n;
	double *norm = test_numbers(json_object_get(f->trace, "grad_norm"), &n), mean = 0;
	for (int i = 0; i < 4; i++)
		mean += norm[(epoch->epoch - 1) * 4 + i] / 4;
	test_close(epoch->grad_norm, mean, 5e-6);
	free(norm);
	if (epoch->epoch < 5)
		return FV_OK;
	char path[128];
	int64_t dims[4];
	int rank;
	snprintf(path, sizeof path, "training/objectives/trace_%s.npy", f->name);
	double *want = test_npy(test_golden(path), dims, &rank);
	for (int64_t i = 0; i < dims[0]; i++)
		test_close(epoch->params[i], want[i], 5e-7);
	free(want);
	return FV_OK;
}

enum { N = 100 };

static float *read_floats(fv_ctx *ctx, const char *path, int64_t *n)
{
	int64_t dims[4] = {1, 1, 1, 1};
	int rank;
	double *values = test_npy(test_golden(path), dims, &rank);
	*n = dims[0] * (rank > 1 ? dims[1] : 1) * (rank > 2 ? dims[2] : 1);
	float *out = core_alloc(ctx, (size_t)*n, sizeof *out);
	for (int64_t i = 0; i < *n; i++)
		out[i] = (float)values[i];
	free(values);
	return out;
}

static void follow_trace(const char *name, const json_t *trace)
{
	fv_ctx *ctx = test_ctx();
	const json_t *options = json_object_get(trace, "options");
	const fv_descriptor *loss = variant_loss(options);
	const char *from = get_option(trace, "groups_from");
	int64_t count;
	size_t n, m;
	float *label = read_floats(ctx, "training/head/labels.npy", &count);
	float *both = read_floats(ctx, "training/head/groups.npy", &count);
	float *orders = read_floats(ctx, "training/head/order.npy", &count);
	float *pi = read_floats(ctx, "training/head/soft_groups.npy", &count), *member = NULL;
	if (!strncmp(from, "soft_groups.npy", 15))
		member = pi;
	int column = !strcmp(from, "groups.npy column 1");
	int32_t klass[N], group[N], order[5 * N];
	const char *stem[N];
	core_label_class(label, N, 6, klass);
	for (int i = 0; i < N; i++) {
		group[i] = (int32_t)both[2 * i + column];
		if (member)
			group[i] = member[2 * i + 1] > member[2 * i];
		stem[i] = core_format(ctx, "clip%03d", i);
	}
	for (int i = 0; i < 5 * N; i++)
		order[i] = (int32_t)orders[i];
	follower f = {.real = *(const fv_loss_ops *)loss->ops, .trace = trace, .name = name};
	f.value = test_numbers(json_object_get(trace, "loss"), &n);
	f.groups = column ? 16 : 2;
	if (json_object_get(trace, "q")) {
		f.q = test_numbers(json_object_get(trace, "q"), &m);
		f.groups = (int32_t)(m / n);
	}
	if (json_object_get(trace, "winner"))
		f.winner = test_ints(json_object_get(trace, "winner"), &m);
	f.init = read_floats(ctx, "training/head/init.npy", &count);
	fv_loss_ops watched = f.real;
	watched.weigh = watch_weigh;
	fv_descriptor copy = *loss;
	copy.ops = &watched;
	following = &f;
	const core_train_spec spec = {
		.epochs = 5, .batch = 32, .learning_rate = 1e-3, .clip = 1, .select = "dev_loss"};
	core_train_job job = {.shape = {.layers = 13, .dims = 24, .projection = 16, .classes = 6},
		.spec = &spec,
		.loss = &copy,
		.loss_state = variant_state(ctx, loss, options),
		.start = start_follower,
		.order = order,
		.order_epochs = 5,
		.order_n = N,
		.on_epoch = watch_epoch,
		.user = &f};
	job.train.x = read_floats(ctx, "training/head/features.npy", &count);
	job.train.rows = (fv_rows){.size = sizeof job.train.rows,
		.n = N,
		.classes = 6,
		.groups = column ? 16 : 2,
		.label = label,
		.klass = klass,
		.group = group,
		.member = member,
		.stem = stem};
	job.dev = job.train;
	core_train_result result;
	test_ok(ctx, core_train_run(ctx, &job, &result));
	assert_int_equal(f.steps, 20);
	free(f.value);
	free(f.q);
	free(f.winner);
	core_ctx_free(ctx);
}

static void follows_golden_traces(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/traces.json"));
	json_t *all = json_object_get(json, "traces"), *trace;
	const char *name;
	json_object_foreach(all, name, trace) follow_trace(name, trace);
	assert_int_equal(json_object_size(all), 17);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_step),
		cmocka_unit_test(extreme_losses),
		cmocka_unit_test(rw_tables),
		cmocka_unit_test(rw_unknown),
		cmocka_unit_test(ds_confident_sets),
		cmocka_unit_test(ds_random_counts),
		cmocka_unit_test(ds_random_is_uniform),
		cmocka_unit_test(ds_options),
		cmocka_unit_test(gdro_sampler),
		cmocka_unit_test(gdro_sampler_unknown),
		cmocka_unit_test(gdro_smoothed),
		cmocka_unit_test(pgdro_needs_memberships),
		cmocka_unit_test(soft_class_x_group),
		cmocka_unit_test(follows_golden_traces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
