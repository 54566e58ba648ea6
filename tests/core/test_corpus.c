/* SPDX-License-Identifier: Apache-2.0 */
/* Label files: unedited ones of real corpora, with counts checked independently, and every
 * error. */
#include "corpus.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "config/yaml.h"

/* --- real files --- */

/* Counts lines by their last fields without the CSV reader: the last is the split, the one
 * before it the gender. */
static int64_t count_lines(const char *text, const char *split, const char *gender)
{
	int64_t n = 0;
	char want[64];
	snprintf(want, sizeof want, ",%s,%s", gender, split);
	for (const char *line = strchr(text, '\n'); line && line[1];) {
		const char *end = strchr(line + 1, '\n');
		const char *last = end ? end : line + 1 + strlen(line + 1);
		if (last[-1] == '\r')
			last--;
		size_t m = strlen(want);
		n += (size_t)(last - line) > m && !memcmp(last - m, want, m);
		line = end;
	}
	return n;
}

static void check_counts(fv_ctx *ctx, const core_corpus *c)
{
	static const char *const words[] = {"Train", "Development", "Test"};
	const core_attribute *gender = core_corpus_attribute(c, "gender");
	char *text;
	size_t size;
	test_ok(ctx, core_file_read(ctx, c->labels, 0, &text, &size));
	assert_non_null(gender);
	assert_int_equal(gender->n_values, 2);
	assert_string_equal(gender->value[0], "Female");
	for (int split = 0; split < CORE_SPLITS; split++) {
		for (int32_t v = 0; v < gender->n_values; v++) {
			int64_t n = 0;
			for (int32_t i = 0; i < c->n; i++)
				n += c->split[i] == split && gender->id[i] == v;
			assert_int_equal(n, count_lines(text, words[split], gender->value[v]));
			assert_true(n > 0);
		}
	}
	for (int32_t i = 1; i < c->n; i++)
		assert_true(strcmp(c->stem[i - 1], c->stem[i]) < 0);
}

static const char *session_and_gender[] = {"SpkrID", "Gender"};

static void real_files_have_expected_counts(void **state)
{
	(void)state;
	const struct {
		const char *labels;
		int32_t n, classes, speakers;
		const char *first, *last; /* class */
		bool by_session;
	} cases[] = {
		{"corpora/cremad/labels_consensus_1.csv", 7442, 6, 91, "angry", "happy", false},
		{"corpora/ravdess/labels_consensus_2.csv", 1440, 8, 24, "neutral", "surprised",
			false},
		{"corpora/emosuperb/IEMOCAP_Secondary/labels_consensus_2.csv", 10039, 9, 10,
			"frustrated", "happy", true},
		{"corpora/emosuperb/IMPROV_Primary/labels_consensus_1.csv", 8385, 4, 12, "angry",
			"happy", true},
		{"corpora/emosuperb/NNIME_Secondary/labels_consensus_3.csv", 5028, 11, 43, "angry",
			"joy", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_corpus_spec spec = {.labels = test_shared(cases[i].labels)};
		if (cases[i].by_session)
			spec.speaker_key = (core_strings){2, session_and_gender};
		core_corpus *c = test_corpus_read(ctx, &spec, 1);
		assert_int_equal(c->n, cases[i].n);
		assert_int_equal(c->classes, cases[i].classes);
		assert_int_equal(c->n_speakers, cases[i].speakers);
		assert_string_equal(c->class_name[0], cases[i].first);
		assert_string_equal(c->class_name[c->classes - 1], cases[i].last);
		check_counts(ctx, c);
		core_ctx_free(ctx);
	}
}

/* Without speaker_key each of the five sessions has two genders, which gives five errors. */
static void sessions_are_not_speakers(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {
		.labels =
			test_shared("corpora/emosuperb/IEMOCAP_Secondary/labels_consensus_2.csv")};
	core_corpus *c;
	fv_status status = core_corpus_read(ctx, &spec, 0, &c);
	assert_int_equal(core_error_count(ctx), 5);
	test_fails(ctx, status, FV_DATA, "has two values of gender");
	spec.speaker_key = (core_strings){2, session_and_gender};
	c = test_corpus_read(ctx, &spec, 0);
	assert_string_equal(c->speaker_name[0], "01+Female");
	core_ctx_free(ctx);
}

/* --- rules of the reader --- */

#define HEAD "FileName,a,b,SpkrID,Gender,Split_Set\n"
#define REST "d,0.5,0.5,s2,F,Development\nt,0.5,0.5,s3,M,Test\n"

static void values_are_kept(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {0};
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0,
		"\xef\xbb\xbf" HEAD "x/zz.WAV,0.25,0.75,007,,train\r\n"
		"\"b,1.flac\",0.4985,0.5015,7,\"F\"\"\",Train\r\n" REST);
	assert_int_equal(c->n, 4);
	int32_t z = test_find_stem(c, "zz"), b = test_find_stem(c, "b,1");
	assert_true(b < z);
	assert_string_equal(c->file[z], "x/zz.WAV");
	assert_int_equal(c->line[z], 2);
	assert_int_equal(c->file_order[z], 0);
	assert_string_equal(c->speaker_name[c->speaker[z]], "007");
	assert_string_equal(c->speaker_name[c->speaker[b]], "7");
	assert_int_equal(c->n_speakers, 4);
	const core_attribute *gender = core_corpus_attribute(c, "gender");
	assert_int_equal(gender->id[z], -1);
	assert_string_equal(gender->value[gender->id[b]], "F\"");
	assert_true(c->label[2 * z] == 0.25f && c->label[2 * b + 1] == 0.5015f);
	assert_int_equal(c->klass[z], 1);
	assert_int_equal(c->strict[b], 1);
	assert_int_equal(c->strict[test_find_stem(c, "d")], -1);
	assert_int_equal(c->klass[test_find_stem(c, "d")], 0);
	core_ctx_free(ctx);
}

