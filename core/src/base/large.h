/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for tables of features: hundreds of megabytes that are read row by row in any order. Large pages
 * make such reads cheaper, and so is getting them. */
#ifndef CORE_BASE_LARGE_H
#define CORE_BASE_LARGE_H

#include <stddef.h>

/* n * size bytes, not zeroed, 64-byte aligned; free with free(). NULL when out. */
void *core_large_alloc(size_t n, size_t size);

#endif
