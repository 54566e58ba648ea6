/* SPDX-License-Identifier: Apache-2.0 */
/* A grouper that reports which inputs it saw: six groups, one per kind of data, with memberships
 * of 1 for what assign() sees plus 10 for what fit() saw; of durations, their seconds instead. The id of a row is 1 for odd rows. With
 * `unknown`, rows 0, 3, 6, ... have no group. */
#include <string.h>

#include <fairvox/fairvox.h>

enum { KINDS = 6 };

typedef struct spy_state {
	int64_t uses;
	int32_t unknown, soft;
	float seen[KINDS];
} spy_state;

static void note_inputs(const fv_grouper_input *t, float amount, float seen[KINDS])
{
	const void *data[] = {t->x, t->column_id, t->klass, t->speaker, t->stem, t->duration};
	for (int i = 0; i < KINDS; i++)
		seen[i] += data[i] ? amount : 0;
}

static uint32_t spy_uses(const void *state)
{
	return (uint32_t)((const spy_state *)state)->uses;
}

static fv_status spy_fit(void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	static const char *const name[] = {
		"table", "column", "class", "speaker", "file", "duration"};
	spy_state *s = state;
	(void)ctx;
	note_inputs(train, 10, s->seen);
	*out = (fv_grouping){sizeof *out, KINDS, name, s->soft, 0};
	return FV_OK;
}

static fv_status spy_assign(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	const spy_state *s = state;
	float seen[KINDS];
	(void)ctx;
	memcpy(seen, s->seen, sizeof seen);
	note_inputs(rows, 1, seen);
	for (int32_t i = 0; i < rows->n; i++) {
		id[i] = s->unknown && i % 3 == 0 ? -1 : i % 2;
		if (!member)
			continue;
		memcpy(member + KINDS * (size_t)i, seen, sizeof seen);
		if (rows->duration)
			member[KINDS * (size_t)i + KINDS - 1] = (float)rows->duration[i];
	}
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_INT(spy_state, uses, .name = "uses", .min = 0, .max = 63, .def_paper = "0",
		.doc = "FV_USE_ flags of what it asks for"),
	FV_PARAM_BOOL(spy_state, unknown, .name = "unknown", .def_paper = "false",
		.doc = "1: every third row has no group"),
	FV_PARAM_BOOL(spy_state, soft, .name = "soft", .def_paper = "true",
		.doc = "1: memberships, 0: hard groups"),
};

static const fv_grouper_ops ops =
	FV_GROUPER_OPS(.uses = spy_uses, .fit = spy_fit, .assign = spy_assign);

static const fv_descriptor descriptor = FV_GROUPER(.name = "spy", .version = "1",
	.summary = "tells what it was shown", .source = "none", .licence = "Apache-2.0",
	.state_size = sizeof(spy_state), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
