/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metric_formulas.h"

/* F1 = 2 TP / (2 TP + FP + FN); 0/0 counts as 0. */
static double divide_f1(int64_t tp, int64_t fp, int64_t positives)
{
	int64_t below = tp + fp + positives;
	return below > 0 ? (double)(2 * tp) / (double)below : 0;
}

double core_tally_class_f1(const core_tally *tally, int32_t unit, int32_t c)
{
	return divide_f1(core_tally_tp(tally, unit, c), core_tally_fp(tally, unit, c),
		core_tally_positives(tally, unit, c));
}

double core_tally_f1(const core_tally *tally, int32_t unit)
{
	double sum = 0;
	for (int32_t c = 0; c < tally->C; c++)
		sum += core_tally_class_f1(tally, unit, c);
	return sum / tally->C;
}

double core_argmax_f1(const core_tally *tally, int32_t unit)
{
	return core_tally_rows(tally, unit) ? core_tally_f1(tally, unit) : NAN;
}

double core_f1_micro(const core_tally *tally, int32_t unit)
{
	int64_t tp = 0, fp = 0, positives = 0;
	for (int32_t c = 0; c < tally->C; c++) {
		tp += core_tally_tp(tally, unit, c);
		fp += core_tally_fp(tally, unit, c);
		positives += core_tally_positives(tally, unit, c);
	}
	return core_tally_rows(tally, unit) ? divide_f1(tp, fp, positives) : NAN;
}

double core_f1_weighted(const core_tally *tally, int32_t unit)
{
	double sum = 0;
	int64_t support = 0;
	for (int32_t c = 0; c < tally->C; c++) {
		int64_t positives = core_tally_positives(tally, unit, c);
		sum += (double)positives * core_tally_class_f1(tally, unit, c);
		support += positives;
	}
	return support ? sum / (double)support : NAN;
}

double core_tally_acc(const core_tally *tally, int32_t unit)
{
	int64_t n = core_tally_rows(tally, unit), right = 0;
	for (int32_t c = 0; c < tally->C; c++)
		right += n - core_tally_positives(tally, unit, c) - core_tally_fp(tally, unit, c) +
			 core_tally_tp(tally, unit, c);
	return core_divide_counts(right, n * tally->C);
}

double core_accuracy(const core_tally *tally, int32_t unit)
{
	int64_t right = 0;
	for (int32_t c = 0; c < tally->C; c++)
		right += core_tally_tp(tally, unit, c);
	return core_divide_counts(right, core_tally_rows(tally, unit));
}

double core_tally_recall(const core_tally *tally, int32_t unit, int32_t c)
{
	return core_divide_counts(
		core_tally_tp(tally, unit, c), core_tally_positives(tally, unit, c));
}

double core_uar(const core_tally *tally, int32_t unit)
{
	double sum = 0;
	int32_t supported = 0;
	for (int32_t c = 0; c < tally->C; c++) {
		double recall = core_tally_recall(tally, unit, c);
		if (isnan(recall))
			continue;
		sum += recall;
		supported++;
	}
	return supported ? sum / supported : NAN;
}

double core_worst_class_recall(const core_tally *tally, int32_t unit)
{
	double worst = NAN;
	for (int32_t c = 0; c < tally->C; c++) /* fmin skips NaN */
		worst = fmin(worst, core_tally_recall(tally, unit, c));
	return worst;
}
