/* SPDX-License-Identifier: Apache-2.0 */
/* The loops around the tiles, in blocks of rows, outputs and depth, so that repeated reads hit a
 * near cache. Sums do not depend on the number of rows: a block of depth of one row is summed in
 * registers, blocks are added in order, then the bias, then the old value of y. */
#include <fairvox/linear.h>

#include <assert.h>
#include <string.h>

#include "backend/cpu_ops.h"
#include "backend/kernels.h"
#include "backend/packed.h"

enum {
	ROW_BLOCK = 240,   /* rows processed at once, a multiple of every tile's rows */
	PANEL_BLOCK = 8,   /* panels processed at once */
	DEPTH_BLOCK = 256, /* largest number of 4-byte units of depth processed at once */
	APART = 16         /* gap in units between converted rows, against cache set conflicts */
};

struct fv_linear {
	const core_kernels *kernels;
	const core_tiles *tiles;
	int32_t planes; /* parts that each number is split into: 1, or 2 for bf16x3 */
	bool direct;    /* rows of x are read in place, without conversion */
	int64_t outputs, inputs;
	int64_t depth, block; /* padded inputs in units; units in a block of depth */
	char *weight[2];      /* panels, of each plane; NULL: the matrix is packed */
	core_packed_matrix packed;
	float *bias; /* [outputs padded to full vectors], zeros when there is no bias */
};

static int64_t round_up(int64_t n, int64_t step)
{
	return (n + step - 1) / step * step;
}

static int64_t min_int64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Number of vectors in panel p; all panels but the last are full. */
static int32_t count_panel_vectors(const fv_linear *linear, int64_t p)
{
	const core_tiles *tiles = linear->tiles;
	int64_t left = linear->outputs - p * tiles->width;
	return (int32_t)(min_int64(round_up(left, tiles->lanes), tiles->width) / tiles->lanes);
}

static char *find_panel(const fv_linear *linear, int32_t plane, int64_t p, int64_t from)
{
	const core_tiles *tiles = linear->tiles;
	int64_t words = p * tiles->width * linear->depth +
			from * count_panel_vectors(linear, p) * tiles->lanes;
	return linear->weight[plane] + 4 * words;
}

/* Converts x [n] to high and low, [words] units each, padded with zeros. */
static void convert_numbers(
	const fv_linear *linear, const float *x, int64_t n, int64_t words, void *high, void *low)
{
	int64_t unit = linear->tiles->unit;
	size_t rest = (size_t)(words * unit - n) * (unit == 2 ? sizeof(uint16_t) : sizeof *x);
	if (unit == 2)
		linear->kernels->pack(x, n, high, low);
	else if (linear->direct)
		memcpy(high, x, (size_t)n * sizeof *x);
	else
		linear->kernels->split(x, n, high, low);
	memset((char *)high + (4 * (size_t)words - rest), 0, rest);
	if (low)
		memset((char *)low + (4 * (size_t)words - rest), 0, rest);
}

/* Stores row j of the weights in its panel. `word` is a buffer for two rows of units. */
static void place_weights(const fv_linear *linear, int64_t j, const float *weight, int32_t *word)
{
	const core_tiles *tiles = linear->tiles;
	int64_t p = j / tiles->width, line = count_panel_vectors(linear, p) * tiles->lanes;
	convert_numbers(linear, weight, linear->inputs, linear->depth, word,
		linear->planes > 1 ? word + linear->depth : NULL);
	for (int32_t plane = 0; plane < linear->planes; plane++, word += linear->depth) {
		int32_t *to = (int32_t *)(void *)find_panel(linear, plane, p, 0) + j % tiles->width;
		for (int64_t k = 0; k < linear->depth; k++)
			to[k * line] = word[k];
	}
}

static void plan_layout(fv_linear *linear, fv_precision precision)
{
	const core_kernels *kernels = linear->kernels;
	bool rounded = precision != FV_PRECISION_FP32;
	const core_tiles *tiles = rounded && kernels->bf16 ? kernels->bf16 : kernels->fp32;
	linear->tiles = tiles;
	linear->direct = !rounded;
	linear->planes = precision == FV_PRECISION_BF16X3 ? 2 : 1;
	linear->depth = round_up(linear->inputs, tiles->depth_step) / tiles->unit;
	int64_t blocks = (linear->depth + DEPTH_BLOCK - 1) / DEPTH_BLOCK;
	linear->block = round_up((linear->depth + blocks - 1) / blocks, tiles->depth_step);
}

