/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/corpus.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/nearest.h"
#include "base/plural.h"
#include "base/positive.h"
#include "base/text.h"
#include "corpus/corpus_private.h"

const char *core_split_name(core_split split)
{
	static const char *const names[] = {"train", "dev", "test"};
	return names[split];
}

const char *core_corpus_split_name(const core_corpus *corpus, int32_t split)
{
	return split < CORE_SPLITS ? core_split_name((core_split)split)
				   : corpus->set_name[split - CORE_SPLITS];
}

const core_attribute *core_corpus_attribute(const core_corpus *corpus, const char *name)
{
	for (int32_t a = 0; a < corpus->n_attributes; a++)
		if (!strcmp(corpus->attribute[a].name, name))
			return &corpus->attribute[a];
	return NULL;
}

const char *core_corpus_suggest_attribute(fv_ctx *ctx, const core_corpus *corpus, const char *name)
{
	const char **known = core_alloc(ctx, (size_t)corpus->n_attributes, sizeof *known);
	for (int32_t a = 0; known && a < corpus->n_attributes; a++)
		known[a] = corpus->attribute[a].name;
	return known ? core_suggest_name(ctx, name, known, (size_t)corpus->n_attributes) : "";
}

fv_status core_corpus_check_attribute(
	fv_ctx *ctx, const core_corpus *corpus, core_key_ref at, const char *key, const char *name)
{
	if (core_corpus_attribute(corpus, name))
		return FV_OK;
	return core_fail_key(ctx, FV_CONFIG, at, "%s: %s has no attribute '%s'%s", key,
		corpus->labels, name, core_corpus_suggest_attribute(ctx, corpus, name));
}

int32_t core_attribute_value(const core_attribute *attribute, const char *name)
{
	for (int32_t v = 0; v < attribute->n_values; v++)
		if (!strcmp(attribute->value[v], name))
			return v;
	return -1;
}

/* Reads everything up to the classes and conditions, which decides which rows stay. */
static fv_status read_rows(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	const core_corpus_spec *spec = f->spec;
	fv_status status = FV_OK;
	if (spec->n_label_source || (spec->labels && spec->labels != spec->votes_file))
		status = core_label_table_read(ctx, spec, f->fold, &f->table);
	if (!status && spec->votes_file)
		status = core_votes_read(ctx, f);
	if (status)
		return status;
	c->labels = f->table.csv.path;
	c->files = f->table.files;
	c->n_rows = (int32_t)f->table.csv.n_rows;
	if ((status = core_columns_find(ctx, f)) || (status = core_rows_name(ctx, f)) ||
		(status = core_speakers_name(ctx, f)) || (status = core_rows_exclude(ctx, f)))
		return status;
	return core_labels_find(ctx, f, c);
}

/* Says how many rows are left out, and why. */
static fv_status count_left_out(fv_ctx *ctx, const core_label_file *f, core_corpus *c)
{
	enum { REASONS = 64 };
	core_text text = {0};
	int32_t all = 0;
	c->left_out = core_alloc(ctx, REASONS, sizeof *c->left_out);
	if (!c->left_out)
		return FV_FAILED;
	for (int64_t r = 0; r < f->table.csv.n_rows; r++) {
		int32_t i = 0;
		if (!f->dropped[r])
			continue;
		while (i < c->n_left_out && strcmp(c->left_out[i].why, f->dropped[r]) != 0)
			i++;
		if (i == c->n_left_out && i < REASONS - 1)
			c->left_out[c->n_left_out++].why = f->dropped[r];
		c->left_out[i].n++;
		all++;
	}
	for (int32_t i = 0; i < c->n_left_out; i++)
		core_text_add(
			&text, "%s%d %s", i ? ", " : "", (int)c->left_out[i].n, c->left_out[i].why);
	if (all && text.data)
		fv_note(ctx, "%s: %d of %d row%s %s left out: %s", c->labels, (int)all,
			(int)c->n_rows, core_plural(c->n_rows), all == 1 ? "is" : "are", text.data);
	bool failed = text.failed;
	core_text_free(&text);
	return failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}

/* Keeps the rows of the corpus in f->row, and their number in c->n. */
static fv_status keep_rows(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	for (int32_t i = 0; i < c->n_rows; i++) {
		int32_t r = f->row[i];
		if (!f->dropped[r] && !f->excluded[r])
			f->row[c->n++] = r;
	}
	fv_status status = count_left_out(ctx, f, c);
	if (!status && !c->n)
		status = fv_fail(ctx, FV_DATA, "%s: no row is left", c->labels);
	return status;
}

