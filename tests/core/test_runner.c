/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of a toy study from end to end. The outputs are checked against an independent computation
 * in double from the model file, the features and the label file. */
#include "study.h"
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/number.h"
#include "eval/predictions.h"
#include "run/execute.h"
#include "run/runner.h"

#define H 5
#define W (TOY_LAYERS * TOY_DIMS)

static const char *toy(fv_ctx *ctx, int turn)
{
	const char *dir = core_strdup(ctx, test_folder("runner"));
	test_toy_write(dir, turn);
	return dir;
}

/* Computes the runs of plan.yaml under overrides; returns the folder of the first. */
static const char *run_toy(
	fv_ctx *ctx, const char *dir, int jobs, size_t n, const char *const *override)
{
	core_study *study = test_toy_open(ctx, dir, NULL, n, override);
	const core_execute_options options = {.jobs = jobs};
	core_summary s;
	test_ok(ctx, core_study_execute(ctx, study, &options, &s));
	assert_int_equal(s.done_now, study->n_runs);
	const char *run = study->run[0].dir;
	core_study_close(study);
	return run;
}

static float *tensor(fv_ctx *ctx, const fv_checkpoint *file, const char *name, int64_t count)
{
	const fv_tensor *t = fv_checkpoint_find(file, name);
	assert_non_null(t);
	assert_int_equal(t->count, count);
	float *out = core_alloc(ctx, (size_t)count, sizeof *out);
	test_ok(ctx, fv_tensor_to_f32(ctx, t, out));
	return out;
}

/* Softmax of the mixture of standardised layers through both linear maps. */
static void predict(fv_ctx *ctx, const fv_checkpoint *file, const float *x, double p[TOY_CLASSES])
{
	const float *a = tensor(ctx, file, "layer_mix", TOY_LAYERS);
	const float *w1 = tensor(ctx, file, "projection.weight", H * TOY_DIMS);
	const float *b1 = tensor(ctx, file, "projection.bias", H);
	const float *w2 = tensor(ctx, file, "output.weight", TOY_CLASSES * H);
	const float *b2 = tensor(ctx, file, "output.bias", TOY_CLASSES);
	const float *mean = tensor(ctx, file, "input.mean", W);
	const float *scale = tensor(ctx, file, "input.scale", W);
	double mix[TOY_LAYERS], sum = 0, u[H], z[TOY_CLASSES];
	for (int l = 0; l < TOY_LAYERS; l++)
		sum += mix[l] = exp(a[l]);
	for (int h = 0; h < H; h++) {
		u[h] = b1[h];
		for (int l = 0; l < TOY_LAYERS; l++)
			for (int d = 0; d < TOY_DIMS; d++) {
				int j = l * TOY_DIMS + d;
				u[h] += (double)w1[h * TOY_DIMS + d] * mix[l] / sum *
					((double)x[j] - mean[j]) * scale[j];
			}
	}
	sum = 0;
	for (int c = 0; c < TOY_CLASSES; c++) {
		z[c] = b2[c];
		for (int h = 0; h < H; h++)
			z[c] += (double)w2[c * H + h] * u[h];
		sum += p[c] = exp(z[c]);
	}
	for (int c = 0; c < TOY_CLASSES; c++)
		p[c] /= sum;
}

/* Checks the standardisation in the model against the features of the training speakers. */
static void check_scaling(fv_ctx *ctx, const fv_checkpoint *file)
{
	const float *mean = tensor(ctx, file, "input.mean", W);
	const float *scale = tensor(ctx, file, "input.scale", W);
	for (int j = 0; j < W; j++) {
		double sum = 0, square = 0, n = 6 * TOY_EACH;
		for (int k = 0; k < 6 * TOY_EACH; k++) {
			float x[W];
			test_toy_features(k / TOY_EACH, k % TOY_EACH, x);
			sum += x[j];
			square += (double)x[j] * x[j];
		}
		test_close(mean[j], sum / n, 1e-7);
		test_close(scale[j], 1 / sqrt(square / n - sum / n * (sum / n)), 1e-5);
	}
}

