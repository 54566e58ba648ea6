/* SPDX-License-Identifier: Apache-2.0 */
#include "base/causes.h"

#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#define COUNTED_MAX ((size_t)1 << 20) /* failures that are told apart; then counting stops */
#define VALUE_MAX 80                  /* bytes of a quoted value in a list */

static uint64_t mix_hashes(uint64_t a, uint64_t b)
{
	uint64_t hash =
		(a ^ (b + 0x9e3779b97f4a7c15ull + (a << 6) + (a >> 2))) * 0xff51afd7ed558ccdull;
	return hash ^ (hash >> 33);
}

/* --- what was counted --- */

static core_counted *find_slot(core_counted *table, size_t n_slots, uint64_t hash)
{
	size_t i = (size_t)hash & (n_slots - 1);
	while (table[i].hash && table[i].hash != hash)
		i = (i + 1) & (n_slots - 1);
	return &table[i];
}

static bool grow_counted(core_causes *c)
{
	size_t n = c->n_slots ? 2 * c->n_slots : 256;
	core_counted *grown = calloc(n, sizeof *grown);
	if (!grown)
		return false;
	for (size_t i = 0; i < c->n_slots; i++)
		if (c->counted[i].hash)
			*find_slot(grown, n, c->counted[i].hash) = c->counted[i];
	free(c->counted);
	c->counted = grown;
	c->n_slots = n;
	return true;
}

/* Returns true if the hash is new. False too when there is no room for it: the count then says
 * "more than". */
static bool count_new(core_causes *c, uint64_t hash, int32_t cause)
{
	hash += !hash;
	if (2 * (c->n_counted + 1) > c->n_slots &&
		(c->n_counted >= COUNTED_MAX || !grow_counted(c))) {
		c->full = true;
		return false;
	}
	core_counted *slot = find_slot(c->counted, c->n_slots, hash);
	if (slot->hash)
		return false;
	*slot = (core_counted){hash, cause};
	c->n_counted++;
	return true;
}

/* --- causes --- */

static core_cause describe_cause(const core_failure *f)
{
	uint64_t text = fv_name_hash(f->text);
	bool header = f->kind == CORE_AT_LINE && f->line <= 1;
	uint64_t shared = f->exact ? text : core_text_shape(f->text);
	return (core_cause){.kind = f->kind,
		.header = header,
		.key = mix_hashes(shared, 4 * (uint64_t)header + (uint64_t)f->kind),
		.format =
			!f->exact && core_format_has_words(f->format) ? fv_name_hash(f->format) : 0,
		.first = text,
		.file = f->file ? fv_name_hash(f->file) : 0};
}

/* Returns the kept cause that `like` belongs to, or NULL. */
static core_cause *find_cause(core_causes *c, const core_cause *like)
{
	core_cause *last = NULL;
	int of_format = 0;
	for (size_t i = 0; i < c->n; i++) {
		core_cause *other = &c->cause[i];
		if (other->kind != like->kind || other->header != like->header ||
			(like->header && other->file != like->file && other->first != like->first))
			continue;
		if (other->key == like->key)
			return other;
		if (like->format && other->format == like->format) {
			of_format++;
			last = other;
		}
	}
	return of_format >= CORE_CAUSE_LISTED ? last : NULL;
}

static const char *copy_text(core_arena *arena, const char *text, size_t size)
{
	char *copy = core_arena_alloc(arena, size + 1);
	if (!copy)
		return "?";
	memcpy(copy, text, size);
	copy[size] = '\0';
	return copy;
}

static core_cause *make_cause(
	core_causes *c, const char *lead, const char *text, const core_cause *like)
{
	if (c->n == CORE_CAUSES_KEPT)
		return NULL;
	core_cause *cause = &c->cause[c->n++];
	*cause = *like;
	size_t lead_size = strlen(lead), size = strlen(text);
	cause->head = lead_size + size;
	cause->size = cause->head + 1;
	cause->text = copy_text(&c->text, text, size);
	cause->message = core_arena_alloc(&c->text, cause->size);
	if (cause->message) {
		memcpy(cause->message, lead, lead_size);
		memcpy(cause->message + lead_size, text, size + 1);
	}
	return cause;
}

static void list_value(core_causes *c, core_cause *cause, const char *value, size_t size)
{
	if (size > VALUE_MAX)
		for (size = VALUE_MAX; size && ((unsigned char)value[size] & 0xc0) == 0x80;)
			size--; /* no part of a character */
	for (int i = 0; i < cause->n_values; i++)
		if (!strncmp(cause->value[i], value, size) && !cause->value[i][size])
			return;
	if (cause->n_values == CORE_CAUSE_LISTED - 1)
		cause->more_values = true;
	else
		cause->value[cause->n_values++] = copy_text(&c->text, value, size);
}

/* Lists the quoted value that tells the text from the cause's first. */
static void list_other_value(core_causes *c, core_cause *cause, const char *text)
{
	size_t size;
	const char *value = core_other_value(text, cause->text, &size);
	if (value)
		list_value(c, cause, value, size);
}

