/* SPDX-License-Identifier: Apache-2.0 */
/* Groups by k-means on an encoder's output: hard groups, id = index of the centre.
 *
 * Fitted on the training rows alone; every set of rows is assigned to the nearest of those centres.
 * Features are taken as they come (the core standardises). The draws depend on the parameter `seed`
 * and on the order of the rows, which the core sorts by stem: not on the run's seed, nor on the
 * fold but through its rows.
 *
 * Source: Lin, Chou, Lee, Interspeech 2025, section 3 and Table A1, which mixes the options of
 * scikit-learn's MiniBatchKMeans with "Lloyd": `algorithm` offers both.
 */
#include "kmeans.h"

#include <stdio.h>
#include <string.h>

enum { LLOYD, MINIBATCH };

typedef struct kmeans_state {
	int64_t k, seed, max_iter, batch, max_no_improvement;
	double tol, reassignment_ratio;
	int32_t algorithm;
	int32_t dims;
	double *centre; /* [k,D] */
} kmeans_state;

static uint32_t kmeans_uses(const void *state)
{
	(void)state;
	return FV_USE_TABLE;
}

static fv_status too_few(fv_ctx *ctx, const kmeans_state *s, int32_t n, int64_t different)
{
	return fv_fail(ctx, FV_DATA,
		"k = %lld needs as many different rows, the %d training rows have %lld",
		(long long)s->k, n, (long long)different);
}

static fv_status iterate(kmeans_state *s, fv_ctx *ctx, const kmeans_rows *rows, kmeans_model *model)
{
	if (s->algorithm == LLOYD)
		return kmeans_lloyd(ctx, rows, s->tol, s->max_iter, model);
	fv_stream stream = fv_rng_seeded((uint64_t)s->seed, "kmeans.batches", 0, 0);
	kmeans_minibatch_options options = {.batch = s->batch,
		.max_iter = s->max_iter,
		.max_no_improvement = s->max_no_improvement,
		.tol = s->tol,
		.reassignment_ratio = s->reassignment_ratio};
	return kmeans_minibatch(ctx, rows, &options, &stream, model);
}

static fv_status fit_centres(kmeans_state *s, fv_ctx *ctx, const fv_table *train)
{
	size_t dims = (size_t)train->dims;
	int64_t *chosen = fv_scratch(ctx, (size_t)s->k * sizeof *chosen);
	int32_t *label = fv_scratch(ctx, (size_t)train->n * sizeof *label);
	s->centre = fv_alloc(ctx, (size_t)s->k * dims * sizeof *s->centre);
	if (!chosen || !label || !s->centre)
		return FV_FAILED;
	kmeans_rows rows;
	fv_stream stream = fv_rng_seeded((uint64_t)s->seed, "kmeans.start", 0, 0);
	int64_t batch = s->algorithm == MINIBATCH ? s->batch : 0;
	int32_t have = 0, k = (int32_t)s->k;
	fv_status status = kmeans_start(
		ctx, train->x, train->n, train->dims, batch, &stream, k, chosen, &have);
	if (!status && have < k)
		status = too_few(ctx, s, train->n, have);
	if (!status)
		status = kmeans_rows_make(ctx, train->x, train->n, train->dims, &rows);
	if (status)
		return status;
	for (size_t j = 0; j < (size_t)s->k; j++)
		for (size_t d = 0; d < dims; d++)
			s->centre[j * dims + d] = (double)train->x[(size_t)chosen[j] * dims + d];
	kmeans_model model = {.k = k, .centre = s->centre, .label = label};
	status = iterate(s, ctx, &rows, &model);
	if (!status && !model.converged)
		fv_warn(ctx, "not converged after %lld iterations", (long long)s->max_iter);
	return status;
}

/* "0", "1", ... */
static fv_status name_groups(fv_ctx *ctx, int64_t k, fv_grouping *out)
{
	enum { WIDTH = 12 };
	const char **name = fv_alloc(ctx, (size_t)k * sizeof *name);
	char *text = fv_alloc(ctx, (size_t)k * WIDTH);
	if (!name || !text)
		return FV_FAILED;
	for (int64_t j = 0; j < k; j++) {
		name[j] = text + j * WIDTH;
		snprintf(text + j * WIDTH, WIDTH, "%d", (int)j);
	}
	*out = (fv_grouping){.size = sizeof *out, .groups = (int32_t)k, .name = name};
	return FV_OK;
}

