/* SPDX-License-Identifier: Apache-2.0 */
#include "report/claims_file.h"

#include <math.h>
#include <string.h>

#include "base/embedded.h"
#include "base/nearest.h"
#include "base/number.h"
#include "config/yaml.h"

enum { CLAIMS_MAX = 1000, CHOICES_MAX = 1000 };
#define PAPER "configs/paper/claims.yaml"

static const char *const claim_keys[] = {"name", "claim", "rows", "against", "metric", "attribute",
	"change", "mean_over", "rule", "published", "source"};
enum { CLAIM_KEYS = sizeof claim_keys / sizeof *claim_keys };

/* --- parts of the tree ------------------------------------------------------------------------ */

static fv_status check_map(
	fv_ctx *ctx, const core_yaml *node, const char *what, const char *const *keys, size_t n)
{
	if (node->kind != CORE_YAML_MAP)
		return core_fail_place(ctx, FV_CONFIG, node->place,
			"%s is not a map: write 'key: value' lines", what);
	for (size_t i = 0; i < node->n; i++) {
		size_t k = 0;
		while (k < n && strcmp(keys[k], node->entry[i].key) != 0)
			k++;
		if (k == n)
			return core_fail_place(ctx, FV_CONFIG, node->entry[i].key_place,
				"unknown key '%s' in %s%s", node->entry[i].key, what,
				core_suggest_name(ctx, node->entry[i].key, keys, n));
	}
	return FV_OK;
}

static bool is_blank(const char *text)
{
	return !text[strspn(text, " \t\r\n")];
}

/* Reads the text of a key; *out is NULL if it is missing and not needed. */
static fv_status read_text(
	fv_ctx *ctx, const core_yaml *map, const char *key, bool needed, const char **out)
{
	const core_yaml *node = core_yaml_get(map, key);
	*out = NULL;
	if (!node)
		return needed ? core_fail_place(
					ctx, FV_CONFIG, map->place, "the claim has no '%s'", key)
			      : FV_OK;
	if (node->kind != CORE_YAML_SCALAR || core_yaml_is_null(node) || is_blank(node->text))
		return core_fail_place(ctx, FV_CONFIG, node->place, "%s: needs a text", key);
	*out = node->text;
	return FV_OK;
}

static fv_status read_number(fv_ctx *ctx, const core_yaml *node, const char *key, double *out)
{
	if (node->kind == CORE_YAML_SCALAR && core_parse_double(node->text, out))
		return FV_OK;
	return core_fail_place(ctx, FV_CONFIG, node->place, "%s: %s%s%s is not a number", key,
		node->kind == CORE_YAML_SCALAR ? "'" : "",
		node->kind == CORE_YAML_SCALAR ? node->text : "a list or map",
		node->kind == CORE_YAML_SCALAR ? "'" : "");
}

/* Reads one text, or a list of them. */
static fv_status read_texts(
	fv_ctx *ctx, const core_yaml *node, const char *key, size_t *n, const char ***out)
{
	bool one = node->kind == CORE_YAML_SCALAR;
	*n = one ? 1 : node->n;
	*out = core_alloc(ctx, *n + 1, sizeof **out);
	if (!*out)
		return FV_FAILED;
	if (node->kind == CORE_YAML_MAP || !*n)
		return core_fail_place(
			ctx, FV_CONFIG, node->place, "%s: needs a value or a list of values", key);
	for (size_t i = 0; i < *n; i++) {
		const core_yaml *item = one ? node : node->entry[i].value;
		if (item->kind != CORE_YAML_SCALAR || core_yaml_is_null(item))
			return core_fail_place(ctx, FV_CONFIG, item->place,
				"%s: needs plain values, such as 16", key);
		(*out)[i] = item->text;
	}
	return FV_OK;
}

/* --- the parts of a claim --------------------------------------------------------------------- */

static fv_status read_selector(
	fv_ctx *ctx, const core_yaml *map, const char *key, core_claim_selector *out)
{
	const core_yaml *node = core_yaml_get(map, key);
	size_t choices = 1;
	if (!node)
		return core_fail_place(ctx, FV_CONFIG, map->place, "the claim has no '%s'", key);
	if (node->kind != CORE_YAML_MAP || !node->n)
		return core_fail_place(ctx, FV_CONFIG, node->place,
			"%s: needs what the variants have, such as {loss: NAME}", key);
	*out = (core_claim_selector){node->n, core_alloc(ctx, node->n, sizeof *out->condition)};
	if (!out->condition)
		return FV_FAILED;
	for (size_t i = 0; i < node->n; i++) {
		core_claim_condition *c = &out->condition[i];
		c->key = node->entry[i].key;
		fv_status status = read_texts(ctx, node->entry[i].value, c->key, &c->n, &c->value);
		if (status)
			return status;
		if (c->n > CHOICES_MAX / choices)
			return core_fail_place(ctx, FV_CONFIG, node->entry[i].key_place,
				"%s: more than %d combinations of values", key, CHOICES_MAX);
		choices *= c->n;
	}
	return FV_OK;
}

/* Reads {below: X} or {above: X}. */
static fv_status read_change(fv_ctx *ctx, const core_yaml *map, core_claim *out)
{
	static const char *const sides[] = {"below", "above"};
	const core_yaml *node = core_yaml_get(map, "change");
	if (!node)
		return core_fail_place(ctx, FV_CONFIG, map->place, "the claim has no 'change'");
	fv_status status = check_map(ctx, node, "change", sides, 2);
	if (status)
		return status;
	if (node->n != 1)
		return core_fail_place(ctx, FV_CONFIG, node->place,
			"change: needs one of {below: X} and {above: X}");
	out->above = !strcmp(node->entry[0].key, "above");
	return read_number(ctx, node->entry[0].value, node->entry[0].key, &out->bound);
}

