/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the libFuzzer targets. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the input to a file for readers that take a path; valid until the next call. */
const char *fuzz_write_file(const uint8_t *data, size_t size);

/* Makes a folder for the files of a target; later calls give the same one. It is removed at exit. */
const char *fuzz_make_folder(void);

/* Cuts an input at its lines of "====" into parts, and writes them to n files in the folder of the target. Files that it
 * has no part for are removed. */
void fuzz_write_parts(const uint8_t *data, size_t size, const char *const *name, size_t n);

/* Aborts with a finding unless `good`. */
void fuzz_require(int good, const char *what);

/* Every reader must return FV_OK, or a status of bad input with at least one message. */
void fuzz_check_status(const fv_ctx *ctx, fv_status status);

/* Opens a file of weights and converts every tensor, of at most `most` elements each. Returns the status
 * of opening it. */
fv_status fuzz_read_tensors(fv_ctx *ctx, const char *path, uint64_t most);

#endif
