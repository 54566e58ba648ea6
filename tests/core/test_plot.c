/* SPDX-License-Identifier: Apache-2.0 */
/* What figures are made of: widths of text, ticks, names, the canvas and its SVG. */
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "plot/drawing.h"
#include "plot/fit_texts.h"
#include "plot/write_svg.h"
#include "results.h"

/* Advance widths of DejaVu Sans: R 1423, W 2025, k 1186, = 1716; bold R 1577, W 2259. */
static void text_has_the_width_of_the_font(void **state)
{
	(void)state;
	test_close(core_measure_text("RW", 8, false), 8 * (1423 + 2025) / 2048.0, 1e-12);
	test_close(core_measure_text("RW", 8, true), 8 * (1577 + 2259) / 2048.0, 1e-12);
	test_close(core_measure_text("k=", 7, false), 7 * (1186 + 1716) / 2048.0, 1e-12);
	/* wide characters are one em, combining ones nothing */
	test_close(core_measure_text("\xe5\xa6\x82\xe5\x90\x88", 7, false), 14, 1e-12);
	test_close(
		core_measure_text("k\xcc\x81", 7, false), core_measure_text("k", 7, false), 1e-12);
	test_close(core_measure_text("", 7, false), 0, 0);
}

static void long_text_ends_in_an_ellipsis(void **state)
{
	fv_ctx *ctx = *state;
	const char *text = "kmeans16-functionals-voice";
	assert_ptr_equal(core_fit_text(ctx, text, 7, false, 1000), text);
	const char *cut = core_fit_text(ctx, text, 7, false, 50);
	assert_true(core_measure_text(cut, 7, false) <= 50);
	assert_non_null(strstr(cut, "\xe2\x80\xa6"));
	assert_string_equal(cut, "kmean\xe2\x80\xa6oice");
	/* never half of a character */
	const char *wide =
		core_fit_text(ctx, "\xe5\xa6\x82\xe5\x90\x88\xe5\xa6\x82", 10, false, 25);
	assert_string_equal(wide, "\xe2\x80\xa6");
	wide = core_fit_text(
		ctx, "\xe5\xa6\x82\xe5\x90\x88\xe5\xa6\x82\xe5\x90\x88", 10, false, 38);
	assert_string_equal(wide, "\xe5\xa6\x82\xe2\x80\xa6\xe5\x90\x88");
}

static void texts_that_are_cut_stay_different(void **state)
{
	fv_ctx *ctx = *state;
	static const char *const text[] = {"ERM", "GDRO eta=0.01 group_loss=excess",
		"GDRO eta=0.1 group_loss=excess", "GDRO eta=0.01 group_loss=ce",
		"\xe5\xa6\x82\xe5\x90\x88\xe5\xa6\x82\xe5\x90\x88\xe5\xa6\x82\xe5\x90\x88"};
	const char *out[5];
	test_ok(ctx, core_fit_texts(ctx, text, 5, 7, 500, out));
	for (size_t i = 0; i < 5; i++)
		assert_ptr_equal(out[i], text[i]);
	for (double width = 40; width < 140; width += 5) {
		test_ok(ctx, core_fit_texts(ctx, text, 5, 7, width, out));
		assert_ptr_equal(out[0], text[0]);
		for (size_t i = 0; i < 5; i++) {
			assert_true(core_measure_text(out[i], 7, false) <= width);
			assert_true(core_is_utf8(out[i]));
			for (size_t k = 0; k < i; k++)
				assert_string_not_equal(out[i], out[k]);
		}
	}
	test_ok(ctx, core_fit_texts(ctx, text, 5, 7, 70, out));
	assert_string_equal(out[1], "GDRO eta=0.01 \xe2\x80\xa6");
}

static void names_cannot_break_the_text(void **state)
{
	fv_ctx *ctx = *state;
	assert_string_equal(core_clean_text(ctx, "a\033[31mb\n\tc\x7f"), "a [31mb  c ");
	assert_string_equal(core_clean_text(ctx, "a\xff\xc3z"), "a\xef\xbf\xbd\xef\xbf\xbdz");
	assert_string_equal(core_clean_text(ctx, "\xc3\xa9"), "\xc3\xa9");
}

static void check_ticks(fv_ctx *ctx, double low, double high, int most, const char *want)
{
	core_axis axis;
	core_text labels = {0};
	test_ok(ctx, core_axis_make(ctx, (core_range){low, high, true}, most, &axis));
	for (size_t i = 0; i < axis.n; i++)
		core_text_add(&labels, "%s%s", i ? " " : "", axis.label[i]);
	assert_string_equal(labels.data, want);
	assert_true(axis.n <= (size_t)most + 1);
	core_text_free(&labels);
}

