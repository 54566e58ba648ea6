/* SPDX-License-Identifier: Apache-2.0 */
#include "train/schedule.h"

#include <math.h>

#define PI 3.14159265358979323846
/* PyTorch's threshold (relative) and eps */
#define THRESHOLD 1e-4
#define SMALLEST_CHANGE 1e-8

void core_schedule_init(core_schedule *s, const core_train_spec *spec)
{
	*s = (core_schedule){.spec = spec, .rate = spec->learning_rate, .best = INFINITY};
}

void core_schedule_begin(core_schedule *s, int32_t epoch)
{
	if (s->spec->schedule != CORE_SCHEDULE_COSINE)
		return;
	s->rate = s->spec->learning_rate * (1 + cos(PI * (epoch - 1) / s->spec->epochs)) / 2;
}

void core_schedule_end(core_schedule *s, double value)
{
	if (s->spec->schedule != CORE_SCHEDULE_PLATEAU)
		return;
	bool better = isfinite(value) && value < s->best * (1 - THRESHOLD);
	s->best = better ? value : s->best;
	s->bad = better ? 0 : s->bad + 1;
	if (s->bad <= s->spec->plateau_patience)
		return;
	double lower = s->rate * s->spec->plateau_factor;
	s->rate = s->rate - lower > SMALLEST_CHANGE ? lower : s->rate;
	s->bad = 0;
}
