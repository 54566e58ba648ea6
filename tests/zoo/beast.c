/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin file with one fault, chosen by the macro it is compiled with (tests/CMakeLists.txt).
 * BEAST is its name as a string. */
#include <fenv.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fairvox/fairvox.h>

#ifndef NO_OPS
static fv_status beast_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	(void)state, (void)ctx;
	for (int32_t i = 0; i < batch->n; i++)
		v[i] = 1.0 / batch->n;
	*value = 0;
	return FV_OK;
}
#endif

static const fv_loss_ops ops = {
#ifndef ZERO_OPS
	.size = sizeof ops,
#endif
#ifndef NO_OPS
	.weigh = beast_weigh,
#endif
};

#ifdef MISTYPED
static const void *beast_extension(const char *id)
{
	static const fv_networks_1 networks = FV_NETWORKS(.build = NULL);
	return strcmp(id, "fv.networks/2") ? NULL : &networks;
}
#endif

#ifdef OUTSIDE_STATE
#define OFFSET 4
#else
#define OFFSET 0
#endif

static const fv_param params[] = {
	{.size = sizeof *params,
		.type = FV_INT,
		.offset = OFFSET,
		.name = "n",
		.max = 9,
		.def_paper = "1",
		.doc = "a number"},
#ifdef TWICE
	{.size = sizeof *params,
		.type = FV_INT,
		.name = "n",
		.max = 9,
		.def_paper = "1",
		.doc = "the same again"},
#endif
};

static const fv_descriptor descriptor = {
#ifdef SMALL
	.size = 16,
#else
	.size = sizeof descriptor,
#endif
#ifdef WRONG_ABI
	.abi = 999,
#else
	.abi = FV_ABI,
#endif
#ifdef WRONG_KIND
	.kind = (fv_kind)9,
#else
	.kind = FV_LOSS,
#endif
#ifdef OTHER_NAME
	.name = "somebody_else",
#else
	.name = BEAST,
#endif
	.version = "1",
	.summary = "a plugin for tests",
#ifndef NO_SOURCE
	.source = "none",
#endif
	.licence = "Apache-2.0",
	.state_size = 8,
	.params = params,
	.n_params = sizeof params / sizeof *params,
	.ops = &ops,
#ifdef MISTYPED
	.extension = beast_extension,
#endif
};

#ifdef UNDEFINED
extern int fairvox_zoo_nowhere(void);
#endif

#if defined(CRASH) || defined(HANG) || defined(EXITS) || defined(LOCALE) || defined(ROUNDING)
__attribute__((constructor)) static void at_load(void)
{
#ifdef CRASH
	abort();
#elif defined(HANG)
	for (;;)
		pause();
#elif defined(EXITS)
	_exit(3);
#elif defined(LOCALE)
	setenv("LC_ALL", "C.UTF-8", 1);
	setlocale(LC_ALL, "C.UTF-8");
#elif defined(ROUNDING)
	fesetround(FE_UPWARD);
#endif
}
#endif

#ifdef NO_ENTRY
FV_EXPORT const fv_descriptor *fv_plugin_other(void);
const fv_descriptor *fv_plugin_other(void)
{
	return &descriptor;
}
#else
FV_PLUGIN_ENTRY
{
#ifdef UNDEFINED
	fairvox_zoo_nowhere();
#endif
#ifdef RETURNS_NULL
	(void)descriptor;
	return NULL;
#else
	return &descriptor;
#endif
}
#endif
