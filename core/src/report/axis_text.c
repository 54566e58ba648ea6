/* SPDX-License-Identifier: Apache-2.0 */
#include "report/axis_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "config/config.h"
#include "report/result_table.h"

/* A key of a block, with its scalar value: {"encoder.name", "NAME"}. */
struct leaf {
	const char *path, *text;
};

/* One of the different values of an axis. */
struct value {
	const json_t *json;
	const char *name; /* of a block; "": it has none */
	size_t n, capacity;
	struct leaf *leaf;
	const char *text;
};

/* --- leaves ----------------------------------------------------------------------------------- */

/* Appends a scalar; a list is joined with commas. */
static void put_scalar(core_text *out, const json_t *json)
{
	char buffer[32];
	size_t i;
	json_t *item;
	if (json_is_string(json))
		core_text_add(out, "%s", json_string_value(json));
	else if (json_is_integer(json))
		core_text_add(out, "%lld", (long long)json_integer_value(json));
	else if (json_is_real(json))
		core_text_add(out, "%s", core_number_text(buffer, json_real_value(json)));
	else if (json_is_boolean(json))
		core_text_add(out, "%s", json_is_true(json) ? "true" : "false");
	else if (json_is_array(json) && !json_array_size(json))
		core_text_add(out, "none");
	json_array_foreach(json, i, item)
	{
		core_text_add(out, "%s", i ? "," : "");
		put_scalar(out, item);
	}
}

static bool is_list_of_blocks(const json_t *json)
{
	return json_is_object(json_array_get(json, 0));
}

static fv_status add_leaf(fv_ctx *ctx, struct value *v, const char *path, const json_t *json)
{
	core_text text = {0};
	if (v->n == v->capacity) {
		size_t capacity = v->capacity ? 2 * v->capacity : 8;
		struct leaf *grown = core_alloc(ctx, capacity, sizeof *grown);
		if (!grown)
			return FV_FAILED;
		if (v->n)
			memcpy(grown, v->leaf, v->n * sizeof *grown);
		v->leaf = grown;
		v->capacity = capacity;
	}
	put_scalar(&text, json);
	v->leaf[v->n] = (struct leaf){path, core_text_move(ctx, &text)};
	return v->leaf[v->n++].text ? FV_OK : FV_FAILED;
}

/* Adds the keys of a block and of the blocks in it, except its own name and keys that are null. */
static fv_status add_leaves(fv_ctx *ctx, struct value *v, const char *path, const json_t *json)
{
	const char *key;
	json_t *item;
	size_t i;
	fv_status status = FV_OK;
	if (json_is_object(json)) {
		json_object_foreach((json_t *)json, key, item)
		{
			const char *below = *path ? core_format(ctx, "%s.%s", path, key) : key;
			if (!status && (*path || strcmp(key, "name") != 0))
				status = below ? add_leaves(ctx, v, below, item) : FV_FAILED;
		}
		return status;
	}
	if (is_list_of_blocks(json)) {
		json_array_foreach(json, i, item)
		{
			const char *below = core_format(ctx, "%s.%zu", path, i);
			if (!status)
				status = below ? add_leaves(ctx, v, below, item) : FV_FAILED;
		}
		return status;
	}
	return json_is_null(json) ? FV_OK : add_leaf(ctx, v, path, json);
}

/* --- texts ------------------------------------------------------------------------------------ */

/* Returns the name of a block, "A x B" for a product of blocks, "" if it has none. */
static const char *find_name(fv_ctx *ctx, const json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const json_t *product = json_object_get(json, "product");
	core_text text = {0};
	size_t i;
	json_t *item;
	if (name || !is_list_of_blocks(product))
		return name ? name : "";
	json_array_foreach(product, i, item)
	{
		const char *part = json_string_value(json_object_get(item, "name"));
		core_text_add(&text, "%s%s", i ? " x " : "", part ? part : "");
	}
	return core_text_move(ctx, &text);
}

static const char *find_leaf(const struct value *v, const char *path)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->leaf[i].path, path))
			return v->leaf[i].text;
	return NULL;
}

