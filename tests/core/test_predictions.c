/* SPDX-License-Identifier: Apache-2.0 */
/* PRED.csv: exact round trip through a file, joins, and error messages. */
#include "support.h"

#include <string.h>

#include "base/file.h"
#include "eval/predictions.h"

static const char *put(fv_ctx *ctx, const char *name, const char *text)
{
	const char *path = core_path_join(ctx, test_folder("predictions"), name);
	test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
	return path;
}

static const char two[] = "FileName,prob_a,prob_b,label_a,label_b,gender,SpkrID,group\n"
			  "d/x.wav,0.1,0.9,0,1,Male,s1,\n"
			  "y.flac,0.333333343,1e-30,1,0,\"Fe,male\",s2,3\n";

static void there_and_back(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_predictions p, again;
	const char *path = put(ctx, "two.csv", two);
	test_ok(ctx, core_predictions_read(ctx, path, NULL, &p));
	assert_int_equal(p.n, 2);
	assert_int_equal(p.C, 2);
	assert_int_equal(p.n_attributes, 1);
	assert_string_equal(p.stem[0], "x");
	assert_string_equal(p.group.value[1], "3");
	assert_true(p.prob[2] == 1.0f / 3);
	p.prob[0] = 0x1.fffffep-1f;
	p.prob[1] = 0x1p-149f;
	path = core_path_join(ctx, core_path_dir(ctx, path), "again.csv");
	test_ok(ctx, core_predictions_write(ctx, path, &p));
	test_ok(ctx, core_predictions_read(ctx, path, NULL, &again));
	assert_memory_equal(p.prob, again.prob, 4 * sizeof(float));
	assert_memory_equal(p.label, again.label, 4 * sizeof(float));
	assert_string_equal(again.attribute[0].value[1], "Fe,male");
	assert_string_equal(again.speaker.name, "SpkrID");
	core_ctx_free(ctx);
}

/* A file with rows of several splits: those of one are read, a recording may be in two. */
static void one_split_of_several(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_predictions p, again;
	const char *path = put(ctx, "splits.csv",
		"FileName,prob_a,prob_b,label_a,label_b,split\n"
		"x,.1,.9,0,1,dev\ny,.2,.8,0,1,test\nx,.3,.7,0,1,test\nz,bad,.7,0,1,train\n");
	test_ok(ctx, core_predictions_read(ctx, path, NULL, &p));
	assert_int_equal(p.n, 2);
	assert_int_equal(p.n_attributes, 0);
	assert_string_equal(p.stem[1], "x");
	assert_true(p.prob[2] == .3f);
	assert_int_equal(p.line[1], 4);
	test_ok(ctx, core_predictions_read_split(ctx, path, NULL, "dev", &p));
	assert_int_equal(p.n, 1);
	assert_true(p.prob[0] == .1f);
	test_fails(ctx, core_predictions_read_split(ctx, path, NULL, "test2", &p), FV_CONFIG,
		"no row of split 'test2' (it has: dev, test, train)");
	const char *split[] = {"dev"};
	p.split = (core_text_column){"split", split};
	path = core_path_join(ctx, core_path_dir(ctx, path), "dev.csv");
	test_ok(ctx, core_predictions_write(ctx, path, &p));
	test_fails(ctx, core_predictions_read(ctx, path, NULL, &again), FV_DATA,
		"no row of split 'test' (it has: dev): choose one with --split");
	test_ok(ctx, core_predictions_read_split(ctx, path, NULL, "dev", &again));
	path = put(ctx, "none.csv", two);
	test_fails(ctx, core_predictions_read_split(ctx, path, NULL, "dev", &p), FV_CONFIG,
		"none.csv has no column 'split'");
	core_ctx_free(ctx);
}

static void other_order(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_predictions a, b, joined;
	test_ok(ctx, core_predictions_read(ctx, put(ctx, "a.csv", two), NULL, &a));
	const char *turned = put(ctx, "b.csv",
		"FileName,label_b,label_a,prob_b,prob_a,SpkrID\n"
		"y.wav,0,1,.25,.75,s2\nx,1,0,.5,.5,s1\n");
	test_ok(ctx, core_predictions_read(ctx, turned, NULL, &b));
	test_ok(ctx, core_predictions_align(ctx, &a, &b, &joined));
	const float want[] = {.5f, .5f, .75f, .25f};
	assert_memory_equal(joined.prob, want, sizeof want);
	assert_memory_equal(joined.label, a.label, sizeof want);
	assert_string_equal(joined.speaker.value[1], "s2");
	core_ctx_free(ctx);
}

static void folds_in_a_row(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_predictions part[2], all;
	int64_t names[] = {4, 7}, *fold;
	test_ok(ctx, core_predictions_read(ctx, put(ctx, "a.csv", two), NULL, &part[0]));
	part[1] = part[0];
	test_fails(ctx, core_predictions_concat(ctx, 2, part, names, &all, &fold), FV_DATA,
		"'d/x.wav' is predicted twice");
	const char *files[] = {"e/x.wav", "v"};
	part[1].file = files;
	test_ok(ctx, core_predictions_concat(ctx, 2, part, names, &all, &fold));
	assert_int_equal(all.n, 4);
	assert_int_equal(fold[1], 4);
	assert_int_equal(fold[2], 7);
	assert_true(all.prob[6] == part[1].prob[2]);
	assert_string_equal(all.attribute[0].value[3], "Fe,male");
	static const char *const stems[] = {"d/x", "y", "e/x", "v"};
	for (int i = 0; i < 4; i++)
		assert_string_equal(all.stem[i], stems[i]);
	files[0] = "d\\x.flac"; /* the same recording, in another spelling */
	test_fails(ctx, core_predictions_concat(ctx, 2, part, names, &all, &fold), FV_DATA,
		"'d\\x.flac' is predicted twice");
	core_ctx_free(ctx);
}

