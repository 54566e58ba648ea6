/* SPDX-License-Identifier: Apache-2.0 */
/* The group report, checked against counts made by hand: ten recordings with audio, two attributes. */
#include "support.h"

#include <math.h>
#include <string.h>

#include <sndfile.h>

#include "base/file.h"
#include "corpus/audio.h"
#include "report/split_tables.h"

enum { N = 10, CLASSES = 2 };

/* Three splits; rows 0-4 train, 5-6 dev, 7-9 test. Groups: 0 female, 1 male, -1 unknown. */
static int32_t train_row[] = {0, 1, 2, 3, 4}, dev_row[] = {5, 6}, test_row[] = {7, 8, 9};
static int32_t train_id[] = {0, 0, 1, -1, 1}, dev_id[] = {1, 0}, test_id[] = {-1, 0, 1};
static int32_t gender[] = {0, 1, 1, 1, -1, 1, 1, 0, 0, 0}; /* Female, Male */
static int32_t race[] = {0, 1, 1, 0, 2, 0, 1, 0, 2, 1};    /* A, B, C: C is not counted */
static int32_t klass[] = {0, 0, 1, 1, 0, 1, 0, 0, 1, 1};
static int32_t speaker[] = {0, 0, 1, 1, 0, 2, 2, 3, 3, 3};
/* in seconds at 1 kHz; an edge belongs to the longer bin; 0: not a recording */
static const double seconds[N] = {0.5, 1, 1.999, 2, 3, 4.999, 5, 10, 12, 0};

struct bench {
	fv_ctx *ctx;
	core_variant variant;
	core_corpus corpus;
	core_config config;
	core_fold fold;
	core_set set;
	core_run run;
	core_study study;
	core_run_data runner;
};

static const char *const stems[N] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"};

