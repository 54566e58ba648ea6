/* SPDX-License-Identifier: Apache-2.0 */
/* Overrides on the command line, files of defaults, profiles, and what each value comes from. */
#include "config_fixture.h"

#include <string.h>

#include "registry.h"

static void overrides(void **state)
{
	test_config *w = *state;
	test_config_write(w, "sub/a.yaml", GROUPED "loss: {name: worst}\ntrain: {epochs: 4}\n");
	test_config_load(w, "sub/a.yaml",
		"train.epochs=7 train.seed=1,2,3 encoder.layers=5,6 train.init=x.st");
	const core_variant *c = test_config_variant(w, 0);
	/* a list for a list-typed key does not make an axis */
	assert_int_equal(w->config->n_variants, 1);
	assert_int_equal(c->train.epochs, 7);
	assert_int_equal(c->train.n_seeds, 3);
	assert_int_equal(((const test_waves *)c->encoder.use.state)->layers.n, 2);
	assert_string_equal(c->train.init, "x.st"); /* relative to the working folder */
	assert_string_equal(test_config_origin(w, "train.epochs"),
		"7                                command line: argument 1");
	assert_string_equal(test_config_origin(w, "loss.name"),
		"worst                            sub/a.yaml:4:14");

	/* the name is applied before other keys in any order; the last value of a key counts */
	test_config_load(w, "sub/a.yaml", "grouper.k=3 grouper.name=columns grouper.name=clusters");
	assert_string_equal(test_config_slugs(w), "worst-clusters3");
	test_config_load(w, "sub/a.yaml", "loss.name=plain,worst train.batch=8,16");
	assert_string_equal(
		test_config_slugs(w), "plain-batch8 plain-batch16 worst-batch8 worst-batch16");
	assert_int_equal(test_config_variant(w, 3)->train.batch, 16);
	assert_string_equal(test_config_variant(w, 3)->axis[1], "train.batch");
	assert_string_equal(test_config_variant(w, 3)->axis_value[0], "worst");
	assert_string_equal(test_config_variant(w, 3)->axes_json,
		"{\"loss.name\":\"worst\",\"train.batch\":16}");
	/* a list of one value sets the key; a list is an axis where the key takes no list */
	test_config_load(w, "sub/a.yaml", "loss.name=[worst] train.batch=[8]");
	assert_string_equal(test_config_slugs(w), "worst-columns-gender");
	assert_int_equal(test_config_variant(w, 0)->train.batch, 8);
	assert_int_equal(w->config->n_axes, 0);
	test_config_load(w, "sub/a.yaml", "loss.name=[]");
	test_config_expect_errors(w, FV_CONFIG,
		"command line: argument 1: 'loss.name=[]': an axis needs at least one value\n");
	test_config_load(
		w, "sub/a.yaml", "loss.name=[plain,worst] train.learning_rate=[1.0e-3,1.0e-05]");
	assert_string_equal(
		test_config_slugs(w), "plain-lr0.001 plain-lr1e-5 worst-lr0.001 worst-lr1e-5");
	assert_string_equal(test_config_variant(w, 0)->axes_json,
		"{\"loss.name\":\"plain\",\"train.learning_rate\":0.001}");
	/* files appear without folder and extension; a long name is cut */
	test_config_load(w, "sub/a.yaml",
		"train.init=x/first.safetensors,second.safetensors loss.name=plain,worst "
		"bias={minority_ratio: 20, majority: {a: b}},none "
		"train.select=dev_loss,dev_objective");
	assert_string_equal(
		test_config_variant(w, 0)->slug, "plain-bias20-init-first-select-dev_loss");
	test_config_load(w, "sub/a.yaml",
		"train.init=a_name_that_is_long_enough,b "
		"corpus.label_column=another_that_is_long,b "
		"corpus.audio=and_one_that_is_as_long_as_these,b");
	assert_int_equal(strlen(test_config_variant(w, 0)->slug), 60);
	test_config_load(
		w, "sub/a.yaml", "grouper={name: clusters, k: 4},{name: columns, column: race}");
	assert_string_equal(test_config_slugs(w), "worst-clusters4 worst-columns-race");
	test_config_load(w, "sub/a.yaml", "corpus.label_column=\"a,b\"");
	assert_string_equal(test_config_variant(w, 0)->corpus.label_column, "a,b");

	test_config_load(w, "sub/a.yaml",
		"epochs train..x=1 =3 defaults=a.yaml matrix.loss.name=a matrix=x");
	test_config_expect_errors(w, FV_CONFIG,
		"command line: argument 1: 'epochs' is not of the form KEY=VALUE\n"
		"command line: argument 2: 'train..x' is not a key\n"
		"command line: argument 3: '=3' is not of the form KEY=VALUE\n"
		"command line: argument 4: 'defaults' cannot be overridden: set an axis by its own "
		"key, e.g. loss.name=a,b\n"
		"command line: argument 5: 'matrix.loss.name' cannot be overridden: set an axis by "
		"its own key, e.g. loss.name=a,b\n"
		"command line: argument 6: 'matrix' cannot be overridden: set an axis by its own "
		"key, e.g. loss.name=a,b\n");
	test_config_load(w, "sub/a.yaml", "train.epochs= trian.seed=1 train.batch.size=3");
	test_config_expect_errors(w, FV_CONFIG,
		"command line: argument 1: 'train.epochs=' has no value: write "
		"train.epochs=VALUE\n");
	test_config_load(w, "sub/a.yaml",
		"train.epochs=5, loss.name=\xc2\xa0worst \xc2\xa0loss.name=worst train.seed=[1");
	test_config_expect_errors(w, FV_CONFIG,
		"command line: argument 1: 'train.epochs=5,': a value is missing\n"
		"command line: argument 2: 'loss.name=\xc2\xa0worst': a no-break space (U+00A0): "
		"replace it by a normal space or remove it\n"
		"command line: argument 4: 'train.seed=[1': the '[' that opens here is not "
		"closed\n"
		"command line: argument 3: '\xc2\xa0loss.name=worst': a no-break space (U+00A0): "
		"replace it by a normal space or remove it\n");
	test_config_load(w, "sub/a.yaml", "trian.seed=1 train.batch.size=3");
	test_config_expect_errors(w, FV_CONFIG,
		"command line: argument 1: unknown key 'trian', did you mean 'train'?\n"
		"command line: argument 2: train.batch: a whole number is needed, not a map\n");
}