static void test_predictions(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = toy(ctx, 0);
	const char *override[] = {"loss.name=rw", "grouper={name: truth, column: race}"};
	const char *run = run_toy(ctx, dir, 1, 2, override);
	fv_checkpoint *file;
	core_predictions p;
	core_csv labels;
	test_ok(ctx, fv_checkpoint_open(ctx, core_path_join(ctx, run, "model.safetensors"), &file));
	test_ok(ctx,
		core_predictions_read(ctx, core_path_join(ctx, run, "predictions.csv"), NULL, &p));
	test_ok(ctx, core_csv_read(ctx, core_path_join(ctx, dir, "labels.csv"), &labels));
	check_scaling(ctx, file);
	assert_int_equal(p.n, 3 * TOY_EACH);
	for (int64_t i = 0; i < p.n; i++) {
		int s = atoi(p.file[i] + 1), u = atoi(strchr(p.file[i], '_') + 1);
		float x[W];
		double want[TOY_CLASSES], label;
		test_toy_features(s, u, x);
		predict(ctx, file, x, want);
		int64_t row = 0;
		while (strcmp(core_path_stem(ctx, core_csv_cell(&labels, row, 0)), p.file[i]))
			row++;
		for (int c = 0; c < TOY_CLASSES; c++) {
			test_close(p.prob[i * TOY_CLASSES + c], want[c], 2e-6);
			assert_true(core_parse_double(core_csv_cell(&labels, row, 1 + c), &label));
			assert_true(p.label[i * TOY_CLASSES + c] == (float)label);
		}
		assert_string_equal(p.speaker.value[i], core_csv_cell(&labels, row, 4));
		const char *gender = core_predictions_column(&p, "gender")->value[i];
		const char *race = core_predictions_column(&p, "race")->value[i];
		assert_string_equal(gender, core_csv_cell(&labels, row, 5));
		assert_string_equal(race, s == 11 ? "C" : s == 10 ? "" : "A");
		assert_string_equal(
			p.group.value[i], s < 10 ? "A" : ""); /* C does not occur in training */
	}
	fv_checkpoint_close(file);
	core_ctx_free(ctx);
}

static void same_file(fv_ctx *ctx, const char *a, const char *b, const char *name, bool want)
{
	char hash[2][CORE_SHA256_HEX];
	test_ok(ctx, core_sha256_file(ctx, core_path_join(ctx, a, name), hash[0]));
	test_ok(ctx, core_sha256_file(ctx, core_path_join(ctx, b, name), hash[1]));
	assert_int_equal(!strcmp(hash[0], hash[1]), want);
}

static void same_probabilities(fv_ctx *ctx, const char *a, const char *b)
{
	core_predictions p[2];
	const char *dirs[] = {a, b};
	for (int i = 0; i < 2; i++)
		test_ok(ctx, core_predictions_read(ctx,
				     core_path_join(ctx, dirs[i], "predictions.csv"), NULL, &p[i]));
	assert_int_equal(p[0].n, p[1].n);
	for (int64_t i = 0; i < p[0].n; i++)
		assert_string_equal(p[0].file[i], p[1].file[i]);
	assert_memory_equal(p[0].prob, p[1].prob, sizeof(float) * (size_t)p[0].n * TOY_CLASSES);
}

/* Moves results away before the next run; returns the new folder of the run. */
static const char *set_aside(fv_ctx *ctx, const char *dir, const char *run, const char *name)
{
	char *results = core_path_join(ctx, dir, "results"),
	     *aside = core_path_join(ctx, dir, name);
	assert_int_equal(rename(results, aside), 0);
	return core_format(ctx, "%s%s", aside, run + strlen(results));
}

