/* SPDX-License-Identifier: Apache-2.0 */
/* Grouper `kmeans`: k-means on an encoder's output. A group's id is the index of its centre.
 *
 * Only the training rows are used to fit; all rows are then assigned to the nearest of these
 * centres. Features are used as they come (the core standardises them). Random draws depend on the
 * parameter `seed` and on the order of the rows, which the core sorts by stem. They do not depend
 * on the run's seed, and on the fold only through its rows.
 *
 * `within: class`: k clusters within each class that has training rows, classes in column order,
 * clusters named "class/0", ... A training row is assigned to the nearest cluster of its own class,
 * a row whose class is not shown (development, test) to the nearest cluster of all. Draws are keyed
 * by the class name.
 *
 * `soft: gaussian`: memberships as in soft.c, where v is `spread` times the mean squared distance
 * of all training rows to their centres, divided by D. If the class of a row is known, its
 * memberships in clusters of other classes are 0. The id is still that of the nearest centre, which
 * has the largest membership.
 *
 * Source: Lin, Chou, Lee, Interspeech 2025, section 3 and Table A1, which mixes the options of
 * scikit-learn's MiniBatchKMeans with "Lloyd"; `algorithm` offers both. Within classes: S. Seo,
 * J.-Y. Lee, B. Han, "Unsupervised learning of debiased representations with pseudo-attributes",
 * CVPR 2022.
 */
#include "kmeans.h"

#include <stdio.h>
#include <string.h>

#define CLUSTERS_MAX 65536

enum { LLOYD, MINIBATCH };
enum { WITHIN_NONE, WITHIN_CLASS };
enum { SOFT_NONE, SOFT_GAUSSIAN };

typedef struct kmeans_state {
	int64_t k, seed, max_iter, batch, max_no_improvement;
	double tol, reassignment_ratio, spread;
	int32_t algorithm, within, soft;
	int32_t dims, clusters; /* clusters: G, which is k for each block */
	double *centre;         /* [G,D] */
	double variance;        /* of the memberships */
	int32_t n_classes;
	int32_t *first; /* [n_classes] first cluster of a class, -1: no training rows; or NULL */
} kmeans_state;

/* Rows that are clustered together: all rows, or those of one class. */
struct block {
	const char *klass; /* NULL: all rows */
	int32_t n, first;  /* number of rows; first cluster */
	const float *x;    /* [n,D] */
	const int32_t *at; /* [n] positions among all rows; NULL: all rows in order */
};

static uint32_t kmeans_uses(const void *state)
{
	const kmeans_state *s = state;
	return FV_USE_FEATURES | (s->within == WITHIN_CLASS ? (uint32_t)FV_USE_CLASS : 0u);
}

static fv_status report_too_few(
	fv_ctx *ctx, const kmeans_state *s, const struct block *b, int64_t different)
{
	if (b->klass)
		return fv_fail(ctx, FV_DATA,
			"class '%s': k = %lld needs at least as many different rows, but its %d "
			"training rows have %lld: choose a smaller k",
			b->klass, (long long)s->k, b->n, (long long)different);
	return fv_fail(ctx, FV_DATA,
		"k = %lld needs at least as many different rows, but the %d training rows have "
		"%lld: choose a smaller k",
		(long long)s->k, b->n, (long long)different);
}

static fv_status run_kmeans(
	kmeans_state *s, fv_ctx *ctx, const kmeans_rows *rows, uint64_t index, kmeans_model *model)
{
	if (s->algorithm == LLOYD)
		return kmeans_run_lloyd(ctx, rows, s->tol, s->max_iter, model);
	fv_stream stream = fv_rng_seeded((uint64_t)s->seed, "kmeans.batches", 0, index);
	kmeans_minibatch_options options = {.batch = s->batch,
		.max_iter = s->max_iter,
		.max_no_improvement = s->max_no_improvement,
		.tol = s->tol,
		.reassignment_ratio = s->reassignment_ratio};
	return kmeans_run_minibatch(ctx, rows, &options, &stream, model);
}

