/* SPDX-License-Identifier: Apache-2.0 */
/* A sound grouper (by the first feature, soft) with places for one mistake; see loss.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fairvox/fairvox.h>

#include "second.h"

#ifndef MISTAKE
#define MISTAKE "sound"
#endif
#ifndef FILE_SCOPE
#define FILE_SCOPE
#endif
#ifndef USES
#define USES FV_USE_FEATURES
#endif
#ifndef FIT
#define FIT
#endif
#ifndef ASSIGN
#define ASSIGN
#endif
#ifndef ID
#define ID (x > 0)
#endif
#ifndef MEMBER
#define MEMBER (id[i] == g ? 0.75f : 0.25f)
#endif
#ifndef LAYERS
#define LAYERS 1
#endif
#ifndef PARAMS
#define PARAMS FV_PARAM_REAL(self, a, .name = "a", .max = 9, .def_paper = "1", .doc = "a")
#endif

typedef struct self {
	double a;
	int64_t calls;
	const char *name[2];
} self;

FILE_SCOPE

static uint32_t sound_uses(const void *state)
{
	(void)state;
	return USES;
}

static fv_status sound_fit(
	void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	self *me = state;
	if (train->layers > LAYERS)
		return fv_fail(ctx, FV_CONFIG, "choose one layer with the encoder's key 'layer'");
	me->name[0] = "low";
	me->name[1] = "high";
	out->groups = 2;
	out->name = me->name;
	out->soft = 1;
	FIT;
	return FV_OK;
}

static fv_status sound_assign(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	self *me = *(self *const *)(const void *)&state;
	(void)ctx, (void)me;
	for (int32_t i = 0; i < rows->n; i++) {
		float x = rows->x ? rows->x[(int64_t)i * rows->dims + rows->dims - 1] : 0;
		(void)x;
		id[i] = ID;
		for (int32_t g = 0; member && g < 2; g++)
			member[2 * i + g] = MEMBER;
	}
	ASSIGN;
	return FV_OK;
}

static const fv_param params[] = {PARAMS};
static const fv_grouper_ops ops =
	FV_GROUPER_OPS(.uses = sound_uses, .fit = sound_fit, .assign = sound_assign);
static const fv_descriptor descriptor = FV_GROUPER(.name = MISTAKE, .version = "1",
	.summary = "a mistake", .source = "none", .licence = "Apache-2.0",
	.state_size = sizeof(self), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
