/* SPDX-License-Identifier: Apache-2.0 */
#include "config/slurm_time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIELDS_MAX 3

/* Reads digits up to a separator or the end. Returns what follows them; NULL: no digits, or too many. */
static const char *read_field(const char *text, double *out)
{
	size_t n = strspn(text, "0123456789");
	if (!n || n > 6)
		return NULL;
	*out = (double)strtol(text, NULL, 10);
	return text + n;
}

/* Reads up to three numbers with ':' between them. Returns how many there are; 0: another text. */
static int read_fields(const char *text, double field[FIELDS_MAX])
{
	for (int n = 0; n < FIELDS_MAX;) {
		text = read_field(text, &field[n++]);
		if (text && !*text)
			return n;
		if (!text || *text++ != ':')
			return 0;
	}
	return 0;
}

bool core_slurm_parse_time(const char *text, double *seconds)
{
	/* seconds of each field: after a day hours come first, otherwise minutes if there are at most two */
	static const double after_days[FIELDS_MAX] = {3600, 60, 1};
	static const double without_days[FIELDS_MAX][FIELDS_MAX] = {
		{60, 0, 0}, {60, 1, 0}, {3600, 60, 1}};
	double field[FIELDS_MAX] = {0}, days = 0;
	if (!strcasecmp(text, "unlimited") || !strcasecmp(text, "infinite")) {
		*seconds = INFINITY;
		return true;
	}
	const char *dash = strchr(text, '-');
	if (dash && read_field(text, &days) != dash)
		return false;
	int n = read_fields(dash ? dash + 1 : text, field);
	if (!n)
		return false;
	const double *unit = dash ? after_days : without_days[n - 1];
	*seconds = 86400 * days;
	for (int i = 0; i < n; i++)
		*seconds += unit[i] * field[i];
	if (*seconds <= 0) /* sbatch takes 0 for no limit */
		*seconds = INFINITY;
	return true;
}
