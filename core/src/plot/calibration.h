/* SPDX-License-Identifier: Apache-2.0 */
/* A panel of how well probabilities agree with labels: labels against probabilities in bins of equal mass, one
 * line for each group of people. */
#ifndef CORE_PLOT_CALIBRATION_H
#define CORE_PLOT_CALIBRATION_H

#include "plot/drawing.h"

/* Draws the calibration of a variant on its test set into a square area; groups NULL: all rows are one
 * line. Each point is a bin, averaged over classes and seeds. */
FV_NODISCARD fv_status core_draw_calibration(
	core_drawing *d, size_t row, const core_eval_attribute *groups, core_rect area);

#endif
