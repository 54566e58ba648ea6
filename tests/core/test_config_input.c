/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks that a command needs, encoders from flags, the documentation of keys, and mutated text. */
#include "config_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/stream.h"
#include "registry.h"

static void blocks_a_command_needs(void **state)
{
	test_config *w = *state;
	test_config_write(w, "a.yaml", CORPUS "bias: {minority_ratio: 2, majority: {a: b}}\n");
	w->needs = CORE_NEED_CORPUS;
	test_config_load(w, "a.yaml", "");
	assert_true(test_config_variant(w, 0)->bias.on && !test_config_variant(w, 0)->loss.plugin);
	assert_string_equal(test_config_variant(w, 0)->profile, "paper");
	assert_string_equal(test_config_variant(w, 0)->slug, "variant");
	/* a block that names a missing plugin is left out; all other blocks are checked */
	test_config_write(w, "b.yaml",
		CORPUS "encoder: {name: absent, x: 1}\nloss: {name: broken}\n"
		       "grouper: {product: [{name: clusters, encoder: {name: absent}}]}\n");
	test_config_load(w, "b.yaml", "");
	assert_string_equal(test_config_notes(w),
		"b.yaml:3:7: block 'loss' is left out: its plugin is not installed\n"
		"b.yaml:2:10: block 'encoder' is left out: its plugin is not installed\n"
		"b.yaml:4:10: block 'grouper' is left out: its plugin is not installed\n");
	assert_int_equal(test_config_variant(w, 0)->n_groupers, 0);
	test_config_load(w, "b.yaml", "encoder={name: waves, dept: 1} corpus.lables=x");
	test_config_expect_errors(w, FV_CONFIG,
		"command line: argument 2: unknown key 'lables' in corpus, did you mean 'labels'?\n"
		"command line: argument 1: unknown key 'dept' in encoder (waves), did you mean "
		"'depth'?\n");
	w->needs = CORE_NEED_CORPUS | CORE_NEED_GROUPER;
	test_config_load(w, "a.yaml", "");
	test_config_expect_errors(w, FV_CONFIG, "a.yaml: block 'grouper' is missing\n");
	test_config_load(w, "a.yaml", "grouper.name=clusters");
	test_config_expect_errors(w, FV_CONFIG,
		"command line: argument 1: grouper 'clusters' reads features: an encoder is "
		"missing\n");
}

static fv_status flags(
	test_config *w, const char *name, const char *output, char *param, core_encoder_spec *out)
{
	core_error_clear(w->ctx);
	return core_encoder_from_flags(
		w->ctx, test_registry(), name, "w.pt", output, &param, param ? 1 : 0, out);
}

static void encoder_from_flags(void **state)
{
	test_config *w = *state;
	core_encoder_spec e;
	test_ok(w->ctx, flags(w, "waves", NULL, (char[]){"layers=1,2,3"}, &e));
	assert_string_equal(e.weights, "w.pt");
	assert_null(e.output);
	assert_true(e.max_seconds == 0 && e.normalize == CORE_NORMALIZE_NONE && e.layer == -1);
	assert_int_equal(((const test_waves *)e.use.state)->layers.n, 3);
	assert_int_equal(((const test_waves *)e.use.state)->depth, 12);
	test_ok(w->ctx, flags(w, "waves", "o", (char[]){"max_seconds=2.5"}, &e));
	assert_true(e.max_seconds == 2.5);
	assert_string_equal(e.output, "o");
	w->status = flags(w, "waves", NULL, (char[]){"depht=3"}, &e);
	test_config_expect_errors(w, FV_CONFIG,
		"-p depht=3: unknown key 'depht' in encoder (waves), did you mean 'depth'?\n");
	w->status = flags(w, "waves", NULL, (char[]){"depth=x"}, &e);
	test_config_expect_errors(
		w, FV_CONFIG, "-p depth=x: encoder.depth: 'x' is not a whole number\n");
	test_ok(w->ctx, flags(w, "waves", NULL, (char[]){"normalize=corpus"}, &e));
	assert_int_equal(e.normalize, CORE_NORMALIZE_CORPUS);
	w->status = flags(w, "waves", NULL, (char[]){"standardize=train"}, &e);
	test_config_expect_errors(
		w, FV_CONFIG, "-p standardize=train: standardize needs a corpus: set it to none\n");
	w->status = flags(w, "waves", NULL, (char[]){"depth"}, &e);
	test_config_expect_errors(w, FV_CONFIG, "-p depth: is not of the form KEY=VALUE\n");
	w->status = flags(w, "waves", NULL, (char[]){"name=spectra"}, &e);
	test_config_expect_errors(w, FV_CONFIG, "-p name=spectra: 'name' is given twice\n");
	w->status = flags(w, "weaves", NULL, NULL, &e);
	test_config_expect_errors(w, FV_CONFIG,
		"--encoder: there is no encoder 'weaves', did you mean 'waves'?; searched: "
		"/plugins, "
		"/more/plugins\n");
	w->status = flags(w, "broken", NULL, NULL, &e);
	assert_int_equal(w->status, FV_DATA);
}

