/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/place.h"

#include <math.h>

#define PI 3.14159265358979323846

enum { DIRECTIONS = 16, RINGS = 4 };

fv_status core_placer_open(fv_ctx *ctx, core_rect area, size_t capacity, core_placer *out)
{
	*out = (core_placer){.area = area, .capacity = capacity};
	out->taken = core_alloc(ctx, capacity, sizeof *out->taken);
	return out->taken ? FV_OK : FV_FAILED;
}

void core_take_place(core_placer *p, core_rect rect)
{
	if (p->n < p->capacity)
		p->taken[p->n++] = rect;
}

static bool do_overlap(core_rect a, core_rect b)
{
	return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
	       b.y < a.y + a.height;
}

static bool is_free(const core_placer *p, core_rect r)
{
	core_rect a = p->area;
	if (r.x < a.x || r.y < a.y || r.x + r.width > a.x + a.width ||
		r.y + r.height > a.y + a.height)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (do_overlap(p->taken[i], r))
			return false;
	return true;
}

/* The place of a label in one direction from the point: 0 is right, then upwards and around. */
static core_rect find_place(double x, double y, double width, double size, int direction, int ring)
{
	double angle = 2 * PI * direction / DIRECTIONS;
	double height = 0.8 * size, gap = 4 + 5.0 * ring;
	double dx = cos(angle), dy = -sin(angle);
	double left = dx > 0.3 ? 0 : dx < -0.3 ? -width : -width / 2;
	return (core_rect){
		x + gap * dx + left, y + gap * dy + dy * height / 2 - height / 2, width, height};
}

bool core_place_label(core_placer *p, double x, double y, double width, double size, core_point *at)
{
	/* right first, then those near it, left last */
	static const int order[DIRECTIONS] = {0, 1, 15, 2, 14, 3, 13, 4, 12, 8, 7, 9, 6, 10, 5, 11};
	for (int ring = 0; ring < RINGS; ring++)
		for (int k = 0; k < DIRECTIONS; k++) {
			core_rect r = find_place(x, y, width, size, order[k], ring);
			if (!is_free(p, r))
				continue;
			core_take_place(p, r);
			*at = (core_point){r.x, r.y + r.height - 0.05 * size};
			return true;
		}
	return false;
}
