/* SPDX-License-Identifier: Apache-2.0 */
/* Checked values, copied to the fields that their keys name: of a spec, or of a plugin's state. */
#ifndef CORE_CONFIG_STORE_H
#define CORE_CONFIG_STORE_H

#include "config/schema.h"
#include "config/yaml.h"

/* `value` as core_check gives it; NULL leaves the field as it is, but for a list, which becomes an empty one.
 * Texts and lists live as long as the context. False (and a message) when memory is out. */
bool core_store(fv_ctx *ctx, const core_key *key, const core_yaml *value, void *base);

/* All keys of a resolved block that have a field, inner blocks included. */
bool core_store_block(
	fv_ctx *ctx, const core_key *keys, size_t n, const core_yaml *block, void *base);

#endif
