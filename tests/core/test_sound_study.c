/* SPDX-License-Identifier: Apache-2.0 */
/* Segments and silent recordings on their way through a study: features, cache, groups, lengths. */
#include "study.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sndfile.h>

#include "base/file.h"
#include "base/text.h"
#include "run/group_report.h"

enum { RATE = 16000, SAMPLES = 8000 }; /* half a second each */

/* A buzz with the pitch of its speaker. */
static void make_voice(int s, int i, float *x)
{
	double hz = (s % 2 ? 110 : 210) + 2 * s + i;
	for (int t = 0; t < SAMPLES; t++) {
		double phase = fmod(hz * t / RATE, 1);
		x[t] = (float)(0.2 * (1 - 2 * phase) * (1 + 0.1 * sin(t * 0.001 * (1 + s))));
	}
}

/* Rows of which nothing can be heard: all zero, a constant, and two channels that cancel. */
static int find_silence(int s, int i)
{
	return s == 0 && i == 1 ? 1 : s == 7 && i == 2 ? 2 : s == 10 && i == 3 ? 3 : 0;
}

static void write_sound(const char *path, const float *x, int64_t n, int channels)
{
	SF_INFO info = {.samplerate = RATE,
		.channels = channels,
		.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
	SNDFILE *file = sf_open(path, SFM_WRITE, &info);
	assert_non_null(file);
	assert_int_equal(sf_writef_float(file, x, n), n);
	sf_close(file);
}

static void write_recording(const char *path, int s, int i, bool some_silent)
{
	float x[SAMPLES], pair[2 * SAMPLES];
	int silence = some_silent ? find_silence(s, i) : 0;
	make_voice(s, i, x);
	for (int t = 0; t < SAMPLES; t++) {
		pair[2 * t] = x[t];
		pair[2 * t + 1] = -x[t];
		x[t] = silence == 1 ? 0 : silence == 2 ? 0.25f : x[t];
	}
	write_sound(path, silence == 3 ? pair : x, SAMPLES, silence == 3 ? 2 : 1);
}

/* Writes one recording a row, dir/audio/u00_0.wav and so on. */
static void write_recordings(fv_ctx *ctx, const char *dir, bool some_silent)
{
	test_ok(ctx, core_make_dirs(ctx, core_format(ctx, "%s/audio", dir)));
	for (int s = 0; s < TOY_SPEAKERS; s++)
		for (int i = 0; i < TOY_EACH; i++)
			write_recording(core_format(ctx, "%s/audio/u%02d_%d.wav", dir, s, i), s, i,
				some_silent);
}

/* Writes all rows of a speaker into one recording, and labels with their bounds. */
static void write_segments(fv_ctx *ctx, const char *dir)
{
	float *all = malloc(sizeof(float) * SAMPLES * TOY_EACH);
	core_text text = {0};
	core_text_add(&text, "FileName,start,end,emotion,SpkrID,Gender,Split_Set\n");
	test_ok(ctx, core_make_dirs(ctx, core_format(ctx, "%s/long", dir)));
	assert_non_null(all);
	for (int s = 0; s < TOY_SPEAKERS; s++) {
		for (int i = 0; i < TOY_EACH; i++) {
			make_voice(s, i, all + (size_t)i * SAMPLES);
			core_text_add(&text, "s%02d.wav,%g,%g,%s,s%02d,%s,%s\n", s, i / 2.0,
				(i + 1) / 2.0, (s + i) % 2 ? "sad" : "angry", s,
				s % 2 ? "Male" : "Female",
				s < 6   ? "Train"
				: s < 9 ? "Development"
					: "Test");
		}
		write_sound(core_format(ctx, "%s/long/s%02d.wav", dir, s), all,
			(int64_t)SAMPLES * TOY_EACH, 1);
	}
	assert_false(text.failed);
	test_ok(ctx, core_file_write(
			     ctx, core_path_join(ctx, dir, "segments.csv"), text.data, text.size));
	core_text_free(&text);
	free(all);
}

static core_study *open_study(
	fv_ctx *ctx, const char *dir, const char *encoder, size_t n, const char *const *more)
{
	const char *words[8] = {core_format(ctx, "encoder=%s", encoder)};
	for (size_t i = 0; i < n; i++)
		words[i + 1] = more[i];
	return test_toy_open(ctx, dir, NULL, n + 1, words);
}

/* A row with bounds has the features of that part in a file of its own, with and without the
 * detour over kept waves; a second study takes them from the cache. */
static void segments_are_rows(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("sound"));
	test_toy_write(dir, 0);
	write_recordings(ctx, dir, false);
	write_segments(ctx, dir);
	const char *alone[] = {core_format(ctx, "corpus.audio=%s/audio", dir)};
	const char *cut[] = {core_format(ctx, "corpus.audio=%s/long", dir),
		core_format(ctx, "corpus.labels=%s/segments.csv", dir),
		"corpus.label_column=emotion"};
	static const char *const encoders[] = {"{name: functionals}",
		"{name: functionals, normalize: corpus}", "{name: functionals}"};
	for (size_t e = 0; e < sizeof encoders / sizeof *encoders; e++) {
		core_study *a = open_study(ctx, dir, encoders[e], 1, alone);
		core_study *b = open_study(ctx, dir, encoders[e], 3, cut);
		const core_features *x = &a->encoding[0].features, *y = &b->encoding[0].features;
		assert_int_equal(x->n, TOY_ROWS);
		assert_int_equal(y->n, TOY_ROWS);
		assert_memory_equal(
			x->x, y->x, (size_t)(x->n * x->layers * x->dims) * sizeof *x->x);
		assert_string_equal(b->set[0].id[1], "s00@0.5-1");
		assert_string_not_equal(
			b->set[0].recordings.sha256[0], b->set[0].recordings.sha256[1]);
		core_study_close(a);
		core_study_close(b);
	}
	core_ctx_free(ctx);
}

