/* SPDX-License-Identifier: Apache-2.0 */
#include "figure_file.h"

#include <dlfcn.h>
#include <string.h>

#include "base/file.h"
#include "cairo/cairo.h"
#include "plot/write_svg.h"

enum format { SVG, PDF, PNG, FORMATS };

static enum format find_format(const char *path)
{
	static const char *const endings[FORMATS] = {".svg", ".pdf", ".png"};
	const char *dot = strrchr(core_path_base(path), '.');
	int f = 0;
	while (f < FORMATS && (!dot || strcasecmp(dot, endings[f]) != 0))
		f++;
	return (enum format)f;
}

fv_status cli_check_figure_name(fv_ctx *ctx, const char *path)
{
	if (find_format(path) != FORMATS)
		return FV_OK;
	return fv_fail(ctx, FV_CONFIG, "-o: '%s' ends in neither .svg, .pdf nor .png", path);
}

static fv_status load_module(fv_ctx *ctx, const core_cairo_module **out)
{
	void *handle = dlopen(CORE_CAIRO_MODULE, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return fv_fail(ctx, FV_FAILED, "cannot load %s: %s", CORE_CAIRO_MODULE, dlerror());
	const core_cairo_module *module = dlsym(handle, CORE_CAIRO_ENTRY);
	if (!module || module->size != sizeof *module || strcmp(module->version, FAIRVOX_VERSION))
		return fv_fail(ctx, FV_FAILED, "%s does not belong to this version of fairvox (%s)",
			CORE_CAIRO_MODULE, FAIRVOX_VERSION);
	*out = module;
	return FV_OK;
}

static fv_status format_figure(fv_ctx *ctx, const core_canvas *canvas, enum format format,
	double dots_per_inch, core_text *out)
{
	const core_cairo_module *module = NULL;
	if (format == SVG) {
		core_canvas_write_svg(canvas, true, out);
		return FV_OK;
	}
	fv_status status = load_module(ctx, &module);
	if (status)
		return status;
	return format == PDF ? module->write_pdf(ctx, canvas, out)
			     : module->write_png(ctx, canvas, dots_per_inch, out);
}

fv_status cli_write_figure(
	fv_ctx *ctx, const core_canvas *canvas, const char *path, double dots_per_inch)
{
	core_text text = {0};
	fv_status status = format_figure(ctx, canvas, find_format(path), dots_per_inch, &text);
	if (!status && text.failed)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	if (!status)
		status = core_file_write(ctx, path, text.data, text.size);
	core_text_free(&text);
	return status;
}
