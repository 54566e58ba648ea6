/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the label file and the demographics into a plan of utterances; every bad row is reported
 * with its line. */
#include "synth/synth.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/number.h"

#define STEM_MAX                                                                                   \
	200 /* leaves room for the extension and the suffix of a temporary file in 255 bytes */

static fv_status find_column(fv_ctx *ctx, const core_csv *csv, const char *name, int64_t *out)
{
	*out = core_csv_column(csv, name);
	return *out >= 0 ? FV_OK
			 : core_fail_at(ctx, FV_DATA, csv->path, 1, 0, "no column '%s'", name);
}

/* Parses "Male" or "Female" in any case; false: neither. */
static bool parse_gender(const char *text, bool *male)
{
	*male = !strcasecmp(text, "male");
	return *male || !strcasecmp(text, "female");
}

static const core_synth_speaker *find_speaker(const core_synth_plan *plan, const char *id)
{
	for (int32_t i = 0; i < plan->n_speakers; i++)
		if (!strcmp(plan->speakers[i].id, id))
			return &plan->speakers[i];
	return NULL;
}

static fv_status read_speakers(fv_ctx *ctx, core_synth_plan *plan)
{
	core_csv csv;
	int64_t id, age, sex;
	fv_status status = core_csv_read(ctx, plan->options->demographics, &csv);
	if (status)
		return status;
	if (find_column(ctx, &csv, "ActorID", &id) | find_column(ctx, &csv, "Age", &age) |
		find_column(ctx, &csv, "Sex", &sex))
		return FV_DATA;
	plan->speakers = core_alloc(ctx, (size_t)csv.n_rows, sizeof *plan->speakers);
	if (!plan->speakers)
		return FV_FAILED;
	for (int64_t row = 0; row < csv.n_rows; row++) {
		core_synth_speaker s = {.id = core_csv_cell(&csv, row, id)};
		const char *years = core_csv_cell(&csv, row, age), *word;
		int line = (int)csv.line[row];
		word = core_csv_cell(&csv, row, sex);
		if (!parse_gender(word, &s.male))
			status = core_fail_at(ctx, FV_DATA, csv.path, line, 0,
				"Sex '%s' is neither Male nor Female", word);
		if (!core_parse_double(years, &s.age_years) || s.age_years < 0 || s.age_years > 150)
			status = core_fail_at(ctx, FV_DATA, csv.path, line, 0,
				"Age '%s' is not a number from 0 to 150", years);
		if (find_speaker(plan, s.id))
			status = core_fail_at(ctx, FV_DATA, csv.path, line, 0,
				"ActorID '%s' appears twice", s.id);
		plan->speakers[plan->n_speakers++] = s;
	}
	return status;
}

struct columns {
	int64_t name, speaker, gender, label[CORE_SYNTH_CLASSES];
};

static fv_status find_columns(fv_ctx *ctx, const core_csv *csv, struct columns *at)
{
	fv_status status = find_column(ctx, csv, "FileName", &at->name);
	status |= find_column(ctx, csv, "SpkrID", &at->speaker);
	status |= find_column(ctx, csv, "Gender", &at->gender);
	for (int k = 0; k < CORE_SYNTH_CLASSES; k++)
		status |= find_column(ctx, csv, core_synth_class[k], &at->label[k]);
	return status ? FV_DATA : FV_OK;
}

/* The stem becomes a file name in the output folder, so it must not lead out of it. */
static bool is_safe_stem(const char *stem)
{
	size_t n =
		strspn(stem, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
	return n > 0 && n <= STEM_MAX && !stem[n] && stem[0] != '.';
}

/* Finds the sentence by its code, the second field of 1001_DFA_ANG_XX; NULL when unknown. */
static const char *find_sentence(const char *stem)
{
	char code[8] = "";
	const char *from = strchr(stem, '_');
	size_t n = from ? strcspn(from + 1, "_") : 0;
	if (n == 0 || n >= sizeof code)
		return NULL;
	memcpy(code, from + 1, n);
	return core_synth_find_sentence(code);
}

static fv_status read_labels(fv_ctx *ctx, const core_csv *csv, const struct columns *at,
	int64_t row, core_synth_utterance *u)
{
	fv_status status = FV_OK;
	int line = (int)csv->line[row];
	for (int k = 0; k < CORE_SYNTH_CLASSES; k++) {
		const char *cell = core_csv_cell(csv, row, at->label[k]);
		if (!core_parse_double(cell, &u->label[k]) || u->label[k] < 0)
			status = core_fail_at(ctx, FV_DATA, csv->path, line, 0,
				"%s '%s' is not a share of votes", core_synth_class[k], cell);
	}
	return status;
}

static fv_status read_row(fv_ctx *ctx, const core_synth_plan *plan, const struct columns *at,
	int64_t row, core_synth_utterance *u)
{
	const core_csv *csv = &plan->labels;
	const char *id = core_csv_cell(csv, row, at->speaker);
	const char *gender = core_csv_cell(csv, row, at->gender);
	const core_synth_speaker *speaker = find_speaker(plan, id);
	int line = (int)csv->line[row];
	bool male = false;
	u->file_name = core_csv_cell(csv, row, at->name);
	u->stem = core_path_stem(ctx, u->file_name);
	if (!u->stem)
		return FV_FAILED;
	fv_status status = read_labels(ctx, csv, at, row, u);
	u->text = find_sentence(u->stem);
	if (!is_safe_stem(u->stem) || strchr(u->file_name, '/'))
		status = core_fail_at(ctx, FV_DATA, csv->path, line, 0,
			"FileName '%s' is not a plain file name", u->file_name);
	else if (!u->text)
		status = core_fail_at(ctx, FV_DATA, csv->path, line, 0,
			"FileName '%s' has no known sentence code as its second field",
			u->file_name);
	if (!speaker)
		return core_fail_at(ctx, FV_DATA, csv->path, line, 0, "speaker '%s' is not in %s",
			id, plan->options->demographics);
	if (!parse_gender(gender, &male) || male != speaker->male)
		status = core_fail_at(ctx, FV_DATA, csv->path, line, 0,
			"Gender '%s' of speaker %s differs from %s", gender, id,
			plan->options->demographics);
	u->speaker = (int32_t)(speaker - plan->speakers);
	return status;
}

static int by_stem(const void *a, const void *b)
{
	const core_synth_utterance *const *p = a, *const *q = b;
	return strcmp((*p)->stem, (*q)->stem);
}

static fv_status reject_duplicates(fv_ctx *ctx, const core_synth_plan *plan)
{
	fv_status status = FV_OK;
	size_t n = (size_t)plan->n;
	const core_synth_utterance **sorted = malloc((n + 1) * sizeof *sorted);
	if (!sorted)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < n; i++)
		sorted[i] = &plan->utterances[i];
	qsort(sorted, n, sizeof *sorted, by_stem);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(sorted[i]->stem, sorted[i - 1]->stem))
			status = fv_fail(ctx, FV_DATA, "%s: two rows for '%s'", plan->labels.path,
				sorted[i]->stem);
	free(sorted);
	return status;
}

