/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the files next to the recordings: synth.json (settings, and whether the corpus is
 * complete), synth.csv (every drawn parameter), the label files reduced to the selected
 * recordings, the demographics and their licence notice. Files of other origin are never
 * replaced. */
#include "synth/synth.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/hash.h"

#define RECIPE 1 /* version of the sound: raise it whenever the same parameters sound different */

void core_synth_add_csv_header(core_text *text)
{
	core_text_add(text, "FileName,SpkrID,Gender,Age,voice,pitch,range_percent,rate_wpm,"
			    "speaker_pitch_st,tract,tempo,expressiveness");
	for (int i = 0; i < CORE_SYNTH_DIMS; i++)
		core_text_add(text, ",habit_%s", core_synth_dim[i]);
	for (int k = 0; k < CORE_SYNTH_CLASSES; k++)
		core_text_add(text, ",w_%s", core_synth_class[k]);
	for (int i = 0; i < CORE_SYNTH_DIMS; i++)
		core_text_add(text, ",v_%s", core_synth_dim[i]);
	core_text_add(text, ",tremor_phase,room_db,text\n");
}

static void add_numbers(core_text *text, const double *x, int n)
{
	for (int i = 0; i < n; i++)
		core_text_add(text, ",%.9g", x[i]);
}

void core_synth_add_csv_row(core_text *text, const core_synth_plan *plan, int64_t index)
{
	const core_synth_utterance *u = &plan->utterances[index];
	const core_synth_speaker *s = &plan->speakers[u->speaker];
	core_text_csv(text, u->file_name);
	core_text_put(text, ",", 1);
	core_text_csv(text, s->id);
	core_text_add(text, ",%s,%.9g,en-us+%c%d,%d,%d,%d,%.9g,%.9g,%.9g,%.9g",
		s->male ? "Male" : "Female", s->age_years, s->male ? 'm' : 'f', s->voice, u->pitch,
		u->range_percent, u->rate_wpm, s->pitch_st, s->tract, s->tempo, s->expressiveness);
	add_numbers(text, s->habit, CORE_SYNTH_DIMS);
	add_numbers(text, u->weight, CORE_SYNTH_CLASSES);
	add_numbers(text, u->v, CORE_SYNTH_DIMS);
	core_text_add(text, ",%.9g,%.9g,", u->tremor_phase, u->room_db);
	core_text_csv(text, u->text);
	core_text_put(text, "\n", 1);
}

fv_status core_synth_format_comment(
	fv_ctx *ctx, const core_synth_plan *plan, int64_t index, char comment[128])
{
	char hex[CORE_SHA256_HEX];
	core_text text = {0};
	core_text_add(&text, "recipe %d\nespeak-ng %s\n%s\nseed %llu\n", RECIPE,
		plan->espeak.version, plan->options->wav ? "wav" : "flac",
		(unsigned long long)plan->options->knobs.seed);
	core_synth_add_csv_row(&text, plan, index);
	fv_status status = core_sha256_text(ctx, &text, hex);
	if (!status)
		snprintf(comment, 128, CORE_SYNTH_MARK "%s", hex);
	return status;
}

/* --- writing without replacing files of others --- */

struct place {
	const char *dir;
	bool ours; /* the folder holds a synth.json of ours */
};

static bool is_ours(fv_ctx *ctx, const char *dir)
{
	char *path = core_path_join(ctx, dir, "synth.json");
	json_t *json = path ? json_load_file(path, 0, NULL) : NULL;
	const char *speech = json_string_value(json_object_get(json, "speech"));
	bool ours = speech && !strcmp(speech, "synthetic");
	json_decref(json);
	return ours;
}

/* Writes the file unless it exists with this content; refuses to replace one of other origin. */
static fv_status write_file(
	fv_ctx *ctx, const struct place *place, const char *name, const void *data, size_t size)
{
	char *path = core_path_join(ctx, place->dir, name), *old;
	size_t old_size;
	if (!path)
		return FV_FAILED;
	if (core_file_exists(path)) {
		fv_status status = core_file_read(ctx, path, 0, &old, &old_size);
		if (status)
			return status;
		if (old_size == size && !memcmp(old, data, size))
			return FV_OK;
		if (!place->ours)
			return fv_fail(ctx, FV_CONFIG,
				"%s: exists and was not written by fairvox synth: choose another "
				"folder",
				path);
	}
	return core_file_write(ctx, path, data, size);
}

static fv_status write_text(
	fv_ctx *ctx, const struct place *place, const char *name, core_text *text)
{
	fv_status status = text->failed ? fv_fail(ctx, FV_FAILED, "out of memory")
					: write_file(ctx, place, name, text->data, text->size);
	core_text_free(text);
	return status;
}

static fv_status copy_file(fv_ctx *ctx, const struct place *place, const char *from)
{
	char *data;
	size_t size;
	fv_status status = core_file_read(ctx, from, 0, &data, &size);
	return status ? status : write_file(ctx, place, core_path_base(from), data, size);
}