/* Fits the centres of a block and adds its inertia. */
static fv_status fit_block(kmeans_state *s, fv_ctx *ctx, const struct block *b, double *inertia)
{
	size_t dims = (size_t)s->dims;
	int64_t *chosen = fv_scratch(ctx, (size_t)s->k * sizeof *chosen);
	int32_t *label = fv_scratch(ctx, (size_t)b->n * sizeof *label);
	if (!chosen || !label)
		return FV_FAILED;
	if (b->n < s->k)
		return report_too_few(ctx, s, b, b->n);
	kmeans_rows rows;
	uint64_t index = b->klass ? fv_name_hash(b->klass) : 0;
	fv_stream stream = fv_rng_seeded((uint64_t)s->seed, "kmeans.start", 0, index);
	int64_t batch = s->algorithm == MINIBATCH ? s->batch : 0;
	int32_t have = 0, k = (int32_t)s->k;
	fv_status status =
		kmeans_choose_start(ctx, b->x, b->n, s->dims, batch, &stream, k, chosen, &have);
	if (!status && have < k)
		status = report_too_few(ctx, s, b, have);
	if (!status)
		status = kmeans_prepare_rows(ctx, b->x, b->n, s->dims, &rows);
	if (status)
		return status;
	double *centre = s->centre + (size_t)b->first * dims;
	for (size_t j = 0; j < (size_t)k * dims; j++)
		centre[j] = (double)b->x[(size_t)chosen[j / dims] * dims + j % dims];
	kmeans_model model = {.k = k, .centre = centre, .label = label};
	status = run_kmeans(s, ctx, &rows, index, &model);
	if (!status && !model.converged)
		fv_warn(ctx,
			"k-means has not converged after %lld iterations: raise max_iter or tol",
			(long long)s->max_iter);
	*inertia += status ? 0 : model.inertia;
	return status;
}

/* Copies the rows of a class into a block. */
static fv_status gather_class(
	fv_ctx *ctx, const fv_grouper_input *rows, int32_t klass, struct block *b)
{
	size_t dims = (size_t)rows->dims, n = 0;
	for (int32_t i = 0; i < rows->n; i++)
		n += rows->klass[i] == klass;
	float *x = fv_scratch(ctx, n * dims * sizeof *x);
	int32_t *at = fv_scratch(ctx, n * sizeof *at);
	if (!x || !at)
		return FV_FAILED;
	b->n = 0;
	for (int32_t i = 0; i < rows->n; i++) {
		if (rows->klass[i] != klass)
			continue;
		memcpy(x + (size_t)b->n * dims, rows->x + (size_t)i * dims, dims * sizeof *x);
		at[b->n++] = i;
	}
	b->klass = rows->class_names[klass];
	b->x = x;
	b->at = at;
	return FV_OK;
}

/* Finds the first cluster of each class. */
static fv_status place_classes(kmeans_state *s, fv_ctx *ctx, const fv_grouper_input *train)
{
	s->n_classes = train->n_classes;
	s->first = fv_alloc(ctx, (size_t)s->n_classes * sizeof *s->first);
	if (!s->first)
		return FV_FAILED;
	int64_t clusters = 0;
	for (int32_t c = 0; c < s->n_classes; c++) {
		s->first[c] = -1;
		for (int32_t i = 0; i < train->n && s->first[c] < 0; i++)
			if (train->klass[i] == c)
				s->first[c] = (int32_t)clusters;
		clusters += s->first[c] < 0 ? 0 : s->k;
	}
	if (clusters > CLUSTERS_MAX)
		return fv_fail(ctx, FV_CONFIG,
			"k = %lld in every class makes more than %d clusters: choose a smaller k",
			(long long)s->k, CLUSTERS_MAX);
	s->clusters = (int32_t)clusters;
	return FV_OK;
}

static fv_status fit_classes(
	kmeans_state *s, fv_ctx *ctx, const fv_grouper_input *train, double *inertia)
{
	fv_status first = FV_OK;
	for (int32_t c = 0; c < s->n_classes; c++) {
		struct block b = {.first = s->first[c]};
		if (s->first[c] < 0)
			continue;
		fv_status status = gather_class(ctx, train, c, &b);
		if (!status)
			status = fit_block(s, ctx, &b, inertia);
		first = first ? first : status;
	}
	return first;
}

