/* SPDX-License-Identifier: Apache-2.0 */
/* The functionals encoder: descriptors of synthetic voices whose pitch, jitter, shimmer, noise and
 * formants are known, robustness, and clusters of real voices. */
#include "encoder.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/dsp.h>
#include <fairvox/grouper.h>
#include <fairvox/stream.h>

#include "config/params.h"
#include "plugin/descriptor.h"
#include "plugin/registry.h"

enum { RATE = 16000, N = 16000, FEATURES = 0, VOICES = 1 };

/* --- synthetic voices ------------------------------------------------------------------------- */

typedef struct formant {
	double hz, width;
} formant;

/* Sends pulses through resonators in a row: Klatt, "Software for a cascade/parallel formant
 * synthesizer", 1980. Periods alternate between `even` and `odd` samples; every second pulse is
 * `quiet` times as strong. */
static void make_vowel(
	float *x, int even, int odd, double quiet, const formant *formants, int count)
{
	double y[N] = {0};
	for (int i = 0, k = 0; i < N; i += k++ % 2 ? odd : even)
		y[i] = k % 2 ? quiet : 1;
	for (int i = 1; i < N; i++)
		y[i] += 0.97 * y[i - 1]; /* the source of a voice falls by 6 dB per octave */
	for (int f = 0; f < count; f++) {
		double c = -exp(-2 * M_PI * formants[f].width / RATE);
		double b = 2 * exp(-M_PI * formants[f].width / RATE) *
			   cos(2 * M_PI * formants[f].hz / RATE);
		double last = 0, before = 0;
		for (int i = 0; i < N; i++) {
			y[i] = (1 - b - c) * y[i] + b * last + c * before;
			before = last, last = y[i];
		}
	}
	double peak = 0;
	for (int i = 0; i < N; i++)
		peak = fmax(peak, fabs(y[i]));
	for (int i = 0; i < N; i++)
		x[i] = (float)(0.5 * y[i] / peak);
}

static const formant schwa[] = {{500, 60}, {1500, 90}, {2500, 120}, {3500, 150}, {4500, 200}};
static const formant damped[] = {{600, 300}, {1800, 300}};

static void test_formants(void **state)
{
	(void)state;
	static const formant vowels[][5] = {
		{{500, 60}, {1500, 90}, {2500, 120}, {3500, 150}, {4500, 200}},
		{{300, 60}, {2200, 90}, {2900, 120}, {3600, 150}, {4600, 200}},
		{{700, 60}, {1150, 90}, {2500, 120}, {3500, 150}, {4500, 200}},
	};
	test_encoder e = test_encoder_open("functionals");
	float x[N];
	for (size_t v = 0; v < 3; v++) {
		make_vowel(x, 160, 160, 1, vowels[v], 5);
		float *out = test_encoder_run(&e, FEATURES, x, N);
		for (int f = 0; f < 3; f++) {
			char name[32];
			snprintf(name, sizeof name, "f%d_hz_mean", f + 1);
			test_close(test_encoder_value(&e, FEATURES, out, name) / vowels[v][f].hz, 1,
				0.02);
			snprintf(name, sizeof name, "f%d_hz_sd", f + 1);
			assert_true(test_encoder_value(&e, FEATURES, out, name) < 40);
			snprintf(name, sizeof name, "f%d_width_hz_mean", f + 1);
			assert_true(test_encoder_value(&e, FEATURES, out, name) <
				    2.5 * vowels[v][f].width);
			assert_true(test_encoder_value(&e, FEATURES, out, name) >
				    0.4 * vowels[v][f].width);
		}
		free(out);
	}
	test_encoder_close(&e);
}

static void test_pitch_and_regular_periods(void **state)
{
	(void)state;
	static const int periods[] = {50, 73, 100, 160, 200};
	test_encoder e = test_encoder_open("functionals");
	float x[N];
	for (size_t k = 0; k < sizeof periods / sizeof *periods; k++) {
		make_vowel(x, periods[k], periods[k], 1, damped, 2);
		float *out = test_encoder_run(&e, FEATURES, x, N);
		test_close(test_encoder_value(&e, FEATURES, out, "f0_st_mean"),
			12 * log2((double)RATE / periods[k] / 27.5), 1e-3);
		assert_true(test_encoder_value(&e, FEATURES, out, "f0_st_sd") < 0.01);
		assert_true(test_encoder_value(&e, FEATURES, out, "jitter_mean") < 5e-4);
		assert_true(test_encoder_value(&e, FEATURES, out, "shimmer_db_mean") < 0.02);
		assert_true(test_encoder_value(&e, FEATURES, out, "hnr_db_mean") > 20);
		test_close(test_encoder_value(&e, FEATURES, out, "voiced_share"), 1, 0.02);
		free(out);
	}
	test_encoder_close(&e);
}

