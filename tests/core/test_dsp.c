/* SPDX-License-Identifier: Apache-2.0 */
/* Signal processing against closed forms and direct sums. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/dsp.h>
#include <fairvox/stream.h>

enum { RATE = 16000 };

static void fill_noise(float *x, int64_t n, double sd, uint64_t index)
{
	fv_ctx *ctx = test_ctx();
	fv_stream stream = fv_rng(ctx, "test", 0, index);
	for (int64_t i = 0; i < n; i++)
		x[i] = (float)(sd * fv_normal(&stream));
	core_ctx_free(ctx);
}

static void test_vectors(void **state)
{
	(void)state;
	float w[400], sum = 0;
	fv_window_hann(w, 400);
	for (int i = 0; i < 400; i++) {
		test_close((double)w[i], pow(sin(M_PI * (i + 0.5) / 400), 2), 1e-7);
		sum += w[i];
	}
	test_close((double)sum, 200, 1e-6);
	float a[1000], b[1000];
	fill_noise(a, 1000, 1, 1);
	fill_noise(b, 1000, 1, 2);
	static const int64_t lengths[] = {0, 1, 15, 16, 17, 31, 1000};
	for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
		double want = 0;
		for (int64_t i = 0; i < lengths[k]; i++)
			want += (double)a[i] * (double)b[i];
		test_close((double)fv_dot(a, b, lengths[k]), want, 2e-6);
	}
	for (float x = 1e-37f; x < 1e37f; x *= 1.003f) {
		float y;
		fv_log2(&x, &y, 1);
		test_close((double)y, log2((double)x), 2e-7);
	}
	static const float sorted[] = {1, 2, 4, 8};
	test_close(fv_quantile(sorted, 4, 0), 1, 0);
	test_close(fv_quantile(sorted, 4, 0.25), 1.75, 1e-12);
	test_close(fv_quantile(sorted, 4, 0.5), 3, 1e-12);
	test_close(fv_quantile(sorted, 4, 1), 8, 0);
	test_close(fv_quantile(sorted, 1, 0.7), 1, 0);
}

/* Compares with direct sums, for sizes with factors 2, 3 and 5. */
static void test_transform(void **state)
{
	(void)state;
	static const int32_t sizes[] = {4, 6, 10, 30, 64, 400, 512, 1024};
	for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
		int32_t n = sizes[c];
		fv_ctx *ctx = test_ctx();
		fv_fft *fft = fv_fft_open(ctx, n);
		assert_non_null(fft);
		float x[1024], power[513], r[1024], scratch[1024];
		fill_noise(x, n, 1, (uint64_t)n);
		fv_fft_power(fft, x, power, scratch);
		for (int32_t k = 0; k <= n / 2; k++) {
			double re = 0, im = 0;
			for (int32_t i = 0; i < n; i++) {
				double turn = 2 * M_PI * (double)((int64_t)i * k % n) / n;
				re += (double)x[i] * cos(turn);
				im += (double)x[i] * sin(turn);
			}
			test_close((double)power[k], re * re + im * im, 2e-5);
		}
		fv_fft_autocorrelation(fft, power, r, scratch);
		for (int32_t lag = 0; lag < n; lag++) {
			double want = 0;
			for (int32_t i = 0; i < n; i++)
				want += (double)x[i] * (double)x[(i + lag) % n];
			test_close((double)r[lag] / n, want / n, 2e-6);
		}
		core_ctx_free(ctx);
	}
}

/* Each bin alone against the formula of the triangle; two bins against values worked out by
 * hand. */
static void test_mel_bands(void **state)
{
	(void)state;
	enum { SIZE = 512, BANDS = 26 };
	fv_ctx *ctx = test_ctx();
	fv_mel *mel = fv_mel_open(ctx, SIZE, RATE, BANDS, 20, 8000);
	assert_non_null(mel);
	double low = 1127 * log(1 + 20 / 700.0), high = 1127 * log(1 + 8000 / 700.0);
	double step = (high - low) / (BANDS + 1);
	for (int k = 0; k <= SIZE / 2; k++) {
		float power[SIZE / 2 + 1] = {0}, out[BANDS];
		power[k] = 2;
		fv_mel_apply(mel, power, out);
		double at = 1127 * log(1 + k * (double)RATE / SIZE / 700);
		for (int b = 0; b < BANDS; b++) {
			double distance = fabs(at - (low + (b + 1) * step)) / step;
			test_close((double)out[b], 2 * fmax(1 - distance, 0), 1e-6);
		}
	}
	/* 1 kHz is 999.99 mel; the centres of bands 9 and 10 (counted from 1) lie 9 and 10 times
	 * 104.01 mel above 31.75. */
	float power[SIZE / 2 + 1] = {[32] = 1}, out[BANDS];
	fv_mel_apply(mel, power, out);
	test_close((double)out[8], 0.691, 1e-3);
	test_close((double)out[9], 0.309, 1e-3);
	core_ctx_free(ctx);
}

