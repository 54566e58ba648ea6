/* SPDX-License-Identifier: Apache-2.0 */
#include "report/row_text.h"

#include <string.h>
#include <strings.h>

#include "report/axes.h"

/* Skips the text at the start of `rest`, and ", " behind it; NULL: something else is there. */
static const char *skip_text(const char *rest, const char *text)
{
	size_t n = strlen(text);
	if (strncasecmp(rest, text, n) != 0)
		return NULL;
	rest += n;
	return !*rest ? rest : strncmp(rest, ", ", 2) ? NULL : rest + 2;
}

static bool is_called(const core_variant_axes *axes, size_t variant, const char *name)
{
	const char *rest = name;
	for (size_t k = 0; k < axes->n; k++) {
		const char *text = axes->axis[k].text[variant];
		const char *behind = rest && text ? skip_text(rest, text) : NULL;
		if (!text)
			continue;
		if (axes->axis[k].varies && !strcasecmp(text, name))
			return true;
		rest = behind || axes->axis[k].varies ? behind : rest;
	}
	return rest && rest != name && !*rest;
}

fv_status core_row_find(
	fv_ctx *ctx, const core_results *results, const char *text, int64_t *row, int *found)
{
	core_variant_axes axes;
	fv_status status = core_axes_find(ctx, results, &axes);
	*found = 0;
	for (size_t i = 0; i < results->n && !status; i++) {
		if (!results->variant[i].n_folds || !is_called(&axes, i, text))
			continue;
		*row = (int64_t)i;
		++*found;
	}
	if (!status)
		core_axes_free(&axes);
	return status;
}
