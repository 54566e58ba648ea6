/* SPDX-License-Identifier: Apache-2.0 */
/* mixup and lisa: the distribution of shares, who is mixed with whom, what draws depend on, and the
 * gradient of a mixed step. */
#include "task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"
#include "nn/base_loss.h"
#include "train/predict.h"

enum { EPOCHS = 300, DRAWS = EPOCHS * N };

typedef struct draws {
	int32_t partner[DRAWS];
	double lambda[DRAWS];
} draws;

/* Batches of all rows, one per epoch, as the core passes them: each row as its own partner, with
 * lambda 1. */
static draws *draw_all(task *t, void *self)
{
	const fv_loss_ops *ops = t->job.loss->ops;
	const fv_rows *rows = &t->job.train.rows;
	const fv_loss_setup setup = {.size = sizeof setup, .train = rows, .dev = rows};
	draws *out = malloc(sizeof *out);
	int32_t row[N];
	assert_non_null(out);
	for (int32_t i = 0; i < N; i++)
		row[i] = i;
	test_ok(t->ctx, ops->open(self, t->ctx, &setup));
	core_scratch_reset(t->ctx);
	for (int32_t epoch = 1; epoch <= EPOCHS; epoch++) {
		int32_t *partner = out->partner + (epoch - 1) * N;
		double *lambda = out->lambda + (epoch - 1) * N;
		const fv_batch batch = {.size = sizeof batch,
			.n = N,
			.classes = C,
			.groups = G,
			.step = epoch,
			.epoch = epoch,
			.row = row,
			.label = rows->label,
			.klass = rows->klass,
			.group = rows->group,
			.stem = rows->stem};
		for (int32_t i = 0; i < N; i++) {
			partner[i] = i;
			lambda[i] = 1;
		}
		test_ok(t->ctx, ops->mix(self, t->ctx, &batch, partner, lambda));
	}
	return out;
}

/* Moments of Beta(alpha, alpha): mean 1/2, variance 1/(4 (2 alpha + 1)); for whole alpha also the
 * distribution (Kolmogorov-Smirnov, 0.1%). */
static void shares_are_beta(void **state)
{
	(void)state;
	const struct {
		const char *text;
		double alpha;
	} cases[] = {{"alpha=0.01", 0.01}, {"alpha=0.2", 0.2}, {"alpha=1", 1}, {"alpha=2", 2},
		{"alpha=30", 30}};
	for (size_t c = 0; c < 5; c++) {
		task *t = new_task(test_loss("mixup"), false);
		draws *d = draw_all(
			t, test_loss_state(t->ctx, t->job.loss, "paper", cases[c].text, NULL));
		double mean = 0, square = 0, off = 0, alpha = cases[c].alpha;
		double variance = 1 / (4 * (2 * alpha + 1));
		for (int i = 0; i < DRAWS; i++) {
			assert_true(d->lambda[i] >= 0 && d->lambda[i] <= 1);
			mean += d->lambda[i] / DRAWS;
			square += pow(d->lambda[i] - 0.5, 2) / DRAWS;
		}
		test_close(mean, 0.5, 4 * sqrt(variance / DRAWS));
		assert_true(fabs(square / variance - 1) < 0.03);
		core_sort_doubles(d->lambda, DRAWS);
		for (int i = 0; i < DRAWS && (alpha == 1 || alpha == 2); i++) {
			double x = d->lambda[i], cdf = alpha == 1 ? x : x * x * (3 - 2 * x);
			off = fmax(off,
				fmax(fabs(cdf - (double)i / DRAWS), fabs(cdf - (i + 1.0) / DRAWS)));
		}
		assert_true(off < 1.95 / sqrt(DRAWS));
		free(d);
		free_task(t);
	}
}

/* Pearson's chi-square statistic of counts against equal counts. */
static double compute_unevenness(const double *count, int n, double *total)
{
	double sum = 0, chi = 0;
	for (int i = 0; i < n; i++)
		sum += count[i];
	for (int i = 0; i < n; i++)
		chi += pow(count[i] - sum / n, 2) / (sum / n);
	*total = sum;
	return chi;
}

