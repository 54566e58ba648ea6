/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for feature tables: hundreds of megabytes that are read row by row in any order. Large
 * pages make both such reads and the allocation faster. */
#ifndef CORE_BASE_LARGE_H
#define CORE_BASE_LARGE_H

#include <stddef.h>

/* n * size bytes, not zeroed, 64-byte aligned; free with free(). NULL when memory is out. */
void *core_large_alloc(size_t n, size_t size);

#endif
