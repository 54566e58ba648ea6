/* SPDX-License-Identifier: Apache-2.0 */
/* What a file of torch.save says beside its tensors: the texts, integers and booleans that its
 * dict, or a dict in it, holds, as metadata. The name is the keys, joined by a dot. What is longer
 * than TEXT_MAX bytes is left out, and so is what two places say under one name. */
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

static bool is_word(const core_object *object)
{
	return object->kind == CORE_PICKLE_TEXT && object->text.n <= TEXT_MAX &&
	       (object->text.n == 0 || !memchr(object->text.data, '\0', object->text.n));
}

/* The value as text, without NUL; -1: none that is kept. */
static int write_value(const core_object *value, char text[TEXT_MAX + 1])
{
	if (is_word(value))
		return snprintf(text, TEXT_MAX + 1, "%.*s", (int)value->text.n,
			value->text.n ? value->text.data : "");
	if (value->kind == CORE_PICKLE_INT)
		return snprintf(text, TEXT_MAX + 1, "%" PRId64, value->integer);
	if (value->kind == CORE_PICKLE_BOOL)
		return snprintf(text, TEXT_MAX + 1, "%s", value->integer ? "true" : "false");
	return -1;
}

static const char *keep(struct collect *c, const char *text, int n)
{
	char *copy = core_arena_alloc(c->memory, (size_t)n + 1);
	return copy ? memcpy(copy, text, (size_t)n + 1) : NULL;
}

/* False: memory is out. */
static bool add(struct collect *c, const core_object *outer, const core_object *key,
	const core_object *value)
{
	char text[TEXT_MAX + 1], name[2 * TEXT_MAX + 2];
	int length = write_value(value, text);
	if (length < 0 || !is_word(key) || c->n == CORE_TENSORS_MAX)
		return true;
	int n = snprintf(name, sizeof name, "%.*s%s%.*s", outer ? (int)outer->text.n : 0,
		outer && outer->text.n ? outer->text.data : "", outer ? "." : "", (int)key->text.n,
		key->text.n ? key->text.data : "");
	if (!core_pickle_grow(&c->meta, c->n, &c->room, sizeof *c->meta))
		return false;
	core_meta *meta = &c->meta[c->n++];
	*meta = (core_meta){keep(c, name, n), keep(c, text, length)};
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
			ok = add(c, outer, key, value);
		else if (!outer && is_word(key) && c->n < CORE_TENSORS_MAX)
			ok = add_dict(c, key, value);
	}
	return ok;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const core_meta *)a)->key, ((const core_meta *)b)->key);
}

/* Sorted, and without names that are there twice. */
static void settle(struct collect *c, fv_checkpoint *file)
{
	qsort(c->meta, c->n, sizeof *c->meta, by_key);
	for (uint32_t i = 0, next; i < c->n; i = next) {
		for (next = i + 1; next < c->n && !by_key(&c->meta[i], &c->meta[next]);)
			next++;
		if (next == i + 1)
			file->meta[file->n_meta++] = c->meta[i];
	}
}

fv_status core_torch_meta(core_pickle *pickle, fv_checkpoint *file)
{
	struct collect c = {.pickle = pickle, .memory = &file->memory};
	bool ok = add_dict(&c, NULL, &pickle->object.item[pickle->top]);
	if (ok && c.n) {
		file->meta = core_arena_alloc(&file->memory, c.n * sizeof *file->meta);
		ok = file->meta != NULL;
		if (ok)
			settle(&c, file);
	}
	free(c.meta);
	return ok ? FV_OK : core_scan_no_memory(&pickle->scan);
}
