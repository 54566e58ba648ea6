/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/trust.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* Has the group no member but this user, as systems make one for each? Root has none. */
static bool is_own_group(gid_t id)
{
	char names[2][1 << 12];
	struct passwd own, *user = NULL;
	struct group its, *group = NULL;
	if (!geteuid() || getpwuid_r(geteuid(), &own, names[0], sizeof names[0], &user) || !user ||
		user->pw_gid != id)
		return false;
	if (getgrgid_r(id, &its, names[1], sizeof names[1], &group) || !group)
		return false;
	return !strcmp(group->gr_name, user->pw_name) && !group->gr_mem[0];
}

/* Why others could change this; NULL: they could not. In a folder with the sticky bit they cannot replace what is there. */
static const char *find_objection(const struct stat *st)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to another user";
	if (!sticky && (st->st_mode & S_IWOTH))
		return "can be written by every user";
	if (!sticky && (st->st_mode & S_IWGRP) && !is_own_group(st->st_gid))
		return "can be written by its group";
	return NULL;
}

fv_status core_trust_path(fv_ctx *ctx, const char *path, const char **objection)
{
	char *at = core_strdup(ctx, path);
	*objection = NULL;
	while (at) {
		struct stat st;
		const char *why = stat(at, &st) ? strerror(errno) : find_objection(&st);
		if (why) {
			*objection = core_format(ctx,
				"%s %s: only files of root and of the user are loaded, from "
				"folders that nobody else can write",
				at, why);
			return *objection ? FV_OK : FV_FAILED;
		}
		char *slash = strrchr(at, '/');
		if (!slash || !slash[1])
			return core_memory_is_out()
				       ? fv_fail(ctx, FV_FAILED, "%s", core_memory_reason())
				       : FV_OK;
		slash[slash == at] = '\0'; /* the root keeps its slash */
	}
	return FV_FAILED;
}