/* A file that defaults name is read as the file itself: with or without a byte order mark, and its
 * mistakes are told with its own name and line. */
static void files_of_defaults(void **state)
{
	test_config *w = *state;
	static const char base[] = "corpus: {labels: l.csv}\nencoder: {name: waves}\nloss:\n";
	test_config_write(w, "top.yaml",
		"\xef\xbb\xbf"
		"defaults: [base.yaml]\ntrain: {epochs: 7}\n");
	char text[256];
	snprintf(text, sizeof text, "\xef\xbb\xbf---\n%s  name: plain\n", base);
	test_config_write(w, "base.yaml", text);
	test_config_load(w, "top.yaml", "");
	assert_int_equal(test_config_variant(w, 0)->train.epochs, 7);
	assert_string_equal(test_config_variant(w, 0)->corpus.labels, "l.csv");
	static const char *const mistakes[][2] = {
		{"\tname: plain\n", "base.yaml:4:1: a tab: indent with spaces\n"},
		{"  name:plain\n", "base.yaml:4:8: a space is missing after ':'\n"},
		{"\xc2\xa0 name: plain\n",
			"base.yaml:4:1: a no-break space (U+00A0): replace it by a "
			"normal space or remove it\n"},
		{"  name:\xe2\x80\x89plain\n",
			"base.yaml:4:8: a thin space (U+2009): replace it by a "
			"normal space\n"},
	};
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		char wanted[256];
		snprintf(text, sizeof text, "%s%s", base, mistakes[i][0]);
		test_config_write(w, "base.yaml", text);
		test_config_load(w, "top.yaml", "");
		snprintf(wanted, sizeof wanted,
			"%stop.yaml:1:12: defaults: 'base.yaml' cannot be used\n", mistakes[i][1]);
		test_config_expect_errors(w, FV_CONFIG, wanted);
	}
}