static void bad_files(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"FileName,prob_a,label_a\n", "no rows after the header"},
		{"FileName,prob_a,label_a\nx,1,1\n", ":1: only one class"},
		{"FileName,prob_a,prob_b,label_a\nx,1,0,1\n", ":1: no column 'label_b'"},
		{"FileName,prob_a,label_b,label_a\nx,1,0,1\n", ":1: no column 'prob_b'"},
		{"File,prob_a,prob_b,label_a,label_b\nx,1,0,1,0\n", ":1: no column 'FileName'"},
		{"FileName,gender\nx,Male\n", ":1: no prob_<class> and label_<class> columns"},
		{"FileName,prob_a,prob_b,label_a,label_b\nx,.5,nan,1,0\n",
			":2: prob_b is 'nan', not a finite number"},
		{"FileName,prob_a,prob_b,label_a,label_b\nx,.5,.5,1,\n",
			":2: label_b is '', not a finite number"},
		{"FileName,prob_a,prob_b,label_a,label_b\nx,1e39,0,1,0\n",
			":2: prob_a is '1e39', not a finite number"},
		{"FileName,prob_a,prob_b,label_a,label_b\nx.wav,1,0,1,0\nd/x.flac,1,0,1,0\n",
			":3: 'd/x.flac' repeats the recording of line 2"},
		{"FileName,prob_a,prob_b,label_a,label_b\n,1,0,1,0\n", ":2: FileName is empty"},
		{"FileName,prob_a,prob_b,label_a,label_b,city\nx,1,0,1,0,K\xf6ln\n",
			":2: city is not UTF-8"},
	};
	fv_ctx *ctx = test_ctx();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_predictions p;
		const char *path = put(ctx, "bad.csv", cases[i].text);
		test_fails(
			ctx, core_predictions_read(ctx, path, NULL, &p), FV_DATA, cases[i].message);
	}
	core_ctx_free(ctx);
}

static void all_errors_at_once(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_predictions p;
	const char *path = put(ctx, "bad.csv",
		"FileName,prob_a,prob_b,label_a,label_b\nx,?,0,1,0\ny,1,?,1,0\nz,1,0,?,0\n");
	assert_int_equal(core_predictions_read(ctx, path, NULL, &p), FV_DATA);
	assert_int_equal(core_error_count(ctx), 3);
	core_ctx_free(ctx);
}

static void bad_joins(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"FileName,prob_a,prob_c,label_a,label_c\nx,1,0,0,1\ny,1,0,1,0\n", "no class 'b'"},
		{"FileName,prob_a,prob_b,prob_c,label_a,label_b,label_c\nx,1,0,0,0,1,0\n"
		 "y,1,0,0,1,0,0\n",
			"has 3 classes"},
		{"FileName,prob_a,prob_b,label_a,label_b\nx,1,0,0,1\n", ":3: 'y.flac' is not in"},
		{"FileName,prob_a,prob_b,label_a,label_b\nx,1,0,0,1\nw,1,0,0,1\ny,1,0,1,0\n",
			":3: 'w' is not in"},
		{"FileName,prob_a,prob_b,label_a,label_b\nx,1,0,0.5,1\ny,1,0,1,0\n",
			":2: label_a of 'x' differs from"},
		{"FileName,prob_a,prob_b,label_a,label_b,SpkrID\nx,1,0,0,1,s1\ny,1,0,1,0,s1\n",
			":3: SpkrID of 'y' differs from"},
	};
	fv_ctx *ctx = test_ctx();
	core_predictions a, b, joined;
	test_ok(ctx, core_predictions_read(ctx, put(ctx, "a.csv", two), NULL, &a));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *path = put(ctx, "b.csv", cases[i].text);
		test_ok(ctx, core_predictions_read(ctx, path, NULL, &b));
		test_fails(ctx, core_predictions_align(ctx, &a, &b, &joined), FV_DATA,
			cases[i].message);
	}
	core_ctx_free(ctx);
}

static void columns_by_name(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_predictions p;
	const core_text_column *column;
	const char *path = put(ctx, "two.csv", two);
	test_ok(ctx, core_predictions_read(ctx, path, "gender", &p));
	assert_string_equal(p.speaker.value[0], "Male");
	test_ok(ctx, core_predictions_need(ctx, &p, "--group-columns", "SpkrID", &column));
	assert_string_equal(column->value[1], "s2");
	test_fails(ctx, core_predictions_need(ctx, &p, "--group-columns", "gendre", &column),
		FV_CONFIG, "has no column 'gendre', did you mean 'gender'?");
	test_fails(ctx, core_predictions_need(ctx, &p, "--group-columns", "race", &column),
		FV_CONFIG, "has no column 'race' (it has: SpkrID, gender, group)");
	test_fails(ctx, core_predictions_read(ctx, path, "SpkID", &p), FV_CONFIG,
		"did you mean 'SpkrID'?");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(one_split_of_several),
		cmocka_unit_test(other_order),
		cmocka_unit_test(folds_in_a_row),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(all_errors_at_once),
		cmocka_unit_test(bad_joins),
		cmocka_unit_test(columns_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