static void mixup_partners(void **state)
{
	(void)state;
	task *t = new_task(test_loss("mixup"), false);
	draws *d = draw_all(t, t->job.loss_state);
	double count[N] = {0}, total;
	for (int i = 0; i < DRAWS; i++)
		count[d->partner[i]]++;
	assert_true(compute_unevenness(count, N, &total) < N - 1 + 4 * sqrt(2 * (N - 1)));
	free(d);
	free_task(t);
}

/* A sample's draws depend on its name and the epoch, not on the batch or the order of rows. */
static void draws_by_name(void **state)
{
	(void)state;
	const char *names[] = {"mixup", "lisa"};
	for (int l = 0; l < 2; l++) {
		task *t = new_task(test_loss(names[l]), false);
		task *u = new_task(test_loss(names[l]), true);
		draws *a = draw_all(t, t->job.loss_state), *b = draw_all(u, u->job.loss_state);
		int same = 0;
		for (int i = 0; i < DRAWS; i++) {
			int turned = i / N * N + N - 1 - i % N;
			assert_string_equal(t->stem[a->partner[i]], u->stem[b->partner[turned]]);
			assert_true(a->lambda[i] == b->lambda[turned]);
			same += i >= N && a->lambda[i] == a->lambda[i - N];
		}
		assert_int_equal(same, 0);
		const fv_loss_ops *ops = t->job.loss->ops;
		for (int32_t i = 0; i < N; i++) {
			int32_t partner = i;
			double lambda = 1;
			const fv_batch one = {.size = sizeof one,
				.n = 1,
				.classes = C,
				.groups = G,
				.step = 999,
				.epoch = 3,
				.row = &i,
				.klass = t->klass + i,
				.group = t->group + i,
				.stem = t->stem + i};
			test_ok(t->ctx,
				ops->mix(t->job.loss_state, t->ctx, &one, &partner, &lambda));
			assert_int_equal(partner, a->partner[2 * N + i]);
			assert_true(lambda == a->lambda[2 * N + i]);
		}
		free(a);
		free(b);
		free_task(t);
		free_task(u);
	}
}

/* Partners have the same class and another group, or the same group and another class, each
 * candidate equally often. */
static void lisa_pairs(void **state)
{
	(void)state;
	const char *p_sel[] = {"p_sel=0", "p_sel=0.3", "p_sel=1"};
	const double want[] = {0, 0.3, 1};
	for (int c = 0; c < 3; c++) {
		task *t = new_task(test_loss("lisa"), false);
		t->group[7] = t->group[30] = -1;
		draws *d =
			draw_all(t, test_loss_state(t->ctx, t->job.loss, "paper", p_sel[c], NULL));
		double same_label = 0, mixed = 0, count[N] = {0}, total, candidates = 0;
		for (int i = 0; i < DRAWS; i++) {
			int row = i % N, partner = d->partner[i];
			if (t->group[row] < 0) {
				assert_true(partner == row && d->lambda[i] == 1);
				continue;
			}
			bool label = t->klass[row] == t->klass[partner];
			bool group = t->group[row] == t->group[partner];
			assert_true(t->group[partner] >= 0 && label != group);
			mixed++;
			same_label += label;
			if (row == 3)
				count[partner]++;
		}
		test_close(same_label / mixed, want[c], c == 1 ? 4 * sqrt(0.3 * 0.7 / mixed) : 0);
		double present[N];
		for (int i = 0; i < N; i++)
			if (c != 1 && t->group[i] >= 0 &&
				(t->klass[i] == t->klass[3]) == (c == 2) &&
				(t->group[i] == t->group[3]) == (c == 0))
				present[(int)candidates++] = count[i];
		if (c != 1) {
			double chi = compute_unevenness(present, (int)candidates, &total);
			assert_true(total == EPOCHS && candidates > 3);
			assert_true(chi < candidates - 1 + 4 * sqrt(2 * (candidates - 1)));
		}
		free(d);
		free_task(t);
	}
}

