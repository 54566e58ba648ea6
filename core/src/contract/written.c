/* SPDX-License-Identifier: Apache-2.0 */
/* Finds numbers of an output that an encoder does not write. They are filled with a signalling NaN before the call:
 * where it is still there, nothing was written, and what is computed from it is the same NaN with the quiet bit. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "contract/suite.h"

#define UNWRITTEN UINT32_C(0x7fa0fa1b)
#define QUIET_BIT UINT32_C(0x00400000)

void contract_mark_unwritten(float *out, int64_t n)
{
	const uint32_t mark = UNWRITTEN;
	for (int64_t i = 0; i < n; i++)
		memcpy(out + i, &mark, sizeof mark);
}

static uint32_t read_bits(const float *at)
{
	uint32_t bits;
	memcpy(&bits, at, sizeof bits);
	return bits;
}

/* Writes "layer 0, frame 3, column 2 (f0)" for number i of [L,D], or of [L,T,D] if there are frames. */
static void name_place(const fv_output *o, int64_t frames, int64_t i, char *text, size_t size)
{
	char frame[48] = "";
	int64_t column = i % o->dims, row = i / o->dims;
	if (frames)
		snprintf(frame, sizeof frame, " frame %lld,", (long long)(row % frames));
	snprintf(text, size, "layer %lld,%s column %lld%s%s%s",
		(long long)(frames ? row / frames : row), frame, (long long)column,
		o->columns ? " (" : "", o->columns ? o->columns[column] : "",
		o->columns ? ")" : "");
}

bool contract_expect_written(struct contract *c, const char *check, const fv_output *o,
	const float *out, int64_t frames, const char *shown)
{
	char place[256];
	int64_t n = (frames ? frames : 1) * o->layers * o->dims, i = 0;
	while (i < n && (read_bits(out + i) | QUIET_BIT) != (UNWRITTEN | QUIET_BIT))
		i++;
	if (i < n)
		name_place(o, frames, i, place, sizeof place);
	contract_classify(c, "encode", "not written");
	bool ok = contract_expect(c, i == n, check, "output '%s': %s was %s for %s", o->name, place,
		i < n && read_bits(out + i) == UNWRITTEN
			? "not written"
			: "read before it was written (out is not cleared)",
		shown);
	contract_classify(c, NULL, NULL);
	return ok;
}
