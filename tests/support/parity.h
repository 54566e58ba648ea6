/* SPDX-License-Identifier: Apache-2.0 */
/* Compares numbers with a reference in double, relative to the error that PyTorch makes in float32.
 */
#ifndef TEST_PARITY_H
#define TEST_PARITY_H

#include <jansson.h>
#include <stdint.h>

/* Fails the test unless each difference is within twice PyTorch's own, or within 2e-6 of the
 * reference's rms if that is more. `tolerances` has {"max_abs_diff", "rms_of_reference"} at `key`.
 * Prints the largest difference if FAIRVOX_VERBOSE is set. */
void test_parity(
	const json_t *tolerances, const char *key, const float *got, const double *want, int64_t n);

/* Fails the test if `worst` exceeds `allowed`; prints it as above. */
void test_worst(const char *key, double worst, double allowed, double own);

#endif
