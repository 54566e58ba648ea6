/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/encoder_fixture.h"

#include <math.h>

const char *const contract_waves[WAVES] = {
	"silence", "noise", "a tone", "clipped noise", "a constant", "the shortest recording"};

static bool protect_waves(struct contract *c, struct encoder *e)
{
	core_fence_part part[WAVES];
	const void *to[WAVES];
	for (int32_t i = 0; i < WAVES; i++)
		part[i] = (core_fence_part){"wave", e->wave[i], (size_t)e->n[i] * sizeof **e->wave};
	e->fence = core_fence_open_shown(c->ctx, "wave", part, WAVES, true, to);
	if (!e->fence)
		return false;
	for (int32_t i = 0; i < WAVES; i++)
		e->wave[i] = to[i];
	return true;
}

bool contract_make_waves(struct contract *c, struct encoder *e)
{
	int64_t rate = e->info.rate_hz, least = e->info.min_samples;
	for (int32_t kind = 0; kind < WAVES; kind++) {
		const bool alike = kind == TONE || kind == CLIPPED;
		int64_t n = rate + 37 * (alike ? NOISE : kind);
		n = kind == SHORTEST || n < least ? least : n;
		float *wave = contract_alloc(c, (size_t)n, sizeof *wave);
		if (!wave)
			return false;
		fv_stream s = fv_rng_seeded(1, "contract.wave", kind, 0);
		for (int64_t i = 0; i < n; i++) {
			double noise = 2 * fv_uniform(&s) - 1, t = (double)i / (double)rate;
			double value = 0.1 * noise;
			value = kind == SILENCE ? 0 : value;
			value = kind == TONE
					? 0.5 * sin(2 * 3.14159265358979 * 180 * t) + 0.05 * noise
					: value;
			value = kind == CLIPPED ? (noise > 0 ? 1 : -1) : value;
			wave[i] = (float)(kind == OFFSET ? 0.25 : value);
		}
		e->wave[kind] = wave;
		e->n[kind] = n;
	}
	return protect_waves(c, e);
}