/* --- label files --- */

static int by_name(const void *a, const void *b)
{
	const char *const *p = a, *const *q = b;
	return strcmp(*p, *q);
}

static void add_row(core_text *text, char *const *cells, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		if (i)
			core_text_put(text, ",", 1);
		core_text_csv(text, cells[i]);
	}
	core_text_put(text, "\n", 1);
}

/* Writes the rows of label file `from` whose FileName is in names [n], sorted. When all rows
 * stay, the file is copied byte for byte. */
static fv_status write_labels(fv_ctx *ctx, const struct place *place, const char *from,
	const char *const *names, size_t n)
{
	core_csv csv;
	core_text text = {0};
	int64_t kept = 0;
	fv_status status = core_csv_read(ctx, from, &csv);
	if (status)
		return status;
	int64_t at = core_csv_column(&csv, "FileName");
	if (at < 0)
		return core_fail_at(ctx, FV_DATA, from, 1, 0, "no column 'FileName'");
	add_row(&text, csv.header, csv.n_columns);
	for (int64_t row = 0; row < csv.n_rows; row++) {
		const char *name = core_csv_cell(&csv, row, at);
		if (!bsearch(&name, names, n, sizeof *names, by_name))
			continue;
		add_row(&text, csv.cell + row * csv.n_columns, csv.n_columns);
		kept++;
	}
	if (kept != (int64_t)n)
		fv_warn(ctx, "%s: has %lld of the %zu recordings", from, (long long)kept, n);
	if (kept == csv.n_rows) {
		core_text_free(&text);
		return copy_file(ctx, place, from);
	}
	return write_text(ctx, place, core_path_base(from), &text);
}

/* A label file of the folder, as it was before and is now. */
struct replaced {
	const char *name;
	int64_t rows, rows_now;
	int files; /* label files that were replaced by others */
};

static bool is_same_table(const core_csv *a, const core_csv *b)
{
	bool same = a->n_rows == b->n_rows && a->n_columns == b->n_columns;
	for (int64_t i = 0; same && i < a->n_columns; i++)
		same = !strcmp(a->header[i], b->header[i]);
	for (int64_t i = 0; same && i < a->n_rows * a->n_columns; i++)
		same = !strcmp(a->cell[i], b->cell[i]);
	return same;
}

/* Writes a label file, and notes in `replaced` whether one of another content was there. */
static fv_status replace_labels(fv_ctx *ctx, const struct place *place, const char *from,
	const char *const *names, size_t n, struct replaced *replaced)
{
	char *path = core_path_join(ctx, place->dir, core_path_base(from));
	core_csv before, after;
	if (!path)
		return FV_FAILED;
	bool was_there = core_file_exists(path);
	fv_status status = was_there ? core_csv_read(ctx, path, &before) : FV_OK;
	if (status == FV_DATA) { /* no table: it has no rows that are lost */
		core_error_clear(ctx);
		was_there = false;
		status = FV_OK;
	}
	if (!status)
		status = write_labels(ctx, place, from, names, n);
	if (!status && was_there)
		status = core_csv_read(ctx, path, &after);
	if (status || !was_there || is_same_table(&before, &after))
		return status;
	if (!replaced->files)
		*replaced = (struct replaced){path, before.n_rows, after.n_rows, 0};
	replaced->files++;
	return FV_OK;
}

static void tell_replaced(fv_ctx *ctx, const struct replaced *r)
{
	if (r->files)
		fv_warn(ctx,
			"%s: replaced%s: the labels name %lld recordings now, they named %lld "
			"before; recordings that they no longer name stay, and studies of this "
			"corpus change",
			r->name, r->files > 1 ? ", and the other label files" : "",
			(long long)r->rows_now, (long long)r->rows);
}

/* labels_consensus_1.csv is the file of one fold: files next to it with other numbers are
 * reduced as well. */
static fv_status write_all_labels(fv_ctx *ctx, const struct place *place, const char *labels,
	const char *const *names, size_t n)
{
	struct replaced replaced = {0};
	const char *dot = strrchr(core_path_base(labels), '.'), *digits = dot;
	while (digits && digits > core_path_base(labels) && isdigit((unsigned char)digits[-1]))
		digits--;
	fv_status status = replace_labels(ctx, place, labels, names, n, &replaced);
	for (int fold = 1; digits != dot && fold <= 99 && !status; fold++) {
		char *path =
			core_format(ctx, "%.*s%d%s", (int)(digits - labels), labels, fold, dot);
		if (!path)
			return FV_FAILED;
		if (strcmp(path, labels) && core_file_exists(path))
			status = replace_labels(ctx, place, path, names, n, &replaced);
	}
	tell_replaced(ctx, &replaced);
	return status;
}

