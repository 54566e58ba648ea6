/* SPDX-License-Identifier: Apache-2.0 */
/* group_loss: excess, for every objective that compares groups: the objective applied to losses
 * minus their unavoidable part, with weights and gradient of the losses themselves. */
#include "losses.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

enum { B = 12, C = 3, G = 3, STEPS = 8 };

static const char *const names[] = {"gdro", "gadro", "pgdro"};
static const char *const modes[3][4] = {{"mode=batch_max", "mode=eg", "mode=smoothed", NULL},
	{"mode=batch_max", "mode=eg", NULL}, {"mode=max", "mode=eg", NULL}};

typedef struct world {
	float label[B * C], member[B * G];
	int32_t klass[B], group[B], row[B];
	const char *stem[B];
	double class_weight[C], floor[B], c[C], g[G], cg[C * G];
	fv_rows rows;
	fv_counts count;
	fv_loss_setup setup;
} world;

static void make_world(fv_ctx *ctx, world *w)
{
	fv_stream s = fv_rng_seeded(5, "world", 0, 0);
	for (int k = 0; k < C; k++)
		w->class_weight[k] = 0.5 + 0.4 * k;
	for (int i = 0; i < B; i++) {
		float sum = 0;
		double weight = 0;
		for (int k = 0; k < C; k++)
			sum += w->label[i * C + k] =
				i % 4 ? (float)fv_uniform(&s) : (float)(k == i % C);
		for (int k = 0; k < C; k++) {
			float y = w->label[i * C + k] /= sum;
			if (y > w->label[i * C + w->klass[i]])
				w->klass[i] = k;
			weight += w->class_weight[k] * (double)y;
			w->floor[i] -= y > 0 ? (double)y * log((double)y) : 0;
		}
		w->floor[i] *= weight;
		w->group[i] = i % 7 == 6 ? -1 : (int32_t)fv_below(&s, G);
		for (int g = 0; g < G; g++)
			w->member[i * G + g] = (float)fv_uniform(&s) / 2;
		w->row[i] = i;
		w->stem[i] = core_format(ctx, "clip%d", i);
		w->c[w->klass[i]]++;
		if (w->group[i] >= 0) {
			w->g[w->group[i]]++;
			w->cg[w->klass[i] * G + w->group[i]]++;
		}
	}
	w->rows = (fv_rows){.size = sizeof w->rows,
		.n = B,
		.classes = C,
		.groups = G,
		.label = w->label,
		.klass = w->klass,
		.group = w->group,
		.member = w->member,
		.stem = w->stem};
	w->count = (fv_counts){.size = sizeof w->count,
		.c = w->c,
		.g = w->g,
		.cg = w->cg,
		.g_soft = w->g,
		.cg_soft = w->cg,
		.c_unknown = w->c};
	w->setup = (fv_loss_setup){.size = sizeof w->setup,
		.train = &w->rows,
		.dev = &w->rows,
		.count = &w->count,
		.class_weight = w->class_weight};
}

/* Runs STEPS steps and writes the arrays, weights and values of all of them into out. */
static void run_steps(const fv_descriptor *loss, const char *mode, const char *groups, bool excess,
	double out[STEPS][B + 2], double *wins, double *q)
{
	fv_ctx *ctx = test_ctx();
	world w = {0};
	make_world(ctx, &w);
	const fv_loss_ops *ops = loss->ops;
	void *self = test_loss_state(ctx, loss, "paper", mode, groups, "eta=0.3",
		excess ? "group_loss=excess" : "group_loss=ce", NULL);
	fv_stream s = fv_rng_seeded(6, "losses", 0, 0);
	test_ok(ctx, ops->open(self, ctx, &w.setup));
	for (int step = 0; step < STEPS; step++) {
		double l[B], *v = out[step];
		for (int i = 0; i < B; i++) {
			double above = 2 * fv_uniform(&s); /* excess is given the whole loss */
			l[i] = above + (excess ? w.floor[i] : 0);
			v[i] = 0;
		}
		const fv_batch batch = {.size = sizeof batch,
			.n = B,
			.classes = C,
			.groups = G,
			.step = step + 1,
			.row = w.row,
			.loss = l,
			.label = w.label,
			.klass = w.klass,
			.group = w.group,
			.member = w.member,
			.stem = w.stem};
		test_ok(ctx, ops->weigh(self, ctx, &batch, v, &v[B]));
		test_ok(ctx, ops->evaluate(self, ctx, &batch, &v[B + 1]));
		core_scratch_reset(ctx);
	}
	int32_t n = strcmp(groups, "groups=group") ? C * G : G;
	memcpy(wins, fv_array(ctx, "wins", FV_F64, 1, n), (size_t)n * sizeof *wins);
	for (size_t i = 0; i < core_array_count(ctx); i++)
		if (!strcmp(core_array_at(ctx, i)->name, "q"))
			memcpy(q, core_array_at(ctx, i)->data, (size_t)n * sizeof *q);
	core_ctx_free(ctx);
}

