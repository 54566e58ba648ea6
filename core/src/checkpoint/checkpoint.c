/* SPDX-License-Identifier: Apache-2.0 */
#include <fairvox/checkpoint.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/content.h"
#include "base/context.h"
#include "base/io.h"
#include "base/mapping.h"
#include "checkpoint/checkpoint_private.h"
#include "checkpoint/npy.h"
#include "checkpoint/split.h"
#include "checkpoint/torch.h"

#define CONTENT_SIZE 4096 /* bytes by which a file is named */

static const struct {
	const char *name;
	size_t size;
} dtypes[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8}, {"I64", 8}, {"I32", 4}, {"I16", 2},
	{"I8", 1}, {"U8", 1}, {"BOOL", 1}};

size_t core_dtype_size(const char *dtype)
{
	for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
		if (!strcmp(dtypes[i].name, dtype))
			return dtypes[i].size;
	return 0;
}

static fv_status map_file(fv_ctx *ctx, int fd, size_t size, fv_checkpoint *file)
{
	if (size == 0)
		return fv_fail(
			ctx, FV_DATA, "%s: byte 0: too short: the file is empty", file->path);
	const void *data;
	fv_status status = core_mapping_open(ctx, file->path, fd, size, &data);
	if (status)
		return status;
	file->data = data;
	file->size = size;
	return FV_OK;
}

static bool starts_with(const fv_checkpoint *file, const char *bytes, size_t n)
{
	return file->size >= n && !memcmp(file->data, bytes, n);
}

/* Reports a file that holds no tensors, by what it looks like. */
static fv_status refuse_content(fv_ctx *ctx, const fv_checkpoint *file, const char *what)
{
	return fv_fail(ctx, FV_DATA,
		"%s: byte 0: unknown content: not a file of tensors%s%s: safetensors, files of "
		"torch.save, .npy and .npz are read",
		file->path, what ? " but " : "", what ? what : "");
}

/* A length that fits the file, or the first byte of a header behind one that does not. */
static bool may_be_safetensors(const fv_checkpoint *file)
{
	return file->size <= 8 || file->data[8] == '{' || core_safetensors_fits(file);
}

/* A zip archive that is not plainly one of another program is judged by the rules of torch. */
static bool is_torch_zip(const char *what)
{
	return !strcmp(what, CORE_CONTENT_TORCH) || !strcmp(what, CORE_CONTENT_TORCHSCRIPT) ||
	       !strcmp(what, CORE_CONTENT_ZIP);
}

static fv_status read_content(fv_ctx *ctx, fv_checkpoint *file)
{
	file->container = "safetensors";
	if (core_is_safetensors(file))
		return core_safetensors_read(ctx, file);
	if (starts_with(file, "\x80\x02", 2)) {
		file->container = "torch legacy";
		return core_torch_legacy_read(ctx, file);
	}
	size_t n = file->size < CONTENT_SIZE ? file->size : CONTENT_SIZE;
	const char *what = core_content_describe(ctx, file->data, n);
	if (what && is_torch_zip(what)) {
		file->container = "torch zip";
		return core_torch_zip_read(ctx, file);
	}
	if (what && !strcmp(what, CORE_CONTENT_NPY)) {
		file->container = "npy";
		return core_npy_read(ctx, file);
	}
	if (what && !strcmp(what, CORE_CONTENT_JSON) && core_is_index(file)) {
		file->container = "index";
		return core_index_read(ctx, file);
	}
	if (what && !strcmp(what, CORE_CONTENT_NPZ)) {
		file->container = "npz";
		return core_npz_read(ctx, file);
	}
	bool damaged = what ? !strcmp(what, CORE_CONTENT_SAFETENSORS) : may_be_safetensors(file);
	return damaged ? core_safetensors_read(ctx, file) : refuse_content(ctx, file, what);
}

