/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a plugin's descriptor and copies it to this core's struct sizes. Fields that the plugin
 * was built without are zero. */
#ifndef CORE_PLUGIN_DESCRIPTOR_H
#define CORE_PLUGIN_DESCRIPTOR_H

#include <stdbool.h>

#include <fairvox/encoder.h>
#include <fairvox/plugin.h>

#include "base/context.h"

/* Most groups that a grouper may make */
#define CORE_GROUPS_MAX 65536

/* True when the descriptor is valid; otherwise `reason` gets one line. `file_name` is the plugin's
 * name according to its file. */
bool core_descriptor_check(
	const fv_descriptor *descriptor, const char *file_name, char *reason, size_t size);

/* Does a reason of core_descriptor_check say that the plugin has this name, and its file another one? */
bool core_descriptor_is_named(const char *reason, const char *name);

/* A copy with this core's struct sizes. Lives as long as the context. NULL when memory is out. */
const fv_descriptor *core_descriptor_copy(fv_ctx *ctx, const fv_descriptor *descriptor);

/* Bytes that a parameter of this type takes in the state; 0 for an unknown type. */
size_t core_param_width(fv_param_type type);

/* NULL: the plugin has no such parameter. */
const fv_param *core_param_find(const fv_descriptor *descriptor, const char *name);

bool core_name_is_valid(const char *name); /* [a-z][a-z0-9_]* */

#endif
