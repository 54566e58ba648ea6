/* SPDX-License-Identifier: Apache-2.0 */
#include "report/claim_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* --- what a variant has for a key ------------------------------------------------------------- */

static bool has_groups(const core_run_facts *f)
{
	return f->uses_groups && f->n_groupers > 0;
}

/* Returns what follows "BLOCK." in a key; NULL: the key is not of the block. */
static const char *find_member(const char *key, const char *block)
{
	size_t n = strlen(block);
	return !strncmp(key, block, n) && key[n] == '.' ? key + n + 1 : NULL;
}

/* Returns the text of a key that every variant has; NULL: another key, or several groupers. */
static const char *find_text(const core_run_facts *f, const char *key)
{
	if (!strcmp(key, "loss"))
		return f->loss;
	if (!strcmp(key, "encoder"))
		return f->encoder;
	if (!strcmp(key, "profile"))
		return f->profile;
	if (!strcmp(key, "select"))
		return f->selection.rule;
	if (strcmp(key, "grouper") != 0)
		return NULL;
	if (!has_groups(f))
		return "none";
	return f->n_groupers == 1 ? f->grouper[0].name : NULL;
}

/* Returns the value of an axis, or of a member of an axis that is a block. */
static const json_t *find_axis_value(const core_run_facts *f, const char *key)
{
	const char *axis;
	json_t *value;
	json_object_foreach((json_t *)f->axes, axis, value)
	{
		const char *member = find_member(key, axis);
		if (!strcmp(axis, key))
			return value;
		if (member && json_object_get(value, member))
			return json_object_get(value, member);
	}
	return NULL;
}

/* Returns a parameter of objective or groups, or the value of an axis; NULL: there is none. */
static const json_t *find_json(const core_run_facts *f, const char *key)
{
	const char *of_loss = find_member(key, "loss"), *of_groups = find_member(key, "grouper");
	if (of_loss)
		return json_object_get(json_object_get(f->objective, "params"), of_loss);
	if (!of_groups)
		return find_axis_value(f, key);
	if (!has_groups(f) || f->n_groupers != 1)
		return NULL;
	const json_t *grouper = f->grouper[0].json;
	const json_t *value = json_object_get(json_object_get(grouper, "params"), of_groups);
	return value ? value : json_object_get(grouper, of_groups);
}

bool core_claim_matches(const core_run_facts *facts, const char *key, const char *value)
{
	const char *text = find_text(facts, key);
	const json_t *json = text ? NULL : find_json(facts, key);
	double number;
	if (json_is_object(json)) /* a block is known by its name */
		json = json_object_get(json, "name");
	if (json_is_string(json))
		text = json_string_value(json);
	if (text)
		return !strcmp(text, value);
	if (json_is_boolean(json))
		return !strcmp(value, json_is_true(json) ? "true" : "false");
	return json_is_number(json) && core_parse_double(value, &number) &&
	       json_number_value(json) == number;
}

static bool meets_condition(const core_run_facts *facts, const core_claim_condition *c)
{
	for (size_t k = 0; k < c->n; k++)
		if (core_claim_matches(facts, c->key, c->value[k]))
			return true;
	return false;
}

static bool is_selected(const core_grid_row *row, const core_claim_selector *selector)
{
	if (!row->facts || core_row_unranked(row))
		return false;
	for (size_t i = 0; i < selector->n; i++)
		if (!meets_condition(row->facts, &selector->condition[i]))
			return false;
	return true;
}

/* --- in what two variants differ -------------------------------------------------------------- */

/* Keys in which two variants may differ. */
struct keys {
	size_t n;
	const char **key;
};

static bool is_free(const struct keys *keys, const char *block, const char *member)
{
	size_t n = strlen(block);
	for (size_t i = 0; i < keys->n; i++) {
		const char *key = keys->key[i];
		if (!member && !strcmp(key, block))
			return true;
		if (member && !strncmp(key, block, n) && key[n] == '.' &&
			!strcmp(key + n + 1, member))
			return true;
	}
	return false;
}

