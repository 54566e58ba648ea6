/* SPDX-License-Identifier: Apache-2.0 */
/* The variable FAIRVOX_RESTART passes on what was done so far: how often the program was executed again, and k
 * and t for the variables of kernels and threads that it set. Its number ends the matter. */
#include "restart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cblas.h>

#include "backend/blas.h"

#define KERNEL "OPENBLAS_CORETYPE"
#define THREADS "OPENBLAS_NUM_THREADS"
#define PASSED_ON "FAIRVOX_RESTART"

/* An empty variable sets nothing. */
static bool is_set(const char *variable)
{
	const char *value = getenv(variable);
	return value && *value;
}

static void take_back(const core_blas_next *next)
{
	if (next->kernel)
		unsetenv(KERNEL);
	if (next->one_thread)
		unsetenv(THREADS);
	unsetenv(PASSED_ON);
}

/* What the execution before passed on; any other value of the variable allows no more of them. */
static core_blas_start read_start(void)
{
	core_blas_start start = {.kernel = openblas_get_corename(), .compare = core_blas_compare};
	const char *passed = getenv(PASSED_ON);
	if (passed) {
		start.restarts = *passed == '1' ? 1 : CORE_BLAS_RESTARTS;
		core_blas_next set = {.kernel = strchr(passed, 'k') ? "" : NULL,
			.one_thread = strchr(passed, 't') != NULL};
		take_back(&set);
	}
	start.kernel_set = is_set(KERNEL);
	start.threads_set = is_set(THREADS);
	return start;
}

/* Returns only when it cannot be done. The path is the one that the program was executed by, so that it keeps
 * its name and /proc is not needed. */
static void execute(char **argv, const core_blas_next *next, int restarts)
{
	const char *path = (const char *)getauxval(AT_EXECFN); /* NULL: none */
	char passed[16];
	snprintf(passed, sizeof passed, "%d%s%s", restarts, next->kernel ? "k" : "",
		next->one_thread ? "t" : "");
	bool set = path && setenv(PASSED_ON, passed, 1) == 0;
	set = set && (!next->kernel || setenv(KERNEL, next->kernel, 1) == 0);
	set = set && (!next->one_thread || setenv(THREADS, "1", 1) == 0);
	if (set)
		execv(path, argv);
	take_back(next);
}

bool cli_restart(char **argv)
{
	core_cpu cpu = core_cpu_read();
	core_blas_start start = read_start();
	core_blas_next next = core_blas_decide(&cpu, &start);
	if (next.act == CORE_BLAS_RESTART) {
		execute(argv, &next, start.restarts + 1);
		start.restarts = CORE_BLAS_RESTARTS;
		next = core_blas_decide(&cpu, &start);
	}
	return next.act != CORE_BLAS_REFUSE;
}
