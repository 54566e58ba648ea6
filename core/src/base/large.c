/* SPDX-License-Identifier: Apache-2.0 */
#include "base/large.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE ((size_t)2 << 20)

void *core_large_alloc(size_t n, size_t size)
{
	if (size && n > (SIZE_MAX - PAGE) / size)
		return NULL;
	size_t bytes = n * size, page = bytes < 2 * PAGE ? 64 : PAGE;
	bytes = (bytes + page) / page * page;
	void *memory = aligned_alloc(page, bytes);
	if (memory && page == PAGE)
		(void)madvise(memory, bytes, MADV_HUGEPAGE); /* only a hint for speed */
	return memory;
}
