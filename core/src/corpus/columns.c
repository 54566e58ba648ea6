/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the columns of a label file: by the names that the configuration gives, or by the usual
 * ones. Two usual names in one file are an error, so that none is guessed wrongly. */
#include <string.h>

#include "base/missing.h"
#include "base/nearest.h"
#include "corpus/corpus_private.h"

const char *const core_usual_files[] = {"FileName", "Filename", "filename", "file_name", "File",
	"file", "Path", "path", "wav", "name", "key", NULL};
const char *const core_usual_speakers[] = {"SpkrID", "speaker", "Speaker", "speaker_id",
	"SpeakerID", "Speaker_ID", "spkr", "spk", NULL};
const char *const core_usual_labels[] = {
	"emotion", "Emotion", "emo", "label", "Label", "EmoClass", NULL};
static const char *const usual_genders[] = {"Gender", "gender", "Sex", "sex", NULL};
static const char *const usual_splits[] = {
	"Split_Set", "split", "Split", "partition", "Partition", "subset", NULL};

/* Finds the only column with a usual name among those of one use; -1: there is none. */
static fv_status find_usual(fv_ctx *ctx, const core_csv *csv, const core_column_use *used,
	core_column_use use, const char *key, const char *const *usual, int64_t *out)
{
	*out = -1;
	for (; *usual; usual++) {
		int64_t column = core_csv_column(csv, *usual);
		if (column < 0 || (used ? used[column] : CORE_COLUMN_FREE) != use)
			continue;
		if (*out >= 0)
			return core_fail_at(ctx, FV_DATA, csv->path, core_csv_header_line(csv), 0,
				"both '%s' and '%s' may be meant: choose one with corpus.%s",
				csv->header[*out], *usual, key);
		*out = column;
	}
	return FV_OK;
}

fv_status core_table_column_find(fv_ctx *ctx, const core_corpus_spec *spec, const core_csv *csv,
	const core_column_use *used, const char *key, const char *given, const char *const *usual,
	int64_t *out)
{
	*out = given ? core_csv_column(csv, given) : -1;
	if (given && *out < 0)
		return core_fail_key(ctx, FV_CONFIG, (core_key_ref){spec->block, key, given},
			"corpus.%s: %s has no column '%s'%s", key, csv->path, given,
			core_suggest_name(ctx, given, (const char *const *)csv->header,
				(size_t)csv->n_columns));
	if (given || !usual)
		return FV_OK;
	fv_status status = find_usual(ctx, csv, used, CORE_COLUMN_FREE, key, usual, out);
	return status || *out >= 0
		       ? status
		       : find_usual(ctx, csv, used, CORE_COLUMN_ATTRIBUTE, key, usual, out);
}

fv_status core_column_find(fv_ctx *ctx, const core_label_file *f, const char *key,
	const char *given, const char *const *usual, int64_t *out)
{
	return core_table_column_find(ctx, f->spec, &f->table.csv, f->used, key, given, usual, out);
}

static void mark_used(core_label_file *f, const char *name, core_column_use use)
{
	int64_t column = name ? core_csv_column(&f->table.csv, name) : -1;
	if (column >= 0 && f->used[column] < use)
		f->used[column] = use;
}

/* Marks the columns that the configuration gives a role, so that no other role finds them. Columns
 * that are joined keep their own roles: a speaker may be SpkrID and Gender. */
static void mark_given(core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	const char *const given[] = {spec->column_file, spec->column_gender, spec->column_split,
		spec->column_start, spec->column_end, spec->column_speaker, spec->label_column};
	for (size_t i = 0; i < sizeof given / sizeof *given; i++)
		mark_used(f, given[i], CORE_COLUMN_ROLE);
	for (int32_t a = 0; a < spec->n_label_attributes; a++)
		if (spec->label_attributes[a].columns.n == 1)
			mark_used(f, spec->label_attributes[a].columns.item[0],
				CORE_COLUMN_ATTRIBUTE);
	for (int32_t a = 0; a < spec->n_attribute_columns && !spec->attributes_file; a++)
		mark_used(f, spec->attribute_columns[a].column, CORE_COLUMN_ATTRIBUTE);
}

/* Says which use the configuration makes of a column with a usual name. */
static fv_status report_no_speaker(fv_ctx *ctx, const core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	const struct {
		const char *key, *column;
	} use[] = {{"file", spec->column_file}, {"gender", spec->column_gender},
		{"split", spec->column_split}, {"start", spec->column_start},
		{"end", spec->column_end}, {"emotion", spec->label_column}};
	const char *taken = "";
	for (const char *const *usual = core_usual_speakers; *usual; usual++)
		for (size_t i = 0; i < sizeof use / sizeof *use; i++)
			if (use[i].column && !strcmp(use[i].column, *usual))
				taken = core_format(ctx, " ('%s' is taken as corpus.columns.%s)",
					*usual, use[i].key);
	return core_fail_at(ctx, FV_DATA, f->table.csv.path, core_csv_header_line(&f->table.csv), 0,
		"no column 'SpkrID' or 'speaker'%s: name it with corpus.columns.speaker, or say "
		"corpus.speaker: none",
		taken ? taken : "");
}

