/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "config/config.h"

const char *core_variant_label(const core_variant *variant, const char *axis)
{
	for (int32_t i = 0; i < variant->n_axes; i++)
		if (!strcmp(variant->axis[i], axis))
			return *variant->axis_value[i] ? variant->axis_value[i] : NULL;
	return NULL;
}

size_t core_config_labels(
	const core_config *config, const char *axis, const char *none, const char **label)
{
	size_t n = 0;
	for (size_t i = 0; i < config->n_variants; i++) {
		const char *own = core_variant_label(&config->variants[i], axis);
		own = own ? own : none;
		bool known = !own;
		for (size_t k = 0; k < n && !known; k++)
			known = !strcmp(label[k], own);
		if (!known)
			label[n++] = own;
	}
	return n;
}
