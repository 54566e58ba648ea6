/* SPDX-License-Identifier: Apache-2.0 */
/* Grouper `pseudo`: pseudo-labels, the group that a pretrained classifier finds most probable.
 *
 * The classifier is an encoder with columns of role PROBABILITY, p_i1 .. p_iK in column order;
 * other columns are ignored. `child` says what happens to the column named `child_column`, if there
 * is one:
 *
 *     drop         G = K - 1 groups, all but the child's. A row whose largest p is the child's has
 *                  group -1. Memberships are the other p_ig unchanged: in the paper
 *                  (p_female, p_male).
 *     renormalise  G = K - 1 groups, p_ig <- p_ig / sum of the other groups' p_ih, or zeros if that
 *                  sum is 0. Without such a column all K are divided by their sum.
 *     keep         G = K groups, p_ig unchanged.
 *
 * G >= 2. id_i = argmax of the remaining p (with drop: of all K), the lowest g on ties. id_i = -1
 * if that probability is 0 or below `confidence`: such a row tells nothing about its group. Rows of
 * group -1 keep their memberships. Memberships sum to 1 only with renormalise, or if the
 * classifier's do.
 *
 * Recordings in which nothing can be heard have group -1 and memberships 0 (the core sees to that).
 *
 * With `pool: speaker` p_ig (after renormalising, with renormalise) is first replaced by the median
 * of p_jg over the rows j of i's speaker in the same call that are not silent; for an even count, by the mean of the
 * two middle values. Why the median: a probability is a monotone function of the classifier's
 * score, so "median probability above one half" is the same as "median score above the threshold".
 * A few shouted recordings do not outvote the rest, as they would in a mean of log-odds. Test
 * speakers are pooled over their own test rows, so results are transductive.
 *
 * Source: Lin, Chou, Lee, Interspeech 2025, section 3 (pseudo-labels from a speech gender
 * classifier). In their code a row of class child is -1.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/fairvox.h>

enum { POOL_NONE, POOL_SPEAKER };
enum { CHILD_DROP, CHILD_RENORMALISE, CHILD_KEEP };

#define COLUMNS_NAMED 12
/* Allowed excess of a probability: a softmax in float32 may sum to a little more than one. */
#define TOLERANCE 1e-5f

typedef struct pseudo_state {
	double confidence;
	int32_t pool, child;
	const char *child_column;
	int32_t groups, read,
		dims;      /* G; number of columns read: G, or G + 1 with a child that is dropped */
	int32_t *column;   /* [read] positions; that of a dropped child is last */
	const char **name; /* [read] copies */
} pseudo_state;

static uint32_t pseudo_uses(const void *state)
{
	const pseudo_state *s = state;
	return FV_USE_FEATURES | (s->pool == POOL_SPEAKER ? (uint32_t)FV_USE_SPEAKER : 0u);
}

static fv_status pseudo_report_columns(
	fv_ctx *ctx, const fv_grouper_input *table, int32_t found, const char *child)
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
	char without[128] = "";
	if (child)
		snprintf(without, sizeof without, " besides '%.100s'", child);
	return fv_fail(ctx, FV_DATA,
		"needs at least two columns of role probability%s, but the encoder's output has "
		"%d among: %s%s",
		without, found, names, rest);
}

static fv_status pseudo_add_column(
	pseudo_state *s, fv_ctx *ctx, const fv_grouper_input *train, int32_t column)
{
	size_t size = strlen(train->columns[column]) + 1;
	char *name = fv_alloc(ctx, size);
	if (!name)
		return FV_FAILED;
	s->column[s->read] = column;
	s->name[s->read++] = memcpy(name, train->columns[column], size);
	return FV_OK;
}

static bool pseudo_is_child(const pseudo_state *s, const fv_grouper_input *train, int32_t column)
{
	return s->child != CHILD_KEEP && s->child_column &&
	       !strcmp(train->columns[column], s->child_column);
}

/* Fills in column and name: first the groups' columns in order, then the child's if it is dropped.
 */
