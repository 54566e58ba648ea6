/* SPDX-License-Identifier: Apache-2.0 */
#include "report/axes.h"

#include <string.h>

#include "config/config.h"
#include "report/axis_text.h"
#include "report/flat_axes.h"

/* What a variant says about itself where no axis of the matrix does, in the order of the columns. */
enum { LOSS, GROUPER, ENCODER, BIAS, SELECT, TUNED, FACTS };
static const char *const fact_keys[FACTS] = {
	"loss", "grouper", "encoder", "bias", "select", "tuned"};
static const core_plugin_block blocks[] = {
	CORE_LOSS_BLOCK, CORE_GROUPER_BLOCK, CORE_ENCODER_BLOCK}; /* of LOSS to ENCODER */

/* Is it an axis of the block: "loss", "loss.name"? */
static bool names_block(const char *key, const char *block)
{
	size_t n = strlen(block);
	return !strcmp(key, block) || (!strncmp(key, block, n) && !strcmp(key + n, ".name"));
}

/* Returns the fact that an axis is about; FACTS: none. */
static int find_fact(const char *key)
{
	for (int k = 0; k < FACTS; k++)
		if (names_block(key, fact_keys[k]))
			return k;
	return strcmp(key, "train.select") ? FACTS : SELECT;
}

/* Objective, groups and encoder come first, other axes behind them, what is no axis of the matrix last. */
static int get_order(const core_variant_axis *axis)
{
	int fact = find_fact(axis->key);
	return fact <= ENCODER ? fact : fact == FACTS ? BIAS : fact + 1;
}

static json_t *make_text(const char *text)
{
	return text && *text ? json_string(text) : NULL;
}

/* Returns a plugin and its parameters as a block, {name, k}; NULL: env.json does not have it. */
static json_t *make_block(const json_t *plugin)
{
	json_t *params = json_object_get(plugin, "params");
	json_t *block = params ? json_copy(params) : NULL;
	if (block && json_object_set(block, "name", json_object_get(plugin, "name"))) {
		json_decref(block);
		return NULL;
	}
	return block;
}

/* Returns what a variant says of itself; NULL: nothing. */
static json_t *make_fact(const core_run_facts *f, int fact)
{
	switch (fact) {
	case ENCODER:
		return make_text(f->encoder);
	case LOSS:
		return make_text(f->loss);
	case GROUPER:
		return f->n_groupers ? make_text(f->grouper[0].name) : NULL;
	case BIAS:
		return f->bias && !json_is_null(f->bias) ? json_deep_copy(f->bias)
		       : f->says_bias                    ? json_string("none")
							 : NULL;
	case SELECT:
		return make_text(f->selection.rule);
	case TUNED:
		return f->tune ? json_incref(json_object_get(f->tune, "by")) : NULL;
	default:
		return NULL;
	}
}

/* Sets the texts of values of a fact, with the builds of variants whose plugins have several. */
static fv_status set_texts(fv_ctx *ctx, const core_results *results, int fact,
	const json_t *const *value, const char **text)
{
	fv_status status = core_axis_texts(ctx, results->n, value, text);
	for (size_t i = 0; i < results->n && !status && fact <= ENCODER; i++) {
		const char *build = results->variant[i].build[blocks[fact]];
		if (!build || !text[i])
			continue;
		text[i] = core_axis_text_of_build(ctx, value[i], text[i], build);
		status = text[i] ? FV_OK : FV_FAILED;
	}
	return status;
}

static fv_status add_axis(fv_ctx *ctx, const char *key, size_t variants, core_variant_axes *out)
{
	core_variant_axis *grown = core_alloc(ctx, out->n + 1, sizeof *grown);
	if (!grown)
		return FV_FAILED;
	if (out->n)
		memcpy(grown, out->axis, out->n * sizeof *grown);
	out->axis = grown;
	core_variant_axis *axis = &grown[out->n++];
	*axis = (core_variant_axis){.key = core_strdup(ctx, key),
		.value = core_alloc(ctx, variants + 1, sizeof *axis->value),
		.text = core_alloc(ctx, variants + 1, sizeof *axis->text)};
	return axis->key && axis->value && axis->text ? FV_OK : FV_FAILED;
}

static bool has_axis(const core_variant_axes *axes, const char *key)
{
	for (size_t i = 0; i < axes->n; i++)
		if (!strcmp(axes->axis[i].key, key))
			return true;
	return false;
}

static const json_t *get_axes(const core_results *results, size_t variant)
{
	const core_run_facts *facts = core_variant_facts(&results->variant[variant]);
	return facts ? facts->axes : NULL;
}

/* Is the block an axis of one study, and one of its keys that of another? */
static bool is_split(const core_results *results, const char *block)
{
	size_t n = strlen(block);
	const char *key;
	json_t *unused;
	for (size_t i = 0; i < results->n; i++)
		json_object_foreach((json_t *)get_axes(results, i), key, unused)
		{
			if (!strncmp(key, block, n) && key[n] == '.')
				return true;
		}
	return false;
}

