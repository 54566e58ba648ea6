/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting of numbers, four to six times as fast as qsort with a comparison that is called. */
#ifndef CORE_BASE_SORT_H
#define CORE_BASE_SORT_H

#include <stddef.h>

/* Sorts x [n] in ascending order. It must not contain NaN. -0 and 0 are equal. */
void core_sort_doubles(double *x, size_t n);

#endif