/* Names the groups "0", "1", ... or "angry/0", ... */
static fv_status name_groups(
	const kmeans_state *s, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	size_t width = 12;
	for (int32_t c = 0; c < s->n_classes; c++)
		if (strlen(train->class_names[c]) + 13 > width)
			width = strlen(train->class_names[c]) + 13;
	const char **name = fv_alloc(ctx, (size_t)s->clusters * sizeof *name);
	char *text = fv_alloc(ctx, (size_t)s->clusters * width);
	if (!name || !text)
		return FV_FAILED;
	for (int32_t j = 0; j < s->clusters; j++) {
		name[j] = text + (size_t)j * width;
		snprintf(text + (size_t)j * width, width, "%d", j);
	}
	for (int32_t c = 0; c < s->n_classes; c++)
		for (int32_t j = 0; s->first[c] >= 0 && j < s->k; j++)
			snprintf(text + (size_t)(s->first[c] + j) * width, width, "%s/%d",
				train->class_names[c], j);
	*out = (fv_grouping)FV_GROUPING(.groups = s->clusters, .name = name,
		.soft = s->soft != SOFT_NONE);
	return FV_OK;
}

static fv_status kmeans_fit_op(
	void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	kmeans_state *s = state;
	double inertia = 0;
	if (train->layers != 1)
		return fv_fail(ctx, FV_CONFIG,
			"the encoder gives %d layers; choose one with its key 'layer'",
			train->layers);
	s->dims = train->dims;
	s->clusters = (int32_t)s->k;
	fv_status status = kmeans_check_numbers(ctx, train->x, train->n, train->dims);
	if (!status && s->within == WITHIN_CLASS)
		status = place_classes(s, ctx, train);
	if (status)
		return status;
	s->centre = fv_alloc(ctx, (size_t)s->clusters * (size_t)s->dims * sizeof *s->centre);
	if (!s->centre)
		return FV_FAILED;
	const struct block all = {.n = train->n, .x = train->x};
	status =
		s->first ? fit_classes(s, ctx, train, &inertia) : fit_block(s, ctx, &all, &inertia);
	if (status)
		return status;
	s->variance = s->spread * inertia / train->n / s->dims;
	return name_groups(s, ctx, train, out);
}

/* Assigns the rows of a block to the nearest of `clusters` centres, starting at the block's first
 * one. */
static fv_status assign_block(const kmeans_state *s, fv_ctx *ctx, const struct block *b,
	int32_t clusters, int32_t *id, float *member)
{
	kmeans_rows prepared;
	kmeans_search search;
	const double *centre = s->centre + (size_t)b->first * (size_t)s->dims;
	int32_t *label = fv_scratch(ctx, (size_t)b->n * sizeof *label);
	if (!label)
		return FV_FAILED;
	fv_status status = kmeans_prepare_rows(ctx, b->x, b->n, s->dims, &prepared);
	if (!status)
		status = kmeans_prepare_search(ctx, clusters, s->dims, &search);
	if (status)
		return status;
	kmeans_find_nearest(&prepared, centre, clusters, &search, NULL, label);
	for (int32_t i = 0; i < b->n; i++) {
		size_t at = (size_t)(b->at ? b->at[i] : i);
		id[at] = b->first + label[i];
		if (member)
			kmeans_compute_members(b->x + (size_t)i * (size_t)s->dims, s->centre,
				s->dims, b->first, b->first + clusters, s->variance,
				member + at * (size_t)s->clusters + b->first);
	}
	return FV_OK;
}

static fv_status assign_classes(const kmeans_state *s, fv_ctx *ctx, const fv_grouper_input *rows,
	int32_t *id, float *member)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < rows->n; i++)
		id[i] = -1; /* stays for rows of a class that the training rows do not have */
	for (int32_t c = 0; c < s->n_classes && !status; c++) {
		struct block b = {.first = s->first[c]};
		if (s->first[c] < 0)
			continue;
		status = gather_class(ctx, rows, c, &b);
		if (!status)
			status = assign_block(s, ctx, &b, (int32_t)s->k, id, member);
	}
	return status;
}