/* Lengths in reports are those of the segments. */
static void segments_have_lengths(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("sound"));
	test_toy_write(dir, 0);
	write_segments(ctx, dir);
	const char *words[] = {core_format(ctx, "corpus.audio=%s/long", dir),
		core_format(ctx, "corpus.labels=%s/segments.csv", dir),
		"corpus.label_column=emotion", "loss.name=rw",
		"grouper={name: truth, column: gender}", "corpus.attributes=null"};
	core_study *study = open_study(ctx, dir, "{name: functionals}", 5, words);
	core_run_data r = {.study = study, .run = &study->run[0]};
	core_group_report report;
	test_ok(ctx, core_run_data_make_groups(ctx, &r));
	test_ok(ctx, core_group_report_make(ctx, &r, &report));
	assert_true(report.has_lengths);
	assert_int_equal(report.no_length[CORE_PART_ALL], 0);
	assert_int_equal(report.truth[0].by_length[CORE_PART_ALL][0].known, TOY_ROWS);
	core_study_close(study);
	core_ctx_free(ctx);
}

struct log {
	int warnings;
	char text[1024];
};

static void catch_warning(void *user, core_level level, const char *line)
{
	struct log *log = user;
	if (level != CORE_WARNING || !strstr(line, "silent"))
		return;
	log->warnings++;
	snprintf(log->text, sizeof log->text, "%s", line);
}

static int64_t count_unknown(const core_run_data *r, bool *zero)
{
	int64_t unknown = 0;
	*zero = true;
	for (int k = 0; k < CORE_SPLITS; k++)
		for (int32_t i = 0; i < r->rows.n[k]; i++) {
			const char *stem = r->corpus->stem[r->rows.row[k][i]];
			bool silent = find_silence(atoi(stem + 1), atoi(stem + 4));
			const float *member =
				r->groups.member[k] ? r->groups.member[k] + 2 * (size_t)i : NULL;
			unknown += r->groups.id[k][i] < 0;
			if (silent != (r->groups.id[k][i] < 0))
				fail_msg("%s has group %d", stem, (int)r->groups.id[k][i]);
			if (silent && member)
				*zero = *zero && !(member[0] > 0) && !(member[1] > 0);
		}
	return unknown;
}

/* The mark passes through the cache, there is one warning for both encoders, and k-means, which
 * reads no probabilities, gives every row a cluster. */
static void silence_is_unknown(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("sound"));
	test_toy_write(dir, 0);
	write_recordings(ctx, dir, true);
	const char *words[] = {core_format(ctx, "corpus.audio=%s/audio", dir), "loss.name=rw",
		"grouper={name: pseudo, encoder: {name: pitch}}"};
	for (int again = 0; again < 2; again++) {
		struct log log = {0};
		core_ctx_set_log(ctx, catch_warning, &log);
		core_study *study = open_study(ctx, dir, "{name: functionals}", 3, words);
		core_run_data r = {.study = study, .run = &study->run[0]};
		bool zero;
		test_ok(ctx, core_run_data_make_groups(ctx, &r));
		assert_int_equal(count_unknown(&r, &zero), 3);
		assert_true(zero);
		assert_int_equal(log.warnings, 1);
		assert_non_null(strstr(log.text,
			"3 of 96 recordings are silent: u00_1, u07_2, u10_3: nothing can be "));
		core_study_close(study);
		core_ctx_set_log(ctx, NULL, NULL);
	}
	words[2] = "grouper={name: kmeans, k: 2, encoder: {name: functionals}}";
	core_study *study = open_study(ctx, dir, "{name: functionals}", 3, words);
	core_run_data r = {.study = study, .run = &study->run[0]};
	test_ok(ctx, core_run_data_make_groups(ctx, &r));
	for (int k = 0; k < CORE_SPLITS; k++)
		for (int32_t i = 0; i < r.rows.n[k]; i++)
			assert_true(r.groups.id[k][i] >= 0);
	for (int64_t i = 0; i < TOY_ROWS * study->encoding[0].features.dims; i++)
		assert_true(isfinite(study->encoding[0].features.x[i]));
	core_study_close(study);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_are_rows),
		cmocka_unit_test(segments_have_lengths),
		cmocka_unit_test(silence_is_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
