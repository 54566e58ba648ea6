/* SPDX-License-Identifier: Apache-2.0 */
/* The variable FAIRVOX_RESTART tells the restarted program how often it was restarted, and which
 * variables were set for it: k for the kernels, t for the threads. The count limits the restarts. */
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

/* An empty variable counts as not set. */
static bool is_set(const char *variable)
{
	const char *value = getenv(variable);
	return value && *value;
}

static void unset_variables(const core_blas_next *next)
{
	if (next->kernel)
		unsetenv(KERNEL);
	if (next->one_thread)
		unsetenv(THREADS);
	unsetenv(PASSED_ON);
}

/* Reads FAIRVOX_RESTART. A value that fairvox did not write allows no further restart. */
static core_blas_start read_start(void)
{
	core_blas_start start = {.kernel = openblas_get_corename(), .compare = core_blas_compare};
	const char *passed = getenv(PASSED_ON);
	if (passed) {
		start.restarts = *passed == '1' ? 1 : CORE_BLAS_RESTARTS;
		core_blas_next set = {.kernel = strchr(passed, 'k') ? "" : NULL,
			.one_thread = strchr(passed, 't') != NULL};
		unset_variables(&set);
	}
	start.kernel_set = is_set(KERNEL);
	start.threads_set = is_set(THREADS);
	return start;
}

/* Executes the program again; returns only if that fails. Uses the path it was started with, which
 * keeps its name and does not need /proc. */
static void restart_program(char **argv, const core_blas_next *next, int restarts)
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
	unset_variables(next);
}

bool cli_restart(char **argv)
{
	core_cpu cpu = core_cpu_read();
	core_blas_start start = read_start();
	core_blas_next next = core_blas_decide(&cpu, &start);
	if (next.act == CORE_BLAS_RESTART) {
		restart_program(argv, &next, start.restarts + 1);
		start.restarts = CORE_BLAS_RESTARTS;
		next = core_blas_decide(&cpu, &start);
	}
	return next.act != CORE_BLAS_REFUSE;
}
