/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a plugin, before a child process loads it. */
#include <string.h>

#include "fuzz.h"
#include "plugin/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char reason[256] = "";
	bool good = core_elf_check(fuzz_write_file(data, size), reason, sizeof reason);
	fuzz_require(good == !*reason, "a file that is refused without a reason");
	fuzz_require(strlen(reason) < sizeof reason && !strchr(reason, '\n'),
		"a reason that is no line");
	return 0;
}