static void bad_files_are_rejected(void **state)
{
	(void)state;
	const struct {
		const char *text, *message;
		size_t errors;
	} cases[] = {
		{HEAD "x,0.5,0.5,s1,F,Train\nx.wav,1,0,s1,F,Train\n" REST,
			"csv:3: 'x' appears twice, first on line 2", 1},
		{HEAD "x,0.5,0.5,s1,F,Train\ny,inf,-0.1,s1,F,Train\nz,0.5,0.51,s1,F,Train\n" REST,
			"csv:3: a is 'inf', not a finite number", 3},
		{HEAD "x,0.5,0.4949,s1,F,Train\n" REST, "csv:2: labels sum to 0.9949, not 1", 1},
		{HEAD "x,0.5,0.5,s1,F,Trian\n" REST,
			"csv:2: Split_Set: 'Trian' is not Train, Development or Test", 1},
		{HEAD "x,0.5,0.5,s2,F,Train\ny,0.5,0.5,s3,M,Train\n" REST,
			"csv:4: speaker 's2' is in dev here and in train on line 2", 2},
		{HEAD "x,0.5,0.5,s1,F,Train\ny,0.5,0.5,s1,M,Train\n" REST,
			"csv:3: speaker 's1' has two values of gender: M here, F on line 2", 1},
		{HEAD "x,0.5,0.5,s1,F,Train\nd,0.5,0.5,s2,F,Development\n",
			"no utterance in split test", 1},
		{HEAD ",0.5,0.5,s1,F,Train\n" REST, "csv:2: no file name", 1},
		{HEAD "x,0.5,0.5,s1,F\n" REST, "csv:2: 5 fields, the header has 6", 1},
		{"FileName,a,b,Person,Gender,Split_Set\nx,1,0,s,F,Train\n",
			"csv:1: no column 'SpkrID' or 'speaker'", 1},
		{"Title,a,b,SpkrID,Gender,Split_Set\nx,1,0,s,F,Train\n",
			"csv:1: no column 'FileName' or 'file'", 1},
		{"FileName,a,b,SpkrID,Gender\nx,1,0,s,F\n",
			"csv:1: no column 'Split_Set' or 'split'", 1},
		{"FileName,a,SpkrID,Gender,Split_Set\nx,1,s,F,Train\n", "1 class, needs", 1},
		{"FileName,EmoClass,a,b,SpkrID,Split_Set\nx,A,1,0,s,Train\n",
			"csv:2: column 'EmoClass' holds 'A'", 1},
		{"FileName,a,b,valence,SpkrID,Split_Set\nx,1,0,3.5,s,Train\nd,1,0,2,t,Dev\nt,1,0,2,"
		 "u,"
		 "Test\n",
			"csv:2: valence is '3.5', no probability (0 to 1): a count or a score? "
			"(all "
			"columns between",
			3},
		{HEAD, "0 rows", 1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_corpus_spec spec = {.labels = test_corpus_write(ctx, "l.csv", cases[i].text)};
		core_corpus *c;
		fv_status status = core_corpus_read(ctx, &spec, 0, &c);
		assert_int_equal(core_error_count(ctx), cases[i].errors);
		test_fails(ctx, status, FV_DATA, cases[i].message);
		core_ctx_free(ctx);
	}
}

/* A sum may be off by 0.005, not more. */
static void sum_tolerance_is_kept(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {0};
	core_corpus *c =
		test_corpus_read_text(ctx, &spec, 0, HEAD "x,0.5,0.5049,s1,F,Train\n" REST);
	assert_int_equal(c->n, 3);
	spec.labels = test_corpus_write(ctx, "l.csv", HEAD "x,0.5,0.5051,s1,F,Train\n" REST);
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_DATA, "labels sum to 1.0051");
	core_ctx_free(ctx);
}

