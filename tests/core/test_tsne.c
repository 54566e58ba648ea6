/* SPDX-License-Identifier: Apache-2.0 */
/* t-SNE against definitions in double and against bands of scikit-learn (golden/training/tsne, by make_golden.py of the
 * reference data: scikit-learn 1.x, perplexity 40, 400 x 16 in five clusters). */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "embedding/affinities.h"
#include "embedding/field.h"

enum { FEW = 30, FEW_DIMS = 4 };

/* Squared distances of the rows of x [n,dims] */
static double *measure_distances(const double *x, int64_t n, int64_t dims)
{
	double *out = calloc((size_t)(n * n), sizeof *out);
	assert_non_null(out);
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < n; j++)
			for (int64_t d = 0; d < dims; d++)
				out[i * n + j] += pow(x[i * dims + d] - x[j * dims + d], 2);
	return out;
}

/* P [n,n] from core_affinity_fit on distances in double */
static double *join_affinities(const double *distance2, int64_t n, double perplexity)
{
	double *p = calloc((size_t)(n * n), sizeof *p), *row = calloc((size_t)n, sizeof *row);
	assert_true(p && row);
	for (int64_t i = 0; i < n; i++) {
		int64_t others = 0;
		for (int64_t j = 0; j < n; j++)
			if (j != i)
				row[others++] = distance2[i * n + j];
		core_affinity affinity = core_affinity_fit(others, row, perplexity);
		for (int64_t j = 0; j < n; j++)
			if (j != i) {
				double half = core_affinity_at(&affinity, distance2[i * n + j]) /
					      (2 * (double)n);
				p[i * n + j] += half;
				p[j * n + i] += half;
			}
	}
	free(row);
	return p;
}

/* KL(P || Q) of a map y [n,2] */
static double compute_kl(const double *p, const double *y, int64_t n)
{
	double sum_q = 0, kl = 0;
	double *distance2 = measure_distances(y, n, 2);
	for (int64_t i = 0; i < n * n; i++)
		sum_q += i % (n + 1) == 0 ? 0 : 1 / (1 + distance2[i]);
	for (int64_t i = 0; i < n * n; i++)
		if (p[i] > 0)
			kl += p[i] * log(p[i] * (1 + distance2[i]) * sum_q);
	free(distance2);
	return kl;
}

/* Trustworthiness (Venna and Kaski 2001): 1 minus a penalty for rows among the k nearest in the map that are not among
 * the k nearest in the data. */
static double measure_trust(const double *x, int64_t dims, const double *y, int64_t n, int64_t k)
{
	double *far = measure_distances(x, n, dims), *near = measure_distances(y, n, 2);
	double penalty = 0;
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < n; j++) {
			int64_t rank = 1, place = 1;
			for (int64_t o = 0; o < n; o++) {
				rank += o != i && far[i * n + o] < far[i * n + j];
				place += o != i && near[i * n + o] < near[i * n + j];
			}
			if (j != i && place <= k && rank > k)
				penalty += (double)(rank - k);
		}
	free(far);
	free(near);
	return 1 - 2 * penalty / (double)(n * k * (2 * n - 3 * k - 1));
}

static float *narrow(const double *x, int64_t n)
{
	float *out = calloc((size_t)n, sizeof *out);
	assert_non_null(out);
	for (int64_t i = 0; i < n; i++)
		out[i] = (float)x[i];
	return out;
}

static double *widen(const float *x, int64_t n)
{
	double *out = calloc((size_t)n, sizeof *out);
	assert_non_null(out);
	for (int64_t i = 0; i < n; i++)
		out[i] = (double)x[i];
	return out;
}

static json_t *read_tiny(const char *perplexity)
{
	json_t *all = test_json(test_golden("training/tsne/tsne.json"));
	json_t *tiny = json_incref(json_object_get(json_object_get(all, "tiny"), perplexity));
	assert_non_null(tiny);
	json_decref(all);
	return tiny;
}

static double read_cell(const json_t *tiny, const char *name, int64_t i, int64_t j)
{
	const json_t *row = json_array_get(json_object_get(tiny, name), (size_t)i);
	return json_number_value(json_array_get(row, (size_t)j));
}

