/* SPDX-License-Identifier: Apache-2.0 */
/* INI files as Python's configparser reads them: [section], key = value or key: value, lines that
 * continue a value are indented, comments are lines that start with # or ;. Keys are in lower case.
 * References (%(key)s) and a [DEFAULT] section are refused. */
#ifndef CORE_CORPUS_INI_H
#define CORE_CORPUS_INI_H

#include "base/context.h"

typedef struct core_ini_entry {
	const char *section, *key;
	char *value;
	int line; /* of the key, from 1 */
} core_ini_entry;

typedef struct core_ini {
	const char *path;
	int32_t n, capacity;
	core_ini_entry *entry; /* [n] in the order of the file */
} core_ini;

/* Lives as long as the context. Errors: FV_DATA with every bad line. */
FV_NODISCARD fv_status core_ini_read(fv_ctx *ctx, const char *path, core_ini *out);
/* NULL: none. The key is in lower case. */
const core_ini_entry *core_ini_find(const core_ini *ini, const char *section, const char *key);

#endif