/* Have two objects the same members, except for those that are free and for `skip`? */
static bool have_same_members(const json_t *a, const json_t *b, const char *block, const char *skip,
	const struct keys *keys)
{
	const char *member;
	json_t *value;
	for (int side = 0; side < 2; side++) {
		json_object_foreach((json_t *)(side ? b : a), member, value)
		{
			const json_t *other = json_object_get(side ? a : b, member);
			bool same = other && json_equal(value, (json_t *)other);
			if (!same && strcmp(member, skip) != 0 && !is_free(keys, block, member))
				return false;
		}
	}
	return true;
}

static bool have_same_loss(
	const core_run_facts *a, const core_run_facts *b, const struct keys *keys)
{
	if (strcmp(a->loss, b->loss) != 0)
		return is_free(keys, "loss", NULL);
	return have_same_members(json_object_get(a->objective, "params"),
		json_object_get(b->objective, "params"), "loss", "", keys);
}

static bool have_same_groups(
	const core_run_facts *a, const core_run_facts *b, const struct keys *keys)
{
	if (!has_groups(a) && !has_groups(b))
		return true;
	if (has_groups(a) != has_groups(b) || a->n_groupers != b->n_groupers)
		return is_free(keys, "grouper", NULL);
	for (int32_t k = 0; k < a->n_groupers; k++) {
		const json_t *x = a->grouper[k].json, *y = b->grouper[k].json;
		if (strcmp(a->grouper[k].name, b->grouper[k].name) != 0)
			return is_free(keys, "grouper", NULL);
		if (!have_same_members(x, y, "grouper", "params", keys) ||
			!have_same_members(json_object_get(x, "params"),
				json_object_get(y, "params"), "grouper", "", keys))
			return false;
	}
	return true;
}

/* Have both the same values on the axes of the matrix, where both have one? Those of objective and groups are
 * compared by what they made. */
static bool have_same_axes(
	const core_run_facts *a, const core_run_facts *b, const struct keys *keys)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)a->axes, key, value)
	{
		const json_t *other = json_object_get(b->axes, key);
		if (!strncmp(key, "loss", 4) || !strncmp(key, "grouper", 7) || !other ||
			json_equal(value, (json_t *)other) || is_free(keys, key, NULL))
			continue;
		if (!json_is_object(value) || !json_is_object(other) ||
			!have_same_members(value, other, key, "", keys))
			return false;
	}
	return true;
}

static bool have_same_bias(
	const core_run_facts *a, const core_run_facts *b, const struct keys *keys)
{
	return json_equal((json_t *)a->bias, (json_t *)b->bias) || a->bias == b->bias ||
	       is_free(keys, "bias", NULL);
}

/* Were both trained on the same features? */
static bool have_same_features(const core_grid_row *a, const core_grid_row *b)
{
	const json_t *x = core_run_features(a->variant->used[0]);
	const json_t *y = core_run_features(b->variant->used[0]);
	return !strcmp(a->facts->encoder, b->facts->encoder) &&
	       (!x || !y || json_equal((json_t *)x, (json_t *)y));
}

/* Does a key name the encoder or something of it? */
static bool frees_encoder(const struct keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		if (!strcmp(keys->key[i], "encoder") || find_member(keys->key[i], "encoder"))
			return true;
	return false;
}

/* Do two variants differ in the keys alone? Groups left aside. */
static bool are_alike(const core_grid_row *a, const core_grid_row *b, const struct keys *keys)
{
	const core_run_facts *x = a->facts, *y = b->facts;
	return have_same_loss(x, y, keys) && have_same_axes(x, y, keys) &&
	       have_same_bias(x, y, keys) && (frees_encoder(keys) || have_same_features(a, b));
}

/* --- pairs ------------------------------------------------------------------------------------ */

/* What the functions below work on. */
struct finding {
	fv_ctx *ctx;
	const core_grid *grid;
	const core_claim *claim;
	struct keys named, averaged; /* by the selectors; by mean_over */
	size_t n_rows, n_against, *row, *against;
	core_claim_pairs *out;
};

