/* SPDX-License-Identifier: Apache-2.0 */
/* Tuned variants in tables. A tuned variant is one row; its trials are variants of their own, which tables
 * leave out unless they are asked for. */
#ifndef CORE_REPORT_TUNING_H
#define CORE_REPORT_TUNING_H

#include "report/grid_tables.h"

/* Drops the variants that exist only as trials of tuned variants, and counts them in results->n_trials. */
FV_NODISCARD fv_status core_hide_trials(fv_ctx *ctx, core_results *results);

/* Returns how many models a row's runs were chosen from: "50 x 2", epochs x seeds, and for a tuned
 * variant "50 x 2 x 3 tuned", x trials. NULL: out of memory. */
const char *core_format_trials(fv_ctx *ctx, const core_grid_row *row);

/* Returns ", tuned by dev_loss (learning_rate: 3 trials)", or "". NULL: out of memory. */
const char *core_format_tuning(fv_ctx *ctx, const core_run_facts *facts);

/* Adds the table of trials: their development values, and the folds that chose them. */
FV_NODISCARD fv_status core_add_tuning(fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Notes which variants kept the first or the last epoch they could choose. */
FV_NODISCARD fv_status core_note_kept_epochs(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

#endif
