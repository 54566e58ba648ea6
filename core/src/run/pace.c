/* SPDX-License-Identifier: Apache-2.0 */
#include "run/pace.h"

#include <math.h>

fv_status core_pace_make(fv_ctx *ctx, const core_study *study, core_pace *out)
{
	size_t n = study->config->n_variants;
	*out = (core_pace){.study = study,
		.n = core_alloc(ctx, n, sizeof *out->n),
		.seconds = core_alloc(ctx, n, sizeof *out->seconds)};
	return out->n && out->seconds ? FV_OK : FV_FAILED;
}

void core_pace_add(core_pace *pace, const core_run *run, double seconds)
{
	pace->n[run->variant]++;
	pace->seconds[run->variant] += seconds;
}

/* Mean seconds of the ended runs of all variants with this objective; of all variants if it is NULL. NaN:
 * none has ended. */
static double find_mean(const core_pace *pace, const core_plugin *loss)
{
	int64_t n = 0;
	double sum = 0;
	for (size_t i = 0; i < pace->study->config->n_variants; i++) {
		if (loss && pace->study->config->variants[i].loss.plugin != loss)
			continue;
		n += pace->n[i];
		sum += pace->seconds[i];
	}
	return n ? sum / (double)n : NAN;
}

double core_pace_expect(const core_pace *pace, const int64_t *remaining)
{
	double total = 0, all = find_mean(pace, NULL);
	for (size_t i = 0; i < pace->study->config->n_variants; i++) {
		if (!remaining[i])
			continue;
		double each =
			pace->n[i] ? pace->seconds[i] / (double)pace->n[i]
				   : find_mean(pace, pace->study->config->variants[i].loss.plugin);
		total += (double)remaining[i] * (isnan(each) ? all : each);
	}
	return total;
}
