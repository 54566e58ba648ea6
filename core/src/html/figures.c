/* SPDX-License-Identifier: Apache-2.0 */
/* Figures on the page, and the sections that are mostly figures. */
#include "html/figures.h"

#include <ctype.h>
#include <string.h>

#include "base/markup.h"
#include "plot/figure.h"
#include "plot/names.h"
#include "plot/write_svg.h"

/* Returns the name as letters, digits and hyphens, for ids and files: "lines-grouper-k". */
static const char *make_name(const core_html_page *page, const char *kind, const char *part)
{
	char *name = core_format(page->ctx, "%s%s%s", kind, part ? "-" : "", part ? part : "");
	for (char *c = name; c && *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '-';
	return name;
}

/* Larger figures, of hundreds of variants, are left to `fairvox plot`: a page of 1,000 variants stays below
 * 1 MB. */
enum { BYTES_MAX = 200000 };

static void put_figure(core_html_page *page, const core_figure_kind *kind, const char *name,
	const core_canvas *canvas)
{
	core_text_add(page->out, "<figure id=\"figure-%s\"><figcaption><b>Figure %zu.</b> ", name,
		page->report->n_figures + 1);
	core_text_markup(page->out, kind->summary);
	core_text_add(page->out,
		"</figcaption>\n<div class=scroll tabindex=0 role=region aria-label=\"Figure "
		"%zu\">",
		page->report->n_figures + 1);
	core_text svg = {0};
	core_canvas_write_svg(canvas, false, &svg);
	if (svg.size <= BYTES_MAX)
		core_text_put(page->out, svg.data ? svg.data : "", svg.size);
	else
		core_text_add(page->out,
			"<p class=muted>Not shown here, since it alone has %zu kB: fairvox plot "
			"%s, or "
			"--assets, draws it.</p>\n",
			svg.size / 1000, kind->name);
	page->out->failed |= svg.failed;
	core_text_free(&svg);
	core_text_add(page->out, "</div></figure>\n");
}

/* Says why there is no figure. */
static fv_status say_why(core_html_page *page, const char *reason)
{
	const char *text = core_html_shorten_paths(page->ctx, reason);
	if (!text)
		return FV_FAILED;
	core_text_add(page->out, "<p class=muted>Not drawn: ");
	core_text_markup(page->out, text);
	core_text_add(page->out, "</p>\n");
	return FV_OK;
}

/* The same for a figure that could not be drawn, whose failure is forgotten. */
static fv_status say_failure(core_html_page *page, fv_status status)
{
	const char *line = core_error_line(page->ctx, 0);
	if (status != FV_DATA && status != FV_CONFIG)
		return status;
	status = say_why(page, line ? line : "");
	core_error_clear(page->ctx);
	return status;
}

fv_status core_html_figure_add(core_html_page *page, const char *kind_name, const char *part)
{
	const core_figure_kind *kind = core_figure_find(kind_name);
	const core_figure_input input = {page->results, page->grid, page->options->map};
	core_figure_options options = core_figure_default();
	core_html_report *report = page->report;
	core_canvas *canvas;
	if (report->n_figures == CORE_HTML_FIGURES)
		return FV_OK;
	if (kind->map && !input.map)
		return page->options->no_map ? say_why(page, page->options->no_map) : FV_OK;
	const char *name = make_name(page, kind_name, part);
	options.id = name ? core_format(page->ctx, "fv-%s", name) : NULL;
	options.x = part;
	if (!options.id)
		return FV_FAILED;
	fv_status status = core_figure_draw(page->ctx, kind, &input, &options, &canvas);
	if (status)
		return say_failure(page, status);
	put_figure(page, kind, name, canvas);
	report->figure[report->n_figures++] = (core_html_figure){name, canvas};
	return FV_OK;
}

/* --- sections --------------------------------------------------------------------------------- */

static fv_status add_figures(core_html_page *page, size_t n, const char *const *kind)
{
	fv_status status = FV_OK;
	for (size_t k = 0; k < n && !status; k++)
		status = core_html_figure_add(page, kind[k], NULL);
	return status;
}

fv_status core_html_effects(core_html_page *page)
{
	static const char *const kinds[] = {"effects", "rates", "folds"};
	return add_figures(page, 3, kinds);
}

/* Draws lines against an axis that has at least three values. */
static fv_status add_lines(core_html_page *page, const char *key)
{
	core_numeric_axis axis;
	fv_status status = core_find_numeric_axis(page->ctx, page->grid, key, &axis);
	return status || axis.n < 3 ? status : core_html_figure_add(page, "lines", key);
}

/* Draws lines against every numeric parameter of a block. */
static fv_status add_member_lines(core_html_page *page, const core_variant_axis *axis)
{
	enum { MOST = 16 };
	const char *key[MOST], *member;
	json_t *value;
	size_t n = 0;
	fv_status status = FV_OK;
	for (size_t i = 0; i < page->results->n; i++)
		json_object_foreach(
			json_is_object(axis->value[i]) ? (json_t *)axis->value[i] : NULL, member,
			value)
		{
			char *own = core_format(page->ctx, "%s.%s", axis->key, member);
			size_t k = 0;
			if (!own)
				return FV_FAILED;
			while (k < n && strcmp(key[k], own) != 0)
				k++;
			if (json_is_number(value) && k == n && n < MOST)
				key[n++] = own;
		}
	for (size_t k = 0; k < n && !status; k++)
		status = add_lines(page, key[k]);
	return status;
}

fv_status core_html_tradeoff(core_html_page *page)
{
	fv_status status = core_html_figure_add(page, "tradeoff", NULL);
	for (size_t k = 0; k < page->axes->n && !status; k++) {
		const core_variant_axis *axis = &page->axes->axis[k];
		if (!axis->varies)
			continue;
		status = add_lines(page, axis->key);
		if (!status)
			status = add_member_lines(page, axis);
	}
	return status;
}
