/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the split of each row: what corpus.labels says of its file, or its split column. */
#include <string.h>
#include <strings.h>

#include "corpus/corpus_private.h"

/* A split while the further test sets have no order yet: their rows count from CORE_SPLITS on. */
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
	if (!*word)
		return CORE_ROW_FAIL(ctx, f, r, "no split");
	return CORE_ROW_FAIL(ctx, f, r, "%s: '%s' is not Train, Development or Test",
		f->table.csv.header[f->split], word);
}

fv_status core_splits_read(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	int64_t n = f->table.csv.n_rows;
	struct splits s = {.f = f, .set = core_alloc(ctx, (size_t)n, sizeof *s.set)};
	int32_t *id = core_alloc(ctx, (size_t)n, sizeof *id);
	if (!s.set || !id)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (int64_t r = 0; r < n; r++)
		f->part[r] = read_usual_word(&s, r) ? f->part[r] : -1;
	for (int64_t r = 0; r < n; r++) {
		fv_status read = f->part[r] < 0 ? read_other_word(ctx, &s, r) : FV_OK;
		status = read ? read : status;
	}
	if (!status)
		status = core_names_index(ctx, s.set, n, id, &c->set_name, &c->n_sets);
	if (!status && c->n_sets > CORE_SPLITS_MAX - CORE_SPLITS)
		status = core_corpus_fail(ctx, &f->spec->place,
			"%s: %d test sets beside test, at most %d are possible", c->labels,
			(int)c->n_sets, CORE_SPLITS_MAX - CORE_SPLITS);
	for (int64_t r = 0; r < n && !status; r++)
		if (s.set[r])
			f->part[r] = CORE_SPLITS + id[r];
	return status;
}