static void copy_label(const core_label_file *f, core_corpus *c, int32_t row, int32_t i)
{
	size_t classes = (size_t)c->classes;
	float *y = c->label + (size_t)i * classes;
	memcpy(y, f->y + (size_t)row * classes, classes * sizeof *y);
}

void core_corpus_set_classes(core_corpus *c)
{
	core_label_class(c->label, c->n, c->classes, c->klass);
	for (int32_t i = 0; i < c->n; i++) {
		float most = c->label[(size_t)i * (size_t)c->classes + (size_t)c->klass[i]];
		c->strict[i] = most > 0.5f ? c->klass[i] : -1;
	}
}

static fv_status fill_corpus(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	size_t n = (size_t)c->n;
	size_t classes = (size_t)c->classes;
	c->label = core_alloc(ctx, n * classes, sizeof *c->label);
	c->klass = core_alloc(ctx, n, sizeof *c->klass);
	c->strict = core_alloc(ctx, n, sizeof *c->strict);
	c->start = f->start_s ? core_alloc(ctx, n, sizeof *c->start) : NULL;
	c->end = f->start_s ? core_alloc(ctx, n, sizeof *c->end) : NULL;
	if (!c->label || !c->klass || !c->strict || (f->start_s && (!c->start || !c->end)))
		return FV_FAILED;
	c->stem = core_alloc(ctx, n, sizeof *c->stem);
	c->file = core_alloc(ctx, n, sizeof *c->file);
	c->source = core_alloc(ctx, n, sizeof *c->source);
	c->line = core_alloc(ctx, n, sizeof *c->line);
	c->split = core_alloc(ctx, n, sizeof *c->split);
	c->speaker = core_alloc(ctx, n, sizeof *c->speaker);
	const char **speaker = core_alloc(ctx, n, sizeof *speaker);
	f->utterance = core_alloc(ctx, (size_t)f->table.csv.n_rows, sizeof *f->utterance);
	if (!c->stem || !c->file || !c->source || !c->line || !c->split || !c->speaker ||
		!speaker || !f->utterance)
		return FV_FAILED;
	c->file_order = f->row;
	for (int64_t r = 0; r < f->table.csv.n_rows; r++)
		f->utterance[r] = -1;
	for (size_t i = 0; i < n; i++) {
		int32_t r = f->row[i];
		f->utterance[r] = (int32_t)i;
		c->stem[i] = f->stem[r];
		c->file[i] = f->name[r];
		if (f->start_s) {
			c->start[i] = f->start_s[r];
			c->end[i] = f->end_s[r];
		}
		copy_label(f, c, r, (int32_t)i);
		c->source[i] = f->table.path[r];
		c->line[i] = (int32_t)f->table.csv.line[r];
		c->split[i] = f->part[r];
		speaker[i] = f->speaker[r];
	}
	core_round_labels(ctx, c->labels, c->label, c->n, c->classes);
	core_corpus_set_classes(c);
	return core_names_index(ctx, speaker, c->n, c->speaker, &c->speaker_name, &c->n_speakers);
}

static fv_status report_shared(
	fv_ctx *ctx, const core_corpus *c, int32_t speaker, int32_t here, int32_t there)
{
	const char *file = c->source[here] == c->source[there] ? "" : c->source[there];
	return core_fail_at(ctx, FV_DATA, c->source[here], c->line[here], 0,
		"speaker '%s' is in %s here and in %s on %s%sline %d: corpus.shared_speakers: true "
		"allows this",
		c->speaker_name[speaker], core_corpus_split_name(c, c->split[here]),
		core_corpus_split_name(c, c->split[there]), file, *file ? ", " : "",
		c->line[there]);
}

/* Reports the speakers that are in train, dev or test and in another split. Further test sets may
 * share speakers with each other and with test. */
