/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of train.select, compared with a separate computation: it keeps every epoch's model,
 * computes probabilities, F1, TPR gap and group losses row by row, and finds the winner among all
 * epochs at the end. */
#include "losses.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "corpus/corpus.h"
#include "train/predict.h"
#include "train/trainer.h"

enum { N = 60, DEV = 48, TEST = 52, ALL = N + DEV + TEST, D = 7, H = 4, C = 3, G = 3, EPOCHS = 30 };

static const char *const class_name[C] = {"angry", "sad", "happy"};
static const char *const group_name[G] = {"a", "b", "c"};

typedef struct task {
	fv_ctx *ctx;
	float x[ALL * D], label[ALL * C];
	int32_t klass[ALL], group[ALL], index[ALL];
	const char *stem[ALL];
	core_train_spec spec;
	core_train_job job;
	core_train_result result;
	int32_t n_epochs;
	float *params[EPOCHS]; /* [count] of each epoch */
	double dev_loss[EPOCHS], judged[EPOCHS][2];
	bool best[EPOCHS];
} task;

static core_train_data split_of(task *t, int first, int n)
{
	for (int i = 0; i < n; i++)
		t->index[first + i] = first + i;
	return (core_train_data){.rows = {.size = sizeof(fv_rows),
					 .n = n,
					 .classes = C,
					 .label = t->label + first * C,
					 .klass = t->klass + first,
					 .stem = t->stem + first},
		.x = t->x,
		.index = t->index + first};
}

static fv_status note(void *user, const core_train_epoch *e)
{
	task *t = user;
	int i = e->epoch - 1;
	size_t size = (size_t)t->result.plan->count * sizeof(float);
	t->params[i] = malloc(size);
	assert_non_null(t->params[i]);
	memcpy(t->params[i], e->params, size);
	t->dev_loss[i] = e->dev_loss;
	for (int k = 0; k < e->n_judged; k++)
		t->judged[i][k] = e->judged[k];
	t->best[i] = e->best;
	t->n_epochs++;
	return FV_OK;
}

/* Soft labels with two classes above 1/C in some rows, groups that shift the features, and a high
 * learning rate, so that the values vary between epochs. */
static task *new_task(const char *rule, uint64_t seed)
{
	task *t = calloc(1, sizeof *t);
	assert_non_null(t);
	t->ctx = test_ctx();
	core_ctx_set_run(t->ctx, seed, 1);
	for (int i = 0; i < ALL; i++) {
		t->stem[i] = core_format(t->ctx, "rec_%d", i * 37 % 1000);
		fv_stream s = fv_rng(t->ctx, "task", 0, fv_name_hash(t->stem[i]));
		int c = (int)fv_below(&s, C), other = (int)fv_below(&s, C);
		t->group[i] = (int32_t)fv_below(&s, G + 1) - 1;
		for (int k = 0; k < C; k++)
			t->label[i * C + k] =
				0.05f + (k == c ? 0.45f : 0) + (k == other ? 0.4f : 0);
		for (int j = 0; j < D; j++)
			t->x[i * D + j] =
				(float)(fv_normal(&s) + 1.5 * (j == c) + (j == 4) * t->group[i]);
	}
	core_label_class(t->label, ALL, C, t->klass);
	t->spec = (core_train_spec){.epochs = EPOCHS,
		.batch = 8,
		.learning_rate = 0.1,
		.select = rule,
		.select_groups = "gender",
		.select_support = 1,
		.select_f1_floor = 0.9};
	bool on_test = !strcmp(rule, "oracle");
	t->job = (core_train_job){.shape = {.layers = 1, .dims = D, .projection = H, .classes = C},
		.spec = &t->spec,
		.loss = test_loss("erm"),
		.train = split_of(t, 0, N),
		.dev = split_of(t, N, DEV),
		.class_name = class_name,
		.on_epoch = note,
		.user = t};
	t->job.select_groups =
		(core_select_groups){G, group_name, t->group + N + (on_test ? DEV : 0)};
	if (on_test)
		t->job.test = split_of(t, N + DEV, TEST);
	t->job.loss_state = test_loss_state(t->ctx, t->job.loss, "paper", NULL);
	return t;
}

static void free_task(task *t)
{
	for (int i = 0; i < t->n_epochs; i++)
		free(t->params[i]);
	core_ctx_free(t->ctx);
	free(t);
}

static void train(task *t)
{
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &t->result));
	assert_int_equal(t->n_epochs, EPOCHS);
	assert_int_equal(t->result.candidates, EPOCHS);
}

/* Probabilities of the rows under the model of epoch i. */
static void predict(task *t, const core_train_data *rows, int i, double *prob)
{
	float *logits = core_alloc(t->ctx, (size_t)rows->rows.n * C, sizeof *logits);
	test_ok(t->ctx, core_train_predict(t->ctx, t->result.plan, t->params[i], rows, logits));
	for (int32_t r = 0; r < rows->rows.n; r++) {
		double sum = 0;
		for (int k = 0; k < C; k++)
			sum += exp((double)logits[r * C + k]);
		for (int k = 0; k < C; k++)
			prob[r * C + k] = exp((double)logits[r * C + k]) / sum;
	}
}

