/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/groupings.h"

#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"

/* The value of the attribute of a recording. */
struct person {
	const char *file, *value;
};

struct people {
	size_t n, capacity;
	struct person *person; /* sorted by file once complete */
};

static int compare_people(const void *a, const void *b)
{
	return strcmp(((const struct person *)a)->file, ((const struct person *)b)->file);
}

static fv_status add_people(
	fv_ctx *ctx, const core_run_result *run, const char *attribute, struct people *people)
{
	core_csv csv;
	char *path = core_path_join(ctx, run->dir, "predictions.csv");
	fv_status status = path ? core_csv_read(ctx, path, &csv) : FV_FAILED;
	if (status)
		return status;
	int64_t file = core_csv_column(&csv, "FileName"), value = core_csv_column(&csv, attribute);
	size_t rows = (size_t)csv.n_rows;
	if (people->n + rows > people->capacity) {
		size_t capacity = 2 * (people->n + rows);
		struct person *grown = core_alloc(ctx, capacity, sizeof *grown);
		if (!grown)
			return FV_FAILED;
		if (people->n)
			memcpy(grown, people->person, people->n * sizeof *grown);
		people->person = grown;
		people->capacity = capacity;
	}
	for (int64_t i = 0; i < csv.n_rows && file >= 0 && value >= 0; i++)
		people->person[people->n++] = (struct person){
			core_csv_cell(&csv, i, file), core_csv_cell(&csv, i, value)};
	return FV_OK;
}

/* Reads the attribute of the recordings that any fold of the variant predicted. */
static fv_status read_people(core_drawing *d, const core_variant_result *variant,
	const char *attribute, struct people *people)
{
	fv_status status = FV_OK;
	*people = (struct people){0};
	for (int32_t f = 0; f < variant->n_folds && !status; f++)
		status = add_people(d->ctx, variant->used[f * variant->n_seeds], attribute, people);
	if (!status && people->n)
		qsort(people->person, people->n, sizeof *people->person, compare_people);
	return status;
}

/* Returns the group of people of a recording; -1: unknown. */
static int32_t find_people(
	const core_eval_attribute *groups, const struct people *people, const char *file)
{
	const struct person key = {file, NULL};
	const struct person *found =
		people->n ? bsearch(&key, people->person, people->n, sizeof key, compare_people)
			  : NULL;
	for (int32_t g = 0; found && g < groups->G; g++)
		if (!strcmp(groups->group[g], found->value))
			return g;
	return -1;
}

static fv_status fill_grouping(core_drawing *d, const core_groupings *all, const core_csv *csv,
	const struct people *people, core_grouping *out)
{
	int64_t file = core_csv_column(csv, "FileName"), group = core_csv_column(csv, "group");
	size_t rows = (size_t)csv->n_rows + 1;
	out->file = core_alloc(d->ctx, rows, sizeof *out->file);
	out->cluster = core_alloc(d->ctx, rows, sizeof *out->cluster);
	out->people = core_alloc(d->ctx, rows, sizeof *out->people);
	if (!out->file || !out->cluster || !out->people)
		return FV_FAILED;
	for (int64_t i = 0; i < csv->n_rows && file >= 0 && group >= 0; i++) {
		const char *name = core_csv_cell(csv, i, group);
		out->file[out->n] = core_csv_cell(csv, i, file);
		out->cluster[out->n] = *name ? name : "none";
		out->people[out->n] = find_people(all->people, people, out->file[out->n]);
		out->n++;
	}
	return FV_OK;
}

/* Returns the run of the fold with the first seed; NULL: there is none. */
static const core_run_result *find_run(
	const core_groupings *all, const core_variant_result *variant)
{
	for (int32_t f = 0; f < variant->n_folds; f++)
		if (all->fold < 0 || variant->fold[f] == all->fold)
			return variant->used[f * variant->n_seeds];
	return NULL;
}

static fv_status add_grouping(core_drawing *d, size_t row, core_groupings *all)
{
	core_csv csv;
	struct people people;
	const core_variant_result *variant = d->grid->row[row].variant;
	const core_run_result *run = find_run(all, variant);
	char *path = run ? core_path_join(d->ctx, run->dir, "groups.csv") : NULL;
	if (!path || !core_file_exists(path))
		return FV_OK;
	core_grouping *own = &all->grouping[all->n];
	*own = (core_grouping){.row = row};
	all->fold = run->fold;
	fv_status status = core_csv_read(d->ctx, path, &csv);
	if (!status)
		status = read_people(d, variant, all->attribute, &people);
	if (!status)
		status = fill_grouping(d, all, &csv, &people, own);
	all->n += !status && own->n;
	return status;
}

/* Were these groups read already? */
static bool has_groups_of(const core_drawing *d, const core_groupings *all, size_t row)
{
	const core_run_facts *own = d->grid->row[row].facts;
	for (size_t k = 0; k < all->n; k++) {
		const core_run_facts *other = d->grid->row[all->grouping[k].row].facts;
		if (json_equal((json_t *)own->grouping, (json_t *)other->grouping))
			return true;
	}
	return false;
}

/* `labels`: groups made of true labels, too. */
static fv_status collect_groupings(core_drawing *d, bool labels, core_groupings *all)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < d->grid->n_rows && !status; i++) {
		const core_run_facts *facts = d->grid->row[i].facts;
		if (!facts || !facts->n_groupers || has_groups_of(d, all, i) ||
			(facts->uses_group_labels && !labels))
			continue;
		if (all->n == CORE_GROUPINGS_MAX)
			return fv_fail(d->ctx, FV_CONFIG,
				"%s: shows at most %d groupers: select fewer with --rows",
				d->kind->name, (int)CORE_GROUPINGS_MAX);
		status = add_grouping(d, i, all);
	}
	return status;
}

static fv_status find_people_groups(core_drawing *d, core_groupings *all)
{
	fv_status status = core_find_attribute(d, &all->attribute);
	for (int32_t t = 0; t < d->grid->tests.n_sets && !status && !all->people; t++)
		for (int32_t a = 0; a < d->grid->tests.set[t].n_attributes; a++)
			if (!strcmp(d->grid->tests.set[t].attribute[a].name, all->attribute))
				all->people = &d->grid->tests.set[t].attribute[a];
	if (status)
		return status;
	if (!all->people)
		return fv_fail(d->ctx, FV_DATA,
			"%s: the folds of no variant form one test set with '%s'", d->kind->name,
			all->attribute);
	if (all->people->G > CORE_PEOPLE_MAX)
		return fv_fail(d->ctx, FV_DATA,
			"%s: '%s' has %d groups, more than the %d that can be told apart: choose "
			"another --attribute",
			d->kind->name, all->attribute, (int)all->people->G, (int)CORE_PEOPLE_MAX);
	return FV_OK;
}

fv_status core_groupings_read(core_drawing *d, core_groupings *out)
{
	*out = (core_groupings){.fold = d->options->fold};
	fv_status status = find_people_groups(d, out);
	if (!status)
		status = collect_groupings(d, d->options->selected, out);
	if (!status && !out->n)
		status = collect_groupings(d, true, out);
	if (status || out->n)
		return status;
	if (out->fold >= 0)
		return fv_fail(d->ctx, FV_CONFIG, "--fold: no run of fold %lld has groups",
			(long long)out->fold);
	return fv_fail(d->ctx, FV_DATA, "%s: no variant has inferred groups", d->kind->name);
}
