/* SPDX-License-Identifier: Apache-2.0 */
/* Packs: where the rows of utterances lie, and that an utterance's numbers do not depend on its company. Trunks
 * of every form with drawn weights, in every precision: packs of 1 to 64 utterances, in several orders,
 * against each utterance alone, to the last bit. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "nn/pack.h"
#include "nn/trunk.h"

/* --- layouts --- */

static void layouts(void **state)
{
	(void)state;
	static const int64_t count[] = {3, 1, 300, 128};
	enum { N = sizeof count / sizeof *count, ROWS = 432 };
	fv_ctx *ctx = test_ctx();
	float *input = core_alloc(ctx, 2 * ROWS, sizeof *input);
	for (int i = 0; i < 2 * ROWS; i++)
		input[i] = (float)i;
	fv_pack *pack;
	test_ok(ctx, core_pack_open(ctx, core_device_cpu(), N, count, 2, input, &pack));
	const fv_layout *l = pack->input.layout;
	assert_true(l->n == N && l->rows == ROWS && l->slots == ROWS + N && l->longest == 300);
	static const core_span spans[N] = {{0, 3, 0}, {3, 1, 4}, {4, 300, 6}, {304, 128, 307}};
	static const core_tile tiles[] = {
		{0, 0, 3}, {1, 0, 1}, {2, 0, 128}, {2, 128, 128}, {2, 256, 44}, {3, 0, 128}};
	assert_int_equal(l->n_tiles, sizeof tiles / sizeof *tiles);
	for (int u = 0; u < N; u++)
		assert_true(l->span[u].first == spans[u].first &&
			    l->span[u].count == spans[u].count && l->span[u].slot == spans[u].slot);
	for (int64_t i = 0; i < l->n_tiles; i++)
		assert_true(l->tile[i].utterance == tiles[i].utterance &&
			    l->tile[i].first == tiles[i].first &&
			    l->tile[i].count == tiles[i].count);
	assert_memory_equal(pack->input.at, input, 2 * ROWS * sizeof *input);
	assert_true(pack->utterances->n == N && pack->utterances->rows == N);
	/* each utterance's rows, behind one block that is left alone */
	float *out[N];
	for (int u = 0; u < N; u++)
		out[u] = core_alloc(ctx, (size_t)(4 * count[u]), sizeof(float));
	fv_matrix second = {pack->input.at + 1, 1, 2, l};
	pack->ops->fetch(pack->queue, second, 1, out);
	test_ok(ctx, fv_pack_wait(pack));
	for (int u = 0; u < N; u++)
		for (int64_t r = 0; r < count[u]; r++) {
			assert_true(out[u][r] == 0);
			assert_true(out[u][count[u] + r] == (float)(2 * (spans[u].first + r) + 1));
		}
	core_ctx_free(ctx);
}

/* --- trunks --- */

enum { WIDTH = 48, LAYERS = 2, STATES = LAYERS + 1, UTTERANCES = 64 };

static const fv_trunk_shape base = {.size = sizeof(fv_trunk_shape),
	.convs = 7,
	.channels = {32, 32, 32, 32, 32, 32, 32},
	.taps = {10, 3, 3, 3, 3, 2, 2},
	.step = {5, 2, 2, 2, 2, 2, 2},
	.width = WIDTH,
	.layers = LAYERS,
	.heads = 4,
	.inner = 96,
	.position_taps = 128,
	.position_groups = 16,
	.max_distance = 800,
	.eps = 1e-5};

/* Weights about as large as keep the numbers of each layer about 1. */
static fv_status draw_tensor(
	void *user, fv_ctx *ctx, fv_trunk_tensor tensor, int32_t index, float *out)
{
	const fv_trunk_shape *shape = user;
	int64_t dims[4];
	int32_t rank = fv_trunk_dims(shape, tensor, index, dims);
	int64_t n = core_trunk_size(shape, tensor, index);
	double size = rank > 1 ? sqrt((double)dims[0] / (double)n) : 0.1;
	fv_stream stream = fv_rng_seeded(1, "weights", tensor, (uint64_t)index);
	(void)ctx;
	for (int64_t i = 0; i < n; i++)
		out[i] = (float)(size * fv_normal(&stream));
	return FV_OK;
}

struct waves {
	int64_t n[UTTERANCES];
	float *wave[UTTERANCES], *alone[UTTERANCES];
};

/* Frames of the first utterances; the others' are drawn. */
static const int64_t frames[] = {1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300};

static void draw_waves(fv_ctx *ctx, struct waves *w)
{
	fv_stream stream = fv_rng_seeded(1, "waves", 0, 0);
	for (int u = 0; u < UTTERANCES; u++) {
		int64_t t = 1 + (int64_t)fv_below(&stream, 40);
		if (u < (int)(sizeof frames / sizeof *frames))
			t = frames[u];
		w->n[u] = 400 + 320 * (t - 1) + (int64_t)fv_below(&stream, 320);
		w->wave[u] = core_alloc(ctx, (size_t)w->n[u], sizeof(float));
		double level = u % 7 == 3 ? 0 : 0.02 * (u % 5 + 1);
		for (int64_t i = 0; i < w->n[u]; i++)
			w->wave[u][i] = (float)(level * fv_normal(&stream) + 0.01 * (u % 3));
	}
}

