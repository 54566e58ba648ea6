/* SPDX-License-Identifier: Apache-2.0 */
/* The plugins that a variant uses, as env.json lists them. */
#ifndef CORE_RUN_PLUGIN_LIST_H
#define CORE_RUN_PLUGIN_LIST_H

#include <jansson.h>

#include "config/config.h"

/* Returns each plugin once, also those that parameters and groupers name, with the block that names it: a new
 * reference to [{"block": "loss", "name", "sha256"}]. Of a tuned variant: those of all its trials. NULL: out of memory. */
json_t *core_plugin_list(const core_config *config, const core_variant *variant);

#endif