typedef struct tracked {
	int64_t frames;
	float *f0, *strength;
} tracked;

static tracked track_pitch(const float *wave, int64_t n, double floor, double ceiling)
{
	fv_ctx *ctx = test_ctx(), *worker = test_ctx();
	fv_pitch_options options = FV_PITCH_OPTIONS(RATE, 640, 160, floor, ceiling);
	const fv_pitch *pitch;
	test_ok(ctx, fv_pitch_open(ctx, &options, &pitch));
	tracked t = {fv_pitch_frames(pitch, n), NULL, NULL};
	t.f0 = malloc((size_t)(t.frames + 1) * sizeof *t.f0);
	t.strength = malloc((size_t)(t.frames + 1) * sizeof *t.strength);
	test_ok(worker, fv_pitch_track(pitch, worker, wave, n, t.f0, t.strength));
	core_ctx_free(worker);
	core_ctx_free(ctx);
	return t;
}

static void free_track(tracked *t)
{
	free(t->f0);
	free(t->strength);
}

/* Fills x with ten harmonics of f0, of amplitude 1/k. */
static void fill_voice(float *x, int64_t n, double f0)
{
	for (int64_t i = 0; i < n; i++) {
		double sum = 0;
		for (int k = 1; k <= 10 && k * f0 < RATE / 2.; k++)
			sum += sin(2 * M_PI * k * f0 * (double)i / RATE + k) / k;
		x[i] = (float)(0.2 * sum);
	}
}

static void test_pitch_of_steady_voices(void **state)
{
	(void)state;
	static const double pitches[] = {80, 99.7, 123.45, 165, 220.5, 311.13, 440, 555};
	enum { N = 8000 };
	float x[N];
	for (size_t k = 0; k < sizeof pitches / sizeof *pitches; k++) {
		fill_voice(x, N, pitches[k]);
		tracked t = track_pitch(x, N, 75, 600);
		assert_int_equal(t.frames, 1 + (N - 640) / 160);
		for (int64_t i = 0; i < t.frames; i++) {
			test_close((double)t.f0[i] / pitches[k], 1, 1e-3);
			assert_true(t.strength[i] > 0.99f && t.strength[i] < 1);
		}
		free_track(&t);
	}
}

/* The strength r of a periodic signal in white noise is the periodic share of the energy
 * (Boersma, eq. 4), so 10 log10(r / (1 - r)) must be the ratio that was mixed. */
static void test_strength_is_the_harmonic_share(void **state)
{
	(void)state;
	enum { N = 160000 };
	float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
	static const double ratios[] = {5, 10, 20};
	for (size_t k = 0; k < 3; k++) {
		fill_voice(x, N, 150);
		double energy = 0, mean = 0;
		for (int i = 0; i < N; i++)
			energy += (double)x[i] * (double)x[i] / N;
		fill_noise(y, N, sqrt(energy / pow(10, ratios[k] / 10)), k);
		for (int i = 0; i < N; i++)
			x[i] += y[i];
		tracked t = track_pitch(x, N, 75, 600);
		for (int64_t i = 0; i < t.frames; i++) {
			assert_true(t.f0[i] > 0);
			mean += (double)t.strength[i] / (double)t.frames;
		}
		/* The peak is picked among noisy lags, so r is slightly high, more so at low
		 * ratios. */
		assert_true(fabs(10 * log10(mean / (1 - mean)) - ratios[k]) < 0.3);
		free_track(&t);
	}
	free(x);
	free(y);
}

static void test_pitch_of_unvoiced_input(void **state)
{
	(void)state;
	enum { N = 8000 };
	float x[N] = {0};
	tracked t = track_pitch(x, N, 75, 600);
	for (int64_t i = 0; i < t.frames; i++)
		assert_true(t.f0[i] == 0 && t.strength[i] == 0);
	free_track(&t);
	for (int i = 0; i < N; i++)
		x[i] = 0.25f;
	t = track_pitch(x, N, 75, 600);
	for (int64_t i = 0; i < t.frames; i++)
		assert_true(t.f0[i] == 0);
	free_track(&t);
	fill_noise(x, N, 0.1, 3);
	t = track_pitch(x, N, 75, 600);
	for (int64_t i = 0; i < t.frames; i++)
		assert_true(t.f0[i] == 0);
	free_track(&t);
	t = track_pitch(x, 639, 75, 600);
	assert_int_equal(t.frames, 0);
	free_track(&t);
	t = track_pitch(x, 640, 75, 600);
	assert_int_equal(t.frames, 1);
	free_track(&t);
}