/* Encodes the utterances order[0 .. n) together and compares each with itself alone. */
static void check_pack(
	const fv_trunk *t, struct waves *w, const int *order, int n, bool scaled, int32_t pooled)
{
	fv_ctx *ctx = test_ctx();
	int64_t count[UTTERANCES], samples = 0;
	float *out[UTTERANCES];
	for (int k = 0; k < n; k++)
		samples += count[k] = w->n[order[k]];
	float *input = core_alloc(ctx, (size_t)samples, sizeof *input), *at = input;
	for (int k = 0; k < n; at += count[k++])
		memcpy(at, w->wave[order[k]], (size_t)count[k] * sizeof *at);
	for (int k = 0; k < n; k++) {
		int64_t rows = pooled ? 1 : fv_trunk_frames(t, count[k]);
		out[k] = core_alloc(ctx, (size_t)(STATES * rows * WIDTH), sizeof(float));
	}
	fv_pack *pack;
	test_ok(ctx, core_pack_open(ctx, core_device_cpu(), n, count, 1, input, &pack));
	test_ok(ctx, fv_trunk_batch(t, pack, scaled, pooled, out));
	for (int k = 0; k < n; k++) {
		int64_t rows = pooled ? 1 : fv_trunk_frames(t, count[k]);
		assert_memory_equal(out[k], w->alone[order[k]],
			(size_t)(STATES * rows * WIDTH) * sizeof(float));
	}
	core_ctx_free(ctx);
}

static void encode_alone(
	fv_ctx *ctx, const fv_trunk *t, struct waves *w, bool scaled, int32_t pooled)
{
	for (int u = 0; u < UTTERANCES; u++) {
		size_t rows = pooled ? 1 : (size_t)fv_trunk_frames(t, w->n[u]);
		w->alone[u] = core_alloc(ctx, STATES * rows * WIDTH, sizeof(float));
		test_ok(ctx,
			fv_trunk_apply(t, ctx, w->wave[u], w->n[u], scaled, pooled, w->alone[u]));
		core_scratch_reset(ctx);
		double sum = 0;
		for (size_t i = 0; i < STATES * rows * WIDTH; i++)
			sum += fabs(w->alone[u][i]);
		assert_true(isfinite(sum) && sum > 0.01);
	}
}

static void shuffle(int *order, uint64_t seed)
{
	fv_stream stream = fv_rng_seeded(seed, "order", 0, 0);
	for (int u = 0; u < UTTERANCES; u++)
		order[u] = u;
	for (int u = UTTERANCES - 1; u > 0; u--) {
		int other = (int)fv_below(&stream, (uint64_t)u + 1), kept = order[u];
		order[u] = order[other];
		order[other] = kept;
	}
}

static void check_trunk(const fv_trunk_shape *shape, fv_precision precision, bool scaled)
{
	static const int sizes[] = {1, 2, 3, 7, 20, 64};
	fv_ctx *ctx = test_ctx();
	struct waves w;
	fv_trunk *t;
	test_ok(ctx, fv_trunk_open(ctx, shape, precision, draw_tensor, (void *)shape, &t));
	draw_waves(ctx, &w);
	for (int32_t pooled = 0; pooled < 2; pooled++) {
		encode_alone(ctx, t, &w, scaled, pooled);
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			int order[UTTERANCES];
			shuffle(order, i + 10 * (size_t)pooled);
			for (int first = 0; first + sizes[i] <= UTTERANCES; first += 21)
				check_pack(t, &w, order + first, sizes[i], scaled, pooled);
		}
	}
	core_ctx_free(ctx);
}

static void packed_as_alone(void **state)
{
	(void)state;
	static const fv_precision precisions[] = {
		FV_PRECISION_FP32, FV_PRECISION_BF16X3, FV_PRECISION_BF16};
	for (int p = 0; p < 3; p++) {
		fv_trunk_shape shape = base;
		shape.buckets = 320; /* WavLM base */
		check_trunk(&shape, precisions[p], p == 1);
		shape.norm_first = shape.norm_each = 1; /* WavLM large */
		check_trunk(&shape, precisions[p], true);
		shape.buckets = 0;
		shape.conv_bias = 1; /* wav2vec 2.0 large, HuBERT large */
		check_trunk(&shape, precisions[p], true);
		shape.norm_first = shape.norm_each = 0; /* wav2vec 2.0 base */
		check_trunk(&shape, precisions[p], false);
	}
}

/* --- memory --- */

/* A worker's scratch memory is one piece from the second recording on, and does not grow. */
static void memory_is_found_again(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx(), *worker = test_ctx();
	struct waves w;
	fv_trunk *t;
	fv_trunk_shape shape = base;
	test_ok(ctx, fv_trunk_open(ctx, &shape, FV_PRECISION_FP32, draw_tensor, &shape, &t));
	draw_waves(ctx, &w);
	float out[STATES * WIDTH];
	void *first = NULL;
	for (int round = 0; round < 4; round++) {
		test_ok(worker, fv_trunk_apply(t, worker, w.wave[11], w.n[11], 0, 1, out));
		core_scratch_reset(worker);
		void *memory = fv_scratch(worker, 1);
		core_scratch_reset(worker);
		if (round == 1)
			first = memory;
		if (round > 1)
			assert_ptr_equal(memory, first);
	}
	core_ctx_free(worker);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts),
		cmocka_unit_test(packed_as_alone),
		cmocka_unit_test(memory_is_found_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
