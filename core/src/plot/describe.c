/* SPDX-License-Identifier: Apache-2.0 */
/* Describes the value of a matrix axis by what differs from the values of other variants. */
#include <string.h>

#include "base/number.h"
#include "config/config.h"
#include "plot/names.h"

/* The values that one value is told apart from. */
struct others {
	size_t n;
	const json_t *const *value;
	const char *without; /* a member that is ignored; NULL: none */
};

static const char *find_block_name(const json_t *value)
{
	return json_string_value(json_object_get(value, "name"));
}

static bool are_same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal((json_t *)a, (json_t *)b));
}

static void put_number(core_text *out, const json_t *value)
{
	if (json_is_integer(value))
		core_text_add(out, "%lld", (long long)json_integer_value(value));
	else
		core_text_add(out, "%g", json_real_value(value));
}

/* Appends a value without its key. */
static void put_plain(core_text *out, const json_t *value)
{
	size_t i;
	json_t *entry;
	if (json_is_string(value))
		core_text_add(out, "%s", json_string_value(value));
	else if (json_is_number(value))
		put_number(out, value);
	else if (json_is_boolean(value))
		core_text_add(out, "%s", json_is_true(value) ? "true" : "false");
	else if (find_block_name(value))
		core_text_add(out, "%s", find_block_name(value));
	else if (json_is_array(value))
		json_array_foreach((json_t *)value, i, entry)
		{
			core_text_add(out, "%s", i ? "+" : "");
			put_plain(out, entry);
		}
	else
		core_text_add(out, "none");
}

/* Appends a member of a block: texts as they are, anything else as key=value. */
static void put_member(core_text *out, const char *key, const json_t *value)
{
	core_text_add(out, "%s", out->size ? " " : "");
	if (!json_is_string(value) && !find_block_name(value))
		core_text_add(out, "%s=", core_shorten_key(key));
	put_plain(out, value);
}

static bool is_ignored(const struct others *others, const char *key)
{
	return others->without && !strcmp(others->without, key);
}

/* Are two blocks the same but for the member that is ignored? */
static bool are_same_blocks(const struct others *others, const json_t *a, const json_t *b)
{
	const char *key;
	json_t *member;
	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach((json_t *)a, key,
		member) if (!is_ignored(others, key) &&
			    !are_same(member, json_object_get(b, key))) return false;
	return true;
}

/* Is the member of the block different in another block of this name? */
static bool does_member_differ(const struct others *others, const json_t *block, const char *key)
{
	for (size_t i = 0; i < others->n; i++) {
		const char *name = find_block_name(others->value[i]);
		if (name && !strcmp(name, find_block_name(block)) &&
			!are_same(json_object_get(others->value[i], key),
				json_object_get(block, key)))
			return true;
	}
	return false;
}

/* Does any block of this name differ from another one of it? */
static bool is_varied(const struct others *others, const char *name)
{
	const json_t *first = NULL;
	for (size_t i = 0; i < others->n; i++) {
		const char *own = find_block_name(others->value[i]);
		if (!own || strcmp(own, name) != 0)
			continue;
		if (first && !are_same_blocks(others, first, others->value[i]))
			return true;
		first = others->value[i];
	}
	return false;
}

static bool are_several_varied(const struct others *others)
{
	const char *first = NULL;
	for (size_t i = 0; i < others->n; i++) {
		const char *own = find_block_name(others->value[i]);
		if (!own || !is_varied(others, own))
			continue;
		if (first && strcmp(first, own) != 0)
			return true;
		first = own;
	}
	return false;
}

/* A block whose name is there once is its name and its texts; others are the members that differ.
 * `named`: the name is never needed. */
static void put_block(core_text *out, const json_t *block, bool named, const struct others *others)
{
	const char *key, *name = find_block_name(block);
	json_t *member;
	bool varied = is_varied(others, name);
	core_text own = {0};
	json_object_foreach((json_t *)block, key, member)
	{
		bool words = json_is_string(member) || find_block_name(member);
		if (strcmp(key, "name") != 0 && strcmp(key, "weights") != 0 &&
			!is_ignored(others, key) &&
			(varied ? does_member_differ(others, block, key) : words && !named))
			put_member(&own, key, member);
	}
	if (!named && (!varied || !own.size || are_several_varied(others)))
		core_text_add(out, "%s%s", name, own.size ? " " : "");
	if (own.size)
		core_text_add(out, "%s", own.data);
	out->failed |= own.failed;
	core_text_free(&own);
}

const char *core_describe_axis(fv_ctx *ctx, const char *key, const json_t *value, size_t n,
	const json_t *const *other, const char *without)
{
	core_text out = {0};
	const struct others others = {n, other, without};
	const char *dot = strrchr(key, '.'), *last = dot ? dot + 1 : key;
	if (find_block_name(value))
		put_block(&out, value, !strcmp(key, "loss"), &others);
	else if (!strcmp(last, "name"))
		put_plain(&out, value);
	else {
		core_text_add(&out, "%s=", core_shorten_key(key));
		put_plain(&out, value);
	}
	return core_text_move(ctx, &out);
}