static fv_status check_speakers(fv_ctx *ctx, const core_corpus *c)
{
	int32_t(*first)[CORE_SPLITS] = calloc((size_t)c->n_speakers, sizeof *first);
	if (!first)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (int32_t i = 0; i < c->n; i++) {
		int32_t split = c->split[i] < CORE_SPLITS ? c->split[i] : CORE_TEST;
		int32_t *row = &first[c->speaker[i]][split]; /* 1 + utterance; 0: none */
		if (!*row || c->file_order[i] < c->file_order[*row - 1])
			*row = i + 1;
	}
	fv_status status = FV_OK;
	for (int32_t s = 0; s < c->n_speakers; s++) {
		int32_t before = 0;
		for (int split = 0; split < CORE_SPLITS; split++) {
			int32_t here = first[s][split];
			if (here && before)
				status = report_shared(ctx, c, s, here - 1, before - 1);
			before = here ? here : before;
		}
	}
	free(first);
	return status;
}

static fv_status check_splits(fv_ctx *ctx, const core_corpus *c)
{
	bool seen[CORE_SPLITS] = {false};
	fv_status status = FV_OK;
	for (int32_t i = 0; i < c->n; i++)
		if (c->split[i] < CORE_SPLITS)
			seen[c->split[i]] = true;
	for (int split = 0; split < CORE_SPLITS; split++)
		if (!seen[split])
			status = fv_fail(ctx, FV_DATA, "%s: no utterance in split %s%s", c->labels,
				core_split_name((core_split)split),
				split == CORE_DEV
					? ": corpus.dev: {share: 0.1} takes dev rows from train"
					: "");
	return status;
}

fv_status core_corpus_read(
	fv_ctx *ctx, const core_corpus_spec *spec, int64_t fold, core_corpus **out)
{
	core_corpus *c = core_alloc(ctx, 1, sizeof *c);
	core_label_file *f = core_alloc(ctx, 1, sizeof *f);
	if (!c || !f)
		return FV_FAILED;
	*f = (core_label_file){.spec = spec, .fold = fold};
	fv_status status = read_rows(ctx, f, c);
	if (status)
		return status;
	fv_status labels = core_labels_read(ctx, f, c);
	if (labels == FV_FAILED || (status = core_rows_filter(ctx, f)) ||
		(status = core_folds_assign(ctx, f, c)) || (status = keep_rows(ctx, f, c)) ||
		(status = fill_corpus(ctx, f, c)))
		return status ? status : labels;
	c->needs_audio = f->needs_audio;
	/* These checks are independent, so that one call reports all errors. */
	fv_status found[] = {labels, core_attributes_read(ctx, f, c),
		spec->shared_speakers ? FV_OK : check_speakers(ctx, c), check_splits(ctx, c)};
	for (size_t i = 0; i < sizeof found / sizeof *found; i++)
		if (found[i])
			return found[i];
	*out = c;
	return FV_OK;
}

fv_status core_corpus_list_folds(fv_ctx *ctx, core_corpus_spec *spec)
{
	if (spec->n_folds || !spec->fold_by)
		return FV_OK;
	fv_ctx *own = core_ctx_aside(ctx); /* reading the corpus repeats the notes */
	core_corpus *c = own ? core_alloc(own, 1, sizeof *c) : NULL;
	core_label_file *f = own ? core_alloc(own, 1, sizeof *f) : NULL;
	if (!c || !f)
		return own ? core_ctx_rejoin(ctx, own, FV_FAILED) : FV_FAILED;
	*f = (core_label_file){.spec = spec, .fold = 1};
	const char **value;
	int32_t n = 0;
	fv_status status = read_rows(own, f, c);
	if (!status)
		status = core_labels_read(own, f, c);
	if (!status)
		status = core_rows_filter(own, f);
	int32_t *id = status ? NULL : core_alloc(own, (size_t)c->n_rows, sizeof *id);
	if (!status)
		status = id ? core_fold_values(own, f, id, &value, &n) : FV_FAILED;
	status = core_ctx_rejoin(ctx, own, status);
	if (status)
		return status;
	spec->folds = core_alloc(ctx, (size_t)n, sizeof *spec->folds);
	for (int32_t i = 0; i < n && spec->folds; i++)
		spec->folds[i] = i + 1;
	spec->n_folds = n;
	return spec->folds ? FV_OK : FV_FAILED;
}

fv_status core_corpus_sha256(fv_ctx *ctx, const core_corpus *c, char hex[CORE_SHA256_HEX])
{
	fv_status status = core_files_sha256(ctx, &c->files, hex);
	if (status || !c->needs_audio)
		return status;
	core_text all = {0};
	core_text_add(&all, "%s\n", hex);
	for (int32_t i = 0; i < c->n; i++)
		core_text_add(&all, "%s\n", c->stem[i]);
	return core_sha256_text(ctx, &all, hex);
}
