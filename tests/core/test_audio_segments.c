/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of recordings, silence, and how long the rows of a corpus are. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sndfile.h>

#include "base/path.h"
#include "corpus/audio.h"

#define PI 3.14159265358979323846

/* Writes samples [n, channels], made by value(frame, channel). */
static void write_sound(const char *path, int format, int rate_hz, int channels, int64_t n,
	double (*value)(int64_t frame, int channel))
{
	SF_INFO info = {.samplerate = rate_hz, .channels = channels, .format = format};
	if (!sf_format_check(&info))
		skip();
	float *x = malloc((size_t)(n * channels) * sizeof *x);
	assert_non_null(x);
	for (int64_t t = 0; t < n; t++)
		for (int c = 0; c < channels; c++)
			x[t * channels + c] = (float)value(t, c);
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);
	assert_non_null(file);
	assert_int_equal(sf_writef_float(file, x, n), n);
	sf_close(file);
	free(x);
}

/* Tells the frame; exact in 16 bits. */
static double ramp(int64_t t, int c)
{
	(void)c;
	return (double)(t % 15013) / 32768;
}

static void segments_are_exact(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("segments"), "x.wav");
	static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16,
		SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_AIFF | SF_FORMAT_PCM_16,
		SF_FORMAT_CAF | SF_FORMAT_FLOAT};
	static const struct {
		double from, to;
		int first, end;
	} cases[] = {{0, 1, 0, 11025}, {0.5, 1.25, 5513, 13781}, {1.25, INFINITY, 13781, 20000},
		{0, INFINITY, 0, 20000}, {0.00004, 0.0001, 0, 1}, {0.00005, 0.0002, 1, 2},
		{1.8, 20000 / 11025.0, 19845, 20000}};
	for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
		write_sound(path, formats[f], 11025, 2, 20000, ramp);
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			core_wave wave;
			core_segment segment = {.start = cases[i].from, .end = cases[i].to};
			test_ok(ctx, core_audio_read_segment(ctx, path, &segment, 0, 0, &wave));
			assert_int_equal(wave.n, cases[i].end - cases[i].first);
			for (int64_t t = 0; t < wave.n; t++)
				assert_true(wave.sample[t] == (float)ramp(cases[i].first + t, 0));
			core_wave_free(&wave);
		}
	}
	core_ctx_free(ctx);
}

static double tone(int64_t t, int c)
{
	(void)c;
	return 0.3 * sin(2 * PI * 440 * (double)t / 48000);
}

/* Where a format cannot jump to a sample, the segment is what the whole has there. */
static void segments_equal_the_whole(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("segments"), "x.ogg");
	write_sound(path, SF_FORMAT_OGG | SF_FORMAT_VORBIS, 48000, 1, 96000, tone);
	core_wave whole, part;
	core_segment segment = {.start = 0.7, .end = 1.3};
	test_ok(ctx, core_audio_read(ctx, path, 0, 0, &whole));
	test_ok(ctx, core_audio_read_segment(ctx, path, &segment, 0, 0, &part));
	assert_int_equal(part.n, 28800);
	assert_memory_equal(part.sample, whole.sample + 33600, 28800 * sizeof(float));
	core_wave_free(&part);
	core_wave_free(&whole);
	core_ctx_free(ctx);
}

/* max_seconds keeps the start of a segment, and other rates resample the segment alone. */
static void segments_are_cut_and_resampled(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("segments");
	const char *path = core_path_join(ctx, dir, "x.wav"),
		   *alone = core_path_join(ctx, dir, "y.wav");
	write_sound(path, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 1, 96000, tone);
	write_sound(alone, SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 1, 48000, tone);
	core_wave part, same;
	core_segment segment = {.start = 0.5, .end = 1.5}; /* 220 periods later */
	test_ok(ctx, core_audio_read_segment(ctx, path, &segment, 16000, 0, &part));
	test_ok(ctx, core_audio_read(ctx, alone, 16000, 0, &same));
	assert_int_equal(part.n, 16000);
	assert_int_equal(same.n, 16000);
	for (int64_t t = 0; t < 16000; t++)
		test_close(part.sample[t], same.sample[t], 1e-6);
	core_wave_free(&same);
	test_ok(ctx, core_audio_read_segment(ctx, path, &segment, 16000, 0.25, &same));
	assert_int_equal(same.n, 4000);
	assert_memory_equal(same.sample, part.sample, 4000 * sizeof(float));
	core_wave_free(&same);
	core_wave_free(&part);
	core_ctx_free(ctx);
}

