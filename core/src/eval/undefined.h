/* SPDX-License-Identifier: Apache-2.0 */
/* The list of undefined values, each with its reason. */
#ifndef CORE_EVAL_UNDEFINED_H
#define CORE_EVAL_UNDEFINED_H

#include "eval/metrics.h"

/* Allocates the list for all entries there can be. m->C must be set. */
FV_NODISCARD fv_status core_undefined_alloc(
	fv_ctx *ctx, int32_t n_attributes, const core_eval_attribute *attributes, core_metrics *m);

/* Adds what is undefined over all rows, over speakers, of a number, and of an attribute. */
void core_note_overall(core_metrics *m);
void core_note_speakers(core_metrics *m);
void core_note_numeric(core_metrics *m, const char *attribute);
void core_note_attribute(core_metrics *m, const core_attribute_metrics *a);

#endif
