/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <string.h>
#include <strings.h>

char *core_expand_fold(fv_ctx *ctx, const char *pattern, int64_t fold)
{
	char *path = core_strdup(ctx, "");
	for (const char *mark; path && (mark = strstr(pattern, CORE_FOLD_MARK));
		pattern = mark + strlen(CORE_FOLD_MARK))
		path = core_format(
			ctx, "%s%.*s%lld", path, (int)(mark - pattern), pattern, (long long)fold);
	return path ? core_format(ctx, "%s%s", path, pattern) : NULL;
}

char *core_path_join(fv_ctx *ctx, const char *dir, const char *name)
{
	if (name[0] == '/' || !dir[0] || !strcmp(dir, "."))
		return core_strdup(ctx, name);
	size_t n = strlen(dir);
	return core_format(ctx, dir[n - 1] == '/' ? "%s%s" : "%s/%s", dir, name);
}

char *core_path_dir(fv_ctx *ctx, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return core_strdup(ctx, ".");
	return core_strndup(ctx, path, slash == path ? 1 : (size_t)(slash - path));
}

const char *core_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static const char *find_audio_extension(const char *base)
{
	static const char *const known[] = {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff",
		".opus", ".m4a", ".sph", ".au", ".caf", ".w64"};
	const char *dot = strrchr(base, '.');
	if (!dot || dot == base)
		return NULL;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcasecmp(dot, known[i]))
			return dot;
	return NULL;
}

bool core_is_audio_name(const char *path)
{
	return find_audio_extension(core_path_base(path)) != NULL;
}

char *core_path_stem(fv_ctx *ctx, const char *path)
{
	const char *base = core_path_base(path);
	const char *dot = find_audio_extension(base);
	return core_strndup(ctx, base, dot ? (size_t)(dot - base) : strlen(base));
}
