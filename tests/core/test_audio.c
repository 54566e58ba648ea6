/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, resampling and cutting recordings, and damaged files. The test writes all
 * files itself. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sndfile.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/stream.h"
#include "corpus/audio.h"

#define PI 3.14159265358979323846

/* Writes interleaved float samples to a file; false when this libsndfile cannot write the
 * format. */
static bool write_audio(
	const char *path, int format, int rate_hz, int channels, const float *x, int64_t frames)
{
	SF_INFO info = {.samplerate = rate_hz, .channels = channels, .format = format};
	if (!sf_format_check(&info))
		return false;
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);
	if (!file)
		return false;
	assert_int_equal(sf_writef_float(file, x, frames), frames);
	sf_close(file);
	return true;
}

static float *make_tone(double hz, double amplitude, int rate_hz, int64_t n)
{
	float *x = malloc((size_t)n * sizeof *x);
	assert_non_null(x);
	for (int64_t t = 0; t < n; t++)
		x[t] = (float)(amplitude * sin(2 * PI * hz * (double)t / rate_hz));
	return x;
}

static float *make_noise(int64_t n)
{
	float *x = malloc((size_t)n * sizeof *x);
	fv_stream stream = core_stream(1, 0, "noise", 0, 0);
	assert_non_null(x);
	for (int64_t t = 0; t < n; t++)
		x[t] = (float)(fv_uniform(&stream) - 0.5);
	return x;
}

static double compute_rms(const float *x, int64_t n)
{
	double sum = 0;
	for (int64_t t = 0; t < n; t++)
		sum += (double)x[t] * x[t];
	return sqrt(sum / (double)n);
}

static core_wave read_ok(fv_ctx *ctx, const char *path, int32_t rate_hz, double max_seconds)
{
	core_wave wave;
	test_ok(ctx, core_audio_read(ctx, path, rate_hz, max_seconds, &wave));
	return wave;
}

static void samples_are_exact(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("audio"), "x.wav");
	const short values[] = {0, 1, -1, 32767, -32768, 12345, -7, 2};
	SF_INFO info = {
		.samplerate = 16000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);
	sf_writef_short(file, values, 8);
	sf_close(file);
	core_wave wave = read_ok(ctx, path, 16000, 0);
	assert_int_equal(wave.n, 8);
	for (int t = 0; t < 8; t++)
		assert_true(wave.sample[t] == (float)values[t] / 32768.0f);
	core_wave_free(&wave);
	core_ctx_free(ctx);
}

static void channels_are_averaged(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("audio"), "x.wav");
	const float x[] = {0.5f, 0.25f, 1.5f, -1.0f, 0.0f, 0.25f}; /* 2 frames of 3 channels */
	assert_true(write_audio(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 8000, 3, x, 2));
	core_wave wave = read_ok(ctx, path, 0, 0);
	assert_int_equal(wave.n, 2);
	assert_int_equal(wave.rate_hz, 8000);
	assert_int_equal(wave.channels, 3);
	assert_true(wave.sample[0] == 0.75f && wave.sample[1] == -0.25f);
	core_wave_free(&wave);
	core_ctx_free(ctx);
}