static void check_segment(
	fv_ctx *ctx, const char *path, double start, double end, const char *reason)
{
	core_wave wave;
	core_segment segment = {.start = start, .end = end};
	test_fails(ctx, core_audio_read_segment(ctx, path, &segment, 16000, 0, &wave), FV_DATA,
		core_format(ctx, "%s: %s", path, reason));
	assert_null(wave.sample);
}

static void bad_segments_are_refused(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("segments"), "x.wav");
	write_sound(path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, 24000, ramp);
	check_segment(ctx, path, 1, 1.6, "the segment ends at 1.6 s, but the recording has 1.5 s");
	check_segment(
		ctx, path, 2, INFINITY, "the segment starts at 2 s, but the recording has 1.5 s");
	check_segment(ctx, path, 1, 1, "the segment from 1 to 1 s has no sample");
	check_segment(ctx, path, 1, 0.5, "the segment from 1 to 0.5 s has no sample");
	check_segment(ctx, path, -1, 0.5, "the segment from -1 to 0.5 s has no sample");
	core_wave wave;
	core_segment late = {.start = 1, .end = 1.6, .labels = "l.csv", .line = 7};
	test_fails(ctx, core_audio_read_segment(ctx, path, &late, 16000, 0, &wave), FV_DATA,
		core_format(ctx, "l.csv:7: the segment ends at 1.6 s, but %s has 1.5 s", path));
	core_ctx_free(ctx);
}

static double nothing(int64_t t, int c)
{
	(void)t, (void)c;
	return 0;
}

static double offset(int64_t t, int c)
{
	(void)t, (void)c;
	return 0.25;
}

static double cancelled(int64_t t, int c)
{
	return (c ? -1 : 1) * ramp(t, c);
}

static double dither(int64_t t, int c)
{
	(void)c;
	return (double)(t * 7919 % 3 - 1) / 32768; /* sd .816 steps */
}

static double step(int64_t t, int c)
{
	(void)c;
	return (t & 1 ? 1.0 : -1.0) / 32768; /* sd 1 step */
}

static void silence_is_recognised(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("segments"), "x.wav");
	static const struct {
		double (*value)(int64_t, int);
		int channels;
		bool silent;
	} cases[] = {{nothing, 1, true}, {offset, 1, true}, {cancelled, 2, true}, {dither, 1, true},
		{cancelled, 1, false}, {step, 1, false}, {ramp, 2, false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_wave wave;
		write_sound(path, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 48000, cases[i].channels, 30000,
			cases[i].value);
		test_ok(ctx, core_audio_read(ctx, path, 16000, 0, &wave));
		assert_int_equal(wave.silent, cases[i].silent);
		core_wave_free(&wave);
		test_ok(ctx, core_audio_read(ctx, path, 0, 0, &wave));
		assert_int_equal(wave.silent, cases[i].silent);
		core_wave_free(&wave);
	}
	core_ctx_free(ctx);
}

static void rows_have_durations(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("segments");
	const char *x = core_path_join(ctx, dir, "x.wav"), *y = core_path_join(ctx, dir, "y.wav");
	write_sound(x, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, 24000, ramp);
	write_sound(y, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 2, 1000, ramp);
	const char *none = core_path_join(ctx, dir, "none.wav");
	core_corpus corpus = {.n = 4};
	double seconds;
	test_ok(ctx, core_audio_row_seconds(ctx, &corpus, 0, x, &seconds));
	assert_true(seconds == 1.5);
	test_ok(ctx, core_audio_row_seconds(ctx, &corpus, 1, y, &seconds));
	assert_true(seconds == 0.125);
	corpus.start = (double[]){0.25, 0, 0.5, 1};
	corpus.end = (double[]){0.75, INFINITY, INFINITY, 1.75};
	static const double wanted[] = {0.5, 1.5, 1};
	for (int32_t i = 0; i < 3; i++) {
		test_ok(ctx, core_audio_row_seconds(ctx, &corpus, i, x, &seconds));
		assert_true(seconds == wanted[i]);
	}
	test_ok(ctx, core_audio_row_seconds(ctx, &corpus, 3, none, &seconds)); /* not opened */
	assert_true(seconds == 0.75);
	test_fails(ctx, core_audio_row_seconds(ctx, &corpus, 2, none, &seconds), FV_DATA,
		"none.wav: No such file");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_are_exact),
		cmocka_unit_test(segments_equal_the_whole),
		cmocka_unit_test(segments_are_cut_and_resampled),
		cmocka_unit_test(bad_segments_are_refused),
		cmocka_unit_test(silence_is_recognised),
		cmocka_unit_test(rows_have_durations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
