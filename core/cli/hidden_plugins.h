/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings of plugins that a configuration uses and that keep others of the same name from being used. */
#ifndef CLI_HIDDEN_PLUGINS_H
#define CLI_HIDDEN_PLUGINS_H

#include "study.h"

/* Warns, once for each file, of plugins in the place of one of fairvox's own or of another of the user's. */
void cli_warn_of_hidden_plugins(fv_ctx *ctx, const cli_study *cli);

#endif