static void settings_are_checked(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const char text[] = "labels: l.csv\nexclude: [dd, xx]\n";
	core_yaml *block;
	test_ok(ctx, core_yaml_parse(ctx, "c.yaml", text, sizeof text - 1, &block));
	core_corpus_spec spec = {.block = block, .shared_speakers = true};
	core_corpus *c = test_corpus_read_text(
		ctx, &spec, 0, HEAD "x,0.5,0.5,s2,F,Train\nq,1,0,s2,F,Train\n" REST);
	assert_int_equal(c->n_speakers, 2);
	static const char *good[] = {"x.wav", "x"}, *bad[] = {"xx", "dd"};
	spec.exclude = (core_strings){2, good};
	c = test_corpus_read(ctx, &spec, 0);
	assert_int_equal(c->n, 3);
	assert_int_equal(c->file_order[test_find_stem(c, "q")], 1);
	spec.exclude = (core_strings){2, bad};
	fv_status status = core_corpus_read(ctx, &spec, 0, &c);
	assert_int_equal(core_error_count(ctx), 2);
	test_fails(ctx, status, FV_CONFIG, "c.yaml:2:15: corpus.exclude: 'xx' is not in ");
	spec.exclude.n = 0;
	/* given classes select and order the columns; a missing column is an error */
	static const char *classes[] = {"b", "a"}, *typo[] = {"a", "c"};
	spec.classes = (core_strings){2, classes};
	c = test_corpus_read(ctx, &spec, 0);
	assert_string_equal(c->class_name[0], "b");
	assert_true(c->label[2 * test_find_stem(c, "q") + 1] == 1.0f);
	spec.classes.item = typo;
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_CONFIG, "has no column 'c'");
	spec.classes.n = 0;
	spec.column_speaker = "spkrid";
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_CONFIG, "corpus.columns.speaker: ");
	core_ctx_free(ctx);
}

/* --- one label per row --- */

static void one_label_per_row(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {.label_column = "emotion", .label_smoothing = 0.05};
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0,
		"file,emotion,speaker,gender,split\nx.wav,sad,1,f,train\n"
		"y.wav,anger,2,m,dev\nz.wav,fear,3,m,test\n");
	assert_int_equal(c->classes, 3);
	assert_string_equal(c->class_name[0], "anger");
	assert_string_equal(c->class_name[2], "sad");
	const float *y = c->label + 3 * test_find_stem(c, "x");
	test_close(y[2], 0.95 + 0.05 / 3, 1e-7);
	test_close(y[0], 0.05 / 3, 1e-9);
	assert_int_equal(c->strict[test_find_stem(c, "x")], 2);
	static const char *classes[] = {"sad", "angry", "fear"};
	spec.classes = (core_strings){3, classes};
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_DATA,
		"csv:3: label 'anger' is not one of corpus.classes, did you mean 'angry'?");
	spec.classes.n = 0;
	c = test_corpus_read_text(ctx, &spec, 0,
		"file,emotion,speaker,gender,split\nw.wav,sad,1,f,train\nx.wav,,1,f,train\n"
		"v.wav,NaN,1,f,train\ny.wav,sad,2,m,dev\nz.wav,fear,3,m,test\n");
	assert_int_equal(c->n, 3);
	assert_int_equal(c->classes, 2);
	assert_int_equal(c->n_left_out, 1);
	assert_int_equal(c->left_out[0].n, 2);
	assert_string_equal(c->left_out[0].why, "without a class");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_files_have_expected_counts),
		cmocka_unit_test(sessions_are_not_speakers),
		cmocka_unit_test(values_are_kept),
		cmocka_unit_test(bad_files_are_rejected),
		cmocka_unit_test(sum_tolerance_is_kept),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(one_label_per_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