/* Adds an axis for each key of a block. */
static fv_status add_keys(fv_ctx *ctx, const core_results *results, const char *block,
	const json_t *value, core_variant_axes *out)
{
	fv_status status = FV_OK;
	const char *name;
	json_t *unused;
	json_object_foreach((json_t *)value, name, unused)
	{
		const char *key = core_format(ctx, "%s.%s", block, name);
		if (!key)
			return FV_FAILED;
		if (!status && !has_axis(out, key))
			status = add_axis(ctx, key, results->n, out);
	}
	return status;
}

/* Adds the axes of the matrix of all variants. Their studies may differ: where one has a block as an axis and
 * another one its keys, the keys are axes. */
static fv_status add_matrix_axes(fv_ctx *ctx, const core_results *results, core_variant_axes *out)
{
	fv_status status = FV_OK;
	const char *key;
	json_t *value;
	for (size_t i = 0; i < results->n; i++)
		json_object_foreach((json_t *)get_axes(results, i), key, value)
		{
			bool block = json_is_object(value) || json_is_null(value);
			if (!status && block && is_split(results, key))
				status = add_keys(ctx, results, key, value, out);
			else if (!status && !has_axis(out, key))
				status = add_axis(ctx, key, results->n, out);
		}
	return status;
}

/* Adds the facts that no axis is about. */
static fv_status add_fact_axes(fv_ctx *ctx, const core_results *results, core_variant_axes *out)
{
	bool told[FACTS + 1] = {false};
	fv_status status = FV_OK;
	for (size_t i = 0; i < out->n; i++)
		told[find_fact(out->axis[i].key)] = true;
	for (int k = 0; k < FACTS && !status; k++)
		if (!told[k])
			status = add_axis(ctx, fact_keys[k], results->n, out);
	return status;
}

/* Sets the value of each variant: of its matrix, or what it says of itself. */
static fv_status fill_values(
	fv_ctx *ctx, const core_results *results, core_variant_axis *axis, json_t *owned)
{
	int fact = find_fact(axis->key);
	axis->is_block = fact <= ENCODER;
	for (size_t i = 0; i < results->n; i++) {
		const core_run_facts *facts = core_variant_facts(&results->variant[i]);
		if (!facts)
			continue;
		axis->value[i] = core_flat_axes_value(facts->axes, axis->key);
		json_t *made = axis->value[i] ? NULL : make_fact(facts, fact);
		if (made && json_array_append_new(owned, made))
			return fv_fail(ctx, FV_FAILED, "out of memory");
		if (made)
			axis->value[i] = made;
	}
	return set_texts(ctx, results, fact, axis->value, axis->text);
}

static void find_whether_varied(const core_results *results, core_variant_axis *axis)
{
	const char *first = NULL;
	bool any = false;
	for (size_t i = 0; i < results->n; i++) {
		if (!results->variant[i].n_folds)
			continue;
		const char *text = axis->text[i] ? axis->text[i] : "";
		axis->varies |= any && strcmp(first, text) != 0;
		first = any ? first : text;
		any = true;
	}
}

/* --- what no axis tells ----------------------------------------------------------------------- */

/* Have two variants the same text on each axis? */
static bool are_alike(const core_variant_axes *axes, size_t a, size_t b)
{
	for (size_t i = 0; i < axes->n; i++) {
		const char *const *text = axes->axis[i].text;
		if (strcmp(text[a] ? text[a] : "", text[b] ? text[b] : ""))
			return false;
	}
	return true;
}

static bool has_alike(const core_results *results, const core_variant_axes *axes)
{
	for (size_t a = 0; a < results->n; a++)
		for (size_t b = a + 1; b < results->n; b++)
			if (results->variant[a].n_folds && results->variant[b].n_folds &&
				are_alike(axes, a, b))
				return true;
	return false;
}

/* Removes from the block of an axis the keys that are axes themselves. */
static void remove_told(const core_variant_axes *axes, const char *block, json_t *made)
{
	size_t n = strlen(block);
	for (size_t i = 0; i < axes->n; i++) {
		const char *key = axes->axis[i].key;
		if (!strncmp(key, block, n) && key[n] == '.' && strcmp(key + n, ".name") != 0)
			(void)json_object_del(made, key + n + 1);
	}
}

