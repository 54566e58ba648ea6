/* SPDX-License-Identifier: Apache-2.0 */
#include "base/positive.h"
#include "base/plural.h"

#define ROUNDING 1e-3f      /* of a share written with three digits or more */
#define FINE_ROUNDING 1e-6f /* with six digits or more */

static bool has_zero(const float *label, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (label[i] == 0)
			return true;
	return false;
}

void core_round_labels(fv_ctx *ctx, const char *path, float *label, int64_t n, int32_t classes)
{
	float chance = core_chance_share(classes);
	float least = has_zero(label, n * classes) ? 0 : FINE_ROUNDING;
	int64_t rounded = 0;
	for (int64_t i = 0; i < n * classes; i++) {
		float above = label[i] - chance;
		if (above <= least || above > ROUNDING)
			continue;
		label[i] = chance;
		rounded++;
	}
	if (rounded)
		fv_note(ctx,
			"%s: %lld label%s within 0.001 above 1/%d %s read as 1/%d, which is one "
			"vote of %d "
			"rounded up and not above it",
			path, (long long)rounded, core_plural(rounded), (int)classes,
			rounded == 1 ? "is" : "are", (int)classes, (int)classes);
}
