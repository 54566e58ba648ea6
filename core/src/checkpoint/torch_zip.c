/* SPDX-License-Identifier: Apache-2.0 */
/* torch.save since version 1.6: a zip archive of data.pkl, version, and data/KEY for each storage.
 * Rules beyond those of archive and pickle: TorchScript, record, data.pkl, version, byteorder,
 * storage missing, storage size. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checkpoint/torch.h"
#include "checkpoint/zip.h"

#define VERSION_MAX 10 /* newest file format that torch itself reads */

static bool has_prefix(const core_zip_record *record, const char *with)
{
	size_t n = strlen(with);
	return record->n >= n && !memcmp(record->name, with, n);
}

static bool has_name(const core_zip_record *record, const char *name)
{
	return record->n == strlen(name) && has_prefix(record, name);
}

static fv_status check_records(const core_zip *zip)
{
	for (size_t i = 0; i < zip->n; i++) {
		const core_zip_record *record = &zip->record[i];
		if (has_name(record, "constants.pkl") || has_prefix(record, "code/"))
			return core_scan_fail(&zip->scan, record->central_at, "TorchScript",
				"a compiled program, not a file of tensors");
	}
	for (size_t i = 0; i < zip->n; i++) {
		const core_zip_record *record = &zip->record[i];
		if (!has_name(record, "data.pkl") && !has_name(record, "version") &&
			!has_name(record, "byteorder") && !has_name(record, ".format_version") &&
			!has_name(record, ".storage_alignment") && !has_prefix(record, "data/") &&
			!has_prefix(record, ".data/"))
			return core_scan_fail(&zip->scan, record->central_at, "record",
				"unknown record '%.*s'", (int)(record->n < 80 ? record->n : 80),
				record->name);
	}
	return FV_OK;
}

/* The record must hold a decimal number from 1 to VERSION_MAX and a line feed. */
static fv_status check_version(const core_zip *zip)
{
	const core_zip_record *record = core_zip_find(zip, "version");
	if (!record)
		return core_scan_fail(&zip->scan, 0, "version", "the archive has no such record");
	int number = 0;
	size_t i = 0;
	for (; i < record->size && i < 2 && record->data[i] >= '0' && record->data[i] <= '9'; i++)
		number = number * 10 + record->data[i] - '0';
	if (i + 1 != record->size || record->data[i] != '\n' || number < 1 || number > VERSION_MAX)
		return core_scan_fail(&zip->scan, (size_t)(record->data - zip->scan.data),
			"version", "must be a number from 1 to %d", VERSION_MAX);
	return FV_OK;
}

static fv_status check_byte_order(const core_zip *zip)
{
	const core_zip_record *record = core_zip_find(zip, "byteorder");
	if (record && (record->size != 6 || memcmp(record->data, "little", 6) != 0))
		return core_scan_fail(&zip->scan, (size_t)(record->data - zip->scan.data),
			"byteorder", "the file is not little-endian");
	return FV_OK;
}

static fv_status find_storages(const core_zip *zip, core_pickle *pickle)
{
	for (uint32_t i = 0; i < pickle->storage.n; i++) {
		core_pickle_storage *storage = &pickle->storage.item[i];
		char name[32];
		snprintf(name, sizeof name, "data/%" PRIu64, storage->key);
		const core_zip_record *record = core_zip_find(zip, name);
		uint64_t bytes;
		if (!record)
			return core_scan_fail(&zip->scan, storage->at, "storage missing",
				"the archive has no record '%s'", name);
		if (!core_torch_count_bytes(storage, &bytes) || bytes != record->size)
			return core_scan_fail(&zip->scan, storage->at, "storage size",
				"%lld elements of %s do not fit record '%s' of %llu bytes",
				(long long)storage->count, storage->dtype, name,
				(unsigned long long)record->size);
		storage->data = record->data;
	}
	return FV_OK;
}

static fv_status read_pickle(const core_zip *zip, fv_checkpoint *file)
{
	const core_zip_record *record = core_zip_find(zip, "data.pkl");
	if (!record)
		return core_scan_fail(&zip->scan, 0, "data.pkl", "the archive has no such record");
	core_pickle pickle = {.scan = zip->scan, .past_end = "length"};
	pickle.scan.at = (size_t)(record->data - zip->scan.data);
	pickle.scan.end = pickle.scan.at + (size_t)record->size;
	fv_status status = core_pickle_read(&pickle);
	if (!status && pickle.scan.at != pickle.scan.end)
		status = core_scan_fail(&pickle.scan, pickle.scan.at, "end",
			"%zu bytes follow the pickle", pickle.scan.end - pickle.scan.at);
	if (!status)
		status = core_torch_sort_storages(&pickle);
	if (!status)
		status = find_storages(zip, &pickle);
	if (!status)
		status = core_torch_fill_table(&pickle, file);
	core_pickle_free(&pickle);
	return status;
}

fv_status core_torch_zip_read(fv_ctx *ctx, fv_checkpoint *file)
{
	core_zip zip = {.scan = {.ctx = ctx,
				.path = file->path,
				.data = file->data,
				.end = file->size,
				.arena = &file->memory}};
	fv_status status = core_zip_read(&zip);
	if (!status)
		status = check_records(&zip);
	if (!status)
		status = check_version(&zip);
	if (!status)
		status = check_byte_order(&zip);
	if (!status)
		status = read_pickle(&zip, file);
	core_zip_free(&zip);
	return status;
}
