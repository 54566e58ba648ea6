/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/safetensors_write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "base/utf8.h"
#include "checkpoint/checkpoint_private.h"
#include "checkpoint/scan.h"

static size_t count_tensor_bytes(const core_tensor_out *tensor)
{
	size_t count = 1;
	for (int32_t i = 0; i < tensor->rank; i++)
		count *= (size_t)tensor->shape[i];
	return count * core_dtype_size(tensor->dtype);
}

static int by_size_and_name(const void *a, const void *b)
{
	const core_tensor_out *s = *(const core_tensor_out *const *)a;
	const core_tensor_out *t = *(const core_tensor_out *const *)b;
	size_t m = core_dtype_size(s->dtype), n = core_dtype_size(t->dtype);
	return m != n ? (m > n ? -1 : 1) : strcmp(s->name, t->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const core_tensor_out *const *)a)->name,
		(*(const core_tensor_out *const *)b)->name);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(
		(*(const core_meta_out *const *)a)->key, (*(const core_meta_out *const *)b)->key);
}

/* Adds a JSON string; control characters become \u00XX. */
static void add_json_string(core_text *text, const char *s)
{
	core_text_put(text, "\"", 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			core_text_add(text, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			core_text_add(text, "\\u%04x", (unsigned)*s);
		else
			core_text_put(text, s, 1);
	}
	core_text_put(text, "\"", 1);
}

static void add_header(core_text *text, const core_tensor_out *const *tensor, size_t n,
	const core_meta_out *const *meta, size_t n_meta)
{
	core_text_put(text, "{", 1);
	if (n_meta)
		core_text_add(text, "\"__metadata__\":{");
	for (size_t i = 0; i < n_meta; i++) {
		core_text_add(text, "%s", i ? "," : "");
		add_json_string(text, meta[i]->key);
		core_text_put(text, ":", 1);
		add_json_string(text, meta[i]->value);
	}
	if (n_meta)
		core_text_add(text, "}%s", n ? "," : "");
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		core_text_add(text, "%s", i ? "," : "");
		add_json_string(text, tensor[i]->name);
		core_text_add(text, ":{\"dtype\":\"%s\",\"shape\":[", tensor[i]->dtype);
		for (int32_t d = 0; d < tensor[i]->rank; d++)
			core_text_add(text, d ? ",%lld" : "%lld", (long long)tensor[i]->shape[d]);
		core_text_add(text, "],\"data_offsets\":[%zu,%zu]}", at,
			at + count_tensor_bytes(tensor[i]));
		at += count_tensor_bytes(tensor[i]);
	}
	core_text_put(text, "}", 1);
	while (text->size % 8 && !text->failed)
		core_text_put(text, " ", 1);
}

static fv_status check_names(fv_ctx *ctx, const char *path, const core_tensor_out *const *tensor,
	size_t n, const core_meta_out *const *meta, size_t n_meta)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = tensor[i]->name;
		assert(core_dtype_size(tensor[i]->dtype) && tensor[i]->rank >= 0 &&
			tensor[i]->rank <= FV_TENSOR_RANK_MAX);
		if (!*name || strlen(name) > 1024 || !core_is_utf8(name) ||
			!strcmp(name, "__metadata__"))
			return fv_fail(ctx, FV_DATA,
				"%s: '%.80s' cannot be the name of a tensor: it must be UTF-8, 1 "
				"to 1,024 bytes "
				"and not __metadata__",
				path, name);
		if (i && !strcmp(name, tensor[i - 1]->name))
			return fv_fail(ctx, FV_DATA, "%s: two tensors named '%s'", path, name);
	}
	for (size_t i = 0; i < n_meta; i++)
		if (!core_is_utf8(meta[i]->key) || !core_is_utf8(meta[i]->value) ||
			(i && !strcmp(meta[i]->key, meta[i - 1]->key)))
			return fv_fail(ctx, FV_DATA,
				"%s: metadata key '%.80s' is not UTF-8, has a value that is not, "
				"or appears twice",
				path, meta[i]->key);
	return FV_OK;
}

static fv_status write_parts(fv_ctx *ctx, core_writer *writer, const core_text *header,
	const core_tensor_out *const *tensor, size_t n)
{
	unsigned char length[8];
	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)((uint64_t)header->size >> (8 * i));
	fv_status status = core_writer_put(ctx, writer, length, sizeof length);
	if (!status)
		status = core_writer_put(ctx, writer, header->data, header->size);
	for (size_t i = 0; i < n && !status; i++)
		status = core_writer_put(
			ctx, writer, tensor[i]->data, count_tensor_bytes(tensor[i]));
	return status;
}

static fv_status write_file(fv_ctx *ctx, const char *path, const core_tensor_out *tensor, size_t n,
	const core_meta_out *meta, size_t n_meta, bool durable)
{
	const core_tensor_out **sorted = malloc((n + 1) * sizeof *sorted);
	const core_meta_out **pairs = malloc((n_meta + 1) * sizeof *pairs);
	core_text header = {0};
	core_writer *writer = NULL;
	fv_status status =
		sorted && pairs ? FV_OK : fv_fail(ctx, FV_FAILED, "%s: out of memory", path);
	if (status)
		goto done;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &tensor[i];
	for (size_t i = 0; i < n_meta; i++)
		pairs[i] = &meta[i];
	qsort(sorted, n, sizeof *sorted, by_name);
	qsort(pairs, n_meta, sizeof *pairs, by_key);
	if ((status = check_names(ctx, path, sorted, n, pairs, n_meta)))
		goto done;
	qsort(sorted, n, sizeof *sorted, by_size_and_name);
	add_header(&header, sorted, n, pairs, n_meta);
	if (header.failed)
		status = fv_fail(ctx, FV_FAILED, "%s: out of memory", path);
	if (!status)
		status = core_writer_open(ctx, path, &writer);
	if (!status)
		status = write_parts(ctx, writer, &header, sorted, n);
	if (!status)
		status = durable ? core_writer_commit(ctx, writer)
				 : core_writer_commit_loose(ctx, writer);
	else
		core_writer_abandon(writer);
done:
	free(sorted);
	free(pairs);
	core_text_free(&header);
	return status;
}

fv_status core_safetensors_write(fv_ctx *ctx, const char *path, const core_tensor_out *tensor,
	size_t n, const core_meta_out *meta, size_t n_meta)
{
	return write_file(ctx, path, tensor, n, meta, n_meta, true);
}

fv_status core_safetensors_write_loose(fv_ctx *ctx, const char *path, const core_tensor_out *tensor,
	size_t n, const core_meta_out *meta, size_t n_meta)
{
	return write_file(ctx, path, tensor, n, meta, n_meta, false);
}
