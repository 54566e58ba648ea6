/* SPDX-License-Identifier: Apache-2.0 */
/* Another program has taken the GPU's memory: with 2 GB left, packs are smaller and the numbers the same; with 300 MB,
 * one line says that it is too little. */
#include <stdlib.h>
#include <string.h>

#include "suite.h"

extern const core_device_module fairvox_device_module;

/* Computes a network with what is left. Returns its status; NULL message: it worked. */
static fv_status compute_with_rest(suite *s, fv_ctx *ctx, int64_t *rows, bool compare)
{
	core_device *device = NULL;
	network n;
	fv_status status = fairvox_device_module.open(ctx, 0, s->rows, &device);
	if (status)
		return status;
	*rows = fairvox_device_module.rows(device);
	core_ctx_set_device(ctx, device);
	(void)network_describe(&n, "base-plus", s->small);
	const network_input in = network_draw_input(&n, ctx, s->small);
	float *got = malloc((size_t)fixture_count(&n, &in) * sizeof *got);
	status = got && in.rows ? network_open(&n, ctx, FV_PRECISION_FP32) : FV_FAILED;
	if (!status)
		status = fixture_compute(&n, ctx, device, &in, got);
	if (!status && compare)
		suite_compare(s, "memory taken, ", &n, &in, FV_PRECISION_FP32, got);
	free(got);
	fairvox_device_module.close(device);
	return status;
}

static void try_with(suite *s, size_t left, bool works)
{
	fv_ctx *ctx = core_ctx_new();
	int64_t rows = 0;
	if (!ctx || !gpu_take_memory(left)) {
		suite_fault(s, "the memory cannot be taken");
		core_ctx_free(ctx);
		return;
	}
	const fv_status status = compute_with_rest(s, ctx, &rows, works);
	const char *line = core_error_count(ctx) ? core_error_line(ctx, 0) : "no error";
	suite_note("%zu MB left: rows %lld; %s", left >> 20, (long long)rows, line);
	if (works && status)
		suite_fault(s, "%zu MB left: %s", left >> 20, line);
	if (!works && (!status || core_error_count(ctx) != 1 || !strstr(line, "memory")))
		suite_fault(s, "%zu MB left: not one line about memory: %s", left >> 20, line);
	core_ctx_free(ctx);
	gpu_release_memory();
}

void suite_memory(suite *s)
{
	const size_t mega = 1 << 20;
	try_with(s, s->small ? 30 * mega : 2048 * mega, true);
	try_with(s, s->small ? 11 * mega : 300 * mega, false);
}
