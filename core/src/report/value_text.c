/* SPDX-License-Identifier: Apache-2.0 */
#include "report/value_text.h"

#include <math.h>

#include "base/plural.h"
#include "report/decimal.h"

static void put_number(core_number_format format, double value, core_text *out)
{
	if (isnan(value))
		core_text_add(out, "—");
	else if (format == CORE_SIGNED)
		core_put_signed(out, value);
	else if (format == CORE_PERCENT)
		core_text_add(out, "%.2f%%", value);
	else if (format == CORE_FOUR_DECIMALS)
		core_text_add(out, "%.4f", value);
	else
		core_put_value(out, value);
}

static core_number_format find_format(
	const core_table_column *column, const core_table_value *value)
{
	return value->has_format ? value->format : column->format;
}

void core_put_main(const core_table_column *column, const core_table_value *value, core_text *out)
{
	switch (value->kind) {
	case CORE_TEXT:
		core_text_add(out, "%s", value->text);
		break;
	case CORE_COUNT:
		core_text_add(out, "%lld", (long long)value->count);
		break;
	case CORE_FLAG:
		core_text_add(out, "%s", value->count ? "yes" : "no");
		break;
	case CORE_FIGURE:
		put_number(find_format(column, value), value->figure.e.value, out);
		break;
	case CORE_NO_VALUE:
	case CORE_JSON:
		core_text_add(out, "—");
		break;
	}
}

static void put_spread(const core_table_column *column, const core_figure *f, core_text *out)
{
	double half = f->e.high - f->e.value;
	if ((column->parts & CORE_SHOW_SD) && !isnan(f->sd))
		core_text_add(out, " ± %.3f", f->sd);
	if ((column->parts & CORE_SHOW_HALF_WIDTH) && !isnan(half))
		core_text_add(out, " ± %.3f", half);
	if ((column->parts & CORE_SHOW_FOLDS) && f->folds && f->folds < column->all_folds)
		core_text_add(out, " (%lld fold%s)", (long long)f->folds, core_plural(f->folds));
}

static void put_null(const core_figure *f, core_text *out)
{
	if (isnan(f->e.p))
		return;
	core_text_add(out, " [");
	core_put_signed(out, f->e.excess);
	core_text_add(out, ", ");
	core_put_p(out, f->e.p);
	core_text_add(out, "]%s", f->e.p <= CORE_SIGNIFICANT ? " ▲" : "");
}

static void put_interval(const core_figure *f, core_number_format format, core_text *out)
{
	if (isnan(f->e.low))
		return;
	core_text_add(out, " [");
	put_number(format, f->e.low, out);
	core_text_add(out, ", ");
	put_number(format, f->e.high, out);
	core_text_add(out, "]");
}

/* " (-46.0%; excess -0.090)", or " (-0.116; excess -0.098)" for an absolute change */
static void put_change(bool absolute, const core_figure *f, core_text *out)
{
	if (isnan(absolute ? f->change : f->relative))
		return;
	core_text_add(out, " (");
	if (absolute)
		core_put_signed(out, f->change);
	else
		core_text_add(out, "%+.1f%%", f->relative);
	if (!isnan(f->excess_change)) {
		core_text_add(out, "; excess ");
		core_put_signed(out, f->excess_change);
	}
	core_text_add(out, ")");
}

static void put_adjusted(double p, core_text *out)
{
	if (isnan(p))
		return;
	core_text_add(out, ", ");
	core_put_p(out, p);
}

/* " / 0.650 inside": a published number, and whether it lies in the interval */
static void put_published(const core_figure *f, core_text *out)
{
	core_text_add(out, " / ");
	put_number(CORE_THREE_DECIMALS, f->published, out);
	if (isnan(f->published) || isnan(f->e.low))
		return;
	bool inside = f->published >= f->e.low && f->published <= f->e.high;
	core_text_add(out, " %s", inside ? "inside" : "outside");
}

void core_put_parts(const core_table_column *column, const core_table_value *value, core_text *out)
{
	const core_figure *f = &value->figure;
	if (value->kind == CORE_FIGURE) {
		put_spread(column, f, out);
		if (column->parts & CORE_SHOW_NULL)
			put_null(f, out);
		if (column->parts & CORE_SHOW_INTERVAL)
			put_interval(f, find_format(column, value), out);
		if (column->parts & CORE_SHOW_CHANGE)
			put_change(false, f, out);
		if (column->parts & CORE_SHOW_GAIN)
			put_change(true, f, out);
		if (column->parts & CORE_SHOW_ADJUSTED)
			put_adjusted(isnan(f->p_holm) ? f->p_bh : f->p_holm, out);
		if (column->parts & CORE_SHOW_BH)
			put_adjusted(f->p_bh, out);
		if (column->parts & CORE_SHOW_PUBLISHED)
			put_published(f, out);
	}
	if (value->mark)
		core_text_add(out, "%s", value->mark);
}
