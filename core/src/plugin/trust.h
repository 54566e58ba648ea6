/* SPDX-License-Identifier: Apache-2.0 */
/* Whose plugins are run: those of root and of the user, in folders where nobody else can put others. */
#ifndef CORE_PLUGIN_TRUST_H
#define CORE_PLUGIN_TRUST_H

#include "base/context.h"

/* Looks at a file or folder and all folders above it. `path` has no links (realpath). Sets *objection to why somebody else
 * could change it, in the context's memory; NULL: nobody could. Errors: FV_FAILED if memory is out. */
FV_NODISCARD fv_status core_trust_path(fv_ctx *ctx, const char *path, const char **objection);

#endif
