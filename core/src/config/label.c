/* SPDX-License-Identifier: Apache-2.0 */
/* Short names of variants and axis values: {name: NAME, k: 16} -> NAME16, learning_rate: 1.0e-3 ->
 * lr0.001, file: features/emb.safetensors -> file-emb. They are for people only and are never used
 * to find anything. */
#include <ctype.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "config/loader.h"

#define LABEL_MAX 40
#define SLUG_MAX 60

static bool is_number(const core_yaml *node)
{
	double value;
	return node->plain && core_parse_double(node->text, &value);
}

const char *core_shorten_key(const char *key)
{
	static const char *const known[][2] = {{"learning_rate", "lr"}, {"weight_decay", "decay"},
		{"minority_ratio", "ratio"}, {"label_smoothing", "smoothing"},
		{"max_seconds", "seconds"}};
	const char *dot = strrchr(key, '.'), *last = dot ? dot + 1 : key;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i][0], last))
			return known[i][1];
	return last;
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

/* Appends a number in its shortest form: 1.0e-3 -> 0.001, 1.0e-05 -> 1e-5. */
static void put_number(core_text *out, const char *text)
{
	char buffer[32];
	double value = 0;
	(void)core_parse_double(text, &value);
	const char *shortest = core_number_text(buffer, value);
	size_t mantissa = strcspn(shortest, "e");
	const char *exponent = shortest + mantissa;
	if (*exponent && mantissa > 2 && !strncmp(exponent - 2, ".0", 2))
		mantissa -= 2;
	core_text_put(out, shortest, mantissa);
	if (!*exponent)
		return;
	put_text(out, exponent[1] == '-' ? "e-" : "e");
	exponent += 1 + strspn(exponent + 1, "+-0");
	put_text(out, exponent);
}

/* Appends a word; a path is reduced to its file name without extension. */
static void put_word(core_text *out, const char *text)
{
	const char *base = core_path_base(text), *dot = strrchr(base, '.');
	bool ending = dot && dot != base && isalpha((unsigned char)dot[1]);
	core_text_put(out, base, ending ? (size_t)(dot - base) : strlen(base));
}

static void add_leaves(core_text *out, const core_yaml *node, bool *first_number);

/* Adds a value. Weights of an encoder and majorities of a bias are left out, because they are
 * long. */
static void add_leaf(core_text *out, const char *key, const core_yaml *node, bool *first_number)
{
	if (!strcmp(key, "weights") || !strcmp(key, "majority"))
		return;
	if (node->kind != CORE_YAML_SCALAR) {
		add_leaves(out, node, first_number);
	} else if (!is_number(node)) {
		put_text(out, "-");
		put_word(out, node->text);
	} else {
		if (!*first_number)
			core_text_add(out, "-%s", core_shorten_key(key));
		put_number(out, node->text);
		*first_number = false;
	}
}

static void add_leaves(core_text *out, const core_yaml *node, bool *first_number)
{
	if (!node->n)
		put_text(out, "-none");
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
	put_text(out, named ? name->text : core_shorten_key(key));
	for (size_t i = 0; i < node->n && out->size < SLUG_MAX; i++) {
		const core_entry *entry = &node->entry[i];
		if (entry->value != name)
			add_leaf(out, entry->key, entry->value, &first_number);
	}
}

const char *core_make_label(core_loader *loader, const char *key, const core_yaml *value)
{
	core_text out = {0};
	const char *dot = strrchr(key, '.'), *last = dot ? dot + 1 : key;
	bool first_number = false;
	if (value->kind == CORE_YAML_MAP) {
		add_block(&out, key, value);
	} else if (value->kind == CORE_YAML_LIST) {
		put_text(&out, core_shorten_key(key));
		add_leaves(&out, value, &first_number);
	} else if (!strcmp(last, "name")) {
		put_text(&out, value->text);
	} else if (is_number(value)) {
		put_text(&out, core_shorten_key(key));
		put_number(&out, value->text);
	} else {
		core_text_add(&out, "%s-", core_shorten_key(key));
		put_word(&out, value->text);
	}
	return make_clean_name(loader, &out, LABEL_MAX);
}

static void add_part(core_text *out, const char *part)
{
	if (*part)
		core_text_add(out, out->size ? "-%s" : "%s", part);
}

static bool is_block_on_axis(const core_axis *axis, const char *block)
{
	size_t n = strlen(block);
	return !strcmp(axis->key, block) ||
	       (!strncmp(axis->key, block, n) && !strcmp(axis->key + n, ".name"));
}

/* True when the axis distinguishes variants. An axis of one value does so only beside included
 * variants. */
static bool is_axis_varied(const core_matrix *matrix, size_t axis)
{
	return matrix->axis[axis].values->n > 1 ||
	       matrix->n + matrix->n_excluded > matrix->n_crossed;
}

/* Adds the values of the varied axes that name the block or, for NULL, of axes that name neither
 * loss nor grouper. Returns their number. */
static size_t add_axes(core_text *out, const core_matrix *matrix,
	const core_combination *combination, const char *block)
{
	size_t n = 0;
	for (size_t i = 0; i < matrix->n_axes; i++) {
		const core_axis *axis = &matrix->axis[i];
		bool own = block ? is_block_on_axis(axis, block)
				 : !is_block_on_axis(axis, "loss") &&
					   !is_block_on_axis(axis, "grouper");
		if (!own || !is_axis_varied(matrix, i))
			continue;
		add_part(out, combination->value[i]);
		n++;
	}
	return n;
}

/* The loss comes first, then the grouper if it varies or nothing does, then the other varied
 * axes. */
const char *core_make_slug(core_loader *loader, const core_matrix *matrix,
	const core_combination *combination, const core_yaml *resolved)
{
	core_text out = {0};
	const core_yaml *loss = core_yaml_get(core_yaml_get(resolved, "loss"), "name");
	size_t n_differing = 0;
	for (size_t i = 0; i < matrix->n_axes; i++)
		n_differing += is_axis_varied(matrix, i);
	if (!add_axes(&out, matrix, combination, "loss") && loss)
		add_part(&out, loss->text);
	if (n_differing)
		add_axes(&out, matrix, combination, "grouper");
	else if (core_yaml_get(resolved, "grouper"))
		add_part(&out, core_make_label(loader, "grouper",
				       core_yaml_get(combination->tree, "grouper")));
	add_axes(&out, matrix, combination, NULL);
	add_part(&out, combination->extra ? combination->extra : "");
	if (!out.size)
		core_text_add(&out, "variant");
	return make_clean_name(loader, &out, SLUG_MAX);
}
