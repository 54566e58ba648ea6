/* SPDX-License-Identifier: Apache-2.0 */
/* The corpus block: long and short spellings resolve to the same, conflicts name both, and maps
 * merge key by key. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "registry.h"

#define REST "encoder: {name: waves}\nloss: {name: plain}\n"

static void write_config(const char *path, const char *corpus)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	fprintf(file, "%s%s", corpus, REST);
	assert_int_equal(fclose(file), 0);
}

/* `overrides`: NULL-terminated. */
static fv_status load(fv_ctx *ctx, const char *path, char *const *overrides, core_config **out)
{
	size_t n = 0;
	while (overrides && overrides[n])
		n++;
	return core_config_load(ctx, test_registry(), path, overrides, n, CORE_NEED_RUN, out);
}

static const core_variant *load_text(fv_ctx *ctx, const char *corpus, char *const *overrides)
{
	core_config *config;
	write_config("a.yaml", corpus);
	test_ok(ctx, load(ctx, "a.yaml", overrides, &config));
	assert_int_equal(config->n_variants, 1);
	return &config->variants[0];
}

static int open_folder(void **state)
{
	(void)state;
	return chdir(test_folder("corpus_config"));
}

static void spellings_are_one(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{"corpus: {labels: l.csv, label_column: emo}\n",
			"corpus: {labels: [l.csv], columns: {emotion: emo}}\n"},
		{"corpus: {labels: l.csv, speaker_key: [a, b]}\n",
			"corpus: {labels: l.csv, columns: {speaker: [a, b]}}\n"},
		{"corpus: {labels: l.csv, speaker_key: [a]}\n",
			"corpus: {labels: l.csv, columns: {speaker: a}}\n"},
		{"corpus: {labels: l.csv, make_folds: 5, make_folds_seed: 3}\n",
			"corpus: {labels: l.csv, folds: {make: 5, seed: 3}}\n"},
		{"corpus: {labels: l.csv, make_folds: 5, folds: [1, 2]}\n",
			"corpus: {labels: l.csv, folds: {make: 5, use: [1, 2]}}\n"},
		{"corpus: {labels: l.csv, fold_by: session}\n",
			"corpus: {labels: l.csv, folds: {by: session}}\n"},
		{"corpus: {labels: l.csv, attributes: {columns: {race: Race}}}\n",
			"corpus: {labels: l.csv, columns: {race: [Race]}}\n"},
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		fv_ctx *ctx = test_ctx();
		const core_variant *a = load_text(ctx, pairs[i][0], NULL);
		const core_variant *b = load_text(ctx, pairs[i][1], NULL);
		assert_string_equal(a->key, b->key);
		assert_string_equal(a->corpus.key, b->corpus.key);
		assert_string_equal(a->yaml, b->yaml);
		core_ctx_free(ctx);
	}
}

static void second_spellings_are_refused(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"corpus: {labels: l, label_column: a, columns: {emotion: b}}\n",
			"a.yaml:1:48: corpus.columns.emotion and corpus.label_column say the same"},
		{"corpus: {labels: l, make_folds: 4, folds: {make: 5}}\n",
			"corpus.folds.make and corpus.make_folds say the same"},
		{"corpus: {labels: l, speaker_key: [a, b], columns: {speaker: [a, b]}}\n",
			"corpus.columns.speaker and corpus.speaker_key say the same"},
		{"corpus: {labels: l, speaker: none, columns: {speaker: a}}\n",
			"corpus.columns.speaker has no effect with corpus.speaker: none"},
		{"corpus: {labels: l, votes: {file: v, emotion: e}, label_column: a}\n",
			"corpus.label_column has no effect with corpus.votes"},
		{"corpus: {labels: {train: a, test: b}, columns: {split: s}}\n",
			"corpus.columns.split has no effect: corpus.labels gives the splits"},
		{"corpus: {labels: l, columns: {start: [a, b]}}\n",
			"corpus.columns.start: one column is needed, not a list"},
		{"corpus: {labels: l, folds: {bye: session}}\n",
			"unknown key 'bye' in corpus.folds, did you mean 'by'?"},
		{"corpus: {labels: 'l{fold}', folds: {by: session}}\n",
			"corpus.folds.by: the label files of {fold} already contain splits"},
		{"corpus: {labels: l, folds: {by: session, use: [0]}}\n",
			"corpus.folds: the folds of a column are numbered from 1"},
		{"corpus: {columns: {file: f}}\n", "a.yaml:1:9: corpus.labels is missing"},
		{"corpus: {labels: l, dev: {share: 0}}\n",
			"corpus.dev.share: 0 is out of range, above 0 and at most 0.9"},
		{"corpus: {labels: l, where: {duration: [2, 1]}}\n",
			"corpus.where.duration: 2 is above 1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_config *config;
		write_config("a.yaml", cases[i][0]);
		test_fails(ctx, load(ctx, "a.yaml", NULL, &config), FV_CONFIG, cases[i][1]);
		core_ctx_free(ctx);
	}
}