static fv_status kmeans_assign_op(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	const kmeans_state *s = state;
	if (rows->dims != s->dims || rows->layers != 1)
		return fv_fail(ctx, FV_DATA,
			"the rows have %d x %d numbers, but it was fitted on 1 x %d", rows->layers,
			rows->dims, s->dims);
	if (s->soft == SOFT_NONE)
		member = NULL;
	if (member)
		memset(member, 0, (size_t)rows->n * (size_t)s->clusters * sizeof *member);
	fv_status status = kmeans_check_numbers(ctx, rows->x, rows->n, rows->dims);
	if (status)
		return status;
	if (s->first && rows->klass)
		return assign_classes(s, ctx, rows, id, member);
	const struct block all = {.n = rows->n, .x = rows->x};
	return assign_block(s, ctx, &all, s->clusters, id, member);
}

#define NUMBER(type_, name_, min_, max_, default_, doc_)                                           \
	FV_PARAM_##type_(kmeans_state, name_, .name = #name_, .min = min_, .max = max_,            \
		.def_paper = default_, .doc = doc_)

static const fv_param kmeans_params[] = {
	NUMBER(INT, k, 1, CLUSTERS_MAX, "16",
		"Number of clusters; with 'within: class', number per class."),
	FV_PARAM_CHOICE(kmeans_state, algorithm, .name = "algorithm", .choices = "lloyd|minibatch",
		.def_paper = "lloyd",
		.doc = "lloyd: full passes over all rows; minibatch: updates from small random "
		       "batches."),
	FV_PARAM_CHOICE(kmeans_state, within, .name = "within", .choices = "none|class",
		.def_paper = "none",
		.doc = "class: the training rows of each class are clustered separately, and rows "
		       "of unknown class go to the nearest cluster of all."),
	FV_PARAM_CHOICE(kmeans_state, soft, .name = "soft", .choices = "none|gaussian",
		.def_paper = "none",
		.doc = "gaussian: memberships exp(-d^2/(2v)), divided by their sum; v is the mean "
		       "within-cluster variance of a dimension."),
	NUMBER(REAL, spread, 0, 1e9, "1", "Factor on v (soft): larger is softer, 0 is hard."),
	NUMBER(INT, seed, 0, 4294967295.0, "42", "Seed of the start rows and of the batches."),
	NUMBER(INT, max_iter, 1, 1e6, "1000", "Largest number of passes over the rows."),
	NUMBER(REAL, tol, 0, 1, "1.0e-4",
		"Stop when the squared shifts of the centres sum to at most this times the mean "
		"variance."),
	NUMBER(INT, batch, 1, 1e6, "32", "Rows in a batch (minibatch)."),
	NUMBER(REAL, reassignment_ratio, 0, 1, "0.01",
		"A centre with less than this share of the largest count is moved (minibatch)."),
	NUMBER(INT, max_no_improvement, 1, 1e6, "10",
		"Stop after this many batches without improvement (minibatch)."),
};

static const fv_grouper_ops kmeans_ops =
	FV_GROUPER_OPS(.uses = kmeans_uses, .fit = kmeans_fit_op, .assign = kmeans_assign_op);

static const fv_descriptor kmeans_descriptor = FV_GROUPER(.name = "kmeans", .version = "1.1",
	.summary = "Clusters of an encoder's output by k-means, started by greedy k-means++",
	.source = "Lloyd 1982; Arthur and Vassilvitskii, SODA 2007; Sculley, WWW 2010; used for "
		  "debiasing in Lin, Chou, Lee, Interspeech 2025, and within classes in Seo, Lee, "
		  "Han, CVPR 2022",
	.licence = "Apache-2.0", .state_size = sizeof(kmeans_state), FV_PARAMS(kmeans_params),
	.ops = &kmeans_ops);

FV_PLUGIN_ENTRY
{
	return &kmeans_descriptor;
}
