/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/names.h"

#include <ctype.h>
#include <string.h>

enum {
	ACRONYM = 5
}; /* objectives with a name of at most so many letters are written in capitals */

/* --- names that the user gives ---------------------------------------------------------------- */

static fv_status check_given(fv_ctx *ctx, const char *given)
{
	for (const char *at = given; at && *at;) {
		size_t n = strcspn(at, ",");
		const char *equals = memchr(at, '=', n);
		if (!equals || equals == at)
			return fv_fail(ctx, FV_CONFIG,
				"--labels: '%.*s' is not OLD=NEW: write for example --labels "
				"rw=Reweighting,k=16=\"16 clusters\"",
				(int)n, at);
		at += n + (at[n] == ',');
	}
	return FV_OK;
}

/* An old name may hold '=' itself: "k=16=sixteen". */
const char *core_find_given_name(fv_ctx *ctx, const char *given, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = given; at && *at;) {
		size_t n = strcspn(at, ",");
		if (length && n > length && !strncasecmp(at, name, length) && at[length] == '=')
			return core_strndup(ctx, at + length + 1, n - length - 1);
		at += n + (at[n] == ',');
	}
	return name;
}

/* --- the axes of a row ------------------------------------------------------------------------ */

/* The values of one axis in all rows; NULL: the row does not have it. */
struct axis {
	const char *key;
	const json_t **value;
	bool varied;
};

struct axes {
	size_t n;
	struct axis *axis;
	const char *without; /* an axis, or a member of one, that is left out; NULL: none */
};

static bool is_part_of(const char *key, const char *block)
{
	size_t n = strlen(block);
	return !strncmp(key, block, n) && (!key[n] || key[n] == '.');
}

static fv_status add_axis(fv_ctx *ctx, const core_grid *grid, const char *key, struct axes *axes)
{
	for (size_t i = 0; i < axes->n; i++)
		if (!strcmp(axes->axis[i].key, key))
			return FV_OK;
	struct axis *grown = core_alloc(ctx, axes->n + 1, sizeof *grown);
	const json_t **value = core_alloc(ctx, grid->n_rows, sizeof *value);
	if (!grown || !value)
		return FV_FAILED;
	if (axes->n)
		memcpy(grown, axes->axis, axes->n * sizeof *grown);
	axes->axis = grown;
	struct axis *own = &grown[axes->n++];
	*own = (struct axis){.key = key, .value = value};
	const json_t *first = NULL;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_run_facts *facts = grid->row[i].facts;
		value[i] = facts ? json_object_get(facts->axes, key) : NULL;
		if (!value[i] || json_is_null(value[i]))
			continue;
		own->varied |= first && !json_equal((json_t *)first, (json_t *)value[i]);
		first = first ? first : value[i];
	}
	return FV_OK;
}

static fv_status find_axes(fv_ctx *ctx, const core_grid *grid, struct axes *axes)
{
	const char *key;
	json_t *value;
	*axes = (struct axes){0};
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_run_facts *facts = grid->row[i].facts;
		json_object_foreach((json_t *)(facts ? facts->axes : NULL), key, value)
		{
			fv_status status = add_axis(ctx, grid, key, axes);
			if (status)
				return status;
		}
	}
	return FV_OK;
}

/* Returns the member of the axis that is left out; NULL: none, or the axis itself. */
static const char *find_left_out(const struct axes *axes, const char *key)
{
	size_t n = strlen(key);
	bool inside = axes->without && !strncmp(axes->without, key, n) && axes->without[n] == '.';
	return inside ? axes->without + n + 1 : NULL;
}

/* Appends the values of the varied axes that are of `block`, or, for NULL, neither of the objective nor of
 * its groups. */
static fv_status put_axes(fv_ctx *ctx, const core_grid *grid, const struct axes *axes,
	const char *block, size_t row, core_text *out)
{
	for (size_t i = 0; i < axes->n; i++) {
		const struct axis *axis = &axes->axis[i];
		bool own =
			block ? is_part_of(axis->key, block)
			      : !is_part_of(axis->key, "loss") && !is_part_of(axis->key, "grouper");
		const json_t *value = axis->value[row];
		bool is_name = !strcmp(axis->key, "loss.name");
		if (!own || !axis->varied || !value || json_is_null(value) || is_name ||
			(axes->without && !strcmp(axes->without, axis->key)))
			continue;
		const char *text = core_describe_axis(ctx, axis->key, value, grid->n_rows,
			axis->value, find_left_out(axes, axis->key));
		if (!text)
			return FV_FAILED;
		core_text_add(out, "%s%s", out->size && *text ? ", " : "", text);
	}
	return FV_OK;
}

/* --- names ------------------------------------------------------------------------------------ */

