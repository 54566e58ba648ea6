/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "plot/drawing.h"
#include "plot/fit_texts.h"

const char **core_find_given_names(core_drawing *d, const char *const *name, size_t n)
{
	const char **given = core_alloc(d->ctx, n + 1, sizeof *given);
	for (size_t i = 0; i < n && given; i++) {
		given[i] = core_find_given_name(d->ctx, d->options->labels, name[i]);
		if (!given[i])
			return NULL;
	}
	return given;
}

double core_measure_widest(const char *const *text, size_t n)
{
	double widest = 0;
	for (size_t i = 0; i < n; i++)
		widest = fmax(widest, core_measure_text(text[i], CORE_FONT, false));
	return widest;
}

const char **core_fit_given_names(core_drawing *d, const char *const *name, size_t n, double width)
{
	const char **given = core_find_given_names(d, name, n);
	const char **fitted = core_alloc(d->ctx, n + 1, sizeof *fitted);
	if (!given || !fitted || core_fit_texts(d->ctx, given, n, CORE_FONT, width, fitted))
		return NULL;
	return fitted;
}
