/* SPDX-License-Identifier: Apache-2.0 */
/* For tests/campaigns/steps.py: the mean of the base losses, which tells the program to stop in step HALT_AT. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <fairvox/fairvox.h>

/* Sends SIGUSR1 to the program, which signals its workers in turn: this one has that signal within the wait. */
static void stop_program(void)
{
	const struct timespec most = {.tv_nsec = 300000000};
	kill(getppid(), SIGUSR1);
	nanosleep(&most, NULL); /* ended by the signal, if it was not there before */
}

static fv_status halting_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	const char *at = getenv("HALT_AT");
	(void)state, (void)ctx;
	if (at && batch->step == atoll(at))
		stop_program();
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		v[i] = 1.0 / batch->n;
		*value += v[i] * batch->loss[i];
	}
	return FV_OK;
}

static const fv_loss_ops ops = FV_LOSS_OPS(.weigh = halting_weigh);

static const fv_descriptor descriptor =
	FV_LOSS(.name = "halting", .version = "1", .summary = "stops the program in a step",
		.source = "none", .licence = "Apache-2.0", .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