static void composition(void **state)
{
	test_config *w = *state;
	test_config_write(w, "base/one.yaml",
		"corpus: {labels: l.csv, exclude: [a, b]}\nencoder: {name: waves, depth: 3, "
		"weights: "
		"w.pt}\nloss: {name: worst, profile: official, lambda: 3}\ntrain: {batch: 8}\n");
	test_config_write(w, "base/two.yaml",
		"defaults: [one.yaml]\ntrain: {epochs: 9, batch: 16}\n"
		"bias: {minority_ratio: 5, majority: {x: A, y: B}}\n");
	test_config_write(w, "top.yaml",
		"defaults: [base/two.yaml]\nencoder: {name: spectra}\nloss: {name: balanced}\n"
		"grouper: {name: columns, column: g}\ncorpus: {exclude: [c]}\ntrain: {epochs: 5}\n"
		"bias: {majority: {z: C}}\n");
	test_config_load(w, "top.yaml", "");
	const core_variant *c = test_config_variant(w, 0);
	/* relative to the file that contains it */
	assert_string_equal(c->corpus.labels, "base/l.csv");
	assert_int_equal(c->corpus.exclude.n, 1); /* lists are replaced */
	assert_null(c->encoder.weights);
	assert_string_equal(c->profile, "official"); /* chosen for all methods at once */
	assert_int_equal(c->train.epochs, 5);
	assert_int_equal(c->train.batch, 16);
	assert_int_equal(c->bias.n_majority, 1);
	assert_true(c->bias.minority_ratio == 5);
	assert_string_equal(test_config_notes(w),
		"base/one.yaml:2:24: dropped encoder.depth: 3, encoder is now 'spectra' "
		"(top.yaml:2:17)\n"
		"base/one.yaml:2:34: dropped encoder.weights: w.pt, encoder is now 'spectra' "
		"(top.yaml:2:17)\n"
		"base/one.yaml:3:40: dropped loss.lambda: 3, loss is now 'balanced' "
		"(top.yaml:3:14)\n"
		"base/two.yaml:3:38: dropped bias.majority.x: A, bias.majority is replaced "
		"(top.yaml:7:18)\n"
		"base/two.yaml:3:44: dropped bias.majority.y: B, bias.majority is replaced "
		"(top.yaml:7:18)\n");
	assert_int_equal(w->config->notes[0].kind, CORE_NOTE_DROPPED);
	assert_int_equal(w->config->notes[0].place.line, 2);

	/* an equal name merges with the base; none removes a block */
	test_config_write(w, "keep.yaml",
		"defaults: base/two.yaml\nencoder: {name: waves, gain: 1}\n"
		"loss: {name: plain}\nbias: none\n");
	test_config_load(w, "keep.yaml", "bias.majority.q=R");
	test_config_expect_errors(
		w, FV_CONFIG, "command line: argument 1: bias.minority_ratio is missing\n");
	test_config_load(w, "keep.yaml", "");
	assert_int_equal(
		((const test_waves *)test_config_variant(w, 0)->encoder.use.state)->depth, 3);
	assert_false(test_config_variant(w, 0)->bias.on);
	test_config_load(w, "base/two.yaml", "bias.majority.q=R loss.name=plain");
	assert_int_equal(
		test_config_variant(w, 0)->bias.n_majority, 3); /* one key of it, by its path */
}