static fv_status pseudo_choose_columns(pseudo_state *s, fv_ctx *ctx, const fv_grouper_input *train)
{
	int32_t found = 0, child = -1;
	for (int32_t d = 0; d < train->dims; d++)
		found += train->roles && train->roles[d] == FV_COL_PROBABILITY;
	s->column = fv_alloc(ctx, ((size_t)found + 1) * sizeof *s->column);
	s->name = fv_alloc(ctx, ((size_t)found + 1) * sizeof *s->name);
	if (!s->column || !s->name)
		return FV_FAILED;
	s->read = 0;
	for (int32_t d = 0; d < train->dims; d++) {
		if (!train->roles || train->roles[d] != FV_COL_PROBABILITY)
			continue;
		if (pseudo_is_child(s, train, d))
			child = d;
		else if (pseudo_add_column(s, ctx, train, d))
			return FV_FAILED;
	}
	s->groups = s->read;
	if (s->groups < 2)
		return pseudo_report_columns(
			ctx, train, s->groups, child < 0 ? NULL : train->columns[child]);
	return s->child == CHILD_DROP && child >= 0 ? pseudo_add_column(s, ctx, train, child)
						    : FV_OK;
}

static fv_status pseudo_fit(
	void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	pseudo_state *s = state;
	if (train->layers != 1)
		return fv_fail(ctx, FV_CONFIG,
			"the encoder gives %d layers; choose one with its key 'layer'",
			train->layers);
	s->dims = train->dims;
	fv_status status = pseudo_choose_columns(s, ctx, train);
	if (status)
		return status;
	*out = (fv_grouping)FV_GROUPING(.groups = s->groups, .name = s->name, .soft = 1,
		.probability = 1);
	return FV_OK;
}

/* Reads the probabilities of the rows into p [n,read]. */
static fv_status pseudo_read_columns(
	const pseudo_state *s, fv_ctx *ctx, const fv_grouper_input *rows, float *p)
{
	for (int32_t i = 0; i < rows->n; i++) {
		const float *x = rows->x + (size_t)i * (size_t)s->dims;
		for (int32_t g = 0; g < s->read; g++) {
			float value = x[s->column[g]];
			if (!(value >= -TOLERANCE && value <= 1 + TOLERANCE))
				return fv_fail(ctx, FV_DATA,
					"row %d: column '%s' is %.9g, not a probability: turn off "
					"the "
					"encoder's 'standardize'",
					i, s->name[g], (double)value);
			p[(size_t)i * (size_t)s->read + (size_t)g] = value > 0 ? value : 0;
		}
	}
	return FV_OK;
}

/* Divides each row of p [n,G] by its sum. */
static void pseudo_renormalise(const pseudo_state *s, int32_t n, float *p)
{
	for (int32_t i = 0; i < n; i++, p += s->groups) {
		double sum = 0;
		for (int32_t g = 0; g < s->groups; g++)
			sum += (double)p[g];
		for (int32_t g = 0; g < s->groups && sum > 0; g++)
			p[g] = (float)((double)p[g] / sum);
	}
}

struct speaker_row {
	int32_t speaker, row;
};

