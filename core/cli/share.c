/* SPDX-License-Identifier: Apache-2.0 */
#include "share.h"

#include <unistd.h>

#include "base/file.h"

char *cli_find_shared(fv_ctx *ctx, const char *name, const char *advice)
{
	static const char *const places[] = {"../share/fairvox", "share/fairvox"};
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	char *dir = n > 0 ? core_path_dir(ctx, (exe[n] = '\0', exe)) : NULL;
	for (size_t i = 0; dir && i < sizeof places / sizeof *places; i++) {
		char *path = core_format(ctx, "%s/%s/%s", dir, places[i], name);
		if (!path || core_file_exists(path))
			return path;
	}
	(void)fv_fail(ctx, FV_DATA, "share/fairvox/%s: not beside the program %s: %s", name,
		n > 0 ? exe : "", advice);
	return NULL;
}
