/* SPDX-License-Identifier: Apache-2.0 */
/* The opcodes of a pickle that hold, move and gather plain data. Rules, each with a byte: opcode,
 * protocol, end, length, integer, UTF-8, stack, dict key, depth, memo, bounds. */
#include "checkpoint/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define PICKLE_BYTES_MAX ((size_t)64 << 20)
#define OPCODES_MAX (UINT32_C(1) << 22)
#define MEMO_MAX (UINT32_C(1) << 22)
#define UNSET UINT32_MAX

typedef fv_status opcode_fn(core_pickle *p, size_t at);

bool core_pickle_grow(void *item, uint32_t n, uint32_t *room, size_t size)
{
	if (n < *room)
		return true;
	uint32_t grown = *room ? 2 * *room : 64;
	void *old, *moved;
	memcpy(&old, item, sizeof old);
	moved = realloc(old, (size_t)grown * size);
	if (!moved)
		return false;
	memcpy(item, &moved, sizeof moved);
	*room = grown;
	return true;
}

#define GROW(list) core_pickle_grow(&(list).item, (list).n, &(list).room, sizeof *(list).item)

static fv_status no_memory(const core_pickle *p)
{
	return core_scan_no_memory(&p->scan);
}

core_object *core_pickle_push(core_pickle *p, core_pickle_kind kind, size_t at)
{
	if (!GROW(p->object) || !GROW(p->stack))
		return NULL;
	p->stack.item[p->stack.n++] = p->object.n;
	core_object *object = &p->object.item[p->object.n++];
	*object = (core_object){.kind = (uint8_t)kind, .at = (uint32_t)(at - p->begin)};
	return object;
}

/* --- arguments in the file --- */

/* *bytes = the next n bytes, and past them. */
static fv_status take(core_pickle *p, size_t at, size_t n, const unsigned char **bytes)
{
	if (p->scan.end - p->scan.at < n)
		return core_scan_fail(&p->scan, at, p->past_end,
			"an argument of %zu bytes, %zu are left", n, p->scan.end - p->scan.at);
	*bytes = p->scan.data + p->scan.at;
	p->scan.at += n;
	return FV_OK;
}