/* Groups by whether the number of the speaker is odd, which is no attribute. */
static const char *odd_speakers(fv_ctx *ctx, const char *dir)
{
	char *path = core_path_join(ctx, dir, "odd.csv");
	core_text text = {0};
	core_text_add(&text, "FileName,group\n");
	for (int s = 0; s < TOY_SPEAKERS; s++)
		for (int i = 0; i < TOY_EACH; i++)
			core_text_add(&text, "u%02d_%d.wav,%s\n", s, i, s % 2 ? "odd" : "even");
	test_ok(ctx, core_file_write(ctx, path, text.data, text.size));
	core_text_free(&text);
	return core_format(ctx, "grouper={name: file, file: %s}", path);
}

/* Gives every speaker the true attributes of another one: objectives that use none give the same
 * bits. */
static void test_label_free(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = toy(ctx, 0);
	const char *kmeans = core_format(ctx,
		"grouper={name: kmeans, k: 3, soft: gaussian, encoder: {name: precomputed, file: "
		"%s/features.safetensors, layer: 0}}",
		dir);
	const char *odd = odd_speakers(ctx, dir);
	const char *truth = "grouper={name: truth, column: race}";
	const struct {
		const char *loss, *grouper, *select;
		bool same;
	} variant[] = {{"erm", NULL, NULL, true}, {"random", NULL, NULL, true},
		{"cvar_dro", NULL, NULL, true}, {"lff", NULL, NULL, true},
		{"disent", NULL, NULL, true}, {"mixup", NULL, NULL, true},
		{"jtt", NULL, NULL, true}, {"afr", NULL, NULL, true}, {"eiil", NULL, NULL, true},
		{"cb_llr", NULL, NULL, true}, {"fairbatch", kmeans, NULL, true},
		{"dfr", kmeans, NULL, true}, {"fairbatch", truth, NULL, false},
		{"rw", kmeans, NULL, true}, {"ds", kmeans, NULL, true},
		{"gdro", kmeans, NULL, true}, {"gadro", kmeans, NULL, true},
		{"pgdro", kmeans, NULL, true}, {"grl", kmeans, NULL, true},
		{"lisa", kmeans, NULL, true}, {"erm", odd, "dev_worst_group", true},
		{"jtt", odd, "dev_tpr_gap", true}, {"rw", odd, "dev_tpr_gap", true},
		{"rw", truth, NULL, false}, {"lisa", truth, NULL, false}};
	for (size_t i = 0; i < sizeof variant / sizeof *variant; i++) {
		const char *run[2], *loss = core_format(ctx, "loss.name=%s", variant[i].loss);
		const char *override[4] = {loss};
		size_t n = 1;
		if (variant[i].grouper)
			override[n++] = variant[i].grouper;
		if (variant[i].select) {
			override[n++] = core_format(ctx, "train.select=%s", variant[i].select);
			override[n++] = "train.select_support=1";
		}
		for (int k = 0; k < 2; k++) {
			test_toy_write(dir, k ? 1 : 0);
			run[k] = run_toy(ctx, dir, 1, n, override);
			run[k] = set_aside(ctx, dir, run[k], core_format(ctx, "turn%zu-%d", i, k));
		}
		same_file(ctx, run[0], run[1], "model.safetensors", variant[i].same);
		same_file(ctx, run[0], run[1], "predictions.csv",
			false); /* it holds the attributes */
		if (variant[i].same)
			same_probabilities(ctx, run[0], run[1]);
		if (variant[i].grouper)
			same_file(ctx, run[0], run[1], "groups.csv", variant[i].same);
	}
	core_ctx_free(ctx);
}

