/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale; /* set once, by make_locale */

static void make_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* True when a number was read and only white space follows it. */
static bool is_fully_read(const char *text, const char *end)
{
	while (end != text && isspace((unsigned char)*end))
		end++;
	return end != text && !*end;
}

bool core_parse_double(const char *text, double *out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, make_locale);
	char *end;
	double value = strtod_l(text, &end, c_locale);
	if (!is_fully_read(text, end) || !isfinite(value) || text[strcspn(text, "xX")])
		return false; /* no hexadecimal numbers */
	*out = value;
	return true;
}

bool core_parse_int(const char *text, int64_t *out)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (!is_fully_read(text, end) || errno)
		return false;
	*out = value;
	return true;
}

uint64_t core_parse_leading_int(const char *text)
{
	return strtoull(text, NULL, 10);
}

const char *core_number_text(char buffer[32], double value)
{
	if (value >= -9007199254740992.0 && value <= 9007199254740992.0 &&
		value == (double)(int64_t)value) {
		snprintf(buffer, 32, "%lld", (long long)value);
		return buffer;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(buffer, 32, "%.*g", digits, value);
		for (char *p = buffer; *p; p++) /* the locale's decimal point */
			if (!isalnum((unsigned char)*p) && *p != '-' && *p != '+')
				*p = '.';
		double back;
		if (core_parse_double(buffer, &back) && back == value)
			break;
	}
	char *e = strchr(buffer, 'e');
	if (e && !strchr(buffer, '.')) { /* YAML 1.1 reads 1e-05 as text, but 1.0e-05 as a number */
		memmove(e + 2, e, strlen(e) + 1);
		memcpy(e, ".0", 2);
	}
	return buffer;
}
