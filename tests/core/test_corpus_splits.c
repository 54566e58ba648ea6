/* SPDX-License-Identifier: Apache-2.0 */
/* Splits and folds: translated, taken by speaker, made of speakers and of a column. */
#include "corpus.h"

#include <stdio.h>
#include <string.h>

#define ONE "file,emotion,speaker,split\n"

static void splits_are_translated(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_column splits[] = {{"Train", "train"}, {"Test1", "test"}, {"Val", "dev"},
		{"Test2", "noisy"}, {"Test4", NULL}};
	core_corpus_spec spec = {.n_splits = 5, .splits = splits};
	char notes[TEST_NOTES] = "";
	core_ctx_set_log(ctx, test_corpus_note, notes);
	core_corpus *c = test_corpus_read_text(ctx, &spec, 0,
		ONE "a,sad,1,Train\nb,joy,2,val\nc,sad,3,Test1\nd,sad,4,Test2\ne,joy,5,Test3\n"
		    "f,joy,6,Test4\ng,joy,7,\n");
	assert_string_equal(test_corpus_join_splits(ctx, c), "a b c d");
	assert_string_equal(core_corpus_split_name(c, CORE_SPLITS), "noisy");
	assert_int_equal(c->n_left_out, 1);
	assert_int_equal(c->left_out[0].n, 3);
	assert_string_equal(c->left_out[0].why, "in no split of corpus.splits");
	assert_non_null(strstr(notes, "l.csv:6: corpus.splits does not list 'Test3'\n"));
	spec.n_splits = 0;
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
		ONE "a,sad,1,Train\nc,sad,3,Test1\nd,sad,2,dev\nt,joy,3,test\n",
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
		core_corpus *c = test_corpus_read_text(ctx, &spec, 0, text);
		int32_t dev = 0;
		for (int32_t i = 0; i < c->n; i++) {
			dev += c->split[i] == CORE_DEV;
			assert_true(!first || c->split[i] == first->split[i]);
		}
		assert_int_equal(dev, 3); /* one speaker of four; the reader checks speakers */
		first = c;
	}
	test_corpus_refuse_text(ctx, &spec, FV_DATA,
		ONE "a,sad,1,train\nb,joy,1,train\nt,sad,3,test\n",
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
		assert_string_equal(test_corpus_join_splits(
					    ctx, test_corpus_read_text(ctx, &spec, fold, SESSIONS)),
			want[fold - 1]);
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
	assert_string_equal(
		test_corpus_join_splits(ctx, test_corpus_read_text(ctx, &spec, 2, SESSIONS)),
		"ce d ab");
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
		core_corpus *c = test_corpus_read_text(ctx, &spec, fold, SESSIONS);
		assert_int_equal(
			c->split[test_find_stem(c, "a")], c->split[test_find_stem(c, "b")]);
		for (int32_t i = 0; i < c->n; i++)
			tests += c->split[i] == CORE_TEST;
	}
	assert_int_equal(tests, 5);
	core_ctx_free(ctx);
}

enum { SPEAKERS = 23, PARTS = 5 };

/* Writes speakers with 1 to 40 utterances; `turned` reverses the order of rows. */
static const char *write_made_corpus(fv_ctx *ctx, bool turned)
{
	char *text = core_alloc(ctx, (size_t)1 << 16, 1), *at = text;
	at += sprintf(at, "file,emotion,speaker,gender\n");
	for (int s = 0; s < SPEAKERS; s++) {
		int who = turned ? SPEAKERS - 1 - s : s, n = 1 + who * 17 % 40;
		for (int u = 0; u < n; u++)
			at += sprintf(at, "s%02du%02d,%s,s%02d,%s\n", who, turned ? n - 1 - u : u,
				u % 2 ? "sad" : "joy", who, who % 2 ? "f" : "m");
	}
	return test_corpus_write(ctx, "made.csv", text);
}

static void made_folds_separate_speakers(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {
		.label_column = "emotion", .make_folds = PARTS, .make_folds_seed = 3};
	int32_t tested[SPEAKERS] = {0}, total = 0;
	for (int64_t fold = 1; fold <= PARTS; fold++) {
		spec.labels = write_made_corpus(ctx, false);
		const core_corpus *c = test_corpus_read(
			ctx, &spec, fold); /* the reader checks that no speaker is in two splits */
		spec.labels = write_made_corpus(ctx, true);
		const core_corpus *d = test_corpus_read(ctx, &spec, fold);
		const core_corpus *next = test_corpus_read(ctx, &spec, fold % PARTS + 1);
		int32_t n[CORE_SPLITS] = {0};
		for (int32_t i = 0; i < c->n; i++) {
			assert_int_equal(c->split[i], d->split[i]);
			assert_true((c->split[i] == CORE_DEV) == (next->split[i] == CORE_TEST));
			n[c->split[i]]++;
			if (c->split[i] == CORE_TEST)
				tested[c->speaker[i]] |= 1 << fold;
		}
		total += n[CORE_TEST];
		assert_in_range(n[CORE_TEST], c->n / PARTS - 4, c->n / PARTS + 4);
		assert_true(total <= c->n);
	}
	for (int s = 0; s < SPEAKERS; s++)
		assert_true(tested[s] && !(tested[s] & (tested[s] - 1))); /* in exactly one fold */
	core_corpus *c;
	test_fails(ctx, core_corpus_read(ctx, &spec, 6, &c), FV_CONFIG, "makes folds 1 to 5");
	spec.make_folds = 24;
	test_fails(ctx, core_corpus_read(ctx, &spec, 1, &c), FV_DATA, "23 speakers");
	core_ctx_free(ctx);
}

/* With equal speakers, genders are spread evenly and the seed decides the parts. */
static void made_folds_spread_genders(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus_spec spec = {
		.labels = test_shared("corpora/ravdess/labels_consensus_1.csv"), .make_folds = 4};
	int differs = 0;
	for (int64_t fold = 1; fold <= 4; fold++) {
		spec.make_folds_seed = 1;
		const core_corpus *c = test_corpus_read(ctx, &spec, fold);
		spec.make_folds_seed = 2;
		const core_corpus *other = test_corpus_read(ctx, &spec, fold);
		const core_attribute *gender = core_corpus_attribute(c, "gender");
		int32_t women = 0, men = 0;
		for (int32_t i = 0; i < c->n; i++) {
			women += c->split[i] == CORE_TEST && gender->id[i] == 0;
			men += c->split[i] == CORE_TEST && gender->id[i] == 1;
			differs += c->split[i] != other->split[i];
		}
		assert_int_equal(women, 180);
		assert_int_equal(men, 180);
	}
	assert_true(differs > 0);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_are_translated),
		cmocka_unit_test(dev_is_taken_by_speaker),
		cmocka_unit_test(folds_follow_a_column),
		cmocka_unit_test(folds_keep_a_column_together),
		cmocka_unit_test(made_folds_separate_speakers),
		cmocka_unit_test(made_folds_spread_genders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
