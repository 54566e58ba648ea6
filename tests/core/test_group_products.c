/* SPDX-License-Identifier: Apache-2.0 */
/* Products of groupers on a small corpus: hard and soft factors, unknown ones, seeds. */
#include "support.h"

#include <string.h>

#include <fairvox/fairvox.h>

#include "config/params.h"
#include "plugin/descriptor.h"
#include "run/grouping.h"

enum { N = 12 };

static float x[N * 3]; /* female, male, child */
static int32_t gender[N], klass[N], speaker[N];
static int32_t train_row[] = {0, 2, 3, 5, 6, 8, 9, 11}, dev_row[] = {1, 4}, test_row[] = {7, 10};

struct bench {
	fv_ctx *ctx;
	core_registry *registry;
	core_corpus corpus;
	core_rows rows;
	core_features features;
	core_encoder_spec encoder;
	int64_t row[N];
};

static void set_up(struct bench *b)
{
	static const char *values[] = {"F", "M"}, *classes[] = {"calm", "angry"};
	static const char *stems[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
	static const char *const columns[] = {"female", "male", "child"};
	static const fv_role roles[] = {FV_COL_PROBABILITY, FV_COL_PROBABILITY, FV_COL_PROBABILITY};
	static bool counted[] = {true, true};
	static core_attribute attribute = {"gender", 2, values, counted, gender};
	static fv_output output = {.size = sizeof output,
		.name = "classes",
		.layers = 1,
		.dims = 3,
		.columns = columns,
		.roles = roles,
		.standardize = FV_STANDARDIZE_NONE};
	*b = (struct bench){.ctx = test_ctx()};
	test_ok(b->ctx, core_registry_open(b->ctx, NULL, 0, &b->registry));
	for (int i = 0; i < N; i++) {
		fv_stream s = fv_rng_seeded(9, "test.grouping", 0, (uint64_t)i);
		double child = 0.4 * fv_uniform(&s), female = (1 - child) * fv_uniform(&s);
		x[3 * i] = (float)female;
		x[3 * i + 1] = (float)(1 - child - female);
		x[3 * i + 2] = (float)child;
		gender[i] = i % 5 == 3 ? -1 : i % 2;
		klass[i] = i % 2;
		speaker[i] = i / 3;
		b->row[i] = i;
	}
	b->corpus = (core_corpus){.n = N,
		.classes = 2,
		.n_speakers = 4,
		.n_attributes = 1,
		.class_name = classes,
		.stem = stems,
		.klass = klass,
		.speaker = speaker,
		.attribute = &attribute};
	b->rows = (core_rows){.n = {8, 2, 2}, .row = {train_row, dev_row, test_row}};
	b->features = (core_features){.n = N, .layers = 1, .dims = 3, .x = x, .output = &output};
}

/* `settings`: name, value, ..., NULL */
static core_grouper_spec grouper(struct bench *b, const char *name, const char *const *settings)
{
	core_grouper_spec spec = {.use.plugin = core_registry_find(b->registry, FV_GROUPER, name)};
	assert_non_null(spec.use.plugin);
	const fv_descriptor *d = spec.use.plugin->descriptor;
	spec.use.state = core_alloc(b->ctx, 1, d->state_size);
	assert_non_null(spec.use.state);
	test_ok(b->ctx, core_params_default(b->ctx, d, "paper", spec.use.state));
	for (; *settings; settings += 2) {
		if (!strcmp(settings[0], "column"))
			spec.column = settings[1];
		test_ok(b->ctx, core_param_set(b->ctx, core_param_find(d, settings[0]), settings[0],
					spec.use.state, settings[1]));
	}
	spec.uses = ((const fv_grouper_ops *)d->ops)->uses(spec.use.state);
	return spec;
}

static void infer(struct bench *b, const core_grouper_spec *spec, int32_t n, core_groups *out)
{
	core_grouper_input input[3];
	for (int32_t i = 0; i < n; i++)
		input[i] = (core_grouper_input){.spec = &spec[i],
			.encoder = &b->encoder,
			.features = &b->features,
			.corpus_row = b->row};
	test_ok(b->ctx, core_groups_infer(b->ctx, input, n, &b->corpus, &b->rows, 1, 1, out));
}

static const int32_t *rows_of(const struct bench *b, int split, int32_t *n)
{
	*n = b->rows.n[split];
	return b->rows.row[split];
}

/* pseudo (soft, G = 2) x truth (hard, G = 2, some unknown): ids and memberships from the numbers.
 */
static void test_soft_by_hard(void **unused)
{
	(void)unused;
	struct bench b;
	set_up(&b);
	const char *const confident[] = {"confidence", "0.5", NULL};
	const char *const by_gender[] = {"column", "gender", NULL};
	const core_grouper_spec spec[] = {
		grouper(&b, "pseudo", confident), grouper(&b, "truth", by_gender)};
	core_groups g;
	infer(&b, spec, 2, &g);
	assert_int_equal(g.groups, 4);
	assert_true(g.probability);
	static const char *const names[] = {"female x F", "female x M", "male x F", "male x M"};
	int unknown = 0;
	for (int j = 0; j < 4; j++)
		assert_string_equal(g.name[j], names[j]);
	for (int split = 0; split < CORE_SPLITS; split++) {
		int32_t n;
		const int32_t *row = rows_of(&b, split, &n);
		for (int32_t i = 0; i < n; i++) {
			const float *p = x + 3 * row[i];
			int32_t sex = gender[row[i]], guess = p[1] > p[0];
			bool sure = p[guess] >= 0.5f; /* then the child's is less */
			assert_int_equal(g.id[split][i], sure && sex >= 0 ? 2 * guess + sex : -1);
			unknown += !sure || sex < 0;
			for (int j = 0; j < 4; j++)
				assert_true(g.member[split][4 * i + j] ==
					    (sex == j % 2 ? p[j / 2] : 0));
		}
	}
	assert_in_range(unknown, 2, N - 3);
	core_ctx_free(b.ctx);
}

/* Memberships of two soft factors are multiplied; a third, hard factor selects. */
static void test_soft_by_soft(void **unused)
{
	(void)unused;
	struct bench b;
	set_up(&b);
	const char *const shares[] = {"child", "renormalise", NULL};
	const char *const soft[] = {"k", "2", "soft", "gaussian", NULL};
	const char *const by_gender[] = {"column", "gender", NULL};
	const core_grouper_spec spec[] = {grouper(&b, "pseudo", shares),
		grouper(&b, "kmeans", soft), grouper(&b, "truth", by_gender)};
	core_groups one[3], g;
	for (int i = 0; i < 3; i++)
		infer(&b, &spec[i], 1, &one[i]);
	assert_false(one[1].probability);
	assert_null(one[2].member[CORE_TRAIN]);
	infer(&b, spec, 3, &g);
	assert_int_equal(g.groups, 8);
	for (int split = 0; split < CORE_SPLITS; split++) {
		for (int32_t i = 0; i < b.rows.n[split]; i++) {
			int32_t sex = one[2].id[split][i];
			float sum = one[1].member[split][2 * i] + one[1].member[split][2 * i + 1];
			test_close((double)sum, 1, 1e-6);
			assert_int_equal(g.id[split][i],
				sex < 0 ? -1
					: 4 * one[0].id[split][i] + 2 * one[1].id[split][i] + sex);
			for (int j = 0; j < 8; j++)
				assert_true(g.member[split][8 * i + j] ==
					    (j % 2 == sex ? one[0].member[split][2 * i + j / 4] *
								    one[1].member[split]
										 [2 * i + j / 2 % 2]
							  : 0));
		}
	}
	core_ctx_free(b.ctx);
}

/* A grouper gets classes of the training rows only; development and test rows are assigned by their
 * features. */
static void test_within_class(void **unused)
{
	(void)unused;
	struct bench b;
	set_up(&b);
	const char *const within[] = {"k", "2", "within", "class", NULL};
	const core_grouper_spec spec = grouper(&b, "kmeans", within);
	core_groups g, again;
	infer(&b, &spec, 1, &g);
	static const char *const names[] = {"calm/0", "calm/1", "angry/0", "angry/1"};
	assert_int_equal(g.groups, 4);
	for (int j = 0; j < 4; j++)
		assert_string_equal(g.name[j], names[j]);
	for (int32_t i = 0; i < b.rows.n[CORE_TRAIN]; i++)
		assert_int_equal(g.id[CORE_TRAIN][i] / 2, klass[train_row[i]]);
	for (int i = 0; i < N; i++) /* the classes of other rows change nothing */
		if (i % 3 == 1)
			klass[i] = 1 - klass[i];
	infer(&b, &spec, 1, &again);
	assert_memory_equal(g.id[CORE_TRAIN], again.id[CORE_TRAIN], 8 * sizeof(int32_t));
	assert_memory_equal(g.id[CORE_DEV], again.id[CORE_DEV], 2 * sizeof(int32_t));
	assert_memory_equal(g.id[CORE_TEST], again.id[CORE_TEST], 2 * sizeof(int32_t));
	core_ctx_free(b.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_soft_by_hard),
		cmocka_unit_test(test_soft_by_soft),
		cmocka_unit_test(test_within_class),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
