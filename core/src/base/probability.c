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
static const char score[] = "no probability (0 to 1): a count or a score?";
static const char above[] = "no probability (0 to 1)";
static const char sign[] = "not a number: percent? remove the sign and divide by 100";

#define PERCENT_LEAST 10 /* counts of raters and scores are rarely above */

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

static bool has_percent_sign(const char *text)
{
	char copy[64];
	const char *end = strchr(text, '%');
	double value;
	if (!end || end[1] || strlen(text) >= sizeof copy)
		return false;
	strcpy(copy, text);
	copy[end - text] = '\0';
	return core_parse_double(copy, &value);
}

const char *core_parse_probability(const char *text, double *out)
{
	if (!core_parse_double(text, out))
		return has_decimal_comma(text)  ? decimal_comma
		       : has_percent_sign(text) ? sign
						: no_number;
	if (!isfinite((float)*out))
		return no_number;
	if (*out < -SLACK)
		return below;
	if (*out > 1 + SLACK)
		return *out <= PERCENT_LEAST ? score : *out <= 100 ? percent : above;
	*out = *out < 0 ? 0 : *out > 1 ? 1 : *out;
	return NULL;
}

/* The numbers of a table that are no probabilities, and the first of those that tell most: one below
 * 0 tells logits, one above 10 percent. */
struct outside {
	const char *why;
	int64_t row, column, n;
};

static int rank_reason(const char *why)
{
	return why == below ? 3 : why == percent ? 2 : why == score || why == above;
}

static void count_outside(struct outside *o, const char *why, int64_t row, int64_t column)
{
	if (!o->n++ || rank_reason(why) > rank_reason(o->why)) {
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
			if (why && rank_reason(why))
				count_outside(&outside, why, i, column[c]);
			else if (why)
				status = core_fail_at(ctx, FV_DATA, csv->path, (int)csv->line[i], 0,
					"%s is '%s', %s", csv->header[column[c]], text, why);
			else
				out[i * n + c] = (float)value;
		}
	return outside.n ? report_outside(ctx, csv, &outside) : status;
}
