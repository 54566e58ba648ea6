/* SPDX-License-Identifier: Apache-2.0 */
/* The synthetic corpus with the real espeak-ng: which files are written, that they do not depend
 * on the number of jobs or on kills, that foreign files are kept, and that the voices lie where
 * the gender classifier expects them. Skipped without espeak-ng. */
#include "support.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sndfile.h>

#include "base/file.h"
#include "synth/synth.h"

static void skip_without_espeak(int checks)
{
	fv_ctx *ctx = test_ctx();
	core_espeak espeak = {0};
	fv_status status = core_espeak_find(ctx, &espeak);
	core_ctx_free(ctx);
	if (status) {
		print_message("skipped: espeak-ng is missing (%d checks)\n", checks);
		skip();
	}
}

/* A fresh folder; the path lives as long as ctx (that of test_folder only four calls). */
static const char *make_folder(fv_ctx *ctx, const char *name)
{
	const char *path = core_strdup(ctx, test_folder(name));
	assert_non_null(path);
	return path;
}

static core_synth_options make_options(fv_ctx *ctx, const char *out, int64_t limit)
{
	const char *source = getenv("FAIRVOX_SOURCE");
	source = source ? source : ".";
	return (core_synth_options){
		.labels = core_format(
			ctx, "%s/configs/corpora/cremad/labels_consensus_1.csv", source),
		.demographics =
			core_format(ctx, "%s/configs/corpora/cremad/VideoDemographics.csv", source),
		.out = out,
		.knobs = {.seed = 1, .strength = 1.8, .jitter = 0.7, .mix = 1},
		.limit = limit,
		.jobs = 2};
}

static int count_files(const char *dir, const char *ending)
{
	DIR *d = opendir(dir);
	assert_non_null(d);
	int count = 0;
	for (const struct dirent *e; (e = readdir(d));) {
		size_t n = strlen(e->d_name), size = strlen(ending);
		count += n > size && !strcmp(e->d_name + n - size, ending) && e->d_name[0] != '.';
	}
	closedir(d);
	return count;
}

/* Checks that both folders hold the same files with the same bytes; returns how many. */
static int compare_folders(const char *a, const char *b)
{
	int counts[2] = {0, 0};
	for (int turn = 0; turn < 2; turn++) {
		const char *from = turn ? b : a, *to = turn ? a : b;
		DIR *d = opendir(from);
		assert_non_null(d);
		for (const struct dirent *e; (e = readdir(d));) {
			fv_ctx *ctx = test_ctx();
			char *p, *q;
			size_t n, m;
			if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) {
				core_ctx_free(ctx);
				continue;
			}
			test_ok(ctx, core_file_read(
					     ctx, core_path_join(ctx, from, e->d_name), 0, &p, &n));
			test_ok(ctx,
				core_file_read(ctx, core_path_join(ctx, to, e->d_name), 0, &q, &m));
			if (n != m || memcmp(p, q, n) != 0)
				fail_msg("%s differs", e->d_name);
			counts[turn]++;
			core_ctx_free(ctx);
		}
		closedir(d);
	}
	assert_int_equal(counts[0], counts[1]);
	return counts[0];
}

static void bytes_do_not_depend_on_jobs(void **state)
{
	(void)state;
	skip_without_espeak(14);
	fv_ctx *ctx = test_ctx();
	const char *a = make_folder(ctx, "synth-1"), *b = make_folder(ctx, "synth-2");
	core_synth_options one = make_options(ctx, a, 12), two = make_options(ctx, b, 12);
	core_synth_summary summary;
	one.jobs = 1;
	test_ok(ctx, core_synth_run(ctx, &one, &summary));
	assert_int_equal(summary.n, 12);
	assert_int_equal(summary.made, 12);
	test_ok(ctx, core_synth_run(ctx, &two, &summary));
	assert_int_equal(count_files(a, ".flac"), 12);
	/* recordings, five label files, demographics, notice, synth.csv, synth.json */
	assert_int_equal(compare_folders(a, b), 12 + 9);
	test_ok(ctx, core_synth_run(ctx, &one, &summary));
	assert_int_equal(summary.made, 0);
	assert_int_equal(compare_folders(a, b), 12 + 9);
	two.knobs.seed = 2;
	test_ok(ctx, core_synth_run(ctx, &two, &summary));
	assert_int_equal(summary.made, 12);
	two.knobs.seed = 1;
	two.wav = true;
	test_ok(ctx, core_synth_run(ctx, &two, &summary));
	assert_int_equal(count_files(b, ".flac"), 0);
	assert_int_equal(count_files(b, ".wav"), 12);
	core_ctx_free(ctx);
}

