/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"

#include <string.h>

int32_t test_find_stem(const core_corpus *corpus, const char *stem)
{
	for (int32_t i = 0; i < corpus->n; i++)
		if (!strcmp(corpus->stem[i], stem))
			return i;
	fail_msg("no stem %s", stem);
	return -1;
}
