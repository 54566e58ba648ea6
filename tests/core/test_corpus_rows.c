/* SPDX-License-Identifier: Apache-2.0 */
/* Corpora as people have them: names, splits, votes, classes, conditions and folds, with values
 * worked out by hand. */
#include "corpus.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "corpus/corpus.h"

static const char *write_text(fv_ctx *ctx, const char *name, const char *text)
{
	const char *path = core_path_join(ctx, test_folder("corpus_rows"), name);
	test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
	return path;
}

static core_corpus *read_text(fv_ctx *ctx, core_corpus_spec *spec, int64_t fold, const char *text)
{
	core_corpus *c;
	spec->labels = write_text(ctx, "l.csv", text);
	test_ok(ctx, core_corpus_read(ctx, spec, fold, &c));
	return c;
}

static void fail_text(
	fv_ctx *ctx, core_corpus_spec *spec, fv_status status, const char *text, const char *want)
{
	core_corpus *c;
	spec->labels = write_text(ctx, "l.csv", text);
	test_fails(ctx, core_corpus_read(ctx, spec, 0, &c), status, want);
}

static void check_label(const core_corpus *c, const char *stem, const double *want)
{
	const float *y = c->label + (size_t)test_find_stem(c, stem) * (size_t)c->classes;
	for (int32_t k = 0; k < c->classes; k++)
		test_close(y[k], want[k], 1e-6);
}

/* "train dev test": the stems of each split, in order, without blanks between them. */
static const char *join_splits(fv_ctx *ctx, const core_corpus *c)
{
	const char *all = "";
	for (int32_t s = 0; s < CORE_SPLITS + c->n_sets; s++) {
		all = core_format(ctx, s ? "%s " : "%s", all);
		for (int32_t i = 0; i < c->n; i++)
			if (c->split[i] == s)
				all = core_format(ctx, "%s%s", all, c->stem[i]);
	}
	return all;
}

/* --- columns and names --- */

#define ONE "file,emotion,speaker,split\n"
#define REST "d,sad,2,dev\nt,joy,3,test\n"

static void usual_names_are_found_or_asked_for(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {0};
	core_corpus *c = read_text(ctx, &spec, 0,
		"path,Emotion,Speaker,Sex,partition\na.wav,sad,1,f,train\nb,joy,2,m,dev\n"
		"c,sad,3,f,test\n");
	assert_int_equal(c->classes, 2);
	assert_string_equal(c->attribute[0].name, "gender");
	check_label(c, "a", (double[]){0.025, 0.975}); /* joy, sad; smoothed by the usual 0.05 */
	fail_text(ctx, &spec, FV_DATA, "file,path,emotion,speaker,split\na,a,sad,1,train\n",
		"l.csv:1: both 'file' and 'path' may be meant: choose one with "
		"corpus.columns.file");
	fail_text(ctx, &spec, FV_DATA, "file,emotion,label,speaker,split\na,sad,3,1,train\n",
		"both 'emotion' and 'label' may be meant: choose one with corpus.label_column");
	fail_text(ctx, &spec, FV_DATA, "sep=;\nfile;emotion;split\na;sad;train\n",
		"l.csv:2: no column 'SpkrID' or 'speaker'"); /* the line of the header */
	spec.column_file = "path";
	c = read_text(ctx, &spec, 0,
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
		{"train", write_text(ctx, "1.csv", "D,U,emotion,speaker\n0,1,sad,1\n0,2,joy,1\n")},
		{"dev", write_text(ctx, "2.csv", "D,U,emotion,speaker\n0,1,sad,2\n")},
		{"test", write_text(ctx, "3.csv", "D,U,emotion,speaker\n0,1,sad,3\n")}};
	core_corpus_spec spec = {.n_label_source = 3,
		.label_source = source,
		.column_file = "{split}/d{D}_u{U}.mp4"};
	core_corpus *c;
	test_ok(ctx, core_corpus_read(ctx, &spec, 0, &c));
	/* one name is in three folders, the other in one */
	assert_string_equal(join_splits(ctx, c), "d0_u2train/d0_u1 dev/d0_u1 test/d0_u1");
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
	core_corpus *c = read_text(ctx, &spec, 0, text);
	assert_string_equal(join_splits(ctx, c), "bx/DC/ay/DC/a d t");
	static const char *one[] = {"y/DC/a.wav"}, *both[] = {"a"}, *stem[] = {"b"};
	spec.exclude = (core_strings){1, one};
	assert_string_equal(join_splits(ctx, read_text(ctx, &spec, 0, text)), "bx/DC/a d t");
	spec.exclude.item = stem;
	assert_string_equal(join_splits(ctx, read_text(ctx, &spec, 0, text)), "x/DC/ay/DC/a d t");
	spec.exclude.item = both;
	fail_text(ctx, &spec, FV_CONFIG, text,
		"corpus.exclude: 'a' may be 'x/DC/a' or 'y/DC/a': write more of its path");
	spec.exclude.n = 0;
	fail_text(ctx, &spec, FV_DATA, ONE "x/a.wav,sad,1,train\nx/a.flac,sad,1,train\n" REST,
		"l.csv:3: 'a' appears twice, first on line 2");
	core_ctx_free(ctx);
}

