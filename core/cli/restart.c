/* SPDX-License-Identifier: Apache-2.0 */
/* OpenBLAS starts its threads when it is loaded, and goes on for ever or ends the process where memory is too short for
 * them. The program is therefore executed again with one thread before any library is initialised; the variable
 * FAIRVOX_ONE_THREAD tells the restarted program that this was done.
 *
 * The variable FAIRVOX_RESTART tells the restarted program how often it was restarted, and which
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
#define ONE_THREAD "FAIRVOX_ONE_THREAD"
#define VARIABLES_MAX 65536

/* An empty variable counts as not set. */
static bool is_set(const char *variable)
{
	const char *value = getenv(variable);
	return value && *value;
}

/* The value of a variable in a list of them; NULL: it has none, or an empty one. */
static const char *find_value(char *const *variables, const char *name)
{
	size_t n = strlen(name);
	for (; *variables; variables++)
		if (!strncmp(*variables, name, n) && (*variables)[n] == '=' && (*variables)[n + 1])
			return *variables + n + 1;
	return NULL;
}

/* Runs before the libraries' own functions, also before the C library has set `environ`. */
static void start_with_one_thread(int argc, char **argv, char **variables)
{
	static char threads[] = THREADS "=1", mark[] = ONE_THREAD "=1";
	const char *path = (const char *)getauxval(AT_EXECFN); /* NULL: none */
	size_t n = 0;
	(void)argc;
	while (variables[n])
		n++;
	if (getauxval(AT_SECURE) || !path || n > VARIABLES_MAX || find_value(variables, THREADS) ||
		find_value(variables, ONE_THREAD))
		return;
	static char *passed[VARIABLES_MAX + 3];
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) /* the loader passes over an empty one */
		if (strncmp(variables[i], THREADS "=", sizeof THREADS))
			passed[kept++] = variables[i];
	passed[kept++] = threads;
	passed[kept++] = mark;
	passed[kept] = NULL;
	execve(path, argv, passed); /* if it fails, the program goes on as it is */
}

__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(
	int, char **, char **) = start_with_one_thread;

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
	if (is_set(ONE_THREAD))
		unsetenv(THREADS); /* it was set for OpenBLAS alone, which has read it */
	unsetenv(ONE_THREAD);
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