/* A voice between silences is voiced where it fills the window and nowhere else. */
static void test_voiced_segment(void **state)
{
	(void)state;
	enum { N = 16000, FROM = 4800, TO = 11200 };
	float x[N] = {0};
	fill_voice(x + FROM, TO - FROM, 200);
	tracked t = track_pitch(x, N, 75, 600);
	for (int64_t i = 0; i < t.frames; i++) {
		if (i * 160 >= FROM && i * 160 + 640 <= TO)
			test_close((double)t.f0[i], 200, 1e-3);
		if (i * 160 + 640 <= FROM || i * 160 >= TO)
			assert_true(t.f0[i] == 0);
	}
	free_track(&t);
}

static void test_impossible_options(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const fv_pitch *pitch;
	fv_pitch_options ok = FV_PITCH_OPTIONS(RATE, 640, 160, 75, 600), bad = ok;
	bad.ceiling_hz = 60;
	test_fails(ctx, fv_pitch_open(ctx, &bad, &pitch), FV_CONFIG, "pitch from 75 to 60 Hz");
	bad = ok;
	bad.floor_hz = 49;
	test_fails(ctx, fv_pitch_open(ctx, &bad, &pitch), FV_CONFIG, "not possible");
	bad = ok;
	bad.ceiling_hz = 2000;
	test_fails(ctx, fv_pitch_open(ctx, &bad, &pitch), FV_CONFIG, "not possible");
	test_ok(ctx, fv_pitch_open(ctx, &ok, &pitch));
	core_ctx_free(ctx);
}

/* Frames at both ends, past the end, and of a wave shorter than a frame, against direct sums. */
static void test_short_time_power(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	enum { N = 30, HOP = 12, SAMPLES = 100, FRAMES = 80 }; /* more frames than one block */
	float wave[SAMPLES];
	double window[N], *power = core_alloc(ctx, FRAMES * (N / 2 + 1), sizeof *power);
	fill_noise(wave, SAMPLES, 1, 3);
	for (int i = 0; i < N; i++)
		window[i] = 0.1 + i % 7;
	fv_stft *stft = fv_stft_open(ctx, N, HOP, window);
	double *scratch = core_alloc(ctx, fv_stft_scratch(stft), sizeof *scratch);
	assert_int_equal(fv_stft_frames(stft, SAMPLES), 9);
	assert_int_equal(fv_stft_frames(stft, 0), 1);
	for (int64_t n = 5; n <= SAMPLES; n += 95) {
		fv_stft_power(stft, wave, n, 2, FRAMES, power, scratch);
		for (int t = 0; t < FRAMES; t++)
			for (int k = 0; k <= N / 2; k++) {
				double re = 0, im = 0;
				for (int j = 0; j < N; j++) {
					int64_t at = (t + 2) * HOP - N / 2 + j;
					double x = at >= 0 && at < n ? (double)wave[at] * window[j]
								     : 0;
					re += x * cos(2 * M_PI * j * k / N);
					im -= x * sin(2 * M_PI * j * k / N);
				}
				test_close(power[t * (N / 2 + 1) + k], re * re + im * im, 1e-11);
			}
	}
	core_ctx_free(ctx);
}

/* Compares each weight with the golden matrix [201,bands]. */
static void check_bands(const fv_mel *mel, const char *golden, int bands)
{
	enum { BINS = 201, MOST = 80 };
	int64_t shape[4];
	int rank;
	double *want = test_npy(test_golden(golden), shape, &rank);
	assert_true(rank == 2 && shape[0] == BINS && shape[1] == bands && bands <= MOST);
	for (int k = 0; k < BINS; k++) {
		double power[BINS] = {0};
		float single[BINS] = {0}, out[MOST], again[MOST];
		power[k] = single[k] = 1;
		fv_mel_apply_double(mel, power, out);
		fv_mel_apply(mel, single, again);
		assert_memory_equal(out, again, (size_t)bands * sizeof *out);
		for (int b = 0; b < bands; b++)
			assert_true(fabs((double)out[b] - want[k * bands + b]) <=
				    2e-7 * want[k * bands + b] + 1e-15);
	}
	free(want);
}