static fv_status read_utterances(fv_ctx *ctx, core_synth_plan *plan)
{
	struct columns at;
	fv_status status = core_csv_read(ctx, plan->options->labels, &plan->labels);
	if (!status)
		status = find_columns(ctx, &plan->labels, &at);
	if (status)
		return status;
	plan->n = plan->labels.n_rows;
	if (plan->n == 0)
		return fv_fail(ctx, FV_DATA, "%s: no rows", plan->labels.path);
	plan->utterances = core_alloc(ctx, (size_t)plan->n, sizeof *plan->utterances);
	if (!plan->utterances)
		return FV_FAILED;
	for (int64_t row = 0; row < plan->n; row++) {
		fv_status bad = read_row(ctx, plan, &at, row, &plan->utterances[row]);
		status = bad ? bad : status;
	}
	return status ? status : reject_duplicates(ctx, plan);
}

/* --- a part of the corpus: in each round every speaker gives one more utterance --- */

struct place {
	int64_t index; /* index in the plan */
	int32_t speaker;
	uint64_t hash; /* hash of the file name; orders the utterances of a speaker */
	uint64_t speaker_hash;
	int64_t round;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_speaker(const void *a, const void *b)
{
	const struct place *p = a, *q = b;
	int order = compare_numbers((uint64_t)p->speaker, (uint64_t)q->speaker);
	order = order ? order : compare_numbers(p->hash, q->hash);
	return order ? order : compare_numbers((uint64_t)p->index, (uint64_t)q->index);
}

static int by_round(const void *a, const void *b)
{
	const struct place *p = a, *q = b;
	int order = compare_numbers((uint64_t)p->round, (uint64_t)q->round);
	order = order ? order : compare_numbers(p->speaker_hash, q->speaker_hash);
	return order ? order : compare_numbers((uint64_t)p->speaker, (uint64_t)q->speaker);
}

static int by_index(const void *a, const void *b)
{
	const struct place *p = a, *q = b;
	return compare_numbers((uint64_t)p->index, (uint64_t)q->index);
}

static uint64_t hash_name(const char *name)
{
	core_splitmix rng = core_splitmix_seed("part", name, 0);
	return core_splitmix_next(&rng);
}

/* Selects `limit` utterances by their names only, so that a smaller part is contained in every
 * larger one, whatever the seed of the corpus. */
static fv_status select_part(fv_ctx *ctx, core_synth_plan *plan, int64_t limit)
{
	size_t n = (size_t)plan->n;
	struct place *places = calloc(n, sizeof *places);
	if (!places)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const core_synth_utterance *u = &plan->utterances[i];
		places[i] = (struct place){.index = (int64_t)i,
			.speaker = u->speaker,
			.hash = hash_name(u->file_name),
			.speaker_hash = hash_name(plan->speakers[u->speaker].id)};
	}
	qsort(places, n, sizeof *places, by_speaker);
	for (size_t i = 1; i < n; i++)
		if (places[i].speaker == places[i - 1].speaker)
			places[i].round = places[i - 1].round + 1;
	qsort(places, n, sizeof *places, by_round);
	qsort(places, (size_t)limit, sizeof *places, by_index);
	for (int64_t i = 0; i < limit; i++)
		plan->utterances[i] = plan->utterances[places[i].index];
	plan->n = limit;
	free(places);
	return FV_OK;
}

fv_status core_synth_plan_read(
	fv_ctx *ctx, const core_synth_options *options, core_synth_plan *plan)
{
	plan->options = options;
	fv_status status = read_speakers(ctx, plan);
	if (!status)
		status = read_utterances(ctx, plan);
	if (!status && options->limit > 0 && options->limit < plan->n)
		status = select_part(ctx, plan, options->limit);
	if (status)
		return status;
	for (int32_t i = 0; i < plan->n_speakers; i++)
		core_synth_draw_speaker(&plan->speakers[i], options->knobs.seed);
	for (int64_t i = 0; i < plan->n; i++) {
		core_synth_utterance *u = &plan->utterances[i];
		core_synth_draw_utterance(u, &plan->speakers[u->speaker], &options->knobs);
	}
	return FV_OK;
}