#define MINUS "\xe2\x88\x92"
static void ticks_are_round(void **state)
{
	fv_ctx *ctx = *state;
	check_ticks(ctx, 0, 1, 5, "0.0 0.2 0.4 0.6 0.8 1.0");
	check_ticks(ctx, -0.23, 0.05, 6,
		MINUS "0.20 " MINUS "0.15 " MINUS "0.10 " MINUS "0.05 0.00 0.05");
	check_ticks(ctx, -0.094, 0.021, 5, MINUS "0.075 " MINUS "0.050 " MINUS "0.025 0.000");
	check_ticks(ctx, 3, 1200, 4, "500 1000");
	check_ticks(ctx, 0.4712, 0.4716, 4, "0.4712 0.4713 0.4714 0.4715 0.4716");
}

static void a_range_without_extent_gets_one(void **state)
{
	(void)state;
	core_range range = {0};
	core_range_pad(&range, 0.1);
	test_close(range.high - range.low, 1, 0);
	range = (core_range){0};
	core_range_add(&range, NAN);
	assert_false(range.any);
	core_range_add(&range, 0.4);
	core_range_pad(&range, 0.1);
	test_close(range.low, 0.35, 1e-12);
	test_close(range.high, 0.45, 1e-12);
}

static const char *write_svg(fv_ctx *ctx, const core_canvas *canvas)
{
	core_text text = {0};
	core_canvas_write_svg(canvas, false, &text);
	return core_text_move(ctx, &text);
}

static void svg_is_escaped_and_prefixed(void **state)
{
	fv_ctx *ctx = *state;
	core_canvas *c = core_canvas_new(ctx, "fig1", 100, 50);
	c->title = "<b>";
	c->description = "a & b";
	core_open_clip(c, (core_rect){1, 2, 3, 4});
	core_open_group(c, "fv-mark", "\"quoted\" & 'single'");
	core_add_datum(c, "variant", "a\"><script>");
	core_add_number(c, "value", 0.1);
	core_add_number(c, "low", NAN);
	core_draw_text(c, 1.005, -0.001, "</text><script>alert(1)</script>",
		core_text_of(CORE_COLOR_INK, CORE_END));
	core_close_group(c);
	core_close_group(c);
	const char *svg = write_svg(ctx, c);
	assert_int_equal(c->depth, 0);
	assert_null(strstr(svg, "<script"));
	assert_non_null(strstr(svg, "<title id=\"fig1-title\">&lt;b&gt;</title>"));
	assert_non_null(strstr(svg, "<desc id=\"fig1-desc\">a &amp; b</desc>"));
	assert_non_null(strstr(svg, "aria-labelledby=\"fig1-title fig1-desc\""));
	assert_non_null(strstr(svg, "<clipPath id=\"fig1-clip0\">"));
	assert_non_null(strstr(svg, "clip-path=\"url(#fig1-clip0)\""));
	assert_non_null(strstr(svg, "<g class=\"fv-mark\" "
				    "data-variant=\"a&quot;&gt;&lt;script&gt;\" data-value=\"0.1\">"
				    "<title>&quot;quoted&quot; &amp; &#39;single&#39;</title>"));
	assert_non_null(strstr(svg, "<text x=\"1\" y=\"0\" font-size=\"7\" text-anchor=\"end\" "
				    "class=\"fv-text fv-ink\" "
				    "fill=\"#000000\">&lt;/text&gt;"));
}

static void lines_are_interrupted_where_nothing_is_defined(void **state)
{
	fv_ctx *ctx = *state;
	core_canvas *c = core_canvas_new(ctx, "f", 100, 50);
	const core_point point[] = {{0, 0}, {1, 1}, {2, NAN}, {3, 3}, {NAN, 4}, {5, 5}, {6, 6}};
	core_draw_polyline(
		c, 7, point, core_line_style(core_color_of(CORE_COLOR_INK), 1, CORE_DASHED));
	core_draw_marker(c, CORE_MARKER_CIRCLE, NAN, 1, 5, core_series_color(0), false);
	assert_int_equal(c->n, 2);
	assert_non_null(strstr(write_svg(ctx, c),
		"<path d=\"M0 0L1 1\" class=\"fv-line fv-ink\" fill=\"none\" stroke=\"#000000\" "
		"stroke-width=\"1\" stroke-dasharray=\"3.5 2\"/>\n"
		"<path d=\"M5 5L6 6\""));
}

