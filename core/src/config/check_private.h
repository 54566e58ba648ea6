/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that check values: check.c handles scalars and lists, check_maps.c maps and
 * files. Each function returns a typed copy of the value, or NULL and a failure. */
#ifndef CORE_CONFIG_CHECK_PRIVATE_H
#define CORE_CONFIG_CHECK_PRIVATE_H

#include "config/loader.h"

typedef struct core_check {
	core_loader *loader;
	const core_key *key;
	const char *path; /* dotted key for messages */
} core_check;

#define REFUSE(c, node, ...) core_loader_fail((c)->loader, FV_CONFIG, (node)->place, __VA_ARGS__)

typedef core_yaml *core_check_item(core_check *c, const core_yaml *node);

/* An empty list or map with room for n entries, placed like `node`. */
core_yaml *core_check_make_list(
	core_check *c, const core_yaml *node, core_yaml_kind kind, size_t n);
core_yaml *core_check_text(core_check *c, const core_yaml *node);
core_yaml *core_check_real(core_check *c, const core_yaml *node);
core_yaml *core_check_path(core_check *c, const core_yaml *node);
/* A list, or a single value as a list of one; every bad item is reported. */
core_yaml *core_check_list(
	core_check *c, const core_yaml *node, bool distinct, core_check_item *item);
/* The same; an empty list is refused. */
core_yaml *core_check_filled_list(
	core_check *c, const core_yaml *node, bool distinct, core_check_item *item);

/* check_maps.c */
core_yaml *core_check_files(core_check *c, const core_yaml *node);
core_yaml *core_check_any_map(core_check *c, const core_yaml *node);

#endif
