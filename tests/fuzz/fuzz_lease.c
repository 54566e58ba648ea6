/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a lease, and what it says of its holder. */
#include <string.h>

#include "base/lease_file.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[2 * CORE_LEASE_TEXT];
	core_lease_facts facts;
	size = size < sizeof text ? size : sizeof text - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	core_lease_parse(text, size, &facts);
	fuzz_require(
		facts.readable || facts.count == (int64_t)size, "a size that is not the count");
	fuzz_require(facts.period_s == facts.period_s, "no period");
	(void)core_lease_find_life(&facts);
	return 0;
}