static void cycles_and_missing_files(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml", "defaults: [d/b.yaml]\n");
	test_config_write(w, "d/b.yaml", "defaults: [../a.yaml]\n");
	test_config_load(w, "a.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"d/b.yaml:1:12: defaults form a cycle: a.yaml -> d/b.yaml -> d/../a.yaml\n");
	test_config_write(w, "self.yaml", "defaults: self.yaml\n");
	test_config_load(w, "self.yaml", "");
	test_config_expect_errors(
		w, FV_CONFIG, "self.yaml:1:11: defaults form a cycle: self.yaml -> self.yaml\n");
	test_config_write(w, "c.yaml", "defaults: [no.yaml, {x: 1}, bad.yaml]\n");
	test_config_write(w, "bad.yaml", "[1]\n");
	test_config_load(w, "c.yaml", "");
	test_config_expect_errors(w, FV_CONFIG,
		"no.yaml: No such file or directory\n"
		"c.yaml:1:12: defaults: 'no.yaml' cannot be used\n"
		"c.yaml:1:21: defaults: a list of paths is needed\n"
		"c.yaml:1:29: defaults: 'bad.yaml' cannot be used\n"
		"bad.yaml:1:1: a map of blocks is needed (corpus:, encoder:, loss:, ...)\n");
	test_config_load(w, "none.yaml", "");
	test_config_expect_errors(w, FV_CONFIG, "none.yaml: No such file or directory\n");
	/* each file doubles the number of files read: refused before it takes long */
	test_config_write(w, "x0.yaml", "train: {batch: 1}\n");
	for (int i = 1; i < 20; i++)
		test_config_write(w, core_format(w->ctx, "x%d.yaml", i),
			core_format(w->ctx, "defaults: [x%d.yaml, x%d.yaml]\n", i - 1, i - 1));
	test_config_write(w, "top.yaml", "defaults: [x19.yaml, behind.yaml]\n");
	test_config_load(w, "top.yaml", "");
	assert_int_equal(w->status, FV_CONFIG);
	assert_non_null(strstr(test_config_errors(w), "defaults name more than 256 files"));
	assert_null(
		strstr(test_config_errors(w), "behind.yaml: No such file")); /* it is not read */
}

static void profiles(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml", GROUPED "loss: {name: worst}\n");
	test_config_load(w, "a.yaml", "");
	assert_int_equal(((const test_worst *)test_config_variant(w, 0)->loss.state)->mode, 0);
	assert_int_equal(
		((const test_waves *)test_config_variant(w, 0)->encoder.use.state)->mode, 1);
	assert_int_equal(test_config_variant(w, 0)->train.batch, 64); /* preset of profile paper */
	assert_true(test_config_variant(w, 0)->train.clip == 1);
	assert_string_equal(test_config_variant(w, 0)->train.select, "dev_objective");
	test_config_load(w, "a.yaml", "loss.profile=official");
	assert_int_equal(((const test_worst *)test_config_variant(w, 0)->loss.state)->mode, 1);
	assert_int_equal(
		((const test_waves *)test_config_variant(w, 0)->encoder.use.state)->mode, 2);
	assert_int_equal(test_config_variant(w, 0)->train.batch, 32);
	assert_true(test_config_variant(w, 0)->train.clip == 0);
	assert_string_equal(test_config_variant(w, 0)->train.select, "dev_loss");
	assert_string_equal(test_config_origin(w, "train.clip"),
		"none                             preset of worst, profile official");
	assert_string_equal(test_config_origin(w, "train.select"),
		"dev_loss                         default, profile official");
	assert_string_equal(test_config_origin(w, "loss.mode"),
		"eg                               default of worst, profile official");
	test_config_load(w, "a.yaml",
		"loss.profile=official loss.mode=batch_max train.clip=2 "
		"train.select=dev_objective");
	assert_int_equal(((const test_worst *)test_config_variant(w, 0)->loss.state)->mode, 0);
	assert_true(test_config_variant(w, 0)->train.clip ==
		    2); /* an explicit key wins over the preset */
	assert_string_equal(test_config_variant(w, 0)->train.select, "dev_objective");
	test_config_load(w, "a.yaml", "loss.profile=offical");
	test_config_expect_errors(w, FV_CONFIG,
		"command line: argument 1: loss.profile: 'offical' is not one of paper, official, "
		"did "
		"you "
		"mean 'official'?\n");
	/* changing only the method must not change the profile of half the variants */
	test_config_load(w, "a.yaml", "loss.profile=official loss.name=plain,worst");
	assert_string_equal(test_config_variant(w, 0)->profile, "official");
	assert_string_equal(test_config_variant(w, 1)->profile, "official");
}

static void reserved_keys_reach_the_plugin(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml", GROUPED "loss: {name: worst}\n");
	test_config_load(w, "a.yaml", "");
	assert_string_equal(test_config_variant(w, 0)->groupers[0].column, "gender");
	assert_string_equal(
		((const test_columns *)test_config_variant(w, 0)->groupers[0].use.state)->column,
		"gender");
	test_config_load(w, "a.yaml", "grouper.name=clusters");
	const core_grouper_spec *g = test_config_variant(w, 0)->groupers;
	assert_true(g->has_seed && g->seed == 42); /* the plugin's default */
	assert_int_equal(((const test_clusters *)g->use.state)->seed, 42);
	assert_string_equal(g->use.params_json, "{\"k\":8,\"seed\":42}");
	test_config_load(w, "a.yaml", "grouper.name=clusters grouper.seed=-1");
	test_config_expect_errors(w, FV_CONFIG,
		"command line: argument 2: grouper.seed: -1 is out of range, at least 0\n");
	test_config_load(w, "a.yaml", "grouper.seed=7"); /* the columns grouper declares no seed */
	assert_true(test_config_variant(w, 0)->groupers[0].has_seed &&
		    test_config_variant(w, 0)->groupers[0].seed == 7);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, test_config_open, test_config_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(overrides),
		TEST(files_of_defaults),
		TEST(composition),
		TEST(cycles_and_missing_files),
		TEST(profiles),
		TEST(reserved_keys_reach_the_plugin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
