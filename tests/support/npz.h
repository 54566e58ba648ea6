/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one array of a file written by numpy.savez (without compression). */
#ifndef TEST_NPZ_H
#define TEST_NPZ_H

#include <stdint.h>

/* The same as test_npy; fails the test if there is no such array. Release it with free(). */
double *test_npz(const char *path, const char *name, int64_t shape[4], int *rank);

#endif
