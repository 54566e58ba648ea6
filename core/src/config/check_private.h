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

enum { CHOICES_MAX = 64 };

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

/* want.c: the words of "a|b" -> word, and how many. */
size_t core_check_split_choices(
	core_loader *loader, const char *choices, const char *word[CHOICES_MAX]);
const char *core_check_list_choices(core_loader *loader, const char *choices); /* "a, b, c" */
/* "from 1 to 5 Hz", "at least 1", "above 0, or none". Always includes the limit that `value`
 * violates. */
const char *core_check_tell_range(core_loader *loader, const core_key *key, double value);

/* check_maps.c */
core_yaml *core_check_files(core_check *c, const core_yaml *node);
core_yaml *core_check_any_map(core_check *c, const core_yaml *node);

#endif