/* Alternating periods of 158 and 162 samples: every change is 4 samples, the mean 160. */
static void test_jitter(void **state)
{
	(void)state;
	static const int swing[] = {1, 2, 4};
	test_encoder e = test_encoder_open("functionals");
	float x[N];
	for (int k = 0; k < 3; k++) {
		make_vowel(x, 160 - swing[k], 160 + swing[k], 1, damped, 2);
		float *out = test_encoder_run(&e, FEATURES, x, N);
		double want = 2 * swing[k] / 160.0;
		assert_true(fabs(test_encoder_value(&e, FEATURES, out, "jitter_mean") - want) <
			    0.1 * want);
		free(out);
	}
	test_encoder_close(&e);
}

static void test_shimmer(void **state)
{
	(void)state;
	static const double quiet[] = {0.95, 0.9, 0.8};
	test_encoder e = test_encoder_open("functionals");
	float x[N];
	for (int k = 0; k < 3; k++) {
		make_vowel(x, 160, 160, quiet[k], damped, 2);
		float *out = test_encoder_run(&e, FEATURES, x, N);
		double want = -20 * log10(quiet[k]);
		assert_true(fabs(test_encoder_value(&e, FEATURES, out, "shimmer_db_mean") - want) <
			    0.05 * want);
		assert_true(test_encoder_value(&e, FEATURES, out, "jitter_mean") < 2e-3);
		free(out);
	}
	test_encoder_close(&e);
}

static void test_harmonics_to_noise(void **state)
{
	(void)state;
	static const double ratio[] = {10, 20};
	test_encoder e = test_encoder_open("functionals");
	float x[N];
	for (int k = 0; k < 2; k++) {
		make_vowel(x, 107, 107, 1, schwa, 5);
		double energy = 0, mean = 0; /* the offset is not part of the voice */
		for (int i = 0; i < N; i++)
			mean += (double)x[i] / N;
		for (int i = 0; i < N; i++)
			energy += pow((double)x[i] - mean, 2) / N;
		fv_stream stream = fv_rng(e.ctx, "noise", 0, (uint64_t)k);
		double sd = sqrt(energy / pow(10, ratio[k] / 10));
		for (int i = 0; i < N; i++)
			x[i] += (float)(sd * fv_normal(&stream));
		float *out = test_encoder_run(&e, FEATURES, x, N);
		assert_true(fabs(test_encoder_value(&e, FEATURES, out, "hnr_db_mean") - ratio[k]) <
			    0.7);
		free(out);
	}
	test_encoder_close(&e);
}

/* The second harmonic 8 dB below the first, on bins and between them. */
static void test_harmonic_levels(void **state)
{
	(void)state;
	static const double f0[] = {110, 131.7, 250, 333.3, 420};
	test_encoder e = test_encoder_open("functionals");
	float x[N];
	for (size_t k = 0; k < sizeof f0 / sizeof *f0; k++) {
		for (int i = 0; i < N; i++) {
			double turn = 2 * M_PI * f0[k] * i / RATE;
			x[i] = (float)(0.3 * (sin(turn) + pow(10, -8 / 20.0) * sin(2 * turn)));
		}
		float *out = test_encoder_run(&e, FEATURES, x, N);
		assert_true(fabs(test_encoder_value(&e, FEATURES, out, "h1_h2_db_mean") - 8) < 0.2);
		free(out);
	}
	test_encoder_close(&e);
}

/* Half the amplitude changes levels by 6.02 dB and nothing else. */
static void test_gain(void **state)
{
	(void)state;
	static const char *const same[] = {"f0_st_mean", "jitter_mean", "shimmer_db_mean",
		"hnr_db_mean", "f1_hz_mean", "f2_hz_mean", "f3_width_hz_mean", "h1_h2_db_mean",
		"h1_a3_db_mean"};
	test_encoder e = test_encoder_open("functionals");
	float x[N];
	make_vowel(x, 120, 123, 0.9, schwa, 5);
	float *loud = test_encoder_run(&e, FEATURES, x, N);
	for (int i = 0; i < N; i++)
		x[i] *= 0.5f;
	float *soft = test_encoder_run(&e, FEATURES, x, N);
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		test_close(test_encoder_value(&e, FEATURES, soft, same[i]),
			test_encoder_value(&e, FEATURES, loud, same[i]), 1e-4);
	test_close(test_encoder_value(&e, FEATURES, loud, "level_db_voiced_mean") -
			   test_encoder_value(&e, FEATURES, soft, "level_db_voiced_mean"),
		20 * log10(2), 1e-4);
	test_close(test_encoder_value(&e, FEATURES, loud, "sound_level_db") -
			   test_encoder_value(&e, FEATURES, soft, "sound_level_db"),
		20 * log10(2), 1e-4);
	free(loud);
	free(soft);
	test_encoder_close(&e);
}

