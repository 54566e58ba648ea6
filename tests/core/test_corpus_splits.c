/* SPDX-License-Identifier: Apache-2.0 */
/* Splits and folds: made of speakers. */
#include "corpus.h"

#include <stdio.h>

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
		cmocka_unit_test(made_folds_separate_speakers),
		cmocka_unit_test(made_folds_spread_genders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
