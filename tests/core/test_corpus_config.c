/* SPDX-License-Identifier: Apache-2.0 */
/* The corpus block: long and short spellings resolve to the same, conflicts name both, and maps
 * merge key by key. */
#include "corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "corpus/audio.h"
#include "corpus/corpus.h"
#include "registry.h"

#define REST "encoder: {name: waves}\nloss: {name: plain}\n"

static void write_config(const char *path, const char *corpus)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	fprintf(file, "%s%s", corpus, REST);
	assert_int_equal(fclose(file), 0);
}

/* `overrides`: NULL-terminated. */
static fv_status load(fv_ctx *ctx, const char *path, char *const *overrides, core_config **out)
{
	size_t n = 0;
	while (overrides && overrides[n])
		n++;
	return core_config_load(ctx, test_registry(), path, overrides, n, CORE_NEED_RUN, out);
}

static const core_variant *load_text(fv_ctx *ctx, const char *corpus, char *const *overrides)
{
	core_config *config;
	write_config("a.yaml", corpus);
	test_ok(ctx, load(ctx, "a.yaml", overrides, &config));
	assert_int_equal(config->n_variants, 1);
	return &config->variants[0];
}

static int open_folder(void **state)
{
	(void)state;
	return chdir(test_folder("corpus_config"));
}

static void spellings_are_one(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{"corpus: {labels: l.csv, label_column: emo}\n",
			"corpus: {labels: [l.csv], columns: {emotion: emo}}\n"},
		{"corpus: {labels: l.csv, speaker_key: [a, b]}\n",
			"corpus: {labels: l.csv, columns: {speaker: [a, b]}}\n"},
		{"corpus: {labels: l.csv, speaker_key: [a]}\n",
			"corpus: {labels: l.csv, columns: {speaker: a}}\n"},
		{"corpus: {labels: l.csv, make_folds: 5, make_folds_seed: 3}\n",
			"corpus: {labels: l.csv, folds: {make: 5, seed: 3}}\n"},
		{"corpus: {labels: l.csv, make_folds: 5, folds: [1, 2]}\n",
			"corpus: {labels: l.csv, folds: {make: 5, use: [1, 2]}}\n"},
		{"corpus: {labels: l.csv, fold_by: session}\n",
			"corpus: {labels: l.csv, folds: {by: session}}\n"},
		{"corpus: {labels: l.csv, attributes: {columns: {race: Race}}}\n",
			"corpus: {labels: l.csv, columns: {race: [Race]}}\n"},
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		fv_ctx *ctx = test_ctx();
		const core_variant *a = load_text(ctx, pairs[i][0], NULL);
		const core_variant *b = load_text(ctx, pairs[i][1], NULL);
		assert_string_equal(a->key, b->key);
		assert_string_equal(a->corpus.key, b->corpus.key);
		assert_string_equal(a->yaml, b->yaml);
		core_ctx_free(ctx);
	}
}

static void second_spellings_are_refused(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"corpus: {labels: l, label_column: a, columns: {emotion: b}}\n",
			"a.yaml:1:48: corpus.columns.emotion and corpus.label_column say the same"},
		{"corpus: {labels: l, make_folds: 4, folds: {make: 5}}\n",
			"corpus.folds.make and corpus.make_folds say the same"},
		{"corpus: {labels: l, speaker_key: [a, b], columns: {speaker: [a, b]}}\n",
			"corpus.columns.speaker and corpus.speaker_key say the same"},
		{"corpus: {labels: l, speaker: none, columns: {speaker: a}}\n",
			"corpus.columns.speaker has no effect with corpus.speaker: none"},
		{"corpus: {labels: l, votes: {file: v, emotion: e}, label_column: a}\n",
			"corpus.label_column has no effect with corpus.votes"},
		{"corpus: {labels: {train: a, test: b}, columns: {split: s}}\n",
			"corpus.columns.split has no effect: corpus.labels gives the splits"},
		{"corpus: {labels: l, columns: {start: [a, b]}}\n",
			"corpus.columns.start: one column is needed, not a list"},
		{"corpus: {labels: l, folds: {bye: session}}\n",
			"unknown key 'bye' in corpus.folds, did you mean 'by'?"},
		{"corpus: {labels: 'l{fold}', folds: {by: session}}\n",
			"corpus.folds.by: the label files of {fold} already contain splits"},
		{"corpus: {labels: l, folds: {by: session, use: [0]}}\n",
			"corpus.folds: the folds of a column are numbered from 1"},
		{"corpus: {columns: {file: f}}\n", "a.yaml:1:9: corpus.labels is missing"},
		{"corpus: {labels: l, dev: {share: 0}}\n",
			"corpus.dev.share: 0 is out of range, above 0 and at most 0.9"},
		{"corpus: {labels: l, where: {duration: [2, 1]}}\n",
			"corpus.where.duration: 2 is above 1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_config *config;
		write_config("a.yaml", cases[i][0]);
		test_fails(ctx, load(ctx, "a.yaml", NULL, &config), FV_CONFIG, cases[i][1]);
		core_ctx_free(ctx);
	}
}

