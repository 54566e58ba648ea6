/* SPDX-License-Identifier: Apache-2.0 */
/* torch.save before version 1.6: five pickles (a magic number, the protocol 1001, a dict about
 * the machine, the object, a list of storage keys), then each storage in the order of that list
 * as an int64 count and its elements. There is no checksum. Rules beyond those of the pickle:
 * magic, version, byte order, end, storage key, storage missing, storage size. */
#include <string.h>

#include "checkpoint/torch.h"

static const unsigned char magic[15] = {
	0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};

#define PROTOCOL 1001

static fv_status read_pickle(core_pickle *p, const core_scan *scan)
{
	*p = (core_pickle){.scan = *scan, .past_end = "end"};
	return core_pickle_read(p);
}

/* Frees the pickle and moves the scan past it. */
static void close_pickle(core_pickle *p, core_scan *scan)
{
	scan->at = p->scan.at;
	core_pickle_free(p);
}

static fv_status read_version(core_scan *scan)
{
	core_pickle p;
	fv_status status = read_pickle(&p, scan);
	if (!status) {
		const core_object *top = &p.object.item[p.top];
		if (top->kind != CORE_PICKLE_INT || top->integer != PROTOCOL)
			status = core_scan_fail(scan, p.begin, "version",
				"the protocol of the file is not %d", PROTOCOL);
	}
	close_pickle(&p, scan);
	return status;
}

static fv_status read_machine(core_scan *scan)
{
	core_pickle p;
	fv_status status = read_pickle(&p, scan);
	if (!status) {
		const core_object *top = &p.object.item[p.top];
		const core_object *version = core_pickle_get(&p, top, "protocol_version");
		const core_object *little = core_pickle_get(&p, top, "little_endian");
		if (!version || version->kind != CORE_PICKLE_INT || version->integer != PROTOCOL)
			status = core_scan_fail(scan, p.begin, "version",
				"the protocol of the machine is not %d", PROTOCOL);
		else if (!little || little->kind != CORE_PICKLE_BOOL || !little->integer)
			status = core_scan_fail(
				scan, p.begin, "byte order", "the file is not little-endian");
	}
	close_pickle(&p, scan);
	return status;
}

/* --- storages --- */

static fv_status read_storage(core_pickle *object, core_scan *scan, core_pickle_storage *storage)
{
	size_t left = scan->end - scan->at;
	if (left < 8)
		return core_scan_fail(scan, scan->end, "end",
			"the file ends where storage %llu starts",
			(unsigned long long)storage->key);
	uint64_t count = 0, bytes = 0;
	for (int i = 7; i >= 0; i--)
		count = count << 8 | scan->data[scan->at + (size_t)i];
	if (count != (uint64_t)storage->count || !core_torch_count_bytes(storage, &bytes))
		return core_scan_fail(scan, scan->at, "storage size",
			"storage %llu has %lld elements here but %lld in the pickle",
			(unsigned long long)storage->key, (long long)count,
			(long long)storage->count);
	if (bytes > left - 8)
		return core_scan_fail(scan, scan->end, "end",
			"the file ends inside storage %llu, %llu bytes are missing",
			(unsigned long long)storage->key, (unsigned long long)(bytes - (left - 8)));
	if (storage->data)
		return core_scan_fail(&object->scan, scan->at, "storage key",
			"storage %llu is listed twice", (unsigned long long)storage->key);
	storage->data = scan->data + scan->at + 8;
	scan->at += 8 + (size_t)bytes;
	return FV_OK;
}

static fv_status read_storages(core_pickle *object, const core_pickle *list, core_scan *scan)
{
	const core_object *keys = &list->object.item[list->top];
	if (keys->kind != CORE_PICKLE_LIST)
		return core_scan_fail(scan, list->begin, "storage key",
			"the object is not followed by a list of keys");
	for (uint32_t i = 0; i < keys->list.n; i++) {
		const core_object *key = &list->object.item[keys->list.item[i]];
		uint64_t number;
		core_pickle_storage *storage = NULL;
		if (key->kind == CORE_PICKLE_TEXT && core_pickle_parse_key(key, &number))
			storage = core_torch_find_storage(object, number);
		if (!storage)
			return core_scan_fail(scan, list->begin + key->at, "storage key",
				"the list has a key that no tensor uses");
		fv_status status = read_storage(object, scan, storage);
		if (status)
			return status;
	}
	if (scan->at != scan->end)
		return core_scan_fail(scan, scan->at, "end", "%zu bytes follow the last storage",
			scan->end - scan->at);
	for (uint32_t i = 0; i < object->storage.n; i++)
		if (!object->storage.item[i].data)
			return core_scan_fail(scan, object->storage.item[i].at, "storage missing",
				"storage %llu is not listed",
				(unsigned long long)object->storage.item[i].key);
	return FV_OK;
}

static fv_status read_object(core_scan *scan, fv_checkpoint *file)
{
	core_pickle object, list = {0};
	fv_status status = read_pickle(&object, scan);
	if (!status) {
		scan->at = object.scan.at;
		status = read_pickle(&list, scan);
	}
	if (!status) {
		scan->at = list.scan.at;
		status = core_torch_sort_storages(&object);
	}
	if (!status)
		status = read_storages(&object, &list, scan);
	if (!status)
		status = core_torch_fill_table(&object, file);
	core_pickle_free(&list);
	core_pickle_free(&object);
	return status;
}

fv_status core_torch_legacy_read(fv_ctx *ctx, fv_checkpoint *file)
{
	core_scan scan = {.ctx = ctx,
		.path = file->path,
		.data = file->data,
		.at = sizeof magic,
		.end = file->size,
		.arena = &file->memory};
	if (file->size < sizeof magic || memcmp(file->data, magic, sizeof magic) != 0)
		return core_scan_fail(
			&scan, 0, "magic", "the pickle does not start like a file of torch.save");
	fv_status status = read_version(&scan);
	if (!status)
		status = read_machine(&scan);
	if (!status)
		status = read_object(&scan, file);
	return status;
}
