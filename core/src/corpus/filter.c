/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.where: the rows to use, by columns, attributes and duration. */
#include <math.h>
#include <string.h>

#include "base/missing.h"
#include "base/nearest.h"
#include "base/number.h"
#include "base/path.h"
#include "config/resolve.h"
#include "corpus/audio.h"
#include "corpus/corpus_private.h"

/* --- values of a row by any name -------------------------------------------------------------- */

static const core_joined_column *find_attribute(const core_corpus_spec *spec, const char *name)
{
	for (int32_t a = 0; a < spec->n_label_attributes; a++)
		if (!strcmp(spec->label_attributes[a].name, name))
			return &spec->label_attributes[a];
	return NULL;
}

/* The column that has this role, or this header; -1: none. */
static int64_t find_role(const core_label_file *f, const char *name)
{
	const struct {
		const char *name;
		int64_t column;
	} roles[] = {{"gender", f->gender}, {"split", f->split}, {"emotion", f->label},
		{"file", f->file}};
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (!strcmp(roles[i].name, name) && roles[i].column >= 0)
			return roles[i].column;
	return core_csv_column(&f->table.csv, name);
}

fv_status core_row_values(
	fv_ctx *ctx, core_label_file *f, const char *key, const char *name, const char *const **out)
{
	const core_corpus_spec *spec = f->spec;
	const core_joined_column *attribute = find_attribute(spec, name);
	if (attribute) {
		const char *columns = core_format(ctx, "columns.%s", name);
		return columns ? core_label_named(ctx, f, &attribute->columns, columns, out)
			       : FV_FAILED;
	}
	if (!strcmp(name, "speaker")) {
		*out = f->speaker;
		return FV_OK;
	}
	int64_t column = find_role(f, name);
	if (column >= 0)
		return core_label_values(ctx, f, column, out);
	for (int32_t a = 0; spec->attributes_file && a < spec->n_attribute_columns; a++)
		if (!strcmp(spec->attribute_columns[a].attribute, name))
			return core_speaker_values(ctx, f, &spec->attribute_columns[a], out);
	return core_fail_key(ctx, FV_CONFIG, (core_key_ref){spec->block, key, name},
		"corpus.%s: %s has no column '%s'%s", core_corpus_long_key(ctx, key),
		f->table.csv.path, name,
		core_suggest_name(ctx, name, (const char *const *)f->table.csv.header,
			(size_t)f->table.csv.n_columns));
}

/* --- durations -------------------------------------------------------------------------------- */

/* Finds the recording of a row by its name; its stem says how much of the path must agree. */
static fv_status read_duration(fv_ctx *ctx, const core_label_file *f, const core_audio_index *index,
	int64_t r, double *out)
{
	const char *why = NULL;
	const core_recording *found =
		core_audio_find(ctx, index, f->id[r], core_id_count_parts(f->stem[r]), &why);
	if (found)
		return core_audio_seconds(ctx, found->path, out);
	if (!why)
		return FV_FAILED;
	return CORE_ROW_FAIL(ctx, f, r, "no recording '%s' below %s%s%s", f->stem[r], index->folder,
		*why ? ": " : "", why);
}

/* Drops the rows whose segment, or whose recording, is too short or too long. */
static fv_status filter_duration(fv_ctx *ctx, core_label_file *f, const core_condition *condition)
{
	const core_corpus_spec *spec = f->spec;
	core_audio_index *index = NULL;
	fv_status status = FV_OK;
	for (int64_t r = 0; r < f->table.csv.n_rows && status != FV_FAILED; r++) {
		double end = f->end_s ? f->end_s[r] : INFINITY;
		double start = f->start_s ? f->start_s[r] : 0;
		fv_status read = FV_OK;
		if (!core_row_stays(f, r) || f->excluded[r])
			continue;
		if (isinf(end) && !index && !spec->audio)
			return core_fail_key(ctx, FV_CONFIG,
				(core_key_ref){spec->block, "where", "duration"},
				"corpus.where.duration needs corpus.audio, or the ends of "
				"segments");
		if (isinf(end) && !index)
			read = core_corpus_open_audio(ctx, spec, &index);
		if (read)
			return read;
		if (isinf(end)) {
			f->needs_audio = true;
			read = read_duration(ctx, f, index, r, &end);
		}
		if (read)
			status = read;
		else if (end - start < condition->low || end - start > condition->high)
			f->dropped[r] = "outside corpus.where.duration";
	}
	return status;
}

/* --- conditions ------------------------------------------------------------------------------- */

/* Whether a value is wanted; rows without one are not. */
static bool is_wanted(const core_condition *condition, const char *value)
{
	double number;
	if (!value)
		return false;
	if (condition->range)
		return core_parse_double(value, &number) && number >= condition->low &&
		       number <= condition->high;
	for (int32_t i = 0; i < condition->values.n; i++)
		if (core_same_value(condition->values.item[i], value))
			return true;
	return false;
}

/* A range of a column that holds no number would drop every row: that is a mistake. */
static fv_status check_condition(fv_ctx *ctx, const core_label_file *f,
	const core_condition *condition, const char *const *value)
{
	double number;
	int64_t n = f->table.csv.n_rows;
	const char *key = core_format(ctx, "where.%s", condition->column);
	if (!key)
		return FV_FAILED;
	for (int64_t r = 0; condition->range && r < n; r++)
		if (value[r] && !core_parse_double(value[r], &number))
			return CORE_ROW_FAIL(ctx, f, r,
				"%s: '%s' is not a number, as corpus.where.%s: [%g, %g] needs",
				condition->column, value[r], condition->column, condition->low,
				condition->high);
	for (int32_t i = 0; i < condition->values.n; i++) {
		bool found = false;
		for (int64_t r = 0; r < n && !found; r++)
			found = value[r] && core_same_value(condition->values.item[i], value[r]);
		if (!found)
			core_warn_key(ctx,
				(core_key_ref){f->spec->block, key, condition->values.item[i]},
				"corpus.where.%s: no row has '%s'", condition->column,
				condition->values.item[i]);
	}
	return FV_OK;
}

static fv_status filter_values(fv_ctx *ctx, core_label_file *f, const core_condition *condition)
{
	const char *const *value;
	const char *why = core_format(ctx, "outside corpus.where.%s", condition->column);
	fv_status status =
		why ? core_row_values(ctx, f, "where", condition->column, &value) : FV_FAILED;
	if (!status)
		status = check_condition(ctx, f, condition, value);
	for (int64_t r = 0; r < f->table.csv.n_rows && !status; r++)
		if (core_row_stays(f, r) && !is_wanted(condition, value[r]))
			f->dropped[r] = why;
	return status;
}

fv_status core_rows_filter(fv_ctx *ctx, core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	fv_status status = FV_OK;
	const core_condition *duration = NULL;
	for (int32_t i = 0; i < spec->n_where && !status; i++) {
		const core_condition *condition = &spec->where[i];
		if (!strcmp(condition->column, "duration") && !find_attribute(spec, "duration"))
			duration = condition;
		else
			status = filter_values(ctx, f, condition);
	}
	if (status || !duration)
		return status;
	if (!duration->range)
		return core_fail_key(ctx, FV_CONFIG,
			(core_key_ref){spec->block, "where.duration", NULL},
			"corpus.where.duration: write it as [low, high], in seconds");
	return filter_duration(ctx, f, duration); /* last, because it opens recordings */
}
