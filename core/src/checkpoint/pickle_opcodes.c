/* SPDX-License-Identifier: Apache-2.0 */
/* The opcodes that push, move and collect plain data. Rules, each reported with a byte:
 * protocol, length, integer, UTF-8, stack, dict key, depth, memo. */
#include <string.h>

#include "base/utf8.h"
#include "checkpoint/pickle.h"

#define MEMO_MAX (UINT32_C(1) << 22)
#define UNSET UINT32_MAX

/* --- arguments in the file --- */

/* *bytes = the next n bytes; moves past them. */
static fv_status read_bytes(core_pickle *p, size_t at, size_t n, const unsigned char **bytes)
{
	if (p->scan.end - p->scan.at < n)
		return core_scan_fail(&p->scan, at, p->past_end,
			"an argument of %zu bytes, but %zu are left", n, p->scan.end - p->scan.at);
	*bytes = p->scan.data + p->scan.at;
	p->scan.at += n;
	return FV_OK;
}

static uint32_t read_u32(const unsigned char *b)
{
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* A signed little-endian integer of n <= 8 bytes. */
static int64_t read_signed(const unsigned char *b, size_t n)
{
	uint64_t value = n && b[n - 1] & 0x80 ? UINT64_MAX : 0;
	for (size_t i = n; i > 0; i--)
		value = value << 8 | b[i - 1];
	return (int64_t)value;
}

/* --- the stack --- */

/* Counts the objects above the innermost mark. */
static uint32_t count_above_mark(const core_pickle *p)
{
	return p->stack.n - (p->n_marks ? p->mark[p->n_marks - 1] : 0);
}

static fv_status require_objects(const core_pickle *p, size_t at, uint32_t n)
{
	if (count_above_mark(p) < n)
		return core_scan_fail(&p->scan, at, "stack", "needs %u objects, but has %u", n,
			count_above_mark(p));
	return FV_OK;
}

/* Removes the innermost mark; *first is the stack index of the first object above it. */
static fv_status pop_mark(core_pickle *p, size_t at, uint32_t *first)
{
	if (!p->n_marks)
		return core_scan_fail(&p->scan, at, "stack", "no mark");
	*first = p->mark[--p->n_marks];
	return FV_OK;
}

static fv_status push_empty(core_pickle *p, size_t at, core_pickle_kind kind)
{
	return core_pickle_push(p, kind, at) ? FV_OK : core_scan_fail_memory(&p->scan);
}

static fv_status push_none(core_pickle *p, size_t at)
{
	return push_empty(p, at, CORE_PICKLE_NONE);
}

static fv_status push_integer(core_pickle *p, size_t at, core_pickle_kind kind, int64_t value)
{
	core_object *object = core_pickle_push(p, kind, at);
	if (!object)
		return core_scan_fail_memory(&p->scan);
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
	fv_status status = read_bytes(p, at, n, &bytes);
	if (status)
		return status;
	int64_t value = is_signed ? read_signed(bytes, n)
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
	fv_status status = read_bytes(p, at, 1, &n);
	if (!status)
		status = read_bytes(p, at, *n, &bytes);
	if (status)
		return status;
	if (*n > 8)
		return core_scan_fail(
			&p->scan, at, "integer", "%d bytes long, at most 8 are supported", *n);
	return push_integer(p, at, CORE_PICKLE_INT, read_signed(bytes, *n));
}

static fv_status push_float(core_pickle *p, size_t at)
{
	const unsigned char *bytes = NULL;
	fv_status status = read_bytes(p, at, 8, &bytes);
	return status ? status : push_empty(p, at, CORE_PICKLE_FLOAT);
}

static fv_status push_text(core_pickle *p, size_t at)
{
	const unsigned char *bytes = NULL;
	fv_status status = read_bytes(p, at, 4, &bytes);
	if (status)
		return status;
	uint32_t n = read_u32(bytes);
	if ((status = read_bytes(p, at, n, &bytes)))
		return status;
	for (size_t i = 0, step; i < n; i += step)
		if (!(step = core_utf8_length(bytes + i, n - i)))
			return core_scan_fail(
				&p->scan, p->scan.at - n + i, "UTF-8", "not a UTF-8 character");
	core_object *object = core_pickle_push(p, CORE_PICKLE_TEXT, at);
	if (!object)
		return core_scan_fail_memory(&p->scan);
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

static fv_status push_empty_tuple(core_pickle *p, size_t at)
{
	return push_empty(p, at, CORE_PICKLE_TUPLE);
}

static fv_status push_empty_list(core_pickle *p, size_t at)
{
	return push_empty(p, at, CORE_PICKLE_LIST);
}

static fv_status push_empty_dict(core_pickle *p, size_t at)
{
	return push_empty(p, at, CORE_PICKLE_DICT);
}

/* Replaces the objects from stack index `first` on by a tuple of them. */
static fv_status collect_tuple(core_pickle *p, size_t at, uint32_t first)
{
	uint32_t n = p->stack.n - first;
	uint32_t *item = core_arena_alloc(&p->memory, n * sizeof *item);
	if (!item)
		return core_scan_fail_memory(&p->scan);
	if (n)
		memcpy(item, p->stack.item + first, n * sizeof *item);
	p->stack.n = first;
	core_object *tuple = core_pickle_push(p, CORE_PICKLE_TUPLE, at);
	if (!tuple)
		return core_scan_fail_memory(&p->scan);
	tuple->list.item = item;
	tuple->list.n = tuple->list.room = n;
	return FV_OK;
}

static fv_status collect_marked_tuple(core_pickle *p, size_t at)
{
	uint32_t first = 0;
	fv_status status = pop_mark(p, at, &first);
	return status ? status : collect_tuple(p, at, first);
}

static fv_status collect_top_tuple(core_pickle *p, size_t at, uint32_t n)
{
	fv_status status = require_objects(p, at, n);
	return status ? status : collect_tuple(p, at, p->stack.n - n);
}

static fv_status collect_tuple1(core_pickle *p, size_t at)
{
	return collect_top_tuple(p, at, 1);
}

static fv_status collect_tuple2(core_pickle *p, size_t at)
{
	return collect_top_tuple(p, at, 2);
}

static fv_status collect_tuple3(core_pickle *p, size_t at)
{
	return collect_top_tuple(p, at, 3);
}

/* Appends the n objects on top of the stack to the list or dict below them. */
static fv_status append_items(core_pickle *p, size_t at, uint32_t n, bool pairs)
{
	fv_status status = require_objects(p, at, n + 1);
	if (status)
		return status;
	core_object *to = &p->object.item[p->stack.item[p->stack.n - n - 1]];
	bool dict = to->kind == CORE_PICKLE_DICT || to->kind == CORE_PICKLE_ORDERED;
	if (pairs ? !dict : to->kind != CORE_PICKLE_LIST)
		return core_scan_fail(
			&p->scan, at, "stack", "there is no %s to add to", pairs ? "dict" : "list");
	if (pairs && n % 2)
		return core_scan_fail(&p->scan, at, "stack", "a key without a value");
	for (uint32_t i = 0; pairs && i < n; i += 2) {
		const core_object *key = &p->object.item[p->stack.item[p->stack.n - n + i]];
		if (key->kind != CORE_PICKLE_TEXT && key->kind != CORE_PICKLE_INT)
			return core_scan_fail(
				&p->scan, at, "dict key", "must be a text or an integer");
	}
	if (to->list.room - to->list.n < n) {
		uint32_t room =
			2 * to->list.room > to->list.n + n ? 2 * to->list.room : to->list.n + n;
		uint32_t *item = core_arena_alloc(&p->memory, room * sizeof *item);
		if (!item)
			return core_scan_fail_memory(&p->scan);
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

static fv_status append_marked(core_pickle *p, size_t at, bool pairs)
{
	uint32_t first = 0;
	fv_status status = pop_mark(p, at, &first);
	return status ? status : append_items(p, at, p->stack.n - first, pairs);
}

static fv_status append_one(core_pickle *p, size_t at)
{
	return append_items(p, at, 1, false);
}

static fv_status append_many(core_pickle *p, size_t at)
{
	return append_marked(p, at, false);
}

static fv_status set_one(core_pickle *p, size_t at)
{
	return append_items(p, at, 2, true);
}

static fv_status set_many(core_pickle *p, size_t at)
{
	return append_marked(p, at, true);
}

/* --- the memo --- */

static fv_status read_memo_key(core_pickle *p, size_t at, size_t bytes, uint32_t *key)
{
	const unsigned char *b = NULL;
	fv_status status = read_bytes(p, at, bytes, &b);
	if (!status)
		*key = bytes == 1 ? b[0] : read_u32(b);
	return status;
}

static fv_status store_memo(core_pickle *p, size_t at, size_t bytes)
{
	uint32_t key = 0;
	fv_status status = read_memo_key(p, at, bytes, &key);
	if (!status)
		status = require_objects(p, at, 1);
	if (status)
		return status;
	if (key >= MEMO_MAX)
		return core_scan_fail(
			&p->scan, at, "memo", "key %u, at most %u", key, MEMO_MAX - 1);
	while (p->memo.n <= key) {
		if (!CORE_PICKLE_GROW(p->memo))
			return core_scan_fail_memory(&p->scan);
		p->memo.item[p->memo.n++] = UNSET;
	}
	if (p->memo.item[key] != UNSET)
		return core_scan_fail(&p->scan, at, "memo", "key %u is set twice", key);
	p->memo.item[key] = p->stack.item[p->stack.n - 1];
	return FV_OK;
}

static fv_status push_memo(core_pickle *p, size_t at, size_t bytes)
{
	uint32_t key = 0;
	fv_status status = read_memo_key(p, at, bytes, &key);
	if (status)
		return status;
	if (key >= p->memo.n || p->memo.item[key] == UNSET)
		return core_scan_fail(&p->scan, at, "memo", "key %u is not set", key);
	if (!CORE_PICKLE_GROW(p->stack))
		return core_scan_fail_memory(&p->scan);
	p->stack.item[p->stack.n++] = p->memo.item[key];
	return FV_OK;
}

static fv_status store_memo1(core_pickle *p, size_t at)
{
	return store_memo(p, at, 1);
}

static fv_status store_memo4(core_pickle *p, size_t at)
{
	return store_memo(p, at, 4);
}

static fv_status push_memo1(core_pickle *p, size_t at)
{
	return push_memo(p, at, 1);
}

static fv_status push_memo4(core_pickle *p, size_t at)
{
	return push_memo(p, at, 4);
}

/* --- protocol, names and calls --- */

static fv_status read_protocol(core_pickle *p, size_t at)
{
	const unsigned char *version = NULL;
	fv_status status = read_bytes(p, at, 1, &version);
	if (status)
		return status;
	if (at != p->begin)
		return core_scan_fail(&p->scan, at, "protocol", "stated twice");
	if (*version != 2)
		return core_scan_fail(
			&p->scan, at, "protocol", "%d is not supported, only 2 is", *version);
	return FV_OK;
}

static fv_status read_line(core_pickle *p, size_t at, const char **line, size_t *n)
{
	const unsigned char *from = p->scan.data + p->scan.at;
	const unsigned char *end = memchr(from, '\n', p->scan.end - p->scan.at);
	if (!end)
		return core_scan_fail(&p->scan, at, p->past_end, "a name without a line feed");
	*line = (const char *)from;
	*n = (size_t)(end - from);
	p->scan.at += *n + 1;
	return FV_OK;
}

static fv_status push_global(core_pickle *p, size_t at)
{
	const char *module = NULL, *name = NULL;
	size_t module_n = 0, name_n = 0;
	fv_status status = read_line(p, at, &module, &module_n);
	if (!status)
		status = read_line(p, at, &name, &name_n);
	return status ? status : core_pickle_push_global(p, at, module, module_n, name, name_n);
}

static fv_status call_global(core_pickle *p, size_t at)
{
	fv_status status = require_objects(p, at, 2);
	return status ? status : core_pickle_reduce(p, at);
}

static fv_status set_attributes(core_pickle *p, size_t at)
{
	fv_status status = require_objects(p, at, 2);
	return status ? status : core_pickle_build(p, at);
}

static fv_status push_storage(core_pickle *p, size_t at)
{
	fv_status status = require_objects(p, at, 1);
	return status ? status : core_pickle_push_storage(p, at);
}

/* STOP ('.') ends the pickle and has no entry. */
static core_pickle_opcode *const opcodes[256] = {
	[0x80] = read_protocol,
	['('] = push_mark,
	['c'] = push_global,
	['R'] = call_global,
	['b'] = set_attributes,
	['Q'] = push_storage,
	['N'] = push_none,
	[0x88] = push_true,
	[0x89] = push_false,
	['K'] = push_int1,
	['M'] = push_int2,
	['J'] = push_int4,
	[0x8a] = push_long,
	['G'] = push_float,
	['X'] = push_text,
	[')'] = push_empty_tuple,
	[']'] = push_empty_list,
	['}'] = push_empty_dict,
	['t'] = collect_marked_tuple,
	[0x85] = collect_tuple1,
	[0x86] = collect_tuple2,
	[0x87] = collect_tuple3,
	['a'] = append_one,
	['e'] = append_many,
	['s'] = set_one,
	['u'] = set_many,
	['q'] = store_memo1,
	['r'] = store_memo4,
	['h'] = push_memo1,
	['j'] = push_memo4,
};

core_pickle_opcode *core_pickle_find_opcode(int code)
{
	return opcodes[code];
}