static const struct {
	const char *name;
	int format;
	double error; /* RMS, relative */
} formats[] = {
	{"x.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 1e-6},
	{"x.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_24, 1e-6},
	{"x.au", SF_FORMAT_AU | SF_FORMAT_FLOAT, 0},
	{"x.caf", SF_FORMAT_CAF | SF_FORMAT_FLOAT, 0},
	{"x.w64", SF_FORMAT_W64 | SF_FORMAT_DOUBLE, 0},
	{"x.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 0},
	{"x.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 0.05},
	{"x.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 0.08},
	{"x.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 0.05},
};
enum { FORMATS = sizeof formats / sizeof *formats };

static void formats_are_read(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("audio");
	float *x = make_tone(440, 0.3, 48000, 48000);
	int written = 0;
	for (int f = 0; f < FORMATS; f++) {
		const char *path = core_path_join(ctx, dir, formats[f].name);
		if (!write_audio(path, formats[f].format, 48000, 1, x, 48000))
			continue;
		written++;
		core_wave wave = read_ok(ctx, path, 0, 0);
		assert_int_equal(wave.n, 48000);
		for (int64_t t = 0; t < wave.n; t++)
			wave.sample[t] -= x[t];
		assert_true(compute_rms(wave.sample, wave.n) <=
			    formats[f].error * compute_rms(x, 48000));
		core_wave_free(&wave);
	}
	assert_true(written >= 7); /* every build supports all but MP3 and Opus */
	free(x);
	core_ctx_free(ctx);
}

/* A tone keeps its frequency at the new rate and has length n * ratio, to 120 dB (0.01 dB in the
 * upper quarter of the band, as soxr states); a tone above the new Nyquist frequency is removed. */
static void tones_are_resampled(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("audio"), "x.wav");
	const struct {
		int rate_hz;
		double hz, error;
	} cases[] = {{44100, 1000, 1e-6}, {48000, 1000, 1e-6}, {8000, 1000, 1e-6},
		{22050, 3000, 1e-6}, {44100, 6000, 1.2e-3}, {44100, 7200, 1.2e-3},
		{44100, 9000, 1e-6}, {48000, 9000, 1e-6}, {48000, 15000, 1e-6},
		{96000, 30000, 1e-6}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int rate = cases[i].rate_hz;
		int64_t n = rate + 17;
		float *x = make_tone(cases[i].hz, 0.5, rate, n);
		assert_true(write_audio(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, rate, 1, x, n));
		core_wave wave = read_ok(ctx, path, 16000, 0);
		double length = (double)n * 16000 / rate;
		assert_true(fabs((double)wave.n - length) < 1);
		assert_int_equal(wave.source_rate_hz, rate);
		float *want = make_tone(cases[i].hz, cases[i].hz < 8000 ? 0.5 : 0, 16000, wave.n);
		for (int64_t t = 0; t < wave.n; t++)
			want[t] -= wave.sample[t];
		int64_t edge = 1000; /* the tone starts and ends abruptly */
		assert_true(compute_rms(want + edge, wave.n - 2 * edge) <
			    cases[i].error * compute_rms(x, n));
		core_wave_free(&wave);
		free(want);
		free(x);
	}
	core_ctx_free(ctx);
}

static void cuts_are_prefixes(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("audio"), "x.wav");
	const int rates[] = {16000, 44100, 48000, 8000, 11025};
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		int64_t n = 5 * rates[i];
		float *x = make_noise(n);
		assert_true(write_audio(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, rates[i], 1, x, n));
		core_wave whole = read_ok(ctx, path, 16000, 0);
		const double seconds[] = {0.1, 1, 2.34567, 4.9, 5, 60};
		for (size_t s = 0; s < sizeof seconds / sizeof *seconds; s++) {
			core_wave cut = read_ok(ctx, path, 16000, seconds[s]);
			int64_t want = (int64_t)(seconds[s] * 16000);
			assert_int_equal(cut.n, want < whole.n ? want : whole.n);
			assert_memory_equal(
				cut.sample, whole.sample, (size_t)cut.n * sizeof(float));
			core_wave_free(&cut);
		}
		core_wave_free(&whole);
		free(x);
	}
	core_ctx_free(ctx);
}

static void check_rejected(fv_ctx *ctx, const char *path, const char *message)
{
	core_wave wave;
	test_fails(ctx, core_audio_read(ctx, path, 16000, 0, &wave), FV_DATA,
		core_format(ctx, "%s: %s", path, message));
	assert_null(wave.sample);
}

static void bad_files_are_rejected(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("audio");
	check_rejected(ctx, core_path_join(ctx, dir, "none.wav"), "No such file");
	check_rejected(ctx, dir, "not a regular file");
	const char *path = core_path_join(ctx, dir, "x.wav");
	test_ok(ctx, core_file_write(ctx, path, "", 0));
	check_rejected(ctx, path, "empty file");
	test_ok(ctx, core_file_write(ctx, path, "this is no recording", 20));
	check_rejected(ctx, path, "no recording but text: 'this is no recording'");
	float x[] = {0, 0.5f, NAN, 0};
	assert_true(write_audio(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 1, x, 0));
	check_rejected(ctx, path, "0 samples");
	assert_true(write_audio(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 1, x, 4));
	check_rejected(ctx, path, "sample 2 is not finite");
	x[2] = INFINITY;
	assert_true(write_audio(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 2, x, 2));
	check_rejected(ctx, path, "sample 1 is not finite");
	x[2] = -1.5e30f;
	assert_true(write_audio(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 1, x, 4));
	check_rejected(ctx, path, "sample 2 is -1.5e+30: sound has no numbers beyond 1e+30");
	core_wave wave;
	x[2] = 0;
	assert_true(write_audio(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 1, x, 4));
	test_fails(ctx, core_audio_read(ctx, path, 16000, 1e-5, &wave), FV_CONFIG, "max_seconds");
	core_ctx_free(ctx);
}

/* Every format cut in half, and those with checksums with changed bytes: none may pass as a
 * shorter recording. */
static void damaged_files_are_rejected(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("audio");
	float *x = make_noise(48000);
	for (int f = 0; f < FORMATS; f++) {
		const char *path = core_path_join(ctx, dir, formats[f].name);
		if (!write_audio(path, formats[f].format, 48000, 1, x, 48000))
			continue;
		char *data;
		size_t size;
		core_wave wave;
		test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
		test_ok(ctx, core_file_write(ctx, path, data, size / 2));
		fv_status status = core_audio_read(ctx, path, 16000, 0, &wave);
		test_fails(ctx, status, FV_DATA, path);
		int type = formats[f].format & SF_FORMAT_TYPEMASK;
		if (type != SF_FORMAT_FLAC && type != SF_FORMAT_OGG)
			continue; /* no checksum */
		for (size_t i = size / 2; i < size / 2 + 64; i++)
			data[i] ^= 0x5a;
		test_ok(ctx, core_file_write(ctx, path, data, size));
		status = core_audio_read(ctx, path, 16000, 0, &wave);
		test_fails(ctx, status, FV_DATA, path);
	}
	free(x);
	core_ctx_free(ctx);
}

/* A WAV as written by a program that pipes it and never learns its length. */
static void streamed_wav_is_read(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("audio"), "x.wav");
	float *x = make_noise(1000);
	char *data;
	size_t size;
	assert_true(write_audio(path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, x, 1000));
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	memset(data + 4, 0xff, 4);
	memset(data + 40, 0xff, 4);
	test_ok(ctx, core_file_write(ctx, path, data, size));
	core_wave wave = read_ok(ctx, path, 16000, 0);
	assert_int_equal(wave.n, 1000);
	core_wave_free(&wave);
	free(x);
	core_ctx_free(ctx);
}

static void moments_merge_and_scale(void **state)
{
	(void)state;
	enum { N = 10007 };
	float *x = make_noise(N);
	for (int t = 0; t < N; t++)
		x[t] += 3;
	core_moments whole = core_wave_moments(x, N), parts = {0};
	for (int64_t t = 0; t < N; t += 1000)
		parts = core_moments_merge(
			parts, core_wave_moments(x + t, N - t < 1000 ? N - t : 1000));
	assert_int_equal(parts.n, N);
	test_close(parts.mean, whole.mean, 1e-13);
	test_close(parts.m2, whole.m2, 1e-12);
	core_wave_standardize(x, N, whole.mean, whole.m2 / N);
	core_moments done = core_wave_moments(x, N);
	test_close(done.mean, 0, 1e-7);
	test_close(done.m2 / N, 1, 1e-6);
	float silence[3] = {0.25f, 0.25f, 0.25f};
	core_wave_standardize(silence, 3, 0.25, 0);
	assert_true(silence[0] == 0 && silence[2] == 0);
	free(x);
}

/* The waveform that the PyTorch reference runs used. */
static void real_speech_matches_reference(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_wave wave = read_ok(
		ctx, test_shared("corpora/ravdess/audio/03-01-05-01-02-02-22.flac"), 16000, 0);
	char hex[CORE_SHA256_HEX];
	json_t *inputs = test_json(test_shared("golden/encoders/inputs.json")), *input;
	size_t i;
	int checked = 0;
	json_array_foreach(inputs, i, input)
	{
		if (strcmp(json_string_value(json_object_get(input, "name")), "speech"))
			continue;
		size_t start = (size_t)json_integer_value(json_object_get(input, "start"));
		size_t n = (size_t)json_integer_value(json_object_get(input, "samples"));
		assert_true(start + n <= (size_t)wave.n);
		core_sha256_bytes(wave.sample + start, n * sizeof(float), hex);
		assert_string_equal(hex, json_string_value(json_object_get(input, "sha256_f32le")));
		checked++;
	}
	assert_int_equal(checked, 1);
	json_decref(inputs);
	core_wave_free(&wave);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_exact),
		cmocka_unit_test(channels_are_averaged),
		cmocka_unit_test(formats_are_read),
		cmocka_unit_test(tones_are_resampled),
		cmocka_unit_test(cuts_are_prefixes),
		cmocka_unit_test(bad_files_are_rejected),
		cmocka_unit_test(damaged_files_are_rejected),
		cmocka_unit_test(streamed_wav_is_read),
		cmocka_unit_test(moments_merge_and_scale),
		cmocka_unit_test(real_speech_matches_reference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
