/* SPDX-License-Identifier: Apache-2.0 */
#include "run/recordings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/visible.h"

const core_segment *core_recording_segment(const core_recordings *recordings, int64_t row)
{
	const core_segment *segment = recordings->segment ? &recordings->segment[row] : NULL;
	return core_is_segment(segment) ? segment : NULL;
}

fv_status core_recording_sha256(fv_ctx *ctx, const char file[CORE_SHA256_HEX],
	const core_segment *segment, char hex[CORE_SHA256_HEX])
{
	if (!segment) {
		memmove(hex, file, CORE_SHA256_HEX);
		return FV_OK;
	}
	const char *text = core_format(ctx, "%s %.17g %.17g", file, segment->start, segment->end);
	if (!text)
		return FV_FAILED;
	core_sha256_bytes(text, strlen(text), hex);
	return FV_OK;
}

void core_recordings_warn_silent(
	fv_ctx *ctx, const char *const *name, const uint8_t *silent, int64_t n)
{
	const char *names = "";
	int64_t count = 0;
	for (int64_t i = 0; i < n; i++)
		if (silent[i] && count++ < 3 && names)
			names = core_format(ctx, "%s%s%s", names, count > 1 ? ", " : "", name[i]);
	if (count)
		core_log(ctx, CORE_WARNING,
			"%lld of %lld recordings %s silent: %s%s: nothing can be heard in %s, so "
			"features say nothing, and groups by a classifier of voices are unknown",
			(long long)count, (long long)n, count == 1 ? "is" : "are",
			names ? names : "", count > 3 ? ", ..." : "", count == 1 ? "it" : "them");
}

/* Reports a line with the path in front, so that those of one cause are merged. */
static void report_line(fv_ctx *ctx, fv_status status, const char *path, const char *line)
{
	size_t n = path ? strlen(path) : 0;
	if (path && !strncmp(line, path, n) && !strncmp(line + n, ": ", 2))
		line += n + 2;
	else if (!path || strstr(line, path))
		path = NULL;
	if (path)
		(void)fv_fail(ctx, status, "%s: %s", path, line);
	else
		(void)fv_fail(ctx, status, "%s", line);
}

void core_recording_report_failure(
	fv_ctx *ctx, fv_status status, const char *path, const char *reason)
{
	core_text line = {0}, shown = {0};
	if (path) /* as the reason names it */
		(void)core_put_visible(&shown, path);
	for (const char *at = reason; *at;) {
		size_t n = strcspn(at, "\n");
		line.size = 0;
		core_text_put(&line, at, n);
		report_line(ctx, status, shown.data, line.failed ? "out of memory" : line.data);
		at += n + (at[n] == '\n');
	}
	core_text_free(&line);
	core_text_free(&shown);
}

struct sized {
	int64_t size, index;
};

static int compare_sizes(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

fv_status core_recordings_order_by_size(
	fv_ctx *ctx, const char *const *path, const int64_t *row, int64_t n, int64_t *order)
{
	struct sized *list = core_alloc(ctx, (size_t)n, sizeof *list);
	if (!list)
		return FV_FAILED;
	for (int64_t i = 0; i < n; i++) {
		int64_t which = row ? row[i] : i;
		struct stat info;
		list[i] = (struct sized){stat(path[which], &info) ? 0 : info.st_size, which};
	}
	qsort(list, (size_t)n, sizeof *list, compare_sizes);
	for (int64_t i = 0; i < n; i++)
		order[i] = list[i].index;
	return FV_OK;
}