fv_linear *core_linear_open(fv_ctx *ctx, const core_kernels *kernels, fv_precision precision,
	int64_t outputs, int64_t inputs, const float *weight, const float *bias)
{
	assert(outputs > 0 && inputs > 0);
	if (precision == FV_PRECISION_TF32) {
		(void)fv_fail(ctx, FV_CONFIG,
			"precision: tf32 is computed on GPUs only: add --device cuda, or choose "
			"fp32, bf16x3 or bf16");
		return NULL;
	}
	fv_linear *linear = fv_alloc(ctx, sizeof *linear);
	if (!linear)
		return NULL;
	*linear = (fv_linear){.kernels = kernels, .outputs = outputs, .inputs = inputs};
	plan_layout(linear, precision);
	size_t columns = (size_t)round_up(outputs, linear->tiles->lanes);
	linear->bias = fv_alloc(ctx, columns * sizeof(float));
	int32_t *word = fv_scratch(ctx, 2 * (size_t)linear->depth * sizeof *word);
	if (!linear->bias || !word)
		return NULL;
	if (bias)
		memcpy(linear->bias, bias, (size_t)outputs * sizeof *bias);
	if (core_packed_suits(kernels, precision, outputs))
		return core_packed_open(ctx, kernels->packed, outputs, inputs, linear->block,
			       weight, &linear->packed)
			       ? NULL
			       : linear;
	for (int32_t plane = 0; plane < linear->planes; plane++) {
		linear->weight[plane] = fv_alloc(ctx, 4 * columns * (size_t)linear->depth);
		if (!linear->weight[plane])
			return NULL;
	}
	for (int64_t j = 0; j < outputs; j++)
		place_weights(linear, j, weight + j * inputs, word);
	return linear;
}

fv_linear *core_cpu_open_linear(fv_ctx *ctx, core_device *device, fv_precision precision,
	int64_t outputs, int64_t inputs, const float *weight, const float *bias)
{
	(void)device;
	if (core_kernels_check(ctx) != FV_OK)
		return NULL;
	return core_linear_open(ctx, core_kernels_used(), precision, outputs, inputs, weight, bias);
}

/* --- the product --- */

/* One block of rows */
typedef struct row_part {
	const fv_linear *linear;
	int64_t rows;
	const char *x[2]; /* of each plane */
	int64_t stride_x; /* bytes */
	int32_t add;
	fv_activation activation;
	float *y;
	int64_t stride_y;
	float *sum; /* [panels of a block][rows padded][width] */
} row_part;

static int64_t count_block_rows(const fv_linear *linear, int64_t rows)
{
	return round_up(min_int64(rows, ROW_BLOCK), linear->tiles->row_step);
}

static int64_t count_sum_floats(const fv_linear *linear, int64_t rows)
{
	int64_t panels = round_up(linear->outputs, linear->tiles->width) / linear->tiles->width;
	return count_block_rows(linear, rows) * linear->tiles->width *
	       min_int64(panels, PANEL_BLOCK);
}

enum { ALIGN = 64 };

size_t fv_linear_scratch(const fv_linear *linear, int64_t rows)
{
	if (linear->packed.packed)
		return (size_t)core_packed_scratch(&linear->packed, rows) + ALIGN / sizeof(float);
	int64_t copies = linear->direct ? 0 : linear->planes * count_block_rows(linear, rows);
	int64_t line = linear->depth + APART;
	return (size_t)(count_sum_floats(linear, rows) + copies * line) + ALIGN / sizeof(float);
}

static void finish_tile(
	const row_part *part, int64_t p, int64_t from, int64_t rows, const float *sum)
{
	const fv_linear *linear = part->linear;
	int32_t width = linear->tiles->width;
	core_finish job = {.rows = (int32_t)min_int64(rows, part->rows - from),
		.outputs = (int32_t)min_int64(width, linear->outputs - p * width),
		.width = width,
		.add = part->add != 0,
		.activation = part->activation,
		.sum = sum,
		.bias = linear->bias + p * width,
		.y = part->y + from * part->stride_y + p * width,
		.stride_y = part->stride_y};
	linear->kernels->finish(&job);
}

