/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "plugin.h"

#include "base/file.h"

static char path[4096];
static char warned[4096];

static void remember_warning(void *user, core_level level, const char *line)
{
	(void)user;
	if (level == CORE_WARNING)
		snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s\n", line);
}

static test_plugin open_with(const char *csv)
{
	test_plugin p = test_plugin_open("file");
	snprintf(path, sizeof path, "%s/groups.csv", test_folder("file"));
	test_ok(p.ctx, core_file_write(p.ctx, path, csv, strlen(csv)));
	test_plugin_set(&p, "file", path);
	warned[0] = '\0';
	core_ctx_set_log(p.ctx, remember_warning, NULL);
	return p;
}

static const char *const train_stem[] = {"a", "b", "c", "d"};
static const char *const test_stem[] = {"e", "f", "a", "z"};

static fv_grouper_input make_table(const char *const *stem)
{
	return (fv_grouper_input){.size = sizeof(fv_grouper_input), .n = 4, .stem = stem};
}

static void test_hard(void **unused)
{
	(void)unused;
	test_plugin p = open_with("FileName,note,group\r\n"
				  "x/e.WAV,,old\r\n"
				  "b.wav,,young\r\n"
				  "a,,old\r\n"
				  "f,,middle\r\n"
				  "d.flac,\"1,2\",\r\n");
	const fv_grouper_ops *ops = p.ops;
	fv_grouper_input train = make_table(train_stem), test = make_table(test_stem);
	fv_grouping grouping = {.size = sizeof grouping};
	int32_t id[4];
	static const int32_t want_train[] = {0, 1, -1, -1}, want_test[] = {0, -1, 0, -1};
	assert_int_equal(ops->uses(p.state), FV_USE_FILE);
	test_ok(p.ctx, ops->fit(p.state, p.ctx, &train, &grouping));
	assert_int_equal(grouping.groups, 2); /* "middle" occurs in no training row */
	assert_int_equal(grouping.soft, 0);
	assert_string_equal(grouping.name[0], "old");
	assert_string_equal(grouping.name[1], "young");
	assert_string_equal(warned, "");
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &train, id, NULL));
	assert_memory_equal(id, want_train, sizeof id);
	assert_non_null(strstr(warned, "1 of 4 rows are not in this file"));
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &test, id, NULL));
	assert_memory_equal(id, want_test, sizeof id);
	test_plugin_close(&p);
}

/* One file name in two folders, and values as people write them. */
static void test_folders_and_spellings(void **unused)
{
	(void)unused;
	static const char *const stem[] = {"DC/a", "JE/a", "c", "d"};
	test_plugin p = open_with("FileName;group\n"
				  "data\\DC\\a.wav;Old\n"
				  "data/JE/a.wav;old\n"
				  "JE/c.wav;n/a\n"
				  "DC/d.wav;old\n"
				  "DC/b.wav;young\n");
	const fv_grouper_ops *ops = p.ops;
	fv_grouper_input train = make_table(stem);
	fv_grouping grouping = {.size = sizeof grouping};
	int32_t id[4];
	static const int32_t want[] = {0, 0, -1, 0};
	test_ok(p.ctx, ops->fit(p.state, p.ctx, &train, &grouping));
	assert_int_equal(grouping.groups, 1);
	assert_string_equal(grouping.name[0], "old");
	assert_non_null(strstr(warned, "'n/a' (1 row, first on line 4)"));
	assert_non_null(strstr(warned, "'Old' (1 row, first on line 2) and 'old' (2 rows"));
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &train, id, NULL));
	assert_memory_equal(id, want, sizeof id);
	test_plugin_close(&p);
}