static int compare_speaker(const void *a, const void *b)
{
	const struct speaker_row *x = a, *y = b;
	if (x->speaker != y->speaker)
		return x->speaker < y->speaker ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static int compare_float(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static float find_median(float *value, int32_t n)
{
	qsort(value, (size_t)n, sizeof *value, compare_float);
	if (n % 2)
		return value[n / 2];
	return (float)(((double)value[n / 2 - 1] + (double)value[n / 2]) / 2);
}

/* Replaces the rows of one speaker by the median over those that are not silent. */
static void pool_rows(const fv_grouper_input *rows, const struct speaker_row *own, size_t n,
	size_t width, float *value, float *p)
{
	for (size_t g = 0; g < width; g++) {
		int32_t heard = 0;
		for (size_t i = 0; i < n; i++)
			if (!rows->silent || !rows->silent[own[i].row])
				value[heard++] = p[(size_t)own[i].row * width + g];
		if (!heard)
			return;
		float pooled = find_median(value, heard);
		for (size_t i = 0; i < n; i++)
			p[(size_t)own[i].row * width + g] = pooled;
	}
}

/* Replaces p [n,read] by each speaker's median. Rows without a speaker do not change. */
static fv_status pseudo_pool_speakers(
	const pseudo_state *s, fv_ctx *ctx, const fv_grouper_input *rows, float *p)
{
	size_t n = (size_t)rows->n, width = (size_t)s->read;
	struct speaker_row *order = fv_scratch(ctx, n * sizeof *order);
	float *value = fv_scratch(ctx, n * sizeof *value);
	if (!order || !value)
		return FV_FAILED;
	if (!rows->speaker)
		return fv_fail(ctx, FV_CONFIG,
			"'pool: speaker' needs speakers, but the corpus has none: use 'pool: "
			"none'");
	for (size_t i = 0; i < n; i++)
		order[i] = (struct speaker_row){rows->speaker[i], (int32_t)i};
	qsort(order, n, sizeof *order, compare_speaker);
	for (size_t first = 0, end; first < n; first = end) {
		for (end = first + 1; end < n && order[end].speaker == order[first].speaker;)
			end++;
		if (order[first].speaker >= 0)
			pool_rows(rows, order + first, end - first, width, value, p);
	}
	return FV_OK;
}

/* Returns the group of a row, or -1. A dropped child comes last, so on ties the groups win. */
static int32_t pseudo_choose_group(const pseudo_state *s, const float *row)
{
	int32_t best = 0;
	for (int32_t g = 1; g < s->read; g++)
		if (row[g] > row[best])
			best = g;
	if (best >= s->groups || !(row[best] > 0) || row[best] < (float)s->confidence)
		return -1;
	return best;
}

static fv_status pseudo_assign(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	const pseudo_state *s = state;
	if (rows->dims != s->dims || rows->layers != 1)
		return fv_fail(ctx, FV_DATA,
			"the rows have %d x %d numbers, but it was fitted on 1 x %d", rows->layers,
			rows->dims, s->dims);
	size_t width = (size_t)s->read, groups = (size_t)s->groups;
	float *p = fv_scratch(ctx, (size_t)rows->n * width * sizeof *p);
	if (!p)
		return FV_FAILED;
	fv_status status = pseudo_read_columns(s, ctx, rows, p);
	if (!status && s->child == CHILD_RENORMALISE)
		pseudo_renormalise(s, rows->n, p);
	if (!status && s->pool == POOL_SPEAKER)
		status = pseudo_pool_speakers(s, ctx, rows, p);
	if (status)
		return status;
	for (int32_t i = 0; i < rows->n; i++) {
		const float *row = p + (size_t)i * width;
		id[i] = pseudo_choose_group(s, row);
		if (member)
			memcpy(member + (size_t)i * groups, row, groups * sizeof *member);
	}
	return FV_OK;
}

static const fv_param pseudo_params[] = {
	FV_PARAM_CHOICE(pseudo_state, child, .name = "child", .choices = "drop|renormalise|keep",
		.def_paper = "drop",
		.doc = "drop: rows classified as children have no group, other probabilities do "
		       "not change; renormalise: the others are divided by their sum; keep: "
		       "children are a group."),
	FV_PARAM_STRING(pseudo_state, child_column, .name = "child_column", .def_paper = "child",
		.doc = "Name of the probability column that 'child' is about; without such a "
		       "column nothing is dropped."),
	FV_PARAM_REAL(pseudo_state, confidence, .name = "confidence", .min = 0, .max = 1,
		.def_paper = "0",
		.doc = "A row whose largest probability (after renormalising) is below this has "
		       "no group; its memberships do not change."),
	FV_PARAM_CHOICE(pseudo_state, pool, .name = "pool", .choices = "none|speaker",
		.def_paper = "none",
		.doc = "speaker: every row gets the median of its speaker's probabilities "
		       "(transductive)."),
};

static const fv_grouper_ops pseudo_ops =
	FV_GROUPER_OPS(.uses = pseudo_uses, .fit = pseudo_fit, .assign = pseudo_assign);

static const fv_descriptor pseudo_descriptor = FV_GROUPER(.name = "pseudo", .version = "1.1",
	.summary = "Pseudo-labels: the most probable class of a pretrained classifier of voices",
	.source = "Lin, Chou, Lee, \"Mitigating Subgroup Disparities in Multi-Label Speech Emotion "
		  "Recognition\", Interspeech 2025",
	.licence = "Apache-2.0", .state_size = sizeof(pseudo_state), FV_PARAMS(pseudo_params),
	.ops = &pseudo_ops);

FV_PLUGIN_ENTRY
{
	return &pseudo_descriptor;
}
