/* SPDX-License-Identifier: Apache-2.0 */
#include "report/select_variants.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

struct condition {
	const char *key, *value;
};

static bool matches_text(const char *value, const char *pattern)
{
	double own, wanted;
	if (core_parse_double(value, &own) && core_parse_double(pattern, &wanted))
		return own == wanted;
	return fnmatch(pattern, value, 0) == 0;
}

static bool matches_json(const json_t *value, const char *pattern)
{
	if (json_is_string(value))
		return matches_text(json_string_value(value), pattern);
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	bool matches = text && matches_text(text, pattern);
	free(text);
	return matches;
}

static bool matches_grouper(const core_run_facts *facts, const char *pattern)
{
	if (!facts->n_groupers || !facts->uses_groups)
		return !strcmp(pattern, "none");
	for (int32_t i = 0; i < facts->n_groupers; i++)
		if (matches_text(facts->grouper[i].name, pattern))
			return true;
	return false;
}

/* Is `key` the axis or the last part of its name? */
static bool names_axis(const char *axis, const char *key)
{
	size_t n = strlen(axis), k = strlen(key);
	if (!strcmp(axis, key))
		return true;
	return n > k && axis[n - k - 1] == '.' && !strcmp(axis + n - k, key);
}

static bool matches_axis(const core_run_facts *facts, const struct condition *c)
{
	const char *axis;
	json_t *value;
	json_object_foreach((json_t *)facts->axes, axis, value)
	{
		if (names_axis(axis, c->key) && matches_json(value, c->value))
			return true;
	}
	return false;
}

static bool matches_condition(const core_variant_result *variant, const struct condition *c)
{
	const core_run_facts *f = core_variant_facts(variant);
	if (!strcmp(c->key, "variant"))
		return matches_text(variant->name, c->value) ||
		       matches_text(variant->label, c->value) ||
		       matches_text(variant->slug, c->value);
	if (!f)
		return false;
	if (!strcmp(c->key, "loss"))
		return matches_text(f->loss, c->value);
	if (!strcmp(c->key, "encoder"))
		return matches_text(f->encoder, c->value);
	if (!strcmp(c->key, "profile"))
		return matches_text(f->profile, c->value);
	if (!strcmp(c->key, "select"))
		return matches_text(f->selection.rule, c->value);
	if (!strcmp(c->key, "grouper") && matches_grouper(f, c->value))
		return true;
	return matches_axis(f, c);
}

/* Does the variant match every key? A repeated key matches with any of its values. */
static bool matches_all(const core_variant_result *variant, const struct condition *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool any = false;
		for (size_t k = 0; k < n; k++)
			any |= !strcmp(c[k].key, c[i].key) && matches_condition(variant, &c[k]);
		if (!any)
			return false;
	}
	return true;
}

static bool is_known_key(const core_results *results, const char *key)
{
	static const char *const keys[] = {
		"variant", "loss", "encoder", "grouper", "profile", "select"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (!strcmp(keys[i], key))
			return true;
	for (size_t i = 0; i < results->n; i++) {
		const core_run_facts *facts = core_variant_facts(&results->variant[i]);
		const char *axis;
		json_t *value;
		json_object_foreach((json_t *)(facts ? facts->axes : NULL), axis, value)
		{
			if (names_axis(axis, key))
				return true;
		}
	}
	return false;
}

static fv_status parse_list(
	fv_ctx *ctx, const char *list, const core_results *results, struct condition *c, size_t *n)
{
	char *copy = core_strdup(ctx, list), *rest = NULL;
	if (!copy)
		return FV_FAILED;
	*n = 0;
	for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
		char *equals = strchr(item, '=');
		if (!equals || equals == item)
			return fv_fail(ctx, FV_CONFIG, "--rows: '%s' is not KEY=VALUE", item);
		*equals = '\0';
		if (!is_known_key(results, item))
			return fv_fail(ctx, FV_CONFIG,
				"--rows: no variant has an axis '%s': use an axis, variant, loss, "
				"encoder, grouper, profile or select",
				item);
		c[(*n)++] = (struct condition){item, equals + 1};
	}
	return FV_OK;
}

fv_status core_select_variants(fv_ctx *ctx, const char *list, core_results *results)
{
	struct condition *c = core_alloc(ctx, strlen(list) + 1, sizeof *c);
	size_t n, kept = 0;
	fv_status status = c ? parse_list(ctx, list, results, c, &n) : FV_FAILED;
	if (status)
		return status;
	core_variant_result *sorted = core_alloc(ctx, results->n, sizeof *sorted);
	if (!sorted)
		return FV_FAILED;
	for (int pass = 0; pass < 2;
		pass++) /* matching variants first, then the others, each in order */
		for (size_t i = 0, at = pass ? kept : 0; i < results->n; i++)
			if (matches_all(&results->variant[i], c, n) == !pass) {
				sorted[at++] = results->variant[i];
				kept += !pass;
			}
	memcpy(results->variant, sorted, results->n * sizeof *sorted);
	if (!kept)
		return fv_fail(ctx, FV_CONFIG, "--rows: no variant in %s matches '%s'",
			results->dir, list);
	core_results_keep_first(results, kept);
	return FV_OK;
}
