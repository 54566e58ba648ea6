/* SPDX-License-Identifier: Apache-2.0 */
/* The stages that jtt, afr and eiil ask for, compared with golden/training/objectives. */
#include "losses.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stages.h>
#include <fairvox/stream.h>

#include "../../plugins/losses/environments.h"

enum { B = 40, K = 6 };

/* golden/training/objectives/stages.json, and a plugin whose stages are requested for these rows.
 */
typedef struct golden {
	fv_ctx *ctx;
	json_t *root;
	float *logits, *label;
	double *class_weight;
	int32_t klass[B], speaker[B], drawn;
	const char *stem[B];
	fv_rows rows, dev;
	fv_loss_setup setup;
} golden;

static golden *at_work; /* gives predictions and draws in place of the core */

static const double *get_numbers(const golden *g, const char *block, const char *key)
{
	size_t n;
	const json_t *in = block ? json_object_get(g->root, block) : g->root;
	double *read = test_numbers(json_object_get(in, key), &n);
	double *kept = core_alloc(g->ctx, n, sizeof *kept);
	memcpy(kept, read, n * sizeof *kept);
	free(read);
	return kept;
}

/* These stand in for the library's functions, which the plugins call. */
__attribute__((visibility("default"))) fv_status fv_predict_rows(
	fv_ctx *ctx, const fv_rows *rows, float *logits)
{
	(void)ctx;
	assert_true(rows == &at_work->rows || rows == &at_work->dev);
	memcpy(logits, at_work->logits, (size_t)B * K * sizeof *logits);
	return FV_OK;
}

__attribute__((visibility("default"))) double fv_normal(fv_stream *stream)
{
	(void)stream;
	return get_numbers(at_work, "eiil", "u0")[at_work->drawn++ % B];
}

static golden *open_golden(void)
{
	golden *g = calloc(1, sizeof *g);
	size_t n;
	g->ctx = test_ctx();
	g->root = test_json(test_golden("training/objectives/stages.json"));
	g->logits = test_floats(json_object_get(g->root, "logits"), &n);
	g->label = test_floats(json_object_get(g->root, "labels"), &n);
	assert_int_equal(n, B * K);
	g->class_weight = test_numbers(json_object_get(g->root, "class_weights"), &n);
	for (int i = 0; i < B; i++) {
		for (int k = 1; k < K; k++)
			if (g->label[i * K + k] > g->label[i * K + g->klass[i]])
				g->klass[i] = k;
		g->speaker[i] = i % 5;
		g->stem[i] = core_format(g->ctx, "clip%02d", i);
	}
	g->rows = (fv_rows){.size = sizeof g->rows,
		.n = B,
		.classes = K,
		.label = g->label,
		.klass = g->klass,
		.stem = g->stem,
		.speaker = g->speaker};
	g->dev = g->rows;
	g->setup = (fv_loss_setup){.size = sizeof g->setup,
		.train = &g->rows,
		.dev = &g->dev,
		.class_weight = g->class_weight,
		.epochs = 3,
		.batch = 8};
	at_work = g;
	return g;
}

static void close_golden(golden *g)
{
	at_work = NULL;
	free(g->logits);
	free(g->label);
	free(g->class_weight);
	json_decref(g->root);
	core_ctx_free(g->ctx);
	free(g);
}

/* Opens the plugin and returns the second of its two stages. */
static fv_stage second_stage(golden *g, const fv_descriptor *loss, void *self, fv_stage *first)
{
	const fv_loss_ops *ops = loss->ops;
	const fv_stages_1 *stages = loss->extension(FV_STAGES_1);
	fv_stage stage[2];
	test_ok(g->ctx, ops->open(self, g->ctx, &g->setup));
	for (int32_t i = 0; i < 2; i++) {
		int32_t more = 0;
		stage[i] = (fv_stage){.size = sizeof *stage};
		test_ok(g->ctx, stages->next(self, g->ctx, i, &stage[i], &more));
		assert_int_equal(more, i == 0);
	}
	*first = stage[0];
	return stage[1];
}