/* Objectives differ in colour and in marker. */
static void objectives_differ_in_color_and_marker(void **state)
{
	(void)state;
	for (int32_t i = 0; i < 6; i++)
		for (int32_t j = i + 1; j < 6; j++) {
			core_rgb a = core_color_rgb(core_series_color(i));
			core_rgb b = core_color_rgb(core_series_color(j));
			assert_true(a.red != b.red || a.green != b.green || a.blue != b.blue);
			assert_int_not_equal(core_series_marker(i), core_series_marker(j));
		}
	core_rgb female = core_color_rgb((core_color){CORE_COLOR_GROUP, 0, 0});
	core_rgb male = core_color_rgb((core_color){CORE_COLOR_GROUP, 1, 0});
	assert_true(female.red == 0xD5 && female.green == 0x5E && female.blue == 0x00);
	assert_true(male.red == 0x00 && male.green == 0x72 && male.blue == 0xB2);
}

/* --- names of axes ---------------------------------------------------------------------------- */

static void check_axis(
	fv_ctx *ctx, const char *key, const char *list, size_t which, const char *want)
{
	const json_t *value[8];
	json_t *all = json_loads(list, 0, NULL);
	size_t n = json_array_size(all);
	assert_in_range(n, 1, 8);
	for (size_t i = 0; i < n; i++)
		value[i] = json_array_get(all, i);
	assert_string_equal(core_describe_axis(ctx, key, value[which], n, value, NULL), want);
	json_decref(all);
}

static void axes_are_named_by_what_differs(void **state)
{
	fv_ctx *ctx = *state;
	const char *groupers =
		"[{\"name\": \"truth\", \"column\": \"gender\"}, {\"name\": \"pseudo\", "
		"\"encoder\": "
		"{\"name\": \"pitch\", \"floor\": 3}}, {\"name\": \"kmeans\", \"k\": 2, "
		"\"encoder\": "
		"{\"name\": \"ecapa\"}}, {\"name\": \"kmeans\", \"k\": 16, \"encoder\": {\"name\": "
		"\"ecapa\"}}, null]";
	check_axis(ctx, "grouper", groupers, 0, "truth gender");
	check_axis(ctx, "grouper", groupers, 1, "pseudo pitch");
	check_axis(ctx, "grouper", groupers, 2, "k=2");
	check_axis(ctx, "grouper", groupers, 3, "k=16");
	check_axis(ctx, "grouper.k", "[2, 4]", 1, "k=4");
	check_axis(ctx, "train.learning_rate", "[0.0001, 0.001]", 0, "lr=0.0001");
	check_axis(ctx, "encoder.name", "[\"wavlm\", \"pitch\"]", 0, "wavlm");
	check_axis(ctx, "head.hidden", "[[], [64, 32]]", 1, "hidden=64+32");
	check_axis(ctx, "loss",
		"[{\"name\": \"gdro\", \"eta\": 0.1}, {\"name\": \"gdro\", \"eta\": 1}, "
		"{\"name\": \"rw\", \"mode\": \"x\"}]",
		0, "eta=0.1");
	check_axis(ctx, "loss",
		"[{\"name\": \"gdro\", \"eta\": 0.1}, {\"name\": \"rw\", \"mode\": \"x\"}]", 1, "");
}

static void names_can_be_given(void **state)
{
	fv_ctx *ctx = *state;
	const char *given = "rw=Reweighting,k=16=sixteen clusters";
	assert_string_equal(core_find_given_name(ctx, given, "RW"), "Reweighting");
	assert_string_equal(core_find_given_name(ctx, given, "k=16"), "sixteen clusters");
	assert_string_equal(core_find_given_name(ctx, given, "k=1"), "k=1");
	assert_string_equal(core_find_given_name(ctx, NULL, "rw"), "rw");
}

/* --- effects ---------------------------------------------------------------------------------- */

static void effects_are_those_of_the_grid(void **state)
{
	fv_ctx *ctx = *state;
	core_results *results;
	core_canvas *canvas;
	core_figure_options options = core_figure_default();
	core_grid grid = test_grid(ctx, test_results(ctx, "plot-effects", 2), &results);
	const core_figure_input input = {.results = results, .grid = &grid};
	test_ok(ctx, core_figure_draw(ctx, core_figure_find("effects"), &input, &options, &canvas));
	const char *svg = write_svg(ctx, canvas);
	assert_int_equal(canvas->depth, 0);
	test_close(canvas->width, 486, 0);
	for (size_t i = 1; i < grid.n_rows; i++) {
		const core_estimate *gap = &grid.row[i].effect.diff[GENDER_TPR];
		assert_non_null(
			strstr(svg, core_format(ctx,
					    "data-variant=\"%s\" data-metric=\"tpr_gap\" "
					    "data-value=\"%.9g\" data-low=\"%.9g\" "
					    "data-high=\"%.9g\" data-p=\"%.9g\"",
					    grid.row[i].variant->name, gap->value, gap->low,
					    gap->high, grid.row[i].effect.adjusted[GENDER_TPR])));
	}
	assert_non_null(strstr(svg, "Synthetic speech. Against ERM"));
	core_results_free(results);
}

