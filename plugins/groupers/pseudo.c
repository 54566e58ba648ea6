/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudo-labels: the group that a pretrained classifier finds most probable.
 *
 * The classifier is an encoder with G >= 2 columns of role PROBABILITY (p_i1 .. p_iG, column order
 * = id order); other columns are ignored. id_i = argmax_g p_ig, the lowest g on ties, -1 when that
 * probability is below `confidence`. Memberships are p_ig as they come, not renormalised: PGDRO's
 * authors use them so.
 *
 * With `pool: speaker` p_ig is first replaced by the median of p_jg over the rows j of i's speaker
 * in the same call (the mean of the two middle ones for an even count). The median, because a
 * probability is a monotone function of its classifier's score: "median probability above one half"
 * then says the same as "median score above the threshold", and a few shouted utterances do not
 * outvote the rest as they do in a mean of log-odds. Test speakers are pooled over their own test
 * rows, so results are transductive.
 *
 * Source: Lin, Chou, Lee, Interspeech 2025, section 3 (pseudo-labels from a speech gender
 * classifier).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/fairvox.h>

enum { POOL_NONE, POOL_SPEAKER };

#define COLUMNS_NAMED 12
#define TOLERANCE 1e-5f /* a softmax in float32 may sum to a little more than one */

typedef struct pseudo_state {
	double confidence;
	int32_t pool;
	int32_t groups, dims;
	int32_t *column;   /* [G] position of each group's column */
	const char **name; /* [G] copies */
} pseudo_state;

static uint32_t pseudo_uses(const void *state)
{
	const pseudo_state *s = state;
	return FV_USE_TABLE | (s->pool == POOL_SPEAKER ? (uint32_t)FV_USE_SPEAKER : 0u);
}

static fv_status pseudo_no_columns(fv_ctx *ctx, const fv_table *table, int32_t found)
{
	char names[512] = "";
	size_t used = 0;
	int32_t shown = 0;
	for (; shown < table->dims && shown < COLUMNS_NAMED && used + 1 < sizeof names; shown++)
		used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
			shown ? ", " : "", table->columns ? table->columns[shown] : "?");
	char rest[32] = "";
	if (shown < table->dims)
		snprintf(rest, sizeof rest, " and %d more", table->dims - shown);
	return fv_fail(ctx, FV_DATA,
		"at least two columns of role probability are needed, the encoder's output has %d "
		"among: %s%s",
		found, names, rest);
}

static fv_status pseudo_fit(void *state, fv_ctx *ctx, const fv_table *train, fv_grouping *out)
{
	pseudo_state *s = state;
	if (train->layers != 1)
		return fv_fail(ctx, FV_CONFIG,
			"the encoder gives %d layers; choose one with its key 'layer'",
			train->layers);
	int32_t found = 0;
	for (int32_t d = 0; d < train->dims; d++)
		found += train->roles && train->roles[d] == FV_COL_PROBABILITY;
	if (found < 2)
		return pseudo_no_columns(ctx, train, found);
	s->dims = train->dims;
	s->column = fv_alloc(ctx, (size_t)found * sizeof *s->column);
	s->name = fv_alloc(ctx, (size_t)found * sizeof *s->name);
	if (!s->column || !s->name)
		return FV_FAILED;
	s->groups = 0;
	for (int32_t d = 0; d < train->dims; d++) {
		if (train->roles[d] != FV_COL_PROBABILITY)
			continue;
		size_t size = strlen(train->columns[d]) + 1;
		char *name = fv_alloc(ctx, size);
		if (!name)
			return FV_FAILED;
		s->column[s->groups] = d;
		s->name[s->groups++] = memcpy(name, train->columns[d], size);
	}
	*out = (fv_grouping){.size = sizeof *out,
		.groups = s->groups,
		.name = s->name,
		.soft = 1,
		.probability = 1};
	return FV_OK;
}

/* p [n,G] of the rows as they are. */
static fv_status pseudo_read(const pseudo_state *s, fv_ctx *ctx, const fv_table *rows, float *p)
{
	for (int32_t i = 0; i < rows->n; i++) {
		const float *x = rows->x + (size_t)i * (size_t)s->dims;
		for (int32_t g = 0; g < s->groups; g++) {
			float value = x[s->column[g]];
			if (!(value >= -TOLERANCE && value <= 1 + TOLERANCE))
				return fv_fail(ctx, FV_DATA,
					"row %d: column '%s' is %.9g, not a probability (was it "
					"standardised?)",
					i, s->name[g], (double)value);
			p[(size_t)i * (size_t)s->groups + (size_t)g] = value;
		}
	}
	return FV_OK;
}

struct by_speaker {
	int32_t speaker, row;
};