/* --- tempo
 * ------------------------------------------------------------------------------------------- */

/* Three tones of 0.2 s, including 50 ms of fade-in and fade-out, with 0.1 s of silence around each.
 */
static void test_stretches(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("functionals");
	float x[N * 9 / 10] = {0};
	for (int k = 0; k < 3; k++)
		for (int i = 0; i < 3200; i++) {
			double fade = fmin(fmin(i, 3199 - i) / 800.0, 1);
			x[1600 + k * 4800 + i] = (float)(0.3 * pow(sin(M_PI / 2 * fade), 2) *
							 sin(2 * M_PI * 200 * i / RATE));
		}
	float *out = test_encoder_run(&e, FEATURES, x, N * 9 / 10);
	int frames = 1 + (N * 9 / 10 - 640) / 160;
	double seconds = 0.01 * frames;
	test_close(test_encoder_value(&e, FEATURES, out, "voiced_per_s"), 3 / seconds, 1e-5);
	test_close(
		test_encoder_value(&e, FEATURES, out, "loudness_peaks_per_s"), 3 / seconds, 1e-5);
	assert_true(fabs(test_encoder_value(&e, FEATURES, out, "voiced_s_mean") - 0.2) < 0.03);
	assert_true(fabs(test_encoder_value(&e, FEATURES, out, "unvoiced_s_mean") -
			    (seconds - 0.6) / 4) < 0.03);
	test_close(test_encoder_value(&e, FEATURES, out, "voiced_share"),
		3 * test_encoder_value(&e, FEATURES, out, "voiced_s_mean") / seconds, 1e-5);
	free(out);
	test_encoder_close(&e);
}

/* --- robustness
 * -------------------------------------------------------------------------------------- */

static void test_describes_itself(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("functionals");
	assert_int_equal(e.info.n_outputs, 2);
	assert_string_equal(e.info.outputs[0].name, "features");
	assert_string_equal(e.info.outputs[1].name, "voice");
	assert_true(e.info.outputs[0].dims < 1000);
	for (int o = 0; o < 2; o++) {
		const fv_output *output = &e.info.outputs[o];
		assert_true(output->layers == 1 && output->standardize == FV_STANDARDIZE_TRAIN);
		for (int i = 0; i < output->dims; i++) {
			assert_true(output->columns[i][0] && strlen(output->columns[i]) < 31);
			for (int j = 0; j < i; j++)
				assert_string_not_equal(output->columns[i], output->columns[j]);
		}
	}
	test_fails(e.ctx, e.ops->open(e.state, e.ctx, "x.pt"), FV_CONFIG, "takes no weights");
	test_encoder_close(&e);
}

/* test_encoder_run refuses numbers that are not finite. */
static void test_extremes(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("functionals");
	float x[N] = {0};
	free(test_encoder_run(&e, FEATURES, x, N));
	free(test_encoder_run(&e, VOICES, x, N));
	for (int i = 0; i < N; i++)
		x[i] = 1;
	free(test_encoder_run(&e, FEATURES, x, N));
	for (int i = 0; i < N; i++)
		x[i] = i % 2 ? 1 : -1;
	free(test_encoder_run(&e, FEATURES, x, N));
	for (int i = 0; i < N; i++)
		x[i] = i / 60 % 2 ? 1 : -1; /* clipped */
	free(test_encoder_run(&e, FEATURES, x, N));
	for (int i = 0; i < N; i++)
		x[i] = i / 60 % 2 ? 1e-30f : -1e-30f; /* far below any recording */
	free(test_encoder_run(&e, FEATURES, x, N));
	fv_stream stream = fv_rng(e.ctx, "noise", 0, 0);
	for (int i = 0; i < N; i++)
		x[i] = (float)(fv_uniform(&stream) - 0.5);
	free(test_encoder_run(&e, FEATURES, x, N));
	make_vowel(x, 100, 110, 0.7, schwa, 5);
	for (int64_t n = e.info.min_samples; n < 2 * e.info.min_samples; n += 53) {
		free(test_encoder_run(&e, FEATURES, x + n, n));
		free(test_encoder_run(&e, VOICES, x + n, n));
	}
	test_encoder_close(&e);
}

typedef struct job {
	const test_encoder *e;
	const float *wave, *want;
	int wrong;
} job;

static void *encode_in_thread(void *arg)
{
	job *j = arg;
	size_t size = (size_t)j->e->info.outputs[0].dims * sizeof(float);
	float *out = malloc(size);
	for (int i = 0; i < 20; i++) {
		fv_ctx *worker = core_ctx_new();
		memset(out, 0, size);
		if (test_encode(j->e->ops, j->e->state, worker, 0, j->wave, N, 1, out))
			j->wrong++;
		j->wrong += memcmp(out, j->want, size) != 0;
		core_ctx_free(worker);
	}
	free(out);
	return NULL;
}

