/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of an epoch drawn with replacement (train.sampler), so that every class, group or subgroup
 * comes alike often: each draw takes one of those that have rows, uniformly, then one of its rows,
 * uniformly. This is torch.utils.data.WeightedRandomSampler with weights 1/n of the part. The class of
 * a row is the largest of its soft label; an unknown group (-1) is a group of its own.
 *
 * Draws come from the stream ("sampler", epoch) and pick rows in the order of their hashed file names, so the order
 * of rows in a label file changes nothing. */
#ifndef CORE_TRAIN_SAMPLER_H
#define CORE_TRAIN_SAMPLER_H

#include <fairvox/loss.h>

#include "base/context.h"
#include "config/spec.h"

typedef struct core_sampler {
	core_sampler_kind kind; /* CORE_SAMPLE_NONE: nothing is drawn */
	int32_t n;              /* rows of the list */
	int32_t *position;      /* [n] in the list, by part, then by hashed file name */
	int32_t parts;
	int32_t *start; /* [parts + 1] where each part begins in `position` */
	int32_t *drawn; /* [n] positions of the current epoch */
} core_sampler;

/* The name of a kind in the configuration. */
const char *core_sampler_name(core_sampler_kind kind);

/* `list` [n] names rows of `rows`, repeats allowed. Memory is the context's. Errors: FV_CONFIG where
 * groups are sampled and the rows have none. */
FV_NODISCARD fv_status core_sampler_init(fv_ctx *ctx, core_sampler_kind kind, const fv_rows *rows,
	const int32_t *list, int32_t n, core_sampler *out);

/* Draws the positions of an epoch into `drawn`. */
void core_sampler_draw(fv_ctx *ctx, core_sampler *sampler, int64_t epoch);

#endif
