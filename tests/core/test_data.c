/* SPDX-License-Identifier: Apache-2.0 */
/* Standardisation against the same formulas written another way: long double, one value at a time.
 */
#include "support.h"

#include <math.h>

#include "run/shared_matrix.h"
#include "train/batches.h"

#define N 10
#define ALL 13 /* rows in the features: more than the corpus has, in another order */
#define L 2
#define D 4
#define W (L * D)

static const int64_t place[N] = {12, 0, 3, 7, 1, 9, 2, 11, 4, 6};
static int32_t speaker[N] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 3};
static int32_t train[] = {0, 1, 3, 6, 7}, dev[] = {2, 4}, test[] = {5, 8, 9};

static float value(int32_t utterance, int j)
{
	if (j == 1)
		return 42.1f; /* constant */
	if (j == 2)
		return 30000 + (float)((utterance * 5 + 3) % 7); /* small beside its mean */
	if (j == 3)
		return utterance == 0 || utterance == 1 || utterance == 3 || utterance == 6 ||
				       utterance == 7
			       ? -8
			       : (float)utterance; /* constant in training alone */
	return (float)sin(utterance * 1.7 + j * 0.9) * (float)(j + 1);
}

struct world {
	fv_ctx *ctx;
	float x[ALL * W];
	core_features features;
	core_corpus corpus;
	core_rows rows;
};

static struct world world(void)
{
	struct world w = {.ctx = test_ctx()};
	for (int i = 0; i < ALL * W; i++)
		w.x[i] = NAN; /* rows outside the corpus must not be read */
	for (int i = 0; i < N; i++)
		for (int j = 0; j < W; j++)
			w.x[place[i] * W + j] = value(i, j);
	w.corpus = (core_corpus){.n = N, .n_speakers = 4, .speaker = speaker};
	w.rows = (core_rows){.n = {5, 2, 3}, .row = {train, dev, test}};
	return w;
}

static void moments(const int32_t *row, int n, int j, long double *mean, long double *sd)
{
	long double sum = 0, square = 0;
	for (int i = 0; i < n; i++)
		sum += value(row[i], j);
	*mean = sum / n;
	for (int i = 0; i < n; i++)
		square += ((long double)value(row[i], j) - *mean) * (value(row[i], j) - *mean);
	*sd = sqrtl(square / n);
}

/* A column without variation is only shifted. */
static double wanted(int32_t utterance, int j, const int32_t *row, int n)
{
	long double mean, sd;
	moments(row, n, j, &mean, &sd);
	return (double)(((long double)value(utterance, j) - mean) / (sd > 1e-9L ? sd : 1));
}

static void make(struct world *w, fv_standardize kind, core_matrix *m)
{
	w->features = (core_features){.n = ALL, .layers = L, .dims = D, .x = w->x};
	test_ok(w->ctx,
		core_matrix_copy(w->ctx, &w->features, place, &w->corpus, &w->rows, kind, m));
	for (int k = 0; k < CORE_SPLITS; k++)
		assert_int_equal(m->n[k], w->rows.n[k]);
}

static void test_none(void **state)
{
	(void)state;
	struct world w = world();
	core_matrix m;
	make(&w, FV_STANDARDIZE_NONE, &m);
	for (int k = 0; k < CORE_SPLITS; k++)
		for (int i = 0; i < m.n[k]; i++)
			for (int j = 0; j < W; j++)
				assert_true(m.x[k][i * W + j] == value(w.rows.row[k][i], j));
	for (int j = 0; j < W; j++)
		assert_true(m.scaling.mean[j] == 0 && m.scaling.scale[j] == 1);
	core_matrix_free(&m);
	core_ctx_free(w.ctx);
}

