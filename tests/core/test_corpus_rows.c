/* SPDX-License-Identifier: Apache-2.0 */
/* Corpora as people have them: names of columns and rows, conditions and values. */
#include "corpus.h"

#include <math.h>
#include <string.h>

/* --- columns and names --- */

#define ONE "file,emotion,speaker,split\n"
#define REST "d,sad,2,dev\nt,joy,3,test\n"

static void usual_names_are_found_or_asked_for(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {0};
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0,
		"path,Emotion,Speaker,Sex,partition\na.wav,sad,1,f,train\nb,joy,2,m,dev\n"
		"c,sad,3,f,test\n");
	assert_int_equal(c->classes, 2);
	assert_string_equal(c->attribute[0].name, "gender");
	test_corpus_check_label(
		c, "a", (double[]){0.025, 0.975}); /* joy, sad; smoothed by the usual 0.05 */
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
		"file,path,emotion,speaker,split\na,a,sad,1,train\n",
		"l.csv:1: both 'file' and 'path' may be meant: choose one with "
		"corpus.columns.file");
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
		"file,emotion,label,speaker,split\na,sad,3,1,train\n",
		"both 'emotion' and 'label' may be meant: choose one with corpus.label_column");
	test_corpus_refuse_text(ctx, &spec, FV_DATA, "sep=;\nfile;emotion;split\na;sad;train\n",
		"l.csv:2: no column 'SpkrID' or 'speaker'"); /* the line of the header */
	spec.column_file = "path";
	c = test_corpus_read_text(ctx, &spec, 0,
		"file,path,emotion,speaker,split\nz,a,sad,1,train\nz,d,joy,2,dev\nz,t,sad,3,"
		"test\n");
	assert_string_equal(c->stem[0], "a");
	core_ctx_free(ctx);
}

static void templates_build_names(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_label_source source[] = {
		{"train", test_corpus_write(
				  ctx, "1.csv", "D,U,emotion,speaker\n0,1,sad,1\n0,2,joy,1\n")},
		{"dev", test_corpus_write(ctx, "2.csv", "D,U,emotion,speaker\n0,1,sad,2\n")},
		{"test", test_corpus_write(ctx, "3.csv", "D,U,emotion,speaker\n0,1,sad,3\n")}};
	core_corpus_spec spec = {.n_label_source = 3,
		.label_source = source,
		.column_file = "{split}/d{D}_u{U}.mp4"};
	core_corpus *c;
	test_ok(ctx, core_corpus_read(ctx, &spec, 0, &c));
	/* one name is in three folders, the other in one */
	assert_string_equal(
		test_corpus_join_splits(ctx, c), "d0_u2train/d0_u1 dev/d0_u1 test/d0_u1");
	assert_string_equal(c->file[test_find_stem(c, "dev/d0_u1")], "dev/d0_u1.mp4");
	spec.column_file = "{split}/d{d}.mp4";
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_CONFIG, "corpus.columns.file: ");
	core_ctx_free(ctx);
}

static void paths_come_before_stems(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {0};
	const char *text = ONE "x/DC/a.wav,sad,1,train\ny/DC/a.wav,joy,1,train\n"
			       "y/JE/b.wav,joy,1,train\n" REST;
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0, text);
	assert_string_equal(test_corpus_join_splits(ctx, c), "bx/DC/ay/DC/a d t");
	static const char *one[] = {"y/DC/a.wav"}, *both[] = {"a"}, *stem[] = {"b"};
	spec.exclude = (core_strings){1, one};
	assert_string_equal(
		test_corpus_join_splits(ctx, test_corpus_read_text(ctx, &spec, 0, text)),
		"bx/DC/a d t");
	spec.exclude.item = stem;
	assert_string_equal(
		test_corpus_join_splits(ctx, test_corpus_read_text(ctx, &spec, 0, text)),
		"x/DC/ay/DC/a d t");
	spec.exclude.item = both;
	test_corpus_refuse_text(ctx, &spec, FV_CONFIG, text,
		"corpus.exclude: 'a' may be 'x/DC/a' or 'y/DC/a': write more of its path");
	spec.exclude.n = 0;
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
		ONE "x/a.wav,sad,1,train\nx/a.flac,sad,1,train\n" REST,
		"l.csv:3: 'a' appears twice, first on line 2");
	core_ctx_free(ctx);
}

static void segments_have_names(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {0};
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0,
		"file,start,end,emotion,speaker,split\na.wav,0,1.5,sad,1,train\n"
		"a.wav,0 days 00:00:01.5,00:00:03.25,joy,1,train\nd,2,NaT,sad,2,dev\n"
		"t,,,joy,3,test\n");
	int32_t first = test_find_stem(c, "a@0-1.5"), second = test_find_stem(c, "a@1.5-3.25");
	test_close(c->start[second], 1.5, 0);
	test_close(c->end[second], 3.25, 0);
	test_close(c->end[first], 1.5, 0);
	assert_true(isinf(c->end[test_find_stem(c, "d@2-")]));
	test_close(c->start[test_find_stem(c, "t")], 0, 0);
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
		"file,start,end,emotion,speaker,split\na.wav,2,1.5,sad,1,train\n" REST,
		"l.csv:3: 4 fields");
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
		"file,start,end,emotion,speaker,split\na.wav,2,1.5,sad,1,train\n"
		"b,soon,,sad,1,train\n",
		"l.csv:2: the segment ends at 1.5 s and starts at 2 s");
	core_ctx_free(ctx);
}

