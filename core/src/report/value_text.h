/* SPDX-License-Identifier: Apache-2.0 */
/* Formats a value of a result table for people, the same in text, Markdown and LaTeX. */
#ifndef CORE_REPORT_VALUE_TEXT_H
#define CORE_REPORT_VALUE_TEXT_H

#include "report/result_table.h"

#define CORE_SIGNIFICANT 0.05

/* Writes the part that a rank emphasizes: "0.278", "kmeans", "—". */
void core_put_main(const core_table_column *column, const core_table_value *value, core_text *out);
/* Writes what follows it: " ± 0.021 [+0.158, p <.001] ▲ †". */
void core_put_parts(const core_table_column *column, const core_table_value *value, core_text *out);

#endif
