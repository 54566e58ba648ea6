/* SPDX-License-Identifier: Apache-2.0 */
/* For plugins that use the clock. */
#ifndef TESTS_MISTAKES_SECOND_H
#define TESTS_MISTAKES_SECOND_H

#include <time.h>
#include <unistd.h>

/* The first call returns when a second has just begun, so that all of a short check lies in it. */
__attribute__((unused)) static void begin_second(void)
{
	static int begun;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (!begun++)
		usleep(1020000 - (useconds_t)now.tv_nsec / 1000);
}

#endif
