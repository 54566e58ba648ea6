/* SPDX-License-Identifier: Apache-2.0 */
/* Quicksort around the median of three numbers at places that a generator draws, so that no usual order is a bad one.
 * The partitions have no branches, since those on random numbers cannot be predicted. Numbers equal to the pivot are
 * set aside at once: statistics of counts have few different values. */
#include "base/sort.h"

#include <stdbool.h>
#include <stdint.h>

enum { SHORT = 24 };

static void sort_short(double *x, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double value = x[i];
		size_t at = i;
		for (; at > 0 && value < x[at - 1]; at--)
			x[at] = x[at - 1];
		x[at] = value;
	}
}

static double find_median(double a, double b, double c)
{
	double low = a < b ? a : b, high = a < b ? b : a;
	if (c < low)
		return low;
	return c < high ? c : high;
}

/* Moves the numbers below the pivot, or those up to it, to the front. Returns how many there are. */
static inline size_t move_front(double *x, size_t n, double pivot, bool up_to)
{
	size_t front = 0;
	for (size_t i = 0; i < n; i++) {
		double value = x[i];
		x[i] = x[front];
		x[front] = value;
		front += up_to ? value <= pivot : value < pivot;
	}
	return front;
}

/* Returns a number of x; state: of a linear congruential generator. */
static double draw_number(const double *x, size_t n, uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return x[(*state >> 33) % n];
}

static void sort_part(double *x, size_t n, uint64_t *state)
{
	while (n > SHORT) {
		double first = draw_number(x, n, state), second = draw_number(x, n, state);
		double pivot = find_median(first, second, draw_number(x, n, state));
		size_t below = move_front(x, n, pivot, false);
		size_t equal = move_front(x + below, n - below, pivot, true);
		double *above = x + below + equal;
		size_t rest = n - below - equal;
		if (below <
			rest) { /* the shorter part first, so that calls are nested log2 n deep at most */
			sort_part(x, below, state);
			x = above;
			n = rest;
		} else {
			sort_part(above, rest, state);
			n = below;
		}
	}
	sort_short(x, n);
}

void core_sort_doubles(double *x, size_t n)
{
	uint64_t state = 1;
	sort_part(x, n, &state);
}
