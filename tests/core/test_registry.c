/* SPDX-License-Identifier: Apache-2.0 */
/* Loads good and bad plugin files: good ones are found, bad ones are refused with the true reason,
 * and none harms the program. */
#include "support.h"

#include <fenv.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "plugin/registry.h"

static const char *make_sample_path(fv_ctx *ctx, const char *name)
{
	return core_format(ctx, "%s/zoo/%s.so", getenv("FAIRVOX_BUILD"), name);
}

/* A new folder with a copy of a sample plugin, cut to `keep` bytes (0: complete). */
static const char *copy_sample(fv_ctx *ctx, const char *name, size_t keep)
{
	const char *dir = core_strdup(ctx, test_folder("cage"));
	char *data;
	size_t size;
	test_ok(ctx, core_file_read(ctx, make_sample_path(ctx, name), 0, &data, &size));
	char *path = core_format(ctx, "%s/%s.so", dir, name);
	test_ok(ctx, core_file_write(ctx, path, data, keep && keep < size ? keep : size));
	return dir;
}

static core_registry *open_dir(fv_ctx *ctx, const char *dir)
{
	core_registry *r;
	test_ok(ctx, core_registry_open(ctx, &dir, 1, &r));
	return r;
}

static const char *find_reason(const core_registry *r, const char *dir)
{
	for (size_t i = 0; i < r->n_refused; i++)
		if (!strncmp(r->refused[i].path, dir, strlen(dir)))
			return r->refused[i].reason;
	return NULL;
}

static void expect_refused(const char *name, size_t keep, const char *want)
{
	fv_ctx *ctx = test_ctx();
	const char *dir = copy_sample(ctx, name, keep);
	core_registry *r = open_dir(ctx, dir);
	assert_null(core_registry_find(r, FV_LOSS, name));
	const char *reason = find_reason(r, dir);
	if (!reason || !strstr(reason, want))
		fail_msg("%s: refused because '%s', not '%s'", name, reason ? reason : "(found)",
			want);
	core_ctx_free(ctx);
}

static void bad_plugins_are_refused(void **state)
{
	(void)state;
	expect_refused("wrong_abi", 0, "built for ABI 999, this fairvox has ABI 2");
	expect_refused("small", 0, "descriptor of 16 bytes");
	expect_refused("wrong_kind", 0, "unknown kind 9");
	expect_refused("other_name", 0, "its name is 'somebody_else'");
	expect_refused("no_source", 0, "source or licence is missing");
	expect_refused(
		"no_ops", 0, "a loss needs an op that trains (subsample, order, mix or weigh)");
	expect_refused("zero_ops", 0, "ops of 0 bytes");
	expect_refused("mistyped", 0, "extension() knows neither fv.networks/1 nor fv.stages/1");
	expect_refused("outside_state", 0, "'n' lies outside the state");
	expect_refused("twice", 0, "'n' is declared twice");
	expect_refused("no_entry", 0, "does not export fv_plugin_entry");
	expect_refused("returns_null", 0, "returned NULL");
	expect_refused("undefined", 0, "fairvox_zoo_nowhere");
	expect_refused("crash", 0, "crashes when it is loaded (Aborted)");
	expect_refused("exits", 0, "ends the program when it is loaded (exit code 3)");
	expect_refused("hang", 0, "hangs when it is loaded");
}

static void broken_files_are_refused(void **state)
{
	(void)state;
	expect_refused("good", 3, "no ELF header");
	expect_refused("good", 40, "the ELF header is incomplete");
	expect_refused("good", 100, "truncated: program header");
	expect_refused("good", 5000, "truncated: a segment ends at byte");
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("files"));
	test_ok(ctx, core_file_write(ctx, core_format(ctx, "%s/text.so", dir), "#!/bin/sh\n", 10));
	test_ok(ctx, core_make_dirs(ctx, core_format(ctx, "%s/folder.so", dir)));
	test_ok(ctx, core_file_write(ctx, core_format(ctx, "%s/good.la", dir), "x", 1));
	assert_int_equal(symlink("/nowhere", core_format(ctx, "%s/link.so", dir)), 0);
	core_registry *r = open_dir(ctx, dir);
	size_t n = 0;
	for (size_t i = 0; i < r->n_refused; i++)
		n += !strncmp(r->refused[i].path, dir, strlen(dir));
	assert_int_equal(n, 3); /* .la files are ignored */
	core_ctx_free(ctx);
}

static void good_plugins_are_found(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_registry *r = open_dir(ctx, copy_sample(ctx, "good", 0));
	const core_plugin *good = core_registry_find(r, FV_LOSS, "good");
	assert_non_null(good);
	assert_null(core_registry_find(r, FV_ENCODER, "good"));
	assert_int_equal(strlen(good->sha256), 64);
	assert_string_equal(good->descriptor->params[0].name, "n");
	assert_false(good->own);
	assert_true(core_registry_find(r, FV_LOSS, "erm")->own);
	const char *missing = "/no/such/folder";
	test_fails(ctx, core_registry_open(ctx, &missing, 1, &r), FV_CONFIG, "/no/such/folder");
	core_ctx_free(ctx);
}

static void first_plugin_of_a_name_is_used(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dirs[] = {copy_sample(ctx, "good", 0), copy_sample(ctx, "good", 0)};
	core_registry *r;
	test_ok(ctx, core_registry_open(ctx, dirs, 2, &r));
	const core_plugin *good = core_registry_find(r, FV_LOSS, "good");
	assert_non_null(good);
	assert_int_equal(strncmp(good->path, dirs[0], strlen(dirs[0])), 0);
	assert_null(find_reason(r, dirs[1])); /* which is no fault of the file */
	size_t n = 0;
	for (size_t i = 0; i < r->n_hidden; i++) {
		if (strncmp(r->hidden[i].path, dirs[1], strlen(dirs[1])))
			continue;
		assert_string_equal(r->hidden[i].by, good->path);
		n++;
	}
	assert_int_equal(n, 1);
	core_ctx_free(ctx);
}

static void world_writable_folders_are_refused(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = copy_sample(ctx, "good", 0);
	assert_int_equal(chmod(dir, 0777), 0);
	core_registry *r = open_dir(ctx, dir);
	assert_non_null(strstr(find_reason(r, dir), "written by every user"));
	core_ctx_free(ctx);
}

static void locale_and_rounding_are_kept(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	char *locale = core_strdup(ctx, setlocale(LC_ALL, NULL));
	int rounding = fegetround();
	assert_non_null(core_registry_find(
		open_dir(ctx, copy_sample(ctx, "locale", 0)), FV_LOSS, "locale"));
	assert_non_null(core_registry_find(
		open_dir(ctx, copy_sample(ctx, "rounding", 0)), FV_LOSS, "rounding"));
	assert_string_equal(setlocale(LC_ALL, NULL), locale);
	assert_int_equal(fegetround(), rounding);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_plugins_are_refused),
		cmocka_unit_test(broken_files_are_refused),
		cmocka_unit_test(good_plugins_are_found),
		cmocka_unit_test(first_plugin_of_a_name_is_used),
		cmocka_unit_test(world_writable_folders_are_refused),
		cmocka_unit_test(locale_and_rounding_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
