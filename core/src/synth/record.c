/* SPDX-License-Identifier: Apache-2.0 */
/* What stands beside the recordings: synth.json (settings, whether all is there), synth.csv (every
 * drawn parameter), the label files cut to the recordings kept, demographics, and the notice of
 * their licence. Nothing that somebody else wrote is replaced. */
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

#define RECIPE 1 /* of the sound: one more whenever the same parameters sound otherwise */

void core_synth_csv_header(core_text *text)
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

void core_synth_csv_row(core_text *text, const core_synth_plan *plan, int64_t index)
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

fv_status core_synth_comment(
	fv_ctx *ctx, const core_synth_plan *plan, int64_t index, char comment[128])
{
	char hex[CORE_SHA256_HEX];
	core_text text = {0};
	core_text_add(&text, "recipe %d\nespeak-ng %s\n%s\nseed %llu\n", RECIPE,
		plan->espeak.version, plan->options->wav ? "wav" : "flac",
		(unsigned long long)plan->options->knobs.seed);
	core_synth_csv_row(&text, plan, index);
	fv_status status = text.failed ? fv_fail(ctx, FV_FAILED, "out of memory")
				       : core_sha256_bytes(ctx, text.data, text.size, hex);
	core_text_free(&text);
	if (!status)
		snprintf(comment, 128, CORE_SYNTH_MARK "%s", hex);
	return status;
}

/* --- writing without harm --- */

struct place {
	const char *dir;
	bool ours; /* the folder holds our synth.json */
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

/* Writes unless it is there already; refuses to replace a stranger's file. */
static fv_status put(
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
				"%s: is there already and not from fairvox synth; choose another "
				"folder",
				path);
	}
	return core_file_write(ctx, path, data, size);
}

static fv_status put_text(fv_ctx *ctx, const struct place *place, const char *name, core_text *text)
{
	fv_status status = text->failed ? fv_fail(ctx, FV_FAILED, "out of memory")
					: put(ctx, place, name, text->data, text->size);
	core_text_free(text);
	return status;
}

static fv_status put_copy(fv_ctx *ctx, const struct place *place, const char *from)
{
	char *data;
	size_t size;
	fv_status status = core_file_read(ctx, from, 0, &data, &size);
	return status ? status : put(ctx, place, core_path_base(from), data, size);
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

/* The rows of the label file `from` whose FileName is among names [n], sorted; all: the very bytes.
 */
static fv_status put_labels(fv_ctx *ctx, const struct place *place, const char *from,
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
		return put_copy(ctx, place, from);
	}
	return put_text(ctx, place, core_path_base(from), &text);
}

/* labels_consensus_1.csv stands for its fold: its neighbours with other numbers are cut as well. */
static fv_status put_all_labels(fv_ctx *ctx, const struct place *place, const char *labels,
	const char *const *names, size_t n)
{
	const char *dot = strrchr(core_path_base(labels), '.'), *digits = dot;
	while (digits && digits > core_path_base(labels) && isdigit((unsigned char)digits[-1]))
		digits--;
	fv_status status = put_labels(ctx, place, labels, names, n);
	for (int fold = 1; digits != dot && fold <= 99 && !status; fold++) {
		char *path =
			core_format(ctx, "%.*s%d%s", (int)(digits - labels), labels, fold, dot);
		if (!path)
			return FV_FAILED;
		if (strcmp(path, labels) && core_file_exists(path))
			status = put_labels(ctx, place, path, names, n);
	}
	return status;
}

static fv_status put_tables(fv_ctx *ctx, const core_synth_plan *plan, const struct place *place)
{
	const core_synth_options *options = plan->options;
	size_t n = (size_t)plan->n;
	const char **names = malloc(n * sizeof *names);
	if (!names)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < n; i++)
		names[i] = plan->utterances[i].file_name;
	qsort(names, n, sizeof *names, by_name);
	fv_status status = put_all_labels(ctx, place, options->labels, names, n);
	free(names);
	if (!status)
		status = put_copy(ctx, place, options->demographics);
	char *dir = status ? NULL : core_path_dir(ctx, options->labels);
	char *notice = dir ? core_path_join(ctx, dir, "NOTICE.md") : NULL;
	if (notice && core_file_exists(notice))
		status = put_copy(ctx, place, notice);
	return status;
}