static void add_warning(void *user, core_level level, const char *line)
{
	core_text *text = user;
	if (level == CORE_WARNING)
		core_text_add(text, "%s\n", line);
}

static void replaced_labels_are_told(void **state)
{
	(void)state;
	skip_without_espeak(5);
	fv_ctx *ctx = test_ctx();
	core_synth_options options = make_options(ctx, make_folder(ctx, "synth-less"), 12);
	core_synth_summary summary;
	core_text told = {0};
	core_ctx_set_log(ctx, add_warning, &told);
	test_ok(ctx, core_synth_run(ctx, &options, &summary));
	test_ok(ctx, core_synth_run(ctx, &options, &summary));
	assert_int_equal(told.size, 0);
	options.limit = 5;
	test_ok(ctx, core_synth_run(ctx, &options, &summary));
	assert_non_null(told.data);
	assert_non_null(strstr(told.data,
		"labels_consensus_1.csv: replaced, and the other label files: the labels name 5 "
		"recordings now, they named 12 before"));
	assert_ptr_equal(strchr(told.data, '\n'), told.data + told.size - 1); /* one line */
	core_text_free(&told);
	core_ctx_free(ctx);
}

static void check_labels(const char *dir, int fold)
{
	fv_ctx *ctx = test_ctx();
	core_csv part, whole;
	const char *source = getenv("FAIRVOX_SOURCE");
	char *name = core_format(ctx, "labels_consensus_%d.csv", fold);
	test_ok(ctx, core_csv_read(ctx, core_path_join(ctx, dir, name), &part));
	test_ok(ctx, core_csv_read(ctx,
			     core_format(ctx, "%s/configs/corpora/cremad/%s", source ? source : ".",
				     name),
			     &whole));
	assert_int_equal(part.n_rows, 12);
	assert_int_equal(part.n_columns, whole.n_columns);
	int64_t row = 0;
	for (int64_t i = 0; i < part.n_rows;
		i++, row++) { /* rows are a subsequence of the whole file */
		while (row < whole.n_rows && strcmp(part.cell[i * part.n_columns],
						     whole.cell[row * whole.n_columns]) != 0)
			row++;
		assert_true(row < whole.n_rows);
		for (int64_t c = 0; c < part.n_columns; c++)
			assert_string_equal(
				core_csv_cell(&part, i, c), core_csv_cell(&whole, row, c));
	}
	core_ctx_free(ctx);
}

static void all_files_are_written(void **state)
{
	(void)state;
	skip_without_espeak(30);
	fv_ctx *ctx = test_ctx();
	const char *dir = make_folder(ctx, "synth-files");
	core_synth_options options = make_options(ctx, dir, 12);
	core_synth_summary summary;
	core_csv csv;
	test_ok(ctx, core_synth_run(ctx, &options, &summary));
	for (int fold = 1; fold <= 5; fold++)
		check_labels(dir, fold);
	test_ok(ctx, core_csv_read(ctx, core_path_join(ctx, dir, "synth.csv"), &csv));
	assert_int_equal(csv.n_rows, 12);
	assert_int_equal(csv.n_columns, 35);
	double total_s = 0;
	for (int64_t i = 0; i < 12; i++) {
		SF_INFO info = {0};
		char *stem = core_path_stem(ctx, csv.cell[i * csv.n_columns]);
		SNDFILE *f = sf_open(core_format(ctx, "%s/%s.flac", dir, stem), SFM_READ, &info);
		assert_non_null(f);
		assert_int_equal(info.samplerate, 16000);
		assert_int_equal(info.channels, 1);
		assert_int_equal(info.format & SF_FORMAT_SUBMASK, SF_FORMAT_PCM_16);
		assert_in_range(info.frames, 16000, 80000);
		assert_non_null(strstr(sf_get_string(f, SF_STR_COMMENT), "synthetic speech"));
		total_s += (double)info.frames / 16000;
		sf_close(f);
	}
	json_t *json = test_json(core_path_join(ctx, dir, "synth.json"));
	assert_string_equal(json_string_value(json_object_get(json, "speech")), "synthetic");
	assert_true(json_is_true(json_object_get(json, "complete")));
	assert_int_equal(json_integer_value(json_object_get(json, "seed")), 1);
	test_close(json_number_value(json_object_get(json, "seconds")), total_s, 1e-9);
	test_close(summary.seconds, total_s, 1e-12);
	json_decref(json);
	core_ctx_free(ctx);
}

