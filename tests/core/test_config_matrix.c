/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix of variants, their hashes, and their text, which reads back. */
#include "config_fixture.h"

#include <string.h>

#include "registry.h"

static void matrix_crosses_and_merges(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml",
		BASE "loss: {name: worst}\n"
		     "matrix:\n"
		     "  loss.name: [plain, balanced, worst]\n"
		     "  grouper: [{name: columns, column: gender}, {name: clusters, k: 16}]\n");
	test_config_load(w, "a.yaml", "");
	assert_string_equal(test_config_slugs(w),
		"plain balanced-columns-gender balanced-clusters16 "
		"worst-columns-gender worst-clusters16");
	assert_string_equal(test_config_notes(w),
		"the grouper is dropped where the loss is 'plain', which uses no groups\n"
		"combination 2 (loss.name plain, grouper clusters16) is the same variant as "
		"combination "
		"1: merged\n");
	assert_int_equal(w->config->n_combinations, 6);
	assert_int_equal(w->config->n_merged, 1);
	assert_int_equal(test_config_variant(w, 0)->n_groupers, 0);
	assert_string_equal(test_config_variant(w, 0)->axis_value[1], "");
	assert_string_equal(test_config_variant(w, 2)->axis_value[1], "clusters16");
	assert_string_equal(
		test_config_variant(w, 0)->axes_json, "{\"grouper\":null,\"loss.name\":\"plain\"}");
	assert_string_equal(test_config_variant(w, 2)->axes_json,
		"{\"grouper\":{\"k\":16,\"name\":\"clusters\"},"
		"\"loss.name\":\"balanced\"}");
	assert_int_equal(w->config->n_axes, 2);
	for (size_t i = 0; i < w->config->n_variants; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(
				test_config_variant(w, i)->key, test_config_variant(w, j)->key);

	test_config_load(w, "a.yaml", "loss.name=worst"); /* narrows the axis */
	assert_string_equal(test_config_slugs(w), "worst-columns-gender worst-clusters16");
	test_config_load(w, "a.yaml", "grouper={name: columns, column: race}");
	assert_string_equal(test_config_slugs(w), "plain balanced worst");
	assert_string_equal(test_config_variant(w, 1)->groupers[0].column, "race");
	test_config_load(w, "a.yaml",
		"matrix=none grouper={product: [{name: columns, column: race}, {name: "
		"clusters}]}");
	assert_string_equal(test_config_slugs(w), "worst-columns-race_x_clusters");
	assert_int_equal(test_config_variant(w, 0)->n_groupers, 2);
	w->needs = CORE_NEED_CORPUS |
		   CORE_NEED_GROUPER; /* the command only makes groups: the loss does not matter */
	test_config_load(w, "a.yaml", "loss.name=plain");
	assert_int_equal(test_config_variant(w, 0)->n_groupers, 1);
	assert_int_equal(w->config->n_variants, 2);
}

static void matrix_excludes_and_includes(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml",
		GROUPED "loss: {name: worst}\n"
			"matrix:\n"
			"  loss.name: [balanced, worst]\n"
			"  train.batch: [8, 16]\n"
			"  encoder.gain: [1, 2]\n"
			"  exclude:\n"
			"  - {loss.name: balanced, train.batch: 16}\n"
			"  - {loss: {name: worst}, encoder: {gain: 2.0}}\n"
			"  - {train.epochs: 7}\n"
			"  include:\n"
			"  - {loss.name: plain, train.batch: 8, encoder.gain: 5}\n"
			"  - loss: {name: worst, lambda: 9}\n"
			"    train.epochs: 3\n");
	test_config_load(w, "a.yaml", "");
	assert_string_equal(test_config_slugs(w), "balanced-batch8-gain1 balanced-batch8-gain2 "
						  "worst-batch8-gain1 worst-batch16-gain1 "
						  "plain-batch8-gain5 worst-epochs3");
	assert_int_equal(w->config->n_combinations, 8);
	assert_int_equal(w->config->n_excluded, 4);
	assert_int_equal(w->config->n_included, 2);
	assert_int_equal(test_config_variant(w, 4)->n_groupers, 0);
	assert_true(((const test_worst *)test_config_variant(w, 5)->loss.state)->lambda == 9);
	assert_int_equal(test_config_variant(w, 5)->train.epochs, 3);
	assert_string_equal(test_config_notes(w),
		"a.yaml:10:5: exclude drops 2 of 8 combinations\n"
		"a.yaml:11:5: exclude drops 2 of 8 combinations\n"
		"a.yaml:12:5: exclude drops 0 of 8 combinations\n"
		"the grouper is dropped where the loss is 'plain', which uses no groups\n");
}