static void values_reach_the_spec(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const core_corpus_spec *s = &load_text(ctx,
		"corpus:\n  labels: {train: [a, b], wild: c}\n"
		"  columns: {file: '{split}/{n}', gender: sex, age: Age, home: [town, accent]}\n"
		"  dev: {share: 0.1}\n  map: {exc: hap, fru: null, sur: 'null'}\n"
		"  splits: {wild: null, train: train}\n  missing: [x, '?']\n"
		"  where: {duration: [0.5, 20], session: ['1', '5'], gender: Female}\n"
		"  votes: {file: v.csv, emotion: e}\n",
		NULL)
					     ->corpus;
	assert_int_equal(s->n_label_source, 3);
	assert_string_equal(s->label_source[1].split, "train");
	assert_string_equal(s->label_source[2].split, "wild");
	assert_string_equal(s->column_file, "{split}/{n}");
	assert_string_equal(s->column_gender, "sex");
	assert_int_equal(s->n_label_attributes, 2);
	assert_string_equal(s->label_attributes[1].name, "home");
	assert_int_equal(s->label_attributes[1].columns.n, 2);
	test_close(s->dev_share, 0.1, 1e-12);
	assert_int_equal(s->n_map, 3);
	assert_null(s->map[1].column);
	assert_string_equal(s->map[2].column, "null");
	assert_null(s->splits[0].column);
	assert_int_equal(s->missing.n, 2);
	assert_true(s->where[0].range && s->where[0].low == 0.5 && s->where[0].high == 20);
	assert_true(!s->where[1].range && s->where[1].values.n == 2);
	assert_int_equal(s->where[2].values.n, 1);
	assert_true(s->has_label_smoothing && s->label_smoothing == 0.05);
	core_ctx_free(ctx);
}

/* The resolved text is a configuration of the same variant. */
static void resolved_text_reads_back(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const core_variant *a = load_text(ctx,
		"corpus:\n  labels: {train: [a, b], dev: c}\n  columns: {speaker: [x, y], age: "
		"Age}\n"
		"  map: {exc: hap, fru: null}\n  folds: {make: 3, by: z, use: [2]}\n"
		"  where: {duration: [0.5, 20], session: ['1', '5']}\n",
		NULL);
	FILE *file = fopen("b.yaml", "wb");
	assert_non_null(file);
	fputs(a->yaml, file);
	assert_int_equal(fclose(file), 0);
	core_config *config;
	test_ok(ctx, load(ctx, "b.yaml", NULL, &config));
	assert_string_equal(config->variants[0].corpus.key, a->corpus.key);
	assert_string_equal(config->variants[0].yaml, a->yaml);
	core_ctx_free(ctx);
}

static void maps_merge_by_key(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	write_config("base.yaml", "corpus: {labels: l, map: {a: b, c: null}, folds: {by: session}, "
				  "columns: {speaker: s}, where: {gender: [F], snr: [1, 2]}}\n");
	char map[] = "corpus.map.a=d", range[] = "corpus.where.snr=[3,4]",
	     folds[] = "corpus.folds=1,2", speaker[] = "corpus.columns.speaker=[s,t]";
	char *const overrides[] = {map, range, folds, speaker, NULL};
	FILE *file = fopen("over.yaml", "wb");
	assert_non_null(file);
	fputs("defaults: [base.yaml]\ncorpus: {map: {e: f}}\n", file);
	assert_int_equal(fclose(file), 0);
	core_config *config;
	test_ok(ctx, load(ctx, "over.yaml", overrides, &config));
	assert_int_equal(config->n_variants, 1);
	const core_corpus_spec *s = &config->variants[0].corpus;
	assert_int_equal(s->n_map, 3);
	assert_string_equal(s->map[0].column, "d");
	assert_null(s->map[1].column);
	assert_string_equal(s->map[2].column, "f");
	assert_true(s->where[1].low == 3 && s->where[1].high == 4);
	assert_string_equal(s->fold_by, "session");
	assert_int_equal(s->n_folds, 2);
	assert_int_equal(s->speaker_key.n, 2);
	core_ctx_free(ctx);
}

/* --- faults that the corpus finds ------------------------------------------------------------- */