static fv_status refuse_metric(fv_ctx *ctx, const core_yaml *node, const char *name)
{
	const char *known[CORE_METRICS];
	size_t n = 0;
	for (int k = 0; k < CORE_METRICS; k++)
		if (core_metric_at((core_metric_id)k)->kind &
			(CORE_METRIC_OVERALL | CORE_METRIC_GAP | CORE_METRIC_GROUP))
			known[n++] = core_metric_at((core_metric_id)k)->name;
	core_metric_id id;
	return core_fail_place(ctx, FV_CONFIG, node->place, "metric: %s '%s'%s",
		core_metric_find(name, &id) ? "systems cannot be compared by" : "there is no", name,
		core_suggest_name(ctx, name, known, n));
}

static fv_status read_metric(fv_ctx *ctx, const core_yaml *map, core_claim *out)
{
	const char *name;
	fv_status status = read_text(ctx, map, "metric", true, &name);
	if (!status)
		status = read_text(ctx, map, "attribute", false, &out->attribute);
	if (status)
		return status;
	const core_yaml *node = core_yaml_get(map, "metric");
	if (!core_metric_find(name, &out->metric) ||
		core_metric_is(out->metric, CORE_METRIC_ROWS) ||
		core_metric_is(out->metric, CORE_METRIC_SPEAKERS))
		return refuse_metric(ctx, node, name);
	if (core_metric_is_overall(out->metric) && out->attribute)
		return core_fail_place(ctx, FV_CONFIG, core_yaml_get(map, "attribute")->place,
			"attribute: %s is over all recordings: leave it out", name);
	if (!core_metric_is_overall(out->metric) && !out->attribute)
		return core_fail_place(ctx, FV_CONFIG, node->place,
			"metric: %s is between groups: name them with 'attribute'", name);
	return FV_OK;
}

static fv_status read_rule(fv_ctx *ctx, const core_yaml *map, core_claim *out)
{
	const core_yaml *rule = core_yaml_get(map, "rule");
	const core_yaml *means = core_yaml_get(map, "mean_over");
	out->any = rule && core_yaml_is_word(rule, "any");
	if (rule && !out->any && !core_yaml_is_word(rule, "all"))
		return core_fail_place(ctx, FV_CONFIG, rule->place, "rule: is not all or any");
	return means ? read_texts(ctx, means, "mean_over", &out->n_means, &out->mean_over) : FV_OK;
}

static fv_status read_published(fv_ctx *ctx, const core_yaml *map, core_claim *out)
{
	const core_yaml *node = core_yaml_get(map, "published");
	out->published = NAN;
	return node ? read_number(ctx, node, "published", &out->published) : FV_OK;
}

/* --- the file --------------------------------------------------------------------------------- */

static fv_status read_claim(fv_ctx *ctx, const core_yaml *node, core_claim *out)
{
	*out = (core_claim){.place = node->place};
	fv_status status = check_map(ctx, node, "the claim", claim_keys, CLAIM_KEYS);
	if (!status)
		status = read_text(ctx, node, "name", true, &out->name);
	if (!status)
		status = read_text(ctx, node, "claim", true, &out->text);
	if (!status)
		status = read_selector(ctx, node, "rows", &out->rows);
	if (!status)
		status = read_selector(ctx, node, "against", &out->against);
	if (!status)
		status = read_metric(ctx, node, out);
	if (!status)
		status = read_change(ctx, node, out);
	if (!status)
		status = read_rule(ctx, node, out);
	if (!status)
		status = read_published(ctx, node, out);
	return status ? status : read_text(ctx, node, "source", false, &out->source);
}

static fv_status check_name(fv_ctx *ctx, const core_claims *claims, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!strcmp(claims->claim[i].name, claims->claim[at].name))
			return core_fail_place(ctx, FV_CONFIG, claims->claim[at].place,
				"two claims are named '%s'", claims->claim[at].name);
	return FV_OK;
}

static fv_status read_claims(fv_ctx *ctx, const core_yaml *root, core_claims *out)
{
	static const char *const keys[] = {"about", "claims"};
	const core_yaml *list;
	fv_status status = check_map(ctx, root, "a file of claims", keys, 2);
	if (!status)
		status = read_text(ctx, root, "about", false, &out->about);
	if (status)
		return status;
	list = core_yaml_get(root, "claims");
	if (!list || list->kind != CORE_YAML_LIST || !list->n)
		return core_fail_place(ctx, FV_CONFIG, list ? list->place : root->place,
			"a file of claims needs a list 'claims'");
	if (list->n > CLAIMS_MAX)
		return core_fail_place(
			ctx, FV_CONFIG, list->place, "more than %d claims", CLAIMS_MAX);
	out->claim = core_alloc(ctx, list->n, sizeof *out->claim);
	if (!out->claim)
		return FV_FAILED;
	for (; out->n < list->n && !status; out->n++) {
		status = read_claim(ctx, list->entry[out->n].value, &out->claim[out->n]);
		if (!status)
			status = check_name(ctx, out, out->n);
	}
	return status;
}

fv_status core_claims_read(fv_ctx *ctx, const char *path, core_claims *out)
{
	core_yaml *root;
	const char *text = path ? NULL : core_embedded_text(PAPER);
	*out = (core_claims){0};
	if (!path && !text)
		return fv_fail(ctx, FV_FAILED, "%s is not built into this program", PAPER);
	fv_status status = path ? core_yaml_read(ctx, path, &root)
				: core_yaml_parse(ctx, PAPER, text, strlen(text), &root);
	return status ? status : read_claims(ctx, root, out);
}
