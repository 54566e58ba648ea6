/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of `fairvox audit` for people. */
#ifndef CLI_AUDIT_TEXT_H
#define CLI_AUDIT_TEXT_H

#include "eval/assess.h"

/* Figures that rest on cells of fewer than `least` positives are marked. */
void audit_print(const char *path, const core_metrics *metrics, int64_t least);
void audit_print_comparison(
	const char *path_a, const char *path_b, const core_comparison *comparison);

#endif
