/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/argmax.h"

#define MAJORITY 0.5f

/* Returns the first of the largest values. */
static int32_t find_largest(const float *value, int32_t C)
{
	int32_t best = 0;
	for (int32_t c = 1; c < C; c++)
		if (value[c] > value[best])
			best = c;
	return best;
}

bool core_has_majority(const float *label, int32_t C)
{
	int32_t above = 0;
	for (int32_t c = 0; c < C; c++)
		above += label[c] > MAJORITY;
	return above == 1;
}

bool core_argmax_read(const core_eval_set *set, int64_t row, core_argmax_row *out)
{
	const float *label = set->label + row * set->C;
	*out = (core_argmax_row){
		find_largest(set->prob + row * set->C, set->C), find_largest(label, set->C)};
	return label[out->label] > 0 && (!set->majority_only || core_has_majority(label, set->C));
}

int64_t core_count_no_majority(const core_eval_set *set)
{
	int64_t n = 0;
	for (int64_t i = 0; i < set->n; i++)
		n += !core_has_majority(set->label + i * set->C, set->C);
	return n;
}

void core_confusion_count(
	const core_eval_set *set, const int32_t *id, int32_t group, int64_t *count)
{
	core_argmax_row one;
	for (int64_t i = 0; i < set->n; i++)
		if ((!id || id[i] == group) && core_argmax_read(set, i, &one))
			count[one.label * set->C + one.predicted]++;
}
