/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the split of each row: what corpus.labels says of its file, or its split column. */
#include <string.h>
#include <strings.h>

#include "base/missing.h"
#include "corpus/corpus_private.h"

/* The splits while the further test sets have no order yet. */
struct splits {
	core_label_file *f;
	const char **set; /* [rows] name of the row's further test set; NULL: none */
	bool has[CORE_SPLITS];
};

/* The split that a word usually means; -1: none. `eval` is used for both dev and test. */
static int32_t find_word(const char *word)
{
	static const struct {
		const char *name;
		core_split split;
	} words[] = {{"train", CORE_TRAIN}, {"training", CORE_TRAIN}, {"dev", CORE_DEV},
		{"development", CORE_DEV}, {"valid", CORE_DEV}, {"val", CORE_DEV},
		{"validation", CORE_DEV}, {"test", CORE_TEST}, {"testing", CORE_TEST}};
	for (size_t w = 0; w < sizeof words / sizeof *words; w++)
		if (!strcasecmp(word, words[w].name))
			return (int32_t)words[w].split;
	return -1;
}

static const char *find_cell(const core_label_file *f, int64_t r)
{
	if (f->table.split[r])
		return f->table.split[r];
	return f->split < 0 ? "" : core_csv_cell(&f->table.csv, r, f->split);
}

/* --- the usual words -------------------------------------------------------------------------- */

/* Sets the split of one row whose word is one of the usual ones. */
static bool read_usual_word(struct splits *s, int64_t r)
{
	int32_t split = find_word(find_cell(s->f, r));
	if (split < 0)
		return false;
	s->f->part[r] = split;
	s->has[split] = true;
	return true;
}

/* `eval` is the one of dev and test that the files do not have. */
static fv_status read_other_word(fv_ctx *ctx, struct splits *s, int64_t r)
{
	core_label_file *f = s->f;
	const char *word = find_cell(f, r);
	if (!strcasecmp(word, "eval") && s->has[CORE_DEV] != s->has[CORE_TEST]) {
		f->part[r] = s->has[CORE_DEV] ? CORE_TEST : CORE_DEV;
		return FV_OK;
	}
	if (f->table.split[r]) {
		s->set[r] = word;
		return FV_OK;
	}
	if (core_is_missing(word))
		return CORE_ROW_FAIL(ctx, f, r, "no split: corpus.splits says which rows to use");
	return CORE_ROW_FAIL(ctx, f, r,
		"%s: '%s' is not Train, Development or Test: corpus.splits says what it is",
		f->table.csv.header[f->split], word);
}

static fv_status read_words(fv_ctx *ctx, struct splits *s)
{
	core_label_file *f = s->f;
	int64_t n = f->table.csv.n_rows;
	fv_status status = FV_OK;
	for (int64_t r = 0; r < n; r++)
		f->part[r] = core_row_stays(f, r) && read_usual_word(s, r) ? f->part[r] : -1;
	for (int64_t r = 0; r < n; r++) {
		bool open = core_row_stays(f, r) && f->part[r] < 0;
		fv_status read = open ? read_other_word(ctx, s, r) : FV_OK;
		status = read ? read : status;
	}
	return status;
}

/* --- corpus.splits ---------------------------------------------------------------------------- */

/* The entry of corpus.splits for a value, as written or in another spelling; -1: none. */
static int32_t find_entry(const core_corpus_spec *spec, const char *value)
{
	for (int32_t i = 0; i < spec->n_splits; i++)
		if (!strcmp(spec->splits[i].attribute, value))
			return i;
	for (int32_t i = 0; i < spec->n_splits; i++)
		if (core_same_value(spec->splits[i].attribute, value))
			return i;
	return -1;
}

/* Names the values that corpus.splits does not list, because one may be misspelt. */
static fv_status note_unlisted(fv_ctx *ctx, const core_label_file *f, const char *const *unlisted)
{
	enum { LISTED = 5 };
	int64_t n = f->table.csv.n_rows;
	int32_t *id = core_alloc(ctx, (size_t)n, sizeof *id), n_values = 0;
	const char **value;
	if (!id || core_names_index(ctx, unlisted, n, id, &value, &n_values))
		return FV_FAILED;
	int64_t first = 0;
	while (first < n && id[first] < 0)
		first++;
	const char *list = "";
	for (int32_t i = 0; i < n_values && i < LISTED && list; i++)
		list = core_format(ctx, "%s%s'%s'", list, i ? ", " : "", value[i]);
	if (!list)
		return FV_FAILED;
	if (n_values)
		fv_note(ctx, "%s:%lld: corpus.splits does not list %s%s", f->table.path[first],
			(long long)f->table.csv.line[first], list,
			n_values > LISTED ? ", ..." : "");
	return FV_OK;
}

/* Translates the values by corpus.splits; rows whose value it does not list are left out. */
static fv_status translate_values(fv_ctx *ctx, struct splits *s)
{
	core_label_file *f = s->f;
	const core_corpus_spec *spec = f->spec;
	int64_t n = f->table.csv.n_rows;
	bool *found = core_alloc(ctx, (size_t)spec->n_splits, sizeof *found);
	const char **unlisted = core_alloc(ctx, (size_t)n, sizeof *unlisted);
	if (!found || !unlisted)
		return FV_FAILED;
	for (int64_t r = 0; r < n; r++) {
		if (!core_row_stays(f, r))
			continue;
		int32_t at = find_entry(spec, find_cell(f, r));
		const char *split = at < 0 ? NULL : spec->splits[at].column;
		if (at >= 0)
			found[at] = true;
		else if (!core_is_missing(find_cell(f, r)))
			unlisted[r] = find_cell(f, r);
		if (!split)
			f->dropped[r] = "in no split of corpus.splits";
		else if ((f->part[r] = find_word(split)) < 0)
			s->set[r] = split;
	}
	for (int32_t i = 0; i < spec->n_splits; i++)
		if (!found[i])
			core_warn_key(ctx,
				(core_key_ref){spec->block, "splits", spec->splits[i].attribute},
				"corpus.splits: %s has no row of '%s'", f->table.csv.path,
				spec->splits[i].attribute);
	return note_unlisted(ctx, f, unlisted);
}

fv_status core_splits_read(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	int64_t n = f->table.csv.n_rows;
	struct splits s = {.f = f, .set = core_alloc(ctx, (size_t)n, sizeof *s.set)};
	int32_t *id = core_alloc(ctx, (size_t)n, sizeof *id);
	if (!s.set || !id)
		return FV_FAILED;
	fv_status status = f->spec->n_splits ? translate_values(ctx, &s) : read_words(ctx, &s);
	if (!status)
		status = core_names_index(ctx, s.set, n, id, &c->set_name, &c->n_sets);
	if (!status && c->n_sets > CORE_SPLITS_MAX - CORE_SPLITS)
		status = core_fail_key(ctx, FV_CONFIG,
			(core_key_ref){f->spec->block, "splits", NULL},
			"%s: %d test sets beside test, at most %d are possible", c->labels,
			(int)c->n_sets, CORE_SPLITS_MAX - CORE_SPLITS);
	for (int64_t r = 0; r < n && !status; r++)
		if (s.set[r])
			f->part[r] = CORE_SPLITS + id[r];
	return status;
}