static void test_soft(void **unused)
{
	(void)unused;
	test_plugin p = open_with("FileName,group,prob_male,prob_female,prob_child\n"
				  "a,female,0.25,0.625,0\n"
				  "b,,0.5,0.5,0\n"
				  "c,male,,,\n"
				  "e,male,1,0,0\n");
	const fv_grouper_ops *ops = p.ops;
	fv_grouper_input train = make_table(train_stem), test = make_table(test_stem);
	fv_grouping grouping = {.size = sizeof grouping};
	int32_t id[4];
	float member[12];
	static const int32_t want[] = {1, -1, 2, -1}, want_test[] = {2, -1, 1, -1};
	static const float want_member[] = {0, 0.625f, 0.25f, 0, 0.5f, 0.5f, 0, 0, 0, 0, 0, 0};
	static const float want_test_member[] = {0, 0, 1, 0, 0, 0, 0, 0.625f, 0.25f, 0, 0, 0};
	test_ok(p.ctx, ops->fit(p.state, p.ctx, &train, &grouping));
	assert_int_equal(grouping.groups, 3); /* sorted: child, female, male */
	assert_string_equal(grouping.name[0], "child");
	assert_string_equal(grouping.name[1], "female");
	assert_string_equal(grouping.name[2], "male");
	assert_int_equal(grouping.soft, 1);
	assert_int_equal(grouping.probability, 1);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &train, id, member));
	assert_memory_equal(id, want, sizeof id);
	assert_memory_equal(member, want_member, sizeof member);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &test, id, member));
	assert_memory_equal(id, want_test, sizeof id);
	assert_memory_equal(member, want_test_member, sizeof member);
	test_plugin_close(&p);
}

static void expect_refused(const char *csv, const char *message)
{
	test_plugin p = open_with(csv);
	const fv_grouper_ops *ops = p.ops;
	fv_grouper_input train = make_table(train_stem);
	fv_grouping grouping = {.size = sizeof grouping};
	test_fails(p.ctx, ops->fit(p.state, p.ctx, &train, &grouping), FV_DATA, message);
	test_plugin_close(&p);
}

static void test_refusals(void **unused)
{
	(void)unused;
	expect_refused("Name,group\na,x\n", "groups.csv:1: plugin file: no column 'FileName'");
	expect_refused("FileName,cluster\na,x\n", "groups.csv:1: plugin file: no column 'group'");
	expect_refused("FileName,group\na,x\nb,y\na.wav,x\n",
		"groups.csv:4: plugin file: a second row for 'a'");
	expect_refused(
		"FileName,group\nd/a,x\ne/a,y\n", "'d/a' and 'e/a' may both be the recording 'a'");
	expect_refused(
		"FileName,group\na,x,y\n", "groups.csv:2: plugin file: 3 fields, the header has 2");
	expect_refused("FileName,group\nq,x\nr,y\n",
		"holds none of the 4 training rows: its first "
		"recording is 'q', the first training row 'a'");
	expect_refused("FileName,group\n", "holds none of the 4 training rows");
	expect_refused("FileName,group\na,\nb,\n", "no training row has a group");
	expect_refused("FileName,group\na,\"x\ny\"\nb,x\n",
		"groups.csv:2: plugin file: group: a value has a line break");
	expect_refused("FileName,group,\"prob_x\ny\"\na,,1\n",
		"groups.csv:1: plugin file: column 'prob_x\\x0ay' has a line break");
	expect_refused("FileName,group,prob_x\na,y,1\n",
		"groups.csv:2: plugin file: no prob_ column for group 'y'");
	expect_refused("FileName,group,prob_x,prob_y\na,x,1,0\nb,y,0,1.5\n",
		"groups.csv:3: plugin file: prob_y is '1.5', no probability (0 to 1): a count or a "
		"score?");
	expect_refused("FileName,group,prob_x,prob_y\na,x,1,nan\n",
		"groups.csv:2: plugin file: prob_y is 'nan', not a finite number");
	expect_refused("FileName,group,prob_x,prob_y\na,x,1,\n",
		"groups.csv:2: plugin file: some but not all prob_ cells of 'a' are");
	test_plugin p = test_plugin_open("file");
	const fv_grouper_ops *ops = p.ops;
	fv_grouper_input train = make_table(train_stem);
	fv_grouping grouping = {.size = sizeof grouping};
	test_plugin_set(&p, "file", "/nonexistent/groups.csv");
	test_fails(p.ctx, ops->fit(p.state, p.ctx, &train, &grouping), FV_DATA,
		"/nonexistent/groups.csv");
	test_plugin_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hard),
		cmocka_unit_test(test_folders_and_spellings),
		cmocka_unit_test(test_soft),
		cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
