/* SPDX-License-Identifier: Apache-2.0 */
#include "base/probability.h"

#include <math.h>
#include <string.h>

#include "base/number.h"

#define SLACK 1e-6

static const char no_number[] = "not a finite number";
static const char decimal_comma[] =
	"not a number: write a point in place of the comma, or separate the fields by ';'";
static const char below[] = "no probability (0 to 1): logits?";
static const char percent[] = "no probability (0 to 1): percent? divide by 100";
static const char above[] = "no probability (0 to 1)";

/* True for 0,25 and -1,5: a point in place of the comma makes it a number. */
static bool has_decimal_comma(const char *text)
{
	char copy[64];
	const char *comma = strchr(text, ',');
	double value;
	if (!comma || strlen(text) >= sizeof copy)
		return false;
	strcpy(copy, text);
	copy[comma - text] = '.';
	return core_parse_double(copy, &value);
}

const char *core_parse_probability(const char *text, double *out)
{
	if (!core_parse_double(text, out))
		return has_decimal_comma(text) ? decimal_comma : no_number;
	if (!isfinite((float)*out))
		return no_number;
	if (*out < -SLACK)
		return below;
	if (*out > 1 + SLACK)
		return *out <= 100 ? percent : above;
	*out = *out < 0 ? 0 : *out > 1 ? 1 : *out;
	return NULL;
}

/* The numbers of a table that are no probabilities: the first of those below 0, which tell logits
 * from percent, or else of those above 1. */
struct outside {
	const char *why;
	int64_t row, column, n;
};

static void count_outside(struct outside *o, const char *why, int64_t row, int64_t column)
{
	if (!o->n++ || (why == below && o->why != below)) {
		o->why = why;
		o->row = row;
		o->column = column;
	}
}

static fv_status report_outside(fv_ctx *ctx, const core_csv *csv, const struct outside *o)
{
	const char *more = o->n == 1 ? ""
				     : core_format(ctx, " (%lld such numbers outside 0 to 1)",
					       (long long)o->n);
	return core_fail_at(ctx, FV_DATA, csv->path, (int)csv->line[o->row], 0, "%s is '%s', %s%s",
		csv->header[o->column], core_csv_cell(csv, o->row, o->column), o->why,
		more ? more : "");
}

fv_status core_read_probabilities(
	fv_ctx *ctx, const core_csv *csv, int32_t n, const int64_t *column, float *out)
{
	fv_status status = FV_OK;
	struct outside outside = {0};
	for (int64_t i = 0; i < csv->n_rows; i++)
		for (int32_t c = 0; c < n; c++) {
			const char *text = core_csv_cell(csv, i, column[c]);
			double value = 0;
			const char *why = core_parse_probability(text, &value);
			if (why == below || why == percent || why == above)
				count_outside(&outside, why, i, column[c]);
			else if (why)
				status = core_fail_at(ctx, FV_DATA, csv->path, (int)csv->line[i], 0,
					"%s is '%s', %s", csv->header[column[c]], text, why);
			else
				out[i * n + c] = (float)value;
		}
	return outside.n ? report_outside(ctx, csv, &outside) : status;
}
