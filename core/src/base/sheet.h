/* SPDX-License-Identifier: Apache-2.0 */
/* Text in files for spreadsheets. */
#ifndef CORE_BASE_SHEET_H
#define CORE_BASE_SHEET_H

#include "base/text.h"

/* Adds a field of a CSV file as core_text_csv does. What a spreadsheet would run as a formula, because it begins with
 * = + - @, a tab or an end of line and is no number, gets an apostrophe in front. */
void core_text_sheet(core_text *text, const char *field);

#endif
