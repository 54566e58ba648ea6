/* SPDX-License-Identifier: Apache-2.0 */
/* What an op leaves behind in its process. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "contract/process.h"
#include "support.h"

static void wait_milliseconds(long count)
{
	const struct timespec pause = {.tv_nsec = count * 1000000};
	nanosleep(&pause, NULL);
}

static void *end_soon(void *user)
{
	(void)user;
	wait_milliseconds(100);
	return NULL;
}

/* The kernel lists a thread for a moment after pthread_join; here the moment is a tenth of a second. */
static void a_thread_that_ends_is_not_left(void **state)
{
	struct core_process process;
	char text[64];
	pthread_t thread;
	(void)state;
	core_process_record(&process);
	assert_int_equal(pthread_create(&thread, NULL, end_soon, NULL), 0);
	assert_null(core_process_changed(&process, text, sizeof text));
	pthread_join(thread, NULL);
}

static void *stay(void *user)
{
	while (!atomic_load((atomic_bool *)user))
		wait_milliseconds(1);
	return NULL;
}

static void a_thread_that_stays_is_left(void **state)
{
	struct core_process process;
	char text[64];
	pthread_t thread[2];
	atomic_bool end = false;
	(void)state;
	core_process_record(&process);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&thread[i], NULL, stay, &end), 0);
		assert_string_equal(
			core_process_changed(&process, text, sizeof text), "left threads");
		assert_string_equal(text, "leaves a thread behind");
		assert_null(core_process_changed(&process, text, sizeof text));
	}
	atomic_store(&end, true);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_that_ends_is_not_left),
		cmocka_unit_test(a_thread_that_stays_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