static int compare_speaker(const void *a, const void *b)
{
	const struct by_speaker *x = a, *y = b;
	if (x->speaker != y->speaker)
		return x->speaker < y->speaker ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static int compare_float(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static float median(float *value, int32_t n)
{
	qsort(value, (size_t)n, sizeof *value, compare_float);
	if (n % 2)
		return value[n / 2];
	return (float)(((double)value[n / 2 - 1] + (double)value[n / 2]) / 2);
}

/* Replaces p [n,G] by the medians over each speaker; rows without a speaker stay as they are. */
static fv_status pseudo_pool(const pseudo_state *s, fv_ctx *ctx, const fv_table *rows, float *p)
{
	size_t n = (size_t)rows->n, groups = (size_t)s->groups;
	struct by_speaker *order = fv_scratch(ctx, n * sizeof *order);
	float *value = fv_scratch(ctx, n * sizeof *value);
	if (!order || !value)
		return FV_FAILED;
	if (!rows->speaker)
		return fv_fail(ctx, FV_CONFIG, "'pool: speaker' needs speakers, there are none");
	for (size_t i = 0; i < n; i++)
		order[i] = (struct by_speaker){rows->speaker[i], (int32_t)i};
	qsort(order, n, sizeof *order, compare_speaker);
	for (size_t first = 0, end; first < n; first = end) {
		for (end = first + 1; end < n && order[end].speaker == order[first].speaker;)
			end++;
		if (order[first].speaker < 0)
			continue;
		for (size_t g = 0; g < groups; g++) {
			for (size_t i = first; i < end; i++)
				value[i - first] = p[(size_t)order[i].row * groups + g];
			float pooled = median(value, (int32_t)(end - first));
			for (size_t i = first; i < end; i++)
				p[(size_t)order[i].row * groups + g] = pooled;
		}
	}
	return FV_OK;
}

static fv_status pseudo_assign(
	const void *state, fv_ctx *ctx, const fv_table *rows, int32_t *id, float *member)
{
	const pseudo_state *s = state;
	if (rows->dims != s->dims || rows->layers != 1)
		return fv_fail(ctx, FV_DATA, "rows of %d x %d numbers, fitted on 1 x %d",
			rows->layers, rows->dims, s->dims);
	size_t groups = (size_t)s->groups;
	float *p = fv_scratch(ctx, (size_t)rows->n * groups * sizeof *p);
	if (!p)
		return FV_FAILED;
	fv_status status = pseudo_read(s, ctx, rows, p);
	if (!status && s->pool == POOL_SPEAKER)
		status = pseudo_pool(s, ctx, rows, p);
	if (status)
		return status;
	for (int32_t i = 0; i < rows->n; i++) {
		const float *row = p + (size_t)i * groups;
		int32_t best = 0;
		for (int32_t g = 1; g < s->groups; g++)
			if (row[g] > row[best])
				best = g;
		id[i] = row[best] < (float)s->confidence ? -1 : best;
	}
	if (member)
		memcpy(member, p, (size_t)rows->n * groups * sizeof *p);
	return FV_OK;
}

static const fv_param pseudo_params[] = {
	{
		.size = sizeof(fv_param),
		.type = FV_REAL,
		.name = "confidence",
		.min = 0,
		.max = 1,
		.def_paper = "0",
		.offset = offsetof(pseudo_state, confidence),
		.doc = "A row whose largest probability is below this has no group; its "
		       "memberships stay.",
	},
	{
		.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "pool",
		.choices = "none|speaker",
		.def_paper = "none",
		.offset = offsetof(pseudo_state, pool),
		.doc = "With 'speaker' every row gets the median of its speaker's probabilities "
		       "(transductive).",
	},
};

static const fv_grouper_ops pseudo_ops = {
	.size = sizeof(fv_grouper_ops),
	.uses = pseudo_uses,
	.fit = pseudo_fit,
	.assign = pseudo_assign,
};

static const fv_descriptor pseudo_descriptor = {
	.size = sizeof(fv_descriptor),
	.abi = FV_ABI,
	.kind = FV_GROUPER,
	.name = "pseudo",
	.version = "1.0",
	.summary = "Pseudo-labels: the most probable class of a pretrained classifier of voices",
	.source = "Lin, Chou, Lee, \"Mitigating Subgroup Disparities in Multi-Label Speech Emotion "
		  "Recognition\", Interspeech 2025",
	.licence = "Apache-2.0",
	.state_size = sizeof(pseudo_state),
	.params = pseudo_params,
	.n_params = sizeof pseudo_params / sizeof *pseudo_params,
	.ops = &pseudo_ops,
};

FV_PLUGIN_ENTRY
{
	return &pseudo_descriptor;
}
