/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

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

struct extension {
	const char *name;
	core_media media;
};

static const struct extension extensions[] = {
	{".wav", CORE_READ_MEDIA},
	{".flac", CORE_READ_MEDIA},
	{".ogg", CORE_READ_MEDIA},
	{".oga", CORE_READ_MEDIA},
	{".mp3", CORE_READ_MEDIA},
	{".aif", CORE_READ_MEDIA},
	{".aiff", CORE_READ_MEDIA},
	{".aifc", CORE_READ_MEDIA},
	{".opus", CORE_READ_MEDIA},
	{".sph", CORE_READ_MEDIA},
	{".au", CORE_READ_MEDIA},
	{".caf", CORE_READ_MEDIA},
	{".w64", CORE_READ_MEDIA},
	{".mp4", CORE_OTHER_MEDIA},
	{".m4a", CORE_OTHER_MEDIA},
	{".m4v", CORE_OTHER_MEDIA},
	{".mov", CORE_OTHER_MEDIA},
	{".mkv", CORE_OTHER_MEDIA},
	{".webm", CORE_OTHER_MEDIA},
	{".avi", CORE_OTHER_MEDIA},
	{".wmv", CORE_OTHER_MEDIA},
	{".wma", CORE_OTHER_MEDIA},
	{".flv", CORE_OTHER_MEDIA},
	{".mpg", CORE_OTHER_MEDIA},
	{".mpeg", CORE_OTHER_MEDIA},
	{".3gp", CORE_OTHER_MEDIA},
	{".aac", CORE_OTHER_MEDIA},
	{".amr", CORE_OTHER_MEDIA},
	{".ac3", CORE_OTHER_MEDIA},
};

/* Finds the extension of a name without folder; NULL: none that is known. */
static const struct extension *find_extension(const char *base, size_t *length)
{
	const char *dot = strrchr(base, '.');
	if (!dot || dot == base)
		return NULL;
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (!strcasecmp(dot, extensions[i].name)) {
			*length = (size_t)(dot - base);
			return &extensions[i];
		}
	return NULL;
}

core_media core_path_media(const char *path)
{
	size_t length;
	const struct extension *found = find_extension(core_path_base(path), &length);
	return found ? found->media : CORE_NO_MEDIA;
}

bool core_is_audio_name(const char *path)
{
	return core_path_media(path) == CORE_READ_MEDIA;
}

/* Rewrites the folders of a path in place: slashes, no drive letter, none that is empty or ".". */
static void clean_folders(char *path)
{
	for (char *at = path; *at; at++)
		if (*at == '\\')
			*at = '/';
	bool drive = ((path[0] | 0x20) >= 'a' && (path[0] | 0x20) <= 'z') && path[1] == ':' &&
		     path[2] == '/';
	const char *from = drive ? path + 2 : path;
	char *to = path;
	for (const char *slash; (slash = strchr(from, '/')); from = slash + 1) {
		size_t n = (size_t)(slash - from);
		if (!n || (n == 1 && *from == '.'))
			continue;
		memmove(to, from, n);
		to[n] = '/';
		to += n + 1;
	}
	memmove(to, from, strlen(from) + 1);
}

char *core_path_id(fv_ctx *ctx, const char *path)
{
	char *composed = core_utf8_compose(path);
	char *id = composed ? core_strdup(ctx, composed) : NULL;
	if (!composed)
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	free(composed);
	if (!id)
		return NULL;
	clean_folders(id);
	const char *base = core_path_base(id);
	size_t length;
	if (find_extension(base, &length))
		id[(size_t)(base - id) + length] = 0;
	return id;
}

char *core_path_stem(fv_ctx *ctx, const char *path)
{
	const char *id = core_path_id(ctx, path);
	return id ? core_strdup(ctx, core_path_base(id)) : NULL;
}

core_id_part core_id_find_part(const char *id, int32_t from_end)
{
	const char *end = id + strlen(id);
	for (;; from_end--) {
		const char *start = end;
		while (start > id && start[-1] != '/')
			start--;
		if (!from_end)
			return (core_id_part){start, (size_t)(end - start)};
		if (start == id)
			return (core_id_part){NULL, 0};
		end = start - 1;
	}
}

int core_id_compare_parts(core_id_part a, core_id_part b)
{
	if (!a.text || !b.text)
		return (a.text != NULL) - (b.text != NULL);
	int order = memcmp(a.text, b.text, a.n < b.n ? a.n : b.n);
	return order ? order : (a.n > b.n) - (a.n < b.n);
}

int32_t core_id_count_parts(const char *id)
{
	int32_t parts = 1;
	for (; (id = strchr(id, '/')); id++)
		parts++;
	return parts;
}

const char *core_id_suffix(const char *id, int32_t parts)
{
	const char *at = id + strlen(id);
	for (; at > id; at--)
		if (at[-1] == '/' && --parts <= 0)
			break;
	return at;
}
