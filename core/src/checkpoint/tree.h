/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors of a pickle by name: dicts, lists and tuples are walked from the top, and the keys
 * and places on the way to a tensor, joined by dots, are its name. */
#ifndef CORE_CHECKPOINT_TREE_H
#define CORE_CHECKPOINT_TREE_H

#include "checkpoint/pickle.h"

/* Calls `found` for each tensor, in the pickle's order; `name` is valid during the call. Rules:
 * depth, cycle, not a dict, duplicate key, name, bounds. */
typedef fv_status core_tree_fn(void *user, const char *name, uint32_t tensor);
FV_NODISCARD fv_status core_tree_walk(core_pickle *pickle, core_tree_fn *found, void *user);

#endif
