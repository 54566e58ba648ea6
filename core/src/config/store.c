/* SPDX-License-Identifier: Apache-2.0 */
#include "config/store.h"

#include <string.h>

#include "base/number.h"
#include "config/spec.h"

static void *find_field(void *base, size_t offset)
{
	return (char *)base + offset;
}

/* Stores an integer in a field of any width: int64_t, int32_t, an enum, or bool. */
static void put_int(const core_key *key, int64_t value, void *base)
{
	void *at = find_field(base, key->offset);
	const int32_t narrow = (int32_t)value;
	const bool truth = value != 0;
	if (key->size == sizeof value)
		memcpy(at, &value, sizeof value);
	else if (key->size == sizeof narrow)
		memcpy(at, &narrow, sizeof narrow);
	else
		memcpy(at, &truth, sizeof truth);
}

static void put_text(const core_key *key, const char *text, void *base)
{
	memcpy(find_field(base, key->offset), &text, sizeof text);
}

/* The index of a word among the choices; 0 when it is not among them. */
static int64_t find_choice(const char *choices, const char *word)
{
	size_t size = strlen(word);
	for (int64_t index = 0;; index++) {
		size_t n = strcspn(choices, "|");
		if (n == size && !strncmp(choices, word, n))
			return index;
		if (!choices[n])
			return 0;
		choices += n + 1;
	}
}

static void put_scalar(const core_key *key, const core_yaml *value, void *base)
{
	int64_t whole = key->word;
	double real = (double)key->word;
	const core_yaml *name = value->kind == CORE_YAML_MAP ? core_yaml_get(value, "name") : value;
	switch (key->type) {
	case CORE_KEY_INT:
		(void)core_parse_int(value->text, &whole);
		put_int(key, whole, base);
		break;
	case CORE_KEY_REAL:
		(void)core_parse_double(value->text, &real);
		memcpy(find_field(base, key->offset), &real, sizeof real);
		break;
	case CORE_KEY_BOOL:
		put_int(key, !strcmp(value->text, "true"), base);
		break;
	case CORE_KEY_CHOICE:
		if (key->size == sizeof value->text)
			put_text(key, value->text, base);
		else
			put_int(key, find_choice(key->choices, value->text), base);
		break;
	default:
		put_text(key, name->text, base);
	}
}

static bool make_ints(fv_ctx *ctx, const core_yaml *list, int64_t **out)
{
	*out = core_alloc(ctx, list->n, sizeof **out);
	for (size_t i = 0; i < list->n && *out; i++)
		(void)core_parse_int(list->entry[i].value->text, &(*out)[i]);
	return *out != NULL;
}

static bool make_reals(fv_ctx *ctx, const core_yaml *list, fv_list *out)
{
	double *value = core_alloc(ctx, list->n, sizeof *value);
	for (size_t i = 0; i < list->n && value; i++)
		(void)core_parse_double(list->entry[i].value->text, &value[i]);
	*out = (fv_list){value, (int64_t)list->n};
	return value != NULL;
}

static bool make_texts(fv_ctx *ctx, const core_yaml *list, core_strings *out)
{
	*out = (core_strings){(int32_t)list->n, core_alloc(ctx, list->n, sizeof *out->item)};
	for (size_t i = 0; i < list->n && out->item; i++)
		out->item[i] = list->entry[i].value->text;
	return out->item != NULL;
}

/* Texts, with NULL where the value is null. */
static bool make_columns(fv_ctx *ctx, const core_yaml *map, core_column **out)
{
	*out = core_alloc(ctx, map->n, sizeof **out);
	for (size_t i = 0; i < map->n && *out; i++) {
		const core_yaml *value = map->entry[i].value;
		(*out)[i] = (core_column){
			map->entry[i].key, core_yaml_is_null(value) ? NULL : value->text};
	}
	return *out != NULL;
}

/* A single text counts as a list of one. */
static bool make_joined_columns(fv_ctx *ctx, const core_yaml *map, core_joined_column **out)
{
	*out = core_alloc(ctx, map->n, sizeof **out);
	for (size_t i = 0; i < map->n && *out; i++) {
		core_entry *only = &map->entry[i];
		const core_yaml one = {.kind = CORE_YAML_LIST, .n = 1, .entry = only};
		const core_yaml *list = only->value->kind == CORE_YAML_LIST ? only->value : &one;
		(*out)[i].name = only->key;
		if (!make_texts(ctx, list, &(*out)[i].columns))
			return false;
	}
	return *out != NULL;
}

static bool make_conditions(fv_ctx *ctx, const core_yaml *map, core_condition **out)
{
	*out = core_alloc(ctx, map->n, sizeof **out);
	for (size_t i = 0; i < map->n && *out; i++) {
		const core_yaml *list = map->entry[i].value;
		core_condition *to = &(*out)[i];
		*to = (core_condition){.column = map->entry[i].key,
			.range = list->n == 2 && list->entry[0].value->value == CORE_VALUE_NUMBER};
		if (to->range) {
			(void)core_parse_double(list->entry[0].value->text, &to->low);
			(void)core_parse_double(list->entry[1].value->text, &to->high);
		} else if (!make_texts(ctx, list, &to->values)) {
			return false;
		}
	}
	return *out != NULL;
}

