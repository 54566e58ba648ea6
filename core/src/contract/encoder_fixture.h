/* SPDX-License-Identifier: Apache-2.0 */
/* The made-up recordings that encoders are shown. */
#ifndef CORE_CONTRACT_ENCODER_FIXTURE_H
#define CORE_CONTRACT_ENCODER_FIXTURE_H

#include "contract/suite.h"

enum { SILENCE, NOISE, TONE, CLIPPED, OFFSET, SHORTEST, WAVES };
extern const char *const contract_waves[WAVES];

struct encoder {
	struct instance instance;
	fv_encoder_info info;
	const float *wave[WAVES]; /* in memory that cannot be written to */
	int64_t n[WAVES];
	core_fence *fence;
};

/* Makes waves of the encoder's rate; noise, tone and clipped noise have one length. False: memory is out. */
bool contract_make_waves(struct contract *c, struct encoder *e);

/* Checks an output's pooled features [L,D] of all recordings: those that differ must differ, and what hints at a
 * mistake is noted. */
void contract_check_features(struct contract *c, const fv_output *o, float *const *out);

#endif
