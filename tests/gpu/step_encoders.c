/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders against what the processor computed, state by state, in each precision; and each utterance alone against
 * itself in a pack, to the last bit. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/* Of the rms of a state's errors, and of the largest one, relative to the state's rms */
static const struct {
	double rms, largest;
} allowed[] = {
	[FV_PRECISION_FP32] = {4e-6, 8e-5},
	[FV_PRECISION_BF16X3] = {4e-5, 8e-4},
	[FV_PRECISION_BF16] = {3e-2, 3e-1},
	[FV_PRECISION_TF32] = {4e-3, 4e-2},
};

struct errors {
	double rms, largest;
};

static struct errors measure_part(const float *want, const float *got, int64_t n)
{
	double squares = 0, errors = 0, largest = 0;
	for (int64_t i = 0; i < n; i++) {
		const double off = fabs((double)got[i] - want[i]);
		squares += (double)want[i] * want[i];
		errors += off * off;
		largest = off <= largest ? largest : off; /* NaN is the largest */
	}
	const double rms = sqrt(squares / (double)n);
	return (struct errors){sqrt(errors / (double)n) / rms, largest / rms};
}

void suite_compare(suite *s, const char *what, const network *n, const network_input *in,
	fv_precision precision, const float *got)
{
	const int64_t count = fixture_count(n, in);
	float *want = malloc((size_t)count * sizeof *want);
	struct errors worst = {0, 0};
	int32_t state = 0;
	if (!want || !fixture_read(s->fixtures, n->name, want, count)) {
		suite_fault(s, "%s: no fixture", n->name);
		free(want);
		return;
	}
	for (int64_t at = 0; at < count;) {
		const fixture_part part = fixture_find_part(n, in, at);
		const struct errors e = measure_part(want + at, got + at, part.count);
		if (!(e.rms <= worst.rms)) {
			worst.rms = e.rms;
			state = part.state;
		}
		worst.largest = e.largest <= worst.largest ? worst.largest : e.largest;
		at += part.count;
	}
	free(want);
	char row[160];
	snprintf(row, sizeof row, "%s%s %s, rms of the worst state (%d)", what, n->name,
		suite_precisions[precision], state);
	suite_row(s, row, worst.rms, allowed[precision].rms, "of its rms");
	snprintf(row, sizeof row, "%s%s %s, largest", what, n->name, suite_precisions[precision]);
	suite_row(s, row, worst.largest, allowed[precision].largest, "of its state's rms");
}

/* Whether utterance u alone gives the bytes that it has, pooled, in a pack. */
static bool is_same_alone(suite *s, const network *n, core_device *device, const network_input *in,
	int32_t u, const float *packed)
{
	fv_ctx *worker = core_ctx_new();
	const network_input one = network_pick_input(in, u);
	const size_t bytes = (size_t)network_numbers(n, in->count[u], true) * sizeof(float);
	float *out = malloc(bytes);
	fv_status status = worker && out
				   ? network_run(n, worker, device, &one, true, (float *[]){out})
				   : FV_FAILED;
	if (status)
		suite_fault(s, "%s: %s", n->name, worker ? core_error_line(worker, 0) : "memory");
	const bool same = !status && !memcmp(out, packed, bytes);
	free(out);
	core_ctx_free(worker);
	return same;
}

static void check_alone(suite *s, const network *n, core_device *device, const network_input *in,
	fv_precision precision, const float *packed)
{
	int32_t other = 0;
	for (int32_t u = 0; u < in->n; u++) {
		other += !is_same_alone(s, n, device, in, u, packed);
		packed += network_numbers(n, in->count[u], true);
	}
	char row[160];
	snprintf(row, sizeof row, "%s %s, other bytes alone", n->name, suite_precisions[precision]);
	suite_row(s, row, other, 0, "utterances");
}

static void check_network(suite *s, const char *name, fv_precision precision)
{
	fv_ctx *ctx;
	core_device *device;
	network n;
	if (!network_describe(&n, name, s->small) || !suite_open(s, s->rows, &ctx, &device))
		return;
	const network_input in = network_draw_input(&n, ctx, s->small);
	float *got = malloc((size_t)fixture_count(&n, &in) * sizeof *got);
	fv_status status = got && in.rows ? network_open(&n, ctx, precision) : FV_FAILED;
	if (!status)
		status = fixture_compute(&n, ctx, device, &in, got);
	if (status) {
		suite_fault(s, "%s %s: %s", name, suite_precisions[precision],
			core_error_count(ctx) ? core_error_line(ctx, 0) : "out of memory");
	} else {
		suite_compare(s, "", &n, &in, precision, got);
		check_alone(s, &n, device, &in, precision, got);
	}
	free(got);
	suite_close(ctx, device);
}

void suite_encoders(suite *s)
{
	for (int i = 0; i < NETWORKS; i++) {
		const char *name = suite_networks[i];
		if (s->network && strcmp(s->network, name) != 0)
			continue;
		const int precisions = strcmp(name, "ge2e") != 0 ? 4 : 1; /* an LSTM is float32 */
		for (int p = 0; p < precisions; p++)
			check_network(s, name, (fv_precision)p);
	}
}