static double macro_f1(const fv_rows *rows, const double *prob)
{
	double sum = 0;
	for (int k = 0; k < C; k++) {
		int tp = 0, fp = 0, fn = 0;
		for (int32_t r = 0; r < rows->n; r++) {
			bool yes = prob[r * C + k] > 1.0 / C;
			bool is = rows->label[r * C + k] > (float)(1.0 / C);
			tp += yes && is;
			fp += yes && !is;
			fn += !yes && is;
		}
		sum += tp ? 2.0 * tp / (2.0 * tp + fp + fn) : 0;
	}
	return sum / C;
}

/* Mean over the classes with rows of the share of them that argmax finds; a row whose label has two largest classes
 * counts as the first. */
static double mean_recall(const fv_rows *rows, const double *prob)
{
	int hit[C] = {0}, all[C] = {0}, classes = 0;
	double sum = 0;
	for (int32_t r = 0; r < rows->n; r++) {
		int found = 0, is = 0;
		for (int k = 1; k < C; k++) {
			found = prob[r * C + k] > prob[r * C + found] ? k : found;
			is = rows->label[r * C + k] > rows->label[r * C + is] ? k : is;
		}
		all[is]++;
		hit[is] += found == is;
	}
	for (int k = 0; k < C; k++) {
		sum += all[k] ? (double)hit[k] / all[k] : 0;
		classes += all[k] > 0;
	}
	return sum / classes;
}

static double rate(const fv_rows *rows, const double *prob, const int32_t *group, int g, int k)
{
	int hit = 0, all = 0;
	for (int32_t r = 0; r < rows->n; r++) {
		bool is = group[r] == g && rows->label[r * C + k] > (float)(1.0 / C);
		all += is;
		hit += is && prob[r * C + k] > 1.0 / C;
	}
	return all ? (double)hit / all : NAN;
}

static double tpr_gap(const fv_rows *rows, const double *prob, const int32_t *group)
{
	double sum = 0;
	int n = 0;
	for (int k = 0; k < C; k++)
		for (int g = 0; g < G; g++)
			for (int h = g + 1; h < G; h++, n++)
				sum += pow(rate(rows, prob, group, g, k) -
						   rate(rows, prob, group, h, k),
					2);
	return sqrt(sum / n);
}

static double worst_group(task *t, const fv_rows *rows, const double *prob, const int32_t *group)
{
	double sum[G] = {0}, worst = 0;
	int n[G] = {0};
	for (int32_t r = 0; r < rows->n; r++) {
		double weight = 0, entropy = 0;
		if (group[r] < 0)
			continue;
		for (int k = 0; k < C; k++) {
			weight += t->result.class_weight[k] * (double)rows->label[r * C + k];
			entropy -= (double)rows->label[r * C + k] * log(prob[r * C + k]);
		}
		sum[group[r]] += weight * entropy;
		n[group[r]]++;
	}
	for (int g = 0; g < G; g++)
		worst = sum[g] / n[g] > worst ? sum[g] / n[g] : worst;
	return worst;
}

/* The first epoch with the lowest value among those whose F1 is high enough. */
static int winner(const double *f1, const double *value, int n, double share)
{
	double top = 0;
	int best = -1;
	for (int i = 0; i < n; i++)
		top = f1[i] > top ? f1[i] : top;
	for (int i = 0; i < n; i++)
		if (f1[i] >= share * top && (best < 0 || value[i] < value[best]))
			best = i;
	return best;
}

static void check_winner(task *t, const double *f1, const double *value, double share)
{
	for (int n = 1; n <= EPOCHS; n++)
		assert_int_equal(t->best[n - 1], winner(f1, value, n, share) == n - 1);
	int best = winner(f1, value, EPOCHS, share);
	assert_int_equal(t->result.selected_epoch, best + 1);
	test_close(t->result.selected_value, value[best], 1e-5);
	assert_memory_equal(
		t->result.params, t->params[best], (size_t)t->result.plan->count * sizeof(float));
}

static void worst_group_rule(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		task *t = new_task("dev_worst_group", seed);
		double prob[DEV * C], value[EPOCHS], f1[EPOCHS];
		train(t);
		for (int i = 0; i < EPOCHS; i++) {
			predict(t, &t->job.dev, i, prob);
			value[i] = worst_group(t, &t->job.dev.rows, prob, t->job.select_groups.id);
			f1[i] = 1;
			test_close(t->judged[i][0], value[i], 1e-5);
			assert_true(t->judged[i][0] >= t->dev_loss[i] * 0.5);
		}
		check_winner(t, f1, value, 0);
		free_task(t);
	}
}