/* Gives objective or groups as text with the parameters in which variants differ that are alike on all axes. */
static fv_status tell_params(fv_ctx *ctx, const core_results *results, core_variant_axes *axes,
	core_variant_axis *axis, int fact)
{
	const json_t **value = core_alloc(ctx, results->n + 1, sizeof *value);
	if (!value)
		return FV_FAILED;
	for (size_t i = 0; i < results->n; i++) {
		const core_run_facts *facts = core_variant_facts(&results->variant[i]);
		const json_t *plugin = !facts         ? NULL
				       : fact == LOSS ? facts->objective
						      : json_array_get(facts->grouping, 0);
		json_t *made = plugin ? make_block(plugin) : NULL;
		value[i] = axis->value[i];
		if (!made)
			continue;
		if (json_array_append_new(axes->owned, made))
			return fv_fail(ctx, FV_FAILED, "out of memory");
		remove_told(axes, fact_keys[fact], made);
		value[i] = made;
	}
	return set_texts(ctx, results, fact, value, axis->text);
}

static fv_status tell_apart(fv_ctx *ctx, const core_results *results, core_variant_axes *axes)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < axes->n && !status; i++) {
		int fact = find_fact(axes->axis[i].key);
		if (fact != LOSS && fact != GROUPER)
			continue;
		if (!has_alike(results, axes))
			break;
		status = tell_params(ctx, results, axes, &axes->axis[i], fact);
		find_whether_varied(results, &axes->axis[i]);
	}
	return status;
}

/* --- titles ----------------------------------------------------------------------------------- */

static bool is_title_taken(const core_variant_axes *axes, size_t axis, const char *title)
{
	for (size_t i = 0; i < axes->n; i++)
		if (i != axis && axes->axis[i].title && !strcmp(axes->axis[i].title, title))
			return true;
	return false;
}

/* Names an axis: by the last part of the key, or in full where two are alike. "loss.name" is "loss". */
static fv_status set_title(fv_ctx *ctx, core_variant_axes *axes, size_t i)
{
	size_t n = strlen(axes->axis[i].key);
	bool name = n > 5 && !strcmp(axes->axis[i].key + n - 5, ".name");
	const char *key = core_strndup(ctx, axes->axis[i].key, name ? n - 5 : n);
	if (!key)
		return FV_FAILED;
	axes->axis[i].title = core_shorten_key(key);
	if (is_title_taken(axes, i, axes->axis[i].title))
		axes->axis[i].title = key;
	if (is_title_taken(axes, i, axes->axis[i].title))
		axes->axis[i].title = axes->axis[i].key;
	return FV_OK;
}

static fv_status set_titles(fv_ctx *ctx, core_variant_axes *axes)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < axes->n && !status; i++)
		status = set_title(ctx, axes, i);
	return status;
}

/* Sorts by order, then key: there are few. */
static void sort_axes(core_variant_axes *axes)
{
	for (size_t i = 1; i < axes->n; i++)
		for (size_t j = i; j > 0; j--) {
			core_variant_axis *a = &axes->axis[j - 1], *b = &axes->axis[j], swap = *a;
			int x = get_order(a), y = get_order(b);
			if (x < y || (x == y && strcmp(a->key, b->key) <= 0))
				break;
			*a = *b;
			*b = swap;
		}
}

fv_status core_axes_find(fv_ctx *ctx, const core_results *results, core_variant_axes *out)
{
	*out = (core_variant_axes){.owned = json_array()};
	fv_status status = out->owned ? add_matrix_axes(ctx, results, out)
				      : fv_fail(ctx, FV_FAILED, "out of memory");
	if (!status)
		status = add_fact_axes(ctx, results, out);
	if (status) {
		core_axes_free(out);
		return status;
	}
	sort_axes(out);
	for (size_t i = 0; i < out->n && !status; i++) {
		status = fill_values(ctx, results, &out->axis[i], out->owned);
		find_whether_varied(results, &out->axis[i]);
	}
	if (!status)
		status = tell_apart(ctx, results, out);
	if (!status)
		status = set_titles(ctx, out);
	if (status)
		core_axes_free(out);
	return status;
}

fv_status core_axes_add(fv_ctx *ctx, const core_results *results, const char *key, json_t *values,
	core_variant_axes *axes)
{
	if (json_array_append_new(axes->owned, values))
		return fv_fail(ctx, FV_FAILED, "out of memory");
	fv_status status = add_axis(ctx, key, results->n, axes);
	if (status)
		return status;
	core_variant_axis *axis = &axes->axis[axes->n - 1];
	for (size_t i = 0; i < results->n; i++)
		axis->value[i] = json_array_get(values, i);
	status = core_axis_texts(ctx, results->n, axis->value, axis->text);
	find_whether_varied(results, axis);
	return status ? status : set_title(ctx, axes, axes->n - 1);
}

void core_axes_free(core_variant_axes *axes)
{
	json_decref(axes->owned);
	axes->owned = NULL;
}

int64_t core_axes_index(const core_variant_axes *axes, const char *name)
{
	for (size_t i = 0; i < axes->n; i++)
		if (!strcmp(axes->axis[i].key, name) || !strcmp(axes->axis[i].title, name))
			return (int64_t)i;
	return -1;
}
