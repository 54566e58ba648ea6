/* SPDX-License-Identifier: Apache-2.0 */
/* The pitch encoder: signals of known pitch and effort, recordings without a voice, and its
 * accuracy on 1,440 acted recordings. */
#include "encoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 16000, N = 16000, FEMALE = 0, MALE, P25, ALPHA };

static float *encode_classes(const test_encoder *e, const float *wave, int64_t n)
{
	return test_encoder_run(e, 0, wave, n);
}

static void test_describes_itself(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("pitch");
	assert_int_equal(e.info.rate_hz, RATE);
	assert_int_equal(e.info.n_outputs, 1);
	const fv_output *o = e.info.outputs;
	assert_string_equal(o->name, "classes");
	assert_true(o->layers == 1 && o->dims == 4 && !o->has_frames);
	assert_int_equal(test_encoder_column(&e, 0, "female"), FEMALE);
	assert_int_equal(test_encoder_column(&e, 0, "male"), MALE);
	assert_int_equal(test_encoder_column(&e, 0, "p25_hz"), P25);
	assert_int_equal(test_encoder_column(&e, 0, "alpha_db"), ALPHA);
	assert_true(o->roles[FEMALE] == FV_COL_PROBABILITY && o->roles[MALE] == FV_COL_PROBABILITY);
	assert_true(o->roles[P25] == FV_COL_VALUE && o->roles[ALPHA] == FV_COL_VALUE);
	test_encoder_close(&e);
}

static void test_takes_no_weights(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("pitch");
	test_fails(e.ctx, e.ops->open(e.state, e.ctx, "x.pt"), FV_CONFIG, "takes no weights");
	test_encoder_close(&e);
}

/* A fundamental and its tenth harmonic, which lies in the high band. */
static void two_tones(float *x, double f0, double high)
{
	for (int i = 0; i < N; i++) {
		double turn = 2 * M_PI * f0 * i / RATE;
		x[i] = (float)(0.3 * (sin(turn) + high * sin(10 * turn)));
	}
}

static void test_score(void **state)
{
	(void)state;
	static const double f0[] = {110, 150, 165, 200, 240}, high[] = {0.05, 0.25, 1.0};
	test_encoder e = test_encoder_open("pitch");
	float x[N];
	for (int i = 0; i < 5; i++) {
		for (int j = 0; j < 3; j++) {
			two_tones(x, f0[i], high[j]);
			float *out = encode_classes(&e, x, N);
			double alpha = 20 * log10(high[j]);
			double score = 12 * log2(f0[i] / 165) - 0.5 * (alpha + 12);
			test_close((double)out[P25] / f0[i], 1, 1e-3);
			test_close((double)out[ALPHA], alpha, 2e-3);
			test_close((double)out[FEMALE], 1 / (1 + exp(-score / 2)), 3e-3);
			test_close((double)out[FEMALE] + (double)out[MALE], 1, 1e-6);
			free(out);
		}
	}
	test_encoder_close(&e);
}

/* Three quarters at 200 Hz, one quarter lower: the 25th percentile, not the mean or median. */
static void test_percentile(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("pitch");
	float x[N];
	double turn = 0;
	for (int i = 0; i < N; i++) {
		turn += 2 * M_PI * (i < N * 2 / 5 ? 120 : 200) / RATE;
		x[i] = (float)(0.3 * sin(turn) + 0.1 * sin(2 * turn));
	}
	float *out = encode_classes(&e, x, N);
	test_close((double)out[P25] / 120, 1, 1e-3);
	free(out);
	test_encoder_close(&e);
}

static void expect_unknown(const test_encoder *e, const float *x, int64_t n)
{
	float *out = encode_classes(e, x, n);
	assert_true(out[FEMALE] == 0.5f && out[MALE] == 0.5f);
	assert_true(out[P25] == 0 && out[ALPHA] == 0);
	free(out);
}

static void test_no_voice(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("pitch");
	float x[N] = {0};
	expect_unknown(&e, x, N);
	expect_unknown(&e, x, e.info.min_samples);
	x[N / 2] = 1; /* a click */
	expect_unknown(&e, x, N);
	for (int i = 0; i < N; i++)
		x[i] = -1; /* a constant */
	expect_unknown(&e, x, N);
	test_encoder_close(&e);
}

/* Short, clipped and loud recordings: the results are finite and repeatable. */
static void test_extremes(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("pitch");
	float x[N];
	two_tones(x, 180, 0.5);
	for (int i = 0; i < N; i++)
		x[i] = x[i] > 0 ? 1 : -1;
	float *whole = encode_classes(&e, x, N);
	test_close((double)whole[P25] / 180, 1, 5e-3);
	float *again = encode_classes(&e, x, N);
	assert_memory_equal(whole, again, 4 * sizeof *whole);
	for (int64_t n = e.info.min_samples; n < e.info.min_samples + 200; n += 33)
		free(encode_classes(&e, x, n));
	free(whole);
	free(again);
	test_encoder_close(&e);
}

/* 24 actors, odd ones male, eight emotions. File names: 03-01-<emotion>-..-<actor>.flac. */
static void test_acted_speech(void **state)
{
	(void)state;
	test_recordings all = test_ravdess();
	assert_int_equal(all.n, 1440);
	test_encoder e = test_encoder_open("pitch");
	int right = 0, n[9] = {0}, right_of[9] = {0};
	for (int32_t i = 0; i < all.n; i++) {
		const test_recording *r = &all.at[i];
		int emotion = atoi(r->name + 6), female = atoi(r->name + 18) % 2 == 0;
		float *out = encode_classes(&e, r->wave, r->n);
		int ok = (out[FEMALE] > 0.5f) == female;
		free(out);
		assert_true(emotion >= 1 && emotion <= 8);
		right += ok;
		right_of[emotion] += ok;
		n[emotion]++;
	}
	print_message("female or male: %.4f of 1440\n", right / 1440.0);
	assert_true(right >= 0.87 * 1440);
	for (int k = 1; k <= 8; k++) {
		print_message("  emotion %d: %.3f\n", k, (double)right_of[k] / n[k]);
		assert_true(right_of[k] >= 0.75 * n[k]);
	}
	test_encoder_close(&e);
	test_recordings_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describes_itself),
		cmocka_unit_test(test_takes_no_weights),
		cmocka_unit_test(test_score),
		cmocka_unit_test(test_percentile),
		cmocka_unit_test(test_no_voice),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_acted_speech),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
