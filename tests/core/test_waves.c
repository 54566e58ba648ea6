/* SPDX-License-Identifier: Apache-2.0 */
/* normalize: corpus decodes each recording once, with any number of workers, and gives the numbers
 * of a plain loop over the training recordings. inotify counts how often a file is opened: once for
 * hashing, once for decoding. */
#include "study.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "corpus/audio.h"
#include "run/moments.h"

#define RATE 16000
#define SAMPLES 8000
#define FOLDS 2

#define N_OVERRIDES 4

/* Writes half a second of 16-bit mono: a hum with pitch and loudness of the speaker. */
static void write_wave(const char *path, int s, int i)
{
	uint32_t size = 2 * SAMPLES;
	uint8_t head[44] = "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0\1\0";
	const uint32_t words[] = {RATE, 2 * RATE, 0x00100002};
	int16_t sample[SAMPLES];
	size += 36;
	memcpy(head + 4, &size, 4);
	size -= 36;
	memcpy(head + 24, words, sizeof words);
	memcpy(head + 36, "data", 4);
	memcpy(head + 40, &size, 4);
	for (int t = 0; t < SAMPLES; t++)
		sample[t] = (int16_t)(300 * s +
				      (2000 + 700 * s + 90 * i) * sin(t * 0.002 * (20 + s + i)));
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(head, sizeof head, 1, file), 1);
	assert_int_equal(fwrite(sample, sizeof sample, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static const char *make_corpus(fv_ctx *ctx)
{
	const char *dir = core_strdup(ctx, test_folder("waves"));
	test_toy_write(dir, 0);
	test_ok(ctx, core_make_dirs(ctx, core_path_join(ctx, dir, "audio")));
	for (int s = 0; s < TOY_SPEAKERS; s++)
		for (int i = 0; i < TOY_EACH; i++)
			write_wave(core_format(ctx, "%s/audio/u%02d_%d.wav", dir, s, i), s, i);
	return dir;
}

static fv_status open_study(fv_ctx *ctx, const char *dir, int jobs, core_study **study)
{
	core_registry *registry;
	core_config *config;
	char *words[N_OVERRIDES] = {core_format(ctx, "corpus.audio=%s/audio", dir),
		core_strdup(ctx, "corpus.make_folds=4"), core_strdup(ctx, "corpus.folds=[1,2]"),
		core_strdup(ctx, "encoder={name: pitch, normalize: corpus}")};
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &registry));
	test_ok(ctx, core_config_load(ctx, registry, core_path_join(ctx, dir, "plan.yaml"), words,
			     N_OVERRIDES, CORE_NEED_RUN, &config));
	const core_study_options options = {.results = core_path_join(ctx, dir, "results"),
		.cache = core_path_join(ctx, dir, "cache"),
		.jobs = jobs,
		.keep_waves = true};
	return core_study_open(ctx, config, &options, study);
}

/* Opens the study and loads its features. */
static core_study *load_study(fv_ctx *ctx, const char *dir, int jobs)
{
	core_study *study;
	test_ok(ctx, open_study(ctx, dir, jobs, &study));
	const core_encode_job job = {.cache = study->cache, .jobs = jobs};
	test_ok(ctx, core_study_load(ctx, study, &job));
	return study;
}

static int watch_audio(fv_ctx *ctx, const char *dir)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(inotify_add_watch(fd, core_path_join(ctx, dir, "audio"), IN_OPEN) >= 0);
	return fd;
}

/* Counts how often files were opened since the last call (`name` NULL: all files). Each may be
 * opened at most `limit` times. */
static int count_opens(int fd, const char *name, int limit)
{
	static char buffer[1 << 16];
	int count[TOY_SPEAKERS][TOY_EACH] = {{0}}, all = 0, one = 0;
	for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
		for (ssize_t at = 0; at < n;) {
			struct inotify_event event;
			const char *file = buffer + at + sizeof event;
			int s, i;
			memcpy(&event, buffer + at, sizeof event);
			at += (ssize_t)(sizeof event + event.len);
			if (!event.len || sscanf(file, "u%d_%d.wav", &s, &i) != 2)
				continue;
			all++;
			one += name && !strcmp(file, name);
			assert_true(++count[s][i] <= limit);
		}
	return name ? one : all;
}

/* Checks mean and variance of the training waves of a fold against a plain loop. */
static void check_moments(fv_ctx *ctx, const core_study *study)
{
	int folds = 0;
	for (int32_t k = 0; k < study->n_encodings; k++) {
		const core_encoding *encoding = &study->encoding[k];
		const core_fold *fold = &study->fold[encoding->fold];
		core_moments all = {0};
		for (int32_t i = 0; i < fold->corpus->n; i++) {
			core_wave wave;
			if (fold->corpus->split[i] != CORE_TRAIN)
				continue;
			const char *path = study->set[encoding->set].recordings.path[fold->row[i]];
			test_ok(ctx, core_audio_read(ctx, path, RATE, 0, &wave));
			all = core_moments_merge(all, core_wave_moments(wave.sample, wave.n));
			core_wave_free(&wave);
		}
		const double wanted[] = {all.mean, all.m2 / (double)all.n};
		const double found[] = {encoding->encoder->mean, encoding->encoder->variance};
		assert_memory_equal(found, wanted, sizeof wanted);
		folds++;
	}
	assert_int_equal(folds, FOLDS);
}