static fv_status find_speaker(fv_ctx *ctx, core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	int32_t n = spec->speaker_key.n ? spec->speaker_key.n : 1;
	f->speaker_key = core_alloc(ctx, (size_t)n, sizeof *f->speaker_key);
	if (!f->speaker_key)
		return FV_FAILED;
	if (spec->speaker)
		return FV_OK;
	f->n_speaker_key = n;
	if (!spec->speaker_key.n) {
		fv_status status = core_column_find(ctx, f, "columns.speaker", spec->column_speaker,
			core_usual_speakers, &f->speaker_key[0]);
		return status || f->speaker_key[0] >= 0 ? status : report_no_speaker(ctx, f);
	}
	fv_status status = FV_OK;
	for (int32_t k = 0; k < n; k++) {
		fv_status found = core_column_find(
			ctx, f, "speaker_key", spec->speaker_key.item[k], NULL, &f->speaker_key[k]);
		status = found ? found : status;
	}
	return status;
}

/* `start` and `end` are found only together: one alone may be anything. */
static fv_status find_segment(fv_ctx *ctx, core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	fv_status status =
		core_column_find(ctx, f, "columns.start", spec->column_start, NULL, &f->start);
	if (!status)
		status = core_column_find(ctx, f, "columns.end", spec->column_end, NULL, &f->end);
	if (spec->column_start || spec->column_end)
		return status;
	int64_t start = core_csv_column(&f->table.csv, "start");
	int64_t end = core_csv_column(&f->table.csv, "end");
	if (start >= 0 && end >= 0 && f->used[start] == CORE_COLUMN_FREE &&
		f->used[end] == CORE_COLUMN_FREE) {
		f->start = start;
		f->end = end;
	}
	return status;
}

static fv_status check_found(fv_ctx *ctx, core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	bool template = spec->column_file && strchr(spec->column_file, '{');
	if (f->file < 0 && !template && f->table.csv.header[0][0] == '\0')
		f->file = 0;
	if (f->file < 0 && !template)
		return core_fail_at(ctx, FV_DATA, f->table.csv.path,
			core_csv_header_line(&f->table.csv), 0,
			"no column 'FileName' or 'file': name it with corpus.columns.file");
	if (f->split < 0 && !spec->make_folds && !spec->fold_by && !f->table.split[0])
		return core_fail_at(ctx, FV_DATA, f->table.csv.path,
			core_csv_header_line(&f->table.csv), 0,
			"no column 'Split_Set' or 'split': name it with corpus.columns.split, "
			"give the split of each file with corpus.labels, or make folds with "
			"corpus.folds");
	return FV_OK;
}

fv_status core_columns_find(fv_ctx *ctx, core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	size_t n = (size_t)f->table.csv.n_columns;
	f->used = core_alloc(ctx, n, sizeof *f->used);
	f->clean = core_alloc(ctx, n, sizeof *f->clean);
	if (!f->used || !f->clean)
		return FV_FAILED;
	mark_given(f);
	bool template = spec->column_file && strchr(spec->column_file, '{');
	f->file = -1;
	fv_status found[] = {template ? FV_OK
				      : core_column_find(ctx, f, "columns.file", spec->column_file,
						core_usual_files, &f->file),
		core_column_find(
			ctx, f, "columns.gender", spec->column_gender, usual_genders, &f->gender),
		core_column_find(
			ctx, f, "columns.split", spec->column_split, usual_splits, &f->split),
		find_speaker(ctx, f), find_segment(ctx, f)};
	for (size_t i = 0; i < sizeof found / sizeof *found; i++)
		if (found[i])
			return found[i];
	return check_found(ctx, f);
}

fv_status core_label_values(
	fv_ctx *ctx, core_label_file *f, int64_t column, const char *const **out)
{
	const core_csv *csv = &f->table.csv;
	if (!f->clean[column]) {
		const char **value = core_alloc(ctx, (size_t)csv->n_rows, sizeof *value);
		if (!value)
			return FV_FAILED;
		for (int64_t r = 0; r < csv->n_rows; r++)
			value[r] = core_csv_cell(csv, r, column);
		fv_status status = core_clean_column(ctx, csv->path, csv->header[column],
			csv->n_rows, value, csv->line, f->spec->missing.n, f->spec->missing.item);
		if (status)
			return status;
		f->clean[column] = value;
	}
	*out = f->clean[column];
	return FV_OK;
}

fv_status core_label_joined(fv_ctx *ctx, core_label_file *f, const int64_t *column,
	int32_t n_columns, const char *const **out)
{
	int64_t n = f->table.csv.n_rows;
	const char **joined = core_alloc(ctx, (size_t)n, sizeof *joined);
	if (!joined)
		return FV_FAILED;
	for (int32_t k = 0; k < n_columns; k++) {
		const char *const *value;
		fv_status status = core_label_values(ctx, f, column[k], &value);
		if (status)
			return status;
		for (int64_t r = 0; r < n; r++) {
			if (!k || !value[r] || !joined[r])
				joined[r] = k && !joined[r] ? NULL : value[r];
			else if (!(joined[r] = core_format(ctx, "%s+%s", joined[r], value[r])))
				return FV_FAILED;
		}
	}
	*out = joined;
	return FV_OK;
}

fv_status core_label_named(fv_ctx *ctx, core_label_file *f, const core_strings *columns,
	const char *key, const char *const **out)
{
	int64_t *column = core_alloc(ctx, (size_t)columns->n, sizeof *column);
	fv_status status = column ? FV_OK : FV_FAILED;
	for (int32_t k = 0; k < columns->n && !status; k++)
		status = core_column_find(ctx, f, key, columns->item[k], NULL, &column[k]);
	return status ? status : core_label_joined(ctx, f, column, columns->n, out);
}
