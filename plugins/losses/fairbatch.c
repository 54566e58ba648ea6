/* SPDX-License-Identifier: Apache-2.0 */
/* FairBatch: the shares of the groups in the batches follow the losses of the groups.
 *
 *     L_cg      mean base loss of the development rows of class c and group g, after each epoch
 *     gap_c     max_g L_cg - min_g L_cg
 *     lambda    starts at n_cg / n_c; after each epoch, in the class of the largest gap,
 *               lambda_ch += a, lambda_cl -= a,  a = min(alpha, lambda_cl),
 *               where h has the largest and l the smallest L_cg
 *     batches   of B rows hold about B (n_c / N) lambda_cg rows of class c and group g
 *
 * Shapes: lambda [C,G] sums to 1 over the groups of each class; n_c, n_cg training rows of known group.
 * With two groups this is the authors' update for equalized odds; with `update: each`, every class
 * makes its own step, as for equal opportunity in every class. A class is the argmax of the label, the
 * first on ties. Ties of L_cg and of gaps go to the lowest id. A subgroup without training rows or
 * without development rows takes no part in the update, and neither does a class with fewer than two
 * such groups. Rows of an unknown group keep their share of the training rows.
 *
 * An epoch has as many samples as the training rows. Each sample is of the subgroup that is furthest
 * behind its share of the epoch so far, the lowest on ties; within a subgroup rows come in the order
 * of the core's shuffle, again from its start when all have been used. The objective is the mean.
 * Validation: (1/B) sum_i w_i l_i, w_i = lambda_cg / (n_cg / n_c), 1 for a subgroup without training
 * rows and for unknown groups. metrics.jsonl shows lambda, class by class.
 *
 * Source: Roh, Lee, Whang, Suh, "FairBatch: batch selection for model fairness", ICLR 2021, section 3
 * and algorithm 1 for equalized odds. Differences from the authors' code: losses of the development
 * rows instead of the training rows; classes and groups of any number; lambda is within each class.
 */
#include <stdbool.h>
#include <string.h>

#include <fairvox/fairvox.h>

typedef struct fairbatch {
	double alpha;
	int32_t update;
	const fv_loss_setup *setup;
	double *lambda;  /* [1,C G] */
	double *natural; /* [C,G] n_cg / n_c; 0 without training rows */
} fairbatch;

enum { UPDATE_LARGEST, UPDATE_EACH };

static fv_status fairbatch_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	fairbatch *self = state;
	const fv_rows *train = setup->train;
	int32_t classes = train->classes, groups = train->groups;
	size_t subgroups = (size_t)classes * (size_t)groups;
	self->setup = setup;
	self->lambda = fv_array(ctx, "lambda", FV_F64, 1, (int64_t)subgroups);
	self->natural = fv_alloc(ctx, subgroups * sizeof *self->natural);
	if (!self->lambda || !self->natural)
		return FV_FAILED;
	for (int32_t c = 0; c < classes; c++) {
		const double *count = setup->count->cg + (size_t)c * (size_t)groups;
		double known = 0;
		for (int32_t g = 0; g < groups; g++)
			known += count[g];
		for (int32_t g = 0; g < groups && known > 0; g++)
			self->natural[c * groups + g] = count[g] / known;
	}
	memcpy(self->lambda, self->natural, subgroups * sizeof *self->lambda);
	return FV_OK;
}

/* --- batches ---------------------------------------------------------------------------------- */

/* The rows of a subgroup; the last of a class are those of unknown group. */
typedef struct queue {
	double share;     /* of the samples of an epoch */
	int64_t drawn;    /* so far */
	int32_t first, n; /* of its rows, in the list of all queues */
} queue;

static int32_t find_queue(const fv_rows *rows, int32_t row)
{
	int32_t group = rows->group[row];
	return rows->klass[row] * (rows->groups + 1) + (group < 0 ? rows->groups : group);
}

/* Sorts the rows into queues, in the order given, and sets the shares. */
static void fill_queues(
	const fairbatch *self, const int32_t *order, int64_t n, queue *queues, int32_t *list)
{
	const fv_rows *train = self->setup->train;
	const fv_counts *count = self->setup->count;
	int32_t width = train->groups + 1, at = 0;
	for (int64_t i = 0; i < n; i++)
		queues[find_queue(train, order[i])].n++;
	for (int32_t q = 0; q < train->classes * width; q++) {
		int32_t c = q / width, g = q % width;
		double unknown = count->c_unknown[c], known = count->c[c] - unknown;
		queues[q].first = at;
		at += queues[q].n;
		queues[q].n = 0;
		queues[q].share = g < train->groups
					  ? known / train->n * self->lambda[c * train->groups + g]
					  : unknown / train->n;
	}
	for (int64_t i = 0; i < n; i++) {
		queue *q = &queues[find_queue(train, order[i])];
		list[q->first + q->n++] = order[i];
	}
}

/* Finds the queue that is furthest behind its share of `samples`. */
static queue *find_behind(queue *queues, int32_t n, int64_t samples)
{
	queue *behind = NULL;
	double most = 0;
	for (int32_t q = 0; q < n; q++) {
		double lacks = queues[q].share * (double)samples - (double)queues[q].drawn;
		if (!queues[q].n || !(queues[q].share > 0) || (behind && lacks <= most))
			continue;
		behind = &queues[q];
		most = lacks;
	}
	return behind;
}

