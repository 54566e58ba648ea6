/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the rows: the file of each, the segment of it, and the shortest name that tells it from
 * all other rows. Draws are keyed by that name, so it is the stem wherever stems are unique. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/missing.h"
#include "base/nearest.h"
#include "base/path.h"
#include "base/plural.h"
#include "base/text.h"
#include "corpus/corpus_private.h"
#include "corpus/seconds.h"

/* --- file names ------------------------------------------------------------------------------- */

/* The value of one {column} of a template; NULL (and a failure) when there is none. */
static const char *find_template_value(
	fv_ctx *ctx, const core_label_file *f, int64_t r, const char *column, fv_status *status)
{
	const core_csv *csv = &f->table.csv;
	if (!strcmp(column, "split") && f->table.split[r])
		return f->table.split[r];
	int64_t at = core_csv_column(csv, column);
	if (at < 0 && !strcmp(column, "split"))
		at = f->split;
	if (at < 0) {
		*status = core_fail_key(ctx, FV_CONFIG,
			(core_key_ref){f->spec->block, "columns.file", NULL},
			"corpus.columns.file: %s has no column '%s'%s", csv->path, column,
			core_suggest_name(ctx, column, (const char *const *)csv->header,
				(size_t)csv->n_columns));
		return NULL;
	}
	const char *cell = core_csv_cell(csv, r, at);
	if (!*cell)
		*status = CORE_ROW_FAIL(ctx, f, r,
			"%s is empty, or no column of this file: it is part of the file name",
			column);
	return *cell ? cell : NULL;
}

/* Fills in a template: "{split}/dia{Dialogue_ID}_utt{Utterance_ID}.wav". */
static fv_status fill_template(fv_ctx *ctx, const core_label_file *f, int64_t r, const char **out)
{
	core_text text = {0};
	fv_status status = FV_OK;
	for (const char *p = f->spec->column_file; *p && !status;) {
		const char *open = strchr(p, '{'), *close = open ? strchr(open, '}') : NULL;
		if (!close) {
			core_text_put(&text, p, strlen(p));
			break;
		}
		core_text_put(&text, p, (size_t)(open - p));
		/* {speaker:2}: the width is for names that are read (read_names.c) */
		size_t n = strcspn(open + 1, ":}");
		const char *column = core_strndup(ctx, open + 1, n);
		const char *value = column ? find_template_value(ctx, f, r, column, &status) : NULL;
		if (value)
			core_text_put(&text, value, strlen(value));
		else if (!status)
			status = FV_FAILED;
		p = close + 1;
	}
	*out = status ? NULL : core_strdup(ctx, text.data ? text.data : "");
	core_text_free(&text);
	return status || *out ? status : FV_FAILED;
}

static fv_status read_name(fv_ctx *ctx, core_label_file *f, int64_t r)
{
	fv_status status = FV_OK;
	if (f->file >= 0)
		f->name[r] = core_csv_cell(&f->table.csv, r, f->file);
	else
		status = fill_template(ctx, f, r, &f->name[r]);
	if (status)
		return status;
	f->id[r] = core_path_id(ctx, f->name[r]);
	if (!f->id[r])
		return FV_FAILED;
	return *f->id[r] ? FV_OK : CORE_ROW_FAIL(ctx, f, r, "no file name");
}

/* --- segments --------------------------------------------------------------------------------- */

static fv_status read_seconds(
	fv_ctx *ctx, const core_label_file *f, int64_t r, int64_t column, double *out)
{
	const char *cell = column < 0 ? "" : core_csv_cell(&f->table.csv, r, column);
	if (core_is_missing(cell) || !strcmp(cell, "NaT") || core_parse_seconds(cell, out))
		return FV_OK;
	return CORE_ROW_FAIL(
		ctx, f, r, "%s: '%s' is no time in seconds", f->table.csv.header[column], cell);
}

static fv_status read_segment(fv_ctx *ctx, core_label_file *f, int64_t r)
{
	f->start_s[r] = 0;
	f->end_s[r] = INFINITY;
	fv_status start = read_seconds(ctx, f, r, f->start, &f->start_s[r]);
	fv_status end = read_seconds(ctx, f, r, f->end, &f->end_s[r]);
	if (start || end)
		return start ? start : end;
	if (f->start_s[r] < f->end_s[r])
		return FV_OK;
	return CORE_ROW_FAIL(ctx, f, r, "the segment ends at %g s and starts at %g s", f->end_s[r],
		f->start_s[r]);
}