fv_status fv_checkpoint_open(fv_ctx *ctx, const char *path, fv_checkpoint **out)
{
	struct stat st;
	int fd;
	fv_status status = core_open_file(ctx, path, &fd, &st);
	if (status)
		return status;
	fv_checkpoint *file = calloc(1, sizeof *file);
	status = FV_FAILED;
	if (file) {
		file->path = path;
		status = map_file(ctx, fd, (size_t)st.st_size, file);
	} else {
		(void)fv_fail(ctx, FV_FAILED, "%s: out of memory", path);
	}
	if (!status)
		status = read_content(ctx, file);
	if (file && file->data && (fstat(fd, &st) || (size_t)st.st_size < file->size))
		status = fv_fail(ctx, FV_DATA, "%s: became shorter while it was read", path);
	close(fd);
	if (status) {
		fv_checkpoint_close(file);
		return status;
	}
	file->path = NULL; /* `path` belongs to the caller */
	*out = file;
	return FV_OK;
}

void fv_checkpoint_close(fv_checkpoint *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->n_parts; i++)
		fv_checkpoint_close(file->part[i]);
	core_mapping_close(file->data, file->size);
	core_arena_free(&file->memory);
	free(file);
}

const char *fv_checkpoint_container(const fv_checkpoint *file)
{
	return file->container;
}

int64_t fv_checkpoint_count(const fv_checkpoint *file)
{
	return file->n;
}

const fv_tensor *fv_checkpoint_at(const fv_checkpoint *file, int64_t index)
{
	return &file->tensor[index];
}

static int compare_tensor_name(const void *name, const void *tensor)
{
	return strcmp(name, ((const fv_tensor *)tensor)->name);
}

const fv_tensor *fv_checkpoint_find(const fv_checkpoint *file, const char *name)
{
	return file->n ? bsearch(name, file->tensor, (size_t)file->n, sizeof *file->tensor,
				 compare_tensor_name)
		       : NULL;
}

static int compare_meta_key(const void *key, const void *meta)
{
	return strcmp(key, ((const core_meta *)meta)->key);
}

const char *fv_checkpoint_meta(const fv_checkpoint *file, const char *key)
{
	const core_meta *meta = file->n_meta ? bsearch(key, file->meta, (size_t)file->n_meta,
						       sizeof *file->meta, compare_meta_key)
					     : NULL;
	return meta ? meta->value : NULL;
}

void fv_checkpoint_release(const fv_checkpoint *file, const fv_tensor *tensor)
{
	const unsigned char *data = tensor->data;
	for (size_t i = 0; i < file->n_parts; i++)
		fv_checkpoint_release(file->part[i], tensor);
	if (!tensor->count || data < file->data || data >= file->data + file->size)
		return; /* no elements, or a row-major copy outside the mapped file */
	size_t from = (size_t)(data - file->data);
	size_t bytes = (size_t)tensor->count * core_dtype_size(tensor->dtype);
	core_mapping_release(file->data, file->size, from, from + bytes);
}

static float float_from_bits(uint32_t bits)
{
	float value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static float float_from_f16(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = (half >> 10) & 31,
		 fraction = half & 1023;
	if (exponent == 31)
		return float_from_bits(sign | 0x7f800000 | fraction << 13);
	if (exponent)
		return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
	float value = (float)fraction * 0x1p-24f; /* subnormal: exact */
	return sign ? -value : value;
}

fv_status fv_tensor_to_f32(fv_ctx *ctx, const fv_tensor *tensor, float *out)
{
	const unsigned char *data = tensor->data;
	size_t n = (size_t)tensor->count;
	if (!strcmp(tensor->dtype, "F32")) {
		if (n)
			memcpy(out, data, n * sizeof *out);
	} else if (!strcmp(tensor->dtype, "F64")) {
		for (size_t i = 0; i < n; i++) {
			double value;
			memcpy(&value, data + 8 * i, sizeof value);
			out[i] = (float)value;
		}
	} else if (!strcmp(tensor->dtype, "F16") || !strcmp(tensor->dtype, "BF16")) {
		bool brain = tensor->dtype[0] == 'B';
		for (size_t i = 0; i < n; i++) {
			uint16_t half;
			memcpy(&half, data + 2 * i, sizeof half);
			out[i] = brain ? float_from_bits((uint32_t)half << 16)
				       : float_from_f16(half);
		}
	} else {
		return fv_fail(ctx, FV_DATA, "tensor '%s' is %s, not F32, F16, BF16 or F64",
			tensor->name, tensor->dtype);
	}
	return FV_OK;
}