static void test_jobs(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = toy(ctx, 0), *run[2];
	const char *override[] = {
		"train.seed=[1, 2, 3]", "loss.name=gdro", "grouper={name: truth, column: race}"};
	static const char *const names[] = {"model.safetensors", "predictions.csv", "metrics.json",
		"groups.csv", "config.yaml", "log", "done"};
	for (int k = 0; k < 2; k++) {
		run[k] = run_toy(ctx, dir, k ? 3 : 1, 3, override);
		run[k] = set_aside(ctx, dir, run[k], k ? "three" : "one");
	}
	for (int seed = 1; seed <= 3; seed++)
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			char *a = core_format(
				ctx, "%s/fold0-seed%d", core_path_dir(ctx, run[0]), seed);
			char *b = core_format(
				ctx, "%s/fold0-seed%d", core_path_dir(ctx, run[1]), seed);
			same_file(ctx, a, b, names[i], true);
		}
	core_ctx_free(ctx);
}

/* A run that is done is not computed again, and a failed run leaves its reason. */
static void test_again(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = toy(ctx, 0);
	run_toy(ctx, dir, 1, 0, NULL);
	core_study *study = test_toy_open(ctx, dir, NULL, 0, NULL);
	assert_true(study->run[0].done);
	core_run_outcome outcome;
	test_ok(ctx, core_runner_run(ctx, study, &study->run[0], &(core_run_options){0}, &outcome));
	assert_int_equal(outcome, CORE_RUN_SKIPPED);
	core_study_close(study);
	const char *override[] = {"train.learning_rate=1.0e30"};
	study = test_toy_open(ctx, dir, NULL, 1, override);
	fv_status status =
		core_runner_run(ctx, study, &study->run[0], &(core_run_options){0}, &outcome);
	test_fails(ctx, status, FV_FAILED, "not finite");
	assert_int_equal(outcome, CORE_RUN_COMPUTED);
	assert_true(core_file_exists(core_path_join(ctx, study->run[0].dir, "failed")));
	assert_false(core_file_exists(core_path_join(ctx, study->run[0].dir, "done")));
	core_folder_state found;
	const char *reason;
	test_ok(ctx, core_folder_find_state(ctx, study->run[0].dir, NULL, &found, &reason));
	assert_int_equal(found, CORE_FOLDER_FAILED);
	assert_non_null(strstr(reason, "not finite"));
	core_study_close(study);
	core_ctx_free(ctx);
}

static int forks; /* of this process */

static void count_fork(void)
{
	forks++;
}

static int processes_of(
	fv_ctx *ctx, const char *dir, bool isolate, size_t n, const char *const *override)
{
	core_study *study = test_toy_open(ctx, dir, NULL, n, override);
	const core_encode_job job = {.jobs = 1};
	test_ok(ctx, core_study_load(ctx, study, &job));
	const core_execute_options options = {.jobs = 1, .isolate = isolate};
	core_summary s;
	forks = 0;
	test_ok(ctx, core_study_execute(ctx, study, &options, &s));
	core_study_close(study);
	return forks;
}

/* Runs whose loss only weighs share the process of a worker; all others, and with `isolate` all
 * runs, have their own. */
static void test_processes(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = toy(ctx, 0);
	const char *seeds = "train.seed=[1,2,3]", *others = "train.seed=[4,5,6]";
	const char *gender = "grouper={name: truth, column: gender}";
	assert_int_equal(pthread_atfork(NULL, count_fork, NULL), 0);
	const char *rw[] = {"loss.name=rw", gender, seeds};
	assert_int_equal(processes_of(ctx, dir, false, 3, rw), 1);
	rw[2] = others;
	assert_int_equal(processes_of(ctx, dir, true, 3, rw), 3);
	const char *ds[] = {"loss.name=ds", gender, seeds}; /* keep */
	assert_int_equal(processes_of(ctx, dir, false, 3, ds), 3);
	const char *jtt[] = {"loss.name=jtt", seeds}; /* stages */
	assert_int_equal(processes_of(ctx, dir, false, 2, jtt), 3);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_predictions),
		cmocka_unit_test(test_label_free), cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_again), cmocka_unit_test(test_processes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