/* A label says what a variant is, not what the axis says of it before it was overridden. */
static void labels_of_overridden_blocks(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml",
		GROUPED "matrix:\n"
			"  loss: [{name: plain}, {name: worst, lambda: 2}, {name: balanced}]\n");
	test_config_load(w, "a.yaml", "loss.name=balanced");
	assert_string_equal(test_config_slugs(w), "balanced");
	test_config_load(w, "a.yaml", "loss.name=worst loss.lambda=7");
	assert_string_equal(test_config_slugs(w), "worst");
	test_config_load(w, "a.yaml", "loss.name=worst loss.lambda=3,7");
	assert_string_equal(test_config_slugs(w), "worst-lambda3 worst-lambda7");
	assert_string_equal(test_config_variant(w, 1)->axis_value[0], "worst");
	test_config_load(w, "a.yaml", "loss.name=plain,balanced");
	assert_string_equal(test_config_slugs(w), "plain balanced");
	assert_string_equal(test_config_variant(w, 1)->axis_value[0], "");
	assert_string_equal(test_config_variant(w, 1)->axis_value[1], "balanced");
	test_config_load(w, "a.yaml", "train.batch=3");
	assert_string_equal(test_config_slugs(w), "plain worst2 balanced");
}

static void matrix_refusals(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml",
		GROUPED "loss: {name: worst}\n"
			"matrix:\n"
			"  train.seed: [1, 2]\n"
			"  corpus.folds: [[1]]\n"
			"  eval.compare.metric: [f1]\n"
			"  train.batch: 3\n"
			"  loss..name: [a]\n"
			"  exclude: {loss.name: worst}\n"
			"  include: [worst]\n");
	test_config_load(w, "a.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"a.yaml:6:3: train.seed cannot be an axis of the matrix: its list makes runs "
		"inside each "
		"variant\n"
		"a.yaml:7:3: corpus.folds cannot be an axis of the matrix: its list makes runs "
		"inside "
		"each "
		"variant\n"
		"a.yaml:8:3: eval.compare.metric cannot be an axis of the matrix: it changes how "
		"runs are "
		"judged, not the runs\n"
		"a.yaml:9:16: matrix: 'train.batch' needs a list of at least one value\n"
		"a.yaml:10:3: 'loss..name' is not a key\n"
		"a.yaml:11:12: matrix: 'exclude' needs a list of maps, e.g. [{loss.name: NAME}]\n"
		"a.yaml:12:12: matrix: 'include' needs a list of maps, e.g. [{loss.name: NAME}]\n");
	test_config_write(w, "b.yaml",
		GROUPED "loss: {name: worst}\nmatrix:\n  loss.nmae: [a, b]\n"
			"  train: [{seed: 1}, {seed: 2}]\n"
			"  exclude: [{los.name: a}, {loss: {k: 1}}]\n");
	test_config_load(w, "b.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"b.yaml:8:14: matrix.exclude: unknown key 'los.name'\n"
		"b.yaml:8:36: matrix.exclude: unknown key 'loss.k'\n");
	test_config_write(
		w, "c.yaml", GROUPED "loss: {name: worst}\nmatrix: {loss.nmae: [a, b]}\n");
	test_config_load(w, "c.yaml", "");
	test_config_expect_errors(
		w, FV_CONFIG, "c.yaml:5:10: unknown key 'nmae' in loss, did you mean 'name'?\n");
	test_config_write(w, "d.yaml",
		GROUPED "loss: {name: worst}\nmatrix: {train: [{seed: 1}, {seed: 2}]}\n");
	test_config_load(w, "d.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"d.yaml:5:10: combination 2 (train train2) differs from combination 1 only in "
		"folds, seeds, eval or slurm: these cannot be axes\n");
	test_config_write(w, "e.yaml",
		GROUPED "loss: {name: worst}\nmatrix: {train.batch: [1], exclude: "
			"[{train.batch: 1}]}\n");
	test_config_load(w, "e.yaml", "");
	test_config_expect_errors(w, FV_CONFIG, "e.yaml:5:9: matrix.exclude leaves no variant\n");
	core_text big = {0};
	core_text_add(&big, GROUPED "loss: {name: worst}\nmatrix:\n");
	for (int axis = 0; axis < 40; axis++)
		core_text_add(&big, "  x%d: [1, 2, 3, 4]\n", axis);
	test_config_write(w, "f.yaml", big.data);
	core_text_free(&big);
	test_config_load(w, "f.yaml", "");
	test_config_expect_errors(
		w, FV_CONFIG, "f.yaml:12:3: the matrix makes more than 4096 combinations\n");
}

