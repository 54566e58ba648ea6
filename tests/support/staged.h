/* SPDX-License-Identifier: Apache-2.0 */
/* An objective for tests of fv.stages/1 that says whatever stages a test wants, on the small task. */
#ifndef TEST_STAGED_H
#define TEST_STAGED_H

#include "task.h"

#include <fairvox/stages.h>

enum { STAGES = 4 };

/* The state of the objective: its stages, and what it saw. */
typedef struct staged_script {
	const char *then; /* the parameter */
	fv_stage stage[STAGES];
	int32_t n;
	bool ask; /* predictions before each stage but the first */
	float logits[STAGES][N * C], dev_logits[STAGES][DEV * C];
	const fv_loss_setup *setup;
	const fv_rows *other; /* asked for instead */
	int32_t opened, closed;
} staged_script;

/* The epochs of a run, with the model after each. */
typedef struct staged_history {
	core_train_epoch epoch[64];
	float params[64][128];
	double calls[64];
	int32_t n;
	fv_ctx *ctx;
} staged_history;

extern const fv_descriptor staged_loss, staged_grouping_loss; /* the second makes its own groups */

/* Makes the task with this loss and script; epochs are added to *h. */
task *staged_task(const fv_descriptor *loss, staged_script *s, staged_history *h);
fv_status staged_record(void *user, const core_train_epoch *epoch);
bool staged_same_params(const float *a, const float *b);
/* Trains ERM for `epochs` epochs on the rows given (NULL: all). */
void staged_run_plain(int epochs, const int32_t *row, int32_t n, staged_history *h, float *kept);

#endif