static fv_status kmeans_fit_op(void *state, fv_ctx *ctx, const fv_table *train, fv_grouping *out)
{
	kmeans_state *s = state;
	if (train->layers != 1)
		return fv_fail(ctx, FV_CONFIG,
			"the encoder gives %d layers; choose one with its key 'layer'",
			train->layers);
	if (train->n < s->k)
		return too_few(ctx, s, train->n, train->n);
	s->dims = train->dims;
	fv_status status = kmeans_check(ctx, train->x, train->n, train->dims);
	if (!status)
		status = fit_centres(s, ctx, train);
	return status ? status : name_groups(ctx, s->k, out);
}

static fv_status kmeans_assign_op(
	const void *state, fv_ctx *ctx, const fv_table *rows, int32_t *id, float *member)
{
	const kmeans_state *s = state;
	(void)member;
	if (rows->dims != s->dims || rows->layers != 1)
		return fv_fail(ctx, FV_DATA, "rows of %d x %d numbers, fitted on 1 x %d",
			rows->layers, rows->dims, s->dims);
	kmeans_rows prepared;
	kmeans_search search;
	fv_status status = kmeans_check(ctx, rows->x, rows->n, rows->dims);
	if (!status)
		status = kmeans_rows_make(ctx, rows->x, rows->n, rows->dims, &prepared);
	if (!status)
		status = kmeans_search_make(ctx, (int32_t)s->k, s->dims, &search);
	if (!status)
		kmeans_nearest(&prepared, s->centre, (int32_t)s->k, &search, id);
	return status;
}

#define PARAM(type_, name_, min_, max_, default_, doc_)                                            \
	{                                                                                          \
		.size = sizeof(fv_param), .type = type_, .name = #name_, .min = min_, .max = max_, \
		.def_paper = default_, .offset = offsetof(kmeans_state, name_), .doc = doc_        \
	}

static const fv_param kmeans_params[] = {
	PARAM(FV_INT, k, 1, 65536, "16", "Number of clusters."),
	{
		.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "algorithm",
		.choices = "lloyd|minibatch",
		.def_paper = "lloyd",
		.offset = offsetof(kmeans_state, algorithm),
		.doc = "Full passes over all rows, or updates from small random batches.",
	},
	PARAM(FV_INT, seed, 0, 4294967295.0, "42", "Seed of the start and of the batches."),
	PARAM(FV_INT, max_iter, 1, 1e6, "1000", "Largest number of passes over the rows."),
	PARAM(FV_REAL, tol, 0, 1, "1.0e-4",
		"Stop when the squared shifts of the centres sum to this times the mean variance."),
	PARAM(FV_INT, batch, 1, 1e6, "32", "Rows in a batch (minibatch)."),
	PARAM(FV_REAL, reassignment_ratio, 0, 1, "0.01",
		"A centre with under this share of the largest count is moved (minibatch)."),
	PARAM(FV_INT, max_no_improvement, 1, 1e6, "10",
		"Stop after this many batches without improvement (minibatch)."),
};

static const fv_grouper_ops kmeans_ops = {
	.size = sizeof(fv_grouper_ops),
	.uses = kmeans_uses,
	.fit = kmeans_fit_op,
	.assign = kmeans_assign_op,
};

static const fv_descriptor kmeans_descriptor = {
	.size = sizeof(fv_descriptor),
	.abi = FV_ABI,
	.kind = FV_GROUPER,
	.name = "kmeans",
	.version = "1.0",
	.summary = "Clusters of an encoder's output by k-means, started by greedy k-means++",
	.source = "Lloyd 1982; Arthur and Vassilvitskii, SODA 2007; Sculley, WWW 2010; used for "
		  "debiasing in Lin, Chou, Lee, Interspeech 2025",
	.licence = "Apache-2.0",
	.state_size = sizeof(kmeans_state),
	.params = kmeans_params,
	.n_params = sizeof kmeans_params / sizeof *kmeans_params,
	.ops = &kmeans_ops,
};

FV_PLUGIN_ENTRY
{
	return &kmeans_descriptor;
}