/* A sample without a possible partner is not mixed. */
static void lisa_without_partners(void **state)
{
	(void)state;
	task *t = new_task(test_loss("lisa"), false);
	for (int i = 0; i < N; i++)
		t->group[i] = t->klass[i] == 1; /* classes 0 and 2 in group 0, 1 alone in group 1 */
	draws *d = draw_all(t, test_loss_state(t->ctx, t->job.loss, "paper", "p_sel=1", NULL));
	for (int i = 0; i < DRAWS; i++)
		assert_true(d->partner[i] == i % N && d->lambda[i] == 1);
	free(d);
	d = draw_all(t, test_loss_state(t->ctx, t->job.loss, "paper", "p_sel=0", NULL));
	for (int i = 0; i < DRAWS; i++)
		assert_int_equal(t->klass[i % N] == 1, d->partner[i] == i % N);
	free(d);
	free_task(t);
}

static fv_status start_at(void *user, const core_plan *plan, float *params)
{
	(void)user;
	for (int64_t j = 0; j < plan->count; j++)
		params[j] = (float)sin(1.7 * (double)j) / 3;
	return FV_OK;
}

typedef struct step {
	double value, norm;
} step;

static fv_status note_epoch(void *user, const core_train_epoch *epoch)
{
	*(step *)user = (step){epoch->value, epoch->grad_norm};
	return FV_OK;
}

/* A step's value and gradient, compared with those of the mixed rows by finite differences. */
static void gradients_of_mixed_rows(void **state)
{
	(void)state;
	const char *names[] = {"mixup", "lisa"};
	for (int l = 0; l < 2; l++) {
		task *t = new_task(test_loss(names[l]), false);
		task *u = new_task(test_loss(names[l]), false);
		draws *d = draw_all(u, u->job.loss_state);
		for (int i = 0; i < N; i++) {
			double share = d->lambda[i];
			for (int j = 0; j < WIDTH; j++)
				u->x[i * WIDTH + j] =
					(float)(share * t->x[i * WIDTH + j] +
						(1 - share) * t->x[d->partner[i] * WIDTH + j]);
			for (int k = 0; k < C; k++)
				u->label[i * C + k] =
					(float)(share * t->label[i * C + k] +
						(1 - share) * t->label[d->partner[i] * C + k]);
		}
		step seen;
		core_train_result result;
		t->spec.epochs = 1;
		t->spec.batch = N;
		t->job.start = start_at;
		t->job.on_epoch = note_epoch;
		t->job.user = &seen;
		test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
		float params[128], logits[N * C];
		double square = 0;
		start_at(NULL, result.plan, params);
		for (int64_t j = -1; j < result.plan->count; j++) {
			double side[2] = {0}, h = 1.0 / 64;
			for (int k = 0; k < 2; k++) {
				float moved[128];
				double loss[N];
				memcpy(moved, params, sizeof moved);
				if (j >= 0)
					moved[j] += (float)(k ? h : -h);
				test_ok(u->ctx, core_train_predict(u->ctx, result.plan, moved,
							&u->job.train, logits));
				core_base_loss(&(core_base){.weight = result.class_weight}, N, C,
					logits, u->label, loss, NULL);
				for (int i = 0; i < N; i++)
					side[k] += loss[i] / N;
			}
			if (j < 0)
				test_close(seen.value, side[0], 1e-6);
			else
				square += pow((side[1] - side[0]) / (2 * h), 2);
		}
		test_close(seen.norm, sqrt(square), 2e-4);
		free(d);
		free_task(t);
		free_task(u);
	}
}

static void edge_cases(void **state)
{
	(void)state;
	const char *names[] = {"mixup", "lisa"};
	for (int l = 0; l < 2; l++)
		for (int edge = 0; edge < 4; edge++) {
			task *t = new_task(test_loss(names[l]), false);
			core_train_result result;
			t->spec.batch = edge == 0 ? 1 : 16;
			for (int i = 0; i < N + DEV && edge > 1; i++)
				t->group[i] = edge == 2 ? -1 : 1;
			test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
			free_task(t);
			t = new_task(test_loss(names[l]), false);
			t->x[5 * WIDTH] = NAN;
			test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA,
				"are not finite");
			free_task(t);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_beta),
		cmocka_unit_test(mixup_partners),
		cmocka_unit_test(draws_by_name),
		cmocka_unit_test(lisa_pairs),
		cmocka_unit_test(lisa_without_partners),
		cmocka_unit_test(gradients_of_mixed_rows),
		cmocka_unit_test(edge_cases),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