static fv_status fairbatch_order(
	void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	const fairbatch *self = state;
	const fv_rows *train = self->setup->train;
	int32_t all = train->classes * (train->groups + 1);
	queue *queues = fv_scratch(ctx, (size_t)all * sizeof *queues);
	int32_t *list = fv_scratch(ctx, (size_t)n * sizeof *list);
	(void)epoch;
	if (!queues || !list)
		return FV_FAILED;
	memset(queues, 0, (size_t)all * sizeof *queues);
	fill_queues(self, position, n, queues, list);
	for (int64_t i = 0; i < n; i++) {
		queue *q = find_behind(queues, all, i + 1);
		position[i] = list[q->first + q->drawn++ % q->n];
	}
	return FV_OK;
}

/* --- losses ----------------------------------------------------------------------------------- */

/* What the losses of a class say: the groups with the smallest and the largest. */
typedef struct gap {
	int32_t low, high; /* -1: fewer than two groups have losses */
	double size;
} gap;

static gap find_gap(const double *mean, const double *natural, int32_t groups)
{
	gap out = {-1, -1, 0};
	for (int32_t g = 0; g < groups; g++) {
		if (mean[g] < 0 || !(natural[g] > 0))
			continue;
		if (out.low < 0 || mean[g] < mean[out.low])
			out.low = g;
		if (out.high < 0 || mean[g] > mean[out.high])
			out.high = g;
	}
	if (out.low >= 0)
		out.size = mean[out.high] - mean[out.low];
	return out;
}

/* Writes the mean loss of each subgroup, -1 without rows, into mean [C,G]; count [C,G] is scratch. */
static void average_losses(const fv_batch *dev, double *mean, double *count)
{
	size_t subgroups = (size_t)dev->classes * (size_t)dev->groups;
	memset(mean, 0, subgroups * sizeof *mean);
	memset(count, 0, subgroups * sizeof *count);
	for (int32_t i = 0; i < dev->n; i++) {
		if (dev->group[i] < 0)
			continue;
		size_t at = (size_t)dev->klass[i] * (size_t)dev->groups + (size_t)dev->group[i];
		mean[at] += dev->loss[i];
		count[at]++;
	}
	for (size_t s = 0; s < subgroups; s++)
		mean[s] = count[s] > 0 ? mean[s] / count[s] : -1;
}

static void move_share(const fairbatch *self, double *lambda, gap g)
{
	double step = self->alpha < lambda[g.low] ? self->alpha : lambda[g.low];
	lambda[g.low] -= step;
	lambda[g.high] += step;
}

static fv_status fairbatch_validated(void *state, fv_ctx *ctx, const fv_batch *dev)
{
	fairbatch *self = state;
	size_t groups = (size_t)dev->groups, subgroups = (size_t)dev->classes * groups;
	double *mean = fv_scratch(ctx, subgroups * sizeof *mean);
	double *count = fv_scratch(ctx, subgroups * sizeof *count);
	gap largest = {-1, -1, 0};
	size_t of = 0;
	if (!mean || !count)
		return FV_FAILED;
	average_losses(dev, mean, count);
	for (size_t c = 0; c < (size_t)dev->classes; c++) {
		gap own = find_gap(mean + c * groups, self->natural + c * groups, dev->groups);
		if (self->update == UPDATE_EACH && own.size > 0)
			move_share(self, self->lambda + c * groups, own);
		if (own.size > largest.size) {
			largest = own;
			of = c;
		}
	}
	if (self->update == UPDATE_LARGEST && largest.size > 0)
		move_share(self, self->lambda + of * groups, largest);
	return FV_OK;
}

static fv_status fairbatch_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const fairbatch *self = state;
	double sum = 0;
	(void)ctx;
	for (int32_t i = 0; i < batch->n; i++) {
		int32_t group = batch->group[i];
		int32_t at = batch->klass[i] * batch->groups + (group < 0 ? 0 : group);
		bool drawn = group >= 0 && self->natural[at] > 0;
		sum += (drawn ? self->lambda[at] / self->natural[at] : 1) * batch->loss[i];
	}
	*value = sum / batch->n;
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_REAL(fairbatch, alpha, .name = "alpha", .min = 0, .max = 1, .def_paper = "0.005",
		.doc = "how much of a class's share moves between two groups after an epoch"),
	FV_PARAM_CHOICE(fairbatch, update, .name = "update", .choices = "largest|each",
		.def_paper = "largest",
		.doc = "which classes move a share: that of the largest gap, or each"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.uses_groups = 1, .open = fairbatch_open,
	.order = fairbatch_order, .evaluate = fairbatch_evaluate, .validated = fairbatch_validated);

static const fv_descriptor descriptor = FV_LOSS(.name = "fairbatch", .version = "1.0.0",
	.summary = "FairBatch: shares of the groups in the batches follow their losses",
	.source = "Roh et al., FairBatch: batch selection for model fairness, ICLR 2021",
	.licence = "Apache-2.0", .state_size = sizeof(fairbatch), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
