/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/decimal.h"
#include "report/result_table.h"

double core_scale_at(const core_scale *s, double value)
{
	double low = s->low, high = s->high;
	if (s->log) {
		low = log(low);
		high = log(high);
		value = log(value);
	}
	return s->start + (value - low) / (high - low) * (s->end - s->start);
}

void core_range_add(core_range *range, double value)
{
	if (!isfinite(value))
		return;
	range->low = range->any && range->low < value ? range->low : value;
	range->high = range->any && range->high > value ? range->high : value;
	range->any = true;
}

void core_range_pad(core_range *range, double share)
{
	if (!range->any) {
		*range = (core_range){0, 1, true};
		return;
	}
	double extent = range->high - range->low;
	if (extent < 1e-9) {
		range->low -= 0.05;
		range->high += 0.05;
		return;
	}
	range->low -= share * extent;
	range->high += share * extent;
}

/* Returns the smallest of 1, 2, 2.5, 5, 10 times a power of ten that makes at most `most` ticks; sets the
 * decimals that its multiples need. */
static double find_step(double extent, int most, int *decimals)
{
	static const double factors[] = {1, 2, 2.5, 5, 10};
	double power = pow(10, floor(log10(extent / most)));
	int digits = (int)floor(log10(extent / most) + 1e-12);
	for (size_t k = 0; k < sizeof factors / sizeof *factors; k++) {
		double step = factors[k] * power;
		if (extent / step <= most + 1e-9) {
			*decimals = -digits + (factors[k] == 2.5) - (factors[k] == 10);
			*decimals = *decimals > 0 ? *decimals : 0;
			return step;
		}
	}
	*decimals = digits < 0 ? -digits : 0;
	return 10 * power;
}

const char *core_format_number(fv_ctx *ctx, double value, int decimals, bool sign)
{
	char digits[48];
	if (isnan(value))
		return "\xe2\x80\x94";
	snprintf(digits, sizeof digits, "%.*f", decimals, fabs(value));
	bool zero = strspn(digits, "0.") == strlen(digits);
	const char *before = zero ? "" : value < 0 ? "\xe2\x88\x92" : sign ? "+" : "";
	return core_format(ctx, "%s%s", before, digits);
}

const char *core_format_p(fv_ctx *ctx, double p)
{
	core_text text = {0};
	core_put_p(&text, p);
	return core_text_move(ctx, &text);
}

static void add_tick(core_axis *axis, double value, const char *label)
{
	if (axis->n == CORE_TICKS)
		return;
	double width = core_measure_text(label, CORE_FONT, false);
	axis->label_width = width > axis->label_width ? width : axis->label_width;
	axis->tick[axis->n] = value;
	axis->label[axis->n++] = label;
}

fv_status core_axis_make(fv_ctx *ctx, core_range range, int most, core_axis *out)
{
	int decimals;
	*out = (core_axis){.scale = {.low = range.low, .high = range.high}};
	double step = find_step(range.high - range.low, most, &decimals);
	for (double k = ceil(range.low / step - 1e-9); k * step <= range.high + step * 1e-9; k++) {
		const char *label = core_format_number(ctx, k * step, decimals, false);
		if (!label)
			return FV_FAILED;
		add_tick(out, k * step, label);
	}
	return FV_OK;
}

fv_status core_axis_make_values(
	fv_ctx *ctx, size_t n, const double *value, bool log_scale, core_axis *out)
{
	double low = value[0], high = value[n - 1];
	double pad = n < 2 ? 1 : log_scale ? pow(high / low, 0.08) : 0.08 * (high - low);
	*out = (core_axis){.scale = {.low = low - pad, .high = high + pad}};
	if (log_scale) {
		pad = n < 2 ? 2 : pad;
		out->scale = (core_scale){.low = low / pad, .high = high * pad, .log = true};
	}
	if (n > CORE_VALUES && !log_scale)
		return core_axis_make(ctx, (core_range){low - pad, high + pad, true}, 6, out);
	size_t step = (n + CORE_VALUES - 1) / CORE_VALUES; /* not all of very many */
	for (size_t i = 0; i < n; i += step) {
		const char *label = core_format(ctx, "%g", value[i]);
		if (!label)
			return FV_FAILED;
		add_tick(out, value[i], label);
	}
	return FV_OK;
}

void core_panel_fit(core_panel *panel)
{
	core_rect a = panel->area;
	panel->x.scale.start = a.x;
	panel->x.scale.end = a.x + a.width;
	panel->y.scale.start = a.y + a.height;
	panel->y.scale.end = a.y;
}