static void rows_without_speaker_are_their_own(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {0};
	core_corpus *c = test_corpus_read_text(
		ctx, &spec, 0, ONE "a,sad,Unknown,train\nb,joy,,train\nc,joy,7,train\n" REST);
	assert_int_equal(c->n_speakers, 5);
	assert_string_equal(c->speaker_name[c->speaker[test_find_stem(c, "a")]], "recording a");
	spec.speaker = "none";
	c = test_corpus_read_text(ctx, &spec, 0, ONE "a,sad,1,train\nb,joy,1,dev\nc,joy,1,test\n");
	assert_int_equal(c->n_speakers, 3);
	assert_string_equal(c->speaker_name[c->speaker[test_find_stem(c, "b")]], "b");
	core_ctx_free(ctx);
}

static void attributes_are_joined_and_numbers_kept(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const char *pair[] = {"accent", "town"}, *age[] = {"Years"};
	core_joined_column columns[] = {{"home", {2, pair}}, {"age", {1, age}}};
	core_corpus_spec spec = {.n_label_attributes = 2, .label_attributes = columns};
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0,
		"file,emotion,speaker,split,accent,town,Years\na,sad,1,train,n,x,31.5\n"
		"d,joy,2,dev,s,?,9\nt,joy,3,test,n,x,nan\n");
	assert_int_equal(c->n_attributes, 2);
	const core_attribute *home = core_corpus_attribute(c, "home");
	assert_int_equal(home->n_values, 1);
	assert_string_equal(home->value[0], "n+x");
	assert_int_equal(home->id[test_find_stem(c, "d")], -1);
	assert_null(c->number[0]);
	const core_attribute *years = core_corpus_attribute(c, "age");
	test_close(c->number[1][years->id[test_find_stem(c, "a")]], 31.5, 0);
	test_close(c->number[1][years->id[test_find_stem(c, "d")]], 9, 0);
	assert_int_equal(years->id[test_find_stem(c, "t")], -1);
	core_ctx_free(ctx);
}

/* --- conditions --- */

static void conditions_choose_rows(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const char *genders[] = {"female", "Male"};
	core_condition where[] = {{.column = "gender", .values = {2, genders}},
		{.column = "snr", .range = true, .low = 5, .high = 20}};
	static const char *missing[] = {"lost"};
	core_corpus_spec spec = {.n_where = 2, .where = where, .missing = {1, missing}};
	const char *text = "file,emotion,speaker,gender,snr,split\na,sad,1,Female,5,train\n"
			   "b,sad,1,Female,4.9,train\nc,joy,1,Female,lost,train\n"
			   "d,joy,2,Male,20,dev\nt,sad,3,Female,7,test\nu,sad,4,Other,7,test\n";
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0, text);
	assert_string_equal(test_corpus_join_splits(ctx, c), "a d t");
	assert_int_equal(c->n_left_out, 2);
	assert_string_equal(c->left_out[0].why, "outside corpus.where.snr");
	assert_int_equal(c->left_out[0].n, 2);
	where[0] = (core_condition){.column = "duration", .range = true, .low = 1, .high = 2};
	test_corpus_refuse_text(
		ctx, &spec, FV_CONFIG, text, "corpus.where.duration needs corpus.audio");
	spec.n_where = 1;
	c = test_corpus_read_text(ctx, &spec, 0,
		"file,start,end,emotion,speaker,split\na,0,1,sad,1,train\na,1,3.5,sad,1,train\n"
		"d,0,2,joy,2,dev\nt,1,2.5,sad,3,test\n");
	assert_string_equal(test_corpus_join_splits(ctx, c), "a@0-1 d@0-2 t@1-2.5");
	where[0] = (core_condition){.column = "emotion", .range = true, .low = 1, .high = 2};
	test_corpus_refuse_text(
		ctx, &spec, FV_DATA, text, "l.csv:2: emotion: 'sad' is not a number");
	core_ctx_free(ctx);
}

static void values_are_names_of_one_line(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {.label_column = "emotion"};
#define COLUMNS "file,emotion,speaker,gender,split\n"
#define OTHERS "d,joy,2,Male,dev\nt,sad,3,Male,test\n"
	core_corpus *c = test_corpus_read_text(
		ctx, &spec, 0, COLUMNS "a,sad,1,\x1b[31mF\tem\xc2\x9b,train\n" OTHERS);
	assert_string_equal(c->attribute[0].value[0], "\x1b[31mF\tem\xc2\x9b");
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
		COLUMNS "b,sad,1,x,train\na,sad,1,\"Fe\nmale\","
			"train\n" OTHERS,
		"l.csv:3: gender: a value has a line break: write it in one line");
	char *text = core_format(ctx, COLUMNS "a,sad,1,%01000d,train\n" OTHERS, 7);
	c = test_corpus_read_text(ctx, &spec, 0, text);
	assert_int_equal(strlen(c->attribute[0].value[0]), 1000);
	text = core_format(ctx, COLUMNS "a,sad,1,%01001d,train\n" OTHERS, 7);
	test_corpus_refuse_text(ctx, &spec, FV_DATA, text,
		"l.csv:2: gender: a value of 1001 bytes: give it a name of at most 1000");
#undef OTHERS
#undef COLUMNS
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
		"{\"file\": \"a\", \"gender\": \"a\\u0000b\"}\n",
		"l.csv:1:34: \\u0000 is not allowed");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_names_are_found_or_asked_for),
		cmocka_unit_test(templates_build_names),
		cmocka_unit_test(paths_come_before_stems),
		cmocka_unit_test(segments_have_names),
		cmocka_unit_test(rows_without_speaker_are_their_own),
		cmocka_unit_test(attributes_are_joined_and_numbers_kept),
		cmocka_unit_test(conditions_choose_rows),
		cmocka_unit_test(values_are_names_of_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
