/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/fit_texts.h"

#include <stdlib.h>
#include <string.h>

#include "plot/text_metrics.h"
#include "report/cut_texts.h"

/* Cuts all texts to so many columns. Returns whether those that were too wide now fit. */
static bool try_columns(const char *const *text, size_t n, double size, double width,
	size_t columns, core_text *cut)
{
	bool fit = true;
	for (size_t i = 0; i < n; i++)
		core_text_free(&cut[i]);
	(void)core_cut_texts(text, columns, n, cut);
	for (size_t i = 0; i < n; i++)
		fit &= core_measure_text(text[i], size, false) <= width ||
		       core_measure_text(cut[i].data ? cut[i].data : "", size, false) <= width;
	return fit;
}

static const char *copy_text(fv_ctx *ctx, const core_text *text)
{
	if (text->failed)
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	return text->failed ? NULL : core_strdup(ctx, text->data ? text->data : "");
}

fv_status core_fit_texts(
	fv_ctx *ctx, const char *const *text, size_t n, double size, double width, const char **out)
{
	core_text *cut = calloc(n + 1, sizeof *cut);
	size_t columns = 0;
	fv_status status = cut ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < n; i++) /* a column takes a byte at least */
		columns = strlen(text[i]) > columns ? strlen(text[i]) : columns;
	while (!status && columns && !try_columns(text, n, size, width, columns, cut))
		columns--;
	for (size_t i = 0; i < n && !status; i++) {
		bool fits = core_measure_text(text[i], size, false) <= width;
		out[i] = fits ? text[i] : copy_text(ctx, &cut[i]);
		status = out[i] ? FV_OK : FV_FAILED;
	}
	for (size_t i = 0; i < n && cut; i++)
		core_text_free(&cut[i]);
	free(cut);
	return status;
}
