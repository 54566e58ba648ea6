/* SPDX-License-Identifier: Apache-2.0 */
/* my_plugin: two groups, below and above a quantile of one column of an encoder's output.
 *
 *     t    = the p-quantile of the column over the training rows
 *     id_i = 0 (low) if x_i < t, 1 (high) otherwise
 *
 * What to change: uses_input (which inputs the grouper sees), fit_threshold (what is learnt from the
 * training rows, and the names of the groups) and assign_rows (any rows, also of other splits). A group
 * of -1 means unknown. fairvox/grouper.h describes soft memberships, attributes and speakers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/fairvox.h>

typedef struct state {
	double quantile;
	const char *feature;
	int32_t position; /* of the column; filled in by fit_threshold, like all below */
	int32_t dims;
	float threshold;
} state;

static uint32_t uses_input(const void *self)
{
	(void)self;
	return FV_USE_FEATURES; /* the user names an encoder in the block `grouper` */
}

/* Refuses rows with a number that is not finite: they belong to no group. */
static fv_status check_numbers(fv_ctx *ctx, const fv_grouper_input *rows)
{
	for (int32_t i = 0; i < rows->n; i++)
		for (int32_t d = 0; d < rows->dims; d++)
			if (!isfinite(rows->x[(size_t)i * (size_t)rows->dims + (size_t)d]))
				return fv_fail(ctx, FV_DATA,
					"row %d, column '%s': not a finite number", i,
					rows->columns[d]);
	return FV_OK;
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

/* Returns the position of the column that the parameter names, or -1; the first if it names none. */
static int32_t find_column(const state *s, const fv_grouper_input *rows)
{
	for (int32_t d = 0; s->feature && d < rows->dims; d++)
		if (!strcmp(rows->columns[d], s->feature))
			return d;
	return s->feature ? -1 : 0;
}

static fv_status fit_threshold(
	void *self, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	static const char *const names[] = {"low", "high"};
	state *s = self;
	float *x = fv_scratch(ctx, (size_t)train->n * sizeof *x);
	if (!x)
		return FV_FAILED;
	if (!train->x)
		return fv_fail(ctx, FV_CONFIG,
			"is shown no features: uses_input() must return FV_USE_FEATURES");
	if (train->layers != 1)
		return fv_fail(ctx, FV_CONFIG,
			"the encoder gives %d layers: choose one with its key 'layer'",
			train->layers);
	s->dims = train->dims;
	s->position = find_column(s, train);
	if (s->position < 0)
		return fv_fail(ctx, FV_CONFIG, "the encoder has no column '%s': its first is '%s'",
			s->feature, train->columns[0]);
	fv_status status = check_numbers(ctx, train);
	if (status)
		return status;
	for (int32_t i = 0; i < train->n; i++)
		x[i] = train->x[(size_t)i * (size_t)s->dims + (size_t)s->position];
	qsort(x, (size_t)train->n, sizeof *x, compare_floats);
	s->threshold = (float)fv_quantile(x, train->n, s->quantile);
	*out = (fv_grouping)FV_GROUPING(.groups = 2, .name = names);
	return FV_OK;
}

static fv_status assign_rows(
	const void *self, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	const state *s = self;
	(void)member; /* the grouping is hard */
	if (rows->dims != s->dims)
		return fv_fail(ctx, FV_DATA, "the rows have %d columns, those of fit had %d",
			rows->dims, s->dims);
	fv_status status = check_numbers(ctx, rows);
	for (int32_t i = 0; !status && i < rows->n; i++) {
		float x = rows->x[(size_t)i * (size_t)s->dims + (size_t)s->position];
		id[i] = x >= s->threshold;
	}
	return status;
}

/* Without a default (.def_paper) the user must give a number or choice; `fairvox check` then takes -p key=value. */
static const fv_param params[] = {
	FV_PARAM_REAL(state, quantile, .name = "quantile", .min = 0, .max = 1, .def_paper = "0.5",
		.doc = "share of the training rows in the group low"),
	FV_PARAM_STRING(state, feature, .name = "feature",
		.doc = "column of the encoder's output; none: its first"),
};

static const fv_grouper_ops ops =
	FV_GROUPER_OPS(.uses = uses_input, .fit = fit_threshold, .assign = assign_rows);

static const fv_descriptor descriptor = FV_GROUPER(.name = "my_plugin", .version = "0.1",
	.summary = "two groups: below and above a quantile of a feature",
	.source = "an example: name the paper here", .licence = "Apache-2.0",
	.state_size = sizeof(state), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
