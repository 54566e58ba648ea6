/* SPDX-License-Identifier: Apache-2.0 */
/* Names the tensors of a pickle: walks dicts, lists and tuples from the top; the keys and
 * indices on the way, joined by dots, are the name. */
#ifndef CORE_CHECKPOINT_TREE_H
#define CORE_CHECKPOINT_TREE_H

#include "checkpoint/pickle.h"

/* Calls `found` for each tensor in the order of the pickle; `name` is valid during the call.
 * Rules: depth, cycle, not a dict, duplicate key, name, bounds. */
typedef fv_status core_tree_fn(void *user, const char *name, uint32_t tensor);
FV_NODISCARD fv_status core_tree_walk(core_pickle *pickle, core_tree_fn *found, void *user);

#endif
