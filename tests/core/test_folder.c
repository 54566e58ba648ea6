/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a run: which process may write, and what counts as done. */
#include "support.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "run/folder.h"

static const char *const outputs[] = {"config.yaml", "env.json", "metrics.json", "metrics.jsonl",
	"predictions.csv", "model.safetensors", "log"};

struct world {
	fv_ctx *ctx;
	core_run run;
	core_folder folder;
	core_folder_answer claim;
};

static struct world world(void)
{
	struct world w = {.ctx = test_ctx()};
	w.run.dir = core_format(w.ctx, "%s/variant-0123abcd/fold1-seed1", test_folder("folder"));
	w.run.fingerprint = "{\n \"labels\": \"abc\"\n}\n";
	return w;
}

static bool there(struct world *w, const char *name)
{
	return core_file_exists(core_path_join(w->ctx, w->run.dir, name));
}

static void claim(struct world *w, bool force, core_folder_answer want)
{
	test_ok(w->ctx, core_folder_claim(w->ctx, &w->run, force, NULL, &w->folder, &w->claim));
	assert_int_equal(w->claim, want);
	assert_int_equal((w->folder.lease != NULL), want == CORE_CLAIMED);
}

static void finish(struct world *w)
{
	claim(w, false, CORE_CLAIMED);
	for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
		test_ok(w->ctx, core_folder_write(w->ctx, &w->folder, outputs[i], "x", 1));
	assert_false(core_folder_is_done(w->ctx, &w->run));
	test_ok(w->ctx, core_folder_finish(w->ctx, &w->folder, &w->run));
	core_folder_release(&w->folder);
	assert_true(core_folder_is_done(w->ctx, &w->run));
}

static bool is_running(struct world *w)
{
	core_folder_state state;
	const char *reason;
	test_ok(w->ctx, core_folder_find_state(w->ctx, w->run.dir, NULL, &state, &reason));
	return state == CORE_FOLDER_RUNNING;
}

static void test_claim(void **state)
{
	(void)state;
	struct world w = world(), other = w;
	other.ctx = test_ctx();
	assert_false(is_running(&w));
	claim(&w, false, CORE_CLAIMED);
	assert_true(is_running(&w));
	claim(&other, false, CORE_TAKEN);
	claim(&other, true,
		CORE_TAKEN); /* force does not take a folder that another process holds */
	core_folder_release(&w.folder);
	assert_false(is_running(&w));
	claim(&other, false, CORE_CLAIMED);
	core_folder_release(&other.folder);
	core_folder_release(&other.folder); /* twice does no harm */
	finish(&w);
	claim(&other, false, CORE_WAS_DONE);
	claim(&other, true, CORE_CLAIMED);
	assert_false(there(&w, "done") || there(&w, "metrics.json"));
	core_folder_release(&other.folder);
	core_ctx_free(w.ctx);
	core_ctx_free(other.ctx);
}

static void test_done(void **state)
{
	(void)state;
	struct world w = world();
	finish(&w);
	for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
		char *path = core_path_join(w.ctx, w.run.dir, outputs[i]);
		char *away = core_path_join(w.ctx, w.run.dir, "away");
		assert_int_equal(rename(path, away), 0);
		assert_false(core_folder_is_done(w.ctx, &w.run));
		assert_int_equal(rename(away, path), 0);
		assert_true(core_folder_is_done(w.ctx, &w.run));
	}
	static const char *const others[] = {"{\n \"labels\": \"abd\"\n}\n", "",
		"{\n \"labels\": \"abc\"\n}\n ", "{\n \"labels\": \"abc\"\n}"};
	for (int i = 0; i < 4; i++) {
		core_run changed = w.run;
		changed.fingerprint = others[i];
		assert_false(core_folder_is_done(w.ctx, &changed));
	}
	w.run.fingerprint = others[0];
	claim(&w, false, CORE_CLAIMED);
	assert_false(there(&w, "done") || there(&w, "predictions.csv"));
	core_folder_release(&w.folder);
	core_ctx_free(w.ctx);
}

/* How long a run took and when it ended, which a copy keeps. */
static void test_times(void **state)
{
	(void)state;
	struct world w = world();
	double seconds, ended, now = (double)time(NULL);
	test_ok(w.ctx, core_folder_times(w.ctx, w.run.dir, &seconds, &ended));
	assert_true(isnan(seconds) && isnan(ended));
	claim(&w, false, CORE_CLAIMED);
	test_ok(w.ctx, core_folder_times(w.ctx, w.run.dir, &seconds, &ended));
	assert_true(isnan(seconds) && isnan(ended));
	core_folder_release(&w.folder);
	finish(&w);
	test_ok(w.ctx, core_folder_times(w.ctx, w.run.dir, &seconds, &ended));
	assert_true(seconds >= 0 && seconds < 60 && ended >= now && ended < now + 60);
	const char *begun = core_path_join(w.ctx, w.run.dir, ".begun");
	test_ok(w.ctx, core_file_write(w.ctx, begun, "1.250\n", 6));
	test_ok(w.ctx, core_folder_times(w.ctx, w.run.dir, &seconds, &ended));
	assert_true(seconds == 1.25 && isnan(ended));
	core_ctx_free(w.ctx);
}

/* A truncated `done`, which our writers never leave. */
static void test_truncated_done(void **state)
{
	(void)state;
	struct world w = world();
	finish(&w);
	test_ok(w.ctx, core_file_write(w.ctx, core_path_join(w.ctx, w.run.dir, "done"),
			       w.run.fingerprint, 9));
	assert_false(core_folder_is_done(w.ctx, &w.run));
	core_ctx_free(w.ctx);
}

static void test_failed(void **state)
{
	(void)state;
	struct world w = world();
	char *data;
	size_t size;
	claim(&w, false, CORE_CLAIMED);
	test_ok(w.ctx, core_folder_write(w.ctx, &w.folder, ".predictions.csv.0a1b2c", "half", 4));
	(void)fv_fail(w.ctx, FV_DATA, "labels.csv:3: no number");
	(void)fv_fail(w.ctx, FV_DATA, "labels.csv:4: no number");
	core_folder_fail(w.ctx, &w.folder);
	core_folder_release(&w.folder);
	core_error_clear(w.ctx);
	test_ok(w.ctx,
		core_file_read(w.ctx, core_path_join(w.ctx, w.run.dir, "failed"), 0, &data, &size));
	assert_string_equal(data, "labels.csv:3: no number\nlabels.csv:4: no number\n");
	claim(&w, false, CORE_CLAIMED); /* the next attempt begins with an empty folder */
	assert_false(there(&w, "failed") || there(&w, ".predictions.csv.0a1b2c"));
	core_folder_release(&w.folder);
	core_ctx_free(w.ctx);
}

static void test_no_folder(void **state)
{
	(void)state;
	struct world w = world();
	w.run.dir = core_format(w.ctx, "%s/file/fold1-seed1", test_folder("folder"));
	char *file = core_path_dir(w.ctx, w.run.dir);
	test_ok(w.ctx, core_file_write(w.ctx, file, "", 0));
	fv_status status = core_folder_claim(w.ctx, &w.run, false, NULL, &w.folder, &w.claim);
	test_fails(w.ctx, status, FV_FAILED, "file");
	assert_false(is_running(&w));
	core_ctx_free(w.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_claim),
		cmocka_unit_test(test_done), cmocka_unit_test(test_times),
		cmocka_unit_test(test_truncated_done), cmocka_unit_test(test_failed),
		cmocka_unit_test(test_no_folder)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