/* The weight of a development row, as seen through evaluate. */
static double dev_weight(golden *g, const fv_loss_ops *ops, const void *self, int32_t row)
{
	const double one = 1;
	double value;
	const fv_batch batch = {.size = sizeof batch, .n = 1, .row = &row, .loss = &one};
	test_ok(g->ctx, ops->evaluate(self, g->ctx, &batch, &value));
	return value;
}

static double worst; /* deviation */

static void close_to(double got, double want, double tolerance)
{
	worst = fmax(worst, fabs(got - want) / fmax(1, fabs(want)));
	test_close(got, want, tolerance);
}

static void jtt_errors(void **state)
{
	(void)state;
	golden *g = open_golden();
	const fv_descriptor *loss = test_loss("jtt");
	const double *error = get_numbers(g, NULL, "jtt_error");
	void *self = test_loss_state(g->ctx, loss, "paper", "lambda=3", "first_epochs=7", NULL);
	fv_stage first, stage = second_stage(g, loss, self, &first);
	assert_true(first.epochs == 7 && first.use_last && !first.row && !first.loss);
	assert_true(stage.fresh && !stage.use_last && !stage.epochs && !stage.row_weight);
	int64_t at = 0;
	double errors = 0;
	for (int32_t i = 0; i < B; i++) {
		errors += error[i];
		for (int copy = 0; copy < (error[i] > 0 ? 3 : 1); copy++)
			assert_int_equal(stage.row[at++], i);
	}
	assert_int_equal(stage.n, at);
	assert_true(errors > 5 && errors < B);
	assert_true(*(double *)fv_array(g->ctx, "errors", FV_F64, 1, 1) == errors);
	for (int32_t i = 0; i < B; i++)
		test_close(dev_weight(g, loss->ops, self, i),
			(error[i] > 0 ? 3 : 1) * B / (2 * errors + B), 1e-14);
	close_golden(g);
}

/* Ties of logits and of labels go to the first class. */
static void jtt_ties(void **state)
{
	(void)state;
	golden *g = open_golden();
	const fv_descriptor *loss = test_loss("jtt");
	for (int k = 0; k < K; k++) {
		g->logits[k] = k == 2 || k == 4 ? 1 : 0;
		g->logits[K + k] = k == 2 || k == 4 ? 1 : 0;
	}
	g->klass[0] = 2;
	g->klass[1] = 4;
	void *self = test_loss_state(g->ctx, loss, "paper", "lambda=2", NULL);
	fv_stage first, stage = second_stage(g, loss, self, &first);
	assert_true(stage.row[0] == 0 && stage.row[1] == 1 && stage.row[2] == 1);
	close_golden(g);
}

static void afr_weights(void **state)
{
	(void)state;
	golden *g = open_golden();
	const fv_descriptor *loss = test_loss("afr");
	const double *raw = get_numbers(g, "afr", "weight_raw"),
		     *share = get_numbers(g, "afr", "weight_sum1");
	void *self = test_loss_state(g->ctx, loss, "paper", "gamma=10", "anchor=0.25",
		"refit_epochs=9", "refit_learning_rate=0.5", NULL);
	fv_stage first, stage = second_stage(g, loss, self, &first);
	assert_true(stage.output_only && !stage.fresh && stage.anchor == 0.25);
	assert_true(stage.epochs == 9 && stage.learning_rate == 0.5 && !stage.loss);
	assert_true(!first.output_only && !first.row_weight && !first.epochs && !first.use_last);
	worst = 0;
	for (int32_t i = 0; i < B; i++)
		close_to(dev_weight(g, loss->ops, self, i), B * share[i], 2e-6);
	/* in the hold-out: the same over its rows, with mean 1; the others have weight 0 */
	double sum = 0, all = 0;
	for (int64_t i = 0; i < stage.n; i++)
		sum += raw[stage.row[i]];
	for (int64_t i = 0; i < stage.n; i++)
		close_to(stage.row_weight[stage.row[i]], (double)stage.n * raw[stage.row[i]] / sum,
			2e-6);
	for (int64_t i = 0; i < B; i++)
		all += stage.row_weight[i];
	test_close(all, (double)stage.n, 1e-12);
	print_message("afr: largest deviation %.2g of 2e-6\n", worst);
	close_golden(g);
}

