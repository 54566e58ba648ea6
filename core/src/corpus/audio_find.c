/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the recording of a name, or the reason why there is none. */
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "corpus/audio.h"

/* A part of a sorted list of files. */
struct range {
	const core_recording *file;
	int64_t n;
};

/* The number of files in front of those whose stem is this one but for case; `past`: in front of
 * those that follow them. */
static int64_t count_before_stem(const struct range *r, const char *stem, bool past)
{
	int64_t low = 0, high = r->n;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		int order = strcasecmp(core_path_base(r->file[middle].full), stem);
		if (order < 0 || (past && !order))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The files whose stem is this one but for case. */
static struct range find_stem(const core_recording *file, int64_t n, const char *stem)
{
	struct range all = {file, n};
	int64_t first = count_before_stem(&all, stem, false);
	return (struct range){file + first, count_before_stem(&all, stem, true) - first};
}

static int64_t count_before_part(
	const struct range *r, int32_t from_end, core_id_part part, bool past)
{
	int64_t low = 0, high = r->n;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		int order = core_id_compare_parts(
			core_id_find_part(r->file[middle].full, from_end), part);
		if (order < 0 || (past && !order))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Narrows a range whose later parts are equal to the files that agree with the id from part `parts`
 * on, as far as any does. Returns how many parts agree. */
static int32_t narrow_range(struct range *r, int32_t parts, const char *id)
{
	for (;; parts++) {
		core_id_part part = core_id_find_part(id, parts);
		if (!part.text)
			return parts;
		int64_t first = count_before_part(r, parts, part, false);
		int64_t end = count_before_part(r, parts, part, true);
		if (end == first)
			return parts;
		*r = (struct range){r->file + first, end - first};
	}
}

/* Among files that agree with the id in all its parts, finds the one whose path below the folder
 * is the id. */
static const core_recording *find_exact(
	const struct range *agree, const core_audio_index *index, const char *id)
{
	struct range r = *agree;
	int32_t parts = core_id_count_parts(id), above = core_id_count_parts(index->folder_id);
	for (int32_t i = 0; i < above; i++) {
		core_id_part part = core_id_find_part(index->folder_id, i);
		int64_t first = count_before_part(&r, parts + i, part, false);
		int64_t end = count_before_part(&r, parts + i, part, true);
		r = (struct range){r.file + first, end - first};
	}
	return r.n == 1 && !strcmp(r.file->id, id) ? r.file : NULL;
}

/* Why a file that is there does not count as a recording. */
static const char *explain_other(fv_ctx *ctx, const core_recording *file)
{
	const char *name = core_path_base(file->path), *dot = strrchr(name, '.');
	if (core_path_media(name) == CORE_OTHER_MEDIA)
		return core_format(ctx,
			"%s is there, but %s is not read: convert it, for example with "
			"ffmpeg -i IN OUT.wav",
			file->path, dot + 1);
	if (!dot)
		return core_format(ctx,
			"%s is there, but its name has no extension of audio: rename it",
			file->path);
	return core_format(ctx, "%s is there, but '%s' is no extension of audio that is read",
		file->path, dot);
}

static const core_recording *find_other(const core_audio_index *index, const char *id)
{
	struct range range = find_stem(index->other, index->n_others, core_path_base(id));
	if (!narrow_range(&range, 0, id))
		return NULL;
	const core_recording *found = NULL;
	for (int64_t i = 0; i < range.n; i++)
		if (!found || core_path_media(range.file[i].path) == CORE_OTHER_MEDIA)
			found = &range.file[i];
	return found;
}

/* A recording whose name is what became of the id on the way: `stem` has to be it, but for case. */
static const core_recording *find_spelling(const core_audio_index *index, const char *stem)
{
	struct range found = find_stem(index->file, index->n, stem);
	return found.n ? found.file : NULL;
}

/* Finds the recording of a number whose zeros were lost (7 for 007), or that became a decimal number
 * (7.0 for 7). */
static const core_recording *find_number(const core_audio_index *index, const char *stem)
{
	char name[24];
	size_t digits = strspn(stem, "0123456789");
	bool decimal = !strcmp(stem + digits, ".0");
	if (!digits || digits > 9 || (stem[digits] && !decimal))
		return NULL;
	const core_recording *found = NULL;
	for (size_t width = digits + !decimal; !found && width <= 10; width++) {
		memset(name, '0', width);
		memcpy(name + width - digits, stem, digits);
		name[width] = '\0';
		found = find_spelling(index, name);
	}
	return found;
}

/* Finds the recording of a name that has two extensions on disk, or whose blanks were written as in
 * a URL. */
static const core_recording *find_written(
	fv_ctx *ctx, const core_audio_index *index, const char *stem)
{
	static const char *const extensions[] = {".wav", ".mp3", ".flac", " "};
	const core_recording *found = NULL;
	for (size_t i = 0; !found && i < sizeof extensions / sizeof *extensions; i++) {
		const char *name = core_format(ctx, "%s%s", stem, extensions[i]);
		found = name ? find_spelling(index, name) : NULL;
	}
	char *blanks = strstr(stem, "%20") ? core_strdup(ctx, stem) : NULL;
	if (found || !blanks)
		return found;
	for (char *at = blanks; (at = strstr(at, "%20"));) {
		*at++ = ' ';
		memmove(at, at + 2, strlen(at + 2) + 1);
	}
	return find_spelling(index, blanks);
}

static const char *explain_missing(fv_ctx *ctx, const core_audio_index *index,
	const struct range *same_but_case, const char *id)
{
	const core_recording *other = find_other(index, id);
	if (other)
		return explain_other(ctx, other);
	if (same_but_case->n)
		return core_format(
			ctx, "%s differs in upper and lower case", same_but_case->file->path);
	const char *stem = core_path_base(id);
	const core_recording *near = find_number(index, stem);
	if (!near)
		near = find_written(ctx, index, stem);
	if (near)
		return core_format(ctx,
			"%s is there: write its name into the label file, or rename it",
			near->path);
	return index->n ? "" : "the folder has no recording at all";
}

static const char *explain_tie(fv_ctx *ctx, const core_recording *a, const core_recording *b)
{
	return core_format(ctx, "%s and %s both have that name: %s", a->path, b->path,
		strcmp(a->full, b->full)
			? "write enough of the path into the label file to tell them apart"
			: "move one of them out of the folder");
}

const core_recording *core_audio_find(
	fv_ctx *ctx, const core_audio_index *index, const char *id, int32_t parts, const char **why)
{
	struct range stem = find_stem(index->file, index->n, core_path_base(id)), agree = stem;
	int32_t shared = narrow_range(&agree, 0, id);
	const core_recording *found = agree.file;
	if (shared >= parts && agree.n > 1)
		found = shared == core_id_count_parts(id) && shared > 1
				? find_exact(&agree, index, id)
				: NULL;
	if (shared >= parts && found)
		return found;
	if (!why)
		return NULL;
	if (shared >= parts)
		*why = explain_tie(ctx, &agree.file[0], &agree.file[1]);
	else if (shared)
		*why = core_format(
			ctx, "%s has that name, but lies in another folder", agree.file->path);
	else
		*why = explain_missing(ctx, index, &stem, id);
	return NULL;
}

const char *core_audio_find_row(fv_ctx *ctx, const core_audio_index *index,
	const core_corpus *corpus, int32_t row, const char **why)
{
	const char *id = core_path_id(ctx, corpus->file[row]);
	const core_recording *found = NULL;
	if (id)
		found = core_audio_find(
			ctx, index, id, core_id_count_parts(corpus->stem[row]), why);
	return found ? found->path : NULL;
}

fv_status core_audio_locate(
	fv_ctx *ctx, const core_audio_index *index, const core_corpus *corpus, const char **path)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < corpus->n; i++) {
		const char *why = NULL;
		path[i] = core_audio_find_row(ctx, index, corpus, i, &why);
		if (path[i])
			continue;
		if (!why)
			return FV_FAILED;
		status = core_fail_at(ctx, FV_DATA, corpus->source[i], corpus->line[i], 0,
			"no recording '%s' below %s%s%s", corpus->stem[i], index->folder,
			*why ? ": " : "", why);
	}
	return status;
}