/* Do blocks of one name differ in this leaf? */
static bool does_leaf_vary(const struct value *all, size_t n, const struct value *v, size_t leaf)
{
	for (size_t k = 0; k < n; k++) {
		const char *other = find_leaf(&all[k], v->leaf[leaf].path);
		if (json_is_object(all[k].json) && !strcmp(all[k].name, v->name) &&
			(!other || strcmp(other, v->leaf[leaf].text) != 0))
			return true;
	}
	return false;
}

static bool is_name_leaf(const char *path)
{
	size_t n = strlen(path);
	return !strcmp(path, "name") || (n > 5 && !strcmp(path + n - 5, ".name"));
}

/* Returns the values of a block without a name: "gender 20". */
static const char *format_values(fv_ctx *ctx, const struct value *v)
{
	core_text text = {0};
	for (size_t i = 0; i < v->n; i++)
		core_text_add(&text, "%s%s", i ? " " : "", v->leaf[i].text);
	return core_text_move(ctx, &text);
}

/* Returns the name and the leaves that vary, or all of them. The name of a block inside it is written under
 * the key of that block. */
static const char *format_block(
	fv_ctx *ctx, const struct value *all, size_t n, const struct value *v, bool whole)
{
	core_text text = {0};
	core_text_add(&text, "%s", v->name);
	for (size_t i = 0; i < v->n; i++) {
		const char *path = v->leaf[i].path;
		bool is_name = is_name_leaf(path);
		bool in_product = !strncmp(path, "product.", 8) && is_name;
		if (in_product || (!whole && !does_leaf_vary(all, n, v, i)))
			continue;
		const char *key = whole ? path : core_shorten_key(path);
		size_t length = strlen(key);
		if (is_name && !whole)
			key = "encoder"; /* the only block in a block that has a name */
		core_text_add(&text, "%s%.*s=%s", text.size ? " " : "",
			(int)(is_name && whole ? length - 5 : strlen(key)), key, v->leaf[i].text);
	}
	return core_text_move(ctx, &text);
}

static fv_status read_value(fv_ctx *ctx, const json_t *json, struct value *out)
{
	*out = (struct value){.json = json, .name = find_name(ctx, json)};
	if (!out->name)
		return FV_FAILED;
	return json_is_object(json) ? add_leaves(ctx, out, "", json) : FV_OK;
}

static fv_status format_value(fv_ctx *ctx, struct value *all, size_t n, struct value *v)
{
	core_text text = {0};
	if (json_is_object(v->json)) {
		v->text = format_block(ctx, all, n, v, false);
		if (v->text && !*v->text)
			v->text = format_values(ctx, v);
	} else {
		put_scalar(&text, v->json);
		v->text = core_text_move(ctx, &text);
	}
	return v->text ? FV_OK : FV_FAILED;
}

fv_status core_axis_texts(fv_ctx *ctx, size_t n, const json_t *const *value, const char **text)
{
	struct value *all = core_alloc(ctx, n + 1, sizeof *all);
	size_t *of = core_alloc(ctx, n + 1, sizeof *of), found = 0;
	fv_status status = all && of ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < n && !status; i++) {
		if (!value[i] || json_is_null(value[i]))
			continue;
		for (of[i] = 0; of[i] < found; of[i]++)
			if (json_equal((json_t *)all[of[i]].json, (json_t *)value[i]))
				break;
		if (of[i] == found)
			status = read_value(ctx, value[i], &all[found++]);
	}
	for (size_t k = 0; k < found && !status; k++)
		status = format_value(ctx, all, found, &all[k]);
	for (size_t i = 0; i < n && !status; i++)
		text[i] = value[i] && !json_is_null(value[i]) ? all[of[i]].text : NULL;
	return status;
}

const char *core_axis_text_of_build(
	fv_ctx *ctx, const json_t *value, const char *text, const char *build)
{
	const char *name = json_is_object(value) ? find_name(ctx, value) : text;
	if (!name)
		return NULL;
	const char *rest = text + strlen(name);
	return core_format(ctx, "%s@%s%s%s", name, build, *name || !*rest ? "" : " ", rest);
}

const char *core_axis_full_text(fv_ctx *ctx, const json_t *value)
{
	struct value v;
	core_text text = {0};
	if (!json_is_object(value)) {
		put_scalar(&text, value);
		return core_text_move(ctx, &text);
	}
	return read_value(ctx, value, &v) ? NULL : format_block(ctx, &v, 1, &v, true);
}