static void affinities_are_golden(void **state)
{
	(void)state;
	int64_t shape[4];
	int rank;
	double *x = test_npy(test_golden("training/tsne/data30.npy"), shape, &rank);
	double *distance2 = measure_distances(x, FEW, FEW_DIMS);
	for (int big = 0; big < 2; big++) {
		json_t *tiny = read_tiny(big ? "9" : "5");
		double *p = join_affinities(distance2, FEW, big ? 9 : 5);
		for (int64_t i = 0; i < FEW; i++)
			for (int64_t j = 0; j < FEW; j++)
				test_close(p[i * FEW + j], read_cell(tiny, "P", i, j), 1e-13);
		free(p);
		json_decref(tiny);
	}
	free(distance2);
	free(x);
}

/* The gradient [n,2] of a field at the map y */
static void compute_gradient(const core_field *field, const double *y, int64_t n, double *out)
{
	float *block = aligned_alloc(64, sizeof(float) * 6 * (size_t)core_map_padded(n));
	float *at[6];
	assert_non_null(block);
	for (int a = 0; a < 6; a++)
		at[a] = block + a * core_map_padded(n);
	memset(block, 0, sizeof(float) * 6 * (size_t)core_map_padded(n));
	for (int64_t i = 0; i < n; i++) {
		at[4][i] = (float)y[2 * i];
		at[5][i] = (float)y[2 * i + 1];
	}
	core_map_points points = {n, at[4], at[5]};
	core_map_forces forces = {at[0], at[1], at[2], at[3]};
	double sum_q = field->compute_forces(field->state, &points, &forces);
	for (int64_t i = 0; i < 2 * n; i++) {
		const float *attraction = at[i % 2], *repulsion = at[2 + i % 2];
		out[i] = 4 * ((double)attraction[i / 2] - (double)repulsion[i / 2] / sum_q);
	}
	free(block);
}

/* Against autograd in double and against finite differences of the definition. */
static void gradient_is_golden(void **state)
{
	(void)state;
	int64_t shape[4];
	int rank;
	double *wide = test_npy(test_golden("training/tsne/data30.npy"), shape, &rank);
	float *x = narrow(wide, FEW * FEW_DIMS);
	for (int big = 0; big < 2; big++) {
		fv_ctx *ctx = test_ctx();
		core_team *team = core_team_open(ctx, 2);
		core_field field;
		json_t *tiny = read_tiny(big ? "9" : "5");
		double y[2 * FEW], gradient[2 * FEW], p[FEW * FEW], largest = 0;
		for (int64_t i = 0; i < 2 * FEW; i++) {
			y[i] = read_cell(tiny, "Y", i / 2, i % 2);
			largest = fmax(largest, fabs(read_cell(tiny, "grad", i / 2, i % 2)));
		}
		for (int64_t i = 0; i < FEW * FEW; i++)
			p[i] = read_cell(tiny, "P", i / FEW, i % FEW);
		test_close(compute_kl(p, y, FEW), json_number_value(json_object_get(tiny, "kl")),
			1e-12);
		test_ok(ctx,
			core_field_open_exact(ctx, team, x, FEW, FEW_DIMS, big ? 9 : 5, &field));
		compute_gradient(&field, y, FEW, gradient);
		for (int64_t i = 0; i < 2 * FEW; i++) {
			test_close(gradient[i] / largest,
				read_cell(tiny, "grad", i / 2, i % 2) / largest, 2e-6);
			/* finite differences */
			double step = 1e-5, moved[2 * FEW];
			memcpy(moved, y, sizeof moved);
			moved[i] = y[i] + step;
			double above = compute_kl(p, moved, FEW);
			moved[i] = y[i] - step;
			double slope = (above - compute_kl(p, moved, FEW)) / (2 * step);
			test_close(gradient[i] / largest, slope / largest, 2e-6);
		}
		core_team_close(team);
		json_decref(tiny);
		core_ctx_free(ctx);
	}
	free(x);
	free(wide);
}