/* --- drawing ---------------------------------------------------------------------------------- */

core_text_style core_text_of(core_color_role role, core_anchor anchor)
{
	return (core_text_style){.size = CORE_FONT, .anchor = anchor, .color = core_color_of(role)};
}

#define AXIS_STYLE core_line_style(core_color_of(CORE_COLOR_INK), 0.6, CORE_SOLID)

void core_draw_x_axis(core_canvas *c, const core_panel *panel, const char *title)
{
	core_rect a = panel->area;
	double bottom = a.y + a.height, last = -1e9;
	core_open_group(c, "fv-axis", NULL);
	core_draw_line(c, a.x, bottom, a.x + a.width, bottom, AXIS_STYLE);
	for (size_t i = 0; i < panel->x.n; i++) {
		double x = core_scale_at(&panel->x.scale, panel->x.tick[i]);
		double half = core_measure_text(panel->x.label[i], CORE_FONT, false) / 2;
		core_draw_line(c, x, bottom, x, bottom + CORE_TICK, AXIS_STYLE);
		if (x - half < last + 2)
			continue; /* would touch the label before */
		core_draw_text(c, x, bottom + 10, panel->x.label[i],
			core_text_of(CORE_COLOR_INK, CORE_MIDDLE));
		last = x + half;
	}
	if (title)
		core_draw_text(c, a.x + a.width / 2, bottom + 20.5, title,
			core_text_of(CORE_COLOR_INK, CORE_MIDDLE));
	core_close_group(c);
}

void core_draw_y_axis(core_canvas *c, const core_panel *panel, const char *title, bool labels)
{
	core_rect a = panel->area;
	core_open_group(c, "fv-axis", NULL);
	core_draw_line(c, a.x, a.y, a.x, a.y + a.height, AXIS_STYLE);
	for (size_t i = 0; i < panel->y.n; i++) {
		double y = core_scale_at(&panel->y.scale, panel->y.tick[i]);
		core_draw_line(c, a.x - CORE_TICK, y, a.x, y, AXIS_STYLE);
		if (labels)
			core_draw_text(c, a.x - CORE_TICK - 2, y + 2.5, panel->y.label[i],
				core_text_of(CORE_COLOR_INK, CORE_END));
	}
	if (title) {
		core_text_style style = core_text_of(CORE_COLOR_INK, CORE_MIDDLE);
		style.rotation = -90;
		core_draw_text(c, a.x - CORE_TICK - 7 - panel->y.label_width, a.y + a.height / 2,
			title, style);
	}
	core_close_group(c);
}

void core_draw_title(core_canvas *c, double x, double y, const char *title, double width)
{
	core_text_style style = core_text_of(CORE_COLOR_INK, CORE_START);
	style.size = CORE_TITLE_FONT;
	style.bold = true;
	const char *fitted = core_fit_text(c->ctx, title, CORE_TITLE_FONT, true, width);
	c->failed |= !fitted;
	if (!fitted)
		return;
	core_open_group(c, "fv-title", fitted == title ? NULL : title);
	core_draw_text(c, x, y, fitted, style);
	core_close_group(c);
}

/* Returns the bytes of the next line of text, which is broken at spaces. */
static size_t find_line(const char *text, double width)
{
	size_t best = 0, at = 0;
	double used = 0;
	while (text[at]) {
		size_t word = at + strspn(text + at, " ");
		word += strcspn(text + word, " ");
		char piece[256];
		size_t n = word - at < sizeof piece - 1 ? word - at : sizeof piece - 1;
		memcpy(piece, text + at, n);
		piece[n] = '\0';
		used += core_measure_text(piece, CORE_FONT, false);
		if (used > width && best)
			break;
		best = at = word;
	}
	return best;
}

size_t core_count_lines(const char *text, double width)
{
	size_t lines = 0;
	while (*text) {
		text += find_line(text, width);
		text += strspn(text, " ");
		lines++;
	}
	return lines;
}

double core_draw_note(core_canvas *c, double x, double y, double width, const char *text)
{
	core_open_group(c, "fv-note", NULL);
	while (*text) {
		size_t n = find_line(text, width);
		const char *line = core_strndup(c->ctx, text, n);
		c->failed |= !line;
		if (line)
			core_draw_text(
				c, x, y + 7, line, core_text_of(CORE_COLOR_MUTED, CORE_START));
		text += n + strspn(text + n, " ");
		y += CORE_LINE_HEIGHT;
	}
	core_close_group(c);
	return y;
}
