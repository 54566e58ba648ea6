/* SPDX-License-Identifier: Apache-2.0 */
/* What the features of recordings that differ must be besides finite. */
#include <math.h>
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

/* Notes an output whose numbers are so small that squares and products of them are 0 in float32. */
static void note_tiny(struct contract *c, const fv_output *o, float *const *out)
{
	double largest = 0;
	for (int32_t kind = 0; kind < WAVES; kind++)
		for (int64_t i = 0; i < (int64_t)o->layers * o->dims; i++)
			largest = fmax(largest, fabs((double)out[kind][i]));
	if (largest > 0 && largest < 1e-30)
		contract_note(c, "recordings",
			"output '%s': no number is larger than %g for the recordings shown: is a "
			"factor wrong?",
			o->name, largest);
}

void contract_check_features(struct contract *c, const fv_output *o, float *const *out)
{
	check_difference(c, o, out);
	note_tiny(c, o, out);
}
