/* SPDX-License-Identifier: Apache-2.0 */
/* Results of several builds of a plugin: which rows are told apart, which one counts, and the family of tests. */
#include "results.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "plot/names.h"
#include "report/axes.h"
#include "report/builds.h"
#include "report/notes.h"
#include "report/paper.h"

/* Two hashes of the plugin `ds` that have eight digits in common, and one of another plugin. */
#define OLD "b12ac5d07a"
#define NEW "b12ac5d07f"
#define OTHER "c6ae34c236"
#define DS(hash) "{\"block\": \"loss\", \"name\": \"ds\", \"sha256\": \"" hash "\"}"
#define KMEANS(hash) "{\"block\": \"grouper\", \"name\": \"kmeans\", \"sha256\": \"" hash "\"}"
#define MADE_BY(settings, plugins) ", \"settings\": \"" settings "\", \"plugins\": [" plugins "]"

/* Runs both folds of a variant, which end at that time. */
static void run_build(fv_ctx *ctx, const char *dir, const struct made *like, const char *hash,
	const char *more, int ended)
{
	struct made own = *like;
	own.hash = hash;
	own.more = more;
	for (int fold = 1; fold <= FOLDS; fold++) {
		test_run(ctx, dir, &own, 0, fold, 1);
		const char *text = core_format(ctx, "0.5 %d\n", ended);
		const char *path =
			core_format(ctx, "%s/%s-%s/fold%d-seed1/.begun", dir, own.slug, hash, fold);
		test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
	}
}

static core_results *read_results(fv_ctx *ctx, const char *dir)
{
	core_results *results;
	test_ok(ctx, core_results_read(ctx, dir, &results));
	test_ok(ctx, core_builds_tell(ctx, results));
	core_builds_mark_older(results);
	return results;
}

static core_grid make_grid(fv_ctx *ctx, const core_results *results, const char *reference)
{
	core_grid grid;
	core_table_options options = core_table_default();
	options.draws.n = 2000;
	options.reference = reference;
	test_ok(ctx, core_grid_make(ctx, results, &options, &grid));
	return grid;
}

static const core_grid_row *find_row(const core_grid *grid, const char *label)
{
	for (size_t i = 0; i < grid->n_rows; i++)
		if (!strcmp(grid->row[i].label, label))
			return &grid->row[i];
	fail_msg("no row '%s'", label);
	return NULL;
}

/* plain, two builds of fair-k16, and fair-truth of the newer build alone. */
static const char *make_builds(fv_ctx *ctx, const char *name, int ended_old, int ended_new)
{
	const char *dir = core_strdup(ctx, test_folder(name));
	run_build(ctx, dir, &test_variants[0], "00000001", MADE_BY("s0", ""), 1);
	run_build(ctx, dir, &test_variants[1], "00000002", MADE_BY("s1", DS(NEW)), 1);
	run_build(ctx, dir, &test_variants[2], "00000003", MADE_BY("s2", DS(OLD)), ended_old);
	run_build(ctx, dir, &test_variants[2], "00000004", MADE_BY("s2", DS(NEW)), ended_new);
	return dir;
}

static void test_labels(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *results = read_results(ctx, make_builds(ctx, "builds-labels", 10, 20));
	core_grid grid = make_grid(ctx, results, NULL);
	core_variant_axes axes;
	core_row_names names;
	core_document *d = core_document_new(ctx);
	/* as many digits as tell them apart; a plugin of one build has none */
	assert_false(find_row(&grid, "plain")->older);
	assert_false(find_row(&grid, "fair-truth@" NEW)->older);
	assert_true(find_row(&grid, "fair-k16@" OLD)->older);
	assert_false(find_row(&grid, "fair-k16@" NEW)->older);
	test_ok(ctx, core_axes_find(ctx, results, &axes));
	test_ok(ctx, core_row_names_make(ctx, &grid, NULL, NULL, &names));
	const core_variant_axis *loss = &axes.axis[core_axes_index(&axes, "loss")];
	for (size_t i = 0; i < grid.n_rows; i++) {
		const char *build = grid.row[i].variant->build[CORE_LOSS_BLOCK];
		const char *want = build ? core_format(ctx, "ds@%s", build) : "erm";
		assert_string_equal(loss->text[i], want);
		want = build ? core_format(ctx, "DS@%s", build) : "ERM";
		assert_string_equal(names.row[i].objective, want);
	}
	test_ok(ctx, core_note_builds(ctx, &grid, d));
	assert_string_equal(d->note[0],
		"rows of 2 builds of plugin ds (newest first: @" NEW ", @" OLD
		"), the older of a variant neither ranked nor tested: 'fairvox table CONFIG' shows "
		"the runs of the one in use");
	assert_int_equal(d->n_notes, 1);
	assert_non_null(strstr(
		test_table_text(ctx, results, &grid, CORE_TABLE_CSV), ",fixed," OLD ",1,ds,"));
	core_document_free(d);
	core_axes_free(&axes);
	core_results_free(results);
	core_ctx_free(ctx);
}

