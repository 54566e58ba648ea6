/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the votes of raters: one row a rater, with the file name and the class it chose. A cell with
 * several classes ("Neutral,Concerned") is a vote for each. The cells of MSP-Podcast from release 1.7
 * on, "WORKER00000003; Neutral; Concerned,Neutral; A:4.0; V:4.0; D:4.0;", hold the class second. */
#include <stdlib.h>
#include <string.h>

#include "base/missing.h"
#include "base/number.h"
#include "base/path.h"
#include "corpus/corpus_private.h"

/* --- cells ------------------------------------------------------------------------------------ */

/* A list of votes: text, row of the table. */
struct list {
	int64_t n, capacity;
	const char **text;
	int64_t *row, *line;
};

static fv_status grow_list(fv_ctx *ctx, struct list *list)
{
	int64_t capacity = list->capacity ? 2 * list->capacity : 1024;
	size_t n = (size_t)list->n;
	struct list grown = {list->n, capacity,
		core_alloc(ctx, (size_t)capacity, sizeof *grown.text),
		core_alloc(ctx, (size_t)capacity, sizeof *grown.row),
		core_alloc(ctx, (size_t)capacity, sizeof *grown.line)};
	if (!grown.text || !grown.row || !grown.line)
		return FV_FAILED;
	if (n) {
		memcpy(grown.text, list->text, n * sizeof *list->text);
		memcpy(grown.row, list->row, n * sizeof *list->row);
		memcpy(grown.line, list->line, n * sizeof *list->line);
	}
	*list = grown;
	return FV_OK;
}

/* Adds the vote of n bytes at `text`, without blanks around it. */
static fv_status add_vote(
	fv_ctx *ctx, struct list *list, const char *text, size_t n, int64_t row, int64_t line)
{
	while (n && strchr(" \t", *text)) {
		text++;
		n--;
	}
	while (n && strchr(" \t", text[n - 1]))
		n--;
	const char *copy = core_strndup(ctx, text, n);
	if (!copy || (list->n == list->capacity && grow_list(ctx, list)))
		return FV_FAILED;
	list->text[list->n] = copy;
	list->row[list->n] = row;
	list->line[list->n++] = line;
	return FV_OK;
}

/* True for a record of a rater, in which one of the fields that ';' divides is a rating "A:4.0". */
static bool is_record(const char *cell)
{
	const char *rating = strstr(cell, "; A:"), *second = strchr(cell, ';');
	return rating && second && second != rating && rating[4] &&
	       strchr("0123456789.", rating[4]);
}

/* Adds the second field of a record. */
static fv_status add_record(
	fv_ctx *ctx, struct list *list, const core_csv *csv, int64_t row, const char *cell)
{
	const char *second = strchr(cell, ';');
	if (second)
		return add_vote(
			ctx, list, second + 1, strcspn(second + 1, ";"), row, csv->line[row]);
	return core_fail_at(ctx, FV_DATA, csv->path, (int)csv->line[row], 0,
		"'%s' is no record of a rater, unlike others of its column: WORKER; CLASS; ...",
		cell);
}

static fv_status add_cell(
	fv_ctx *ctx, struct list *list, const char *cell, int64_t row, int64_t line)
{
	fv_status status = FV_OK;
	do {
		size_t n = strcspn(cell, ",;");
		if (n || !*cell)
			status = add_vote(ctx, list, cell, n, row, line);
		cell += n + (cell[n] != '\0');
	} while (*cell && !status);
	return status;
}

/* Lists the votes of a column, all of whose cells are records if one is. */
static fv_status list_votes(fv_ctx *ctx, const core_csv *csv, int64_t column, struct list *list)
{
	bool records = false;
	fv_status status = FV_OK;
	for (int64_t r = 0; r < csv->n_rows; r++)
		records = records || is_record(core_csv_cell(csv, r, column));
	for (int64_t r = 0; r < csv->n_rows; r++) {
		const char *cell = core_csv_cell(csv, r, column);
		fv_status added = records && *cell ? add_record(ctx, list, csv, r, cell)
						   : add_cell(ctx, list, cell, r, csv->line[r]);
		if (added == FV_FAILED)
			return added;
		status = added ? added : status;
	}
	return status;
}

