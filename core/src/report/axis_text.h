/* SPDX-License-Identifier: Apache-2.0 */
/* Values of an axis as people read them. */
#ifndef CORE_REPORT_AXIS_TEXT_H
#define CORE_REPORT_AXIS_TEXT_H

#include <jansson.h>

#include "base/context.h"

/* Returns each value [n] as text; NULL for a value that is NULL or null. A block is its name, followed by
 * the keys in which blocks of that name differ: {name: NAME, k: 16} -> "NAME k=16". */
FV_NODISCARD fv_status core_axis_texts(
	fv_ctx *ctx, size_t n, const json_t *const *value, const char **text);

/* Returns the text of a value with the builds behind its name: "NAME@3f2a91c k=16". NULL: out of memory. */
const char *core_axis_text_of_build(
	fv_ctx *ctx, const json_t *value, const char *text, const char *build);

/* Returns a value in full: "NAME k=16 encoder.name=OTHER". NULL: out of memory. */
const char *core_axis_full_text(fv_ctx *ctx, const json_t *value);

#endif