static fv_status read_names(fv_ctx *ctx, core_label_file *f)
{
	size_t n = (size_t)f->table.csv.n_rows;
	bool segments = f->start >= 0 || f->end >= 0;
	f->name = core_alloc(ctx, n, sizeof *f->name);
	f->id = core_alloc(ctx, n, sizeof *f->id);
	f->stem = core_alloc(ctx, n, sizeof *f->stem);
	f->start_s = segments ? core_alloc(ctx, n, sizeof *f->start_s) : NULL;
	f->end_s = segments ? core_alloc(ctx, n, sizeof *f->end_s) : NULL;
	if (!f->name || !f->id || !f->stem || (segments && (!f->start_s || !f->end_s)))
		return FV_FAILED;
	fv_status status = FV_OK;
	for (int64_t r = 0; r < (int64_t)n; r++) {
		fv_status read = read_name(ctx, f, r);
		fv_status cut = segments ? read_segment(ctx, f, r) : FV_OK;
		status = read ? read : cut ? cut : status;
		if (read == FV_FAILED || read == FV_CONFIG)
			return read;
	}
	return status;
}

/* --- stems ------------------------------------------------------------------------------------ */

/* By stem, then by the whole id, so that equal stems and equal ids stand together. */
static int by_stem_and_id(const void *a, const void *b, void *ids)
{
	const char *const *id = ids;
	const char *s = id[*(const int32_t *)a], *t = id[*(const int32_t *)b];
	int order = strcmp(core_id_suffix(s, 1), core_id_suffix(t, 1));
	return order ? order : strcmp(s, t);
}

struct suffixes {
	const char *const *id;
	int32_t parts;
};

static int by_suffix(const void *a, const void *b, void *user)
{
	const struct suffixes *s = user;
	return strcmp(core_id_suffix(s->id[*(const int32_t *)a], s->parts),
		core_id_suffix(s->id[*(const int32_t *)b], s->parts));
}

/* True when the last `parts` parts tell the different ids of n rows apart. Sorts the rows by them. */
static bool tells_apart(const core_label_file *f, int32_t *row, int32_t n, int32_t parts)
{
	struct suffixes s = {f->id, parts};
	qsort_r(row, (size_t)n, sizeof *row, by_suffix, &s);
	for (int32_t i = 1; i < n; i++)
		if (!by_suffix(&row[i - 1], &row[i], &s))
			return false;
	return true;
}

/* Keeps the first row of each different id. Returns their number. */
static int32_t list_ids(const core_label_file *f, const int32_t *row, int32_t n, int32_t *first)
{
	int32_t count = 0;
	for (int32_t i = 0; i < n; i++)
		if (!i || strcmp(f->id[row[i]], f->id[row[i - 1]]) != 0)
			first[count++] = row[i];
	return count;
}

static fv_status name_group(
	fv_ctx *ctx, core_label_file *f, const int32_t *row, int32_t n, int32_t *first)
{
	int32_t parts = 1, ids = list_ids(f, row, n, first);
	while (ids > 1 && !tells_apart(f, first, ids, parts))
		parts++;
	for (int32_t i = 0; i < n; i++) {
		int32_t r = row[i];
		f->stem[r] = core_id_suffix(f->id[r], parts);
		if (f->start_s)
			f->stem[r] = core_segment_name(ctx, f->stem[r], f->start_s[r], f->end_s[r]);
		if (!f->stem[r])
			return FV_FAILED;
	}
	return FV_OK;
}

static fv_status name_stems(fv_ctx *ctx, core_label_file *f)
{
	int32_t n = (int32_t)f->table.csv.n_rows, from = 0;
	int32_t *first = core_alloc(ctx, (size_t)n, sizeof *first);
	if (!first)
		return FV_FAILED;
	qsort_r(f->row, (size_t)n, sizeof *f->row, by_stem_and_id, (void *)f->id);
	for (int32_t i = 1; i <= n; i++) {
		if (i < n && !strcmp(core_id_suffix(f->id[f->row[i]], 1),
				     core_id_suffix(f->id[f->row[from]], 1)))
			continue;
		if (name_group(ctx, f, f->row + from, i - from, first))
			return FV_FAILED;
		from = i;
	}
	return FV_OK;
}

static int by_stem(const void *a, const void *b, void *stems)
{
	const char *const *stem = stems;
	int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
	int order = strcmp(stem[i], stem[j]);
	return order ? order : (i > j) - (i < j);
}

/* Two rows of one recording. Names that are read from a folder have no line. */
static fv_status report_twice(fv_ctx *ctx, const core_label_file *f, int32_t first, int32_t again)
{
	const core_label_table *t = &f->table;
	const char *other = t->path[first] == t->path[again] ? "" : t->path[first];
	if (!t->csv.line[first])
		return CORE_ROW_FAIL(
			ctx, f, again, "'%s' appears twice, first as %s", f->stem[again], other);
	return CORE_ROW_FAIL(ctx, f, again, "'%s' appears twice, first on %s%sline %d",
		f->stem[again], other, *other ? ", " : "", (int)t->csv.line[first]);
}

