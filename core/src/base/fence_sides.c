/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes beside fenced arrays. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/fence.h"
#include "base/fence_private.h"

enum {
	MARK = 0xa5, /* usual: a negative integer, a negative number near 0 */
	OTHER = 0x7f, /* a large integer, a large number: sums, the largest and the smallest differ */
	NAMES = CORE_FENCE_SIDES / 2
};

static struct {
	pthread_mutex_t lock;
	bool on;           /* some vary */
	size_t first, end; /* which sides vary */
	size_t n;
	char name[NAMES][CORE_FENCE_NAME];
} sides = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Returns the number of a name, CORE_FENCE_SIDES when there are too many. */
static size_t find_name(const char *name)
{
	size_t i = 0;
	while (i < sides.n && strcmp(sides.name[i], name) != 0)
		i++;
	if (i < sides.n)
		return i;
	if (sides.n == NAMES)
		return CORE_FENCE_SIDES;
	snprintf(sides.name[sides.n], CORE_FENCE_NAME, "%s", name);
	return sides.n++;
}

unsigned char core_fence_get_mark(const char *name, bool behind)
{
	unsigned char mark = MARK;
	pthread_mutex_lock(&sides.lock);
	if (sides.on) {
		size_t side = 2 * find_name(name) + behind;
		mark = side >= sides.first && side < sides.end ? OTHER : MARK;
	}
	pthread_mutex_unlock(&sides.lock);
	return mark;
}

void core_fence_vary_sides(size_t first, size_t end)
{
	pthread_mutex_lock(&sides.lock);
	sides.on = end > first;
	sides.first = first;
	sides.end = end < CORE_FENCE_SIDES ? end : CORE_FENCE_SIDES;
	pthread_mutex_unlock(&sides.lock);
}

size_t core_fence_count_sides(void)
{
	return 2 * sides.n;
}

void core_fence_name_side(size_t side, char *text, size_t size)
{
	snprintf(
		text, size, "%s %s", side % 2 ? "past the end of" : "before", sides.name[side / 2]);
}