/* Without copies all rows of all splits are read by index, with the bits of the copies. */
static void check_indexed(struct world *w, fv_standardize kind, const core_matrix *copy)
{
	core_matrix m;
	test_ok(w->ctx, core_matrix_index(w->ctx, &w->features, place, &w->rows, kind, &m));
	assert_null(m.memory);
	for (int k = 0; k < CORE_SPLITS; k++)
		for (int i = 0; i < m.n[k]; i++) {
			const core_train_data data = {.x = m.x[k],
				.index = m.index[k],
				.mean = m.mean[k],
				.scale = m.scale[k]};
			float room[W];
			assert_memory_equal(
				core_row_input(&data, i, W, room), copy->x[k] + i * W, sizeof room);
		}
}

/* Rows that training reads by index and scales have the same bits as the copies. Rows without
 * scaling are not copied, and neither are test rows. */
static void test_index(void **state)
{
	(void)state;
	const fv_standardize kind[] = {
		FV_STANDARDIZE_NONE, FV_STANDARDIZE_TRAIN, FV_STANDARDIZE_SPEAKER};
	const int copied[] = {0, 2, 3};
	for (size_t s = 0; s < sizeof kind / sizeof *kind; s++) {
		struct world w = world();
		core_matrix copy, m;
		make(&w, kind[s], &copy);
		test_ok(w.ctx, core_matrix_make(
				       w.ctx, &w.features, place, &w.corpus, &w.rows, kind[s], &m));
		for (int k = 0; k < CORE_SPLITS; k++) {
			const core_train_data data = {.x = m.x[k],
				.index = m.index[k],
				.mean = m.mean[k],
				.scale = m.scale[k]};
			assert_true((m.x[k] == w.x) == (k >= copied[s]));
			assert_int_equal(m.n[k], copy.n[k]);
			for (int i = 0; i < m.n[k]; i++) {
				float room[W];
				assert_memory_equal(core_row_input(&data, i, W, room),
					copy.x[k] + i * W, sizeof room);
			}
		}
		if (m.scaling.mean)
			assert_memory_equal(m.scaling.mean, copy.scaling.mean, sizeof(float) * W);
		core_matrix_free(&m);
		if (kind[s] != FV_STANDARDIZE_SPEAKER)
			check_indexed(&w, kind[s], &copy);
		core_matrix_free(&copy);
		core_ctx_free(w.ctx);
	}
}

static void test_train(void **state)
{
	(void)state;
	struct world w = world();
	core_matrix m;
	make(&w, FV_STANDARDIZE_TRAIN, &m);
	for (int k = 0; k < CORE_SPLITS; k++)
		for (int i = 0; i < m.n[k]; i++)
			for (int j = 0; j < W; j++)
				test_close(m.x[k][i * W + j], wanted(w.rows.row[k][i], j, train, 5),
					j == 2 ? 2e-3
					       : 1e-5); /* float32 of 30,000 has steps of 0.002 */
	/* The scaling in the model gives the same input, bit by bit. */
	for (int j = 0; j < W; j++) {
		float again = (value(test[0], j) - m.scaling.mean[j]) * m.scaling.scale[j];
		assert_true(again == m.x[CORE_TEST][j]);
	}
	core_matrix_free(&m);
	core_ctx_free(w.ctx);
}

/* Only training rows count: changing a development row changes no other row. */
static void test_train_only(void **state)
{
	(void)state;
	struct world w = world(), other = world();
	for (int j = 0; j < W; j++)
		other.x[place[dev[1]] * W + j] = 1e6f;
	core_matrix a, b;
	make(&w, FV_STANDARDIZE_TRAIN, &a);
	make(&other, FV_STANDARDIZE_TRAIN, &b);
	assert_memory_equal(a.x[CORE_TRAIN], b.x[CORE_TRAIN], sizeof(float) * 5 * W);
	assert_memory_equal(a.x[CORE_TEST], b.x[CORE_TEST], sizeof(float) * 3 * W);
	core_matrix_free(&a);
	core_matrix_free(&b);
	core_ctx_free(w.ctx);
	core_ctx_free(other.ctx);
}

