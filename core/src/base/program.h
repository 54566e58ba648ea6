/* SPDX-License-Identifier: Apache-2.0 */
/* Runs another program and waits for it. */
#ifndef CORE_BASE_PROGRAM_H
#define CORE_BASE_PROGRAM_H

#include "base/text.h"

typedef struct core_program_end {
	bool found;         /* false: there is no such program in PATH */
	int code;           /* its exit code; 128 + N if signal N ended it */
	core_text out, err; /* what it wrote; free with core_program_free */
} core_program_end;

/* `argv` ends with NULL; argv[0] is looked for in PATH. Standard input is empty. Errors: FV_FAILED, if the program
 * could not be started for another reason than that it does not exist. */
FV_NODISCARD fv_status core_program_run(
	fv_ctx *ctx, const char *const *argv, core_program_end *out);
void core_program_free(core_program_end *end);

#endif
