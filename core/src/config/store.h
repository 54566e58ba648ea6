/* SPDX-License-Identifier: Apache-2.0 */
/* Copies checked values to the fields that their keys declare, in a spec or in a plugin's state. */
#ifndef CORE_CONFIG_STORE_H
#define CORE_CONFIG_STORE_H

#include "config/schema.h"
#include "config/yaml.h"

/* `value` is the result of core_check_value. NULL leaves the field unchanged, except that a list
 * becomes empty. Texts and lists live as long as the context. False (and a message) when memory is
 * out. */
bool core_store_value(fv_ctx *ctx, const core_key *key, const core_yaml *value, void *base);

/* Stores all keys of a resolved block that declare a field, including those of inner blocks. */
bool core_store_block(
	fv_ctx *ctx, const core_key *keys, size_t n, const core_yaml *block, void *base);

#endif