static const core_run_facts *facts_of(const struct finding *f, size_t row)
{
	return f->grid->row[row].facts;
}

static fv_status list_keys(struct finding *f)
{
	const core_claim_selector *const of[] = {&f->claim->rows, &f->claim->against};
	f->named.key = core_alloc(f->ctx, of[0]->n + of[1]->n, sizeof *f->named.key);
	if (!f->named.key)
		return FV_FAILED;
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < of[k]->n; i++)
			f->named.key[f->named.n++] = of[k]->condition[i].key;
	f->averaged = (struct keys){f->claim->n_means, f->claim->mean_over};
	return FV_OK;
}

static fv_status list_rows(
	struct finding *f, const core_claim_selector *selector, size_t **row, size_t *n)
{
	*row = core_alloc(f->ctx, f->grid->n_rows + 1, sizeof **row);
	if (!*row)
		return FV_FAILED;
	for (size_t i = 0; i < f->grid->n_rows; i++)
		if (is_selected(&f->grid->row[i], selector))
			(*row)[(*n)++] = i;
	return FV_OK;
}

/* May the two be compared? The second may have no groups at all, as a reference. */
static bool are_comparable(const struct finding *f, size_t row, size_t against)
{
	const core_grid_row *a = &f->grid->row[row], *b = &f->grid->row[against];
	return row != against && are_alike(a, b, &f->named) &&
	       (!has_groups(b->facts) || have_same_groups(a->facts, b->facts, &f->named));
}

/* Are two rows the same to every claim, because they differ only in groups that their objective does not use? */
static bool are_same_reference(const struct finding *f, size_t a, size_t b)
{
	const struct keys none = {0};
	return are_alike(&f->grid->row[a], &f->grid->row[b], &none) &&
	       have_same_groups(facts_of(f, a), facts_of(f, b), &none);
}

static bool has_grouping_of(const struct finding *f, size_t row, size_t against)
{
	return json_equal(
		(json_t *)facts_of(f, row)->grouping, (json_t *)facts_of(f, against)->grouping);
}

/* Adds a pair. Of references that are the same, a row keeps that with its own groups, else the first. */
static void add_pair(const struct finding *f, size_t first, size_t row, size_t against)
{
	core_claim_pairs *out = f->out;
	for (size_t k = first; k < out->n; k++) {
		core_claim_pair *known = &out->pair[k];
		if (!are_same_reference(f, known->against, against))
			continue;
		if (!has_grouping_of(f, row, known->against) && has_grouping_of(f, row, against))
			known->against = against;
		return;
	}
	out->pair[out->n++] = (core_claim_pair){row, against};
}

static fv_status find_pairs(struct finding *f)
{
	f->out->pair = core_alloc(f->ctx, f->n_rows * f->n_against + 1, sizeof *f->out->pair);
	if (!f->out->pair)
		return FV_FAILED;
	for (size_t i = 0; i < f->n_rows; i++) {
		size_t first = f->out->n;
		for (size_t k = 0; k < f->n_against; k++)
			if (are_comparable(f, f->row[i], f->against[k]))
				add_pair(f, first, f->row[i], f->against[k]);
	}
	return FV_OK;
}

/* Are two pairs averaged? */
static bool are_averaged(
	const struct finding *f, const core_claim_pair *a, const core_claim_pair *b)
{
	const size_t own[] = {a->row, a->against}, other[] = {b->row, b->against};
	for (int k = 0; k < 2; k++) {
		const core_grid_row *x = &f->grid->row[own[k]], *y = &f->grid->row[other[k]];
		if (!are_alike(x, y, &f->averaged) ||
			!have_same_groups(x->facts, y->facts, &f->averaged))
			return false;
	}
	return true;
}