static void test_speaker(void **state)
{
	(void)state;
	struct world w = world();
	core_matrix m;
	make(&w, FV_STANDARDIZE_SPEAKER, &m);
	assert_null(m.scaling.mean);
	for (int k = 0; k < CORE_SPLITS; k++)
		for (int i = 0; i < m.n[k]; i++) {
			int32_t row = w.rows.row[k][i], own[N], n = 0;
			for (int32_t u = 0; u < N; u++) /* rows of no split as well */
				if (speaker[u] == speaker[row])
					own[n++] = u;
			for (int j = 0; j < W; j++)
				test_close(m.x[k][i * W + j], wanted(row, j, own, n),
					j == 2 ? 2e-3 : 1e-5);
		}
	core_matrix_free(&m);
	core_ctx_free(w.ctx);
}

static core_shared_matrix *share(struct world *w, core_matrices *among, const core_rows *rows,
	fv_standardize kind, core_matrix *m)
{
	core_shared_matrix *shared;
	w->features = (core_features){.n = ALL, .layers = L, .dims = D, .x = w->x};
	test_ok(w->ctx, core_matrix_share(w->ctx, among, &w->features, place, &w->corpus, rows,
				kind, false, m, &shared));
	return shared;
}

/* Runs with the same rows and scaling share one matrix, at the same time and one after the other; with other rows they get
 * another one, with the numbers that they would have alone. */
static void test_share(void **state)
{
	(void)state;
	struct world w = world();
	int32_t copy[] = {0, 1, 3, 6, 7}, other[] = {0, 1, 3, 6, 8};
	const core_rows same = {.n = {5, 2, 3}, .row = {copy, dev, test}};
	const core_rows differ = {.n = {5, 2, 3}, .row = {other, dev, test}};
	core_matrices among = {0};
	core_matrix m[5], alone;
	make(&w, FV_STANDARDIZE_TRAIN, &alone);
	core_shared_matrix *first = share(&w, &among, &w.rows, FV_STANDARDIZE_TRAIN, &m[0]);
	core_shared_matrix *second = share(&w, &among, &same, FV_STANDARDIZE_TRAIN, &m[1]);
	core_shared_matrix *third = share(&w, &among, &differ, FV_STANDARDIZE_TRAIN, &m[2]);
	core_shared_matrix *fourth = share(&w, &among, &same, FV_STANDARDIZE_NONE, &m[3]);
	core_shared_matrix *fifth = share(&w, NULL, &same, FV_STANDARDIZE_TRAIN, &m[4]);
	assert_ptr_equal(first, second);
	assert_true(third != first && fourth != first && fifth != first);
	assert_memory_equal(m[1].x[CORE_TRAIN], alone.x[CORE_TRAIN], sizeof(float) * 5 * W);
	assert_memory_equal(m[4].x[CORE_TRAIN], alone.x[CORE_TRAIN], sizeof(float) * 5 * W);
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < W; j++)
			test_close(m[2].x[CORE_TRAIN][i * W + j], wanted(other[i], j, other, 5),
				j == 2 ? 2e-3 : 1e-5);
	core_matrix_unshare(third);
	core_matrix_unshare(fourth);
	core_matrix_unshare(fifth);
	core_matrix_unshare(first);
	core_matrix_unshare(second); /* it stays, as the last one */
	assert_ptr_equal(share(&w, &among, &same, FV_STANDARDIZE_TRAIN, &m[0]), first);
	core_matrix_unshare(first);
	third = share(&w, &among, &differ, FV_STANDARDIZE_TRAIN, &m[2]);
	assert_ptr_equal(among.first, third);
	core_matrix_unshare(third);
	core_matrices_free(&among);
	assert_null(among.first);
	core_matrix_free(&alone);
	core_ctx_free(w.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_none),
		cmocka_unit_test(test_index), cmocka_unit_test(test_train),
		cmocka_unit_test(test_train_only), cmocka_unit_test(test_speaker),
		cmocka_unit_test(test_share)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