/* Speakers are held out as a whole: every row is in one of the stages, no speaker in both, and the
 * share is about that asked for. */
static void afr_holds_out_speakers(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("afr");
	bool picked[5] = {false};
	for (int fold = 0; fold < 40; fold++) {
		golden *g = open_golden();
		fv_stage first;
		core_ctx_set_run(g->ctx, 3, fold);
		fv_stage stage =
			second_stage(g, loss, test_loss_state(g->ctx, loss, "paper", NULL), &first);
		int32_t seen[B] = {0}, side[5] = {0};
		assert_int_equal(first.n + stage.n, B);
		assert_int_equal(stage.n, B / 5);
		for (int64_t i = 0; i < B; i++) {
			int32_t row = i < first.n ? first.row[i] : stage.row[i - first.n];
			seen[row]++;
			side[g->speaker[row]] |= i < first.n ? 1 : 2;
		}
		for (int i = 0; i < B; i++)
			assert_int_equal(seen[i], 1);
		for (int s = 0; s < 5; s++) {
			assert_true(side[s] == 1 || side[s] == 2);
			picked[s] = picked[s] || side[s] == 2;
		}
		/* the result does not depend on the ids of speakers or the order of rows */
		golden *h = open_golden();
		core_ctx_set_run(h->ctx, 3, fold);
		for (int i = 0; i < B; i++) {
			h->stem[i] = g->stem[B - 1 - i];
			h->speaker[i] = 77 - 3 * g->speaker[B - 1 - i];
		}
		fv_stage turned =
			second_stage(h, loss, test_loss_state(h->ctx, loss, "paper", NULL), &first);
		assert_int_equal(turned.n, stage.n);
		for (int64_t i = 0; i < stage.n; i++)
			assert_int_equal(
				77 - 3 * g->speaker[stage.row[0]], h->speaker[turned.row[i]]);
		close_golden(h);
		at_work = g;
		close_golden(g);
	}
	for (int s = 0; s < 5; s++)
		assert_true(picked[s]);
}

static void afr_needs_speakers(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("afr");
	const fv_loss_ops *ops = loss->ops;
	golden *g = open_golden();
	void *self = test_loss_state(g->ctx, loss, "paper", NULL);
	memset(g->speaker, 0, sizeof g->speaker);
	test_fails(g->ctx, ops->open(self, g->ctx, &g->setup), FV_DATA, "of one speaker");
	g->rows.speaker = NULL;
	test_fails(
		g->ctx, ops->open(self, g->ctx, &g->setup), FV_DATA, "needs speakers to hold out");
	/* two speakers of very different size: never both */
	g->rows.speaker = g->speaker;
	for (int turn = 0; turn < 20; turn++) {
		fv_stage first;
		core_ctx_set_run(g->ctx, (uint64_t)turn, 0);
		for (int i = 0; i < B; i++)
			g->speaker[i] = i == 17;
		fv_stage stage = second_stage(g, loss,
			test_loss_state(g->ctx, loss, "paper", "holdout=0.9", NULL), &first);
		assert_true(stage.n == 1 || stage.n == B - 1);
		assert_int_equal(first.n + stage.n, B);
	}
	close_golden(g);
}