static const char labels[] = "FileName,Emotion,SpkrID,Gender,Split_Set\n"
			     "a1,happy,1,Female,Train\n"
			     "a2,sad,1,Female,Train\n"
			     "b1,happy,2,Male,Development\n"
			     "b2,sad,2,Male,Development\n"
			     "c1,happy,3,Female,Test\n"
			     "c2,sad,3,Female,Test\n";

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* Reads the corpus of the only variant, and its rows after the bias. */
static fv_status read_corpus(fv_ctx *ctx, const char *text, char *const *overrides)
{
	const core_variant *variant = load_text(ctx, text, overrides);
	core_corpus_spec spec = variant->corpus;
	core_corpus *corpus;
	core_audio_index *index;
	core_rows rows;
	fv_status status = core_corpus_list_folds(ctx, &spec);
	for (int32_t f = 0; f < spec.n_folds && !status; f++)
		status = core_corpus_read(ctx, &spec, spec.folds[f], &corpus);
	if (!status)
		status = core_bias_rows(ctx, corpus, &variant->bias, 1, 0, &rows);
	return status || !spec.audio ? status : core_corpus_open_audio(ctx, &spec, &index);
}

struct fault {
	const char *text;
	fv_status status;
	const char *message; /* from its start */
};

#define CORPUS "corpus:\n  labels: l.csv\n"
#define BIAS CORPUS "bias:\n  minority_ratio: 2\n"

