/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/seconds.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

#define TEXT_MAX 64

static bool is_digits(const char *text)
{
	size_t n = strspn(text, "0123456789");
	return n && !text[n];
}

/* Reads "12", "12.5" or "12,5". */
static bool read_fraction(char *text, double *out)
{
	char *comma = strchr(text, ',');
	if (comma)
		*comma = '.';
	return isdigit((unsigned char)text[0]) && !text[strspn(text, "0123456789.")] &&
	       core_parse_double(text, out);
}

/* [[H:]M:]S; minutes and seconds after a larger unit are below 60. */
static bool read_clock(char *text, double *out)
{
	char *part[3];
	int n = 0;
	for (char *at = text; at; n++) {
		if (n == 3)
			return false;
		part[n] = at;
		char *colon = strchr(at, ':');
		at = colon ? colon + 1 : NULL;
		if (colon)
			*colon = '\0';
	}
	double seconds, total = 0;
	if (n < 2 || !read_fraction(part[n - 1], &seconds) || seconds >= 60)
		return false;
	for (int i = 0; i < n - 1; i++) {
		double value;
		if (!is_digits(part[i]) || !core_parse_double(part[i], &value) ||
			(i && value >= 60))
			return false;
		total = 60 * total + value;
	}
	*out = 60 * total + seconds;
	return true;
}

/* "0 days 00:00:01.25", also without a clock time. */
static bool read_days(char *text, double *out)
{
	char *word = strchr(text, ' ');
	double days, rest = 0;
	if (!word)
		return false;
	*word++ = '\0';
	if (!is_digits(text) || !core_parse_double(text, &days) || strncmp(word, "day", 3))
		return false;
	word += word[3] == 's' ? 4 : 3;
	if (*word && (*word != ' ' || !read_clock(word + 1, &rest)))
		return false;
	*out = 86400 * days + rest;
	return true;
}

static bool read_unit(char *text, double *out)
{
	static const struct {
		const char *name;
		double factor, divisor;
	} units[] = {{"", 1, 1}, {"s", 1, 1}, {"ms", 1, 1e3}, {"us", 1, 1e6}, {"ns", 1, 1e9},
		{"min", 60, 1}, {"h", 3600, 1}};
	size_t n = strspn(text, "0123456789.eE+-");
	while (n && (text[n - 1] == 'e' || text[n - 1] == 'E'))
		n--;
	char unit[TEXT_MAX];
	snprintf(unit, sizeof unit, "%s", text + n + strspn(text + n, " "));
	text[n] = '\0';
	double value;
	if (!core_parse_double(text, &value) || value < 0)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (!strcmp(unit, units[i].name)) {
			*out = value * units[i].factor / units[i].divisor;
			return true;
		}
	return false;
}

bool core_parse_seconds(const char *text, double *out)
{
	char copy[TEXT_MAX];
	text += strspn(text, " \t");
	size_t n = strlen(text);
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	if (!n || n >= sizeof copy)
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (strstr(copy, "day"))
		return read_days(copy, out);
	return strchr(copy, ':') ? read_clock(copy, out) : read_unit(copy, out);
}
