/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a pickle: one opcode after the other until STOP. Rules, each reported with a byte:
 * opcode, protocol, end, bounds, and those of pickle_opcodes.c and pickle_build.c. */
#include "checkpoint/pickle.h"

#include <stdlib.h>
#include <string.h>

#define PICKLE_BYTES_MAX ((size_t)64 << 20)
#define OPCODES_MAX (UINT32_C(1) << 22)

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
	/* cppcheck-suppress memleak ; memcpy gave the block to item */
	return true;
}

core_object *core_pickle_push(core_pickle *p, core_pickle_kind kind, size_t at)
{
	if (!CORE_PICKLE_GROW(p->object) || !CORE_PICKLE_GROW(p->stack))
		return NULL;
	p->stack.item[p->stack.n++] = p->object.n;
	core_object *object = &p->object.item[p->object.n++];
	*object = (core_object){.kind = (uint8_t)kind, .at = (uint32_t)(at - p->begin)};
	return object;
}

static fv_status finish_pickle(core_pickle *p, size_t at)
{
	if (p->n_marks || p->stack.n != 1)
		return core_scan_fail(&p->scan, at, "stack",
			"%u objects and %u marks are left at the end instead of one object",
			p->stack.n, p->n_marks);
	p->top = p->stack.item[0];
	return FV_OK;
}

static fv_status run_opcodes(core_pickle *p)
{
	for (uint32_t count = 0; p->scan.at < p->scan.end; count++) {
		size_t at = p->scan.at++;
		int code = p->scan.data[at];
		if (at == p->begin && code != 0x80)
			return core_scan_fail(
				&p->scan, at, "protocol", "the pickle does not start with one");
		if (at - p->begin >= PICKLE_BYTES_MAX)
			return core_scan_fail(&p->scan, at, "bounds",
				"a pickle of more than %zu bytes", PICKLE_BYTES_MAX);
		if (count == OPCODES_MAX)
			return core_scan_fail(
				&p->scan, at, "bounds", "more than %u opcodes", OPCODES_MAX);
		if (code == '.')
			return finish_pickle(p, at);
		core_pickle_opcode *execute = core_pickle_find_opcode(code);
		if (!execute)
			return core_scan_fail(
				&p->scan, at, "opcode", "0x%02x is not supported", code);
		fv_status status = execute(p, at);
		if (status)
			return status;
	}
	return core_scan_fail(&p->scan, p->scan.end, "end", "the pickle has no STOP");
}

fv_status core_pickle_read(core_pickle *p)
{
	p->begin = p->scan.at;
	return run_opcodes(p);
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
	for (uint32_t i = dict->list.n; i > 0; i -= 2) { /* the last of equal keys wins */
		const core_object *found = &p->object.item[dict->list.item[i - 2]];
		if (found->kind == CORE_PICKLE_TEXT && found->text.n == n &&
			!memcmp(found->text.data, key, n))
			return &p->object.item[dict->list.item[i - 1]];
	}
	return NULL;
}
