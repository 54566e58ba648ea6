/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a module of the device cuda-emulated, which programs load in place of fairvox-cuda. FAIRVOX_EMULATED says what
 * differs from an H200 with 4 GB of free memory on which nothing fails, as fields of emulated_gpu with commas between
 * them: "driver=11080,fault_at=7". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulated.h"

/* Returns the number behind `field`, or `usual`. */
static long long find_number(const char *words, const char *field, long long usual)
{
	size_t size = strlen(field);
	for (const char *at = words; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (!strncmp(at, field, size) && at[size] == '=')
			return atoll(at + size + 1);
	return usual;
}

__attribute__((constructor)) static void choose_gpu(void)
{
	const char *words = getenv("FAIRVOX_EMULATED");
	emulated_reset();
	emulated.devices = (int)find_number(words, "devices", emulated.devices);
	emulated.error = (int)find_number(words, "error", emulated.error);
	emulated.driver = (int)find_number(words, "driver", emulated.driver);
	emulated.major = (int)find_number(words, "major", emulated.major);
	emulated.free_bytes =
		(size_t)find_number(words, "free_bytes", (long long)emulated.free_bytes);
	emulated.fail_at = find_number(words, "fail_at", 0);
	emulated.fault_at = find_number(words, "fault_at", 0);
	emulated.graph_fault = (int)find_number(words, "graph_fault", 0);
}
