/* SPDX-License-Identifier: Apache-2.0 */
/* Accuracy and purity: C. Manning, P. Raghavan, H. Schuetze, "Introduction to information
 * retrieval", 2008, 16.3. NMI with the arithmetic mean and ARI as in N. Vinh, J. Epps, J. Bailey,
 * JMLR 11, 2010; ARI from pair counts: L. Hubert, P. Arabie, "Comparing partitions", J.
 * Classification 2, 1985. */
#include "eval/agreement.h"

#include <math.h>
#include <strings.h>

struct table {
	int32_t A, B;          /* inferred, true */
	int64_t n, *joint;     /* [A, B] rows with both groups */
	int64_t *row, *column; /* sums over the other axis */
};

static fv_status count_pairs_of_values(fv_ctx *ctx, int64_t n, const core_partition *inferred,
	const core_partition *truth, struct table *t, core_agreement *out)
{
	t->A = inferred->G;
	t->B = truth->G;
	t->joint = core_alloc(ctx, (size_t)t->A * (size_t)t->B + 1, sizeof *t->joint);
	t->row = core_alloc(ctx, (size_t)t->A + (size_t)t->B + 1, sizeof *t->row);
	if (!t->joint || !t->row)
		return FV_FAILED;
	t->column = t->row + t->A;
	for (int64_t i = 0; i < n; i++) {
		int32_t a = inferred->id[i], b = truth->id[i];
		if (a < 0)
			out->unknown_inferred++;
		else if (b < 0)
			out->unknown_true++;
		if (a < 0 || b < 0)
			continue;
		t->joint[a * t->B + b]++;
		t->row[a]++;
		t->column[b]++;
		t->n++;
	}
	return FV_OK;
}

bool core_partition_same(
	const core_partition *inferred, int32_t a, const core_partition *truth, int32_t b)
{
	return inferred->name && truth->name && !strcasecmp(inferred->name[a], truth->name[b]);
}

static int64_t count_correct(
	const struct table *t, const core_partition *inferred, const core_partition *truth)
{
	int64_t right = 0;
	bool named = false;
	for (int32_t a = 0; a < t->A; a++) {
		for (int32_t b = 0; b < t->B; b++) {
			if (core_partition_same(inferred, a, truth, b)) {
				right += t->joint[a * t->B + b];
				named = true;
			}
		}
	}
	return named ? right : -1;
}

static double compute_purity(const struct table *t)
{
	int64_t sum = 0;
	for (int32_t a = 0; a < t->A; a++) {
		int64_t most = 0;
		for (int32_t b = 0; b < t->B; b++)
			if (t->joint[a * t->B + b] > most)
				most = t->joint[a * t->B + b];
		sum += most;
	}
	return (double)sum / (double)t->n;
}

static double compute_entropy(const int64_t *count, int32_t k, int64_t n)
{
	double h = 0;
	for (int32_t i = 0; i < k; i++)
		if (count[i])
			h -= (double)count[i] / (double)n * log((double)count[i] / (double)n);
	return h;
}

static int32_t count_used(const int64_t *count, int32_t k)
{
	int32_t n = 0;
	for (int32_t i = 0; i < k; i++)
		n += count[i] > 0;
	return n;
}

static double compute_nmi(const struct table *t)
{
	int32_t a_used = count_used(t->row, t->A), b_used = count_used(t->column, t->B);
	double mutual = 0, n = (double)t->n;
	if (a_used == 1 || b_used == 1)
		return a_used == b_used ? 1 : 0;
	for (int32_t a = 0; a < t->A; a++) {
		for (int32_t b = 0; b < t->B; b++) {
			double cell = (double)t->joint[a * t->B + b];
			if (cell > 0)
				mutual +=
					cell / n *
					log(cell * n / ((double)t->row[a] * (double)t->column[b]));
		}
	}
	return fmax(0, mutual / ((compute_entropy(t->row, t->A, t->n) +
					 compute_entropy(t->column, t->B, t->n)) /
					2));
}

static double count_pairs(const int64_t *count, int32_t k)
{
	double sum = 0;
	for (int32_t i = 0; i < k; i++)
		sum += (double)count[i] * (double)(count[i] - 1) / 2;
	return sum;
}

static double compute_ari(const struct table *t)
{
	double both = count_pairs(t->joint, t->A * t->B), a = count_pairs(t->row, t->A);
	double b = count_pairs(t->column, t->B), all = count_pairs(&t->n, 1);
	double expected = all > 0 ? a * b / all : 0, most = (a + b) / 2;
	if (both == a && both == b) /* identical partitions, also if the quotient is 0/0 */
		return 1;
	return (both - expected) / (most - expected);
}

fv_status core_agreement_compute(fv_ctx *ctx, int64_t n, const core_partition *inferred,
	const core_partition *truth, core_agreement *out)
{
	struct table t = {0};
	*out = (core_agreement){
		.correct = -1, .accuracy = NAN, .purity = NAN, .nmi = NAN, .ari = NAN};
	fv_status status = count_pairs_of_values(ctx, n, inferred, truth, &t, out);
	out->n = t.n;
	if (status || !t.n)
		return status;
	out->correct = count_correct(&t, inferred, truth);
	out->accuracy = out->correct < 0 ? NAN : (double)out->correct / (double)t.n;
	out->purity = compute_purity(&t);
	out->nmi = compute_nmi(&t);
	out->ari = compute_ari(&t);
	return FV_OK;
}
