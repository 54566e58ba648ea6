/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of variants that are no axis, from the resolved configuration in their run folders. */
#ifndef CORE_REPORT_SETTINGS_H
#define CORE_REPORT_SETTINGS_H

#include "report/axes.h"

/* Adds each name of a list, "f1,train.epochs", that is a key of the configuration and none of the axes, as an axis with
 * the value of each variant. `option` is for messages. Errors: FV_CONFIG for a key of a block that no variant has, with those that
 * there are. */
FV_NODISCARD fv_status core_settings_add(fv_ctx *ctx, const core_results *results,
	const char *option, const char *list, core_variant_axes *axes);

#endif
