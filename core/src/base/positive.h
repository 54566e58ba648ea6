/* SPDX-License-Identifier: Apache-2.0 */
/* Which labels count as positive. A label is the share of raters who chose a class; it is positive
 * if it is above 1/C, the share of each of C classes by chance, both in float32. One vote of C is
 * that share itself, whatever number of digits a file gives it: 0.1667 is not above 1/6.
 * Probabilities that a model predicts are compared with 1/C exactly, as they are. */
#ifndef CORE_BASE_POSITIVE_H
#define CORE_BASE_POSITIVE_H

#include "base/context.h"

/* What a label or a probability must exceed. */
static inline float core_chance_share(int32_t classes)
{
	return (float)(1.0 / classes);
}

/* Sets the labels [n, classes] of a file that lie within 1e-3 above 1/C to 1/C, so that they are not
 * above it, and notes their number. Every reader of labels calls it.
 *
 * Labels within 1e-6 keep their value where no label of the file is 0: smoothed labels with six or
 * more digits, such as EMO-SUPERB's. All published results on CREMA-D count its ten labels of
 * 0.166667 as positive. */
void core_round_labels(fv_ctx *ctx, const char *path, float *label, int64_t n, int32_t classes);

#endif
