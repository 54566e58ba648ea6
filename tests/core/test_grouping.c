/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of a run with real plugins: the input of groupers, products, unknown values. */
#include "study.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include <fairvox/grouper.h>

#include "run/runner.h"

struct bench {
	fv_ctx *ctx;
	core_study *study;
	core_run_data r;
};

static const char *folder;

static int setup(void **state)
{
	(void)state;
	folder = strdup(test_folder("grouping"));
	test_toy_write(folder, 0);
	return 0;
}

static struct bench infer(const char *grouper)
{
	struct bench b = {.ctx = test_ctx()};
	char spy[4096];
	snprintf(spy, sizeof spy, "%s/spy", getenv("FAIRVOX_BUILD"));
	const char *override[] = {"loss.name=rw", core_format(b.ctx, "grouper=%s", grouper)};
	b.study = test_toy_open(b.ctx, folder, spy, 2, override);
	b.r = (core_run_data){.study = b.study, .run = &b.study->run[0]};
	test_ok(b.ctx, core_run_data_make_groups(b.ctx, &b.r));
	return b;
}

static void done(struct bench *b)
{
	core_study_close(b->study);
	core_ctx_free(b->ctx);
}

static const char *speaker_of(const struct bench *b, int split, int32_t i)
{
	const core_corpus *c = b->r.corpus;
	return c->speaker_name[c->speaker[b->r.rows.row[split][i]]];
}

/* The row's race as written, by its speaker. */
static const char *race_of(const char *speaker)
{
	int s = atoi(speaker + 1);
	return s == 11 ? "C" : s == 10 ? "" : s / 2 % 2 ? "B" : "A";
}

static void test_truth(void **state)
{
	(void)state;
	struct bench b = infer("{name: truth, column: race}");
	const core_groups *g = &b.r.groups;
	assert_int_equal(g->groups, 2); /* C does not occur in training */
	assert_string_equal(g->name[0], "A");
	assert_string_equal(g->name[1], "B");
	int unknown = 0;
	for (int k = 0; k < CORE_SPLITS; k++) {
		assert_null(g->member[k]);
		for (int32_t i = 0; i < b.r.rows.n[k]; i++) {
			const char *race = race_of(speaker_of(&b, k, i));
			int want = !strcmp(race, "A") ? 0 : !strcmp(race, "B") ? 1 : -1;
			assert_int_equal(g->id[k][i], want);
			unknown += want < 0;
		}
	}
	assert_int_equal(unknown, 2 * TOY_EACH);
	done(&b);
}

/* A grouper gets exactly what `uses` asks for, and never classes outside the training rows. */
static void test_shown(void **state)
{
	(void)state;
	for (int uses = 0; uses < 64; uses++) {
		char text[128];
		snprintf(text, sizeof text, "{name: spy, uses: %d%s}", uses,
			uses & FV_USE_COLUMN ? ", column: gender" : "");
		struct bench b = infer(text);
		for (int k = 0; k < CORE_SPLITS; k++)
			for (int i = 0; i < 6; i++) {
				float want = (uses & (1 << i)) ? 11 : 0;
				if (i == 5)
					want = 0; /* without recordings there are no durations */
				if (uses & (1 << i) & FV_USE_CLASS && k != CORE_TRAIN)
					want = 10;
				assert_true(b.r.groups.member[k][i] == want);
			}
		assert_int_equal(b.r.transductive, (uses & FV_USE_SPEAKER) != 0);
		done(&b);
	}
}

static void test_product_hard(void **state)
{
	(void)state;
	struct bench b =
		infer("{product: [{name: truth, column: gender}, {name: truth, column: race}]}");
	const core_groups *g = &b.r.groups;
	static const char *const names[] = {"Female x A", "Female x B", "Male x A", "Male x B"};
	assert_int_equal(g->groups, 4);
	for (int i = 0; i < 4; i++)
		assert_string_equal(g->name[i], names[i]);
	for (int k = 0; k < CORE_SPLITS; k++) {
		assert_null(g->member[k]);
		for (int32_t i = 0; i < b.r.rows.n[k]; i++) {
			const char *speaker = speaker_of(&b, k, i), *race = race_of(speaker);
			int male = atoi(speaker + 1) % 2;
			int want = !*race || *race == 'C' ? -1 : 2 * male + (*race == 'B');
			assert_int_equal(g->id[k][i], want);
		}
	}
	done(&b);
}

