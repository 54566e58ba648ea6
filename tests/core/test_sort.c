/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted numbers against qsort, for the orders and repetitions that make a quicksort slow or wrong. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "base/sort.h"

enum { N = 5000, KINDS = 9 };

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double make_number(int kind, size_t i, size_t n, fv_stream *s)
{
	switch (kind) {
	case 0:
		return fv_normal(s);
	case 1:
		return (double)i;
	case 2:
		return -(double)i;
	case 3:
		return 1;
	case 4:
		return (double)fv_below(s, 3);
	case 5:
		return (double)(i < n / 2 ? i : n - i); /* an organ pipe */
	case 6:
		return (double)(i % 17);
	case 7:
		return i % 5 ? ldexp(1, (int)fv_below(s, 2000) - 1000)
			     : (i % 2 ? INFINITY : -INFINITY);
	default:
		return (double)(i ^ 0x555);
	}
}

static void like_qsort(void **state)
{
	(void)state;
	static double got[N], want[N];
	for (int kind = 0; kind < KINDS; kind++)
		for (size_t n = 0; n <= N; n = n < 60 ? n + 1 : n * 3) {
			fv_stream s = fv_rng_seeded((uint64_t)kind, "sort", 0, n);
			size_t size = n > N / 3 ? N : n;
			for (size_t i = 0; i < size; i++)
				got[i] = want[i] = make_number(kind, i, size, &s);
			core_sort_doubles(got, size);
			qsort(want, size, sizeof *want, compare);
			assert_memory_equal(got, want, size * sizeof *got);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(like_qsort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