static const struct fault faults[] = {
	{"corpus:\n  labels: m.csv\n", FV_DATA,
		"a.yaml:2:11: corpus.labels: m.csv: No such file or directory"},
	{"corpus:\n  labels: 'm*.csv'\n", FV_CONFIG,
		"a.yaml:2:11: corpus.labels: no file matches 'm*.csv'"},
	{"corpus:\n  labels:\n    train: l.csv\n    test: [l.csv, m.csv]\n", FV_DATA,
		"a.yaml:4:19: corpus.labels: m.csv: No such file or directory"},
	{"corpus:\n  labels: 'm{fold}.csv'\n  folds: [1, 2]\n", FV_DATA,
		"a.yaml:2:11: corpus.labels: m1.csv: No such file or directory"},
	{"corpus:\n  labels: 'l{fold}.csv'\n  folds: [1, 7]\n", FV_DATA,
		"a.yaml:3:14: corpus.folds: fold 7 has no label file: l7.csv: No such file or "
		"directory"},
	{CORPUS "  audio: nowhere\n", FV_DATA,
		"a.yaml:3:10: corpus.audio: nowhere: no such folder"},
	{CORPUS "  audio: l.csv\n", FV_DATA, "a.yaml:3:10: corpus.audio: l.csv: not a folder"},
	{CORPUS "  attributes:\n    file: m.csv\n    columns: {race: Race}\n", FV_DATA,
		"a.yaml:4:11: corpus.attributes.file: m.csv: No such file or directory"},
	{CORPUS "  attributes:\n    file: p.csv\n    columns:\n      race: Rase\n", FV_CONFIG,
		"a.yaml:6:13: corpus.attributes.columns.race: p.csv has no column 'Rase', did you "
		"mean 'Race'?"},
	{CORPUS "  attributes: {file: p.csv, columns: {race: Rase}}\n  where: {race: [A]}\n",
		FV_CONFIG,
		"a.yaml:3:45: corpus.attributes.columns.race: p.csv has no column 'Rase'"},
	{CORPUS "  attributes: {file: p.csv, speaker: SpkrI, columns: {race: Race}}\n", FV_CONFIG,
		"a.yaml:3:38: corpus.attributes.speaker: p.csv has no column 'SpkrI', did you mean "
		"'SpkrID'?"},
	{CORPUS "  columns: {race: Gender}\n  attributes: {file: p.csv, columns: {race: Race}}\n",
		FV_CONFIG,
		"a.yaml:4:39: attribute 'race' is both in corpus.columns and in corpus.attributes"},
	{"corpus:\n  votes:\n    file: m.csv\n    emotion: Emotion\n", FV_DATA,
		"a.yaml:3:11: corpus.votes.file: m.csv: No such file or directory"},
	{"corpus:\n  votes:\n    file: l.csv\n    emotion: Emotio\n", FV_CONFIG,
		"a.yaml:4:14: corpus.votes.emotion: l.csv has no column 'Emotio', did you mean "
		"'Emotion'?"},
	{CORPUS "  columns:\n    speaker: SpkrI\n", FV_CONFIG,
		"a.yaml:4:14: corpus.columns.speaker: l.csv has no column 'SpkrI', did you mean "
		"'SpkrID'?"},
	{CORPUS "  columns:\n    home: [Gender, Gende]\n", FV_CONFIG,
		"a.yaml:4:20: corpus.columns.home: l.csv has no column 'Gende', did you mean "
		"'Gender'?"},
	{CORPUS "  columns: {sex: [Gender, Gende]}\n  where: {sex: [x]}\n", FV_CONFIG,
		"a.yaml:3:27: corpus.columns.sex: l.csv has no column 'Gende'"},
	{CORPUS "  columns:\n    file: '{FileNam}.wav'\n", FV_CONFIG,
		"a.yaml:4:11: corpus.columns.file: l.csv has no column 'FileNam', did you mean "
		"'FileName'?"},
	{CORPUS "  label_column: Emotio\n", FV_CONFIG,
		"a.yaml:3:17: corpus.label_column: l.csv has no column 'Emotio', did you mean "
		"'Emotion'?"},
	{CORPUS "  speaker_key: [SpkrID, Gende]\n", FV_CONFIG,
		"a.yaml:3:25: corpus.speaker_key: l.csv has no column 'Gende', did you mean "
		"'Gender'?"},
	{CORPUS "  where:\n    Gendr: Male\n", FV_CONFIG,
		"a.yaml:4:5: corpus.where: l.csv has no column 'Gendr', did you mean 'Gender'?"},
	{CORPUS "  where:\n    duration: [1, 2]\n", FV_CONFIG,
		"a.yaml:4:5: corpus.where.duration needs corpus.audio"},
	{CORPUS "  where:\n    duration: [a, b, c]\n", FV_CONFIG,
		"a.yaml:4:15: corpus.where.duration: write it as [low, high], in seconds"},
	{CORPUS "  where: {duration: [1, 2]}\n  audio: nowhere\n", FV_DATA,
		"a.yaml:4:10: corpus.audio: nowhere: no such folder"},
	{CORPUS "  exclude: [a1, a11]\n", FV_CONFIG,
		"a.yaml:3:17: corpus.exclude: 'a11' is not in l.csv"},
	{CORPUS "  values:\n    gender: [Male, Femal]\n", FV_CONFIG,
		"a.yaml:4:20: corpus.values.gender: no utterance has 'Femal', did you mean "
		"'Female'?"},
	{CORPUS "  bins:\n    gander: {Low: [1, 2]}\n", FV_CONFIG,
		"a.yaml:4:5: corpus.bins: there is no attribute 'gander', did you mean 'gender'?"},
	{CORPUS "  values: {gander: [Male]}\n", FV_CONFIG,
		"a.yaml:3:12: corpus.values: there is no attribute 'gander', did you mean "
		"'gender'?"},
	{CORPUS "  folds:\n    by: Gendr\n", FV_CONFIG,
		"a.yaml:4:9: corpus.folds.by: l.csv has no column 'Gendr', did you mean 'Gender'?"},
	{CORPUS "  folds: {by: SpkrID, use: [1, 4]}\n", FV_CONFIG,
		"a.yaml:3:32: fold 4: SpkrID makes folds 1 to 3"},
	{CORPUS "  folds: {by: Gender}\n", FV_DATA,
		"a.yaml:3:15: l.csv: Gender has 2 values, too few for folds"},
	{CORPUS "  make_folds: 2\n", FV_CONFIG, "a.yaml:3:15: corpus.make_folds: 2 is too few"},
	{CORPUS "  folds: {make: 9}\n", FV_DATA,
		"a.yaml:3:17: l.csv: 3 speakers are too few for corpus.make_folds: 9"},
	{"corpus:\n  labels: s.csv\n  dev: {share: 0.2}\n", FV_DATA,
		"a.yaml:3:16: s.csv: corpus.dev.share takes whole speakers, and train has 1"},
	{"corpus:\n  labels: soft.csv\n  label_smoothing: 0.1\n", FV_CONFIG,
		"a.yaml:3:20: corpus.label_smoothing has no effect"},
	{"corpus:\n  labels: .\n", FV_CONFIG, "a.yaml:2:11: corpus.labels: . is a folder"},
	{"corpus:\n  labels: .\n  columns:\n    file: '{a}{a}'\n", FV_CONFIG,
		"a.yaml:4:11: corpus.columns.file: '{a}' is no part of a name"},
	{BIAS "  majority:\n    hapy: Male\n", FV_CONFIG,
		"a.yaml:6:5: bias.majority: there is no class 'hapy', did you mean 'happy'?"},
	{BIAS "  majority:\n    happy: Mal\n    sad: none\n", FV_CONFIG,
		"a.yaml:6:12: bias.majority.happy: no utterance has gender 'Mal', did you mean "
		"'Male'?"},
	{BIAS "  majority: {happy: Male}\n", FV_CONFIG,
		"a.yaml:5:13: bias.majority: class 'sad' is missing"},
	{BIAS "  attribute: gander\n  majority: {happy: Male}\n", FV_CONFIG,
		"a.yaml:5:14: bias.attribute: there is no attribute 'gander', did you mean "
		"'gender'?"},
};

