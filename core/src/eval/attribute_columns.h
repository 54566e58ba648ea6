/* SPDX-License-Identifier: Apache-2.0 */
/* Makes attributes from the columns of predictions. An attribute is a column, or a product of columns:
 * gender*race has a group for each pair of values, and a row is unknown if one of its values is. */
#ifndef CORE_EVAL_ATTRIBUTE_COLUMNS_H
#define CORE_EVAL_ATTRIBUTE_COLUMNS_H

#include "eval/attribute.h"
#include "eval/predictions.h"

/* Splits a product at its '*' into names without blanks around them. A name without '*' gives itself.
 * Returns how many there are; 0: memory ran out. */
int32_t core_attribute_factors(fv_ctx *ctx, const char *name, const char ***factor);

/* Finds the columns of an attribute: one, or the factors of a product. Returns how many there are; 0, with a
 * message, if one is missing (FV_CONFIG) or memory ran out. */
int32_t core_attribute_columns(fv_ctx *ctx, const core_predictions *p, const char *option,
	const char *name, const core_text_column ***out);

/* Do the predictions have all columns of an attribute? */
FV_NODISCARD fv_status core_attribute_is_known(
	fv_ctx *ctx, const core_predictions *p, const char *name, bool *known);

/* Makes an attribute. Groups of a product with fewer than min_support rows are left out. Errors: FV_CONFIG,
 * with the nearest name, for a column that is missing; `option` says where the name is from. */
FV_NODISCARD fv_status core_attribute_from_columns(fv_ctx *ctx, const core_predictions *p,
	const char *option, const char *name, int64_t min_support, core_eval_attribute *out);

/* Reads the numbers of a column -> value [n]; NaN: unknown. Errors: as above; FV_DATA, with FILE:LINE, for a
 * value that is no number. */
FV_NODISCARD fv_status core_number_from_column(fv_ctx *ctx, const core_predictions *p,
	const char *option, const char *name, double **value);

/* Are all groups numbers, more than CORE_EVAL_VALUES_MAX of them? Such an attribute is to be binned or
 * declared numeric. */
bool core_attribute_is_raw_number(int32_t n_values, const char *const *value);

#endif
