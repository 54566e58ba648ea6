/* SPDX-License-Identifier: Apache-2.0 */
/* k-means: declarations that the files of this plugin share.
 *
 * Shapes: n rows, D dimensions, k clusters; x [n,D] float32, centres [k,D] double, row-major. Every
 * result depends only on the numbers and the random stream given, not on the BLAS kernel, the
 * instruction set or the number of threads. */
#ifndef KMEANS_H
#define KMEANS_H

#include <stdbool.h>

#include <fairvox/fairvox.h>

/* Compiles a function for wider registers too; the best version for the machine is chosen when the
 * plugin is loaded. The arithmetic is the same. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define KMEANS_FAST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KMEANS_FAST
#endif

/* Eight floats: compilers keep vectors that are wider than a register in memory. */
typedef float kmeans_lanes __attribute__((vector_size(8 * sizeof(float))));
/* Their sum, by adding halves */
#define KMEANS_ADD_LANES(v)                                                                        \
	((((v)[0] + (v)[4]) + ((v)[2] + (v)[6])) + (((v)[1] + (v)[5]) + ((v)[3] + (v)[7])))

/* Rows, with everything that the search for the nearest centre needs and that does not depend on
 * the centres. */
typedef struct kmeans_rows {
	int64_t n;
	int32_t dims;
	const float *x;  /* [n,D] */
	float *shift;    /* [D] column means, rounded to float32 */
	double *norm;    /* [n] |x - shift| */
	double variance; /* mean over the columns of their variance (divisor n) */
} kmeans_rows;

/* Buffers of kmeans_find_nearest for up to k centres, reused from call to call. */
typedef struct kmeans_search {
	int32_t dims;
	float *centre;        /* [k,D] minus the shift */
	float *row;           /* [block,D] rows minus the shift */
	float *square;        /* [k] squared lengths of the shifted centres */
	double *norm;         /* [k] lengths of the shifted centres */
	float *score;         /* [k, block] */
	float *best, *second; /* [block] */
	int32_t *winner;      /* [block] */
} kmeans_search;

/* What is known of the distances of rows from their centres, so that most rows need not be compared again after
 * the centres have moved a little (bounds.c). */
typedef struct kmeans_bounds {
	int32_t k, dims;
	double *upper;  /* [n] at least the distance to the row's own centre */
	double *lower;  /* [n] at most the distance to every other centre */
	double *shift;  /* [k] by how much each centre has moved */
	double largest; /* of shift */
	int64_t *open;  /* [block] rows to compare */
} kmeans_bounds;

typedef struct kmeans_model {
	int32_t k;
	double *centre; /* [k,D] in: start centres; out: final centres */
	int32_t *label; /* [n] nearest final centre */
	double inertia; /* sum of squared distances to the nearest centre */
	int64_t iterations;
	bool converged; /* false: max_iter was reached first */
} kmeans_model;

/* Squared distance in double, summed in a fixed order. */
double kmeans_squared_distance(const float *x, const double *centre, int32_t dims);

/* Checks the numbers. Errors: FV_DATA for numbers that are not finite or beyond 1e15, whose squares
 * overflow float32. */
fv_status kmeans_check_numbers(fv_ctx *ctx, const float *x, int64_t n, int32_t dims);

/* Prepare rows and search buffers in scratch memory. `rows` refers to x, which must outlive it. */
fv_status kmeans_prepare_rows(
	fv_ctx *ctx, const float *x, int64_t n, int32_t dims, kmeans_rows *rows);
fv_status kmeans_prepare_search(fv_ctx *ctx, int32_t k, int32_t dims, kmeans_search *search);

/* Writes the nearest centre of each row into label [n]: the one with the smallest
 * kmeans_squared_distance, the lowest index on ties. bounds: of the labels so far, which are those of the
 * centres before they moved by bounds->shift; sets them anew. NULL: none. */
void kmeans_find_nearest(const kmeans_rows *rows, const double *centre, int32_t k,
	kmeans_search *search, kmeans_bounds *bounds, int32_t *label);

#define KMEANS_BLOCK 256 /* rows that are compared at once */

/* Computes score [k,block], -2 times the product of each of n rows with each centre, both minus the shift. open:
 * positions of the rows among all rows; NULL: from `first` on. */
void kmeans_compute_scores(const kmeans_rows *rows, int32_t k, int64_t first, const int64_t *open,
	int32_t n, kmeans_search *search);
/* Starts to read a row into the caches. */
void kmeans_prefetch_row(const kmeans_rows *rows, int64_t i);
/* Returns the score of row i with centre j. */
float kmeans_compute_score(
	const kmeans_rows *rows, int64_t i, int32_t j, const kmeans_search *search);
/* Returns a bound of the error of a score plus the square of its centre, for a row of length r and a centre of length
 * `other`. */
double kmeans_find_error(int32_t dims, double r, double other);

/* Prepares bounds in scratch memory that exclude nothing. */
fv_status kmeans_prepare_bounds(
	fv_ctx *ctx, int64_t n, int32_t k, int32_t dims, kmeans_bounds *bounds);
/* To be called once after the centres have moved by bounds->shift, before kmeans_find_open_rows. */
void kmeans_begin_bounds(kmeans_bounds *bounds);
/* Applies the shifts to the bounds of the n rows from `first` on. Returns the number of rows in bounds->open: those
 * whose label may change. */
int32_t kmeans_find_open_rows(kmeans_bounds *bounds, const kmeans_rows *rows,
	const kmeans_search *search, int64_t first, int32_t n, const int32_t *label);
/* Sets the bounds of row i to squared distances, or so that it is open again. */
void kmeans_set_bounds(kmeans_bounds *bounds, int64_t i, double upper2, double lower2);
void kmeans_open_bounds(kmeans_bounds *bounds, int64_t i);

/* Returns sum_i |x_i - centre of label_i|^2. */
double kmeans_compute_inertia(const kmeans_rows *rows, const double *centre, const int32_t *label);

/* Chooses the rows to start from by greedy k-means++. Writes them into chosen [k] and their number
 * into *have, which is less than k if there are fewer different rows. batch > 0: the start for
 * batches of that many rows, which looks only at three batches of rows (at 3 k rows if that is less
 * than k), drawn with replacement. */
fv_status kmeans_choose_start(fv_ctx *ctx, const float *x, int64_t n, int32_t dims, int64_t batch,
	fv_stream *stream, int32_t k, int64_t *chosen, int32_t *have);

fv_status kmeans_run_lloyd(
	fv_ctx *ctx, const kmeans_rows *rows, double tol, int64_t max_iter, kmeans_model *model);

/* Runs on batches of `batch` rows drawn with replacement, starting from model->centre. */
typedef struct kmeans_minibatch_options {
	int64_t batch, max_iter, max_no_improvement;
	double tol, reassignment_ratio;
} kmeans_minibatch_options;

fv_status kmeans_run_minibatch(fv_ctx *ctx, const kmeans_rows *rows,
	const kmeans_minibatch_options *options, fv_stream *stream, kmeans_model *model);

/* Writes the memberships member [last - first] of row x [D] in the clusters first .. last - 1 of
 * centre [.,D]:
 *     member_j = exp(-d_j / (2 v)) / sum_l exp(-d_l / (2 v)),  d_j = |x - c_j|^2, v = variance.
 * With v = 0 the membership is 1 in the nearest cluster (the lowest index on ties) and 0 in the
 * others. */
void kmeans_compute_members(const float *x, const double *centre, int32_t dims, int32_t first,
	int32_t last, double variance, float *member);

#endif