static const char *write_recordings(fv_ctx *ctx)
{
	static float silence[12000];
	const char *folder = core_strdup(ctx, test_folder("group-report"));
	for (int i = 0; i < N; i++) {
		const char *path = core_format(ctx, "%s/%s.wav", folder, stems[i]);
		SF_INFO info = {.samplerate = 1000,
			.channels = 1,
			.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
		sf_count_t n = (sf_count_t)lround(1000 * seconds[i]);
		SNDFILE *file = n ? sf_open(path, SFM_WRITE, &info) : NULL;
		if (!n)
			continue;
		assert_non_null(file);
		assert_int_equal(sf_writef_float(file, silence, n), n);
		sf_close(file);
	}
	return folder;
}

static void set_up(struct bench *b, const char *audio)
{
	static const char *genders[] = {"Female", "Male"}, *races[] = {"A", "B", "C"};
	static const char *classes[] = {"calm", "angry"}, *speakers[] = {"1", "2", "3", "4"};
	static const char *groups[] = {"female", "male"};
	static bool all[] = {true, true}, two[] = {true, true, false};
	static core_attribute attributes[] = {
		{"gender", 2, genders, all, gender}, {"race", 3, races, two, race}};
	static int64_t rows[N] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	b->variant = (core_variant){.corpus = {.audio = audio}};
	b->corpus = (core_corpus){.labels = "labels.csv",
		.n = N,
		.classes = CLASSES,
		.n_speakers = 4,
		.n_attributes = 2,
		.class_name = classes,
		.stem = (const char **)(void *)(uintptr_t)stems,
		.file = (const char **)(void *)(uintptr_t)stems,
		.klass = klass,
		.speaker = speaker,
		.speaker_name = speakers,
		.attribute = attributes};
	b->config = (core_config){.n_variants = 1, .variants = &b->variant};
	b->fold = (core_fold){.fold = 3, .corpus = &b->corpus, .row = rows};
	b->set = (core_set){.spec = &b->variant.corpus};
	b->study = (core_study){.config = &b->config,
		.n_sets = 1,
		.n_folds = 1,
		.set = &b->set,
		.fold = &b->fold,
		.n_runs = 1,
		.run = &b->run};
	b->runner = (core_run_data){.study = &b->study,
		.run = &b->run,
		.variant = &b->variant,
		.corpus = &b->corpus,
		.rows = {.n = {5, 2, 3}, .row = {train_row, dev_row, test_row}},
		.groups = {.groups = 2, .name = groups, .id = {train_id, dev_id, test_id}}};
}

static void is_share(const core_share *s, int64_t correct, int64_t known)
{
	assert_int_equal(s->correct, correct);
	assert_int_equal(s->known, known);
}

static void is_agreement(
	const core_agreement *a, int64_t correct, int64_t known, int64_t no_group, int64_t no_value)
{
	assert_int_equal(a->n, known);
	assert_int_equal(a->correct, correct);
	assert_int_equal(a->unknown_inferred, no_group);
	assert_int_equal(a->unknown_true, no_value);
	if (correct >= 0)
		test_close(a->accuracy, (double)correct / (double)known, 1e-15);
	else
		assert_true(isnan(a->accuracy));
}

static void check_gender(const core_group_truth *t)
{
	assert_string_equal(t->name, "gender");
	assert_true(t->named);
	is_agreement(&t->part[CORE_TRAIN], 2, 3, 1, 1);
	is_agreement(&t->part[CORE_DEV], 1, 2, 0, 0);
	is_agreement(&t->part[CORE_TEST], 1, 2, 1, 0);
	is_agreement(&t->part[CORE_PART_ALL], 4, 7, 2, 1);
	test_close(t->part[CORE_TRAIN].purity, 2 / 3.0, 1e-15);
	test_close(t->part[CORE_PART_ALL].purity, 4 / 7.0, 1e-15);
	is_share(&t->by_class[CORE_TRAIN][0], 1, 2);    /* rows 0, 1 */
	is_share(&t->by_class[CORE_TRAIN][1], 1, 1);    /* row 2 */
	is_share(&t->by_class[CORE_PART_ALL][0], 1, 3); /* 0, 1, 6 */
	is_share(&t->by_class[CORE_PART_ALL][1], 3, 4); /* 2, 5, 8, 9 */
}

static void check_lengths(const core_group_report *r, const core_group_truth *t)
{
	assert_true(r->has_lengths);
	assert_int_equal(r->no_length[CORE_PART_ALL], 1); /* row 9 */
	assert_int_equal(r->no_length[CORE_TRAIN], 0);
	const core_share *bin = t->by_length[CORE_PART_ALL];
	is_share(&bin[0], 1, 1); /* row 0 */
	is_share(&bin[1], 1, 2); /* 1, 2 */
	is_share(&bin[2], 0, 0); /* 3 has no group */
	is_share(&bin[3], 1, 1); /* 5; 4 has no gender */
	is_share(&bin[4], 0, 1); /* 6 */
	is_share(&bin[5], 1, 1); /* 8; 7 has no group */
	is_share(&t->by_length[CORE_TEST][5], 1, 1);
	is_share(&t->by_length[CORE_TEST][0], 0, 0);
}

static void test_counts(void **unused)
{
	(void)unused;
	struct bench b = {.ctx = test_ctx()};
	set_up(&b, write_recordings(b.ctx));
	core_group_report r;
	test_ok(b.ctx, core_group_report_make(b.ctx, &b.runner, &r));
	assert_int_equal(r.n_attributes, 2);
	check_gender(&r.truth[0]);
	check_lengths(&r, &r.truth[0]);
	assert_false(r.truth[1].named);
	is_agreement(&r.truth[1].part[CORE_PART_ALL], -1, 6, 2, 2); /* 4 and 8 are C */
	assert_string_equal(r.truth[2].name, "class");
	is_agreement(&r.truth[2].part[CORE_PART_ALL], -1, 8, 2, 0);
	assert_string_equal(r.truth[3].name, "speaker");
	is_agreement(&r.truth[3].part[CORE_TRAIN], -1, 4, 1, 0);
	test_close(r.truth[3].part[CORE_TRAIN].purity, 3 / 4.0, 1e-15);
	static const int64_t n[] = {5, 2, 3, 10}, unknown[] = {1, 0, 1, 2}, male[] = {2, 1, 1, 4};
	for (int part = 0; part < CORE_PARTS; part++) {
		assert_int_equal(r.n[part], n[part]);
		assert_int_equal(r.unknown[part], unknown[part]);
		assert_int_equal(r.size[part][1], male[part]);
		assert_int_equal(r.size[part][0] + r.size[part][1] + unknown[part], n[part]);
		assert_true(isnan(r.largest[part]));
	}
	core_ctx_free(b.ctx);
}

/* The same with memberships, and as JSON. */
static void test_json_report(void **unused)
{
	(void)unused;
	static float train[] = {1, 0, 0.75f, 0.25f, 0.5f, 0.5f, 0, 0, 0.25f, 0.75f};
	static float dev[] = {0, 1, 0.5f, 0}, test[] = {0.125f, 0, 1, 0, 0, 1};
	struct bench b = {.ctx = test_ctx()};
	set_up(&b, NULL);
	float *member[] = {train, dev, test};
	memcpy(b.runner.groups.member, member, sizeof member);
	core_group_report r;
	core_text text = {0};
	test_ok(b.ctx, core_group_report_make(b.ctx, &b.runner, &r));
	test_close(r.largest[CORE_TRAIN], 0.6, 1e-15);
	test_close(r.largest[CORE_DEV], 0.75, 1e-15);
	test_close(r.largest[CORE_PART_ALL], (3 + 1.5 + 2.125) / 10, 1e-15);
	test_ok(b.ctx, core_group_report_write_json(b.ctx, &r, &text));
	json_t *root = json_loads(text.data, 0, NULL);
	assert_non_null(root);
	int version, fold, known, correct, n, males, angry_known, angry_correct, soft;
	double accuracy, largest;
	assert_int_equal(json_unpack(root,
				 "{s:i, s:i, s:b, s:{s:{s:i, s:{s:i}, s:f, s:{s:{s:i, s:i, s:f, "
				 "s:{s:{s:i, s:i}}}}}}}",
				 "schema_version", &version, "fold", &fold, "soft", &soft, "splits",
				 "all", "n", &n, "sizes", "male", &males, "largest_membership",
				 &largest, "attributes", "gender", "known", &known, "correct",
				 &correct, "accuracy", &accuracy, "by_class", "angry", "known",
				 &angry_known, "correct", &angry_correct),
		0);
	assert_true(version == 1 && fold == 3 && soft && n == 10 && males == 4);
	assert_true(known == 7 && correct == 4 && angry_known == 4 && angry_correct == 3);
	test_close(accuracy, 4 / 7.0, 1e-15);
	test_close(largest, 0.6625, 1e-15);
	const json_t *all = json_object_get(json_object_get(root, "splits"), "all");
	const json_t *race_json = json_object_get(json_object_get(all, "attributes"), "race");
	assert_true(json_is_null(json_object_get(race_json, "accuracy")));
	assert_null(json_object_get(race_json, "by_class"));
	assert_null(json_object_get(json_object_get(json_object_get(all, "attributes"), "gender"),
		"by_length")); /* no audio folder */
	assert_null(json_object_get(root, "stability"));
	json_decref(root);
	core_text_free(&text);
	core_ctx_free(b.ctx);
}

/* Clusters have no accuracy, even if speakers have the same numbers as names. If two
 * recordings have one name, its length is not known. */
static void test_odd_cases(void **unused)
{
	(void)unused;
	static const char *numbers[] = {"2", "1"};
	struct bench b = {.ctx = test_ctx()};
	const char *folder = write_recordings(b.ctx);
	set_up(&b, folder);
	b.runner.groups.name = numbers;
	core_group_report r;
	core_text text = {0};
	core_document *document = core_document_new(b.ctx);
	test_ok(b.ctx, core_group_report_make(b.ctx, &b.runner, &r));
	for (int t = 0; t < 4; t++)
		assert_false(r.truth[t].named);
	is_agreement(&r.truth[0].part[CORE_PART_ALL], -1, 7, 2, 1);
	is_agreement(&r.truth[3].part[CORE_PART_ALL], -1, 8, 2, 0);
	test_ok(b.ctx, core_group_tables(b.ctx, &r, document));
	test_ok(b.ctx, core_document_write(b.ctx, document, CORE_TABLE_TEXT, &text));
	assert_non_null(strstr(text.data, "attribute"));
	assert_null(strstr(text.data, "accuracy for"));
	core_document_free(document);
	core_text_free(&text);
	const char *twin = core_format(b.ctx, "%s/r3.flac", folder);
	test_ok(b.ctx, core_file_write(b.ctx, twin, "x", 1));
	int64_t without = r.no_length[CORE_PART_ALL];
	test_ok(b.ctx, core_group_report_make(b.ctx, &b.runner, &r));
	assert_int_equal(r.no_length[CORE_PART_ALL], without + 1);
	core_ctx_free(b.ctx);
}

static void test_seconds(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *folder = write_recordings(ctx);
	double got;
	test_ok(ctx, core_audio_seconds(ctx, core_format(ctx, "%s/r2.wav", folder), &got));
	test_close(got, 1.999, 1e-12);
	test_fails(ctx, core_audio_seconds(ctx, folder, &got), FV_DATA, "not a regular file");
	const char *text = core_format(ctx, "%s/text.wav", folder);
	test_ok(ctx, core_file_write(ctx, text, "no audio", 8));
	test_fails(ctx, core_audio_seconds(ctx, text, &got), FV_DATA, "text.wav");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_json_report),
		cmocka_unit_test(test_odd_cases),
		cmocka_unit_test(test_seconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
