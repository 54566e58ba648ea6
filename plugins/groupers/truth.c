/* SPDX-License-Identifier: Apache-2.0 */
/* Grouper `truth`: the values of one attribute column, as annotated.
 *
 * The groups are the values found in the training rows, sorted by bytes. A row whose value is
 * unknown, or not among these, has group -1. This is the reference that inferred groups are
 * compared with, and the only grouper that sees a true attribute. */
#include <string.h>

#include <fairvox/fairvox.h>

typedef struct truth_state {
	const char *column;
	int32_t groups;
	const char **name; /* [G] copies */
} truth_state;

static uint32_t truth_uses(const void *state)
{
	(void)state;
	return FV_USE_COLUMN;
}

static const char *truth_copy(fv_ctx *ctx, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = fv_alloc(ctx, size);
	return copy ? memcpy(copy, text, size) : NULL;
}

static fv_status truth_fit(
	void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	truth_state *s = state;
	if (!train->column_id || !train->column_names)
		return fv_fail(ctx, FV_CONFIG,
			"the corpus has no attribute '%s': correct 'column' or add it to "
			"corpus.attributes",
			s->column);
	int32_t n = train->n_column_names;
	unsigned char *met = fv_alloc(ctx, (size_t)n);
	s->name = fv_alloc(ctx, (size_t)n * sizeof *s->name);
	if (!met || !s->name)
		return FV_FAILED;
	for (int32_t i = 0; i < train->n; i++)
		if (train->column_id[i] >= 0)
			met[train->column_id[i]] = 1;
	s->groups = 0;
	for (int32_t value = 0; value < n; value++) {
		if (!met[value])
			continue;
		s->name[s->groups] = truth_copy(ctx, train->column_names[value]);
		if (!s->name[s->groups++])
			return FV_FAILED;
	}
	if (!s->groups)
		return fv_fail(ctx, FV_DATA, "attribute '%s' is unknown in all %d training rows",
			s->column, train->n);
	*out = (fv_grouping)FV_GROUPING(.groups = s->groups, .name = s->name);
	return FV_OK;
}

/* Matches the values of `rows` with those of the training rows. Both lists are sorted by bytes, so
 * one pass is enough. */
static fv_status truth_assign(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	const truth_state *s = state;
	(void)member;
	if (!rows->column_id || !rows->column_names)
		return fv_fail(ctx, FV_CONFIG,
			"the corpus has no attribute '%s': correct 'column' or add it to "
			"corpus.attributes",
			s->column);
	int32_t *group = fv_scratch(ctx, (size_t)rows->n_column_names * sizeof *group);
	if (!group)
		return FV_FAILED;
	int32_t g = 0;
	for (int32_t value = 0; value < rows->n_column_names; value++) {
		while (g < s->groups && strcmp(s->name[g], rows->column_names[value]) < 0)
			g++;
		group[value] =
			g < s->groups && !strcmp(s->name[g], rows->column_names[value]) ? g : -1;
	}
	for (int32_t i = 0; i < rows->n; i++)
		id[i] = rows->column_id[i] < 0 ? -1 : group[rows->column_id[i]];
	return FV_OK;
}

static const fv_param truth_params[] = {
	FV_PARAM_STRING(truth_state, column, .name = "column",
		.doc = "Attribute whose values are the groups", .required = 1),
};

static const fv_grouper_ops truth_ops =
	FV_GROUPER_OPS(.uses = truth_uses, .fit = truth_fit, .assign = truth_assign);

static const fv_descriptor truth_descriptor = FV_GROUPER(.name = "truth", .version = "1.0",
	.summary = "Groups given by a true attribute, such as gender",
	.source = "The attribute columns of the corpus; Lin, Chou, Lee, Interspeech 2025",
	.licence = "Apache-2.0", .state_size = sizeof(truth_state), FV_PARAMS(truth_params),
	.ops = &truth_ops);

FV_PLUGIN_ENTRY
{
	return &truth_descriptor;
}