static void write_tables(void)
{
	write_text("l.csv", labels);
	write_text("l1.csv", labels);
	write_text("p.csv", "SpkrID,Race\n1,A\n2,B\n3,A\n");
	write_text("s.csv", "FileName,Emotion,SpkrID,Split_Set\na,x,1,Train\nb,y,2,Test\n");
	write_text("soft.csv", "FileName,x,y,SpkrID,Split_Set\na,0.5,0.5,1,Train\n"
			       "b,1,0,2,Development\nc,0,1,3,Test\n");
}

static void assert_starts(fv_ctx *ctx, const char *message)
{
	const char *line = core_error_line(ctx, 0);
	if (strncmp(line, message, strlen(message)) != 0)
		fail_msg("'%s' does not start with '%s'", line, message);
}

static void faults_of_the_corpus_have_a_place(void **state)
{
	(void)state;
	write_tables();
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		fv_ctx *ctx = test_ctx();
		assert_int_equal(read_corpus(ctx, faults[i].text, NULL), faults[i].status);
		assert_starts(ctx, faults[i].message);
		core_ctx_free(ctx);
	}
}

/* An override is named by its argument, also one of a key inside a block; the other keys of the block
 * keep their lines. */
static void overrides_are_named_by_their_argument(void **state)
{
	(void)state;
	static const char text[] = BIAS "  majority: {happy: Mal, sad: none}\n";
	char ratio[] = "bias.minority_ratio=3", value[] = "bias.majority.happy=Femal",
	     audio[] = "corpus.audio=nowhere", attribute[] = "bias.attribute=gander";
	static const char *const messages[] = {"a.yaml:5:21: bias.majority.happy: ",
		"command line: argument 2: bias.majority.happy: no utterance has gender 'Femal'",
		"command line: argument 2: bias.attribute: there is no attribute 'gander'"};
	char *const overrides[][3] = {
		{ratio, NULL}, {ratio, value, NULL}, {ratio, attribute, NULL}};
	write_tables();
	for (size_t i = 0; i < 3; i++) {
		fv_ctx *ctx = test_ctx();
		assert_int_equal(read_corpus(ctx, text, overrides[i]), FV_CONFIG);
		assert_starts(ctx, messages[i]);
		core_ctx_free(ctx);
	}
	fv_ctx *ctx = test_ctx();
	char *const missing[] = {audio, NULL};
	assert_int_equal(read_corpus(ctx, CORPUS, missing), FV_DATA);
	assert_starts(ctx, "command line: argument 1: corpus.audio: nowhere: no such folder");
	core_ctx_free(ctx);
}

static void warnings_of_the_corpus_have_a_place(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{CORPUS "  map:\n    hapy: joy\n",
			"a.yaml:4:5: corpus.map: l.csv has no class 'hapy', "
			"did you mean 'happy'?"},
		{CORPUS "  where:\n    Gender: [Male, Female, Mal]\n",
			"a.yaml:4:28: corpus.where.Gender: no row has 'Mal'"},
		{CORPUS "  splits: {Train: train, Development: dev, Test: test, Tes: null}\n",
			"a.yaml:3:56: corpus.splits: l.csv has no row of 'Tes'"},
	};
	write_tables();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char notes[TEST_NOTES] = "";
		fv_ctx *ctx = test_ctx();
		core_ctx_set_log(ctx, test_corpus_note, notes);
		test_ok(ctx, read_corpus(ctx, cases[i][0], NULL));
		if (strncmp(notes, cases[i][1], strlen(cases[i][1])) != 0)
			fail_msg("'%s' does not start with '%s'", notes, cases[i][1]);
		core_ctx_free(ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings_are_one),
		cmocka_unit_test(second_spellings_are_refused),
		cmocka_unit_test(values_reach_the_spec),
		cmocka_unit_test(resolved_text_reads_back),
		cmocka_unit_test(maps_merge_by_key),
		cmocka_unit_test(faults_of_the_corpus_have_a_place),
		cmocka_unit_test(overrides_are_named_by_their_argument),
		cmocka_unit_test(warnings_of_the_corpus_have_a_place),
	};
	return cmocka_run_group_tests(tests, open_folder, NULL);
}
