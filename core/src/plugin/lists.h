/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that a plugin gives together with a count of their elements. A count that is too large is found, as far as the
 * memory behind the list can be told from elements, before anything reads there. */
#ifndef CORE_PLUGIN_LISTS_H
#define CORE_PLUGIN_LISTS_H

#include <fairvox/encoder.h>

#include "base/context.h"
#include "base/readable.h"

/* Checks that n elements of `size` bytes can be read. The message: "LIST has fewer than COUNT (n) elements", or that
 * its memory has ended. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_list_check(
	fv_ctx *ctx, const char *list, const char *count, const void *data, int64_t n, size_t size);

/* Checks that there are n names, each UTF-8 text of 1 to CORE_NAME_MAX bytes. The message: "LIST has fewer
 * than COUNT (n) names: name 2 is NULL", or that memory has ended. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_names_check(
	fv_ctx *ctx, const char *list, const char *count, const char *const *name, int32_t n);

/* Checks that no two of n > 0 names are the same. The message: "LIST has 'NAME' twice". Errors: FV_FAILED. */
FV_NODISCARD fv_status core_names_check_distinct(
	fv_ctx *ctx, const char *list, const char *const *name, int32_t n);

/* What is said of an op that gives names in memory that ends with it. */
#define CORE_NAMES_IN_SCRATCH                                                                      \
	"gives names in memory of fv_scratch, which ends when the op returns: get it with "        \
	"fv_alloc"

/* Replaces the outputs by copies with this core's struct size, in memory of the context, and checks their lists. Errors:
 * FV_FAILED if one has no size or another one than the first, or if there are fewer names of outputs or columns, or roles,
 * than counted. */
FV_NODISCARD fv_status core_outputs_copy(fv_ctx *ctx, fv_encoder_info *info);

#endif