static void segments_have_names(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {0};
	core_corpus *c = read_text(ctx, &spec, 0,
		"file,start,end,emotion,speaker,split\na.wav,0,1.5,sad,1,train\n"
		"a.wav,0 days 00:00:01.5,00:00:03.25,joy,1,train\nd,2,NaT,sad,2,dev\n"
		"t,,,joy,3,test\n");
	int32_t first = test_find_stem(c, "a@0-1.5"), second = test_find_stem(c, "a@1.5-3.25");
	test_close(c->start[second], 1.5, 0);
	test_close(c->end[second], 3.25, 0);
	test_close(c->end[first], 1.5, 0);
	assert_true(isinf(c->end[test_find_stem(c, "d@2-")]));
	test_close(c->start[test_find_stem(c, "t")], 0, 0);
	fail_text(ctx, &spec, FV_DATA,
		"file,start,end,emotion,speaker,split\na.wav,2,1.5,sad,1,train\n" REST,
		"l.csv:3: 4 fields");
	fail_text(ctx, &spec, FV_DATA,
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
	core_corpus *c = read_text(
		ctx, &spec, 0, ONE "a,sad,Unknown,train\nb,joy,,train\nc,joy,7,train\n" REST);
	assert_int_equal(c->n_speakers, 5);
	assert_string_equal(c->speaker_name[c->speaker[test_find_stem(c, "a")]], "recording a");
	spec.speaker = "none";
	c = read_text(ctx, &spec, 0, ONE "a,sad,1,train\nb,joy,1,dev\nc,joy,1,test\n");
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
	core_corpus *c = read_text(ctx, &spec, 0,
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

/* --- splits --- */

static void keep_notes(void *user, core_level level, const char *line)
{
	char *notes = user;
	(void)level;
	snprintf(notes + strlen(notes), 4096 - strlen(notes), "%s\n", line);
}

static void splits_are_translated(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_column splits[] = {{"Train", "train"}, {"Test1", "test"}, {"Val", "dev"},
		{"Test2", "noisy"}, {"Test4", NULL}};
	core_corpus_spec spec = {.n_splits = 5, .splits = splits};
	char notes[4096] = "";
	core_ctx_set_log(ctx, keep_notes, notes);
	core_corpus *c = read_text(ctx, &spec, 0,
		ONE "a,sad,1,Train\nb,joy,2,val\nc,sad,3,Test1\nd,sad,4,Test2\ne,joy,5,Test3\n"
		    "f,joy,6,Test4\ng,joy,7,\n");
	assert_string_equal(join_splits(ctx, c), "a b c d");
	assert_string_equal(core_corpus_split_name(c, CORE_SPLITS), "noisy");
	assert_int_equal(c->n_left_out, 1);
	assert_int_equal(c->left_out[0].n, 3);
	assert_string_equal(c->left_out[0].why, "in no split of corpus.splits");
	assert_non_null(strstr(notes, "l.csv:6: corpus.splits does not list 'Test3'\n"));
	spec.n_splits = 0;
	fail_text(ctx, &spec, FV_DATA, ONE "a,sad,1,Train\nc,sad,3,Test1\n" REST,
		"l.csv:3: split: 'Test1' is not Train, Development or Test: corpus.splits says");
	core_ctx_free(ctx);
}

/* 3 of 12 training rows are wanted: the speakers are drawn by name, so that the order of rows
 * changes nothing, and none is split. */
static void dev_is_taken_by_speaker(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {.dev_share = 0.25};
	core_corpus *first = NULL;
	for (int turn = 0; turn < 2; turn++) {
		char text[2048] = ONE;
		for (int i = 0; i < 12; i++) {
			int at = turn ? 11 - i : i;
			sprintf(text + strlen(text), "r%02d,%s,s%d,train\n", at,
				at % 2 ? "sad" : "joy", at / 3);
		}
		strcat(text, "t,joy,x,test\n");
		core_corpus *c = read_text(ctx, &spec, 0, text);
		int32_t dev = 0;
		for (int32_t i = 0; i < c->n; i++) {
			dev += c->split[i] == CORE_DEV;
			assert_true(!first || c->split[i] == first->split[i]);
		}
		assert_int_equal(dev, 3); /* one speaker of four; the reader checks speakers */
		first = c;
	}
	fail_text(ctx, &spec, FV_DATA, ONE "a,sad,1,train\nb,joy,1,train\nt,sad,3,test\n",
		"corpus.dev.share takes whole speakers, and train has 1");
	core_ctx_free(ctx);
}

#define SESSIONS                                                                                   \
	"file,emotion,speaker,session,split\na,sad,1,2,x\nb,joy,1,2,x\nc,sad,2,10,x\n"             \
	"d,joy,3,1,dev\ne,sad,4,9,x\n"

/* Sessions 1 2 9 10 as numbers; dev is the next, of the last the first. */
static void folds_follow_a_column(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {.fold_by = "session"};
	static const char *const want[] = {"ce ab d", "cd e ab", "abd c e", "abe d c"};
	for (int fold = 1; fold <= 4; fold++)
		assert_string_equal(
			join_splits(ctx, read_text(ctx, &spec, fold, SESSIONS)), want[fold - 1]);
	test_ok(ctx, core_corpus_list_folds(ctx, &spec));
	assert_int_equal(spec.n_folds, 4);
	assert_int_equal(spec.folds[3], 4);
	core_corpus *c;
	test_fails(ctx, core_corpus_read(ctx, &spec, 5, &c), FV_CONFIG,
		"fold 5: session makes folds 1 to 4");
	/* a split column that is named tells dev: only d, which fold 1 tests */
	core_column splits[] = {{"x", "train"}, {"dev", "dev"}};
	spec.column_split = "split";
	spec.n_splits = 2;
	spec.splits = splits;
	assert_string_equal(join_splits(ctx, read_text(ctx, &spec, 2, SESSIONS)), "ce d ab");
	test_fails(ctx, core_corpus_read(ctx, &spec, 1, &c), FV_DATA, "no utterance in split dev");
	core_ctx_free(ctx);
}

static void folds_keep_a_column_together(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {.fold_by = "session", .make_folds = 3, .make_folds_seed = 1};
	int32_t tests = 0;
	for (int64_t fold = 1; fold <= 3; fold++) {
		core_corpus *c = read_text(ctx, &spec, fold, SESSIONS);
		assert_int_equal(
			c->split[test_find_stem(c, "a")], c->split[test_find_stem(c, "b")]);
		for (int32_t i = 0; i < c->n; i++)
			tests += c->split[i] == CORE_TEST;
	}
	assert_int_equal(tests, 5);
	core_ctx_free(ctx);
}

/* --- classes --- */

static void classes_are_mapped(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_column map[] = {{"excited", "happy"}, {"frustrated", NULL}, {"absent", NULL}};
	core_corpus_spec spec = {.n_map = 3, .map = map, .label_column = "emotion"};
	core_corpus *c = read_text(ctx, &spec, 0,
		ONE "a,excited,1,train\nb,frustrated,1,train\nc,sad,1,train\nd,happy,2,dev\n"
		    "t,Excited,3,test\n");
	assert_int_equal(c->classes, 2);
	assert_string_equal(c->class_name[0], "happy");
	check_label(c, "a", (double[]){1, 0});
	check_label(c, "t", (double[]){1, 0});
	assert_int_equal(c->n, 4);
	assert_string_equal(c->left_out[0].why, "of classes that corpus.map drops");
	core_ctx_free(ctx);
}

/* (0.5, 0.3, 0.1, 0.1) -> happy 0.6 and sad 0.3 of 0.9; a row of a dropped class alone goes. */
static void class_columns_are_merged(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_column map[] = {{"excited", "happy"}, {"frustrated", NULL}};
	core_corpus_spec spec = {.n_map = 2, .map = map};
	core_corpus *c = read_text(ctx, &spec, 0,
		"file,happy,sad,excited,frustrated,speaker,split\na,0.5,0.3,0.1,0.1,1,train\n"
		"b,0,0,0,1,1,train\nd,0,1,0,0,2,dev\nt,0.5,0.5,0,0,3,test\n");
	assert_int_equal(c->classes, 2);
	assert_int_equal(c->n, 3);
	check_label(c, "a", (double[]){2.0 / 3, 1.0 / 3});
	check_label(c, "t", (double[]){0.5, 0.5});
	/* without a dropped class nothing is divided */
	spec.n_map = 1;
	c = read_text(ctx, &spec, 0,
		"file,happy,sad,excited,speaker,split\na,0.5,0.4,0.1,1,train\nd,0,1,0,2,dev\n"
		"t,0.5,0.499,0,3,test\n");
	check_label(c, "t", (double[]){0.5, 0.499});
	core_ctx_free(ctx);
}

/* 3,1,1 with e = 0.05, C = 3: y = .6 .2 .2 -> (1 - .075) y + .025 */
static void counts_become_shares(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {0};
	const char *text = "file,a,b,c,speaker,split\nx,3,1,1,1,train\ny,0,0,0,1,train\n"
			   "d,0,1,0,2,dev\nt,0,0,2,3,test\n";
	core_corpus *c = read_text(ctx, &spec, 0, text);
	check_label(c, "x", (double[]){0.58, 0.21, 0.21});
	check_label(c, "d", (double[]){0.025, 0.95, 0.025});
	assert_int_equal(c->n, 3);
	assert_string_equal(c->left_out[0].why, "without a vote that counts");
	spec.has_label_smoothing = true;
	c = read_text(ctx, &spec, 0, text);
	check_label(c, "x", (double[]){0.6, 0.2, 0.2});
	spec.label_smoothing = 0.1;
	fail_text(ctx, &spec, FV_CONFIG,
		"file,a,b,speaker,split\nx,1,0,1,train\nd,0,1,2,dev\nt,0,1,3,test\n",
		"corpus.label_smoothing has no effect: the class columns of ");
	/* a dimension of whole numbers is no count */
	spec.has_label_smoothing = false;
	fail_text(ctx, &spec, FV_DATA,
		"file,a,b,valence,speaker,split\nx,1,0,3,1,train\nd,0,1,2,2,dev\n",
		"l.csv:2: valence is '3', no probability (0 to 1)");
	core_ctx_free(ctx);
}

/* a: Neutral, Angry, Angry of 4; b: none that counts; c: none at all */
static void votes_become_shares(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const char *classes[] = {"Angry", "Neutral", "Sad"};
	core_corpus_spec spec = {.votes_emotion = "EmoClass_Major", .classes = {3, classes}};
	char notes[4096] = "";
	core_ctx_set_log(ctx, keep_notes, notes);
	spec.votes_file = write_text(ctx, "v.csv",
		"FileName,Workers,EmoClass_Major\na.wav,1,Neutral\nb.wav,1,Other\na.wav,2,Angry\n"
		"a.wav,3,Angry\na.wav,4,Other\nd.wav,1,\"Sad, "
		"Neutral\"\nt.wav,1,Sad\nz.wav,1,Sad\n");
	const char *text = "FileName,EmoClass,SpkrID,Split_Set\na.wav,N,1,Train\nb.wav,N,1,Train\n"
			   "c.wav,N,1,Train\nd.wav,N,2,Development\nt.wav,N,3,Test\n";
	core_corpus *c = read_text(ctx, &spec, 0, text);
	/* (1 - .05 * 3/2) y + .05/2 */
	check_label(c, "a", (double[]){0.925 * 2 / 3 + 0.025, 0.925 / 3 + 0.025, 0.025});
	check_label(c, "d", (double[]){0.025, 0.4875, 0.4875});
	assert_int_equal(c->n, 3);
	assert_int_equal(c->n_left_out, 2);
	assert_int_equal(c->files.n, 2);
	assert_non_null(strstr(notes, "v.csv: votes of 1 of 5 recordings are not used, "));
	assert_non_null(strstr(notes, "l.csv lacks them: 'z'\n"));
	fail_text(ctx, &spec, FV_DATA,
		"FileName,EmoClass,SpkrID,Split_Set\nx_a.wav,N,1,Train\nx_t.wav,N,3,Test\n",
		"l.csv has votes: the votes are of 'a', ..., the rows of 'x_a', ...");
	/* MSP-Podcast since 1.7, without label files */
	core_corpus_spec alone = {
		.votes_emotion = "EmoDetail", .speaker = "none", .fold_by = "part"};
	alone.labels = alone.votes_file = write_text(ctx, "v.csv",
		"FileName,part,EmoDetail\na.wav,1,\"W1; Neutral; Sad,Neutral; A:4.0; V:4.0; "
		"D:4.0;\"\n"
		"a.wav,1,\"W2; Angry; ; A:4.0; V:4.0; D:4.0;\"\nb.wav,2,\"W1; Angry; ; A:1; V:1; "
		"D:1;\"\n"
		"c.wav,3,\"W1; Neutral; ; A:1; V:1; D:1;\"\n");
	test_ok(ctx, core_corpus_read(ctx, &alone, 3, &c));
	assert_string_equal(join_splits(ctx, c), "b a c");
	check_label(c, "a", (double[]){0.5, 0.5});
	check_label(c, "b", (double[]){0.95, 0.05});
	alone.labels = alone.votes_file = write_text(ctx, "v.csv",
		"FileName,part,EmoDetail\na.wav,1,\"W1; Neutral; Sad; A:4.0; V:4.0;\"\n"
		"b.wav,2,\"W1, Angry, Sad, A:1\"\nc.wav,3,\"W1; Neutral; ; V:1;\"\n");
	test_fails(ctx, core_corpus_read(ctx, &alone, 3, &c), FV_DATA,
		"v.csv:3: 'W1, Angry, Sad, A:1' is no record of a rater");
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
	core_corpus *c = read_text(ctx, &spec, 0, text);
	assert_string_equal(join_splits(ctx, c), "a d t");
	assert_int_equal(c->n_left_out, 2);
	assert_string_equal(c->left_out[0].why, "outside corpus.where.snr");
	assert_int_equal(c->left_out[0].n, 2);
	where[0] = (core_condition){.column = "duration", .range = true, .low = 1, .high = 2};
	fail_text(ctx, &spec, FV_CONFIG, text, "corpus.where.duration needs corpus.audio");
	spec.n_where = 1;
	c = read_text(ctx, &spec, 0,
		"file,start,end,emotion,speaker,split\na,0,1,sad,1,train\na,1,3.5,sad,1,train\n"
		"d,0,2,joy,2,dev\nt,1,2.5,sad,3,test\n");
	assert_string_equal(join_splits(ctx, c), "a@0-1 d@0-2 t@1-2.5");
	where[0] = (core_condition){.column = "emotion", .range = true, .low = 1, .high = 2};
	fail_text(ctx, &spec, FV_DATA, text, "l.csv:2: emotion: 'sad' is not a number");
	core_ctx_free(ctx);
}

static void values_are_names_of_one_line(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {.label_column = "emotion"};
#define COLUMNS "file,emotion,speaker,gender,split\n"
#define OTHERS "d,joy,2,Male,dev\nt,sad,3,Male,test\n"
	core_corpus *c =
		read_text(ctx, &spec, 0, COLUMNS "a,sad,1,\x1b[31mF\tem\xc2\x9b,train\n" OTHERS);
	assert_string_equal(c->attribute[0].value[0], "\x1b[31mF\tem\xc2\x9b");
	fail_text(ctx, &spec, FV_DATA,
		COLUMNS "b,sad,1,x,train\na,sad,1,\"Fe\nmale\","
			"train\n" OTHERS,
		"l.csv:3: gender: a value has a line break: write it in one line");
	char *text = core_format(ctx, COLUMNS "a,sad,1,%01000d,train\n" OTHERS, 7);
	c = read_text(ctx, &spec, 0, text);
	assert_int_equal(strlen(c->attribute[0].value[0]), 1000);
	text = core_format(ctx, COLUMNS "a,sad,1,%01001d,train\n" OTHERS, 7);
	fail_text(ctx, &spec, FV_DATA, text,
		"l.csv:2: gender: a value of 1001 bytes: give it a name of at most 1000");
#undef OTHERS
#undef COLUMNS
	fail_text(ctx, &spec, FV_DATA, "{\"file\": \"a\", \"gender\": \"a\\u0000b\"}\n",
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
		cmocka_unit_test(splits_are_translated),
		cmocka_unit_test(dev_is_taken_by_speaker),
		cmocka_unit_test(folds_follow_a_column),
		cmocka_unit_test(folds_keep_a_column_together),
		cmocka_unit_test(classes_are_mapped),
		cmocka_unit_test(class_columns_are_merged),
		cmocka_unit_test(counts_become_shares),
		cmocka_unit_test(votes_become_shares),
		cmocka_unit_test(conditions_choose_rows),
		cmocka_unit_test(values_are_names_of_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
