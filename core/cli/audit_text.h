/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of `fairvox audit` for people. */
#ifndef CLI_AUDIT_TEXT_H
#define CLI_AUDIT_TEXT_H

#include "eval/assess.h"

void audit_print(const char *path, const core_metrics *metrics);
void audit_print_comparison(
	const char *path_a, const char *path_b, const core_comparison *comparison);

#endif