/* Multiplies a tile by units [k,k+depth) of panel p. Products of the small parts come first. */
static void multiply_tile(const row_part *part, int64_t p, int64_t from, int64_t rows, int64_t k,
	int64_t depth, float *sum)
{
	const fv_linear *linear = part->linear;
	static const int32_t pair[][2] = {{1, 0}, {0, 1}, {0, 0}};
	for (int32_t i = linear->planes > 1 ? 0 : 2; i < 3; i++)
		linear->tiles->tile((int32_t)rows, count_panel_vectors(linear, p), depth,
			part->x[pair[i][0]] + from * part->stride_x + 4 * k, part->stride_x,
			find_panel(linear, pair[i][1], p, k),
			k > 0 || (linear->planes > 1 && i > 0), sum);
}

/* Multiplies the rows by panels [first,last) over one block of depth that starts at k. */
static void multiply_block(const row_part *part, int64_t first, int64_t last, int64_t k)
{
	const fv_linear *linear = part->linear;
	const core_tiles *tiles = linear->tiles;
	int64_t depth = min_int64(linear->block, linear->depth - k);
	int64_t count = (part->rows + tiles->rows - 1) / tiles->rows;
	int64_t rows = round_up((part->rows + count - 1) / count, tiles->row_step);
	int64_t padded = round_up(part->rows, tiles->row_step);
	for (int64_t p = first; p < last; p++)
		for (int64_t from = 0; from < part->rows; from += rows) {
			int64_t here = min_int64(rows, padded - from);
			float *sum = part->sum + ((p - first) * padded + from) * tiles->width;
			multiply_tile(part, p, from, here, k, depth, sum);
			if (k + depth == linear->depth)
				finish_tile(part, p, from, here, sum);
		}
}

/* Converts rows of x into `to` in the layout of the tiles, with zeros as padding. Overlapping rows
 * share their storage, unless a row needs padding or starts inside a unit. */
static void convert_rows(row_part *part, const float *x, int64_t stride_x, float *to)
{
	const fv_linear *linear = part->linear;
	int64_t unit = linear->tiles->unit, rows = round_up(part->rows, linear->tiles->row_step);
	bool joined = stride_x < linear->inputs && linear->inputs == linear->depth * unit &&
		      stride_x % unit == 0;
	int64_t line = joined ? stride_x / unit : linear->depth + APART;
	int64_t words = joined ? (rows - 1) * line + linear->depth : rows * line;
	float *low = linear->planes > 1 ? to + words : NULL;
	if (joined)
		convert_numbers(
			linear, x, (part->rows - 1) * stride_x + linear->inputs, words, to, low);
	for (int64_t r = 0; r < rows && !joined; r++)
		convert_numbers(linear, x + (r < part->rows ? r * stride_x : 0),
			r < part->rows ? linear->inputs : 0, line, to + r * line,
			low ? low + r * line : NULL);
	part->x[0] = (const char *)to;
	part->x[1] = (const char *)low;
	part->stride_x = line * (int64_t)sizeof *to;
}

static void apply_part(const row_part *part)
{
	const fv_linear *linear = part->linear;
	int64_t width = linear->tiles->width, panels = round_up(linear->outputs, width) / width;
	for (int64_t first = 0; first < panels; first += PANEL_BLOCK)
		for (int64_t k = 0; k < linear->depth; k += linear->block)
			multiply_block(part, first, min_int64(panels, first + PANEL_BLOCK), k);
}

void fv_linear_apply(const fv_linear *linear, int64_t rows, const float *x, int64_t stride_x,
	int32_t add, fv_activation activation, float *y, int64_t stride_y, float *scratch)
{
	const core_tiles *tiles = linear->tiles;
	float *sum = (float *)(((uintptr_t)scratch + ALIGN - 1) / ALIGN * ALIGN);
	if (linear->packed.packed) {
		core_packed_multiply(&(core_packed_product){&linear->packed,
			linear->kernels->finish, linear->bias, rows, x, stride_x, add != 0,
			activation, y, stride_y, sum});
		return;
	}
	float *copy = sum + count_sum_floats(linear, rows);
	if (tiles->begin)
		tiles->begin();
	for (int64_t from = 0; from < rows; from += ROW_BLOCK) {
		row_part part = {.linear = linear,
			.rows = min_int64(ROW_BLOCK, rows - from),
			.x = {(const char *)(x + from * stride_x)},
			.stride_x = stride_x * (int64_t)sizeof *x,
			.add = add,
			.activation = activation,
			.y = y + from * stride_y,
			.stride_y = stride_y,
			.sum = sum};
		if (!linear->direct)
			convert_rows(&part, x + from * stride_x, stride_x, copy);
		apply_part(&part);
	}
	if (tiles->end)
		tiles->end();
}
