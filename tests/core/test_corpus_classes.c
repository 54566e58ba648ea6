/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of a corpus as people have them: mapped and merged, from counts and from votes, with values worked out by
 * hand. */
#include "corpus.h"

#include <string.h>

static void classes_are_mapped(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_column map[] = {{"excited", "happy"}, {"frustrated", NULL}, {"absent", NULL}};
	core_corpus_spec spec = {.n_map = 3, .map = map, .label_column = "emotion"};
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0,
		"file,emotion,speaker,split\na,excited,1,train\nb,frustrated,1,train\nc,sad,1,"
		"train\n"
		"d,happy,2,dev\nt,Excited,3,test\n");
	assert_int_equal(c->classes, 2);
	assert_string_equal(c->class_name[0], "happy");
	test_corpus_check_label(c, "a", (double[]){1, 0});
	test_corpus_check_label(c, "t", (double[]){1, 0});
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
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0,
		"file,happy,sad,excited,frustrated,speaker,split\na,0.5,0.3,0.1,0.1,1,train\n"
		"b,0,0,0,1,1,train\nd,0,1,0,0,2,dev\nt,0.5,0.5,0,0,3,test\n");
	assert_int_equal(c->classes, 2);
	assert_int_equal(c->n, 3);
	test_corpus_check_label(c, "a", (double[]){2.0 / 3, 1.0 / 3});
	test_corpus_check_label(c, "t", (double[]){0.5, 0.5});
	/* without a dropped class nothing is divided */
	spec.n_map = 1;
	c = test_corpus_read_text(ctx, &spec, 0,
		"file,happy,sad,excited,speaker,split\na,0.5,0.4,0.1,1,train\nd,0,1,0,2,dev\n"
		"t,0.5,0.499,0,3,test\n");
	test_corpus_check_label(c, "t", (double[]){0.5, 0.499});
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
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0, text);
	test_corpus_check_label(c, "x", (double[]){0.58, 0.21, 0.21});
	test_corpus_check_label(c, "d", (double[]){0.025, 0.95, 0.025});
	assert_int_equal(c->n, 3);
	assert_string_equal(c->left_out[0].why, "without a vote that counts");
	spec.has_label_smoothing = true;
	c = test_corpus_read_text(ctx, &spec, 0, text);
	test_corpus_check_label(c, "x", (double[]){0.6, 0.2, 0.2});
	spec.label_smoothing = 0.1;
	test_corpus_refuse_text(ctx, &spec, FV_CONFIG,
		"file,a,b,speaker,split\nx,1,0,1,train\nd,0,1,2,dev\nt,0,1,3,test\n",
		"corpus.label_smoothing has no effect: the class columns of ");
	/* a dimension of whole numbers is no count */
	spec.has_label_smoothing = false;
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
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
	char notes[TEST_NOTES] = "";
	core_ctx_set_log(ctx, test_corpus_note, notes);
	spec.votes_file = test_corpus_write(ctx, "v.csv",
		"FileName,Workers,EmoClass_Major\na.wav,1,Neutral\nb.wav,1,Other\na.wav,2,Angry\n"
		"a.wav,3,Angry\na.wav,4,Other\nd.wav,1,\"Sad, "
		"Neutral\"\nt.wav,1,Sad\nz.wav,1,Sad\n");
	const char *text = "FileName,EmoClass,SpkrID,Split_Set\na.wav,N,1,Train\nb.wav,N,1,Train\n"
			   "c.wav,N,1,Train\nd.wav,N,2,Development\nt.wav,N,3,Test\n";
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0, text);
	/* (1 - .05 * 3/2) y + .05/2 */
	test_corpus_check_label(
		c, "a", (double[]){0.925 * 2 / 3 + 0.025, 0.925 / 3 + 0.025, 0.025});
	test_corpus_check_label(c, "d", (double[]){0.025, 0.4875, 0.4875});
	assert_int_equal(c->n, 3);
	assert_int_equal(c->n_left_out, 2);
	assert_int_equal(c->files.n, 2);
	assert_non_null(strstr(notes, "v.csv: votes of 1 of 5 recordings are not used, "));
	assert_non_null(strstr(notes, "l.csv lacks them: 'z'\n"));
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
		"FileName,EmoClass,SpkrID,Split_Set\nx_a.wav,N,1,Train\nx_t.wav,N,3,Test\n",
		"l.csv has votes: the votes are of 'a', ..., the rows of 'x_a', ...");
	/* MSP-Podcast since 1.7, without label files */
	core_corpus_spec alone = {
		.votes_emotion = "EmoDetail", .speaker = "none", .fold_by = "part"};
	alone.labels = alone.votes_file = test_corpus_write(ctx, "v.csv",
		"FileName,part,EmoDetail\na.wav,1,\"W1; Neutral; Sad,Neutral; A:4.0; V:4.0; "
		"D:4.0;\"\n"
		"a.wav,1,\"W2; Angry; ; A:4.0; V:4.0; D:4.0;\"\nb.wav,2,\"W1; Angry; ; A:1; V:1; "
		"D:1;\"\n"
		"c.wav,3,\"W1; Neutral; ; A:1; V:1; D:1;\"\n");
	test_ok(ctx, core_corpus_read(ctx, &alone, 3, &c));
	assert_string_equal(test_corpus_join_splits(ctx, c), "b a c");
	test_corpus_check_label(c, "a", (double[]){0.5, 0.5});
	test_corpus_check_label(c, "b", (double[]){0.95, 0.05});
	alone.labels = alone.votes_file = test_corpus_write(ctx, "v.csv",
		"FileName,part,EmoDetail\na.wav,1,\"W1; Neutral; Sad; A:4.0; V:4.0;\"\n"
		"b.wav,2,\"W1, Angry, Sad, A:1\"\nc.wav,3,\"W1; Neutral; ; V:1;\"\n");
	test_fails(ctx, core_corpus_read(ctx, &alone, 3, &c), FV_DATA,
		"v.csv:3: 'W1, Angry, Sad, A:1' is no record of a rater");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_mapped),
		cmocka_unit_test(class_columns_are_merged),
		cmocka_unit_test(counts_become_shares),
		cmocka_unit_test(votes_become_shares),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
