/* SPDX-License-Identifier: Apache-2.0 */
/* What people read about a key of a configuration or a parameter of a plugin. */
#ifndef CLI_KEY_TEXT_H
#define CLI_KEY_TEXT_H

#include "config/schema.h"

/* Writes "TYPE [UNIT], MIN to MAX; default VALUE", as much of it as applies. */
void cli_describe_key(const core_key *key, char *out, size_t size);

#endif