static void excess_is_the_rest(void **state)
{
	(void)state;
	const char *groups[] = {"groups=group", "groups=class_x_group"};
	double worst = 0;
	for (int l = 0; l < 3; l++)
		for (int m = 0; modes[l][m]; m++)
			for (int split = 0; split < 2; split++) {
				double out[2][STEPS][B + 2],
					wins[2][C * G] = {{0}}, q[2][C * G] = {{0}}, sum = 0;
				for (int e = 0; e < 2; e++)
					run_steps(test_loss(names[l]), modes[l][m], groups[split],
						e, out[e], wins[e], q[e]);
				for (int step = 0; step < STEPS; step++)
					for (int i = 0; i < B + 2; i++) {
						worst = fmax(worst,
							fabs(out[0][step][i] - out[1][step][i]));
						test_close(out[1][step][i], out[0][step][i], 1e-12);
					}
				assert_memory_equal(wins[0], wins[1], sizeof wins[0]);
				for (int g = 0; g < C * G; g++) {
					test_close(q[1][g], q[0][g], 1e-12);
					sum += wins[0][g];
				}
				assert_true(sum == STEPS); /* every step has a worst group */
				assert_int_equal(q[0][0] > 0, m > 0);
			}
	print_message("excess: largest deviation %.2g of 1e-12\n", worst);
}

/* In all of them, it moves the maximum to the group that could do better. */
static void who_wins(void **state)
{
	(void)state;
	/* group 0: raters disagree, loss at its floor log 2 + 0.1; group 1: they agree, loss 0.5 */
	const double weight[2] = {1, 1}, one[4] = {1, 1, 1, 1}, losses[2] = {log(2) + 0.1, 0.5};
	const float label[4] = {0.5f, 0.5f, 1, 0}, member[4] = {1, 0, 0, 1};
	const int32_t klass[2] = {0, 0}, group[2] = {0, 1};
	for (int l = 0; l < 3; l++)
		for (int excess = 0; excess < 2; excess++) {
			fv_ctx *ctx = test_ctx();
			const fv_descriptor *loss = test_loss(names[l]);
			const fv_loss_ops *ops = loss->ops;
			const fv_rows rows = {.size = sizeof rows,
				.n = 2,
				.classes = 2,
				.groups = 2,
				.label = label,
				.klass = klass,
				.group = group,
				.member = member};
			const fv_counts count = {sizeof count, one, one, one, one, one, one};
			const fv_loss_setup setup = {.size = sizeof setup,
				.train = &rows,
				.dev = &rows,
				.count = &count,
				.class_weight = weight};
			const fv_batch batch = {.size = sizeof batch,
				.n = 2,
				.classes = 2,
				.groups = 2,
				.loss = losses,
				.label = label,
				.klass = klass,
				.group = group,
				.member = member};
			void *self = test_loss_state(ctx, loss, "paper",
				excess ? "group_loss=excess" : "group_loss=ce",
				l ? "lambda=0" : NULL, NULL);
			double v[2] = {0}, value;
			test_ok(ctx, ops->open(self, ctx, &setup));
			test_ok(ctx, ops->weigh(self, ctx, &batch, v, &value));
			double share = l == 2 ? 0.5 : 1; /* pgdro divides by the batch's size */
			assert_true(v[excess] == share && v[!excess] == 0);
			test_close(value, share * (excess ? 0.5 : log(2) + 0.1), 1e-15);
			core_ctx_free(ctx);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(excess_is_the_rest),
		cmocka_unit_test(who_wins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
