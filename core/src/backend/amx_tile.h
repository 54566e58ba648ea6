/* SPDX-License-Identifier: Apache-2.0 */
/* Products of bfloat16 numbers in AMX tiles, which are eight registers of 16 rows of 64 bytes. The
 * including file defines the operations, with the meaning of the instructions:
 *
 *   amx_config(p), amx_release()   p: 64 bytes with palette, rows and row bytes of each register
 *   amx_zero(t)
 *   amx_load(t, p, stride), amx_store(t, p, stride)   rows are `stride` bytes apart
 *   amx_dot(c, a, b)   float32 c[m][n] += sum over k of a[m][2k] b[k][2n] + a[m][2k+1] b[k][2n+1]
 *
 * Registers 0..3 hold the sums of a tile of up to 32 rows and 32 outputs, 4 and 5 hold rows of x, 6
 * and 7 hold weights: 16 lines of a panel, each with two numbers for all outputs side by side. */
#ifndef CORE_BACKEND_AMX_TILE_H
#define CORE_BACKEND_AMX_TILE_H

#include <stdbool.h>
#include <stdint.h>

enum { AMX_ROWS = 16, AMX_ROW_BYTES = 64, AMX_DEPTH = 32 };

/* Configures all registers at full size, because the caller pads rows, outputs and depth. The
 * configuration is constant, because compilers assume that the instruction reads fewer bytes. */
static void amx_begin(void)
{
	static const uint8_t config[64] = {
		[0] = 1, /* palette */
		[16] = AMX_ROW_BYTES,
		[18] = AMX_ROW_BYTES,
		[20] = AMX_ROW_BYTES,
		[22] = AMX_ROW_BYTES,
		[24] = AMX_ROW_BYTES,
		[26] = AMX_ROW_BYTES,
		[28] = AMX_ROW_BYTES,
		[30] = AMX_ROW_BYTES, /* of 16 bits each */
		[48] = AMX_ROWS,
		[49] = AMX_ROWS,
		[50] = AMX_ROWS,
		[51] = AMX_ROWS,
		[52] = AMX_ROWS,
		[53] = AMX_ROWS,
		[54] = AMX_ROWS,
		[55] = AMX_ROWS,
	};
	amx_config(config);
}

static void amx_end(void)
{
	amx_release();
}

/* sum [16 or 32][32] of floats */
static void amx_open_sums(bool lower, bool right, bool more, const float *sum)
{
	enum { STRIDE = 32 * sizeof(float) };
	amx_zero(0);
	amx_zero(1);
	amx_zero(2);
	amx_zero(3);
	if (!more)
		return;
	amx_load(0, sum, STRIDE);
	if (right)
		amx_load(1, sum + 16, STRIDE);
	if (lower)
		amx_load(2, sum + 16 * 32, STRIDE);
	if (lower && right)
		amx_load(3, sum + 16 * 32 + 16, STRIDE);
}

static void amx_close_sums(bool lower, bool right, float *sum)
{
	enum { STRIDE = 32 * sizeof(float) };
	amx_store(0, sum, STRIDE);
	if (right)
		amx_store(1, sum + 16, STRIDE);
	if (lower)
		amx_store(2, sum + 16 * 32, STRIDE);
	if (lower && right)
		amx_store(3, sum + 16 * 32 + 16, STRIDE);
}

/* As core_tiles.tile: rows <= 32, vectors 1 or 2 of 16 outputs, depth in pairs and a multiple of
 * 16. x must have 16 or 32 readable rows. */
static void amx_tile(int32_t rows, int32_t vectors, int64_t depth, const void *x, int64_t stride,
	const void *panel, bool more, float *sum)
{
	bool lower = rows > AMX_ROWS, right = vectors > 1;
	const char *a = x, *b = panel;
	int64_t line = vectors * (int64_t)AMX_ROW_BYTES;
	amx_open_sums(lower, right, more, sum);
	for (int64_t k = 0; k < depth; k += AMX_ROWS, a += AMX_ROW_BYTES, b += AMX_ROWS * line) {
		amx_load(4, a, stride);
		amx_load(6, b, line);
		amx_dot(0, 4, 6);
		if (right) {
			amx_load(7, b + AMX_ROW_BYTES, line);
			amx_dot(1, 4, 7);
		}
		if (lower) {
			amx_load(5, a + AMX_ROWS * stride, stride);
			amx_dot(2, 5, 6);
		}
		if (lower && right)
			amx_dot(3, 5, 7);
	}
	amx_close_sums(lower, right, sum);
}

#define AMX_TILES                                                                                  \
	{                                                                                          \
		.rows = 2 * AMX_ROWS, .width = 32, .lanes = 16, .row_step = AMX_ROWS, .unit = 2,   \
		.depth_step = AMX_DEPTH, .begin = amx_begin, .end = amx_end, .tile = amx_tile      \
	}

#endif
