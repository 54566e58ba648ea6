/* SPDX-License-Identifier: Apache-2.0 */
/* Principal components by the Lanczos method: the eigenvectors of X'X (X the centred rows) are found in the space spanned
 * by a start vector and its images. With up to STEPS columns that is the whole space, so that they are exact. */
#include <math.h>
#include <string.h>

#include <fairvox/stream.h>

#include "embedding/field.h"

/* Dimensions of the space; steps between looks at its eigenvectors; rows of a part */
enum { STEPS = 64, LOOK = 16, ROWS = 64, SUMS = 8 };
static const double wanted_residual = 1e-10;

struct components {
	core_team *team;
	const float *x;
	int64_t n, dims;
	double *mean;    /* [dims] */
	double *basis;   /* [STEPS,dims] */
	double *image;   /* [dims] */
	double *partial; /* [parts,dims] */
	double *score;   /* [n] */
	const double *vector;
	double offset; /* mean times vector */
	/* X'X within the basis: diagonal, and beside it */
	double diagonal[STEPS], beside[STEPS];
};

static int64_t count_parts(const struct components *c)
{
	return (c->n + ROWS - 1) / ROWS;
}

static double dot_row(const float *x, const double *v, int64_t dims)
{
	double sum[SUMS] = {0};
	int64_t d = 0;
	for (; d + SUMS <= dims; d += SUMS)
		for (int s = 0; s < SUMS; s++)
			sum[s] += (double)x[d + s] * v[d + s];
	for (int s = 0; d < dims; d++, s++)
		sum[s] += (double)x[d] * v[d];
	return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

static double dot_vectors(const double *a, const double *b, int64_t dims)
{
	double sum = 0;
	for (int64_t d = 0; d < dims; d++)
		sum += a[d] * b[d];
	return sum;
}

static void score_part(void *user, int64_t part, int member)
{
	(void)member;
	const struct components *c = user;
	int64_t last = (part + 1) * ROWS < c->n ? (part + 1) * ROWS : c->n;
	double *partial = c->partial + part * c->dims;
	memset(partial, 0, (size_t)c->dims * sizeof *partial);
	for (int64_t i = part * ROWS; i < last; i++) {
		const float *row = c->x + i * c->dims;
		double score = c->score[i] = dot_row(row, c->vector, c->dims) - c->offset;
		for (int64_t d = 0; d < c->dims; d++)
			partial[d] += score * ((double)row[d] - c->mean[d]);
	}
}

/* score = X v, image = X'X v */
static void multiply_vector(struct components *c, const double *vector)
{
	c->vector = vector;
	c->offset = dot_vectors(c->mean, vector, c->dims);
	core_team_run(c->team, count_parts(c), score_part, c);
	memset(c->image, 0, (size_t)c->dims * sizeof *c->image);
	for (int64_t part = 0; part < count_parts(c); part++)
		for (int64_t d = 0; d < c->dims; d++)
			c->image[d] += c->partial[part * c->dims + d];
}

/* Removes from v what lies in the first k vectors of the basis; twice, because of rounding. Returns its length. */
static double remove_basis(const struct components *c, int k, double *v)
{
	for (int round = 0; round < 2; round++)
		for (int b = 0; b < k; b++) {
			const double *basis = c->basis + b * c->dims;
			double share = dot_vectors(basis, v, c->dims);
			for (int64_t d = 0; d < c->dims; d++)
				v[d] -= share * basis[d];
		}
	return sqrt(dot_vectors(v, v, c->dims));
}

static void store_basis(struct components *c, int k, const double *v, double length)
{
	for (int64_t d = 0; d < c->dims; d++)
		c->basis[k * c->dims + d] = v[d] / length;
}

/* Basis vector k is drawn, at right angles to those before. */
static void draw_basis(struct components *c, int k)
{
	fv_stream stream = fv_rng_seeded(0, "pca", 0, (uint64_t)k);
	double length = 0;
	while (!(length > 1e-6)) {
		for (int64_t d = 0; d < c->dims; d++)
			c->image[d] = fv_normal(&stream);
		length = remove_basis(c, k, c->image);
	}
	store_basis(c, k, c->image, length);
}

/* A Jacobi rotation that makes a[p][q] 0 */
static void rotate_pair(int k, double (*a)[STEPS], double (*v)[STEPS], int p, int q)
{
	double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
	double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
	double cosine = 1 / sqrt(t * t + 1), sine = t * cosine;
	for (int i = 0; i < k; i++) {
		double x = a[i][p], y = a[i][q];
		a[i][p] = cosine * x - sine * y;
		a[i][q] = sine * x + cosine * y;
	}
	for (int i = 0; i < k; i++) {
		double x = a[p][i], y = a[q][i];
		a[p][i] = cosine * x - sine * y;
		a[q][i] = sine * x + cosine * y;
		x = v[i][p];
		y = v[i][q];
		v[i][p] = cosine * x - sine * y;
		v[i][q] = sine * x + cosine * y;
	}
}

/* Diagonalizes the symmetric matrix a [k,k] by Jacobi rotations; the columns of v [k,k] become its eigenvectors,
 * its diagonal the eigenvalues. */
static void diagonalize_matrix(int k, double (*a)[STEPS], double (*v)[STEPS])
{
	double total = 0;
	for (int i = 0; i < k; i++)
		for (int j = 0; j < k; j++) {
			v[i][j] = i == j;
			total += a[i][j] * a[i][j];
		}
	for (int round = 0; round < 60; round++) {
		double rest = 0;
		for (int p = 0; p < k; p++)
			for (int q = p + 1; q < k; q++) {
				rest += a[p][q] * a[p][q];
				if (a[p][q] * a[p][q] > 1e-34 * total)
					rotate_pair(k, a, v, p, q);
			}
		if (rest <= 1e-32 * total)
			break;
	}
}

/* The two largest eigenvalues within the basis of k vectors and their eigenvectors, share [2,STEPS]. Returns true when
 * they are those of X'X: the remainder of an eigenvector is its last share times beside[k - 1]. */
static bool solve_basis(const struct components *c, int k, double share[2][STEPS])
{
	double a[STEPS][STEPS] = {{0}}, v[STEPS][STEPS];
	for (int i = 0; i < k; i++) {
		a[i][i] = c->diagonal[i];
		if (i + 1 < k)
			a[i][i + 1] = a[i + 1][i] = c->beside[i];
	}
	diagonalize_matrix(k, a, v);
	int top[2] = {0, -1};
	for (int i = 1; i < k; i++)
		if (a[i][i] > a[top[0]][top[0]])
			top[0] = i;
	for (int i = 0; i < k; i++)
		if (i != top[0] && (top[1] < 0 || a[i][i] > a[top[1]][top[1]]))
			top[1] = i;
	bool found = true;
	for (int t = 0; t < 2; t++)
		for (int i = 0; i < k; i++)
			share[t][i] = top[t] < 0 ? 0 : v[i][top[t]];
	for (int t = 0; t < 2; t++)
		found = found && fabs(share[t][k - 1] * c->beside[k - 1]) <=
					 wanted_residual * a[top[0]][top[0]];
	return found;
}

/* Finds the shares of the basis in the first two components. Returns the size of the basis. */
static int grow_basis(struct components *c, double share[2][STEPS])
{
	int most = c->dims < STEPS ? (int)c->dims : STEPS;
	double largest = 0;
	draw_basis(c, 0);
	for (int k = 0;; k++) {
		multiply_vector(c, c->basis + k * c->dims);
		c->diagonal[k] = dot_vectors(c->basis + k * c->dims, c->image, c->dims);
		double length = remove_basis(c, k + 1, c->image);
		largest = fmax(largest, fmax(c->diagonal[k], length));
		c->beside[k] = length;
		if (k + 1 == most || (k + 1) % LOOK == 0)
			if (solve_basis(c, k + 1, share) || k + 1 == most)
				return k + 1;
		if (length > 1e-12 * largest) {
			store_basis(c, k + 1, c->image, length);
		} else {
			c->beside[k] = 0;
			draw_basis(c, k + 1);
		}
	}
}

/* Writes one component of the rows into plane[.][0]. */
static void write_component(struct components *c, int k, const double *share, double *plane)
{
	double *vector = c->image, largest = 0;
	memset(vector, 0, (size_t)c->dims * sizeof *vector);
	for (int b = 0; b < k; b++)
		for (int64_t d = 0; d < c->dims; d++)
			vector[d] += share[b] * c->basis[b * c->dims + d];
	for (int64_t d = 0; d < c->dims; d++)
		largest = fabs(vector[d]) > fabs(largest) ? vector[d] : largest;
	double sign = largest < 0 ? -1 : 1, offset = dot_vectors(c->mean, vector, c->dims);
	for (int64_t i = 0; i < c->n; i++)
		plane[2 * i] = sign * (dot_row(c->x + i * c->dims, vector, c->dims) - offset);
}

fv_status core_pca_project(
	fv_ctx *ctx, core_team *team, const float *x, int64_t n, int64_t dims, double *plane)
{
	struct components c = {.team = team, .x = x, .n = n, .dims = dims};
	size_t width = (size_t)dims;
	c.mean = core_alloc(ctx, width, sizeof *c.mean);
	c.basis = core_alloc(ctx, STEPS * width, sizeof *c.basis);
	c.image = core_alloc(ctx, width, sizeof *c.image);
	c.partial = core_alloc(ctx, (size_t)count_parts(&c) * width, sizeof *c.partial);
	c.score = core_alloc(ctx, (size_t)n, sizeof *c.score);
	if (!c.mean || !c.basis || !c.image || !c.partial || !c.score)
		return FV_FAILED;
	for (int64_t i = 0; i < n; i++)
		for (int64_t d = 0; d < dims; d++)
			c.mean[d] += (double)x[i * dims + d];
	for (int64_t d = 0; d < dims; d++)
		c.mean[d] /= (double)n;
	double share[2][STEPS] = {{0}};
	int k = grow_basis(&c, share);
	for (int t = 0; t < 2; t++)
		write_component(&c, k, share[t], plane + t);
	return FV_OK;
}
