/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RESTART_H
#define CORE_CLI_RESTART_H

#include <stdbool.h>

/* Makes OpenBLAS use the kernels that fit the processor, on one thread. If necessary it executes the
 * program again with the same arguments. Call it first in main. It respects OPENBLAS_CORETYPE and
 * OPENBLAS_NUM_THREADS if the user has set them, and unsets what it set itself, so that child
 * processes (perhaps on other processors) see the user's environment. Returns false if no OpenBLAS
 * kernels give correct results here. */
bool cli_restart(char **argv);

#endif
