/* SPDX-License-Identifier: Apache-2.0 */
/* The learning rate of each epoch (train.schedule), as torch.optim.lr_scheduler computes it with one
 * scheduler.step() after each epoch. E: epochs of the pass, e: epoch from 1, lr: train.learning_rate.
 *
 *   none     lr
 *   cosine   CosineAnnealingLR(T_max=E): lr (1 + cos(pi (e - 1) / E)) / 2; the first epoch has lr
 *   plateau  ReduceLROnPlateau(factor, patience): after more than `patience` epochs in a row whose value
 *            is not below (1 - 1e-4) times the best so far, the rate is multiplied by the factor; a
 *            change of 1e-8 or less is not made. A value that is not finite is no improvement.
 */
#ifndef CORE_TRAIN_SCHEDULE_H
#define CORE_TRAIN_SCHEDULE_H

#include "config/spec.h"

typedef struct core_schedule {
	const core_train_spec *spec;
	double rate; /* of the current epoch */
	/* plateau: the lowest value so far, and the epochs without a better one */
	double best;
	int32_t bad;
} core_schedule;

void core_schedule_init(core_schedule *schedule, const core_train_spec *spec);
/* Sets the rate of an epoch, from 1. */
void core_schedule_begin(core_schedule *schedule, int32_t epoch);
/* Takes the value of the epoch, which a plateau follows. */
void core_schedule_end(core_schedule *schedule, double value);

#endif