/* Draws a figure; returns its SVG, or NULL if the study lacks what it shows. */
static const char *draw_svg(fv_ctx *ctx, const char *name, const core_figure_input *input,
	const core_figure_options *options)
{
	core_canvas *canvas;
	fv_status status = core_figure_draw(ctx, core_figure_find(name), input, options, &canvas);
	if (status == FV_DATA) {
		core_error_clear(ctx);
		return NULL;
	}
	test_ok(ctx, status);
	assert_int_equal(canvas->depth, 0);
	return write_svg(ctx, canvas);
}

static void every_figure_is_drawn_or_says_what_is_missing(void **state)
{
	static const char *const drawn[] = {"effects", "rates", "tradeoff", "folds", "confusion"};
	static const char *const lacking[] = {"lines", "clusters", "tsne", "curves"};
	fv_ctx *ctx = *state;
	core_results *results;
	core_grid grid = test_grid(ctx, test_results(ctx, "plot-all", 2), &results);
	const core_figure_input input = {.results = results, .grid = &grid};
	for (int paper = 0; paper < 2; paper++)
		for (int narrow = 0; narrow < 2; narrow++) {
			core_figure_options options = core_figure_default();
			options.width = narrow ? 3.25 : 0;
			options.attribute = narrow ? "race" : NULL;
			options.paper = paper != 0;
			for (size_t k = 0; k < 5; k++) {
				if (paper && !core_figure_find(drawn[k])->paper)
					continue;
				const char *svg = draw_svg(ctx, drawn[k], &input, &options);
				assert_non_null(svg);
				assert_non_null(strstr(svg, "Synthetic speech."));
				assert_non_null(strstr(
					svg, narrow ? "width=\"234pt\"" : "width=\"486pt\""));
				assert_null(strstr(svg, "nan"));
				assert_null(strstr(svg, "inf\""));
			}
			for (size_t k = 0; k < 4 && !paper; k++)
				assert_null(draw_svg(ctx, lacking[k], &input, &options));
		}
	core_results_free(results);
}

static void a_study_without_a_reference_says_so(void **state)
{
	fv_ctx *ctx = *state;
	core_results *results;
	core_canvas *canvas;
	core_figure_options options = core_figure_default();
	const char *dir = core_strdup(ctx, test_folder("plot-alone"));
	test_run(ctx, dir, &test_variants[1], 0, 1, 1);
	core_grid grid = test_grid(ctx, dir, &results);
	const core_figure_input input = {.results = results, .grid = &grid};
	test_fails(ctx,
		core_figure_draw(ctx, core_figure_find("effects"), &input, &options, &canvas),
		FV_DATA, "no variant to compare with");
	options.metrics = "tpr_gup";
	test_fails(ctx,
		core_figure_draw(ctx, core_figure_find("effects"), &input, &options, &canvas),
		FV_CONFIG, "there is no metric 'tpr_gup', did you mean 'tpr_gap'?");
	options = core_figure_default();
	options.attribute = "gendre";
	test_fails(ctx,
		core_figure_draw(ctx, core_figure_find("effects"), &input, &options, &canvas),
		FV_CONFIG, "no run was evaluated by 'gendre', did you mean 'gender'?");
	options = core_figure_default();
	options.paper = true;
	test_fails(ctx,
		core_figure_draw(ctx, core_figure_find("effects"), &input, &options, &canvas),
		FV_CONFIG, "--paper: 'effects' is no figure of the paper");
	core_results_free(results);
}

static int open_ctx(void **state)
{
	*state = test_ctx();
	return 0;
}

static int close_ctx(void **state)
{
	core_ctx_free(*state);
	return 0;
}
#define test_with_ctx(test) cmocka_unit_test_setup_teardown(test, open_ctx, close_ctx)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_has_the_width_of_the_font),
		test_with_ctx(long_text_ends_in_an_ellipsis),
		test_with_ctx(texts_that_are_cut_stay_different),
		test_with_ctx(names_cannot_break_the_text),
		test_with_ctx(ticks_are_round),
		cmocka_unit_test(a_range_without_extent_gets_one),
		test_with_ctx(svg_is_escaped_and_prefixed),
		test_with_ctx(lines_are_interrupted_where_nothing_is_defined),
		cmocka_unit_test(objectives_differ_in_color_and_marker),
		test_with_ctx(axes_are_named_by_what_differs),
		test_with_ctx(names_can_be_given),
		test_with_ctx(effects_are_those_of_the_grid),
		test_with_ctx(every_figure_is_drawn_or_says_what_is_missing),
		test_with_ctx(a_study_without_a_reference_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
