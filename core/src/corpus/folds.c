/* SPDX-License-Identifier: Apache-2.0 */
/* Sets the split of each row: as the label files say (splits.c), or from folds that are drawn or
 * that a column tells (fold_column.c). Fold f of k: test = part f, dev = the next part, train = the
 * rest. Where corpus.dev or a split column that the configuration names gives the dev rows, the next
 * part is training.
 *
 * Drawn folds keep groups together, speakers unless corpus.fold_by names a column. Groups sorted by
 * (utterances, most first; a draw keyed by the name) each go to the part with the fewest utterances
 * so far, then the fewest of the same gender, then the lowest number. */
#include <stdlib.h>
#include <string.h>

#include "base/missing.h"
#include "base/plural.h"
#include "base/stream.h"
#include "corpus/corpus_private.h"

struct group {
	int32_t id, utterances, gender; /* gender of its first row by name; -1 unknown */
	uint64_t draw;
	const char *name;
};

static int by_size(const void *a, const void *b)
{
	const struct group *s = a, *t = b;
	if (s->utterances != t->utterances)
		return s->utterances > t->utterances ? -1 : 1;
	if (s->draw != t->draw)
		return s->draw < t->draw ? -1 : 1;
	return strcmp(s->name, t->name);
}

/* Sets part [groups]; load [k] and of_gender [k, genders + 1] must be zeroed. */
static void assign_parts(const struct group *group, int32_t n, int32_t k, int32_t genders,
	int64_t *load, int64_t *of_gender, int32_t *part)
{
	for (int32_t s = 0; s < n; s++) {
		int32_t best = 0, g = group[s].gender < 0 ? genders : group[s].gender;
		for (int32_t p = 1; p < k; p++) {
			int64_t same = of_gender[p * (genders + 1) + g],
				best_same = of_gender[best * (genders + 1) + g];
			if (load[p] < load[best] || (load[p] == load[best] && same < best_same))
				best = p;
		}
		load[best] += group[s].utterances;
		of_gender[best * (genders + 1) + g] += group[s].utterances;
		part[group[s].id] = best;
	}
}

/* Sets name [rows], what the folds keep together; NULL: a row that is left out. */
static fv_status name_groups(fv_ctx *ctx, core_label_file *f, const char **name)
{
	const char *const *value = f->speaker;
	fv_status status = FV_OK;
	if (f->spec->fold_by)
		status = core_row_values(ctx, f, "fold_by", f->spec->fold_by, &value);
	for (int64_t r = 0; r < f->table.csv.n_rows && status != FV_CONFIG; r++) {
		name[r] = core_row_stays(f, r) ? value[r] : NULL;
		if (core_row_stays(f, r) && !value[r])
			status = CORE_ROW_FAIL(
				ctx, f, r, "no %s: corpus.folds.by needs one", f->spec->fold_by);
	}
	return status;
}

static fv_status read_genders(fv_ctx *ctx, core_label_file *f, int32_t *gender_id, int32_t *genders)
{
	int64_t rows = f->table.csv.n_rows;
	const char **distinct, **none = core_alloc(ctx, (size_t)rows, sizeof *none);
	const char *const *gender = none;
	fv_status status = none ? FV_OK : FV_FAILED;
	if (!status && f->gender >= 0)
		status = core_label_values(ctx, f, f->gender, &gender);
	return status ? status : core_names_index(ctx, gender, rows, gender_id, &distinct, genders);
}

static fv_status list_groups(fv_ctx *ctx, core_label_file *f, int32_t *id, struct group **out,
	int32_t *n, int32_t *genders)
{
	size_t rows = (size_t)f->table.csv.n_rows;
	const char **name = core_alloc(ctx, rows, sizeof *name), **distinct;
	int32_t *gender_id = core_alloc(ctx, rows, sizeof *gender_id);
	if (!name || !gender_id)
		return FV_FAILED;
	fv_status status = name_groups(ctx, f, name);
	if (!status)
		status = core_names_index(ctx, name, f->table.csv.n_rows, id, &distinct, n);
	if (!status)
		status = read_genders(ctx, f, gender_id, genders);
	if (status)
		return status;
	struct group *group = core_alloc(ctx, (size_t)*n, sizeof *group);
	if (!group)
		return FV_FAILED;
	for (size_t i = 0; i < rows; i++) {
		int32_t r = f->row[i]; /* in the order of stems, not of the file */
		if (id[r] >= 0 && !group[id[r]].utterances++)
			group[id[r]].gender = gender_id[r];
	}
	for (int32_t s = 0; s < *n; s++) {
		fv_stream stream = core_stream((uint64_t)f->spec->make_folds_seed, 0, "folds", 0,
			fv_name_hash(distinct[s]));
		group[s].id = s;
		group[s].name = distinct[s];
		group[s].draw = fv_next(&stream);
	}
	*out = group;
	return FV_OK;
}

