/* SPDX-License-Identifier: Apache-2.0 */
/* How long the rows of a corpus are. */
#include <math.h>
#include <string.h>

#include "corpus/audio.h"

static fv_status find_duration(
	fv_ctx *ctx, const core_corpus *corpus, int32_t row, double whole, double *out)
{
	*out = whole;
	if (!corpus->start)
		return FV_OK;
	double end = isfinite(corpus->end[row]) ? corpus->end[row] : whole;
	*out = end - corpus->start[row];
	return *out > 0 ? FV_OK
			: core_fail_at(ctx, FV_DATA, corpus->source[row], corpus->line[row], 0,
				  "the segment starts at %.9g s, but the recording has %.9g s",
				  corpus->start[row], whole);
}

/* Is the length of the whole recording needed? */
static bool is_open_ended(const core_corpus *corpus, int32_t row)
{
	return !corpus->start || !isfinite(corpus->end[row]);
}

fv_status core_audio_durations(
	fv_ctx *ctx, const core_corpus *corpus, const char *const *path, double *seconds)
{
	fv_status status = FV_OK;
	const char *last = NULL;
	double whole = 0;
	for (int32_t i = 0; i < corpus->n; i++) {
		fv_status step = FV_OK;
		if (is_open_ended(corpus, i) && (!last || strcmp(last, path[i]))) {
			step = core_audio_seconds(ctx, path[i], &whole);
			last = step ? NULL : path[i];
		}
		if (!step)
			step = find_duration(ctx, corpus, i, whole, &seconds[i]);
		status = step ? step : status;
	}
	return status;
}