/* Checks the features of all encodings against core_encoder_encode_file. */
static void check_features(fv_ctx *ctx, const core_study *study)
{
	for (int32_t k = 0; k < study->n_encodings; k++) {
		const core_encoding *encoding = &study->encoding[k];
		size_t width = (size_t)encoding->features.layers * (size_t)encoding->features.dims;
		float *wanted = core_alloc(ctx, width, sizeof *wanted);
		const core_recordings *r = &study->set[encoding->set].recordings;
		for (int64_t i = 0; i < r->n; i++) {
			test_ok(ctx, core_encoder_encode_file(ctx, encoding->encoder, r->path[i],
					     NULL, wanted, NULL));
			assert_memory_equal(encoding->features.x + (size_t)i * width, wanted,
				width * sizeof *wanted);
		}
	}
}

static void test_decoded_once(void **state)
{
	(void)state;
	for (int jobs = 1; jobs <= 3; jobs += 2) {
		fv_ctx *ctx = test_ctx();
		const char *dir = make_corpus(ctx);
		int fd = watch_audio(ctx, dir);
		core_study *study = load_study(ctx, dir, jobs);
		assert_int_equal(count_opens(fd, NULL, 2), 2 * TOY_ROWS);
		check_moments(ctx, study);
		check_features(ctx, study);
		core_study_close(study);
		(void)count_opens(fd, NULL, 100);
		/* Opening the study again decodes nothing. */
		study = load_study(ctx, dir, jobs);
		assert_int_equal(count_opens(fd, NULL, 1), TOY_ROWS);
		check_moments(ctx, study);
		core_study_close(study);
		close(fd);
		core_ctx_free(ctx);
	}
}

static void cut_short(fv_ctx *ctx, const char *dir, const char *name)
{
	assert_int_equal(truncate(core_format(ctx, "%s/audio/%s", dir, name), 44 + SAMPLES), 0);
}

/* All damaged recordings are reported, each read once; the sound ones are not decoded again. */
static void test_damaged(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = make_corpus(ctx);
	core_study *study;
	cut_short(ctx, dir, "u09_1.wav");
	cut_short(ctx, dir, "u09_5.wav");
	int fd = watch_audio(ctx, dir);
	fv_status status = open_study(ctx, dir, 2, &study);
	assert_int_equal(status, FV_DATA);
	assert_int_equal(core_error_count(ctx), 2);
	assert_int_equal(core_error_lines(ctx), 1); /* one cause */
	static const char *const words[] = {
		"damaged or cut short", "2 in all", "u09_1.wav", "u09_5.wav"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		assert_non_null(strstr(core_error_line(ctx, 0), words[i]));
	core_error_clear(ctx);
	assert_int_equal(count_opens(fd, "u09_1.wav", 2), 2);
	write_wave(core_format(ctx, "%s/audio/u09_1.wav", dir), 9, 1);
	write_wave(core_format(ctx, "%s/audio/u09_5.wav", dir), 9, 5);
	(void)count_opens(fd, NULL, 100);
	test_ok(ctx, open_study(ctx, dir, 2, &study));
	assert_true(count_opens(fd, NULL, 2) < TOY_ROWS + TOY_ROWS / 2);
	check_moments(ctx, study);
	core_study_close(study);
	close(fd);
	core_ctx_free(ctx);
}

static void write_bytes(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* A file with any byte changed gives the same moments or none. */
static void test_file(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	char sha256[3][CORE_SHA256_HEX];
	const core_moments wanted[3] = {{7, 0.1, 3.25}, {1, -1e-300, 0}, {123456789, 1. / 3, 7e9}};
	const char *path, *dir = core_strdup(ctx, test_folder("moments"));
	for (int i = 0; i < 3; i++)
		core_sha256_bytes(&i, sizeof i, sha256[i]);
	test_ok(ctx, core_moments_path(ctx, dir, RATE, 1.5, &path));
	for (int i = 2; i >= 0; i--) /* one after the other */
		test_ok(ctx, core_moments_save(ctx, path, 1,
				     (const char(*)[CORE_SHA256_HEX])sha256[i], &wanted[i]));
	char *data;
	size_t size;
	test_ok(ctx, core_file_read(ctx, path, 1 << 20, &data, &size));
	core_ctx_set_log(ctx, NULL, NULL);
	for (size_t at = 0; at <= size; at++) {
		core_moments found[3] = {{0}};
		if (at < size)
			data[at] ^= 4;
		write_bytes(path, data, size);
		test_ok(ctx, core_moments_load(
				     ctx, path, 3, (const char(*)[CORE_SHA256_HEX])sha256, found));
		if (at < size)
			data[at] ^= 4;
		for (int i = 0; i < 3; i++) {
			assert_true(!found[i].n ||
				    (found[i].n == wanted[i].n &&
					    !memcmp(&found[i].mean, &wanted[i].mean, 16)));
			assert_true(found[i].n || at < size);
		}
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_decoded_once),
		cmocka_unit_test(test_damaged), cmocka_unit_test(test_file)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
