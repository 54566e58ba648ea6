/* SPDX-License-Identifier: Apache-2.0 */
/* What the features of recordings that differ must be besides finite. */
#include <string.h>

#include "contract/encoder_fixture.h"

/* Recordings of one length that differ as much as noise, a tone and clipped noise must not all give the same. */
static void check_difference(struct contract *c, const fv_output *o, float *const *out)
{
	size_t size = (size_t)o->layers * (size_t)o->dims * sizeof **out;
	bool same = !memcmp(out[NOISE], out[TONE], size) && !memcmp(out[NOISE], out[CLIPPED], size);
	contract_expect(c, !same, "recordings",
		"output '%s' is the same for noise, a tone and clipped noise of one length",
		o->name);
}

void contract_check_features(struct contract *c, const fv_output *o, float *const *out)
{
	check_difference(c, o, out);
}