static void values_reach_the_spec(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const core_corpus_spec *s = &load_text(ctx,
		"corpus:\n  labels: {train: [a, b], wild: c}\n"
		"  columns: {file: '{split}/{n}', gender: sex, age: Age, home: [town, accent]}\n"
		"  dev: {share: 0.1}\n  map: {exc: hap, fru: null, sur: 'null'}\n"
		"  splits: {wild: null, train: train}\n  missing: [x, '?']\n"
		"  where: {duration: [0.5, 20], session: ['1', '5'], gender: Female}\n"
		"  votes: {file: v.csv, emotion: e}\n",
		NULL)
					     ->corpus;
	assert_int_equal(s->n_label_source, 3);
	assert_string_equal(s->label_source[1].split, "train");
	assert_string_equal(s->label_source[2].split, "wild");
	assert_string_equal(s->column_file, "{split}/{n}");
	assert_string_equal(s->column_gender, "sex");
	assert_int_equal(s->n_label_attributes, 2);
	assert_string_equal(s->label_attributes[1].name, "home");
	assert_int_equal(s->label_attributes[1].columns.n, 2);
	test_close(s->dev_share, 0.1, 1e-12);
	assert_int_equal(s->n_map, 3);
	assert_null(s->map[1].column);
	assert_string_equal(s->map[2].column, "null");
	assert_null(s->splits[0].column);
	assert_int_equal(s->missing.n, 2);
	assert_true(s->where[0].range && s->where[0].low == 0.5 && s->where[0].high == 20);
	assert_true(!s->where[1].range && s->where[1].values.n == 2);
	assert_int_equal(s->where[2].values.n, 1);
	assert_true(s->has_label_smoothing && s->label_smoothing == 0.05);
	core_ctx_free(ctx);
}

/* The resolved text is a configuration of the same variant. */
static void resolved_text_reads_back(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const core_variant *a = load_text(ctx,
		"corpus:\n  labels: {train: [a, b], dev: c}\n  columns: {speaker: [x, y], age: "
		"Age}\n"
		"  map: {exc: hap, fru: null}\n  folds: {make: 3, by: z, use: [2]}\n"
		"  where: {duration: [0.5, 20], session: ['1', '5']}\n",
		NULL);
	FILE *file = fopen("b.yaml", "wb");
	assert_non_null(file);
	fputs(a->yaml, file);
	assert_int_equal(fclose(file), 0);
	core_config *config;
	test_ok(ctx, load(ctx, "b.yaml", NULL, &config));
	assert_string_equal(config->variants[0].corpus.key, a->corpus.key);
	assert_string_equal(config->variants[0].yaml, a->yaml);
	core_ctx_free(ctx);
}

static void maps_merge_by_key(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	write_config("base.yaml", "corpus: {labels: l, map: {a: b, c: null}, folds: {by: session}, "
				  "columns: {speaker: s}, where: {gender: [F], snr: [1, 2]}}\n");
	char map[] = "corpus.map.a=d", range[] = "corpus.where.snr=[3,4]",
	     folds[] = "corpus.folds=1,2", speaker[] = "corpus.columns.speaker=[s,t]";
	char *const overrides[] = {map, range, folds, speaker, NULL};
	FILE *file = fopen("over.yaml", "wb");
	assert_non_null(file);
	fputs("defaults: [base.yaml]\ncorpus: {map: {e: f}}\n", file);
	assert_int_equal(fclose(file), 0);
	core_config *config;
	test_ok(ctx, load(ctx, "over.yaml", overrides, &config));
	assert_int_equal(config->n_variants, 1);
	const core_corpus_spec *s = &config->variants[0].corpus;
	assert_int_equal(s->n_map, 3);
	assert_string_equal(s->map[0].column, "d");
	assert_null(s->map[1].column);
	assert_string_equal(s->map[2].column, "f");
	assert_true(s->where[1].low == 3 && s->where[1].high == 4);
	assert_string_equal(s->fold_by, "session");
	assert_int_equal(s->n_folds, 2);
	assert_int_equal(s->speaker_key.n, 2);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings_are_one),
		cmocka_unit_test(second_spellings_are_refused),
		cmocka_unit_test(values_reach_the_spec),
		cmocka_unit_test(resolved_text_reads_back),
		cmocka_unit_test(maps_merge_by_key),
	};
	return cmocka_run_group_tests(tests, open_folder, NULL);
}
