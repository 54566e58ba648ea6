/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RESTART_H
#define CORE_CLI_RESTART_H

#include <stdbool.h>

/* At the very start of main: sees to it that OpenBLAS runs the kernels that suit the processor, on one
 * thread, if need be by executing the program again with its arguments. OPENBLAS_CORETYPE and
 * OPENBLAS_NUM_THREADS are left alone where the user has set them; what is set here is taken back, so that
 * programs started from this one (on other processors, perhaps) find the user's environment.
 * false: no kernels of OpenBLAS compute rightly here. */
bool cli_restart(char **argv);

#endif
