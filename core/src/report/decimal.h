/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as they are printed. Tables compare, rank and average the printed values, so that a reader
 * can check every derived number from the table itself. */
#ifndef CORE_REPORT_DECIMAL_H
#define CORE_REPORT_DECIMAL_H

#include <stdint.h>

#include "base/text.h"

/* Returns a value rounded to three decimals as by %.3f, in thousandths; CORE_NO_NUMBER for NaN. */
#define CORE_NO_NUMBER INT64_MIN
int64_t core_thousandths(double value);

/* Returns a / b rounded to the nearest whole number, halves away from zero; b > 0. */
int64_t core_divide(int64_t a, int64_t b);

/* "0.278", "nan"; for thousandths "0.278", "—" */
void core_put_value(core_text *out, double value);
void core_put_thousandths(core_text *out, int64_t value);
/* "+0.158", "-0.012" */
void core_put_signed(core_text *out, double value);
/* "p .031", "p <.001" */
void core_put_p(core_text *out, double p);
/* "%.17g", "nan": for other programs */
void core_put_exact(core_text *out, double value);

#endif