static bool make_bins(fv_ctx *ctx, const core_yaml *map, core_bins **out)
{
	*out = core_alloc(ctx, map->n, sizeof **out);
	for (size_t i = 0; i < map->n && *out; i++) {
		const core_yaml *bins = map->entry[i].value;
		core_bins *to = &(*out)[i];
		*to = (core_bins){map->entry[i].key, (int32_t)bins->n,
			core_alloc(ctx, bins->n, sizeof *to->bin)};
		if (!to->bin)
			return false;
		for (size_t j = 0; j < bins->n; j++) {
			const core_yaml *range = bins->entry[j].value;
			to->bin[j].name = bins->entry[j].key;
			(void)core_parse_double(range->entry[0].value->text, &to->bin[j].low);
			(void)core_parse_double(range->entry[1].value->text, &to->bin[j].high);
		}
	}
	return *out != NULL;
}

static bool make_values(fv_ctx *ctx, const core_yaml *map, core_values **out)
{
	*out = core_alloc(ctx, map->n, sizeof **out);
	for (size_t i = 0; i < map->n && *out; i++) {
		(*out)[i].attribute = map->entry[i].key;
		if (!make_texts(ctx, map->entry[i].value, &(*out)[i].names))
			return false;
	}
	return *out != NULL;
}

static size_t count_leaves(const core_yaml *node)
{
	size_t n = node->kind == CORE_YAML_SCALAR;
	for (size_t i = 0; i < node->n; i++)
		n += count_leaves(node->entry[i].value);
	return n;
}

static void add_sources(const core_yaml *node, const char *split, core_label_source *out, size_t *n)
{
	if (node->kind == CORE_YAML_SCALAR)
		out[(*n)++] = (core_label_source){split, node->text};
	for (size_t i = 0; i < node->n; i++) {
		const core_entry *entry = &node->entry[i];
		add_sources(entry->value, entry->key ? entry->key : split, out, n);
	}
}

/* A path, a list of paths, or {split: path or paths}. */
static bool make_sources(
	fv_ctx *ctx, const core_yaml *files, core_label_source **out, int32_t *count)
{
	size_t n = 0;
	*out = core_alloc(ctx, count_leaves(files), sizeof **out);
	if (*out)
		add_sources(files, NULL, *out, &n);
	*count = (int32_t)n;
	return *out != NULL;
}

static bool put_list(fv_ctx *ctx, const core_key *key, const core_yaml *value, void *base)
{
	static const core_yaml none = {.kind = CORE_YAML_LIST};
	const core_yaml *list = value ? value : &none;
	void *at = find_field(base, key->offset);
	const int32_t n = (int32_t)list->n;
	if (key->count)
		memcpy(find_field(base, key->count), &n, sizeof n);
	switch (key->type) {
	case CORE_KEY_FILES:
		return make_sources(ctx, list, at, find_field(base, key->count));
	case CORE_KEY_INTS:
	case CORE_KEY_SIZES:
	case CORE_KEY_FOLDS:
		return make_ints(ctx, list, at);
	case CORE_KEY_REALS:
		return make_reals(ctx, list, at);
	case CORE_KEY_TEXT_MAP:
	case CORE_KEY_NULL_MAP:
		return make_columns(ctx, list, at);
	case CORE_KEY_COLUMNS:
		return make_joined_columns(ctx, list, at);
	case CORE_KEY_RANGES:
		return make_conditions(ctx, list, at);
	case CORE_KEY_BINS:
		return make_bins(ctx, list, at);
	case CORE_KEY_VALUES:
		return make_values(ctx, list, at);
	default:
		return make_texts(ctx, list, at);
	}
}

bool core_store_value(fv_ctx *ctx, const core_key *key, const core_yaml *value, void *base)
{
	const bool has = value != NULL;
	if (key->has)
		memcpy(find_field(base, key->has), &has, sizeof has);
	if (!key->size)
		return true;
	if (core_key_is_list(key->type) || key->count)
		return put_list(ctx, key, value, base);
	if (value)
		put_scalar(key, value, base);
	return true;
}

bool core_store_block(
	fv_ctx *ctx, const core_key *keys, size_t n, const core_yaml *block, void *base)
{
	bool good = true;
	for (size_t i = 0; i < n && good; i++) {
		const core_yaml *value = core_yaml_get(block, keys[i].name);
		good = keys[i].type == CORE_KEY_BLOCK
			       ? core_store_block(ctx, keys[i].keys, keys[i].n_keys, value, base)
			       : core_store_value(ctx, &keys[i], value, base);
	}
	return good;
}
