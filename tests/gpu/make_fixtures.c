/* SPDX-License-Identifier: Apache-2.0 */
/* make_fixtures FOLDER [--small]: computes the networks on the processor, in float32, for comparison with a GPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static bool make_fixture(const char *folder, const char *name, bool small)
{
	fv_ctx *ctx = core_ctx_new();
	network n;
	if (!ctx || !network_describe(&n, name, small))
		return false;
	const network_input in = network_draw_input(&n, ctx, small);
	fv_status status = in.rows ? network_open(&n, ctx, FV_PRECISION_FP32) : FV_FAILED;
	const int64_t count = fixture_count(&n, &in);
	float *x = malloc((size_t)count * sizeof *x);
	if (!status)
		status = x ? fixture_compute(&n, ctx, core_device_cpu(), &in, x) : FV_FAILED;
	if (status)
		fprintf(stderr, "%s: %s\n", name,
			core_error_count(ctx) ? core_error_line(ctx, 0) : "out of memory");
	const bool good = !status && fixture_write(folder, name, x, count);
	free(x);
	core_ctx_free(ctx);
	return good;
}

int main(int argc, char **argv)
{
	static const char *const names[NETWORKS] = {"base-plus", "large", "ecapa", "ge2e"};
	const bool small = argc > 2 && !strcmp(argv[2], "--small");
	bool good = argc > 1;
	for (int i = 0; i < NETWORKS && good; i++)
		good = make_fixture(argv[1], names[i], small);
	return !good;
}
