/* SPDX-License-Identifier: Apache-2.0 */
#include "weigh_bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "losses.h"

static const float some_member;

const char *test_golden_option(const json_t *options, const char *key)
{
	return json_string_value(json_object_get(options, key));
}

const fv_descriptor *test_golden_loss(const json_t *options)
{
	const char *name = test_golden_option(options, "name");
	return test_loss(strcmp(name, "cvar") ? name : "cvar_dro");
}

void *test_golden_state(fv_ctx *ctx, const fv_descriptor *loss, const json_t *options)
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
		snprintf(weight, sizeof weight, "weight=%s", test_golden_option(options, "weight"));
		return test_loss_state(ctx, loss, "paper", weight, NULL);
	}
	const char *by = test_golden_option(options, "groups");
	json_t *rate = json_object_get(options, "eta");
	snprintf(mode, sizeof mode, "mode=%s", test_golden_option(options, "mode"));
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
	snprintf(counts, sizeof counts, "counts=%s", test_golden_option(options, "counts"));
	return test_loss_state(ctx, loss, "paper",
		!strcmp(test_golden_option(options, "mode"), "eg") ? "mode=eg" : "mode=max", eta,
		lambda, normalize ? "normalize=true" : "normalize=false", counts, NULL);
}

void test_bench_open_soft(test_bench *b, const fv_descriptor *loss, void *state, int32_t classes,
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

void test_bench_open(test_bench *b, const fv_descriptor *loss, void *state, int32_t classes,
	int32_t groups, const double *cg, const double *unknown)
{
	test_bench_open_soft(b, loss, state, classes, groups, cg, NULL, unknown);
}

void test_bench_set_q(fv_ctx *ctx, const double *q, size_t n)
{
	double *log_q = fv_array(ctx, "log_q", FV_F64, (int64_t)n, 1);
	double *shown = fv_array(ctx, "q", FV_F64, 1, (int64_t)n);
	for (size_t i = 0; i < n; i++) {
		log_q[i] = log(q[i]);
		shown[i] = q[i];
	}
}