/* --- the table -------------------------------------------------------------------------------- */

static fv_status find_columns(fv_ctx *ctx, const core_corpus_spec *spec, const core_csv *csv,
	int64_t *recording, int64_t *emotion)
{
	fv_status status = core_table_column_find(ctx, spec, csv, NULL, "votes.recording",
		spec->votes_recording, core_usual_files, recording);
	fv_status label = core_table_column_find(
		ctx, spec, csv, NULL, "votes.emotion", spec->votes_emotion, NULL, emotion);
	if (status || label)
		return status ? status : label;
	if (*recording < 0)
		return core_fail_at(ctx, FV_DATA, csv->path, core_csv_header_line(csv), 0,
			"no column 'FileName' or 'file': name it with corpus.votes.recording");
	return csv->n_rows ? FV_OK : fv_fail(ctx, FV_DATA, "%s: 0 rows", csv->path);
}

/* Sets the recordings of the votes, and recording [rows of csv], the one of each row. */
static fv_status list_recordings(
	fv_ctx *ctx, const core_csv *csv, int64_t column, core_votes *out, int32_t *recording)
{
	const char **id = core_alloc(ctx, (size_t)csv->n_rows, sizeof *id);
	if (!id)
		return FV_FAILED;
	for (int64_t r = 0; r < csv->n_rows; r++) {
		id[r] = core_path_id(ctx, core_csv_cell(csv, r, column));
		if (!id[r])
			return FV_FAILED;
	}
	return core_names_index(ctx, id, csv->n_rows, recording, &out->id, &out->n);
}

static fv_status count_votes(fv_ctx *ctx, const core_corpus_spec *spec, const core_csv *csv,
	int64_t column, const int32_t *recording, core_votes *out)
{
	struct list list = {0};
	fv_status status = list_votes(ctx, csv, column, &list);
	if (status)
		return status;
	int32_t *class = core_alloc(ctx, (size_t)list.n, sizeof *class);
	status = class ? core_clean_column(ctx, csv->path, csv->header[column], list.n, list.text,
				 list.line, spec->missing.n, spec->missing.item)
		       : FV_FAILED;
	if (!status)
		status = core_names_index(
			ctx, list.text, list.n, class, &out->class_name, &out->n_classes);
	if (status)
		return status;
	out->count = core_alloc(ctx, (size_t)out->n * (size_t)out->n_classes, sizeof *out->count);
	for (int64_t v = 0; out->count && v < list.n; v++)
		if (class[v] >= 0)
			out->count[(int64_t)recording[list.row[v]] * out->n_classes + class[v]]++;
	return out->count ? FV_OK : FV_FAILED;
}

static int by_stem(const void *a, const void *b, void *ids)
{
	const char *const *id = ids;
	return strcmp(core_id_suffix(id[*(const int32_t *)a], 1),
		core_id_suffix(id[*(const int32_t *)b], 1));
}

static fv_status sort_by_stem(fv_ctx *ctx, core_votes *v)
{
	v->by_stem = core_alloc(ctx, (size_t)v->n, sizeof *v->by_stem);
	if (!v->by_stem)
		return FV_FAILED;
	for (int32_t i = 0; i < v->n; i++)
		v->by_stem[i] = i;
	qsort_r(v->by_stem, (size_t)v->n, sizeof *v->by_stem, by_stem, (void *)v->id);
	return FV_OK;
}