/* The adjusted p of every row that counts are those of the same folder without the older build. */
static void test_family(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("builds-family"));
	run_build(ctx, dir, &test_variants[0], "00000001", MADE_BY("s0", ""), 1);
	run_build(ctx, dir, &test_variants[1], "00000002", MADE_BY("s1", DS(NEW)), 1);
	run_build(ctx, dir, &test_variants[2], "00000004", MADE_BY("s2", DS(NEW)), 20);
	core_results *alone = read_results(ctx, dir);
	core_results *both = read_results(ctx, make_builds(ctx, "builds-both", 10, 20));
	core_grid without = make_grid(ctx, alone, NULL), with = make_grid(ctx, both, NULL);
	const core_grid_row *old = find_row(&with, "fair-k16@" OLD);
	assert_int_equal(with.comparisons, 2);
	assert_int_equal(without.comparisons, 2);
	assert_string_equal(old->effect.reason, "an older build: not compared");
	assert_true(core_row_unranked(old));
	for (size_t i = 0; i < with.n_rows; i++)
		for (size_t j = 0; j < with.n_columns && &with.row[i] != old; j++) {
			const core_grid_row *own = &with.row[i],
					    *same = find_row(&without, own->variant->slug);
			assert_true(isnan(own->effect.adjusted[j]) ||
				    own->effect.adjusted[j] == same->effect.adjusted[j]);
			assert_int_equal(
				isnan(own->effect.adjusted[j]), isnan(same->effect.adjusted[j]));
		}
	core_results_free(alone);
	core_results_free(both);
	core_ctx_free(ctx);
}

/* The newest is the one whose runs ended last, whatever its hash. A selection of one build makes it the newest. */
static void test_newest(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *results = read_results(ctx, make_builds(ctx, "builds-newest", 20, 10));
	core_grid grid = make_grid(ctx, results, "fair-k16");
	assert_false(find_row(&grid, "fair-k16@" OLD)->older);
	assert_true(find_row(&grid, "fair-k16@" NEW)->older);
	/* the label without a build names the newest as the reference */
	const core_effect *effect = &find_row(&grid, "fair-truth@" NEW)->effect;
	assert_string_equal(grid.row[effect->reference].label, "fair-k16@" OLD);
	core_results_free(results);
	test_ok(ctx, core_results_read(ctx, results->dir, &results));
	test_ok(ctx, core_builds_tell(ctx, results));
	core_results_keep_first(results, 3); /* without 00000004 */
	core_builds_mark_older(results);
	grid = make_grid(ctx, results, NULL);
	assert_false(find_row(&grid, "fair-k16@" OLD)->older);
	core_results_free(results);
	core_ctx_free(ctx);
}

/* Of two builds of a row of the paper, the newest counts. */
static void test_paper(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *results = read_results(ctx, make_builds(ctx, "builds-paper", 10, 20));
	core_grid grid = make_grid(ctx, results, NULL);
	core_paper paper;
	size_t n = 0;
	test_ok(ctx, core_paper_make(ctx, &grid, "paper1", false, &paper));
	for (int32_t i = 0; i < paper.n_rows; i++)
		n += paper.row[i].row == find_row(&grid, "fair-k16@" NEW);
	assert_int_equal(n, 1);
	core_results_free(results);
	core_ctx_free(ctx);
}

/* A reference and groups of which there are two builds: the newest reference counts, and each block tells its own. */
static void test_blocks(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("builds-blocks"));
#define ERM(hash) "{\"block\": \"loss\", \"name\": \"erm\", \"sha256\": \"" hash "\"}"
	run_build(ctx, dir, &test_variants[0], "00000001", MADE_BY("s0", ERM(OLD)), 1);
	run_build(ctx, dir, &test_variants[0], "00000009", MADE_BY("s0", ERM(OTHER)), 2);
	run_build(ctx, dir, &test_variants[2], "00000002", MADE_BY("s1", DS(OLD) ", " KMEANS(NEW)),
		1);
	run_build(ctx, dir, &test_variants[2], "00000003",
		MADE_BY("s1", DS(OLD) ", " KMEANS(OTHER)), 2);
	core_results *results = read_results(ctx, dir);
	core_grid grid = make_grid(ctx, results, NULL);
	const core_grid_row *own = find_row(&grid, "fair-k16@c6ae34c");
	assert_string_equal(grid.row[own->effect.reference].label, "plain@c6ae34c");
	assert_null(own->variant->build[CORE_LOSS_BLOCK]);
	assert_string_equal(own->variant->build[CORE_GROUPER_BLOCK], "c6ae34c");
	assert_int_equal(grid.comparisons, 1);
	core_results_free(results);
	core_ctx_free(ctx);
}

/* Variants of equal labels, such as those of two studies, have the names of their folders. */
static void test_equal_labels(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *results = read_results(ctx, make_builds(ctx, "builds-equal", 10, 20));
	results->variant[0].slug = results->variant[0].label = "same";
	results->variant[1].slug = results->variant[1].label = "same";
	results->variant[2].slug = results->variant[3].slug = "same";
	results->variant[2].label = results->variant[3].label = "same@b12ac5d";
	test_ok(ctx, core_results_tell_apart(ctx, results));
	assert_string_equal(results->variant[0].label, results->variant[0].name);
	assert_string_equal(results->variant[1].label, results->variant[1].name);
	assert_string_equal(results->variant[2].label,
		core_format(ctx, "%s@b12ac5d", results->variant[2].name));
	core_results_free(results);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_paper),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_equal_labels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