/* Runs the synthesis in a child process and kills it once some recordings exist. */
static void run_and_kill(const char *dir, int64_t limit, int at_files)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fv_ctx *ctx = core_ctx_new();
		core_synth_options options = make_options(ctx, dir, limit);
		core_synth_summary summary;
		_exit((int)core_synth_run(ctx, &options, &summary));
	}
	for (int i = 0; i < 2000 && count_files(dir, ".flac") < at_files; i++)
		usleep(5000);
	kill(pid, SIGKILL);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	usleep(100000); /* the workers end with their parent */
}

static void killed_run_resumes(void **state)
{
	(void)state;
	skip_without_espeak(6);
	fv_ctx *ctx = test_ctx();
	const char *killed = make_folder(ctx, "synth-killed"),
		   *clean = make_folder(ctx, "synth-clean");
	core_synth_options options = make_options(ctx, clean, 40);
	core_synth_summary summary;
	test_ok(ctx, core_synth_run(ctx, &options, &summary));
	run_and_kill(killed, 40, 8);
	assert_false(core_file_exists(core_path_join(ctx, killed, "synth.csv")));
	/* a temporary file of a killed writer, and a finished recording that was truncated later */
	options = make_options(ctx, killed, 40);
	test_ok(ctx, core_file_write(ctx, core_path_join(ctx, killed, ".x.flac.abcdef"), "x", 1));
	core_csv csv;
	test_ok(ctx, core_csv_read(ctx, core_path_join(ctx, clean, "synth.csv"), &csv));
	for (int64_t i = 0; i < csv.n_rows; i++) {
		char *path = core_format(ctx, "%s/%s.flac", killed,
			core_path_stem(ctx, csv.cell[i * csv.n_columns]));
		struct stat st;
		if (stat(path, &st))
			continue;
		assert_int_equal(truncate(path, st.st_size / 2), 0);
		break;
	}
	test_ok(ctx, core_synth_run(ctx, &options, &summary));
	assert_in_range(summary.made, 1, 33);
	assert_int_equal(compare_folders(killed, clean), 40 + 9);
	core_ctx_free(ctx);
}

static void foreign_files_are_kept(void **state)
{
	(void)state;
	skip_without_espeak(4);
	fv_ctx *ctx = test_ctx();
	const char *dir = make_folder(ctx, "synth-stranger");
	core_synth_options options = make_options(ctx, dir, 1);
	core_synth_plan plan = {0};
	core_synth_summary summary;
	test_ok(ctx, core_synth_plan_read(ctx, &options, &plan));
	char *path = core_format(ctx, "%s/%s.flac", dir, plan.utterances[0].stem), *data;
	size_t size;
	test_ok(ctx, core_file_write(ctx, path, "a real recording", 16));
	test_fails(ctx, core_synth_run(ctx, &options, &summary), FV_CONFIG,
		"not written by fairvox synth");
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	assert_string_equal(data, "a real recording");
	dir = make_folder(ctx, "synth-labels");
	path = core_path_join(ctx, dir, "labels_consensus_1.csv");
	test_ok(ctx, core_file_write(ctx, path, "my labels", 9));
	options = make_options(ctx, dir, 1);
	test_fails(ctx, core_synth_run(ctx, &options, &summary), FV_CONFIG,
		"not written by fairvox synth");
	test_fails(ctx, core_synth_run(ctx, &options, &summary), FV_CONFIG,
		"not written by fairvox synth");
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	assert_string_equal(data, "my labels");
	core_ctx_free(ctx);
}

static char *write_script(fv_ctx *ctx, const char *dir, const char *name, const char *rest)
{
	char *path = core_path_join(ctx, dir, name);
	char *text = core_format(ctx,
		"#!/bin/sh\n[ \"$1\" = --version ] && { echo 'eSpeak NG: 9.9  Data'; exit 0; "
		"}\n%s\n",
		rest);
	test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
	assert_int_equal(chmod(path, 0755), 0);
	return path;
}

