/* SPDX-License-Identifier: Apache-2.0 */
/* The data that the rule of train.select uses beside losses: groups of the rows it evaluates,
 * inferred or true, and for a rule that selects on test the test rows. */
#ifndef CORE_RUN_SELECTION_H
#define CORE_RUN_SELECTION_H

#include "run/run_data.h"

/* Fills in job->select_groups, and job->test if the rule selects on test; does nothing for other
 * rules. The groups are those of the training and development rows (or of the test rows if the rule
 * selects on test), in the order of ids; of an attribute only values that its metrics count.
 * Inferred groups that are not inferred yet (in a preview) stay empty. Errors: FV_CONFIG for an
 * attribute that the corpus lacks. */
FV_NODISCARD fv_status core_selection_make(
	fv_ctx *ctx, const core_run_data *r, core_train_job *job);

/* Returns true if the rule uses true group labels. */
bool core_selection_uses_labels(const core_variant *variant);

#endif
