/* SPDX-License-Identifier: Apache-2.0 */
/* Short names of variants and axis values: {name: NAME, k: 16} -> NAME16, batch: 64 -> batch64. */
#include <ctype.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "config/loader.h"

#define LABEL_MAX 40
#define SLUG_MAX 80

static bool is_number(const core_yaml *node)
{
	double value;
	return node->plain && core_parse_double(node->text, &value);
}

static const char *find_last_part(const char *key)
{
	const char *dot = strrchr(key, '.');
	return dot ? dot + 1 : key;
}

/* Replaces characters unsuitable for a file name by '_' and cuts the text to `most` bytes. */
static const char *make_clean_name(core_loader *loader, core_text *text, size_t most)
{
	size_t n = text->size < most ? text->size : most;
	char *out = core_strndup(loader->ctx, text->data ? text->data : "", n);
	core_text_free(text);
	if (!out)
		return "";
	for (char *p = out; *p; p++) {
		bool first = p == out && (*p == '.' || *p == '-');
		if (first || !(isalnum((unsigned char)*p) || strchr("._-", *p)))
			*p = '_';
	}
	return out;
}

static void put_text(core_text *out, const char *text)
{
	core_text_put(out, text, strlen(text));
}

static void add_leaves(core_text *out, const core_yaml *node, bool *first_number);

static void add_leaf(core_text *out, const char *key, const core_yaml *node, bool *first_number)
{
	if (node->kind != CORE_YAML_SCALAR) {
		add_leaves(out, node, first_number);
	} else if (!is_number(node)) {
		if (strcmp(key, "weights") != 0)
			core_text_add(out, "-%s", core_path_base(node->text));
	} else if (*first_number) {
		put_text(out, node->text);
		*first_number = false;
	} else {
		core_text_add(out, "-%s%s", key, node->text);
	}
}

static void add_leaves(core_text *out, const core_yaml *node, bool *first_number)
{
	for (size_t i = 0; i < node->n && out->size < SLUG_MAX; i++) {
		const core_entry *entry = &node->entry[i];
		add_leaf(out, entry->key ? entry->key : "", entry->value, first_number);
	}
}

/* {name: N, ...} or {product: [...]} */
static void add_block(core_text *out, const char *key, const core_yaml *node)
{
	const core_yaml *product = core_yaml_get(node, "product");
	if (product && product->kind == CORE_YAML_LIST) {
		for (size_t i = 0; i < product->n && out->size < SLUG_MAX; i++) {
			if (i)
				put_text(out, "_x_");
			add_block(out, "", product->entry[i].value);
		}
		return;
	}
	const core_yaml *name = core_yaml_get(node, "name");
	bool named = name && name->kind == CORE_YAML_SCALAR, first_number = true;
	put_text(out, named ? name->text : find_last_part(key));
	for (size_t i = 0; i < node->n && out->size < SLUG_MAX; i++) {
		const core_entry *entry = &node->entry[i];
		if (entry->value != name)
			add_leaf(out, entry->key, entry->value, &first_number);
	}
}

const char *core_make_label(core_loader *loader, const char *key, const core_yaml *value)
{
	core_text out = {0};
	const char *last = find_last_part(key);
	bool first_number = false;
	if (value->kind == CORE_YAML_MAP) {
		add_block(&out, key, value);
	} else if (value->kind == CORE_YAML_LIST) {
		put_text(&out, last);
		add_leaves(&out, value, &first_number);
	} else if (!strcmp(last, "name")) {
		put_text(&out, value->text);
	} else {
		core_text_add(&out, is_number(value) ? "%s%s" : "%s-%s", last,
			core_path_base(value->text));
	}
	return make_clean_name(loader, &out, LABEL_MAX);
}

static void add_part(core_text *out, const char *part)
{
	if (*part)
		core_text_add(out, out->size ? "-%s" : "%s", part);
}

static bool is_block_on_axis(const core_matrix *matrix, const char *block)
{
	size_t n = strlen(block);
	for (size_t i = 0; i < matrix->n_axes; i++) {
		const char *key = matrix->axis[i].key;
		if (!strcmp(key, block) || (!strncmp(key, block, n) && !strcmp(key + n, ".name")))
			return true;
	}
	return false;
}

/* The loss comes first unless it is an axis; without a matrix the grouper follows. */
const char *core_make_slug(core_loader *loader, const core_matrix *matrix,
	const core_combination *combination, const core_yaml *resolved)
{
	core_text out = {0};
	const core_yaml *loss = core_yaml_get(core_yaml_get(resolved, "loss"), "name");
	const core_yaml *grouper = core_yaml_get(resolved, "grouper");
	if (loss && !is_block_on_axis(matrix, "loss"))
		add_part(&out, loss->text);
	if (matrix->n_axes == 0 && grouper)
		add_part(&out, core_make_label(loader, "grouper",
				       core_yaml_get(combination->tree, "grouper")));
	for (size_t i = 0; i < matrix->n_axes; i++)
		add_part(&out, combination->value[i]);
	add_part(&out, combination->extra ? combination->extra : "");
	if (!out.size)
		core_text_add(&out, "variant");
	return make_clean_name(loader, &out, SLUG_MAX);
}
