/* SPDX-License-Identifier: Apache-2.0 */
/* What the libFuzzer targets share. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as a file, for readers that take a path: valid until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* Ends the program (a finding) unless `good`. */
void fuzz_require(int good, const char *what);

/* What every reader owes: FV_OK, or a status and at least one message. */
void fuzz_answer(const fv_ctx *ctx, fv_status status);

#endif
