/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/packed.h"

enum {
	LEAST_OUTPUTS = 256,
	LINE = 64, /* bytes of a cache line */
	SLACK = 16 /* floats for the zeros behind the last tile */
};

static int64_t min_int64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t divide_up(int64_t n, int64_t by)
{
	return (n + by - 1) / by;
}

bool core_packed_suits(const core_kernels *kernels, fv_precision precision, int64_t outputs)
{
	return kernels->packed && precision == FV_PRECISION_FP32 && outputs >= LEAST_OUTPUTS;
}

static int64_t count_panels(const core_packed_matrix *m)
{
	return divide_up(m->outputs, m->packed->width);
}

/* Vectors of panel p; all panels but the last are full. */
static int32_t count_vectors(const core_packed_matrix *m, int64_t p)
{
	const core_packed *k = m->packed;
	int64_t outputs = min_int64(m->outputs - p * k->width, k->width);
	return (int32_t)divide_up(outputs, k->lanes);
}

static int64_t count_columns(const core_packed_matrix *m)
{
	return divide_up(m->outputs, m->packed->lanes) * m->packed->lanes;
}

/* Stores the weights of one panel over one chunk of depth, [depth][width of the panel]. Returns what follows. */
static float *place_panel(const core_packed_matrix *m, const float *weight, int64_t p, int64_t from,
	int64_t depth, float *to)
{
	int64_t lanes = m->packed->lanes, line = count_vectors(m, p) * lanes;
	for (int64_t v = 0; v < line; v += lanes) {
		int64_t first = p * m->packed->width + v;
		int32_t outputs = (int32_t)min_int64(lanes, m->outputs - first);
		m->packed->pack(
			outputs, depth, weight + first * m->inputs + from, m->inputs, line, to + v);
	}
	return to + depth * line;
}

fv_status core_packed_open(fv_ctx *ctx, const core_packed *packed, int64_t outputs, int64_t inputs,
	int64_t block, const float *weight, core_packed_matrix *out)
{
	int64_t blocks = divide_up(inputs, block);
	int64_t chunks = divide_up(inputs, packed->chunk_depth);
	*out = (core_packed_matrix){.packed = packed,
		.outputs = outputs,
		.inputs = inputs,
		.block = block,
		.chunk = divide_up(blocks, chunks) * block};
	out->weight = fv_alloc(ctx, (size_t)(count_columns(out) * inputs) * sizeof(float));
	if (!out->weight)
		return FV_FAILED;
	float *to = out->weight;
	for (int64_t k = 0; k < inputs; k += out->chunk)
		for (int64_t p = 0; p < count_panels(out); p++)
			to = place_panel(out, weight, p, k, min_int64(out->chunk, inputs - k), to);
	return FV_OK;
}

/* --- the product --- */

/* Some rows of a product, divided into tiles of nearly equal height */
struct part {
	const core_packed_product *product;
	int64_t from, rows, tiles;
	float *x;   /* [tiles][depth of the chunk][rows of the tile] */
	float *sum; /* [panels][rows][width], or [rows of a tile][width] if there is one chunk */
};

/* Most rows in a part; grows with the rows of a product, as the scratch memory must. */
static int64_t count_part_rows(const core_packed_matrix *m, int64_t rows)
{
	return min_int64(rows, m->packed->part_rows);
}

/* Rows of sums: each panel has its own if they are needed in the next chunk. */
static int64_t count_sum_rows(const core_packed_matrix *m, int64_t rows)
{
	return m->chunk < m->inputs ? count_panels(m) * count_part_rows(m, rows) : m->packed->rows;
}

int64_t core_packed_scratch(const core_packed_matrix *m, int64_t rows)
{
	return count_sum_rows(m, rows) * m->packed->width +
	       count_part_rows(m, rows) * min_int64(m->chunk, m->inputs) + SLACK;
}

static int64_t find_tile(const struct part *part, int64_t i)
{
	return part->rows * i / part->tiles;
}

/* A tile is written over the zeros behind the tile before it. */
static void pack_rows(const struct part *part, int64_t k, int64_t depth)
{
	const core_packed_product *o = part->product;
	for (int64_t i = 0; i < part->tiles; i++) {
		int64_t first = find_tile(part, i), end = find_tile(part, i + 1);
		o->matrix->packed->pack((int32_t)(end - first), depth,
			o->x + (part->from + first) * o->stride_x + k, o->stride_x, end - first,
			part->x + first * depth);
	}
}

static void finish_tile(
	const struct part *part, int64_t p, int64_t first, int64_t rows, const float *sum)
{
	const core_packed_product *o = part->product;
	const core_packed_matrix *m = o->matrix;
	int64_t width = m->packed->width;
	core_finish job = {.rows = (int32_t)rows,
		.outputs = (int32_t)min_int64(width, m->outputs - p * width),
		.width = (int32_t)width,
		.add = o->add,
		.activation = o->activation,
		.sum = sum,
		.bias = o->bias + p * width,
		.y = o->y + (part->from + first) * o->stride_y + p * width,
		.stride_y = o->stride_y};
	o->finish(&job);
}

/* Multiplies the rows by panel p over the chunk of depth that starts at k. Each tile fetches a share of the next
 * panel, which follows this one in memory. */
static void multiply_panel(
	const struct part *part, int64_t p, int64_t k, int64_t depth, const float *panel)
{
	const core_packed_product *o = part->product;
	const core_packed_matrix *m = o->matrix;
	int32_t vectors = count_vectors(m, p);
	int64_t width = m->packed->width, size = depth * vectors * m->packed->lanes;
	int64_t share = depth / CORE_PACKED_STEPS * LINE;
	bool one_chunk = m->chunk >= m->inputs;
	const char *next = (const char *)(panel + size);
	for (int64_t i = 0; i < part->tiles; i++) {
		int64_t first = find_tile(part, i), rows = find_tile(part, i + 1) - first;
		bool any = i * share < size * (int64_t)sizeof *panel;
		float *sum = part->sum + (one_chunk ? 0 : (p * part->rows + first) * width);
		core_packed_tile job = {.rows = (int32_t)rows,
			.vectors = vectors,
			.depth = depth,
			.block = m->block,
			.x = part->x + first * depth,
			.panel = panel,
			.fetch = any ? next + i * share : (const char *)panel,
			.fetch_step = any ? LINE : 0,
			.more = k > 0,
			.sum = sum};
		m->packed->tile(&job);
		if (k + depth == m->inputs)
			finish_tile(part, p, first, rows, sum);
	}
}

static void multiply_part(const struct part *part)
{
	const core_packed_matrix *m = part->product->matrix;
	const float *panel = m->weight;
	for (int64_t k = 0; k < m->inputs; k += m->chunk) {
		int64_t depth = min_int64(m->chunk, m->inputs - k);
		pack_rows(part, k, depth);
		for (int64_t p = 0; p < count_panels(m); p++) {
			multiply_panel(part, p, k, depth, panel);
			panel += depth * count_vectors(m, p) * m->packed->lanes;
		}
	}
}

void core_packed_multiply(const core_packed_product *o)
{
	const core_packed_matrix *m = o->matrix;
	int64_t parts = divide_up(o->rows, m->packed->part_rows);
	for (int64_t i = 0; i < parts; i++) {
		int64_t from = o->rows * i / parts, rows = o->rows * (i + 1) / parts - from;
		struct part part = {.product = o,
			.from = from,
			.rows = rows,
			.tiles = divide_up(rows, m->packed->rows),
			.sum = o->scratch,
			.x = o->scratch + count_sum_rows(m, o->rows) * m->packed->width};
		multiply_part(&part);
	}
}
