/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of one operation: utterances packed on a device against loops in double, and against each utterance alone and
 * in another order, to the last bit. */
#ifndef TEST_OP_TEST_H
#define TEST_OP_TEST_H

#include "nn/pack.h"
#include "support.h"

enum { OP_UTTERANCES = 10, OP_ROWS = 64 /* of a product, unless FAIRVOX_OP_ROWS says how many */ };
extern const int64_t op_lengths[OP_UTTERANCES]; /* 1 to 150 frames, about the borders of blocks */

typedef struct op_test {
	const char *name;
	int64_t width;    /* of the input */
	int64_t shortest; /* utterances with fewer rows are left out */
	double tolerance; /* of the largest error, relative to the result's rms or to the number itself, if that is more */
	/* Enqueues the operation on a device; the result may have another layout. */
	fv_matrix (*run)(fv_pack *pack, fv_matrix x, const void *user);
	/* One utterance x [rows,width] -> y [rows of the result, width of the result] in double */
	void (*compute)(const float *x, int64_t rows, double *y, const void *user);
	const void *user;
	double mean, deviation; /* of the input; deviation 0: 1 */
} op_test;

/* The device of the test program, opened by the first call; op_close frees it and checks that nothing is left. */
core_device *op_device(void);
int op_close(void **state);

/* Constants, made on the device */
const float *op_draw(int64_t n, double mean, double deviation, uint64_t seed, float **host);

/* The columns [from, from + width) of x as rows without gaps */
fv_matrix op_part(fv_pack *pack, fv_matrix x, int64_t from, int64_t width);

/* Runs the operation for utterances of these lengths, and prints the errors if FAIRVOX_VERBOSE is set; op_check for op_lengths. Both return the rms of the errors,
 * relative to the result's. */
double op_check_lengths(const op_test *test, const int64_t *length, int32_t n);
double op_check(const op_test *test);

/* Whether FAIRVOX_QUICK is set: three short utterances in one pack are enough, as under ThreadSanitizer, where a thread costs 0.1
 * ms. */
bool op_is_quick(void);

/* What constants are made with: forgotten by op_close */
fv_ctx *op_ctx(void);

#endif