static void list_place(core_causes *c, core_cause *cause, const char *place)
{
	for (int i = 0; i < cause->n_places; i++)
		if (!strcmp(cause->place[i], place))
			return;
	if (cause->n_places < CORE_CAUSE_LISTED)
		cause->place[cause->n_places++] = copy_text(&c->text, place, strlen(place));
}

static void list_line(core_cause *cause, int line)
{
	for (int i = 0; i < cause->n_lines; i++)
		if (cause->line[i] == line)
			return;
	if (cause->n_lines < CORE_CAUSE_LISTED)
		cause->line[cause->n_lines++] = line;
}

/* What must differ for two failures of a cause to count as two. */
static uint64_t find_identity(
	const core_cause *cause, const core_failure *f, const core_cause *like)
{
	uint64_t file = mix_hashes(cause->key, like->file);
	if (f->kind == CORE_AT_FILE)
		return mix_hashes(file, like->first);
	return mix_hashes(file, mix_hashes((uint64_t)f->line, (uint64_t)f->column));
}

static void count_failure(
	core_causes *c, core_cause *cause, const core_failure *f, const core_cause *like)
{
	int32_t index = (int32_t)(cause - c->cause);
	if (f->kind == CORE_AT_NOTHING) {
		cause->n++;
		return;
	}
	bool new_file = count_new(
		c, mix_hashes(mix_hashes(cause->key, like->file), UINT64_MAX), -1 - index);
	cause->n_files += new_file;
	if (!count_new(c, find_identity(cause, f, like), index))
		return;
	cause->n++;
	if (new_file || f->kind == CORE_AT_COLUMN)
		list_place(c, cause, f->place);
	if (like->file == cause->file)
		list_line(cause, f->line);
}

static void write_line(core_causes *c, core_cause *cause)
{
	if (cause->message && !core_cause_write(cause, &c->text, !c->full))
		cause->message = NULL;
}

void core_causes_add(core_causes *c, const core_failure *f)
{
	const core_cause like = describe_cause(f);
	c->recorded++;
	core_cause *cause = find_cause(c, &like);
	if (!cause)
		cause = make_cause(c, f->lead, f->text, &like);
	if (!cause) {
		c->left_out++;
		return;
	}
	if (cause->key == like.key)
		list_other_value(c, cause, f->text);
	else
		cause->mixed = true;
	count_failure(c, cause, f, &like);
	write_line(c, cause);
}

/* --- joining --- */

/* Returns the cause of `c` that is the same as one of another context, made if need be. */
static core_cause *find_same(core_causes *c, const core_cause *from)
{
	core_cause *cause = find_cause(c, from);
	if (cause || !from->message)
		return cause;
	const core_cause like = {.kind = from->kind,
		.header = from->header,
		.key = from->key,
		.format = from->format,
		.first = from->first,
		.file = from->file};
	char *own = from->message + from->head, first = *own;
	*own = '\0'; /* without its counts */
	cause = make_cause(c, "", from->message, &like);
	*own = first;
	if (cause)
		cause->text = copy_text(&c->text, from->text, strlen(from->text));
	return cause;
}

static void join_counts(
	core_causes *c, core_cause *cause, const core_causes *from, int32_t from_index)
{
	int32_t index = (int32_t)(cause - c->cause);
	for (size_t i = 0; i < from->n_slots; i++) {
		const core_counted *counted = &from->counted[i];
		if (counted->hash && counted->cause == from_index)
			cause->n += count_new(c, counted->hash, index);
		else if (counted->hash && counted->cause == -1 - from_index)
			cause->n_files += count_new(c, counted->hash, -1 - index);
	}
}

static void join_lists(core_causes *c, core_cause *cause, const core_cause *from)
{
	cause->mixed |= from->mixed || from->key != cause->key;
	if (from->key == cause->key)
		list_other_value(c, cause, from->text);
	for (int i = 0; i < from->n_values; i++)
		if (!strstr(cause->text, from->value[i]))
			list_value(c, cause, from->value[i], strlen(from->value[i]));
	cause->more_values |= from->more_values;
	for (int i = 0; i < from->n_places; i++)
		list_place(c, cause, from->place[i]);
	for (int i = 0; i < from->n_lines && from->file == cause->file; i++)
		list_line(cause, from->line[i]);
}

void core_causes_join(core_causes *c, const core_causes *from)
{
	c->recorded += from->recorded;
	c->left_out += from->left_out;
	c->full |= from->full;
	for (size_t i = 0; i < from->n; i++) {
		const core_cause *other = &from->cause[i];
		core_cause *cause = find_same(c, other);
		if (!cause) {
			c->left_out += (size_t)other->n;
			continue;
		}
		if (other->kind == CORE_AT_NOTHING)
			cause->n += other->n;
		else
			join_counts(c, cause, from, (int32_t)i);
		join_lists(c, cause, other);
		write_line(c, cause);
	}
}

void core_causes_clear(core_causes *c)
{
	core_arena text = c->text;
	core_arena_reset(&text);
	free(c->counted);
	*c = (core_causes){.text = text};
}

void core_causes_free(core_causes *c)
{
	free(c->counted);
	core_arena_free(&c->text);
	*c = (core_causes){0};
}
