/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are installed with the program and found relative to it, so that a copied install works. */
#ifndef CLI_SHARE_H
#define CLI_SHARE_H

#include "base/context.h"

/* The path of a file or folder below share/fairvox of the install, or of the build tree. NULL, with an error
 * (FV_DATA, with the advice what to do; FV_FAILED when memory is out), if it is not there. */
char *cli_find_shared(fv_ctx *ctx, const char *name, const char *advice);

#endif
