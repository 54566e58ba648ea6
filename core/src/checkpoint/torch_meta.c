/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata of torch.save files: the texts, integers and booleans in the top dict and in dicts
 * directly inside it. The name is the keys joined by a dot. Values longer than TEXT_MAX bytes
 * are left out, and so is every name that occurs twice. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/torch.h"

#define TEXT_MAX 1024

struct collect {
	const core_pickle *pickle;
	core_arena *memory;
	core_meta *meta;
	uint32_t n, room;
};

static bool is_dict(const core_object *object)
{
	return object->kind == CORE_PICKLE_DICT || object->kind == CORE_PICKLE_ORDERED;
}

static bool is_short_text(const core_object *object)
{
	return object->kind == CORE_PICKLE_TEXT && object->text.n <= TEXT_MAX &&
	       (object->text.n == 0 || !memchr(object->text.data, '\0', object->text.n));
}

/* Writes the value as text and returns its length; -1 for a value that is not kept. */
static int write_value(const core_object *value, char text[TEXT_MAX + 1])
{
	if (is_short_text(value))
		return snprintf(text, TEXT_MAX + 1, "%.*s", (int)value->text.n,
			value->text.n ? value->text.data : "");
	if (value->kind == CORE_PICKLE_INT)
		return snprintf(text, TEXT_MAX + 1, "%" PRId64, value->integer);
	if (value->kind == CORE_PICKLE_BOOL)
		return snprintf(text, TEXT_MAX + 1, "%s", value->integer ? "true" : "false");
	return -1;
}

static const char *copy_text(struct collect *c, const char *text, int n)
{
	char *copy = core_arena_alloc(c->memory, (size_t)n + 1);
	return copy ? memcpy(copy, text, (size_t)n + 1) : NULL;
}

/* Returns false when memory is out. */
static bool add_value(struct collect *c, const core_object *outer, const core_object *key,
	const core_object *value)
{
	char text[TEXT_MAX + 1], name[2 * TEXT_MAX + 2];
	int length = write_value(value, text);
	if (length < 0 || !is_short_text(key) || c->n == CORE_TENSORS_MAX)
		return true;
	int n = snprintf(name, sizeof name, "%.*s%s%.*s", outer ? (int)outer->text.n : 0,
		outer && outer->text.n ? outer->text.data : "", outer ? "." : "", (int)key->text.n,
		key->text.n ? key->text.data : "");
	if (!core_pickle_grow(&c->meta, c->n, &c->room, sizeof *c->meta))
		return false;
	core_meta *meta = &c->meta[c->n++];
	*meta = (core_meta){copy_text(c, name, n), copy_text(c, text, length)};
	return meta->key && meta->value;
}

static bool add_dict(struct collect *c, const core_object *outer, const core_object *dict)
{
	const core_object *objects = c->pickle->object.item;
	bool ok = true;
	for (uint32_t i = 0; i + 1 < dict->list.n && ok; i += 2) {
		const core_object *key = &objects[dict->list.item[i]];
		const core_object *value = &objects[dict->list.item[i + 1]];
		if (!is_dict(value))
			ok = add_value(c, outer, key, value);
		else if (!outer && is_short_text(key) && c->n < CORE_TENSORS_MAX)
			ok = add_dict(c, key, value);
	}
	return ok;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const core_meta *)a)->key, ((const core_meta *)b)->key);
}

/* Sorts the pairs and stores those whose name occurs once. */
static void store_unique(struct collect *c, fv_checkpoint *file)
{
	qsort(c->meta, c->n, sizeof *c->meta, by_key);
	for (uint32_t i = 0, next; i < c->n; i = next) {
		for (next = i + 1; next < c->n && !by_key(&c->meta[i], &c->meta[next]);)
			next++;
		if (next == i + 1)
			file->meta[file->n_meta++] = c->meta[i];
	}
}

fv_status core_torch_read_meta(core_pickle *pickle, fv_checkpoint *file)
{
	struct collect c = {.pickle = pickle, .memory = &file->memory};
	bool ok = add_dict(&c, NULL, &pickle->object.item[pickle->top]);
	if (ok && c.n) {
		file->meta = core_arena_alloc(&file->memory, c.n * sizeof *file->meta);
		ok = file->meta != NULL;
		if (ok)
			store_unique(&c, file);
	}
	free(c.meta);
	return ok ? FV_OK : core_scan_fail_memory(&pickle->scan);
}
