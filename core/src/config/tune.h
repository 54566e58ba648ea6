/* SPDX-License-Identifier: Apache-2.0 */
/* The block `tune:` of a combination: axes whose every combination is a trial, and the development value
 * by which a tuned variant picks one of its trials in each fold. */
#ifndef CORE_CONFIG_TUNE_H
#define CORE_CONFIG_TUNE_H

#include "config/loader.h"

typedef struct core_tuning {
	const core_yaml *block;
	const char *by;
	size_t n_axes, n; /* n: trials; 0: the combination is not tuned */
	core_axis *axis;
} core_tuning;

/* Reads the block of a combination. Returns false (and failures) if it is wrong. */
bool core_tuning_read(
	core_loader *loader, const core_matrix *matrix, core_yaml *tree, core_tuning *out);

/* Makes the unchecked tree of a trial, without the block. Fills value [n_axes] with its labels. NULL when
 * memory is out. */
core_yaml *core_tuning_make_trial(core_loader *loader, const core_tuning *tuning, core_yaml *tree,
	size_t trial, const char **value);

/* Refuses a trial that cannot be compared by tuning->by. */
bool core_tuning_check_trial(
	core_loader *loader, const core_tuning *tuning, const core_yaml *resolved);

/* Makes the tree of the tuned variant: that of its first trial with the block `tune`, in which each axis
 * has the values of the trials [n] as they were checked. NULL when memory is out. */
core_yaml *core_tuning_make_tree(
	core_loader *loader, const core_tuning *tuning, const core_yaml *const *trial);

/* The values of a trial on the axes of the block, as a JSON object. NULL when memory is out. */
const char *core_tuning_axes_json(core_loader *loader, const core_tuning *tuning,
	core_combination *trial, const core_yaml *resolved);

#endif
