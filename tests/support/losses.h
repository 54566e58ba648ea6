/* SPDX-License-Identifier: Apache-2.0 */
/* Loss plugins in tests: loaded from $FAIRVOX_PLUGIN_PATH, parameters set by name, run on batches.
 */
#ifndef TEST_LOSSES_H
#define TEST_LOSSES_H

#include <fairvox/loss.h>
#include <fairvox/plugin.h>

#include "support.h"

const fv_descriptor *test_loss(const char *name); /* fails the test when it cannot be loaded */

/* A zeroed state with the profile's defaults ("paper" or "official"), then "key=value" settings up
 * to a NULL. Knows FV_INT, FV_REAL, FV_BOOL,
 * FV_CHOICE and FV_LOSS_REF. Memory of the context. */
void *test_loss_state(fv_ctx *ctx, const fv_descriptor *loss, const char *profile, ...);

/* Numbers of a JSON array (nested arrays are flattened, null is NAN) -> malloc, n values. */
double *test_numbers(const json_t *array, size_t *n);

/* What test_numbers gives, converted; free with free(). */
int32_t *test_ints(const json_t *array, size_t *n);
float *test_floats(const json_t *array, size_t *n);

#endif
