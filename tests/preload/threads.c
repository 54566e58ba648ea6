/* SPDX-License-Identifier: Apache-2.0 */
/* No thread can be started, as under a limit of memory or of processes, for tests/cli/accidents.bats (LD_PRELOAD). */
#include <errno.h>
#include <pthread.h>

int pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*begin)(void *), void *user)
{
	(void)thread;
	(void)attributes;
	(void)begin;
	(void)user;
	return EAGAIN;
}