/* Soft x hard: the hard factor has memberships 1 and 0, and 0 everywhere if it is unknown. */
static void test_product_soft(void **state)
{
	(void)state;
	struct bench b =
		infer("{product: [{name: spy, uses: 24, unknown: true}, {name: truth, column: "
		      "race}]}");
	const core_groups *g = &b.r.groups;
	assert_int_equal(g->groups, 12);
	assert_string_equal(g->name[7], "speaker x B");
	for (int k = 0; k < CORE_SPLITS; k++)
		for (int32_t i = 0; i < b.r.rows.n[k]; i++) {
			const char *race = race_of(speaker_of(&b, k, i));
			int hard = *race == 'A' ? 0 : *race == 'B' ? 1 : -1;
			int soft = i % 3 == 0 ? -1 : i % 2;
			assert_int_equal(g->id[k][i], hard < 0 || soft < 0 ? -1 : 2 * soft + hard);
			for (int m = 0; m < 12; m++) {
				float want = (m / 2 == 3 || m / 2 == 4) && m % 2 == hard ? 11 : 0;
				assert_true(g->member[k][12 * i + m] == want);
			}
		}
	done(&b);
}

/* Layer 1 of an utterance's features. */
static void features_of(const struct bench *b, int split, int32_t i, double x[TOY_DIMS])
{
	const char *stem = b->r.corpus->stem[b->r.rows.row[split][i]];
	float all[TOY_LAYERS * TOY_DIMS];
	test_toy_features(atoi(stem + 1), atoi(strchr(stem, '_') + 1), all);
	for (int j = 0; j < TOY_DIMS; j++)
		x[j] = all[TOY_DIMS + j];
}

static double distance(const double x[TOY_DIMS], const double sum[TOY_DIMS], int n)
{
	double far = 0;
	for (int j = 0; j < TOY_DIMS; j++)
		far += (x[j] - sum[j] / n) * (x[j] - sum[j] / n);
	return far;
}

/* A row of any split belongs to the nearest of the means of the training rows' clusters. */
static void test_kmeans(void **state)
{
	(void)state;
	char text[512];
	snprintf(text, sizeof text,
		"{name: kmeans, k: 2, seed: 3, encoder: {name: precomputed, file: "
		"%s/features.safetensors, layer: 1, standardize: none}}",
		folder);
	struct bench b = infer(text);
	const core_groups *g = &b.r.groups;
	double sum[2][TOY_DIMS] = {{0}}, x[TOY_DIMS];
	int n[2] = {0};
	assert_int_equal(g->groups, 2);
	for (int32_t i = 0; i < b.r.rows.n[CORE_TRAIN]; i++) {
		int32_t id = g->id[CORE_TRAIN][i];
		features_of(&b, CORE_TRAIN, i, x);
		n[id]++;
		for (int j = 0; j < TOY_DIMS; j++)
			sum[id][j] += x[j];
	}
	assert_true(n[0] && n[1]);
	for (int k = 0; k < CORE_SPLITS; k++)
		for (int32_t i = 0; i < b.r.rows.n[k]; i++) {
			features_of(&b, k, i, x);
			int nearest = distance(x, sum[1], n[1]) < distance(x, sum[0], n[0]);
			assert_int_equal(g->id[k][i], nearest);
		}
	done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_truth),
		cmocka_unit_test(test_shown), cmocka_unit_test(test_product_hard),
		cmocka_unit_test(test_product_soft), cmocka_unit_test(test_kmeans)};
	return cmocka_run_group_tests(tests, setup, NULL);
}