/* Makes the first row of each recording a row of the corpus. */
static fv_status make_rows(fv_ctx *ctx, const core_csv *csv, const int32_t *recording, int32_t n,
	core_label_table *out)
{
	size_t width = (size_t)csv->n_columns;
	bool *seen = core_alloc(ctx, (size_t)n, sizeof *seen);
	core_csv *to = &out->csv;
	*to = (core_csv){.path = csv->path, .n_columns = csv->n_columns, .header = csv->header};
	to->cell = core_alloc(ctx, (size_t)n * width, sizeof *to->cell);
	to->line = core_alloc(ctx, (size_t)n, sizeof *to->line);
	out->path = core_alloc(ctx, (size_t)n, sizeof *out->path);
	out->split = core_alloc(ctx, (size_t)n, sizeof *out->split);
	if (!seen || !to->cell || !to->line || !out->path || !out->split)
		return FV_FAILED;
	for (int64_t r = 0; r < csv->n_rows; r++) {
		if (seen[recording[r]])
			continue;
		seen[recording[r]] = true;
		memcpy(to->cell + (size_t)to->n_rows * width, csv->cell + (size_t)r * width,
			width * sizeof *to->cell);
		out->path[to->n_rows] = csv->path;
		to->line[to->n_rows++] = csv->line[r];
	}
	return FV_OK;
}

fv_status core_votes_read(fv_ctx *ctx, core_label_file *f)
{
	core_csv csv;
	int64_t column, emotion;
	core_votes *v = core_alloc(ctx, 1, sizeof *v);
	const char *path = core_expand_fold(ctx, f->spec->votes_file, f->fold);
	if (!v || !path)
		return FV_FAILED;
	fv_status status = core_corpus_check_file(ctx, f->spec, "votes.file", path);
	if (!status)
		status = core_csv_read(ctx, path, &csv);
	if (!status)
		status = find_columns(ctx, f->spec, &csv, &column, &emotion);
	if (!status)
		status = core_files_add(ctx, &f->table.files, path, "votes");
	if (status)
		return status;
	v->path = path;
	int32_t *recording = core_alloc(ctx, (size_t)csv.n_rows, sizeof *recording);
	if (!recording || list_recordings(ctx, &csv, column, v, recording))
		return FV_FAILED;
	status = count_votes(ctx, f->spec, &csv, emotion, recording, v);
	if (!status)
		status = sort_by_stem(ctx, v);
	if (!status && !f->table.csv.n_rows)
		status = make_rows(ctx, &csv, recording, v->n, &f->table);
	f->votes = v;
	return status;
}

/* --- look-up ---------------------------------------------------------------------------------- */

/* The first place in v->by_stem whose stem is not before `stem`. */
static int32_t find_stem(const core_votes *v, const char *stem)
{
	int32_t low = 0, high = v->n;
	while (low < high) {
		int32_t middle = low + (high - low) / 2;
		if (strcmp(core_id_suffix(v->id[v->by_stem[middle]], 1), stem) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_stem(const core_votes *v, int32_t at, const char *stem)
{
	return at < v->n && !strcmp(core_id_suffix(v->id[v->by_stem[at]], 1), stem);
}

int32_t core_votes_find(const core_votes *v, const char *id, const char *stem)
{
	int32_t i = core_names_find(v->id, v->n, id);
	if (i < 0 && core_id_count_parts(stem) == 1) {
		int32_t at = find_stem(v, stem);
		if (has_stem(v, at, stem) && !has_stem(v, at + 1, stem))
			i = v->by_stem[at];
	}
	return i;
}

fv_status core_votes_check(fv_ctx *ctx, const core_label_file *f)
{
	const core_votes *v = f->votes;
	bool *used = core_alloc(ctx, (size_t)v->n, sizeof *used);
	int32_t unused = 0, first = -1;
	if (!used)
		return FV_FAILED;
	for (int64_t r = 0; r < f->table.csv.n_rows; r++) {
		int32_t i = core_votes_find(v, f->id[r], f->stem[r]);
		if (i >= 0)
			used[i] = true;
	}
	for (int32_t i = 0; i < v->n; i++) {
		first = first < 0 && !used[i] ? i : first;
		unused += !used[i];
	}
	if (unused == v->n)
		return fv_fail(ctx, FV_DATA,
			"%s: no recording of %s has votes: the votes are of '%s', ..., the rows "
			"of '%s', ...",
			v->path, f->table.csv.path, v->id[0], f->id[0]);
	if (unused)
		fv_note(ctx, "%s: votes of %d of %d recordings are not used, %s lacks them: '%s'%s",
			v->path, (int)unused, (int)v->n, f->table.csv.path, v->id[first],
			unused > 1 ? ", ..." : "");
	return FV_OK;
}
