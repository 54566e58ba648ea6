/* SPDX-License-Identifier: Apache-2.0 */
/* One array of a file that numpy.savez wrote (nothing compressed). */
#ifndef TEST_NPZ_H
#define TEST_NPZ_H

#include <stdint.h>

/* As test_npy; fails the test when there is no such array. free() it. */
double *test_npz(const char *path, const char *name, int64_t shape[4], int *rank);

#endif