/* core/docs/configuration.md has a row for every key, with its default, in the section of its
 * block. */
static void check_rows(
	test_config *w, const char *text, const char *section, const core_key *keys, size_t n)
{
	const char *from = strstr(text, section);
	if (!from)
		fail_msg("configuration.md has no section %s", section);
	for (size_t i = 0; i < n; i++) {
		const char *row = strstr(from, core_format(w->ctx, "\n| `%s` |", keys[i].name));
		const char *next = strstr(from + 1, "\n## ");
		if (!row || (next && row > next))
			fail_msg("configuration.md: %s lacks '%s'", section, keys[i].name);
		const char *end = strchr(row + 1, '\n');
		const char *line = core_strndup(w->ctx, row + 1, (size_t)(end - row - 1));
		if (keys[i].def && !strstr(line, core_format(w->ctx, "| %s", keys[i].def)))
			fail_msg("configuration.md: default %s of %s: %s", keys[i].def, section,
				line);
		if (keys[i].required && !strstr(line, "| required"))
			fail_msg("configuration.md: %s: '%s' is required", section, line);
		if (keys[i].type == CORE_KEY_BLOCK && strcmp(keys[i].name, "columns") != 0)
			check_rows(w, text,
				core_format(w->ctx, "\n`%s.%s`:",
					core_strndup(
						w->ctx, section + 5, strcspn(section + 5, "`")),
					keys[i].name),
				keys[i].keys, keys[i].n_keys);
	}
}

static void documentation_is_complete(void **state)
{
	test_config *w = *state;
	char *text;
	size_t size;
	const char *path = core_format(w->ctx, "%s/core/docs/configuration.md",
		getenv("FAIRVOX_SOURCE") ? getenv("FAIRVOX_SOURCE") : ".");
	test_ok(w->ctx, core_file_read(w->ctx, path, 0, &text, &size));
	for (size_t i = 0; i < core_n_blocks; i++)
		check_rows(w, text, core_format(w->ctx, "\n## `%s`\n", core_blocks[i].name),
			core_blocks[i].keys, core_blocks[i].n_keys);
}

static const char seed_text[] =
	"defaults: [base.yaml]\n"
	"corpus: {labels: 'l_{fold}.csv', folds: [1, 2], bins: {age: {A: [1, 2]}}}\n"
	"bias: {minority_ratio: 2, majority: {a: b}}\n"
	"encoder: {name: waves, depth: 3, layers: [1, 2]}\n"
	"grouper: {product: [{name: columns, column: g}, {name: clusters, k: 4}]}\n"
	"loss: {name: worst, profile: official, inner: plain}\n"
	"train: {clip: none, seed: [1, 2], learning_rate: 1e-3}\n"
	"eval: {attributes: [g], compare: {metric: tpr_gap, attribute: g}}\n"
	"matrix:\n  loss.name: [worst, plain]\n  grouper: [{name: columns, column: h}, none]\n"
	"  exclude: [{loss.name: worst, grouper: none}]\n  include: [{loss.name: plain, "
	"train.batch: 4}]\n";

/* Loading mutated bytes returns variants or a message. */
static void mutations(void **state)
{
	test_config *w = *state;
	static const char special[] = "{}[],:?-.#&*'\"=\n 01ae";
	fv_stream stream = core_stream(11, 0, "mutate", 0, 0);
	int64_t rounds = test_rounds(1000, 5000);
	int accepted = 0;
	test_config_write(w, "base.yaml", "encoder: {name: spectra, bands: 3}\n");
	for (int64_t round = 0; round < rounds; round++) {
		char text[sizeof seed_text];
		memcpy(text, seed_text, sizeof seed_text);
		for (uint64_t n = 1 + fv_below(&stream, 2); n; n--) {
			char *at = text + fv_below(&stream, sizeof seed_text - 1);
			bool digit = *at >= '0' && *at <= '9';
			/* change numbers only: many results are accepted */
			while (round % 2 && !digit) {
				at = text + fv_below(&stream, sizeof seed_text - 1);
				digit = *at >= '0' && *at <= '9';
			}
			if (round % 2)
				*at = (char)('0' + fv_below(&stream, 10));
			else if (fv_below(&stream, 3))
				*at = special[fv_below(&stream, sizeof special - 1)];
			else /* copy a piece of the text to another position */
				memmove(at, text,
					(size_t)fv_below(
						&stream, (uint64_t)(text + sizeof text - 1 - at)) %
						40);
		}
		core_ctx_free(w->ctx);
		w->ctx = test_ctx();
		test_config_write(w, "m.yaml", text);
		test_config_load(w, "m.yaml", round % 3 ? "" : "train.batch=1,2 grouper.k=3");
		if (w->status == FV_OK)
			assert_true(++accepted && w->config->n_variants > 0);
		else
			assert_true(core_error_count(w->ctx) > 0);
	}
	assert_in_range(accepted, rounds / 10, rounds - rounds / 10);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, test_config_open, test_config_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(blocks_a_command_needs),
		TEST(encoder_from_flags),
		TEST(documentation_is_complete),
		TEST(mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
