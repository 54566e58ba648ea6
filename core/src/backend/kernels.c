/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/kernels.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/vector.h>

#include "backend/kernels_private.h"

/* Widest first */
static const core_kernels *const all[] = {
#if defined(__x86_64__)
	&core_kernels_amx,
	&core_kernels_avx512_bf16,
	&core_kernels_avx512,
	&core_kernels_avx2,
#endif
	&core_kernels_portable,
};

enum { ALL = sizeof all / sizeof *all };

size_t core_kernels_here(const core_kernels *out[CORE_KERNELS_MAX])
{
	core_cpu cpu = core_cpu_read();
	size_t n = 0;
	for (size_t i = 0; i < ALL; i++)
		if (all[i]->supported(&cpu))
			out[n++] = all[i];
	return n;
}

/* On Intel processors VDPBF16PS has three quarters of the speed of float32 products (104 against
 * 138 GFLOP/s on one with AMX, 78 against 125 on one without), on AMD processors twice that
 * speed. */
static bool is_worth_using(const core_kernels *kernels, const core_cpu *cpu)
{
	return !(cpu->intel && !strcmp(kernels->name, "avx512_bf16"));
}

const core_kernels *core_kernels_best(const core_cpu *cpu)
{
	size_t i = 0;
	while (!all[i]->supported(cpu) || !is_worth_using(all[i], cpu))
		i++;
	return all[i];
}

static const core_kernels *find_kernels(const char *name)
{
	for (size_t i = 0; i < ALL; i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}

fv_status core_kernels_find(fv_ctx *ctx, const char *name, const core_kernels **out)
{
	const core_kernels *one = find_kernels(name), *here[CORE_KERNELS_MAX];
	core_cpu cpu = core_cpu_read();
	if (one && one->supported(&cpu)) {
		*out = one;
		return FV_OK;
	}
	size_t n = core_kernels_here(here);
	const char *list = here[0]->name;
	for (size_t i = 1; i < n && list; i++)
		list = core_format(ctx, "%s, %s", list, here[i]->name);
	return fv_fail(ctx, FV_CONFIG, "FAIRVOX_CPU: %s '%s': use one of %s",
		one ? "this processor does not support" : "there are no kernels named", name,
		list ? list : "");
}

/* The value of FAIRVOX_CPU; NULL when it is unset or empty. */
static const char *read_wanted_name(void)
{
	const char *name = getenv("FAIRVOX_CPU");
	return name && *name ? name : NULL;
}

fv_status core_kernels_check(fv_ctx *ctx)
{
	const core_kernels *used;
	const char *name = read_wanted_name();
	return name ? core_kernels_find(ctx, name, &used) : FV_OK;
}

/* Chosen on the first call and kept. Threads that race choose the same kernels. */
const core_kernels *core_kernels_used(void)
{
	static _Atomic(const core_kernels *) used;
	const core_kernels *one = atomic_load_explicit(&used, memory_order_acquire);
	if (one)
		return one;
	core_cpu cpu = core_cpu_read();
	const char *name = read_wanted_name();
	one = name ? find_kernels(name) : NULL;
	if (!one || !one->supported(&cpu))
		one = core_kernels_best(&cpu);
	atomic_store_explicit(&used, one, memory_order_release);
	return one;
}

void fv_gelu(const float *x, float *y, int64_t n)
{
	core_kernels_used()->gelu(x, y, n);
}

void fv_layer_norm(const float *x, int64_t rows, int64_t width, const float *scale,
	const float *offset, float eps, float *y)
{
	core_kernels_used()->layer_norm(x, rows, width, scale, offset, eps, y);
}

void fv_softmax(float *x, int64_t rows, int64_t width, int64_t stride)
{
	core_kernels_used()->softmax(x, rows, width, stride);
}

void fv_column_moments(const float *x, const float *logit, int64_t rows, int64_t width,
	int64_t stride, const float *centre, const float *peak, double *sums)
{
	core_kernels_used()->column_moments(x, logit, rows, width, stride, centre, peak, sums);
}
