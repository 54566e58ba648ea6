/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tensors: safetensors and .npz with a tensor for each recording, .npy with a row for each.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "precomputed.h"

#define LAYERS_MAX 4096

/* Bytes of a number; 0: no floating-point type. */
static size_t float_size(const fv_tensor *t)
{
	return !strcmp(t->dtype, "F64")                                ? 8
	       : !strcmp(t->dtype, "F32")                              ? 4
	       : !strcmp(t->dtype, "F16") || !strcmp(t->dtype, "BF16") ? 2
								       : 0;
}

static fv_status check_tensor(precomputed_state *s, fv_ctx *ctx, const fv_tensor *t)
{
	if (!float_size(t))
		return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is %s, not F32, F16, BF16 or F64",
			s->file, t->name, t->dtype);
	if (t->rank == 3)
		return fv_fail(ctx, FV_DATA,
			"%s: tensor '%s' is [L, T, D], frames: their mean is needed, [L, D]",
			s->file, t->name);
	if (t->rank < 1 || t->rank > 3 || t->count < 1)
		return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is neither [L, D] nor [D]", s->file,
			t->name);
	int64_t layers = t->rank == 2 ? t->shape[0] : 1, dims = t->shape[t->rank - 1];
	if (layers > LAYERS_MAX || dims > INT32_MAX / layers)
		return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is too large", s->file, t->name);
	if (!s->dims) {
		s->layers = (int32_t)layers;
		s->dims = (int32_t)dims;
	}
	if (layers != s->layers || dims != s->dims)
		return fv_fail(ctx, FV_DATA,
			"%s: tensor '%s' is [%lld, %lld], those before it [%d, %d]", s->file,
			t->name, (long long)layers, (long long)dims, (int)s->layers, (int)s->dims);
	return FV_OK;
}

static fv_status add_tensors(precomputed_state *s, fv_ctx *ctx, const fv_tensor *tensor, int64_t n)
{
	fv_status status = FV_OK;
	for (int64_t i = 0; i < n; i++) {
		fv_status step = check_tensor(s, ctx, &tensor[i]);
		if (!step)
			step = precomputed_add_row(s, ctx,
				(feature_row){.name = tensor[i].name, .tensor = &tensor[i]});
		status = step ? step : status;
		if (step == FV_FAILED)
			break;
	}
	return status;
}

/* An array [N, D] or [N, L, D], whose rows have their names in another file. */
static fv_status add_array(precomputed_state *s, fv_ctx *ctx, const fv_tensor *all)
{
	const char **name;
	if (all->rank < 2 || all->rank > 3 || !float_size(all))
		return fv_fail(ctx, FV_DATA,
			"%s: an array of %d dimensions and type %s: [N, D] or [N, L, D] of F16, "
			"F32 or "
			"F64 is needed",
			s->file, (int)all->rank, all->dtype);
	int64_t n = all->shape[0];
	fv_status status = precomputed_read_names(s, ctx, n, &name);
	if (status || !n)
		return status;
	s->view = calloc((size_t)n, sizeof *s->view);
	if (!s->view)
		return fv_fail(ctx, FV_FAILED, "%s: out of memory", s->file);
	for (int64_t i = 0; i < n; i++) {
		fv_tensor *row = &s->view[i];
		*row = (fv_tensor){.name = name[i],
			.dtype = all->dtype,
			.rank = all->rank - 1,
			.count = all->count / n};
		row->data = (const unsigned char *)all->data +
			    (size_t)(i * row->count) * float_size(all);
		memcpy(row->shape, all->shape + 1, (size_t)row->rank * sizeof *row->shape);
	}
	return add_tensors(s, ctx, s->view, n);
}

fv_status precomputed_read_tensors(precomputed_state *s, fv_ctx *ctx)
{
	fv_status status = fv_checkpoint_open(ctx, s->file, &s->tensors);
	if (status)
		return status;
	if (!strcmp(fv_checkpoint_container(s->tensors), "npy"))
		return add_array(s, ctx, fv_checkpoint_at(s->tensors, 0));
	if (s->names)
		return fv_fail(ctx, FV_CONFIG,
			"parameter 'names' is for .npy: %s names its recordings itself", s->file);
	int64_t n = fv_checkpoint_count(s->tensors);
	return n ? add_tensors(s, ctx, fv_checkpoint_at(s->tensors, 0), n) : FV_OK;
}

static bool is_too_large(const fv_tensor *t, size_t i)
{
	double value = 0;
	if (!strcmp(t->dtype, "F64"))
		memcpy(&value, (const unsigned char *)t->data + i * sizeof value, sizeof value);
	return value != 0 && isfinite(value);
}

fv_status precomputed_copy_tensor(
	const precomputed_state *s, fv_ctx *ctx, const feature_row *row, float *out)
{
	fv_status status = fv_tensor_to_f32(ctx, row->tensor, out);
	size_t count = (size_t)s->layers * (size_t)s->dims;
	for (size_t i = 0; i < count && !status; i++)
		if (!isfinite(out[i]))
			status = fv_fail(ctx, FV_DATA, "%s: '%s': layer %zu, column %zu is %s",
				s->file, row->name, i / (size_t)s->dims, i % (size_t)s->dims,
				is_too_large(row->tensor, i) ? "too large for float32"
							     : "not finite");
	return status;
}

/* --- does a file fit? --- */

/* One array of rows, or tensors [L, D] or [D] of floats that all have one shape. */
static int32_t check_fit(const fv_checkpoint *file, const char *sha256, fv_fit *fit)
{
	(void)sha256;
	int64_t n = fv_checkpoint_count(file);
	const fv_tensor *first = n ? fv_checkpoint_at(file, 0) : NULL;
	if (!first || !float_size(first) || first->count < 1)
		return 0;
	if (!strcmp(fv_checkpoint_container(file), "npy")) {
		fit->what = "features of recordings, one row each; their names are in another file";
		return first->rank == 2 || first->rank == 3;
	}
	fit->what = "features of recordings, one tensor each: no weights, so no licence";
	for (int64_t i = 0; i < n; i++) {
		const fv_tensor *t = fv_checkpoint_at(file, i);
		if (t->rank < 1 || t->rank > 2 || t->rank != first->rank || !float_size(t) ||
			memcmp(t->shape, first->shape, sizeof t->shape) != 0)
			return 0;
	}
	return 1;
}

const fv_fits_1 precomputed_fits = FV_FITS(.fits = check_fit);