/* --- synth.json, synth.csv --- */

static json_t *source(fv_ctx *ctx, const char *path)
{
	char hex[CORE_SHA256_HEX];
	if (core_sha256_file(ctx, path, hex))
		return NULL;
	return json_pack("{ss ss}", "file", core_path_base(path), "sha256", hex);
}

static int32_t speakers_used(const core_synth_plan *plan)
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

static fv_status put_settings(fv_ctx *ctx, const core_synth_plan *plan, const struct place *place,
	bool complete, double seconds)
{
	const core_synth_options *o = plan->options;
	json_t *labels = source(ctx, o->labels), *demographics = source(ctx, o->demographics);
	json_t *json = json_pack("{si ss so* ss sI sf sf sf si ss si so* so* sI si sb sf}",
		"schema_version", 1, "speech", "synthetic", "program",
		json_sprintf("espeak-ng %s", plan->espeak.version), "fairvox", FAIRVOX_VERSION,
		"seed", (json_int_t)o->knobs.seed, "strength", o->knobs.strength, "jitter",
		o->knobs.jitter, "mix", o->knobs.mix, "recipe", RECIPE, "format",
		o->wav ? "wav" : "flac", "rate_hz", CORE_SYNTH_RATE_HZ, "labels", labels,
		"demographics", demographics, "utterances", (json_int_t)plan->n, "speakers",
		(int)speakers_used(plan), "complete", (int)complete, "seconds", seconds);
	char *dump = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
	fv_status status = core_error_status(ctx);
	core_text text = {0};
	if (dump) {
		core_text_add(&text, "%s\n", dump);
		status = put_text(ctx, place, "synth.json", &text);
	} else if (!status) {
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	}
	free(dump);
	json_decref(json);
	return status;
}

static fv_status parameters(fv_ctx *ctx, const core_synth_plan *plan, core_text *text)
{
	core_synth_csv_header(text);
	for (int64_t i = 0; i < plan->n; i++)
		core_synth_csv_row(text, plan, i);
	return text->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}

/* The parameters of another corpus must not stand beside this one's recordings. */
static fv_status drop_other_csv(fv_ctx *ctx, const core_synth_plan *plan, const struct place *place)
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
		status = parameters(ctx, plan, &text);
	if (!status && (old_size != text.size || memcmp(old, text.data, old_size))) {
		if (!place->ours)
			status = fv_fail(ctx, FV_CONFIG,
				"%s: is there already and not from fairvox synth; choose another "
				"folder",
				path);
		else if (unlink(path))
			status = fv_fail(ctx, FV_FAILED, "%s: %s", path, strerror(errno));
	}
	core_text_free(&text);
	return status;
}

fv_status core_synth_begin(fv_ctx *ctx, const core_synth_plan *plan)
{
	const char *dir = plan->options->out;
	struct place place = {dir, is_ours(ctx, dir)};
	fv_status status = drop_other_csv(ctx, plan, &place);
	if (!status && place.ours)
		status = put_settings(ctx, plan, &place, false, 0);
	if (!status)
		status = put_tables(ctx, plan, &place);
	return status ? status : put_settings(ctx, plan, &place, false, 0); /* now it is ours */
}

fv_status core_synth_finish(fv_ctx *ctx, const core_synth_plan *plan, double seconds)
{
	struct place place = {plan->options->out, true};
	core_text text = {0};
	fv_status status = parameters(ctx, plan, &text);
	if (status) {
		core_text_free(&text);
		return status;
	}
	status = put_text(ctx, &place, "synth.csv", &text);
	return status ? status : put_settings(ctx, plan, &place, true, seconds);
}