static void metric_rules(void **state)
{
	(void)state;
	static double (*const metric[])(const fv_rows *, const double *) = {macro_f1, mean_recall};
	static const char *const rule[] = {"dev_f1", "dev_uar"};
	int differ = 0;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		task *t = new_task(rule[seed % 2], seed);
		double prob[DEV * C], value[EPOCHS], f1[EPOCHS];
		train(t);
		for (int i = 0; i < EPOCHS; i++) {
			predict(t, &t->job.dev, i, prob);
			value[i] = 1 - metric[seed % 2](&t->job.dev.rows, prob);
			f1[i] = 1;
			test_close(t->judged[i][0], 1 - value[i], 1e-12);
		}
		check_winner(t, f1, value, 0);
		differ += winner(f1, value, EPOCHS, 0) != winner(f1, t->dev_loss, EPOCHS, 0);
		free_task(t);
	}
	assert_true(differ > 5); /* the rules are not that of the loss */
}

/* Floors from none to the best epoch only; each leaves a different number of epochs. */
static void gap_rule(const char *rule)
{
	static const double floors[] = {0, 0.8, 0.9, 0.95, 1};
	int moved = 0;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		task *t = new_task(rule, seed);
		const core_train_data *rows = t->job.test.x ? &t->job.test : &t->job.dev;
		double prob[TEST * C], value[EPOCHS], f1[EPOCHS];
		t->spec.select_f1_floor = floors[seed % 5];
		train(t);
		for (int i = 0; i < EPOCHS; i++) {
			predict(t, rows, i, prob);
			f1[i] = macro_f1(&rows->rows, prob);
			value[i] = tpr_gap(&rows->rows, prob, t->job.select_groups.id);
			test_close(t->judged[i][0], f1[i], 1e-12);
			test_close(t->judged[i][1], value[i], 1e-12);
		}
		check_winner(t, f1, value, floors[seed % 5]);
		moved += winner(f1, value, EPOCHS, 0) != winner(f1, value, EPOCHS, 0.95);
		free_task(t);
	}
	assert_true(moved > 0); /* the floor has an effect */
}

static void tpr_gap_rule(void **state)
{
	(void)state;
	gap_rule("dev_tpr_gap");
}

static void oracle_rule(void **state)
{
	(void)state;
	gap_rule("oracle");
}

/* The rule changes only which epoch is kept: training is the same for every rule. */
static void rules_do_not_train(void **state)
{
	(void)state;
	static const char *const rules[] = {
		"dev_objective", "dev_f1", "dev_uar", "dev_worst_group", "dev_tpr_gap", "oracle"};
	task *plain = new_task("dev_loss", 3);
	train(plain);
	for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
		task *t = new_task(rules[r], 3);
		train(t);
		for (int i = 0; i < EPOCHS; i++)
			assert_memory_equal(t->params[i], plain->params[i],
				(size_t)t->result.plan->count * sizeof(float));
		free_task(t);
	}
	free_task(plain);
}

static bool was_said(const fv_ctx *ctx, const char *line)
{
	for (size_t i = 0; core_error_line(ctx, i); i++)
		if (!strcmp(core_error_line(ctx, i), line))
			return true;
	return false;
}

/* Positives of the smallest subgroup of class and group. */
static int32_t fewest(const task *t)
{
	int32_t least = DEV;
	for (int subgroup = 0; subgroup < G * C; subgroup++) {
		int32_t n = 0;
		for (int i = N; i < N + DEV; i++)
			n += t->group[i] == subgroup / C &&
			     t->label[i * C + subgroup % C] > 1.0f / C;
		least = n < least ? n : least;
	}
	return least;
}

/* Every subgroup that is too small is named, with its positives and the number required. */
static void refuses_below_support(void **state)
{
	(void)state;
	task *t = new_task("dev_worst_group", 1);
	int32_t count = 0;
	for (int i = 0; i < DEV; i++) {
		if (t->group[N + i] == 1 && t->label[(N + i) * C + 2] > 1.0f / C && count++ >= 4)
			t->group[N + i] = -1;
	}
	t->spec.select_support = 5;
	core_train_result result;
	core_train_preview preview;
	assert_int_equal(core_train_run(t->ctx, &t->job, &result), FV_DATA);
	assert_true(was_said(t->ctx,
		"train.select dev_worst_group: class happy, group b: 4 positive development "
		"utterances, 5 required (train.select_support)"));
	for (size_t i = 0; core_error_line(t->ctx, i); i++)
		assert_non_null(strstr(core_error_line(t->ctx, i), ", 5 required"));
	core_error_clear(t->ctx);
	t->job.loss_state = test_loss_state(t->ctx, t->job.loss, "paper", NULL);
	assert_int_equal(core_train_preview_run(t->ctx, &t->job, &preview), FV_DATA);
	core_error_clear(t->ctx);
	t->spec.select_support = fewest(t);
	t->job.loss_state = test_loss_state(t->ctx, t->job.loss, "paper", NULL);
	train(t);
	t->job.select_groups.n = 1;
	test_fails(t->ctx, core_train_preview_run(t->ctx, &t->job, &preview), FV_DATA,
		"train.select dev_worst_group: 1 group of 'gender' here, at least 2 are needed");
	free_task(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metric_rules),
		cmocka_unit_test(worst_group_rule),
		cmocka_unit_test(tpr_gap_rule),
		cmocka_unit_test(oracle_rule),
		cmocka_unit_test(rules_do_not_train),
		cmocka_unit_test(refuses_below_support),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
