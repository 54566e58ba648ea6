/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/npy_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/file.h"
#include "base/text.h"
#include "base/utf8.h"

#define ALIGNMENT 64 /* of the numbers in a .npy file */
#define NAME_MAX_BYTES 1024

enum { VERSION = 45, METHOD_STORED = 0, FLAG_UTF8 = 0x0800, EXTRA_ZIP64 = 1 };
enum { DATE_1980 = 0x21 }; /* the first that zip can say, so that equal files have equal bytes */

static size_t count_bytes(const core_tensor_out *tensor)
{
	size_t n = sizeof(float);
	for (int32_t d = 0; d < tensor->rank; d++)
		n *= (size_t)tensor->shape[d];
	return n;
}

/* --- .npy --- */

/* Adds magic, version 1.0, length and dictionary, padded with blanks. */
static void add_header(core_text *text, int32_t rank, const int64_t *shape)
{
	core_text dict = {0};
	core_text_add(&dict, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
	for (int32_t d = 0; d < rank; d++)
		core_text_add(&dict, d ? ", %lld" : "%lld", (long long)shape[d]);
	core_text_add(&dict, rank == 1 ? ",), }" : "), }");
	size_t size = (10 + dict.size + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - 10;
	const char start[] = {
		'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)(size & 0xff), (char)(size >> 8)};
	core_text_put(text, start, sizeof start);
	core_text_put(text, dict.data, dict.size);
	for (size_t i = dict.size; i + 1 < size; i++)
		core_text_put(text, " ", 1);
	core_text_put(text, "\n", 1);
	text->failed |= dict.failed;
	core_text_free(&dict);
}

static fv_status write_names(fv_ctx *ctx, const char *path, const core_tensor_out *tensor, size_t n)
{
	core_text text = {0};
	fv_status status = FV_OK;
	for (size_t i = 0; i < n && !status; i++) {
		if (strpbrk(tensor[i].name, "\r\n"))
			status = fv_fail(ctx, FV_DATA,
				"%s: '%s' cannot be one line of a list: use .npz or .safetensors",
				path, tensor[i].name);
		core_text_add(&text, "%s\n", tensor[i].name);
	}
	if (text.failed)
		status = fv_fail(ctx, FV_FAILED, "%s: out of memory", path);
	if (!status)
		status = core_file_write(ctx, path, text.data, text.size);
	core_text_free(&text);
	return status;
}

static fv_status put_array(fv_ctx *ctx, core_writer *writer, const core_text *header,
	const core_tensor_out *tensor, size_t n)
{
	fv_status status = header->failed
				   ? fv_fail(ctx, FV_FAILED, "out of memory")
				   : core_writer_put(ctx, writer, header->data, header->size);
	for (size_t i = 0; i < n && !status; i++)
		status = core_writer_put(ctx, writer, tensor[i].data, count_bytes(&tensor[i]));
	return status;
}

fv_status core_npy_write(
	fv_ctx *ctx, const char *path, const char *names, const core_tensor_out *tensor, size_t n)
{
	int64_t shape[1 + FV_TENSOR_RANK_MAX] = {(int64_t)n};
	int32_t skip = n && tensor[0].rank == 2 && tensor[0].shape[0] == 1, rank = 1;
	for (int32_t d = skip; n && d < tensor[0].rank; d++)
		shape[rank++] = tensor[0].shape[d];
	core_text header = {0};
	core_writer *writer = NULL;
	fv_status status = write_names(ctx, names, tensor, n);
	add_header(&header, rank, shape);
	if (!status)
		status = core_writer_open(ctx, path, &writer);
	if (!status)
		status = put_array(ctx, writer, &header, tensor, n);
	if (!status)
		status = core_writer_commit(ctx, writer);
	else
		core_writer_abandon(writer);
	core_text_free(&header);
	return status;
}

/* --- .npz --- */

static void add_little(core_text *text, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++, value >>= 8)
		core_text_put(text, (const char[]){(char)(value & 0xff)}, 1);
}

/* An entry of the archive; sizes and offset always stand in the zip64 field, whatever they are. */
struct entry {
	uint32_t crc;
	uint64_t size, offset;
	const char *name;
};

/* Adds what local header and directory have in common: flags to the lengths of name and field. */
static void add_fields(core_text *text, const struct entry *e, size_t extra)
{
	add_little(text, FLAG_UTF8, 2);
	add_little(text, METHOD_STORED, 2);
	add_little(text, 0, 2);
	add_little(text, DATE_1980, 2);
	add_little(text, e->crc, 4);
	add_little(text, UINT32_MAX, 4);
	add_little(text, UINT32_MAX, 4);
	add_little(text, strlen(e->name) + 4, 2);
	add_little(text, extra, 2);
}

static void add_zip64(core_text *text, const struct entry *e, bool offset)
{
	add_little(text, EXTRA_ZIP64, 2);
	add_little(text, offset ? 24 : 16, 2);
	add_little(text, e->size, 8);
	add_little(text, e->size, 8);
	if (offset)
		add_little(text, e->offset, 8);
}

static void add_local(core_text *text, const struct entry *e)
{
	core_text_put(text, "PK\3\4", 4);
	add_little(text, VERSION, 2);
	add_fields(text, e, 20);
	core_text_add(text, "%s.npy", e->name);
	add_zip64(text, e, false);
}

static void add_central(core_text *text, const struct entry *e)
{
	core_text_put(text, "PK\1\2", 4);
	add_little(text, VERSION, 2);
	add_little(text, VERSION, 2);
	add_fields(text, e, 28);
	add_little(text, 0, 2); /* comment, disk, attributes */
	add_little(text, 0, 2);
	add_little(text, 0, 2);
	add_little(text, 0, 4);
	add_little(text, UINT32_MAX, 4);
	core_text_add(text, "%s.npy", e->name);
	add_zip64(text, e, true);
}

/* Adds the zip64 end record, its locator and the end record. */
static void add_end(core_text *text, uint64_t begin, uint64_t n)
{
	uint64_t size = text->size, end = begin + size;
	core_text_put(text, "PK\6\6", 4);
	add_little(text, 44, 8);
	add_little(text, VERSION, 2);
	add_little(text, VERSION, 2);
	add_little(text, 0, 8);
	add_little(text, n, 8);
	add_little(text, n, 8);
	add_little(text, size, 8);
	add_little(text, begin, 8);
	core_text_put(text, "PK\6\7", 4);
	add_little(text, 0, 4);
	add_little(text, end, 8);
	add_little(text, 1, 4);
	core_text_put(text, "PK\5\6", 4);
	add_little(text, 0, 4);
	add_little(text, UINT16_MAX, 2);
	add_little(text, UINT16_MAX, 2);
	add_little(text, UINT32_MAX, 4);
	add_little(text, UINT32_MAX, 4);
	add_little(text, 0, 2);
}

/* Writes one array and moves *at past it. */
static fv_status put_entry(fv_ctx *ctx, core_writer *writer, const core_tensor_out *tensor,
	uint64_t *at, core_text *central)
{
	core_text array = {0}, local = {0};
	size_t bytes = count_bytes(tensor);
	add_header(&array, tensor->rank, tensor->shape);
	struct entry e = {.name = tensor->name, .offset = *at, .size = array.size + bytes};
	uLong crc = crc32_z(0, (const Bytef *)array.data, array.size);
	e.crc = (uint32_t)(bytes ? crc32_z(crc, tensor->data, bytes) : crc);
	add_local(&local, &e);
	core_text_put(&local, array.data, array.size);
	add_central(central, &e);
	local.failed |= array.failed | central->failed;
	fv_status status = put_array(ctx, writer, &local, tensor, 1);
	*at += local.size + bytes;
	core_text_free(&array);
	core_text_free(&local);
	return status;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(const core_tensor_out *const *)a)->name,
		(*(const core_tensor_out *const *)b)->name);
}

