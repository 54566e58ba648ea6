/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as they are printed. What is compared, ranked or averaged in a table is what its reader
 * sees, so that everything in it follows from its cells. */
#ifndef CORE_REPORT_DECIMAL_H
#define CORE_REPORT_DECIMAL_H

#include <stdint.h>

#include "base/text.h"

/* A value to three decimals, as %.3f prints it, in thousandths; CORE_NO_NUMBER for NaN. */
#define CORE_NO_NUMBER INT64_MIN
int64_t core_thousandths(double value);

/* a / b to the nearest whole number, halves away from zero; b > 0. */
int64_t core_divide(int64_t a, int64_t b);

/* "0.278", "nan"; thousandths likewise with "—" for none */
void core_put_value(core_text *out, double value);
void core_put_thousandths(core_text *out, int64_t value);
/* "+0.158", "-0.012" */
void core_put_signed(core_text *out, double value);
/* "p .031", "p <.001" */
void core_put_p(core_text *out, double p);
/* "%.17g", "nan": for other programs */
void core_put_exact(core_text *out, double value);

#endif
