/* SPDX-License-Identifier: Apache-2.0 */
#include "report/within_groups.h"

#include <math.h>

#include "eval/calibration.h"
#include "eval/speaker_spread.h"

/* Computes how far the UAR of the speakers in a group lies apart; id NULL: of all speakers. */
static fv_status compute_spread(fv_ctx *ctx, const core_eval_set *set,
	const core_speakers *speakers, const int32_t *id, int32_t group, double *out)
{
	core_tally counts;
	core_speaker_spread spread;
	int32_t *keep = core_alloc(ctx, (size_t)set->n + 1, sizeof *keep);
	if (!keep)
		return FV_FAILED;
	for (int64_t i = 0; i < set->n; i++)
		keep[i] = !id || id[i] == group ? 0 : -1;
	fv_status status = core_tally_make(ctx, set, speakers->S, speakers->of_row, keep, &counts);
	if (!status)
		status = core_speaker_spread_compute(ctx, &counts, CORE_MIN_SUPPORT, &spread);
	*out = status ? NAN : spread.sd;
	return status;
}

/* Adds a seed's share of the means. */
static void add_seed(const core_estimate *metric, const core_threshold_free_metrics *free,
	double spread, double share, core_within *out)
{
	out->rows = free->n;
	out->uar += share * metric[CORE_UAR].value;
	out->auc += share * metric[CORE_AUC].value;
	out->ap += share * metric[CORE_AP].value;
	out->brier += share * metric[CORE_BRIER].value;
	out->ece += share * metric[CORE_ECE].value;
	out->ece_null += share * metric[CORE_ECE].null_mean;
	out->speaker_spread += share * spread;
	out->labels_predicted += share * free->labels_predicted;
	out->labels_true += share * free->labels_true;
}

/* Adds one seed to all means. speakers NULL: not known. */
static fv_status add_set(fv_ctx *ctx, const core_test_set *test, const core_eval_set *set,
	const core_speakers *speakers, double share, core_within_groups *out)
{
	core_metrics m;
	const core_draws draws = {.n = CORE_WITHIN_DRAWS, .seed = CORE_DRAWS_SEED};
	double spread = NAN;
	fv_status status = core_metrics_compute(
		ctx, set, test->classes, test->n_attributes, test->attribute, &m);
	if (!status)
		status = core_calibration_assess(ctx, set, test->attribute, &draws, &m);
	if (!status && speakers)
		status = compute_spread(ctx, set, speakers, NULL, 0, &spread);
	if (status)
		return status;
	add_seed(m.metric, &m.threshold_free, spread, share, &out->all);
	for (int32_t a = 0; a < test->n_attributes; a++)
		for (int32_t g = 0; g < test->attribute[a].G && !status; g++) {
			const core_attribute_metrics *own = &m.attribute[a];
			if (speakers)
				status = compute_spread(
					ctx, set, speakers, test->attribute[a].id, g, &spread);
			add_seed(own->group_metric + (size_t)g * CORE_METRICS,
				&own->threshold_free[g], spread, share, &out->group[a][g]);
		}
	return status;
}

fv_status core_within_groups_make(fv_ctx *ctx, const core_test_set *test,
	const core_variant_predictions *predictions, bool has_speakers, core_within_groups *out)
{
	core_speakers speakers;
	fv_status status = FV_OK;
	*out = (core_within_groups){
		.group = core_alloc(ctx, (size_t)test->n_attributes + 1, sizeof *out->group)};
	if (!out->group)
		return FV_FAILED;
	for (int32_t a = 0; a < test->n_attributes; a++) {
		size_t n = (size_t)test->attribute[a].G + 1;
		if (!(out->group[a] = core_alloc(ctx, n, sizeof **out->group)))
			return FV_FAILED;
	}
	if (has_speakers)
		status = core_speakers_make(ctx, &test->rows, &speakers);
	for (int32_t k = 0; k < predictions->n_seeds && !status; k++) {
		core_mark before = core_ctx_mark(ctx);
		status = add_set(ctx, test, &predictions->set[k], has_speakers ? &speakers : NULL,
			1.0 / predictions->n_seeds, out);
		core_ctx_release(ctx, before);
	}
	return status;
}
