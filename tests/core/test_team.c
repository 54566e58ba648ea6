/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that share parts: every part is computed once, round after round, by any number of threads. */
#include "support.h"

#include <stdatomic.h>

#include "base/team.h"

enum { PARTS = 1000 };

struct job {
	atomic_int done[PARTS];
	atomic_int strange; /* members out of range */
	int size;
};

static void count_part(void *user, int64_t part, int member)
{
	struct job *job = user;
	atomic_fetch_add(&job->done[part], 1);
	if (member < 0 || member >= job->size)
		atomic_fetch_add(&job->strange, 1);
}

static void computes_every_part_once(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static struct job job;
	static const int sizes[] = {0, 1, 2, 3, 8, 1000};
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		core_team *team = core_team_open(ctx, sizes[s]);
		assert_non_null(team);
		job.size = core_team_size(team);
		assert_in_range(job.size, 1, CORE_TEAM_MAX);
		assert_int_equal(job.size, sizes[s] < 1               ? 1
					   : sizes[s] > CORE_TEAM_MAX ? CORE_TEAM_MAX
								      : sizes[s]);
		for (int part = 0; part < PARTS; part++)
			atomic_store(&job.done[part], 0);
		for (int64_t round = 0; round < 200; round++)
			core_team_run(team, round * 5, count_part, &job);
		for (int part = 0; part < PARTS; part++)
			assert_int_equal(atomic_load(&job.done[part]), 199 - part / 5);
		assert_int_equal(atomic_load(&job.strange), 0);
		core_team_close(team);
	}
	core_team_close(NULL);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(computes_every_part_once)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
