/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenBLAS of other days, for tests/cli/processor.bats (LD_PRELOAD): it does not know the processor
 * (BLAS_TAKES=NAME: the kernels it says it took unless OPENBLAS_CORETYPE named some), and some kernels compute
 * wrongly (BLAS_WRONG=NAME,NAME: sgemm; all: whichever). BLAS_LOG names a file to which each process adds what
 * OpenBLAS was loaded with and what the program leaves to its children: lines `loaded KERNEL THREADS` and
 * `left KERNEL THREADS`, - for a variable that is not set. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cblas.h>

/* Read when loaded, as OpenBLAS does: the program may take it from the environment. */
static char named[64];
static pid_t loaded_by;

static const char *value_of(const char *variable)
{
	const char *value = getenv(variable);
	return value ? value : "-";
}

static void add_line(const char *what)
{
	const char *path = getenv("BLAS_LOG");
	FILE *file = path ? fopen(path, "ae") : NULL;
	if (!file)
		return;
	fprintf(file, "%s %s %s\n", what, value_of("OPENBLAS_CORETYPE"),
		value_of("OPENBLAS_NUM_THREADS"));
	fclose(file);
}

__attribute__((constructor)) static void read_environment(void)
{
	const char *kernel = getenv("OPENBLAS_CORETYPE");
	snprintf(named, sizeof named, "%s", kernel ? kernel : "");
	loaded_by = getpid();
	add_line("loaded");
}

__attribute__((destructor)) static void log_end(void)
{
	if (getpid() == loaded_by)
		add_line("left");
}

char *openblas_get_corename(void)
{
	static char name[64];
	char *(*real)(void);
	void *at = dlsym(RTLD_NEXT, "openblas_get_corename");
	memcpy(&real, &at, sizeof real);
	const char *taken = getenv("BLAS_TAKES");
	snprintf(name, sizeof name, "%s", taken && !*named ? taken : real());
	return name;
}

static int is_wrong(void)
{
	const char *wrong = getenv("BLAS_WRONG");
	return wrong && (!strcmp(wrong, "all") || strstr(wrong, openblas_get_corename()));
}

void cblas_sgemm(CBLAS_ORDER order, CBLAS_TRANSPOSE turn_a, CBLAS_TRANSPOSE turn_b, blasint m,
	blasint n, blasint k, float alpha, const float *a, blasint lda, const float *b, blasint ldb,
	float beta, float *c, blasint ldc)
{
	void (*real)(CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, blasint, blasint, blasint,
		float, const float *, blasint, const float *, blasint, float, float *, blasint);
	void *at = dlsym(RTLD_NEXT, "cblas_sgemm");
	memcpy(&real, &at, sizeof real);
	real(order, turn_a, turn_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
	if (is_wrong())
		c[0] += 1;
}
