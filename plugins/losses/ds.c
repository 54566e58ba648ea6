/* SPDX-License-Identifier: Apache-2.0 */
/* Down-sampling (DS): in each class, as many recordings of each group as the smallest group has;
 * then the mean of the base losses over the subsample.
 *
 *     m_c = min over groups present in class c of n_cg        v_i = 1/B
 *
 * draw: random takes m_c rows of each subgroup, those with the lowest draws of stream
 * ("downsample", hash of the stem). draw: confident takes the m_c rows with the highest membership
 * pi_ig in each group. With `repeats` (the authors' code) each column of pi ranks the whole class,
 * whatever the rows' hard groups, so a row may be taken twice, and ties go to the earlier row.
 * Without it, a group ranks its own rows and ties go to the lower draw. With `unknown_is_group`
 * (the authors' code) the rows of group -1 count as a group for the minimum, and a random draw
 * takes m_c of them; without it, they do not count and none is taken.
 *
 * Shapes: group [N], pi [N,G]. The subsample is in ascending order. All development rows are used,
 * with the plain mean. There is no `groups: class_x_group`: the minimum is already taken within a
 * class. Source: Lin, Chou, Lee, Interspeech 2025, section 3; draw: confident is the choice of
 * their code for pseudo-labels.
 */
#include <stdlib.h>

#include <fairvox/fairvox.h>

enum { AUTO, RANDOM, CONFIDENT };
enum { FEW_PER_CLASS = 20 };

typedef struct ds {
	int32_t draw, repeats, unknown_is_group;
	const fv_rows *train;
	const fv_counts *count;
} ds;

typedef struct candidate {
	double score; /* the lowest score is taken first */
	uint64_t tie;
	int32_t row;
} candidate;

static fv_status ds_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	ds *self = state;
	self->train = setup->train;
	self->count = setup->count;
	if (self->draw == AUTO)
		self->draw = setup->member_is_probability ? CONFIDENT : RANDOM;
	if (self->draw == CONFIDENT && !setup->train->member)
		return fv_fail(ctx, FV_CONFIG,
			"draw: confident needs memberships, but this grouper gives none: use draw: "
			"random or a grouper that gives probabilities, such as pseudo");
	return FV_OK;
}

static int compare_score(const void *a, const void *b)
{
	const candidate *x = a, *y = b;
	if (x->score != y->score)
		return x->score < y->score ? -1 : 1;
	return (x->tie > y->tie) - (x->tie < y->tie);
}

/* Returns m_c. Groups without a row in the class do not count. */
static double find_smallest_group(const ds *self, int32_t klass)
{
	int32_t groups = self->train->groups;
	double unknown = self->unknown_is_group ? self->count->c_unknown[klass] : 0,
	       least = unknown;
	for (int32_t g = 0; g < groups; g++) {
		double n = self->count->cg[(size_t)klass * (size_t)groups + (size_t)g];
		if (n > 0 && (least == 0 || n < least))
			least = n;
	}
	return least;
}

/* Writes the rows that may be taken for a class and group, best first, and returns their number. */
static int32_t rank_candidates(
	const ds *self, fv_ctx *ctx, int32_t klass, int32_t group, candidate *out)
{
	const fv_rows *rows = self->train;
	int32_t n = 0;
	int all = self->draw == CONFIDENT && self->repeats;
	for (int32_t i = 0; i < rows->n; i++) {
		if (rows->klass[i] != klass || (!all && rows->group[i] != group))
			continue;
		fv_stream stream = fv_rng(ctx, "downsample", 0, fv_name_hash(rows->stem[i]));
		candidate *c = &out[n++];
		*c = (candidate){.tie = all ? (uint64_t)i : fv_next(&stream), .row = i};
		if (self->draw == CONFIDENT && group >= 0)
			c->score = -rows->member[(size_t)i * (size_t)rows->groups + (size_t)group];
	}
	qsort(out, (size_t)n, sizeof *out, compare_score);
	return n;
}

/* Warns about classes with too few rows to learn from. (The total is printed elsewhere.) */
static void warn_few(const ds *self, fv_ctx *ctx, const int64_t *kept, int64_t n)
{
	int32_t few = 0, present = 0;
	for (int32_t c = 0; c < self->train->classes; c++) {
		present += self->count->c[c] > 0;
		few += self->count->c[c] > 0 && kept[c] < FEW_PER_CLASS;
	}
	if (few)
		fv_warn(ctx,
			"the subsample has %lld of %d rows, and %d of %d classes have fewer than "
			"%d in it",
			(long long)n, (int)self->train->n, (int)few, (int)present, FEW_PER_CLASS);
}

static fv_status ds_subsample(void *state, fv_ctx *ctx, int32_t *row, int64_t cap, int64_t *n)
{
	const ds *self = state;
	const fv_rows *rows = self->train;
	candidate *list = fv_scratch(ctx, (size_t)rows->n * sizeof *list);
	int32_t *times = fv_scratch(ctx, (size_t)rows->n * sizeof *times);
	int64_t *kept = fv_scratch(ctx, (size_t)rows->classes * sizeof *kept);
	if (!list || !times || !kept)
		return FV_FAILED;
	for (int32_t i = 0; i < rows->n; i++)
		times[i] = 0;
	int32_t first = self->draw == RANDOM && self->unknown_is_group ? -1 : 0;
	for (int32_t c = 0; c < rows->classes; c++) {
		kept[c] = 0;
		for (int32_t g = first; g < rows->groups; g++) {
			int32_t found = rank_candidates(self, ctx, c, g, list);
			for (int32_t i = 0; i < found && i < find_smallest_group(self, c);
				i++, kept[c]++)
				times[list[i].row]++;
		}
	}
	*n = 0;
	for (int32_t i = 0; i < rows->n; i++)
		for (int32_t t = 0; t < times[i] && *n < cap; t++)
			row[(*n)++] = i;
	warn_few(self, ctx, kept, *n);
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_CHOICE(ds, draw, .name = "draw", .choices = "auto|random|confident",
		.def_paper = "auto", .def_official = "random",
		.doc = "auto: confident if memberships are a classifier's probabilities, else "
		       "random"),
	FV_PARAM_BOOL(ds, repeats, .name = "repeats", .def_paper = "true", .def_official = "false",
		.doc = "confident: every group ranks the whole class, so a recording may be taken "
		       "twice"),
	FV_PARAM_BOOL(ds, unknown_is_group, .name = "unknown_is_group", .def_paper = "true",
		.def_official = "false",
		.doc = "count recordings of unknown group as a group of their own; otherwise drop "
		       "them"),
};

static const fv_loss_ops ops =
	FV_LOSS_OPS(.uses_groups = 1, .open = ds_open, .subsample = ds_subsample);

static const fv_descriptor descriptor = FV_LOSS(.name = "ds", .version = "1.0.0",
	.summary = "down-sampling to equal groups within each class",
	.source = "Lin, Chou and Lee, Interspeech 2025, section 3", .licence = "Apache-2.0",
	.state_size = sizeof(ds), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