static fv_status check_names(
	fv_ctx *ctx, const char *path, const core_tensor_out *const *sorted, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = sorted[i]->name;
		if (!*name || strlen(name) > NAME_MAX_BYTES || !core_is_utf8(name))
			return fv_fail(ctx, FV_DATA,
				"%s: '%.80s' cannot be the name of an array: it must be UTF-8, 1 "
				"to "
				"1,024 bytes",
				path, name);
		if (i && !strcmp(name, sorted[i - 1]->name))
			return fv_fail(ctx, FV_DATA, "%s: two arrays named '%s'", path, name);
	}
	return FV_OK;
}

static fv_status put_archive(
	fv_ctx *ctx, core_writer *writer, const core_tensor_out *const *sorted, size_t n)
{
	core_text central = {0};
	uint64_t at = 0;
	fv_status status = FV_OK;
	for (size_t i = 0; i < n && !status; i++)
		status = put_entry(ctx, writer, sorted[i], &at, &central);
	add_end(&central, at, n);
	if (!status)
		status = put_array(ctx, writer, &central, NULL, 0);
	core_text_free(&central);
	return status;
}

fv_status core_npz_write(fv_ctx *ctx, const char *path, const core_tensor_out *tensor, size_t n)
{
	const core_tensor_out **sorted = malloc((n + 1) * sizeof *sorted);
	if (!sorted)
		return fv_fail(ctx, FV_FAILED, "%s: out of memory", path);
	for (size_t i = 0; i < n; i++)
		sorted[i] = &tensor[i];
	qsort(sorted, n, sizeof *sorted, compare_names);
	core_writer *writer = NULL;
	fv_status status = check_names(ctx, path, sorted, n);
	if (!status)
		status = core_writer_open(ctx, path, &writer);
	if (!status)
		status = put_archive(ctx, writer, sorted, n);
	if (!status)
		status = core_writer_commit(ctx, writer);
	else
		core_writer_abandon(writer);
	free(sorted);
	return status;
}