/* Sets part_of [rows] to the part of each row, -1 where it is left out, of k parts. */
static fv_status draw_parts(fv_ctx *ctx, core_label_file *f, int32_t k, int32_t *part_of)
{
	int32_t n, genders;
	struct group *group;
	fv_status status = list_groups(ctx, f, part_of, &group, &n, &genders);
	if (status)
		return status;
	if (n < k)
		return core_fail_key(ctx, FV_DATA,
			(core_key_ref){f->spec->block, "make_folds", NULL},
			"%s: %d %s are too few for corpus.make_folds: %d", f->table.csv.path,
			(int)n, f->spec->fold_by ? f->spec->fold_by : "speakers", (int)k);
	qsort(group, (size_t)n, sizeof *group, by_size);
	int64_t *load = core_alloc(ctx, (size_t)k, sizeof *load);
	int64_t *of_gender = core_alloc(ctx, (size_t)k * (size_t)(genders + 1), sizeof *of_gender);
	int32_t *part = core_alloc(ctx, (size_t)n, sizeof *part);
	if (!load || !of_gender || !part)
		return FV_FAILED;
	assign_parts(group, n, k, genders, load, of_gender, part);
	for (int64_t r = 0; r < f->table.csv.n_rows; r++)
		part_of[r] = part_of[r] < 0 ? -1 : part[part_of[r]];
	return FV_OK;
}

/* Whether the configuration says which rows are dev, so that no part is. */
static bool gives_dev(const core_corpus_spec *spec)
{
	bool by_file = spec->n_label_source && spec->label_source[0].split;
	return spec->dev_share > 0 || spec->column_split || spec->n_splits || by_file;
}

/* Makes the parts the splits of fold f->fold. Rows that a split column calls dev stay dev unless
 * they are tested. */
static fv_status assign_splits(
	fv_ctx *ctx, core_label_file *f, core_corpus *c, int32_t k, const int32_t *part_of)
{
	const core_corpus_spec *spec = f->spec;
	int32_t test = (int32_t)f->fold - 1, dev = gives_dev(spec) ? -2 : (test + 1) % k;
	if (gives_dev(spec) && (f->split >= 0 || f->table.split[0])) {
		fv_status status = core_splits_read(ctx, f, c);
		if (status)
			return status;
	}
	for (int64_t r = 0; r < f->table.csv.n_rows; r++) {
		int32_t p = part_of[r];
		bool own = dev < 0 && f->part[r] == CORE_DEV;
		f->part[r] = p == test ? CORE_TEST : p == dev || own ? CORE_DEV : CORE_TRAIN;
	}
	c->n_sets = 0;
	return FV_OK;
}

static fv_status make_folds(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	const core_corpus_spec *spec = f->spec;
	int32_t k = spec->make_folds, least = gives_dev(spec) ? 2 : 3;
	int32_t *part_of = core_alloc(ctx, (size_t)f->table.csv.n_rows, sizeof *part_of);
	const char **value;
	fv_status status = part_of ? FV_OK : FV_FAILED;
	if (k && k < least)
		return core_fail_key(ctx, FV_CONFIG,
			(core_key_ref){spec->block, "make_folds", NULL},
			"corpus.make_folds: %d is too few: needs at least 3 (train, dev, test)",
			(int)k);
	if (!status && !k)
		status = core_fold_values(ctx, f, part_of, &value, &k);
	if (status)
		return status;
	if (k < least)
		return core_fail_key(ctx, FV_DATA, (core_key_ref){spec->block, "fold_by", NULL},
			"%s: %s has %d value%s, too few for folds: %d are needed",
			f->table.csv.path, spec->fold_by, (int)k, core_plural(k), (int)least);
	if (f->fold < 1 || f->fold > k)
		return core_fail_key(ctx, FV_CONFIG,
			(core_key_ref){
				spec->block, "folds", core_format(ctx, "%lld", (long long)f->fold)},
			"fold %lld: %s makes folds 1 to %d", (long long)f->fold,
			spec->make_folds ? "corpus.make_folds" : spec->fold_by, (int)k);
	if (spec->make_folds)
		status = draw_parts(ctx, f, k, part_of);
	return status ? status : assign_splits(ctx, f, c, k, part_of);
}

fv_status core_folds_assign(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	const core_corpus_spec *spec = f->spec;
	f->part = core_alloc(ctx, (size_t)f->table.csv.n_rows, sizeof *f->part);
	if (!f->part)
		return FV_FAILED;
	fv_status status = spec->make_folds || spec->fold_by ? make_folds(ctx, f, c)
							     : core_splits_read(ctx, f, c);
	return status || spec->dev_share <= 0 ? status : core_dev_take(ctx, f);
}
