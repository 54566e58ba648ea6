/* SPDX-License-Identifier: Apache-2.0 */
/* The losses that only weight samples (erm, rw, gdro, gadro, pgdro, cvar_dro), compared with golden/training/objectives: one
 * step, and extreme losses. */
#include "losses.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base_loss.h"
#include "weigh_bench.h"

/* Memberships are float32 in a batch, but not in the golden numbers. */
static double get_tolerance(const fv_descriptor *loss)
{
	return strcmp(loss->name, "pgdro") ? 1e-12 : 2e-6;
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
	test_bench *b, const fv_descriptor *loss, const fv_batch *batch, const double *v, bool eg)
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
	const fv_descriptor *loss = test_golden_loss(options);
	const char *batch_name = test_golden_option(entry, "batch");
	const json_t *source = json_object_get(batches, batch_name);
	size_t n, m;
	test_bench b = {.ctx = test_ctx()};
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
	test_bench_open_soft(&b, loss, test_golden_state(b.ctx, loss, options), classes, groups, cg,
		g_soft, NULL);
	bool eg = (value = json_object_get(entry, "q_before")) != NULL;
	if (eg) {
		double *q = test_numbers(value, &m);
		test_bench_set_q(b.ctx, q, m);
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
		const fv_descriptor *loss = test_golden_loss(options);
		double *l = test_numbers(json_object_get(entry, "loss"), &n);
		double *want = test_numbers(json_object_get(entry, "v"), &m);
		double *count = test_numbers(json_object_get(entry, "n_g"), &m);
		int32_t *group = test_ints(json_object_get(entry, "g"), &n), klass[8] = {0};
		test_bench b = {.ctx = test_ctx()};
		float *member = test_floats(json_object_get(entry, "pi"), &all);
		test_bench_open_soft(&b, loss, test_golden_state(b.ctx, loss, options), 1,
			(int32_t)m, count, count, NULL);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_step),
		cmocka_unit_test(extreme_losses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
