/* SPDX-License-Identifier: Apache-2.0 */
/* Adjusts the p-values of a comparison family. NaN (an undefined comparison) stays NaN and does not
 * count. */
#ifndef CORE_EVAL_FAMILIES_H
#define CORE_EVAL_FAMILIES_H

#include "base/context.h"

/* S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979:
 * adjusted p_(i) = max over j <= i of min(1, (m - j + 1) p_(j)). p and out [n] may be the same. */
FV_NODISCARD fv_status core_holm(fv_ctx *ctx, int32_t n, const double *p, double *out);

/* Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", J. R. Statist. Soc. B 57,
 * 1995: adjusted p_(i) = min over j >= i of min(1, m p_(j) / j). */
FV_NODISCARD fv_status core_benjamini_hochberg(
	fv_ctx *ctx, int32_t n, const double *p, double *out);

#endif