static const char *copy_key(test_config *w, const char *text, const char *arguments)
{
	test_config_write(w, "h.yaml", text);
	test_config_load(w, "h.yaml", arguments);
	return test_config_variant(w, 0)->key;
}

#define HASHED "corpus: {labels: l.csv}\nencoder: {name: waves, weights: d/w.pt}\n"

static void keys(void **state)
{
	test_config *w = *state;
	const char *text = HASHED "loss: {name: plain}\ntrain: {learning_rate: 1e-4, batch: 8}\n";
	const char *first = copy_key(w, text, "");
	assert_int_equal(strlen(first), 64);
	assert_int_equal(strspn(first, "0123456789abcdef"), 64);
	/* not changed by the order of keys, the format of numbers, a default written out, seeds or
	 * folds */
	assert_string_equal(first, copy_key(w,
					   "train: {batch: 8, learning_rate: 0.0001}\n"
					   "loss: {name: plain}\nencoder: {weights: d/w.pt, "
					   "name: waves}\ncorpus: {labels: l.csv}\n",
					   ""));
	assert_string_equal(first, copy_key(w, text, "train.epochs=50 encoder.depth=12"));
	assert_string_equal(first, copy_key(w, text, "train.seed=4,5"));
	assert_string_equal(copy_key(w, text, "corpus.make_folds=5"),
		copy_key(w, text, "corpus.make_folds=5 corpus.folds=2"));
	/* not changed by the folder */
	test_config_write(w, "elsewhere/h.yaml", text);
	test_config_load(w, "elsewhere/h.yaml", "");
	assert_string_equal(first, test_config_variant(w, 0)->key);
	/* changed by every value that matters */
	assert_string_not_equal(first, copy_key(w, text, "train.epochs=51"));
	assert_string_not_equal(first, copy_key(w, text, "encoder.weights=e/w.pt"));
	assert_string_not_equal(first, copy_key(w, text, "encoder.gain=1"));
	/* not changed by eval */
	assert_string_equal(first, copy_key(w, text, "eval.attributes=gender"));
	assert_string_equal(first, copy_key(w, text, "eval.compare.metric=f1"));
}

/* The config.yaml of a variant is a complete configuration that needs no defaults. */
static void resolved_text_reads_back(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml",
		"corpus: {labels: 'l \"{fold}\".csv', folds: [1], classes: ['no', '1', \"it's\"],\n"
		"  speaker_key: [A, B], values: {race: [x y, '#z']}}\n"
		"encoder: {name: waves, table: t, layer: all}\n"
		"grouper: {product: [{name: columns, column: 'yes'}, {name: clusters, encoder: "
		"{name: "
		"spectra}}]}\n"
		"loss: {name: worst, profile: official}\ntrain: {seed: [1, 2], weight_decay: "
		"0.5}\n");
	test_config_load(w, "a.yaml", "");
	assert_string_equal(test_config_notes(w),
		"a.yaml:6:37: train.weight_decay has no effect with optimizer adam\n");
	const char *text = test_config_variant(w, 0)->yaml;
	test_config_write(w, "other/b.yaml", text);
	test_config_load(w, "other/b.yaml", "");
	assert_string_equal(test_config_variant(w, 0)->yaml, text);
	assert_string_equal(test_config_notes(w), "");
	assert_string_equal(test_config_variant(w, 0)->corpus.classes.item[0], "no");
	assert_int_equal(test_config_variant(w, 0)->n_groupers, 2);
	core_text origins = {0};
	core_config_origins(w->ctx, w->config, 0, &origins);
	assert_null(strstr(origins.data, " default"));
	assert_non_null(strstr(origins.data, "grouper.product[1].encoder.name"));
	core_text_free(&origins);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, test_config_open, test_config_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(matrix_crosses_and_merges),
		TEST(matrix_excludes_and_includes),
		TEST(labels_of_overridden_blocks),
		TEST(matrix_refusals),
		TEST(keys),
		TEST(resolved_text_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
