/* SPDX-License-Identifier: Apache-2.0 */
/* Places of several panels. */
#include "plot/drawing.h"

core_rect core_layout_area(const core_layout *l, size_t i)
{
	double across = (double)l->across;
	size_t row = i / l->across, column = i % l->across;
	double width = (l->width - l->left - 6 - (across - 1) * l->gutter) / across;
	return (core_rect){l->left + (double)column * (width + l->gutter),
		l->top + (double)row * (l->height + l->below), width, l->height};
}

double core_layout_bottom(const core_layout *l)
{
	size_t rows = (l->n + l->across - 1) / l->across;
	return l->top + (double)rows * (l->height + l->below) - l->below;
}