/* The gradient ascent in double, from given slopes and start values. */
static void eiil_ascent(void **state)
{
	(void)state;
	golden *g = open_golden();
	double u[B], m[B] = {0}, v[B] = {0}, q[B], d[B];
	environments e = {B, d, u, m, v, q};
	const double *penalty = get_numbers(g, "eiil", "penalty"),
		     *slope = get_numbers(g, "eiil", "grad_of_minus_penalty_at_start"),
		     *end = get_numbers(g, "eiil", "u_after_30_adam_steps_lr0.001");
	memcpy(d, get_numbers(g, "eiil", "dloss_ds"), sizeof d);
	memcpy(u, get_numbers(g, "eiil", "u0"), sizeof u);
	worst = 0;
	for (int step = 1; step <= 30; step++) {
		close_to(environments_step(&e, step, 0.001), penalty[step - 1], 1e-12);
		for (int i = 0; i < B && step == 1; i++)
			close_to(m[i] / (1 - 0.9), slope[i], 1e-12);
	}
	for (int i = 0; i < B; i++)
		close_to(u[i], end[i], 1e-12);
	print_message("eiil: largest deviation %.2g of 1e-12\n", worst);
	close_golden(g);
}

/* The plugin: slopes from float32 logits, the penalty before the last step, the environments. */
static void eiil_environments(void **state)
{
	(void)state;
	golden *g = open_golden();
	const fv_descriptor *loss = test_loss("eiil");
	const double *end = get_numbers(g, "eiil", "u_after_30_adam_steps_lr0.001"),
		     *d = get_numbers(g, "eiil", "dloss_ds");
	void *self = test_loss_state(
		g->ctx, loss, "paper", "steps=30", "step_size=0.001", "reference_epochs=2", NULL);
	fv_stage first, stage = second_stage(g, loss, self, &first);
	assert_true(first.epochs == 2 && first.use_last && !first.loss && !first.groups);
	assert_true(stage.fresh && stage.groups == 2 && !stage.row && !stage.row_weight);
	assert_string_equal(stage.loss, "then");
	double mean[2] = {0}, size[2] = {0};
	for (int i = 0; i < B; i++) {
		mean[end[i] > 0] += d[i];
		size[end[i] > 0]++;
	}
	bool turned = mean[1] / size[1] < mean[0] / size[0];
	for (int i = 0; i < B; i++) {
		assert_int_equal(stage.group[i], turned ? end[i] <= 0 : end[i] > 0);
		assert_int_equal(stage.dev_group[i], stage.group[i]);
	}
	const double *sizes = fv_array(g->ctx, "environments", FV_F64, 1, 2),
		     *penalty = fv_array(g->ctx, "penalty", FV_F64, 1, 1);
	assert_true(sizes[turned] == size[0] && sizes[!turned] == size[1]);
	worst = 0;
	close_to(*penalty, get_numbers(g, "eiil", "penalty")[29], 2e-6);
	print_message("eiil: penalty off by %.2g of 2e-6\n", worst);
	close_golden(g);
}

/* The maximum separates rows whose loss falls as the reference model gets more confident from the
 * others. */
static void eiil_finds_the_maximum(void **state)
{
	(void)state;
	golden *g = open_golden();
	double u[B], m[B] = {0}, v[B] = {0}, q[B], d[B], last = 0;
	int32_t group[B];
	environments e = {B, d, u, m, v, q};
	memcpy(d, get_numbers(g, "eiil", "dloss_ds"), sizeof d);
	memcpy(u, get_numbers(g, "eiil", "u0"), sizeof u);
	for (int step = 1; step <= 10000; step++) {
		double penalty = environments_step(&e, step, 0.01);
		last = fmax(last, penalty);
	}
	double plus = 0, minus = 0;
	for (int i = 0; i < B; i++)
		*(d[i] > 0 ? &plus : &minus) += d[i] / B;
	test_close(last, (plus * plus + minus * minus) / 2, 1e-4);
	environments_assign(&e, group);
	for (int i = 0; i < B; i++)
		if (fabs(d[i]) > 1e-3)
			assert_int_equal(group[i], d[i] > 0);
	close_golden(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jtt_errors),
		cmocka_unit_test(jtt_ties),
		cmocka_unit_test(afr_weights),
		cmocka_unit_test(afr_holds_out_speakers),
		cmocka_unit_test(afr_needs_speakers),
		cmocka_unit_test(eiil_ascent),
		cmocka_unit_test(eiil_environments),
		cmocka_unit_test(eiil_finds_the_maximum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
