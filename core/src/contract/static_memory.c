/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/static_memory.h"

#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 16 };
#define LARGEST ((size_t)16 << 20)

struct part {
	const char *data;
	char *copy;
	size_t size;
};

struct contract_static {
	uintptr_t function, base;
	struct part part[PARTS_MAX];
	size_t n;
	bool skipped;
};

static bool holds_address(const struct dl_phdr_info *object, uintptr_t address)
{
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		const uintptr_t start = object->dlpi_addr + p->p_vaddr;
		if (p->p_type == PT_LOAD && address >= start && address - start < p->p_memsz)
			return true;
	}
	return false;
}

static void add_part(struct contract_static *m, uintptr_t start, uintptr_t end)
{
	if (start >= end)
		return;
	m->skipped |= end - start > LARGEST || m->n == PARTS_MAX;
	if (!m->skipped)
		m->part[m->n++] = (struct part){.data = (const char *)start, .size = end - start};
}

/* Adds a writable segment without what is read-only after relocation. */
static void add_segment(
	struct contract_static *m, const struct dl_phdr_info *object, const ElfW(Phdr) * segment)
{
	uintptr_t start = object->dlpi_addr + segment->p_vaddr, end = start + segment->p_memsz;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		const uintptr_t first = object->dlpi_addr + p->p_vaddr, last = first + p->p_memsz;
		if (p->p_type != PT_GNU_RELRO || first < start || last > end)
			continue;
		add_part(m, start, first);
		start = last;
	}
	add_part(m, start, end);
}

static int find_parts(struct dl_phdr_info *object, size_t size, void *user)
{
	struct contract_static *m = user;
	(void)size;
	if (!holds_address(object, m->function))
		return 0;
	m->base = object->dlpi_addr;
	m->skipped =
		!object->dlpi_name[0] || holds_address(object, (uintptr_t)&contract_static_copy);
	for (int i = 0; i < object->dlpi_phnum && !m->skipped; i++)
		if (object->dlpi_phdr[i].p_type == PT_LOAD && object->dlpi_phdr[i].p_flags & PF_W)
			add_segment(m, object, &object->dlpi_phdr[i]);
	return 1;
}

/* Copies memory that AddressSanitizer may have closed, between variables: neither it nor memcpy is asked. */
__attribute__((no_sanitize("address"))) static void copy_bytes(
	char *to, const volatile char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
}

static bool copy_parts(struct contract_static *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct part *p = &m->part[i];
		if (!(p->copy = malloc(p->size)))
			return false;
		copy_bytes(p->copy, p->data, p->size);
	}
	return m->n > 0;
}

contract_static *contract_static_copy(void (*function)(void))
{
	struct contract_static *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->function = (uintptr_t)function;
	(void)dl_iterate_phdr(find_parts, m);
	if (!m->skipped && copy_parts(m))
		return m;
	contract_static_free(m);
	return NULL;
}

/* Writes "4 bytes at counts", or the offset of a variable that has no name there. */
static void name_change(
	const struct contract_static *m, size_t bytes, const char *at, char *text, size_t size)
{
	Dl_info info;
	if (dladdr(at, &info) && info.dli_sname)
		snprintf(text, size, "%zu bytes at %s", bytes, info.dli_sname);
	else
		snprintf(text, size, "%zu bytes at offset 0x%zx", bytes,
			(size_t)((uintptr_t)at - m->base));
}

/* Counts the bytes that changed -> the first of them. */
__attribute__((no_sanitize("address"))) static size_t count_changes(
	const struct part *p, const char **first)
{
	const volatile char *now = p->data;
	size_t changed = 0;
	for (size_t at = 0; at < p->size; at++)
		if (now[at] != p->copy[at]) {
			*first = *first ? *first : p->data + at;
			changed++;
		}
	return changed;
}

size_t contract_static_compare(const contract_static *m, char *text, size_t size)
{
	const char *first = NULL;
	size_t changed = 0;
	for (size_t i = 0; i < m->n; i++)
		changed += count_changes(&m->part[i], &first);
	if (changed)
		name_change(m, changed, first, text, size);
	return changed;
}

void contract_static_free(contract_static *m)
{
	for (size_t i = 0; m && i < m->n; i++)
		free(m->part[i].copy);
	free(m);
}
