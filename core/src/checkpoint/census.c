/* SPDX-License-Identifier: Apache-2.0 */
#include <fairvox/checkpoint.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/context.h"

static bool is_float(const fv_tensor *t)
{
	return !strcmp(t->dtype, "F32") || !strcmp(t->dtype, "F16") || !strcmp(t->dtype, "BF16") ||
	       !strcmp(t->dtype, "F64");
}

static bool has_shape(const fv_tensor *t, const fv_expected *want)
{
	return t->rank == want->rank &&
	       !memcmp(t->shape, want->shape, (size_t)t->rank * sizeof *t->shape);
}

/* Writes "[32,80,5]" to text [200], which holds eight dimensions. */
static const char *format_shape(char text[200], int32_t rank, const int64_t *shape)
{
	int at = snprintf(text, 200, "[");
	for (int32_t d = 0; d < rank; d++)
		at += snprintf(
			text + at, (size_t)(200 - at), "%s%lld", d ? "," : "", (long long)shape[d]);
	snprintf(text + at, (size_t)(200 - at), "]");
	return text;
}

static fv_status check_tensor(
	fv_ctx *ctx, const char *path, const fv_tensor *t, const fv_expected *want)
{
	if (t ? (want->ignored || is_float(t)) && has_shape(t, want) : want->ignored)
		return FV_OK;
	if (!ctx)
		return FV_DATA;
	if (!t)
		return fv_fail(ctx, FV_DATA, "%s: no tensor '%s'", path, want->name);
	if (!want->ignored && !is_float(t))
		return fv_fail(ctx, FV_DATA, "%s: tensor '%s' has type %s, not a float type", path,
			t->name, t->dtype);
	char is[200], wanted[200];
	return fv_fail(ctx, FV_DATA, "%s: tensor '%s' has shape %s, not %s", path, t->name,
		format_shape(is, t->rank, t->shape), format_shape(wanted, want->rank, want->shape));
}

static bool is_expected(const char *name, const fv_expected *expected, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (!strcmp(name, expected[i].name))
			return true;
	return false;
}

static fv_others count_others(const fv_checkpoint *file, const fv_expected *expected, int64_t n,
	const char *prefix, const char *const *heads)
{
	fv_others others = {0};
	for (int64_t i = fv_checkpoint_count(file) - 1; i >= 0; i--) {
		const char *name = fv_checkpoint_at(file, i)->name;
		if (is_expected(name, expected, n))
			continue;
		bool beside = fv_checkpoint_is_beside(prefix, heads, name);
		*(beside ? &others.first_beside : &others.first_unknown) = name;
		++*(beside ? &others.beside : &others.unknown);
	}
	return others;
}

fv_status fv_checkpoint_judge_others(fv_ctx *ctx, const char *path, const fv_others *others)
{
	if (!ctx)
		return others->unknown ? FV_DATA : FV_OK;
	if (!others->unknown && others->beside == 1)
		fv_note(ctx, "%s: tensor '%s' beside the network is left out", path,
			others->first_beside);
	else if (!others->unknown && others->beside)
		fv_note(ctx, "%s: %lld tensors beside the network are left out, the first is '%s'",
			path, (long long)others->beside, others->first_beside);
	if (!others->unknown)
		return FV_OK;
	if (others->unknown == 1)
		return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is not part of this network", path,
			others->first_unknown);
	return fv_fail(ctx, FV_DATA,
		"%s: %lld tensors are not part of this network, the first is '%s'", path,
		(long long)others->unknown, others->first_unknown);
}

fv_status fv_checkpoint_census(fv_ctx *ctx, const char *path, const fv_checkpoint *file,
	const fv_expected *expected, int64_t n, const char *prefix, const char *const *heads)
{
	fv_status status = FV_OK;
	int64_t known = 0;
	for (int64_t i = 0; i < n; i++) {
		const fv_tensor *t = fv_checkpoint_find(file, expected[i].name);
		known += t != NULL;
		if (check_tensor(ctx, path, t, &expected[i]))
			status = FV_DATA;
	}
	if (known == fv_checkpoint_count(file))
		return status;
	fv_others others = count_others(file, expected, n, prefix, heads);
	fv_status judged = fv_checkpoint_judge_others(ctx, path, &others);
	return status ? status : judged;
}

fv_status fv_checkpoint_read(
	fv_ctx *ctx, const char *path, const fv_checkpoint *file, const char *name, float *out)
{
	const fv_tensor *t = fv_checkpoint_find(file, name);
	if (!t)
		return fv_fail(ctx, FV_DATA, "%s: no tensor '%s'", path, name);
	fv_status status = fv_tensor_to_f32(ctx, t, out);
	for (int64_t i = 0; i < t->count && !status; i++)
		if (!isfinite(out[i]))
			status = fv_fail(ctx, FV_DATA,
				"%s: tensor '%s': element %lld is not a finite number", path, name,
				(long long)i);
	return status;
}