/* Writes a short name of letters in capitals: "xy" -> "XY". */
static const char *make_objective(fv_ctx *ctx, const core_run_facts *facts, const char *given)
{
	char *name = core_strdup(ctx, facts->loss);
	if (!name)
		return NULL;
	const char *found = core_find_given_name(ctx, given, name);
	if (found != name)
		return found;
	bool letters = strlen(name) <= ACRONYM;
	for (char *p = name; *p; p++)
		letters &= isalpha((unsigned char)*p) != 0;
	for (char *p = name; *p && letters; p++)
		*p = (char)toupper((unsigned char)*p);
	return name;
}

/* Joins what is not empty by ", ". */
static const char *join_parts(fv_ctx *ctx, const char *a, const char *b)
{
	return *a && *b ? core_format(ctx, "%s, %s", a, b) : *a ? a : b;
}

static const char *move_given(fv_ctx *ctx, const char *given, core_text *text)
{
	const char *made = core_text_move(ctx, text);
	return made ? core_find_given_name(ctx, given, made) : NULL;
}

/* Puts the builds of a block's plugins behind what is said of the block, else behind `name`. NULL: out of memory. */
static const char *add_build(fv_ctx *ctx, const core_grid_row *row, core_plugin_block block,
	const char *said, const char *name)
{
	const char *build = row->variant->build[block];
	return build && said ? core_format(ctx, "%s@%s", *said ? said : name, build) : said;
}

/* Adds the builds of the row's plugins, where they are told. */
static fv_status add_builds(fv_ctx *ctx, const core_grid_row *row, core_row_name_parts *out)
{
	const core_run_facts *f = row->facts;
	const char *encoder = add_build(ctx, row, CORE_ENCODER_BLOCK, "", f->encoder);
	out->objective = add_build(ctx, row, CORE_LOSS_BLOCK, out->objective, f->loss);
	out->groups = add_build(
		ctx, row, CORE_GROUPER_BLOCK, out->groups, f->n_groupers ? f->grouper[0].name : "");
	out->setting = encoder ? join_parts(ctx, out->setting, encoder) : NULL;
	return out->objective && out->groups && out->setting ? FV_OK : FV_FAILED;
}

static fv_status name_row(fv_ctx *ctx, const core_grid *grid, const struct axes *axes,
	const char *given, size_t i, core_row_name_parts *out)
{
	const core_grid_row *row = &grid->row[i];
	core_text params = {0}, groups = {0}, setting = {0};
	*out = (core_row_name_parts){row->label, "", "", row->label, -1, 0};
	if (!row->facts)
		return FV_OK;
	fv_status status = put_axes(ctx, grid, axes, "loss", i, &params);
	if (!status)
		status = put_axes(ctx, grid, axes, "grouper", i, &groups);
	if (!status)
		status = put_axes(ctx, grid, axes, NULL, i, &setting);
	out->objective = make_objective(ctx, row->facts, given);
	const char *own = move_given(ctx, given, &params);
	out->groups = move_given(ctx, given, &groups);
	out->setting = move_given(ctx, given, &setting);
	if (status || !out->objective || !own || !out->groups || !out->setting)
		return status ? status : FV_FAILED;
	status = add_builds(ctx, row, out);
	if (status)
		return status;
	out->objective = join_parts(ctx, out->objective, own);
	if (row->unbiased && out->objective)
		out->objective = core_format(ctx, "%s without planted bias", out->objective);
	out->label = out->objective ? join_parts(ctx, out->objective, out->groups) : NULL;
	out->label = out->label ? join_parts(ctx, out->label, out->setting) : NULL;
	return out->label ? FV_OK : FV_FAILED;
}

/* Returns the index of a text in a list, which grows by it if it is new. */
static int32_t number_text(const char **list, int32_t *n, const char *text)
{
	for (int32_t i = 0; i < *n; i++)
		if (!strcmp(list[i], text))
			return i;
	list[*n] = text;
	return (*n)++;
}

fv_status core_row_names_make(fv_ctx *ctx, const core_grid *grid, const char *given,
	const char *without, core_row_names *out)
{
	struct axes axes = {0};
	*out = (core_row_names){.row = core_alloc(ctx, grid->n_rows, sizeof *out->row),
		.series = core_alloc(ctx, grid->n_rows, sizeof *out->series),
		.panel = core_alloc(ctx, grid->n_rows, sizeof *out->panel)};
	if (!out->row || !out->series || !out->panel)
		return FV_FAILED;
	fv_status status = check_given(ctx, given);
	if (!status)
		status = find_axes(ctx, grid, &axes);
	axes.without = without;
	for (size_t i = 0; i < grid->n_rows && !status; i++) {
		core_row_name_parts *own = &out->row[i];
		status = name_row(ctx, grid, &axes, given, i, own);
		if (status || !grid->row[i].facts)
			continue;
		own->panel = number_text(out->panel, &out->n_panels, own->setting);
		if (!grid->row[i].facts->plain)
			own->series = number_text(out->series, &out->n_series, own->objective);
	}
	return status;
}