static uint32_t little32(const unsigned char *b)
{
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* A signed little-endian integer of n <= 8 bytes. */
static int64_t little_signed(const unsigned char *b, size_t n)
{
	uint64_t value = n && b[n - 1] & 0x80 ? UINT64_MAX : 0;
	for (size_t i = n; i > 0; i--)
		value = value << 8 | b[i - 1];
	return (int64_t)value;
}

/* --- the stack --- */

/* Objects above the innermost mark. */
static uint32_t above_mark(const core_pickle *p)
{
	return p->stack.n - (p->n_marks ? p->mark[p->n_marks - 1] : 0);
}

static fv_status need(const core_pickle *p, size_t at, uint32_t n)
{
	if (above_mark(p) < n)
		return core_scan_fail(
			&p->scan, at, "stack", "%u objects needed, %u are there", n, above_mark(p));
	return FV_OK;
}

/* Takes everything above the innermost mark, and the mark: *first is its place on the stack. */
static fv_status to_mark(core_pickle *p, size_t at, uint32_t *first)
{
	if (!p->n_marks)
		return core_scan_fail(&p->scan, at, "stack", "no mark");
	*first = p->mark[--p->n_marks];
	return FV_OK;
}

static fv_status push_empty(core_pickle *p, size_t at, core_pickle_kind kind)
{
	return core_pickle_push(p, kind, at) ? FV_OK : no_memory(p);
}

static fv_status push_none(core_pickle *p, size_t at)
{
	return push_empty(p, at, CORE_PICKLE_NONE);
}

static fv_status push_integer(core_pickle *p, size_t at, core_pickle_kind kind, int64_t value)
{
	core_object *object = core_pickle_push(p, kind, at);
	if (!object)
		return no_memory(p);
	object->integer = value;
	return FV_OK;
}

static fv_status push_true(core_pickle *p, size_t at)
{
	return push_integer(p, at, CORE_PICKLE_BOOL, 1);
}

static fv_status push_false(core_pickle *p, size_t at)
{
	return push_integer(p, at, CORE_PICKLE_BOOL, 0);
}

static fv_status push_bytes(core_pickle *p, size_t at, size_t n, bool is_signed)
{
	const unsigned char *bytes = NULL;
	fv_status status = take(p, at, n, &bytes);
	if (status)
		return status;
	int64_t value = is_signed ? little_signed(bytes, n)
			: n == 1  ? bytes[0]
				  : bytes[0] | bytes[1] << 8;
	return push_integer(p, at, CORE_PICKLE_INT, value);
}

static fv_status push_int1(core_pickle *p, size_t at)
{
	return push_bytes(p, at, 1, false);
}

static fv_status push_int2(core_pickle *p, size_t at)
{
	return push_bytes(p, at, 2, false);
}

static fv_status push_int4(core_pickle *p, size_t at)
{
	return push_bytes(p, at, 4, true);
}

static fv_status push_long(core_pickle *p, size_t at)
{
	const unsigned char *n = NULL, *bytes = NULL;
	fv_status status = take(p, at, 1, &n);
	if (!status)
		status = take(p, at, *n, &bytes);
	if (status)
		return status;
	if (*n > 8)
		return core_scan_fail(&p->scan, at, "integer", "of %d bytes, more than 8", *n);
	return push_integer(p, at, CORE_PICKLE_INT, little_signed(bytes, *n));
}

static fv_status push_float(core_pickle *p, size_t at)
{
	const unsigned char *bytes = NULL;
	fv_status status = take(p, at, 8, &bytes);
	return status ? status : push_empty(p, at, CORE_PICKLE_FLOAT);
}

static fv_status push_text(core_pickle *p, size_t at)
{
	const unsigned char *bytes = NULL;
	fv_status status = take(p, at, 4, &bytes);
	if (status)
		return status;
	uint32_t n = little32(bytes);
	if ((status = take(p, at, n, &bytes)))
		return status;
	for (size_t i = 0, step; i < n; i += step)
		if (!(step = core_utf8_length(bytes + i, n - i)))
			return core_scan_fail(
				&p->scan, p->scan.at - n + i, "UTF-8", "not a UTF-8 character");
	core_object *object = core_pickle_push(p, CORE_PICKLE_TEXT, at);
	if (!object)
		return no_memory(p);
	object->text.data = (const char *)bytes;
	object->text.n = n;
	return FV_OK;
}

static fv_status push_mark(core_pickle *p, size_t at)
{
	if (p->n_marks == CORE_PICKLE_DEPTH_MAX)
		return core_scan_fail(
			&p->scan, at, "depth", "more than %d marks", CORE_PICKLE_DEPTH_MAX);
	p->mark[p->n_marks++] = p->stack.n;
	return FV_OK;
}

/* --- containers --- */

static fv_status empty_tuple(core_pickle *p, size_t at)
{
	return push_empty(p, at, CORE_PICKLE_TUPLE);
}

static fv_status empty_list(core_pickle *p, size_t at)
{
	return push_empty(p, at, CORE_PICKLE_LIST);
}

static fv_status empty_dict(core_pickle *p, size_t at)
{
	return push_empty(p, at, CORE_PICKLE_DICT);
}

/* The objects from place `first` of the stack on, as a tuple in their stead. */
static fv_status gather(core_pickle *p, size_t at, uint32_t first)
{
	uint32_t n = p->stack.n - first;
	uint32_t *item = core_arena_alloc(&p->memory, n * sizeof *item);
	if (!item)
		return no_memory(p);
	if (n)
		memcpy(item, p->stack.item + first, n * sizeof *item);
	p->stack.n = first;
	core_object *tuple = core_pickle_push(p, CORE_PICKLE_TUPLE, at);
	if (!tuple)
		return no_memory(p);
	tuple->list.item = item;
	tuple->list.n = tuple->list.room = n;
	return FV_OK;
}

static fv_status tuple_to_mark(core_pickle *p, size_t at)
{
	uint32_t first = 0;
	fv_status status = to_mark(p, at, &first);
	return status ? status : gather(p, at, first);
}

static fv_status tuple_of(core_pickle *p, size_t at, uint32_t n)
{
	fv_status status = need(p, at, n);
	return status ? status : gather(p, at, p->stack.n - n);
}

static fv_status tuple1(core_pickle *p, size_t at)
{
	return tuple_of(p, at, 1);
}

static fv_status tuple2(core_pickle *p, size_t at)
{
	return tuple_of(p, at, 2);
}

static fv_status tuple3(core_pickle *p, size_t at)
{
	return tuple_of(p, at, 3);
}

/* Appends the n objects on top of the stack to the list or dict beneath them. */
static fv_status append(core_pickle *p, size_t at, uint32_t n, bool pairs)
{
	fv_status status = need(p, at, n + 1);
	if (status)
		return status;
	core_object *to = &p->object.item[p->stack.item[p->stack.n - n - 1]];
	bool dict = to->kind == CORE_PICKLE_DICT || to->kind == CORE_PICKLE_ORDERED;
	if (pairs ? !dict : to->kind != CORE_PICKLE_LIST)
		return core_scan_fail(
			&p->scan, at, "stack", "no %s to add to", pairs ? "dict" : "list");
	if (pairs && n % 2)
		return core_scan_fail(&p->scan, at, "stack", "a key without a value");
	for (uint32_t i = 0; pairs && i < n; i += 2) {
		const core_object *key = &p->object.item[p->stack.item[p->stack.n - n + i]];
		if (key->kind != CORE_PICKLE_TEXT && key->kind != CORE_PICKLE_INT)
			return core_scan_fail(
				&p->scan, at, "dict key", "neither a text nor an integer");
	}
	if (to->list.room - to->list.n < n) {
		uint32_t room =
			2 * to->list.room > to->list.n + n ? 2 * to->list.room : to->list.n + n;
		uint32_t *item = core_arena_alloc(&p->memory, room * sizeof *item);
		if (!item)
			return no_memory(p);
		if (to->list.n)
			memcpy(item, to->list.item, to->list.n * sizeof *item);
		to->list.item = item;
		to->list.room = room;
	}
	if (n)
		memcpy(to->list.item + to->list.n, p->stack.item + p->stack.n - n,
			n * sizeof *to->list.item);
	to->list.n += n;
	p->stack.n -= n;
	return FV_OK;
}

static fv_status append_to_mark(core_pickle *p, size_t at, bool pairs)
{
	uint32_t first = 0;
	fv_status status = to_mark(p, at, &first);
	return status ? status : append(p, at, p->stack.n - first, pairs);
}

static fv_status append_one(core_pickle *p, size_t at)
{
	return append(p, at, 1, false);
}

static fv_status append_many(core_pickle *p, size_t at)
{
	return append_to_mark(p, at, false);
}

static fv_status set_one(core_pickle *p, size_t at)
{
	return append(p, at, 2, true);
}

static fv_status set_many(core_pickle *p, size_t at)
{
	return append_to_mark(p, at, true);
}

/* --- the memo --- */

static fv_status memo_key(core_pickle *p, size_t at, size_t bytes, uint32_t *key)
{
	const unsigned char *b = NULL;
	fv_status status = take(p, at, bytes, &b);
	if (!status)
		*key = bytes == 1 ? b[0] : little32(b);
	return status;
}

static fv_status memo_put(core_pickle *p, size_t at, size_t bytes)
{
	uint32_t key = 0;
	fv_status status = memo_key(p, at, bytes, &key);
	if (!status)
		status = need(p, at, 1);
	if (status)
		return status;
	if (key >= MEMO_MAX)
		return core_scan_fail(
			&p->scan, at, "memo", "key %u, at most %u", key, MEMO_MAX - 1);
	while (p->memo.n <= key) {
		if (!GROW(p->memo))
			return no_memory(p);
		p->memo.item[p->memo.n++] = UNSET;
	}
	if (p->memo.item[key] != UNSET)
		return core_scan_fail(&p->scan, at, "memo", "key %u is set again", key);
	p->memo.item[key] = p->stack.item[p->stack.n - 1];
	return FV_OK;
}

static fv_status memo_get(core_pickle *p, size_t at, size_t bytes)
{
	uint32_t key = 0;
	fv_status status = memo_key(p, at, bytes, &key);
	if (status)
		return status;
	if (key >= p->memo.n || p->memo.item[key] == UNSET)
		return core_scan_fail(&p->scan, at, "memo", "key %u is not set", key);
	if (!GROW(p->stack))
		return no_memory(p);
	p->stack.item[p->stack.n++] = p->memo.item[key];
	return FV_OK;
}

static fv_status put1(core_pickle *p, size_t at)
{
	return memo_put(p, at, 1);
}

static fv_status put4(core_pickle *p, size_t at)
{
	return memo_put(p, at, 4);
}

static fv_status get1(core_pickle *p, size_t at)
{
	return memo_get(p, at, 1);
}

static fv_status get4(core_pickle *p, size_t at)
{
	return memo_get(p, at, 4);
}

/* --- the others --- */

static fv_status protocol(core_pickle *p, size_t at)
{
	const unsigned char *version = NULL;
	fv_status status = take(p, at, 1, &version);
	if (status)
		return status;
	if (at != p->begin)
		return core_scan_fail(&p->scan, at, "protocol", "stated again");
	if (*version != 2)
		return core_scan_fail(&p->scan, at, "protocol", "%d, only 2 is read", *version);
	return FV_OK;
}

static fv_status take_line(core_pickle *p, size_t at, const char **line, size_t *n)
{
	const unsigned char *from = p->scan.data + p->scan.at;
	const unsigned char *end = memchr(from, '\n', p->scan.end - p->scan.at);
	if (!end)
		return core_scan_fail(&p->scan, at, p->past_end, "a name without an end");
	*line = (const char *)from;
	*n = (size_t)(end - from);
	p->scan.at += *n + 1;
	return FV_OK;
}

static fv_status global(core_pickle *p, size_t at)
{
	const char *module = NULL, *name = NULL;
	size_t module_n = 0, name_n = 0;
	fv_status status = take_line(p, at, &module, &module_n);
	if (!status)
		status = take_line(p, at, &name, &name_n);
	return status ? status : core_pickle_global(p, at, module, module_n, name, name_n);
}

static fv_status reduce(core_pickle *p, size_t at)
{
	fv_status status = need(p, at, 2);
	return status ? status : core_pickle_reduce(p, at);
}

static fv_status build(core_pickle *p, size_t at)
{
	fv_status status = need(p, at, 2);
	return status ? status : core_pickle_build(p, at);
}

static fv_status persistent_id(core_pickle *p, size_t at)
{
	fv_status status = need(p, at, 1);
	return status ? status : core_pickle_persistent_id(p, at);
}

/* STOP ('.') ends the reading; it has no entry. */
static opcode_fn *const opcodes[256] = {
	[0x80] = protocol,
	['('] = push_mark,
	['c'] = global,
	['R'] = reduce,
	['b'] = build,
	['Q'] = persistent_id,
	['N'] = push_none,
	[0x88] = push_true,
	[0x89] = push_false,
	['K'] = push_int1,
	['M'] = push_int2,
	['J'] = push_int4,
	[0x8a] = push_long,
	['G'] = push_float,
	['X'] = push_text,
	[')'] = empty_tuple,
	[']'] = empty_list,
	['}'] = empty_dict,
	['t'] = tuple_to_mark,
	[0x85] = tuple1,
	[0x86] = tuple2,
	[0x87] = tuple3,
	['a'] = append_one,
	['e'] = append_many,
	['s'] = set_one,
	['u'] = set_many,
	['q'] = put1,
	['r'] = put4,
	['h'] = get1,
	['j'] = get4,
};

static fv_status stop(core_pickle *p, size_t at)
{
	if (p->n_marks || p->stack.n != 1)
		return core_scan_fail(&p->scan, at, "stack",
			"%u objects and %u marks are left at the end, not one object", p->stack.n,
			p->n_marks);
	p->top = p->stack.item[0];
	return FV_OK;
}

static fv_status run(core_pickle *p)
{
	for (uint32_t count = 0; p->scan.at < p->scan.end; count++) {
		size_t at = p->scan.at++;
		int code = p->scan.data[at];
		if (at == p->begin && code != 0x80)
			return core_scan_fail(&p->scan, at, "protocol", "none is stated");
		if (at - p->begin >= PICKLE_BYTES_MAX)
			return core_scan_fail(&p->scan, at, "bounds",
				"a pickle of more than %zu bytes", PICKLE_BYTES_MAX);
		if (count == OPCODES_MAX)
			return core_scan_fail(
				&p->scan, at, "bounds", "more than %u opcodes", OPCODES_MAX);
		if (code == '.')
			return stop(p, at);
		if (!opcodes[code])
			return core_scan_fail(&p->scan, at, "opcode", "0x%02x is not read", code);
		fv_status status = opcodes[code](p, at);
		if (status)
			return status;
	}
	return core_scan_fail(&p->scan, p->scan.end, "end", "the pickle has no STOP");
}

fv_status core_pickle_read(core_pickle *p)
{
	p->begin = p->scan.at;
	return run(p);
}

void core_pickle_free(core_pickle *p)
{
	free(p->object.item);
	free(p->stack.item);
	free(p->memo.item);
	free(p->storage.item);
	free(p->tensor.item);
	core_arena_free(&p->memory);
}

const core_object *core_pickle_get(const core_pickle *p, const core_object *dict, const char *key)
{
	size_t n = strlen(key);
	if (dict->kind != CORE_PICKLE_DICT && dict->kind != CORE_PICKLE_ORDERED)
		return NULL;
	for (uint32_t i = dict->list.n; i > 0; i -= 2) { /* of equal keys the last counts */
		const core_object *found = &p->object.item[dict->list.item[i - 2]];
		if (found->kind == CORE_PICKLE_TEXT && found->text.n == n &&
			!memcmp(found->text.data, key, n))
			return &p->object.item[dict->list.item[i - 1]];
	}
	return NULL;
}
