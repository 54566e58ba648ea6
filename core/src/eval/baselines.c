/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/baselines.h"

#include "base/stream.h"
#include "nn/base_loss.h"

const char *core_baseline_name(core_baseline baseline)
{
	static const char *const names[CORE_BASELINES] = {
		[CORE_BASELINE_RANDOM] = "random",
		[CORE_BASELINE_ALL_POSITIVE] = "all_positive",
		[CORE_BASELINE_MAJORITY_ONLY] = "majority_only",
		[CORE_BASELINE_PERFECT] = "perfect",
	};
	return names[baseline];
}

static void draw_random_row(uint64_t seed, const char *stem, int32_t C, float *prob)
{
	fv_stream stream = core_stream(seed, 0, "baseline.random", 0, fv_name_hash(stem));
	for (int32_t c = 0; c < C; c++)
		prob[c] = (float)fv_uniform(&stream);
	core_softmax(1, C, prob, prob);
}

void core_baseline_fill(core_baseline baseline, const core_eval_set *set, const char *const *stem,
	uint64_t seed, int32_t majority, float *prob)
{
	int32_t C = set->C;
	for (int64_t i = 0; i < set->n; i++) {
		float *row = prob + i * C;
		if (baseline == CORE_BASELINE_RANDOM) {
			draw_random_row(seed, stem[i], C, row);
			continue;
		}
		for (int32_t c = 0; c < C; c++) {
			bool positive = baseline == CORE_BASELINE_ALL_POSITIVE ||
					(baseline == CORE_BASELINE_MAJORITY_ONLY && c == majority);
			/* the label itself, so that its largest entry is that of the label too */
			row[c] = baseline == CORE_BASELINE_PERFECT ? set->label[i * C + c]
				 : positive                        ? 1
								   : 0;
		}
	}
}

int32_t core_majority_class(const core_eval_set *train)
{
	float threshold = core_eval_threshold(train);
	int32_t best = 0;
	int64_t most = -1;
	for (int32_t c = 0; c < train->C; c++) {
		int64_t positives = 0;
		for (int64_t i = 0; i < train->n; i++)
			positives += train->label[i * train->C + c] > threshold;
		if (positives > most) {
			most = positives;
			best = c;
		}
	}
	return best;
}
