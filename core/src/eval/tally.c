/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/tally.h"

#include <math.h>
#include <string.h>

#include "base/positive.h"
#include "eval/argmax.h"

float core_eval_threshold(const core_eval_set *set)
{
	return set->has_threshold ? set->threshold : core_chance_share(set->C);
}

float core_eval_cut(const core_eval_set *set, int64_t cell)
{
	return set->cut ? set->cut[cell] : core_eval_threshold(set);
}

fv_status core_tally_alloc(fv_ctx *ctx, int32_t K, int32_t C, core_tally *out)
{
	*out = (core_tally){.K = K, .C = C};
	out->count = core_alloc(ctx, (size_t)K * core_tally_stride(C), sizeof *out->count);
	return out->count ? FV_OK : FV_FAILED;
}

static fv_status check_finite(fv_ctx *ctx, const core_eval_set *set, int64_t row)
{
	for (int64_t j = row * set->C; j < (row + 1) * set->C; j++)
		if (!isfinite(set->prob[j]) || !isfinite(set->label[j]))
			return fv_fail(ctx, FV_FAILED,
				"row %lld, class %d: a probability or label is not finite",
				(long long)row, (int)(j - row * set->C));
	return FV_OK;
}

static void count_cell(int32_t C, int32_t c, bool predicted, bool real, int32_t *count)
{
	count[1 + c] += predicted && real;
	count[1 + C + c] += predicted && !real;
	count[1 + 2 * C + c] += real;
}

static void count_above_threshold(
	const core_eval_set *set, int64_t row, float threshold, int32_t *count)
{
	int32_t C = set->C;
	const float *prob = set->prob + row * C, *label = set->label + row * C;
	const float *cut = set->cut ? set->cut + row * C : NULL;
	count[0]++;
	for (int32_t c = 0; c < C; c++)
		count_cell(C, c, prob[c] > (cut ? cut[c] : threshold), label[c] > threshold, count);
}

static void count_argmax(const core_eval_set *set, int64_t row, int32_t *count)
{
	core_argmax_row one;
	if (!core_argmax_read(set, row, &one))
		return;
	count[0]++;
	count_cell(set->C, one.predicted, true, one.predicted == one.label, count);
	if (one.predicted != one.label)
		count_cell(set->C, one.label, false, true, count);
}

fv_status core_tally_count(fv_ctx *ctx, const core_eval_set *set, const int32_t *unit,
	const int32_t *keep, core_tally *out)
{
	float threshold = core_eval_threshold(set);
	fv_status status = FV_OK;
	core_tally_clear(out, CORE_TALLY_ALL);
	if (set->n > INT32_MAX)
		return fv_fail(ctx, FV_FAILED, "%lld rows are too many", (long long)set->n);
	for (int64_t i = 0; i < set->n && !status; i++) {
		int32_t k = unit ? unit[i] : 0;
		if (k < 0 || (keep && keep[i] < 0))
			continue;
		int32_t *count = core_tally_unit(out, k);
		status = check_finite(ctx, set, i);
		if (status)
			continue;
		count_above_threshold(set, i, threshold, count);
		count_argmax(set, i, count + core_tally_width(set->C));
	}
	return status;
}

fv_status core_tally_make(fv_ctx *ctx, const core_eval_set *set, int32_t K, const int32_t *unit,
	const int32_t *keep, core_tally *out)
{
	fv_status status = core_tally_alloc(ctx, K, set->C, out);
	return status ? status : core_tally_count(ctx, set, unit, keep, out);
}

void core_tally_clear(core_tally *tally, core_tally_part part)
{
	size_t width = (size_t)part * core_tally_width(tally->C);
	for (int32_t k = 0; k < tally->K; k++)
		memset(core_tally_unit(tally, k), 0, width * sizeof *tally->count);
}

void core_tally_sum(const core_tally *units, const int32_t *to, const int32_t *times,
	core_tally_part part, core_tally *out)
{
	size_t width = (size_t)part * core_tally_width(units->C);
	core_tally_clear(out, part);
	for (int32_t k = 0; k < units->K; k++) {
		int32_t target = to ? to[k] : 0;
		if (target < 0)
			continue;
		const int32_t *from = core_tally_unit(units, k);
		int32_t *sum = core_tally_unit(out, target);
		for (int32_t t = times ? times[k] : 1; t > 0; t--) /* rarely more than two */
			core_tally_add(sum, from, width);
	}
}