/* librosa.filters.mel(sr=16000, n_fft=400, n_mels=40), and the triangles of SpeechBrain in
 * double. */
static void test_bands_match_references(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	check_bands(fv_mel_open_slaney(ctx, 400, RATE, 40, 0, 8000), "ge2e/mel_matrix.npy", 40);
	check_bands(
		fv_mel_open_symmetric(ctx, 400, RATE, 80, 0, 8000), "ecapa/fbank_matrix.npy", 80);
	core_ctx_free(ctx);
}

/* scipy.fft.dct(x, type=2, norm=None and "ortho") of SciPy 1.17.1 in float64. */
static const double cosines[4][13] = {
	{-7.625, -4.840392437313394, -0.9678379696278223, -0.22262435558277932, 3.320944403995646,
		-3.454611087093275, -3.453330446103729, 2.0109820610775704, 1.6809133125674456,
		-3.1190609389797426, -0.4711789187613998, -2.335537774258399, -0.394205051056042},
	{-1.0573972490543433, -0.9492790573579978, -0.18980864204339568, -0.043660228204523484,
		0.6512907815204063, -0.6775049748062537, -0.6772538204448842, 0.39438602965075276,
		0.32965422236304975, -0.6116981766131824, -0.09240578850607412, -0.4580366417567938,
		-0.07730997106506143},
	{-14.75, -0.28401717489261896, -11.065136836143441, -6.0679080531240945, 1.5416969850011752,
		-5.235313405956049, 1.9716685528037752, -6.315733825923341, 2.900142423854028,
		0.0792978947545746, 0.39429025373736903, 2.4750008843506395, -0.8170647245183835},
	{-1.16608988718709, -0.03175408549186713, -1.2371199072976844, -0.6784127444001938,
		0.17236696295845505, -0.5853258329616838, 0.22043924565839373, -0.7061205081279708,
		0.32424578020843076, 0.00886577415719264, 0.044082990511119885, 0.2767135110890063,
		-0.09135061330201223},
};

static void test_cosine_transform(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	for (int c = 0; c < 4; c++) {
		float x[40], y[13];
		int32_t n = c < 2 ? 13 : 40;
		for (int32_t i = 0; i < n; i++)
			x[i] = (float)((7 * i * i + 3 * i + 1) % 31) / 16 - 1;
		fv_dct_apply(fv_dct_open(ctx, n, 13, c % 2), x, y);
		for (int k = 0; k < 13; k++)
			test_close((double)y[k], cosines[c][k], 1e-7);
	}
	assert_null(fv_dct_open(ctx, 13, 14, 0));
	test_fails(ctx, core_error_status(ctx), FV_CONFIG, "has 1 to 13 results, not 14");
	core_ctx_free(ctx);
}

/* What cannot be is refused with a message. */
static void test_refusals(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	double window[402] = {0};
	float wave[800] = {0}, out[8 * 4];
	assert_null(fv_stft_open(ctx, 401, 160, window));
	test_fails(ctx, core_error_status(ctx), FV_CONFIG, "frames of 401 samples every 160");
	assert_null(fv_fft_open(ctx, 401));
	test_fails(ctx, core_error_status(ctx), FV_CONFIG, "a Fourier transform of 401 samples");
	assert_null(fv_mel_open(ctx, 400, RATE, 40, 0, 18000));
	test_fails(ctx, core_error_status(ctx), FV_CONFIG, "mel bands from 0 to 18000 Hz");
	assert_null(fv_mel_open_slaney(ctx, 400, RATE, 0, 0, 8000));
	test_fails(ctx, core_error_status(ctx), FV_CONFIG, "0 mel bands of frames of 400");
	fv_stft *stft = fv_stft_open(ctx, 400, 160, window);
	fv_mel *mel = fv_mel_open(ctx, 512, RATE, 4, 0, 8000);
	assert_true(stft && mel);
	test_fails(ctx, fv_mel_spectrum(mel, stft, ctx, wave, 800, 5, out), FV_FAILED,
		"mel bands for spectra of 257 numbers and frames whose spectra have 201");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_time_power),
		cmocka_unit_test(test_bands_match_references),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_transform),
		cmocka_unit_test(test_cosine_transform),
		cmocka_unit_test(test_mel_bands),
		cmocka_unit_test(test_pitch_of_steady_voices),
		cmocka_unit_test(test_strength_is_the_harmonic_share),
		cmocka_unit_test(test_pitch_of_unvoiced_input),
		cmocka_unit_test(test_voiced_segment),
		cmocka_unit_test(test_impossible_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