static void test_threads_agree(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("functionals");
	float x[2][N];
	make_vowel(x[0], 90, 94, 0.8, schwa, 5);
	make_vowel(x[1], 150, 151, 0.9, damped, 2);
	job jobs[2];
	pthread_t threads[2];
	for (int i = 0; i < 2; i++) {
		jobs[i] = (job){&e, x[i], test_encoder_run(&e, 0, x[i], N), 0};
		assert_int_equal(pthread_create(&threads[i], NULL, encode_in_thread, &jobs[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(jobs[i].wrong, 0);
		free((void *)(uintptr_t)jobs[i].want);
	}
	test_encoder_close(&e);
}

/* --- voices of 24 actors
 * ------------------------------------------------------------------------------ */

static void standardise_columns(float *x, int n, int dims)
{
	for (int d = 0; d < dims; d++) {
		double mean = 0, square = 0;
		for (int i = 0; i < n; i++)
			mean += (double)x[i * dims + d] / n;
		for (int i = 0; i < n; i++)
			square += pow((double)x[i * dims + d] - mean, 2) / n;
		for (int i = 0; i < n; i++)
			x[i * dims + d] = (float)(((double)x[i * dims + d] - mean) / sqrt(square));
	}
}

/* Share of rows whose gender is that of the majority of their cluster. */
static double compute_purity(const core_plugin *kmeans, const float *x, int n, int dims,
	const char *k, const int *female)
{
	fv_ctx *ctx = test_ctx();
	const fv_grouper_ops *ops = kmeans->descriptor->ops;
	void *state = core_alloc(ctx, 1, kmeans->descriptor->state_size);
	test_ok(ctx, core_params_default(ctx, kmeans->descriptor, "paper", state));
	test_ok(ctx, core_param_set(ctx, core_param_find(kmeans->descriptor, "k"), "k", state, k));
	fv_grouper_input table = {.size = sizeof table, .n = n, .dims = dims, .layers = 1, .x = x};
	fv_grouping grouping = {.size = sizeof grouping};
	test_ok(ctx, ops->fit(state, ctx, &table, &grouping));
	int32_t *id = malloc((size_t)n * sizeof *id);
	test_ok(ctx, ops->assign(state, ctx, &table, id, NULL));
	int counts[64][2] = {{0}}, pure = 0;
	for (int i = 0; i < n; i++)
		counts[id[i]][female[i]]++;
	for (int g = 0; g < 64; g++)
		pure += counts[g][0] > counts[g][1] ? counts[g][0] : counts[g][1];
	free(id);
	if (ops->close)
		ops->close(state);
	core_ctx_free(ctx);
	return (double)pure / n;
}

static void test_clusters_of_voices(void **state)
{
	(void)state;
	test_recordings all = test_ravdess();
	test_encoder e = test_encoder_open("functionals");
	core_registry *registry;
	test_ok(e.ctx, core_registry_open(e.ctx, NULL, 0, &registry));
	const core_plugin *kmeans = core_registry_find(registry, FV_GROUPER, "kmeans");
	assert_non_null(kmeans);
	int dims = e.info.outputs[VOICES].dims;
	float *x = malloc((size_t)all.n * (size_t)dims * sizeof *x);
	int *female = malloc((size_t)all.n * sizeof *female);
	for (int32_t i = 0; i < all.n; i++) {
		float *row = test_encoder_run(&e, VOICES, all.at[i].wave, all.at[i].n);
		memcpy(x + i * dims, row, (size_t)dims * sizeof *x);
		female[i] = atoi(all.at[i].name + 18) % 2 == 0;
		free(row);
	}
	standardise_columns(x, all.n, dims);
	double at16 = compute_purity(kmeans, x, all.n, dims, "16", female);
	double at32 = compute_purity(kmeans, x, all.n, dims, "32", female);
	print_message("gender purity: %.3f at k = 16, %.3f at k = 32\n", at16, at32);
	assert_true(at16 >= 0.91 && at32 >= 0.93);
	free(x);
	free(female);
	test_encoder_close(&e);
	test_recordings_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describes_itself),
		cmocka_unit_test(test_formants),
		cmocka_unit_test(test_pitch_and_regular_periods),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_shimmer),
		cmocka_unit_test(test_harmonics_to_noise),
		cmocka_unit_test(test_harmonic_levels),
		cmocka_unit_test(test_gain),
		cmocka_unit_test(test_stretches),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_threads_agree),
		cmocka_unit_test(test_clusters_of_voices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
