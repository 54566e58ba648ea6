/* SPDX-License-Identifier: Apache-2.0 */
#include "config/loader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fairvox/stream.h>

#include "base/text.h"

#define LINE_BYTES 2048

fv_status core_loader_open(
	core_loader *loader, fv_ctx *ctx, const core_registry *registry, unsigned needs)
{
	char folder[4096];
	*loader = (core_loader){.ctx = ctx, .registry = registry, .needs = needs};
	if (!getcwd(folder, sizeof folder))
		return fv_fail(
			ctx, FV_FAILED, "the working folder is unknown: %s", strerror(errno));
	loader->folder = core_strdup(ctx, folder);
	return loader->folder ? FV_OK : FV_FAILED;
}

static size_t find_slot(const core_loader *loader, uint64_t hash)
{
	size_t mask = loader->seen_capacity - 1, at = (size_t)hash & mask;
	while (loader->seen[at] && loader->seen[at] != hash)
		at = (at + 1) & mask;
	return at;
}

/* True when the line was not recorded before. When memory is out, every line counts as new. */
static bool remember_line(core_loader *loader, const char *line)
{
	if (2 * (loader->n_seen + 1) > loader->seen_capacity) {
		core_loader old = *loader;
		loader->seen_capacity = old.seen_capacity ? 2 * old.seen_capacity : 256;
		loader->seen = core_alloc(loader->ctx, loader->seen_capacity, sizeof *loader->seen);
		if (!loader->seen) {
			*loader = old;
			return true;
		}
		for (size_t i = 0; i < old.seen_capacity; i++)
			if (old.seen[i])
				loader->seen[find_slot(loader, old.seen[i])] = old.seen[i];
	}
	uint64_t hash = fv_name_hash(line);
	hash += hash == 0;
	size_t at = find_slot(loader, hash);
	if (loader->seen[at])
		return false;
	loader->seen[at] = hash;
	loader->n_seen++;
	return true;
}

void core_loader_count_failure(core_loader *loader, fv_status status)
{
	if (loader->n_failed++ == 0)
		loader->status = status;
}

static bool is_same_file(const core_place *a, const core_place *b)
{
	return a->file == b->file || (a->file && b->file && !strcmp(a->file, b->file));
}

static bool reserve_fault(core_loader *loader)
{
	if (loader->n_faults < loader->faults_capacity)
		return true;
	size_t capacity = loader->faults_capacity ? 2 * loader->faults_capacity : 32;
	core_fault *grown = core_alloc(loader->ctx, capacity, sizeof *grown);
	if (!grown)
		return false;
	if (loader->n_faults)
		memcpy(grown, loader->fault, loader->n_faults * sizeof *grown);
	loader->fault = grown;
	loader->faults_capacity = capacity;
	return true;
}

static fv_status FV_PRINTF(4, 0) record_fault(
	core_loader *loader, fv_status status, core_place place, const char *format, va_list args)
{
	char text[LINE_BYTES], line[LINE_BYTES + 1024];
	vsnprintf(text, sizeof text, format, args);
	snprintf(line, sizeof line, "%zu:%s:%d:%d: %s", loader->n_taken,
		place.file ? place.file : "", place.line, place.column, text);
	if (!remember_line(loader, line))
		return status;
	core_loader_count_failure(loader, status);
	core_fault fault = {.status = status,
		.place = place,
		.text = core_strdup(loader->ctx, text),
		.file = loader->n_faults,
		.order = loader->n_faults};
	for (size_t i = 0; i < loader->n_faults && fault.file == fault.order; i++)
		if (is_same_file(&loader->fault[i].place, &place))
			fault.file = loader->fault[i].file;
	if (fault.text && reserve_fault(loader))
		loader->fault[loader->n_faults++] = fault;
	return status;
}

fv_status core_loader_fail(
	core_loader *loader, fv_status status, core_place place, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)record_fault(loader, status, place, format, args);
	va_end(args);
	return status;
}

void core_loader_fail_whole(core_loader *loader, core_place place, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)record_fault(loader, FV_CONFIG, place, format, args);
	va_end(args);
	loader->whole = true;
}

static int compare_places(const void *a, const void *b)
{
	const core_fault *x = a, *y = b;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

fv_status core_loader_close(core_loader *loader)
{
	if (loader->n_faults)
		qsort(loader->fault, loader->n_faults, sizeof *loader->fault, compare_places);
	for (size_t i = 0; i < loader->n_faults; i++)
		(void)core_fail_place(loader->ctx, loader->fault[i].status, loader->fault[i].place,
			"%s", loader->fault[i].text);
	loader->n_faults = 0;
	return loader->status;
}

const core_reason *core_loader_take_faults(core_loader *loader)
{
	fv_status status = core_loader_close(loader);
	loader->n_failed = 0;
	loader->n_taken++;
	loader->status = FV_OK;
	return core_error_take(loader->ctx, loader->ctx, status);
}

void core_loader_note(
	core_loader *loader, core_note_kind kind, core_place place, const char *format, ...)
{
	char text[LINE_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (!remember_line(loader, text))
		return;
	if (loader->n_notes == loader->notes_capacity) {
		size_t capacity = loader->notes_capacity ? 2 * loader->notes_capacity : 32;
		core_note *grown = core_alloc(loader->ctx, capacity, sizeof *grown);
		if (!grown)
			return;
		if (loader->n_notes)
			memcpy(grown, loader->note, loader->n_notes * sizeof *grown);
		loader->note = grown;
		loader->notes_capacity = capacity;
	}
	const char *kept = core_strdup(loader->ctx, text);
	if (kept)
		loader->note[loader->n_notes++] = (core_note){kind, place, kept};
}
