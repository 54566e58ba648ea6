/* SPDX-License-Identifier: Apache-2.0 */
/* A grouper that tells what it was shown: five groups, one for each kind of data, whose memberships
 * are 1 for what assign() sees and 10 for what fit() saw. The id of a row is 1 for odd rows. With
 * `unknown` rows 0, 3, 6, ... have none. */
#include <string.h>

#include <fairvox/fairvox.h>

typedef struct spy_state {
	int64_t uses;
	int32_t unknown, soft;
	float seen[5];
} spy_state;

static void look(const fv_table *t, float amount, float seen[5])
{
	const void *data[] = {t->x, t->column_id, t->klass, t->speaker, t->stem};
	for (int i = 0; i < 5; i++)
		seen[i] += data[i] ? amount : 0;
}

static uint32_t spy_uses(const void *state)
{
	return (uint32_t)((const spy_state *)state)->uses;
}

static fv_status spy_fit(void *state, fv_ctx *ctx, const fv_table *train, fv_grouping *out)
{
	static const char *const name[] = {"table", "column", "class", "speaker", "file"};
	spy_state *s = state;
	(void)ctx;
	look(train, 10, s->seen);
	*out = (fv_grouping){sizeof *out, 5, name, s->soft, 0};
	return FV_OK;
}

static fv_status spy_assign(
	const void *state, fv_ctx *ctx, const fv_table *rows, int32_t *id, float *member)
{
	const spy_state *s = state;
	float seen[5];
	(void)ctx;
	memcpy(seen, s->seen, sizeof seen);
	look(rows, 1, seen);
	for (int32_t i = 0; i < rows->n; i++) {
		id[i] = s->unknown && i % 3 == 0 ? -1 : i % 2;
		if (member)
			memcpy(member + 5 * (size_t)i, seen, sizeof seen);
	}
	return FV_OK;
}

static const fv_param params[] = {
	{sizeof *params, FV_INT, "uses", NULL, 0, 31, NULL, "0", NULL, offsetof(spy_state, uses),
		"flags of what it asks for"},
	{sizeof *params, FV_BOOL, "unknown", NULL, 0, 0, NULL, "false", NULL,
		offsetof(spy_state, unknown), "rows without a group"},
	{sizeof *params, FV_BOOL, "soft", NULL, 0, 0, NULL, "true", NULL, offsetof(spy_state, soft),
		"memberships"},
};

static const fv_grouper_ops ops = {
	.size = sizeof ops, .uses = spy_uses, .fit = spy_fit, .assign = spy_assign};

static const fv_descriptor descriptor = {.size = sizeof descriptor,
	.abi = FV_ABI,
	.kind = FV_GROUPER,
	.name = "spy",
	.version = "1",
	.summary = "tells what it was shown",
	.source = "none",
	.licence = "Apache-2.0",
	.state_size = sizeof(spy_state),
	.params = params,
	.n_params = sizeof params / sizeof *params,
	.ops = &ops};

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