static fv_status write_tables(fv_ctx *ctx, const core_synth_plan *plan, const struct place *place)
{
	const core_synth_options *options = plan->options;
	size_t n = (size_t)plan->n;
	const char **names = malloc(n * sizeof *names);
	if (!names)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < n; i++)
		names[i] = plan->utterances[i].file_name;
	qsort(names, n, sizeof *names, by_name);
	fv_status status = write_all_labels(ctx, place, options->labels, names, n);
	free(names);
	if (!status)
		status = copy_file(ctx, place, options->demographics);
	char *dir = status ? NULL : core_path_dir(ctx, options->labels);
	char *notice = dir ? core_path_join(ctx, dir, "NOTICE.md") : NULL;
	if (notice && core_file_exists(notice))
		status = copy_file(ctx, place, notice);
	return status;
}

/* --- synth.json, synth.csv --- */

static json_t *describe_source(fv_ctx *ctx, const char *path)
{
	char hex[CORE_SHA256_HEX];
	if (core_sha256_file(ctx, path, hex))
		return NULL;
	return json_pack("{ss ss}", "file", core_path_base(path), "sha256", hex);
}

static int32_t count_speakers(const core_synth_plan *plan)
{
	int32_t used = 0;
	for (int32_t s = 0; s < plan->n_speakers; s++)
		for (int64_t i = 0; i < plan->n; i++)
			if (plan->utterances[i].speaker == s) {
				used++;
				break;
			}
	return used;
}

static fv_status write_settings(fv_ctx *ctx, const core_synth_plan *plan, const struct place *place,
	bool complete, double seconds)
{
	const core_synth_options *o = plan->options;
	json_t *labels = describe_source(ctx, o->labels),
	       *demographics = describe_source(ctx, o->demographics);
	json_t *json = json_pack("{si ss so* ss sI sf sf sf si ss si so* so* sI si sb sf}",
		"schema_version", 1, "speech", "synthetic", "program",
		json_sprintf("espeak-ng %s", plan->espeak.version), "fairvox", FAIRVOX_VERSION,
		"seed", (json_int_t)o->knobs.seed, "strength", o->knobs.strength, "jitter",
		o->knobs.jitter, "mix", o->knobs.mix, "recipe", RECIPE, "format",
		o->wav ? "wav" : "flac", "rate_hz", CORE_SYNTH_RATE_HZ, "labels", labels,
		"demographics", demographics, "utterances", (json_int_t)plan->n, "speakers",
		(int)count_speakers(plan), "complete", (int)complete, "seconds", seconds);
	char *dump = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
	fv_status status = core_error_status(ctx);
	core_text text = {0};
	if (dump) {
		core_text_add(&text, "%s\n", dump);
		status = write_text(ctx, place, "synth.json", &text);
	} else if (!status) {
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	}
	free(dump);
	json_decref(json);
	return status;
}

static fv_status add_parameters(fv_ctx *ctx, const core_synth_plan *plan, core_text *text)
{
	core_synth_add_csv_header(text);
	for (int64_t i = 0; i < plan->n; i++)
		core_synth_add_csv_row(text, plan, i);
	return text->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}

/* Removes a synth.csv of another corpus, which must not stay next to these recordings. */
static fv_status remove_other_csv(
	fv_ctx *ctx, const core_synth_plan *plan, const struct place *place)
{
	char *path = core_path_join(ctx, place->dir, "synth.csv"), *old;
	size_t old_size;
	core_text text = {0};
	if (!path)
		return FV_FAILED;
	if (!core_file_exists(path))
		return FV_OK;
	fv_status status = core_file_read(ctx, path, 0, &old, &old_size);
	if (!status)
		status = add_parameters(ctx, plan, &text);
	if (!status && (old_size != text.size || memcmp(old, text.data, old_size))) {
		if (!place->ours)
			status = fv_fail(ctx, FV_CONFIG,
				"%s: exists and was not written by fairvox synth: choose another "
				"folder",
				path);
		else if (unlink(path))
			status = fv_fail(ctx, FV_FAILED, "%s: %s", path, strerror(errno));
	}
	core_text_free(&text);
	return status;
}

fv_status core_synth_prepare_folder(fv_ctx *ctx, const core_synth_plan *plan)
{
	const char *dir = plan->options->out;
	struct place place = {dir, is_ours(ctx, dir)};
	fv_status status = remove_other_csv(ctx, plan, &place);
	if (!status && place.ours)
		status = write_settings(ctx, plan, &place, false, 0);
	if (!status)
		status = write_tables(ctx, plan, &place);
	return status ? status
		      : write_settings(
				ctx, plan, &place, false, 0); /* from here on the folder is ours */
}

fv_status core_synth_complete_folder(fv_ctx *ctx, const core_synth_plan *plan, double seconds)
{
	struct place place = {plan->options->out, true};
	core_text text = {0};
	fv_status status = add_parameters(ctx, plan, &text);
	if (status) {
		core_text_free(&text);
		return status;
	}
	status = write_text(ctx, &place, "synth.csv", &text);
	return status ? status : write_settings(ctx, plan, &place, true, seconds);
}
