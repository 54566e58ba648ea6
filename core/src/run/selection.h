/* SPDX-License-Identifier: Apache-2.0 */
/* What the rule of train.select may look at beside losses: groups of the rows it judges, inferred
 * or true, and for a rule that chooses on test the test rows themselves. */
#ifndef CORE_RUN_SELECTION_H
#define CORE_RUN_SELECTION_H

#include "run/runner.h"

/* Fills in job->select_groups, and job->test where the rule asks for it; nothing with other rules.
 * Groups are those that a training or development row is in (of a rule that chooses on test: a test
 * row), in the order of ids; of an attribute only the values that its metrics count. Inferred ones
 * that are not inferred yet (a preview) are left open. Errors:
 * FV_CONFIG for an attribute that the corpus lacks. */
FV_NODISCARD fv_status core_selection_make(fv_ctx *ctx, const core_runner *r, core_train_job *job);

/* Does the rule look at an attribute as it truly is? */
bool core_selection_uses_labels(const core_variant *variant);

#endif
