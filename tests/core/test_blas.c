/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of kernels, ours and OpenBLAS's, on made-up processors; what a process does at its
 * start; and the warning that a program linking the library gets. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cblas.h>

#include "backend/blas.h"
#include "backend/kernels.h"

static const core_cpu old = {.intel = true}, haswell = {.intel = true, .avx2 = true},
		      zen3 = {.amd = true, .avx2 = true},
		      skylake = {.intel = true, .avx2 = true, .avx512 = true},
		      cooper_lake = {.intel = true,
			      .avx2 = true,
			      .avx512 = true,
			      .avx512_bf16 = true},
		      sapphire_rapids = {.intel = true,
			      .avx2 = true,
			      .avx512 = true,
			      .avx512_bf16 = true,
			      .amx = true},
		      zen4 = {.amd = true, .avx2 = true, .avx512 = true, .avx512_bf16 = true},
		      other = {.avx2 = true};

static void kernels_for_processors(void **state)
{
	(void)state;
	const struct {
		const core_cpu *cpu;
		const char *ours, *blas; /* NULL: OpenBLAS's own choice */
	} cases[] = {
		{&old, "portable", NULL},
		{&haswell, "avx2", "Haswell"},
		{&zen3, "avx2", "Zen"},
		{&skylake, "avx512", "SkylakeX"},
		{&cooper_lake, "avx512", "SkylakeX"},
		{&sapphire_rapids, "amx", "SkylakeX"},
		{&zen4, "avx512_bf16", "SkylakeX"},
		{&other, "avx2", "Haswell"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *blas = core_blas_kernel(cases[i].cpu);
#if defined(__x86_64__)
		assert_string_equal(core_kernels_best(cases[i].cpu)->name, cases[i].ours);
#endif
		assert_true(!blas == !cases[i].blas);
		if (blas)
			assert_string_equal(blas, cases[i].blas);
	}
}

static void slow_kernels(void **state)
{
	(void)state;
	assert_true(core_blas_is_slow(&skylake, "Prescott"));
	assert_true(core_blas_is_slow(&haswell, "Nehalem"));
	assert_true(core_blas_is_slow(&zen3, "SANDYBRIDGE"));
	assert_false(core_blas_is_slow(&old, "Prescott"));
	assert_false(core_blas_is_slow(&zen4, "Zen"));
	assert_false(core_blas_is_slow(&skylake, "Haswell"));
	assert_false(core_blas_is_slow(&skylake, "SapphireRapids"));
	assert_false(core_blas_is_slow(&haswell, "a name of next year"));
}

static int compared;

static core_blas_check is_right(void)
{
	compared++;
	return CORE_BLAS_RIGHT;
}

static core_blas_check is_wrong(void)
{
	compared++;
	return CORE_BLAS_WRONG;
}

static core_blas_check has_no_memory(void)
{
	return CORE_BLAS_NO_MEMORY;
}

static void check_next(const core_cpu *cpu, core_blas_start start, core_blas_act act,
	const char *kernel, bool one_thread)
{
	core_blas_next next = core_blas_decide(cpu, &start);
	assert_int_equal(next.act, act);
	assert_true(!next.kernel == !kernel);
	if (kernel)
		assert_string_equal(next.kernel, kernel);
	assert_int_equal(next.one_thread, one_thread);
}

static void first_start(void **state)
{
	(void)state;
	compared = 0;
	core_blas_start start = {.kernel = "Prescott", .compare = is_wrong};
	check_next(&skylake, start, CORE_BLAS_RESTART, "SkylakeX", true);
	check_next(&haswell, start, CORE_BLAS_RESTART, "Haswell", true);
	check_next(&old, start, CORE_BLAS_RESTART, NULL, true);
	start.kernel = "SkylakeX"; /* set in any case, whatever OpenBLAS knows */
	check_next(&skylake, start, CORE_BLAS_RESTART, "SkylakeX", true);
	start.kernel_set = true;
	check_next(&skylake, start, CORE_BLAS_RESTART, NULL, true);
	start.kernel_set = false;
	start.threads_set = true;
	start.kernel = "Prescott";
	check_next(&skylake, start, CORE_BLAS_RESTART, "SkylakeX", false);
	assert_int_equal(compared, 0);
	start.compare = is_right;
	start.kernel = "SkylakeX";
	check_next(&skylake, start, CORE_BLAS_GO_ON, NULL, false);
	start.kernel = "Prescott";
	start.kernel_set = true; /* the user has set both */
	check_next(&skylake, start, CORE_BLAS_GO_ON, NULL, false);
	assert_int_equal(compared, 2);
}

static void later_starts(void **state)
{
	(void)state;
	core_blas_start start = {.kernel = "SkylakeX", .restarts = 1, .compare = is_right};
	check_next(&skylake, start, CORE_BLAS_GO_ON, NULL, true);
	start.compare = has_no_memory;
	check_next(&skylake, start, CORE_BLAS_GO_ON, NULL, true);
	start.compare = is_wrong;
	check_next(&skylake, start, CORE_BLAS_RESTART, "Haswell", true);
	start.compare = is_right;
	start.kernel = "Prescott"; /* this OpenBLAS has no SkylakeX */
	check_next(&skylake, start, CORE_BLAS_RESTART, "Haswell", true);
	start.kernel = "SapphireRapids"; /* not in the list, but equally good */
	check_next(&skylake, start, CORE_BLAS_GO_ON, NULL, true);
	start.kernel = "Prescott";
	start.restarts = CORE_BLAS_RESTARTS; /* nor Haswell: slow kernels are better than none */
	check_next(&skylake, start, CORE_BLAS_GO_ON, NULL, true);
}

static void wrong_kernels(void **state)
{
	(void)state;
	core_blas_start start = {.kernel = "Haswell", .restarts = 1, .compare = is_wrong};
	check_next(&haswell, start, CORE_BLAS_REFUSE, NULL, true);
	start.restarts = CORE_BLAS_RESTARTS;
	check_next(&skylake, start, CORE_BLAS_REFUSE, NULL, true);
	start.kernel = "Prescott"; /* without AVX2 no other kernels are possible */
	start.restarts = 1;
	check_next(&old, start, CORE_BLAS_REFUSE, NULL, true);
	start = (core_blas_start){
		.kernel = "SkylakeX", .kernel_set = true, .threads_set = true, .compare = is_wrong};
	check_next(&skylake, start, CORE_BLAS_REFUSE, NULL, false);
	start.kernel_set = false; /* OpenBLAS's own choice */
	check_next(&skylake, start, CORE_BLAS_RESTART, "Haswell", false);
}

static void comparison_succeeds(void **state)
{
	(void)state;
	assert_int_equal(core_blas_compare(), CORE_BLAS_RIGHT);
	fv_ctx *ctx = test_ctx();
	test_ok(ctx, core_blas_open(ctx));
	core_ctx_free(ctx);
}

/* --- a program that links the library: this test, started again --- */

static void count_warnings(void *user, core_level level, const char *line)
{
	if (level == CORE_WARNING &&
		strstr(line, "OpenBLAS uses its kernels for Prescott, several times slower"))
		++*(int *)user;
}

/* Opens twice; the exit code is the number of warnings. */
static int open_blas_twice(void)
{
	int warnings = 0;
	if (getenv("FORGET"))
		unsetenv("OPENBLAS_CORETYPE");
	for (int i = 0; i < 2; i++) {
		fv_ctx *ctx = core_ctx_new();
		assert_non_null(ctx);
		core_ctx_set_log(ctx, count_warnings, &warnings);
		if (core_blas_open(ctx))
			return 99;
		core_ctx_free(ctx);
	}
	return warnings;
}

static int restart_self(const char *forget)
{
	pid_t child = fork();
	if (child == 0) {
		setenv("OPENBLAS_CORETYPE", "Prescott", 1);
		if (forget)
			setenv("FORGET", forget, 1);
		execl("/proc/self/exe", "test_blas", "link", (char *)NULL);
		_exit(98);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void one_warning(void **state)
{
	(void)state;
	core_cpu cpu = core_cpu_read();
	if (!cpu.avx2)
		skip();
	assert_int_equal(restart_self("yes"), 1); /* as if OpenBLAS had chosen Prescott */
	assert_int_equal(restart_self(NULL), 0);  /* chosen by the user */
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "link"))
		return open_blas_twice();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_for_processors),
		cmocka_unit_test(slow_kernels),
		cmocka_unit_test(first_start),
		cmocka_unit_test(later_starts),
		cmocka_unit_test(wrong_kernels),
		cmocka_unit_test(comparison_succeeds),
		cmocka_unit_test(one_warning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
