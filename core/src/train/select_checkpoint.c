/* SPDX-License-Identifier: Apache-2.0 */
/* Saves and restores what was judged so far, as parts of the checkpoint of a run. */
#include <math.h>

#include "train/select.h"

enum { EPOCH, F1, VALUE, PLACE, PACKED };

fv_status core_select_add(core_select *s, core_run_checkpoint *state)
{
	if (!s->capacity && !core_select_grow(s, 2))
		return FV_FAILED;
	for (int32_t i = 0; i < s->capacity; i++) {
		double *to = s->packed + PACKED * i;
		to[EPOCH] = s->candidate[i].epoch;
		to[F1] = s->candidate[i].f1;
		to[VALUE] = s->candidate[i].value;
		to[PLACE] = s->candidate[i].place;
	}
	core_run_checkpoint_add(state, "select.judged", FV_I32, 1, &s->judged);
	core_run_checkpoint_add(state, "select.best_f1", FV_F64, 1, &s->best_f1);
	core_run_checkpoint_add(state, "select.n", FV_I32, 1, &s->n);
	core_run_checkpoint_add(
		state, "select.candidates", FV_F64, PACKED * s->capacity, s->packed);
	core_run_checkpoint_add(state, "select.models", FV_F32, s->capacity * s->count, s->models);
	return FV_OK;
}

fv_status core_select_reserve(core_select *s, const core_run_checkpoint *state)
{
	int64_t numbers = core_run_checkpoint_count(state, "select.candidates");
	int64_t capacity = numbers / PACKED;
	if (capacity <= s->capacity || capacity > 2 * s->job->spec->epochs + 2)
		return FV_OK; /* what does not fit is refused when it is restored */
	return core_select_grow(s, (int32_t)capacity) ? FV_OK : FV_FAILED;
}

bool core_select_unpack(core_select *s, int32_t epoch)
{
	bool sound = s->n >= 0 && s->n <= s->capacity && s->judged >= 0 && s->judged < epoch;
	for (int32_t i = 0; sound && i < s->capacity; i++) {
		const double *from = s->packed + PACKED * i;
		sound = from[PLACE] >= 0 && from[PLACE] < s->capacity &&
			from[PLACE] == floor(from[PLACE]) && from[EPOCH] >= 0 &&
			from[EPOCH] < epoch;
		if (!sound)
			break;
		s->candidate[i] = (core_candidate){
			(int32_t)from[EPOCH], from[F1], from[VALUE], (int32_t)from[PLACE]};
		for (int32_t j = 0; j < i; j++)
			sound &= s->candidate[j].place != s->candidate[i].place;
	}
	return sound;
}
