/* SPDX-License-Identifier: Apache-2.0 */
/* A sound loss (ERM with two parameters) with places for one mistake. run.py defines MISTAKE, the plugin's name,
 * and some of the macros below from losses.txt. */
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fairvox/fairvox.h>

#include "second.h"

#ifndef MISTAKE
#define MISTAKE "sound"
#endif
#ifndef FILE_SCOPE
#define FILE_SCOPE
#endif
#ifndef OPEN
#define OPEN
#endif
#ifndef WEIGH
#define WEIGH
#endif
#ifndef EVALUATE
#define EVALUATE
#endif
#ifndef CLOSE
#define CLOSE
#endif
#ifndef GROUPS
#define GROUPS 0
#endif
#ifndef OPS
#define OPS                                                                                        \
	FV_LOSS_OPS(.uses_groups = GROUPS, .open = sound_open, .weigh = sound_weigh,               \
		.evaluate = sound_evaluate, .close = sound_close)
#endif
#ifndef PARAMS
#define PARAMS                                                                                     \
	FV_PARAM_REAL(self, a, .name = "a", .min = 0, .max = 9, .def_paper = "1", .doc = "a"),     \
		FV_PARAM_CHOICE(                                                                   \
			self, b, .name = "b", .choices = "x|y", .def_paper = "x", .doc = "b")
#endif
#ifndef DESCRIPTOR
#define DESCRIPTOR
#endif
#ifndef AT_LOAD
#define AT_LOAD
#endif
#ifndef ENTRY
#define ENTRY return &descriptor;
#endif

typedef struct self {
	double a;
	int32_t b, pad;
	int64_t calls;
	const float *label;
} self;

__attribute__((unused)) static volatile int zero;
FILE_SCOPE

__attribute__((unused)) static fv_status sound_open(
	void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	self *me = state;
	(void)ctx, (void)setup, (void)me;
	OPEN;
	return FV_OK;
}

__attribute__((unused)) static fv_status sound_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	self *me = state;
	(void)ctx, (void)me;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		v[i] = 1.0 / batch->n;
		*value += batch->loss[i] / batch->n;
	}
	WEIGH;
	return FV_OK;
}

__attribute__((unused)) static fv_status sound_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	self *me = *(self *const *)(const void *)&state;
	(void)ctx, (void)me;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++)
		*value += batch->loss[i] / batch->n;
	EVALUATE;
	return FV_OK;
}

__attribute__((unused)) static void sound_close(void *state)
{
	self *me = state;
	(void)me;
	CLOSE;
}

#ifdef MORE
MORE
#endif

	__attribute__((unused)) static const fv_param params[] = {PARAMS};
static const fv_loss_ops ops = OPS;

#pragma GCC diagnostic ignored "-Woverride-init"
static const fv_descriptor descriptor = FV_LOSS(.name = MISTAKE, .version = "1",
	.summary = "a mistake", .source = "none", .licence = "Apache-2.0",
	.state_size = sizeof(self), FV_PARAMS(params), .ops = &ops, DESCRIPTOR);

__attribute__((constructor)) static void at_load(void)
{
	AT_LOAD;
}

#ifdef NO_ENTRY
const void *not_the_entry(void);
const void *not_the_entry(void)
{
	return &descriptor;
}
#else
FV_PLUGIN_ENTRY
{
	(void)descriptor;
	ENTRY
}
#endif
