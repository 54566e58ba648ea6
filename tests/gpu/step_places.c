/* SPDX-License-Identifier: Apache-2.0 */
/* Products of a GPU's library: one row has the same bytes at 64 places of a pack, in 20 packs of other numbers, computed
 * twice. What the bytes are is printed, so that processes can be compared. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/pack.h"
#include "suite.h"

enum { PLACES = 64, PACKS = 20, AGAIN = 3 /* of them */ };

struct shape {
	int64_t outputs, inputs;
};

static const struct shape shapes[] = {{2304, 768}, {768, 768}, {3072, 768}, {768, 3072}, {768, 512},
	{4096, 1024}, {1024, 4096}, {1024, 400}, {128, 384}};
static const struct shape small_shapes[] = {{24, 40}, {5, 37}};

struct place_test {
	const fv_linear *linear;
	struct shape shape;
	int64_t rows;
	float *x;     /* [rows + PACKS, inputs]: pack p begins at row p */
	float *row;   /* [inputs] */
	float *other; /* [PLACES, inputs]: what is in its places else */
	float *y;     /* [PLACES, outputs] */
	float *first; /* [outputs]: what the row gave first */
};

/* Multiplies the pack at x; of each PLACES-th part the row at `place` -> y. */
static fv_status multiply(
	const struct place_test *t, core_device *device, const float *x, int64_t place)
{
	int64_t count[PLACES];
	float *out[PLACES];
	fv_ctx *worker = core_ctx_new();
	fv_pack *pack;
	if (!worker)
		return FV_FAILED;
	for (int i = 0; i < PLACES; i++) {
		count[i] = t->rows / PLACES;
		out[i] = t->y + i * t->shape.outputs;
	}
	fv_status status = core_pack_open(worker, device, PLACES, count, t->shape.inputs, x, &pack);
	if (!status) {
		fv_matrix y = fv_pack_rows(pack, pack->input, t->shape.outputs);
		fv_pack_linear(pack, t->linear, pack->input, 0, FV_ACTIVATION_NONE, y);
		y.at += place * y.stride;
		y.stride *= count[0];
		y.layout = pack->utterances;
		fv_pack_fetch(pack, y, 0, out);
		status = fv_pack_wait(pack);
	}
	core_ctx_free(worker);
	return status;
}

/* Swaps the row in all places of the pack with what is there. */
static void plant_row(struct place_test *t, float *x, int64_t place, bool plant)
{
	const int64_t n = t->shape.inputs;
	for (int64_t i = 0; i < PLACES; i++) {
		float *at = x + (i * (t->rows / PLACES) + place) * n, *kept = t->other + i * n;
		if (plant)
			memcpy(kept, at, (size_t)n * sizeof *at);
		memcpy(at, plant ? t->row : kept, (size_t)n * sizeof *at);
	}
}

/* Multiplies pack p with the row at its places. Returns at how many of them there are other bytes. */
static int32_t try_pack(struct place_test *t, core_device *device, int p)
{
	const size_t bytes = (size_t)t->shape.outputs * sizeof *t->y;
	const int64_t place = 13 * p % (t->rows / PLACES);
	float *x = t->x + p * t->shape.inputs;
	plant_row(t, x, place, true);
	const fv_status status = multiply(t, device, x, place);
	plant_row(t, x, place, false);
	if (status)
		return PLACES;
	if (isnan(t->first[0]))
		memcpy(t->first, t->y, bytes);
	int32_t other = 0;
	for (int i = 0; i < PLACES; i++)
		other += memcmp(t->first, t->y + i * t->shape.outputs, bytes) != 0;
	return other;
}

/* FNV-1a */
static uint32_t hash_bytes(const void *bytes, size_t n)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * 16777619u;
	return hash;
}

static void try_places(suite *s, struct place_test *t, core_device *device, fv_precision precision)
{
	const int packs = s->small ? 2 : PACKS;
	int32_t other = 0;
	t->first[0] = NAN;
	for (int p = 0; p < packs; p++)
		other += try_pack(t, device, p);
	for (int p = 0; p < packs && p < AGAIN; p++)
		other += try_pack(t, device, p);
	char what[128];
	snprintf(what, sizeof what, "%s %lld -> %lld, hash %08x", suite_precisions[precision],
		(long long)t->shape.inputs, (long long)t->shape.outputs,
		hash_bytes(t->first, (size_t)t->shape.outputs * sizeof(float)));
	suite_row(s, what, other, 0, "places with other bytes");
}

static float *draw_numbers(int64_t n, double deviation, uint64_t seed)
{
	float *x = malloc((size_t)n * sizeof *x);
	if (x)
		network_draw(x, n, 0, deviation, seed);
	return x;
}

static void check_shape(
	suite *s, core_device *device, fv_ctx *ctx, struct shape shape, int64_t rows, float *x)
{
	const double deviation = 1 / sqrt((double)shape.inputs);
	struct place_test t = {.shape = shape, .rows = rows};
	float *weight = draw_numbers(shape.outputs * shape.inputs, deviation, 77);
	t.x = x;
	t.row = draw_numbers(shape.inputs, 1, 99);
	t.other = malloc((size_t)(PLACES * shape.inputs) * sizeof *t.other);
	t.y = malloc((size_t)(PLACES * shape.outputs) * sizeof *t.y);
	t.first = malloc((size_t)shape.outputs * sizeof *t.first);
	for (int p = 0; p < 4 && weight && t.row && t.other && t.y && t.first; p++) {
		t.linear = fv_linear_open(
			ctx, (fv_precision)p, shape.outputs, shape.inputs, weight, NULL);
		if (t.linear)
			try_places(s, &t, device, (fv_precision)p);
		else
			suite_fault(s, "%s", core_error_line(ctx, 0));
	}
	if (!t.linear)
		suite_fault(s, "no weights");
	free(weight);
	free(t.row);
	free(t.other);
	free(t.y);
	free(t.first);
}

void suite_places(suite *s)
{
	fv_ctx *ctx;
	core_device *device;
	const struct shape *shape = s->small ? small_shapes : shapes;
	const size_t n =
		s->small ? sizeof small_shapes / sizeof *shape : sizeof shapes / sizeof *shape;
	const int64_t rows = s->rows ? s->rows : s->small ? 64 : 16384;
	if (!suite_open(s, rows, &ctx, &device))
		return;
	int64_t widest = 0;
	for (size_t i = 0; i < n; i++)
		widest = shape[i].inputs > widest ? shape[i].inputs : widest;
	float *x = draw_numbers((rows + PACKS) * widest, 1, 100);
	for (size_t i = 0; i < n && x; i++)
		check_shape(s, device, ctx, shape[i], rows, x);
	if (!x)
		suite_fault(s, "out of memory");
	free(x);
	gpu_list_algorithms(device);
	suite_close(ctx, device);
}