/* Sorts all rows by stem; a recording or segment that appears twice is an error. */
static fv_status sort_rows(fv_ctx *ctx, core_label_file *f)
{
	int32_t n = (int32_t)f->table.csv.n_rows;
	qsort_r(f->row, (size_t)n, sizeof *f->row, by_stem, (void *)f->stem);
	fv_status status = FV_OK;
	for (int32_t i = 1; i < n; i++)
		if (!strcmp(f->stem[f->row[i - 1]], f->stem[f->row[i]]))
			status = report_twice(ctx, f, f->row[i - 1], f->row[i]);
	return status;
}

fv_status core_rows_name(fv_ctx *ctx, core_label_file *f)
{
	size_t n = (size_t)f->table.csv.n_rows;
	f->row = core_alloc(ctx, n, sizeof *f->row);
	f->dropped = core_alloc(ctx, n, sizeof *f->dropped);
	if (!f->row || !f->dropped)
		return FV_FAILED;
	for (size_t r = 0; r < n; r++)
		f->row[r] = (int32_t)r;
	fv_status status = read_names(ctx, f);
	if (!status)
		status = name_stems(ctx, f);
	return status ? status : sort_rows(ctx, f);
}

/* --- speakers --------------------------------------------------------------------------------- */

/* A row without a speaker is a speaker of its own, named by its recording. */
static const char *make_own_speaker(fv_ctx *ctx, const core_label_file *f, int64_t r)
{
	return f->spec->speaker ? f->stem[r] : core_format(ctx, "recording %s", f->stem[r]);
}

fv_status core_speakers_name(fv_ctx *ctx, core_label_file *f)
{
	int64_t n = f->table.csv.n_rows, alone = 0;
	f->speaker = core_alloc(ctx, (size_t)n, sizeof *f->speaker);
	if (!f->speaker)
		return FV_FAILED;
	const char *const *name = NULL;
	if (f->n_speaker_key) {
		fv_status status =
			core_label_joined(ctx, f, f->speaker_key, f->n_speaker_key, &name);
		if (status)
			return status;
	}
	for (int64_t r = 0; r < n; r++) {
		bool known = name && name[r];
		alone += !known;
		f->speaker[r] = known ? name[r] : make_own_speaker(ctx, f, r);
		if (!f->speaker[r])
			return FV_FAILED;
	}
	if (name && alone)
		fv_warn(ctx, "%s: %lld of %lld row%s %s no speaker: each counts as one of its own",
			f->table.csv.path, (long long)alone, (long long)n, core_plural(n),
			alone == 1 ? "has" : "have");
	return FV_OK;
}

/* --- exclusion -------------------------------------------------------------------------------- */

static bool matches_name(const core_label_file *f, int64_t r, const char *name, int32_t parts)
{
	return !strcmp(core_id_suffix(f->id[r], parts), name) || !strcmp(f->stem[r], name);
}

/* Excludes the recording of one name, a stem or the end of a path. */
static fv_status exclude_name(fv_ctx *ctx, core_label_file *f, const char *written)
{
	const char *name = core_path_id(ctx, written);
	int64_t n = f->table.csv.n_rows, found = -1;
	if (!name)
		return FV_FAILED;
	int32_t parts = core_id_count_parts(name);
	for (int64_t r = 0; r < n; r++) {
		if (!matches_name(f, r, name, parts))
			continue;
		if (found >= 0 && strcmp(f->id[found], f->id[r]) != 0)
			return core_fail_key(ctx, FV_CONFIG,
				(core_key_ref){f->spec->block, "exclude", written},
				"corpus.exclude: '%s' may be '%s' or '%s': write more of its path",
				written, f->id[found], f->id[r]);
		f->excluded[r] = true;
		found = r;
	}
	if (found >= 0)
		return FV_OK;
	return core_fail_key(ctx, FV_CONFIG, (core_key_ref){f->spec->block, "exclude", written},
		"corpus.exclude: '%s' is not in %s%s", written, f->table.csv.path,
		core_suggest_name(ctx, name, f->stem, (size_t)n));
}

fv_status core_rows_exclude(fv_ctx *ctx, core_label_file *f)
{
	const core_strings *list = &f->spec->exclude;
	f->excluded = core_alloc(ctx, (size_t)f->table.csv.n_rows, sizeof *f->excluded);
	fv_status status = f->excluded ? FV_OK : FV_FAILED;
	for (int32_t e = 0; e < list->n && status != FV_FAILED; e++) {
		fv_status one = exclude_name(ctx, f, list->item[e]);
		status = one ? one : status;
	}
	return status;
}
