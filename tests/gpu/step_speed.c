/* SPDX-License-Identifier: Apache-2.0 */
/* As many recordings and hours as CREMA-D has, through WavLM base-plus in each precision: seconds, and the time of each
 * operation beside the least that it could be. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "suite.h"

enum { RATE = 16000, RECORDINGS = 7442, FEW = 6, NOISE = 1 << 20 };
static const double hours = 5.26;

/* What an H100 or H200 (SXM) does at most, in products of each precision */
static const double most_operations[] = {
	[FV_PRECISION_FP32] = 67e12,
	[FV_PRECISION_BF16X3] = 989e12 / 3,
	[FV_PRECISION_BF16] = 989e12,
	[FV_PRECISION_TF32] = 494e12,
};
/* Seconds for all recordings; < 0: none */
static const double bars[] = {
	[FV_PRECISION_FP32] = 12,
	[FV_PRECISION_BF16X3] = 6,
	[FV_PRECISION_BF16] = -1,
	[FV_PRECISION_TF32] = -1,
};

struct corpus {
	int32_t n;
	int64_t *samples; /* [n] */
	float *noise;     /* [NOISE] */
	float *input;     /* of a pack */
	float *result;    /* of a pack */
	int64_t frames;   /* of a pack, at most */
};

static double read_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Lengths about their mean, from half of it to twice */
static void draw_lengths(struct corpus *c, double mean)
{
	float x[4];
	for (int32_t i = 0; i < c->n; i++) {
		network_draw(x, 4, 0, 0.5, 9000 + (uint64_t)i);
		double scale = 1 + 0.2 * (double)(x[0] + x[1] + x[2] + x[3]);
		scale = scale < 0.5 ? 0.5 : scale;
		c->samples[i] = (int64_t)(scale * mean);
	}
}

static bool open_corpus(struct corpus *c, const network *n, bool small, int64_t rows)
{
	const double mean = small ? 3000 : hours * 3600 * RATE / RECORDINGS;
	c->n = small ? FEW : RECORDINGS;
	c->frames = rows;
	c->samples = malloc((size_t)c->n * sizeof *c->samples);
	c->noise = malloc(NOISE * sizeof *c->noise);
	c->input = malloc((size_t)(UTTERANCES_MAX * 4 * (int64_t)mean) * sizeof *c->input);
	c->result = malloc(
		(size_t)(UTTERANCES_MAX * network_numbers(n, 400, true)) * sizeof *c->result);
	if (!c->samples || !c->noise || !c->input || !c->result)
		return false;
	draw_lengths(c, mean);
	network_draw(c->noise, NOISE, 0, 0.1, 8000);
	return true;
}

static void close_corpus(struct corpus *c)
{
	free(c->samples);
	free(c->noise);
	free(c->input);
	free(c->result);
}

/* Fills a pack with the recordings from `first` on. Returns how many. */
static int32_t fill_pack(const struct corpus *c, int32_t first, network_input *in)
{
	int64_t frames = 0, at = 0;
	*in = (network_input){.width = 1, .rows = c->input};
	for (int32_t i = first; i < c->n && in->n < UTTERANCES_MAX; i++) {
		const int64_t n = c->samples[i];
		frames += n / 320;
		if (in->n > 0 && frames > c->frames)
			break;
		for (int64_t k = 0; k < n; k++)
			in->rows[at++] = c->noise[(k + 977 * i) % NOISE];
		in->count[in->n++] = n;
	}
	return in->n;
}

static fv_status encode_corpus(
	const struct corpus *c, const network *n, core_device *device, fv_ctx *ctx)
{
	fv_status status = FV_OK;
	network_input in;
	float *out[UTTERANCES_MAX];
	const int64_t numbers = network_numbers(n, 400, true);
	for (int u = 0; u < UTTERANCES_MAX; u++)
		out[u] = c->result + u * numbers;
	for (int32_t first = 0; first < c->n && !status; first += in.n) {
		fv_ctx *worker = core_ctx_new();
		if (!worker)
			return FV_FAILED;
		(void)fill_pack(c, first, &in);
		status = network_run(n, worker, device, &in, true, out);
		if (status)
			(void)fv_fail(ctx, status, "%s", core_error_line(worker, 0));
		core_ctx_free(worker);
	}
	return status;
}

static void time_corpus(suite *s, const struct corpus *c, const network *n, core_device *device,
	fv_ctx *ctx, fv_precision precision)
{
	const char *name = suite_precisions[precision];
	char row[96];
	network_input in;
	float *out[UTTERANCES_MAX];
	for (int u = 0; u < UTTERANCES_MAX; u++)
		out[u] = c->result;
	(void)fill_pack(c, 0, &in); /* a first pack chooses algorithms and takes memory */
	fv_ctx *worker = core_ctx_new();
	fv_status status = worker ? network_run(n, worker, device, &in, true, out) : FV_FAILED;
	core_ctx_free(worker);
	(void)gpu_report_times(NULL, name);
	const double begun = read_clock();
	if (!status)
		status = encode_corpus(c, n, device, ctx);
	const double seconds = read_clock() - begun;
	if (status) {
		suite_fault(s, "%s: %s", name,
			core_error_count(ctx) ? core_error_line(ctx, 0) : "failed");
		return;
	}
	snprintf(row, sizeof row, "%s, %d recordings", name, c->n);
	suite_row(s, row, seconds, s->small ? -1 : bars[precision], "s");
	const double busy = gpu_report_times(s, name);
	snprintf(row, sizeof row, "%s, GPU busy", name);
	suite_row(s, row, 100 * busy / seconds, -1, "%");
}

static void time_precision(suite *s, fv_precision precision, double copies)
{
	fv_ctx *ctx;
	core_device *device;
	network n;
	struct corpus c = {0};
	char row[96];
	double begun = read_clock();
	if (!suite_open(s, s->rows, &ctx, &device))
		return;
	const double opened = read_clock();
	(void)network_describe(&n, "base-plus", s->small);
	if (network_open(&n, ctx, precision) ||
		!open_corpus(&c, &n, s->small, s->rows ? s->rows : 16384)) {
		suite_fault(s, "%s: %s", suite_precisions[precision],
			core_error_count(ctx) ? core_error_line(ctx, 0) : "out of memory");
	} else {
		snprintf(row, sizeof row, "%s, GPU opened", suite_precisions[precision]);
		suite_row(s, row, opened - begun, -1, "s");
		gpu_time_operations(device, most_operations[precision],
			most_operations[FV_PRECISION_FP32], copies);
		time_corpus(s, &c, &n, device, ctx, precision);
	}
	close_corpus(&c);
	suite_close(ctx, device);
}

void suite_speed(suite *s)
{
	const double copies = gpu_measure_copies(s->small);
	suite_row(s, "copies within memory", copies * 1e-12, -1, "TB/s");
	for (int p = 0; p < 4; p++)
		time_precision(s, (fv_precision)p, copies);
}