static double dot_product(const double *a, const double *b, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* Removes from v what lies in the unit vector `other`. */
static void remove_direction(double *v, const double *other, int64_t n)
{
	double share = dot_product(v, other, n);
	for (int64_t i = 0; i < n; i++)
		v[i] -= share * other[i];
}

static void normalize_vector(double *v, int64_t n)
{
	double length = sqrt(dot_product(v, v, n));
	for (int64_t i = 0; i < n; i++)
		v[i] /= length;
}

static void start_is_golden(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_team *team = core_team_open(ctx, 1);
	int64_t shape[4];
	int rank;
	double *wide = test_npy(test_golden("training/tsne/data400.npy"), shape, &rank);
	int64_t n = shape[0], dims = shape[1];
	double *want = test_npy(test_golden("training/tsne/pca_init400.npy"), shape, &rank);
	float *x = narrow(wide, n * dims);
	double *plane = calloc((size_t)(2 * n), sizeof *plane), squares = 0;
	assert_non_null(plane);
	test_ok(ctx, core_pca_project(ctx, team, x, n, dims, plane));
	for (int64_t i = 0; i < n; i++)
		squares += plane[2 * i] * plane[2 * i];
	double scale = 1e-4 / sqrt(squares / (double)n);
	for (int64_t i = 0; i < 2 * n; i++)
		test_close(plane[i] * scale * 1e4, want[i] * 1e4, 1e-9);
	free(plane);
	free(x);
	free(want);
	free(wide);
	core_team_close(team);
	core_ctx_free(ctx);
}

enum { N_WIDE = 90, WIDE = 150, TOP = 3 };

/* The scores u [TOP,N_WIDE] of centred rows in the directions v [TOP,WIDE], made orthogonal */
static void score_directions(double (*x)[WIDE], double (*v)[WIDE], double (*u)[N_WIDE])
{
	for (int t = 0; t < TOP; t++) {
		for (int s = 0; s < t; s++)
			remove_direction(v[t], v[s], WIDE);
		normalize_vector(v[t], WIDE);
		for (int i = 0; i < N_WIDE; i++)
			u[t][i] = dot_product(x[i], v[t], WIDE);
	}
}

/* Rows in three clusters, and the same centred */
static void fill_wide(fv_stream *stream, float *x, double (*centred)[WIDE])
{
	for (int d = 0; d < WIDE; d++) {
		double mean = 0;
		for (int i = 0; i < N_WIDE; i++) {
			double cluster = i % 3 == d % 7 ? 2 + i % 3 : 0;
			x[i * WIDE + d] = (float)(fv_normal(stream) + cluster + 9);
			mean += (double)x[i * WIDE + d] / N_WIDE;
		}
		for (int i = 0; i < N_WIDE; i++)
			centred[i][d] = (double)x[i * WIDE + d] - mean;
	}
}

/* More columns than the Lanczos method takes steps, against orthogonal iteration from another start */
static void wide_rows_have_their_components(void **state)
{
	(void)state;
	static float x[N_WIDE * WIDE];
	static double centred[N_WIDE][WIDE], u[TOP][N_WIDE], v[TOP][WIDE];
	double plane[2 * N_WIDE];
	fv_ctx *ctx = test_ctx();
	core_team *team = core_team_open(ctx, 3);
	fv_stream stream = fv_rng_seeded(6, "test", 0, 0);
	fill_wide(&stream, x, centred);
	for (int d = 0; d < TOP * WIDE; d++)
		v[d / WIDE][d % WIDE] = fv_normal(&stream);
	for (int round = 0; round < 300; round++) {
		score_directions(centred, v, u);
		memset(v, 0, sizeof v);
		for (int i = 0; i < TOP * N_WIDE * WIDE; i++) {
			int t = i % TOP, row = i / TOP / WIDE, d = i / TOP % WIDE;
			v[t][d] += centred[row][d] * u[t][row];
		}
	}
	score_directions(centred, v, u);
	test_ok(ctx, core_pca_project(ctx, team, x, N_WIDE, WIDE, plane));
	for (int t = 0; t < 2; t++) {
		double largest = 0;
		for (int d = 0; d < WIDE; d++)
			largest = fabs(v[t][d]) > fabs(largest) ? v[t][d] : largest;
		for (int i = 0; i < N_WIDE; i++)
			test_close(plane[2 * i + t], largest < 0 ? -u[t][i] : u[t][i], 1e-7);
	}
	core_team_close(team);
	core_ctx_free(ctx);
}

struct band {
	double kl, kl_sd, trust, trust_sd;
};

static struct band read_band(const char *run)
{
	json_t *all = test_json(test_golden("training/tsne/tsne.json"));
	const json_t *one = json_object_get(json_object_get(all, "runs"), run);
	assert_non_null(one);
	struct band band = {json_number_value(json_object_get(one, "kl_dense_P_mean")),
		json_number_value(json_object_get(one, "kl_dense_P_sd")),
		json_number_value(json_object_get(one, "tw_mean")),
		json_number_value(json_object_get(one, "tw_sd"))};
	json_decref(all);
	return band;
}

/* A map of data400 by one method from its start, measured by the definitions with affinities of all pairs */
static struct band map_golden(core_tsne_method method, core_tsne_start start, uint64_t seed)
{
	fv_ctx *ctx = test_ctx();
	int64_t shape[4];
	int rank;
	double *wide = test_npy(test_golden("training/tsne/data400.npy"), shape, &rank);
	int64_t n = shape[0], dims = shape[1];
	float *x = narrow(wide, n * dims), map[2 * 400];
	core_tsne_options options = core_tsne_defaults();
	options.perplexity = 40;
	options.method = method;
	options.start = start;
	options.seed = seed;
	core_tsne_result result;
	test_ok(ctx, core_tsne(ctx, x, n, dims, &options, map, &result));
	double *distance2 = measure_distances(wide, n, dims), *y = widen(map, 2 * n);
	double *p = join_affinities(distance2, n, 40);
	struct band got = {.kl = compute_kl(p, y, n), .trust = measure_trust(wide, dims, y, n, 12)};
	test_close(result.kl, got.kl, 2e-6); /* with 121 neighbours, too: clusters have 80 rows */
	assert_int_equal(result.iterations, 1000);
	assert_int_equal(result.exact, method == CORE_TSNE_EXACT);
	free(distance2);
	free(p);
	free(y);
	free(x);
	free(wide);
	core_ctx_free(ctx);
	return got;
}

/* `runs` 1: a map from the components; 5: the mean of maps from random starts. Within 3 sd of scikit-learn's runs (of the
 * difference of two means of 5). Barnes-Hut opens a square for all points that are processed together when one of them
 * needs it, which is nearer to the exact forces than scikit-learn's: its KL lies between the bands of both methods. */
static void check_band(core_tsne_method method, const char *exact, const char *name, int runs)
{
	struct band low = read_band(exact), want = read_band(name), mean = {0};
	for (int seed = 0; seed < runs; seed++) {
		struct band got = map_golden(
			method, runs > 1 ? CORE_TSNE_RANDOM : CORE_TSNE_PCA, (uint64_t)seed);
		mean.kl += got.kl / runs;
		mean.trust += got.trust / runs;
	}
	print_message("%s: KL %.5f (%.5f, sd %.5f), trustworthiness %.5f (%.5f, sd %.5f)\n", name,
		mean.kl, want.kl, want.kl_sd, mean.trust, want.trust, want.trust_sd);
	double widths = runs > 1 ? 3 * sqrt(2.0 / runs) : 3;
	assert_true(mean.kl > low.kl - widths * low.kl_sd);
	assert_true(mean.kl < want.kl + widths * want.kl_sd);
	assert_true(fabs(mean.trust - want.trust) < widths * want.trust_sd);
}

static void maps_are_in_the_golden_band(void **state)
{
	(void)state;
	check_band(CORE_TSNE_EXACT, "exact_pca_jitter", "exact_pca_jitter", 1);
	check_band(CORE_TSNE_EXACT, "exact_random", "exact_random", 5);
	check_band(CORE_TSNE_BARNES_HUT, "exact_pca_jitter", "barnes_hut_pca_jitter", 1);
	check_band(CORE_TSNE_BARNES_HUT, "exact_random", "barnes_hut_random", 5);
}

/* The measure itself: 1 for the data, about 0.5 for points in any order. */
static void trust_tells_maps_apart(void **state)
{
	(void)state;
	enum { N = 200 };
	fv_stream stream = fv_rng_seeded(4, "test", 0, 0);
	double y[2 * N], other[2 * N];
	for (int i = 0; i < 2 * N; i++) {
		y[i] = fv_normal(&stream);
		other[i] = fv_normal(&stream);
	}
	assert_true(measure_trust(y, 2, y, N, 12) == 1);
	test_close(measure_trust(y, 2, other, N, 12), 0.5, 0.1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(affinities_are_golden),
		cmocka_unit_test(gradient_is_golden),
		cmocka_unit_test(start_is_golden),
		cmocka_unit_test(wide_rows_have_their_components),
		cmocka_unit_test(trust_tells_maps_apart),
		cmocka_unit_test(maps_are_in_the_golden_band),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