/* Puts the pairs that are averaged side by side, in order of appearance. */
static fv_status group_pairs(struct finding *f)
{
	core_claim_pairs *out = f->out;
	core_claim_pair *sorted = core_alloc(f->ctx, out->n + 1, sizeof *sorted);
	bool *taken = core_alloc(f->ctx, out->n + 1, sizeof *taken);
	size_t at = 0;
	out->n_pairs = core_alloc(f->ctx, out->n + 1, sizeof *out->n_pairs);
	if (!sorted || !taken || !out->n_pairs)
		return FV_FAILED;
	for (size_t i = 0; i < out->n; i++) {
		if (taken[i])
			continue;
		for (size_t k = i; k < out->n; k++) {
			bool joins =
				k == i || (f->averaged.n && !taken[k] &&
						  are_averaged(f, &out->pair[i], &out->pair[k]));
			if (!joins)
				continue;
			taken[k] = true;
			sorted[at++] = out->pair[k];
			out->n_pairs[out->n_comparisons]++;
		}
		out->n_comparisons++;
	}
	out->pair = sorted;
	return FV_OK;
}

/* --- what the study lacks --------------------------------------------------------------------- */

/* Sets `one` to the number-th combination of the listed values. */
static void choose_values(
	const core_claim_selector *selector, size_t number, core_claim_selector *one)
{
	for (size_t i = 0; i < selector->n; i++) {
		const core_claim_condition *c = &selector->condition[i];
		one->condition[i] = (core_claim_condition){c->key, 1, &c->value[number % c->n]};
		number /= c->n;
	}
}

static const char *describe_values(fv_ctx *ctx, const char *text, const core_claim_selector *one)
{
	for (size_t i = 0; i < one->n && text; i++)
		text = core_format(ctx, "%s%s %s %s", text, i ? "," : "", one->condition[i].key,
			one->condition[i].value[0]);
	return text;
}

/* Finds the first combination of values that no row [n] has, unless something else is missing already. */
static fv_status find_missing(struct finding *f, const char *words,
	const core_claim_selector *selector, const size_t *row, size_t n)
{
	size_t combinations = 1;
	core_claim_selector one = {
		selector->n, core_alloc(f->ctx, selector->n, sizeof *one.condition)};
	if (!one.condition)
		return FV_FAILED;
	for (size_t i = 0; i < selector->n; i++)
		combinations *= selector->condition[i].n;
	for (size_t c = 0; c < combinations && !f->out->missing; c++) {
		bool any = false;
		choose_values(selector, c, &one);
		for (size_t i = 0; i < n && !any; i++)
			any = is_selected(&f->grid->row[row[i]], &one);
		if (any)
			continue;
		f->out->missing = describe_values(f->ctx, words, &one);
		return f->out->missing ? FV_OK : FV_FAILED;
	}
	return FV_OK;
}

/* The same among the rows that have a pair. */
static fv_status find_unpaired(struct finding *f)
{
	static const char words[] = "no variant can be compared with one that has";
	const core_claim_pairs *out = f->out;
	size_t *row = core_alloc(f->ctx, 2 * out->n + 1, sizeof *row);
	if (!row)
		return FV_FAILED;
	for (size_t k = 0; k < out->n; k++) {
		row[k] = out->pair[k].row;
		row[out->n + k] = out->pair[k].against;
	}
	fv_status status = find_missing(f, words, &f->claim->rows, row, out->n);
	return status ? status : find_missing(f, words, &f->claim->against, row + out->n, out->n);
}

fv_status core_claim_pairs_find(
	fv_ctx *ctx, const core_grid *grid, const core_claim *claim, core_claim_pairs *out)
{
	static const char words[] = "no variant has";
	struct finding f = {.ctx = ctx, .grid = grid, .claim = claim, .out = out};
	*out = (core_claim_pairs){0};
	fv_status status = list_keys(&f);
	if (!status)
		status = list_rows(&f, &claim->rows, &f.row, &f.n_rows);
	if (!status)
		status = list_rows(&f, &claim->against, &f.against, &f.n_against);
	if (!status)
		status = find_missing(&f, words, &claim->rows, f.row, f.n_rows);
	if (!status)
		status = find_missing(&f, words, &claim->against, f.against, f.n_against);
	if (status || out->missing)
		return status;
	status = find_pairs(&f);
	if (!status)
		status = find_unpaired(&f);
	return status || out->missing ? status : group_pairs(&f);
}