static void bad_program_is_reported(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = make_folder(ctx, "synth-program");
	core_synth_options options = make_options(ctx, core_path_join(ctx, dir, "out"), 3);
	core_synth_summary summary;
	options.program = "/nonexistent/espeak-ng";
	test_fails(ctx, core_synth_run(ctx, &options, &summary), FV_DATA, "apt install espeak-ng");
	assert_false(core_file_exists(options.out));
	options.program = "true";
	test_fails(
		ctx, core_synth_run(ctx, &options, &summary), FV_DATA, "did not print a version");
	options.program = write_script(ctx, dir, "fails", "echo no such voice >&2; exit 3");
	test_fails(ctx, core_synth_run(ctx, &options, &summary), FV_FAILED,
		"exit code 3: no such voice");
	options.program = write_script(ctx, dir, "mumbles", "echo not a wav");
	test_fails(ctx, core_synth_run(ctx, &options, &summary), FV_FAILED,
		"is not a mono 16-bit WAV");
	options.program = write_script(ctx, dir, "dies", "kill -SEGV $$");
	test_fails(ctx, core_synth_run(ctx, &options, &summary), FV_FAILED, "ended by signal 11");
	assert_int_equal(count_files(options.out, ".flac"), 0);
	core_ctx_free(ctx);
}

static int by_value(const void *a, const void *b)
{
	const double *p = a, *q = b;
	return (*p > *q) - (*p < *q);
}

/* The best normalised autocorrelation of 40 ms between 60 and 300 Hz; 0 when unvoiced. */
static double estimate_frame_f0(const int16_t *x, int rate_hz)
{
	int n = rate_hz / 25, best = 0;
	double most = 0.6;
	for (int lag = rate_hz / 300; lag <= rate_hz / 60; lag++) {
		double xy = 0, xx = 1, yy = 1;
		for (int i = 0; i < n; i++) {
			xy += (double)x[i] * x[i + lag];
			xx += (double)x[i] * x[i];
			yy += (double)x[i + lag] * x[i + lag];
		}
		double r = xx > 1e8 ? xy / sqrt(xx * yy) : 0;
		if (r > most * (best ? 1.02 : 1)) { /* a longer lag must be clearly better */
			most = r;
			best = lag;
		}
	}
	return best ? (double)rate_hz / best : 0;
}

/* Appends the F0 of voiced frames to f0; returns the new count. */
static size_t append_f0(
	const int16_t *x, size_t n, int rate_hz, double *f0, size_t voiced, size_t room)
{
	size_t step = (size_t)rate_hz / 50, reach = (size_t)rate_hz / 25 + (size_t)rate_hz / 60;
	for (size_t at = 0; at + reach < n && voiced < room; at += step) {
		f0[voiced] = estimate_frame_f0(x + at, rate_hz);
		voiced += f0[voiced] > 0;
	}
	return voiced;
}

static double measure_voice_f0(
	fv_ctx *ctx, const core_espeak *espeak, const core_synth_speaker *speaker)
{
	static const char *const codes[] = {"WSI", "TIE", "TAI"};
	double f0[1000];
	size_t voiced = 0;
	for (size_t i = 0; i < 3; i++) {
		core_synth_utterance u = {.text = core_synth_find_sentence(codes[i]),
			.pitch = 50,
			.range_percent = 100,
			.rate_wpm = 175};
		int16_t *samples;
		size_t n;
		int rate_hz;
		test_ok(ctx, core_espeak_say(ctx, espeak, &u, speaker, &samples, &n, &rate_hz));
		assert_int_equal(rate_hz, 22050);
		voiced = append_f0(samples, n, rate_hz, f0, voiced, 1000);
		free(samples);
	}
	assert_true(voiced > 100);
	qsort(f0, voiced, sizeof *f0, by_value);
	return f0[voiced / 2];
}

/* Median F0 of the voices as documented, within a semitone for the choice of sentences and
 * estimator. */
static void voices_are_in_range(void **state)
{
	(void)state;
	skip_without_espeak(13);
	fv_ctx *ctx = test_ctx();
	core_espeak espeak = {0};
	test_ok(ctx, core_espeak_find(ctx, &espeak));
	for (int i = 0; i < 13; i++) {
		core_synth_speaker speaker = {.male = i < 8, .voice = i < 8 ? i + 1 : i - 7};
		double f0 = measure_voice_f0(ctx, &espeak, &speaker), semitone = exp2(1 / 12.0);
		double low = speaker.male ? 86 : 174, high = speaker.male ? 108 : 201;
		if (f0 < low / semitone || f0 > high * semitone)
			fail_msg("%s voice %d: median F0 %.1f Hz", speaker.male ? "male" : "female",
				speaker.voice, f0);
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_do_not_depend_on_jobs),
		cmocka_unit_test(replaced_labels_are_told),
		cmocka_unit_test(all_files_are_written),
		cmocka_unit_test(killed_run_resumes),
		cmocka_unit_test(foreign_files_are_kept),
		cmocka_unit_test(bad_program_is_reported),
		cmocka_unit_test(voices_are_in_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
