/* SPDX-License-Identifier: Apache-2.0 */
/* ERM that spoils its process: `does` says how, `at` in which op; in weigh it is the second step. */
#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fairvox/fairvox.h>

typedef struct careless {
	int32_t does, at;
} careless;

enum {
	NOTHING,
	FOLDER,
	ROUNDING,
	FLUSH,
	LOCALE,
	HANDLER,
	BLOCKED,
	UMASK,
	ALL,
	FORK,
	LINGER,
	CRASH
};
enum { WEIGH, OPEN, CLOSE };

static void spoil(int32_t does)
{
	sigset_t set;
	if (does == FOLDER || does == ALL)
		(void)!chdir("/");
	if (does == ROUNDING || does == ALL)
		fesetround(FE_UPWARD);
#ifdef __x86_64__
	if (does == FLUSH)
		__builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8000);
#endif
	if (does == LOCALE || does == ALL)
		setlocale(LC_ALL, "C.UTF-8");
	if (does == HANDLER || does == ALL)
		signal(SIGTERM, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (does == BLOCKED || does == ALL)
		sigprocmask(SIG_BLOCK, &set, NULL);
	if (does == UMASK || does == ALL)
		umask(0777);
	if (does == FORK)
		(void)fork(); /* both come back */
	if (does == LINGER && fork() == 0) {
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		sleep(30);
		_exit(0);
	}
	if (does == CRASH)
		abort();
}

static fv_status careless_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	const careless *self = state;
	(void)ctx, (void)setup;
	if (self->at == OPEN)
		spoil(self->does);
	return FV_OK;
}

static fv_status careless_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	const careless *self = state;
	(void)ctx;
	if (self->at == WEIGH && batch->step == 2)
		spoil(self->does);
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		v[i] = 1.0 / batch->n;
		*value += batch->loss[i] / batch->n;
	}
	return FV_OK;
}

static void careless_close(void *state)
{
	const careless *self = state;
	if (self->at == CLOSE)
		spoil(self->does);
}

static const fv_param params[] = {
	{.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "does",
		.choices = "nothing|folder|rounding|flush|locale|handler|blocked|umask|all|fork|"
			   "linger|"
			   "crash",
		.def_paper = "nothing",
		.offset = offsetof(careless, does),
		.doc = "what it spoils"},
	{.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "at",
		.choices = "weigh|open|close",
		.def_paper = "weigh",
		.offset = offsetof(careless, at),
		.doc = "the op in which it does"},
};

static const fv_loss_ops ops = {
	.size = sizeof ops,
	.open = careless_open,
	.weigh = careless_weigh,
	.close = careless_close,
};

static const fv_descriptor descriptor = {
	.size = sizeof descriptor,
	.abi = FV_ABI,
	.kind = FV_LOSS,
	.name = "careless",
	.version = "1",
	.summary = "ERM that spoils its process",
	.source = "none",
	.licence = "Apache-2.0",
	.state_size = sizeof(careless),
	.params = params,
	.n_params = sizeof params / sizeof *params,
	.ops = &ops,
};

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
