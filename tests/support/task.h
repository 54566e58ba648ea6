/* SPDX-License-Identifier: Apache-2.0 */
/* A small task to train on. */
#ifndef TEST_TASK_H
#define TEST_TASK_H

#include "losses.h"

#include "train/trainer.h"

enum { N = 77, DEV = 45, L = 2, D = 9, H = 5, C = 3, G = 2, WIDTH = L * D };

static const core_head_shape task_shape = {.layers = L, .dims = D, .projection = H, .classes = C};

/* A learnable task: features depend on the class and on the group. Rows 0..N are training rows, the
 * rest development rows; `turn` reverses the rows of each split. */
typedef struct task {
	fv_ctx *ctx;
	float x[(N + DEV) * WIDTH], label[(N + DEV) * C];
	int32_t klass[N + DEV], group[N + DEV], speaker[N + DEV];
	int32_t train_index[N], dev_index[DEV];
	const char *stem[N + DEV];
	double duration[N + DEV];
	core_train_spec spec;
	core_train_job job;
} task;

/* The loss and its delegates have the defaults of profile official. */
task *new_task(const fv_descriptor *loss, bool turn);
void free_task(task *task);

#endif
