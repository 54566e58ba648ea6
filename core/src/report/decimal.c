/* SPDX-License-Identifier: Apache-2.0 */
#include "report/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"

int64_t core_thousandths(double value)
{
	char text[64];
	if (!isfinite(value) || fabs(value) > 1e12)
		return CORE_NO_NUMBER;
	/* Reads the digits of the printed value, so that it is not rounded twice. */
	int n = snprintf(text, sizeof text, "%.3f", value);
	for (int i = n - 4; i < n; i++)
		text[i] = text[i + 1];
	int64_t out;
	return core_parse_int(text, &out) ? out : CORE_NO_NUMBER;
}

int64_t core_divide(int64_t a, int64_t b)
{
	int64_t size = a < 0 ? -a : a, whole = (2 * size + b) / (2 * b);
	return a < 0 ? -whole : whole;
}

void core_put_value(core_text *out, double value)
{
	if (isnan(value))
		core_text_add(out, "nan");
	else
		core_text_add(out, "%.3f", value);
}

void core_put_thousandths(core_text *out, int64_t value)
{
	if (value == CORE_NO_NUMBER) {
		core_text_add(out, "—");
		return;
	}
	int64_t size = value < 0 ? -value : value;
	core_text_add(out, "%s%lld.%03lld", value < 0 ? "-" : "", (long long)(size / 1000),
		(long long)(size % 1000));
}

void core_put_signed(core_text *out, double value)
{
	int64_t printed = core_thousandths(value);
	if (printed == 0 || printed == CORE_NO_NUMBER)
		core_put_value(out, printed ? value : 0.0);
	else
		core_text_add(out, "%+.3f", value);
}

void core_put_p(core_text *out, double p)
{
	int64_t printed = core_thousandths(p);
	if (p < 0.001)
		core_text_add(out, "p <.001");
	else if (printed >= 1000)
		core_text_add(out, "p 1");
	else
		core_text_add(out, "p .%03lld", (long long)printed);
}

void core_put_exact(core_text *out, double value)
{
	if (isnan(value))
		core_text_add(out, "nan");
	else
		core_text_add(out, "%.17g", value);
}
