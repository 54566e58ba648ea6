/* SPDX-License-Identifier: Apache-2.0 */
/* Loss plugins for tests: loaded from $FAIRVOX_PLUGIN_PATH, with parameters set by name, and run on
 * batches. */
#ifndef TEST_LOSSES_H
#define TEST_LOSSES_H

#include <fairvox/loss.h>
#include <fairvox/plugin.h>

#include "support.h"

const fv_descriptor *test_loss(const char *name); /* fails the test if it cannot be loaded */

/* Returns a zeroed state with the defaults of the profile ("paper" or "official"), then "key=value"
 * settings up to a NULL. Supports FV_INT, FV_REAL, FV_BOOL, FV_CHOICE and FV_LOSS_REF. Memory of
 * the context. */
void *test_loss_state(fv_ctx *ctx, const fv_descriptor *loss, const char *profile, ...);

/* Returns the n numbers of a JSON array; nested arrays are flattened, null is NAN. Release them
 * with free(). */
double *test_numbers(const json_t *array, size_t *n);

/* The same as test_numbers, converted. Release it with free(). */
int32_t *test_ints(const json_t *array, size_t *n);
float *test_floats(const json_t *array, size_t *n);

#endif
