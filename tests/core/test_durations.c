/* SPDX-License-Identifier: Apache-2.0 */
/* Durations of recordings and segments, as groupers and losses see them. */
#include "study.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <fairvox/grouper.h>

#include "base/file.h"
#include "base/text.h"
#include "run/runner.h"

enum { RATE = 8000, DURATION = 5, KINDS = 6 };

/* A quiet tone of so many samples. */
static void write_wave(fv_ctx *ctx, const char *path, uint32_t samples)
{
	core_text text = {0};
	const uint32_t bytes = 2 * samples, size = bytes + 36, rate = RATE, speed = 2 * RATE;
	core_text_put(&text, "RIFF", 4);
	core_text_put(&text, (const char *)&size, 4);
	core_text_put(&text, "WAVEfmt \20\0\0\0\1\0\1\0", 16);
	core_text_put(&text, (const char *)&rate, 4);
	core_text_put(&text, (const char *)&speed, 4);
	core_text_put(&text, "\2\0\20\0data", 8);
	core_text_put(&text, (const char *)&bytes, 4);
	for (uint32_t i = 0; i < samples; i++) {
		int16_t sample = (int16_t)(300 * ((int)(i / 20 % 2) * 2 - 1));
		core_text_put(&text, (const char *)&sample, 2);
	}
	test_ok(ctx, core_file_write(ctx, path, text.data, text.size));
	core_text_free(&text);
}

static uint32_t count_samples(int s, int i)
{
	return (uint32_t)(RATE / 4 + 100 * s + 7 * i);
}

static char *write_corpus(const char *name)
{
	char *dir = strdup(test_folder(name));
	fv_ctx *ctx = test_ctx();
	test_toy_write(dir, 0);
	assert_int_equal(mkdir(core_path_join(ctx, dir, "audio"), 0777), 0);
	for (int s = 0; s < TOY_SPEAKERS; s++)
		for (int i = 0; i < TOY_EACH; i++)
			write_wave(ctx, core_format(ctx, "%s/audio/u%02d_%d.wav", dir, s, i),
				count_samples(s, i));
	core_ctx_free(ctx);
	return dir;
}

static core_study *open_study(fv_ctx *ctx, const char *dir, const char *grouper, const char *more)
{
	const char *override[] = {"loss.name=rw", core_format(ctx, "grouper=%s", grouper), more};
	const char *spy = core_format(ctx, "%s/spy", getenv("FAIRVOX_BUILD"));
	return test_toy_open(ctx, dir, spy, more ? 3 : 2, override);
}

static double want_seconds(const char *stem)
{
	return (double)count_samples(atoi(stem + 1), atoi(stem + 4)) / RATE;
}

/* The headers of the recordings tell, although features are looked up by name. */
static void recordings(void **state)
{
	(void)state;
	char *dir = write_corpus("durations");
	char *found[2];
	for (int uses = 0; uses < 2; uses++) {
		fv_ctx *ctx = test_ctx();
		core_study *study = open_study(ctx, dir,
			uses ? "{name: spy, uses: 32}" : "{name: spy, uses: 0}",
			core_format(ctx, "corpus.audio=%s/audio", dir));
		core_run_data r = {.study = study, .run = &study->run[0]};
		test_ok(ctx, core_run_data_make_groups(ctx, &r));
		test_ok(ctx, core_run_data_make_training(ctx, &r));
		for (int k = 0; k < CORE_SPLITS; k++)
			for (int32_t i = 0; i < r.rows.n[k]; i++) {
				const char *stem = r.corpus->stem[r.rows.row[k][i]];
				double want = uses ? want_seconds(stem) : 0;
				float got = r.groups.member[k][i * KINDS + DURATION];
				assert_true(got == (float)want);
			}
		assert_int_equal(r.train.duration != NULL, uses);
		for (int32_t i = 0; i < r.train.n && uses; i++)
			assert_true(r.train.duration[i] == want_seconds(r.train.stem[i]));
		for (int32_t i = 0; i < r.dev.n && uses; i++)
			assert_true(r.dev.duration[i] == want_seconds(r.dev.stem[i]));
		found[uses] = strdup(study->run[0].fingerprint);
		core_study_close(study);
		core_ctx_free(ctx);
	}
	/* a run that reads durations depends on the recordings */
	assert_non_null(strstr(found[0], "\"audio\": \"\""));
	assert_null(strstr(found[1], "\"audio\": \"\""));
	free(found[0]);
	free(found[1]);
	free(dir);
}

/* Bounds in the label file tell without recordings; a row without an end is unknown. */
static void segments_without_audio(void **state)
{
	(void)state;
	char *dir = strdup(test_folder("durations-segments"));
	fv_ctx *ctx = test_ctx();
	core_text labels = {0}, features = {0};
	test_toy_write(dir, 0);
	core_text_add(&labels, "file,emotion,speaker,split,start,end\n");
	core_text_add(&features, "FileName,a,b\n");
	for (int i = 0; i < 12; i++) {
		const char *end = i % 4 == 3 ? "" : core_format(ctx, "%g", 0.75 + 0.25 * i);
		core_text_add(&labels, "r%02d.wav,%s,s%d,%s,0.5,%s\n", i, i % 2 ? "sad" : "angry",
			i,
			i < 6   ? "train"
			: i < 9 ? "dev"
				: "test",
			end);
		core_text_add(&features, "r%02d@0.5-%s,%d,%d\n", i, end, i, i % 2);
	}
	test_ok(ctx, core_file_write(ctx, core_path_join(ctx, dir, "labels.csv"), labels.data,
			     labels.size));
	test_ok(ctx, core_file_write(ctx, core_path_join(ctx, dir, "features.csv"), features.data,
			     features.size));
	const char *plan = "corpus: {labels: labels.csv}\n"
			   "encoder: {name: precomputed, file: features.csv}\n"
			   "train: {epochs: 1}\n";
	test_ok(ctx,
		core_file_write(ctx, core_path_join(ctx, dir, "plan.yaml"), plan, strlen(plan)));
	core_study *study = open_study(ctx, dir, "{name: spy, uses: 32, soft: false}", NULL);
	const double *seconds = study->set[0].seconds;
	assert_int_equal(study->set[0].recordings.n, 12);
	assert_non_null(seconds);
	for (int i = 0; i < 12; i++)
		if (i % 4 == 3)
			assert_true(isnan(seconds[i]));
		else
			test_close(seconds[i], 0.25 + 0.25 * i, 1e-12);
	core_study_close(study);
	core_text_free(&labels);
	core_text_free(&features);
	core_ctx_free(ctx);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recordings),
		cmocka_unit_test(segments_without_audio),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
