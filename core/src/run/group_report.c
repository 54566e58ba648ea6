/* SPDX-License-Identifier: Apache-2.0 */
#include "run/group_report.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "corpus/audio.h"

const double core_length_edge[CORE_LENGTH_BINS] = {0, 1, 2, 3, 5, 10};

const char *core_get_part_name(int part)
{
	return part == CORE_PART_ALL ? "all" : core_split_name((core_split)part);
}

/* The rows of all splits, one split after the other. */
struct rows {
	int64_t n, first[CORE_PARTS]; /* first row of each part; 0 for "all" */
	int32_t *group;               /* [n] */
	int32_t *utterance;           /* [n] in the corpus */
	double *seconds;              /* [n]; 0: not known */
};

static fv_status collect_rows(fv_ctx *ctx, const core_run_data *r, struct rows *all)
{
	*all = (struct rows){0};
	for (int k = 0; k < CORE_SPLITS; k++) {
		all->first[k] = all->n;
		all->n += r->rows.n[k];
	}
	all->group = core_alloc(ctx, (size_t)all->n, sizeof *all->group);
	all->utterance = core_alloc(ctx, (size_t)all->n, sizeof *all->utterance);
	all->seconds = core_alloc(ctx, (size_t)all->n, sizeof *all->seconds);
	if (!all->group || !all->utterance || !all->seconds)
		return FV_FAILED;
	for (int k = 0; k < CORE_SPLITS; k++)
		for (int32_t i = 0; i < r->rows.n[k]; i++) {
			all->group[all->first[k] + i] = r->groups.id[k][i];
			all->utterance[all->first[k] + i] = r->rows.row[k][i];
		}
	return FV_OK;
}

/* Opens an index of the audio folder unless the study already knows the paths. *found: recordings
 * are available. */
static fv_status find_recordings(
	fv_ctx *ctx, const core_run_data *r, core_audio_index **index, bool *found)
{
	const core_set *set = &r->study->set[r->study->fold[r->run->fold].set];
	*index = NULL;
	*found = set->hashed;
	if (set->hashed || !r->variant->corpus.audio || !core_is_dir(r->variant->corpus.audio))
		return FV_OK;
	*found = true;
	return core_corpus_open_audio(ctx, &r->variant->corpus, index);
}

static fv_status measure_lengths(
	fv_ctx *ctx, const core_run_data *r, struct rows *all, core_group_report *out)
{
	const core_fold *fold = &r->study->fold[r->run->fold];
	const core_recordings *recordings = &r->study->set[fold->set].recordings;
	core_audio_index *index;
	fv_status status = find_recordings(ctx, r, &index, &out->has_lengths);
	for (int64_t i = 0; i < all->n && out->has_lengths && !status; i++) {
		int32_t utterance = all->utterance[i];
		const char *path =
			index ? core_audio_find_row(ctx, index, r->corpus, utterance, NULL)
			      : recordings->path[fold->row[utterance]];
		if (path)
			status = core_audio_row_seconds(
				ctx, r->corpus, utterance, path, &all->seconds[i]);
	}
	return status;
}

static int find_length_bin(double seconds)
{
	int bin = 0;
	while (bin + 1 < CORE_LENGTH_BINS && seconds >= core_length_edge[bin + 1])
		bin++;
	return bin;
}

/* Returns the names of the groups, or NULL for clusters: their names are whole numbers, and cluster
 * "3" is not speaker "3". */
static const char *const *find_group_names(const core_groups *groups)
{
	int64_t number;
	for (int32_t g = 0; g < groups->groups; g++)
		if (!core_parse_int(groups->name[g], &number))
			return groups->name;
	return NULL;
}

static bool has_common_name(const core_partition *a, const core_partition *b)
{
	for (int32_t i = 0; i < a->G; i++)
		for (int32_t j = 0; j < b->G; j++)
			if (core_partition_same(a, i, b, j))
				return true;
	return false;
}

/* Counts matching names over the rows first .. first + n of one part. */
static void add_shares(const core_run_data *r, const struct rows *all,
	const core_partition *inferred, const core_partition *truth, int part, int64_t n,
	core_group_truth *out)
{
	for (int64_t i = 0; i < n; i++) {
		int64_t at = all->first[part] + i;
		if (inferred->id[i] < 0 || truth->id[i] < 0)
			continue;
		int64_t right = core_partition_same(inferred, inferred->id[i], truth, truth->id[i]);
		core_share *one = &out->by_class[part][r->corpus->klass[all->utterance[at]]];
		one->known++;
		one->correct += right;
		if (!(all->seconds[at] > 0))
			continue;
		one = &out->by_length[part][find_length_bin(all->seconds[at])];
		one->known++;
		one->correct += right;
	}
}

/* Compares the groups with true values: id [corpus n], their names value [values]. */
static fv_status compare_with_truth(fv_ctx *ctx, const core_group_report *report,
	const struct rows *all, const char *const *value, int32_t values, const int32_t *id,
	core_group_truth *out)
{
	const core_run_data *r = report->runner;
	int32_t *known = core_alloc(ctx, (size_t)all->n, sizeof *known);
	if (!known)
		return FV_FAILED;
	for (int64_t i = 0; i < all->n; i++)
		known[i] = id[all->utterance[i]];
	core_partition inferred = {.G = r->groups.groups, .name = find_group_names(&r->groups)};
	core_partition truth = {.G = values, .name = value};
	out->named = has_common_name(&inferred, &truth);
	for (int part = 0; part < CORE_PARTS; part++) {
		inferred.id = all->group + all->first[part];
		truth.id = known + all->first[part];
		fv_status status = core_agreement_compute(
			ctx, report->n[part], &inferred, &truth, &out->part[part]);
		out->by_class[part] =
			core_alloc(ctx, (size_t)r->corpus->classes, sizeof *out->by_class[part]);
		if (status || !out->by_class[part])
			return status ? status : FV_FAILED;
		if (out->named)
			add_shares(r, all, &inferred, &truth, part, report->n[part], out);
	}
	return FV_OK;
}

/* Returns the ids of an attribute; values that the metrics leave out become unknown. */
static fv_status make_counted_ids(
	fv_ctx *ctx, const core_corpus *corpus, const core_attribute *a, int32_t **out)
{
	*out = core_alloc(ctx, (size_t)corpus->n, sizeof **out);
	for (int32_t i = 0; *out && i < corpus->n; i++)
		(*out)[i] = a->id[i] >= 0 && a->counted[a->id[i]] ? a->id[i] : -1;
	return *out ? FV_OK : FV_FAILED;
}

static fv_status compare_attributes(fv_ctx *ctx, const struct rows *all, core_group_report *out)
{
	const core_corpus *c = out->runner->corpus;
	core_group_truth *truth = out->truth;
	for (int32_t a = 0; a < c->n_attributes; a++) {
		const core_attribute *attribute = &c->attribute[a];
		int32_t *id;
		truth[a].name = attribute->name;
		fv_status status = make_counted_ids(ctx, c, attribute, &id);
		if (!status)
			status = compare_with_truth(ctx, out, all, attribute->value,
				attribute->n_values, id, &truth[a]);
		if (status)
			return status;
	}
	core_group_truth *class = &truth[c->n_attributes], *speaker = class + 1;
	class->name = "class";
	speaker->name = "speaker";
	fv_status status =
		compare_with_truth(ctx, out, all, c->class_name, c->classes, c->klass, class);
	return status ? status
		      : compare_with_truth(
				ctx, out, all, c->speaker_name, c->n_speakers, c->speaker, speaker);
}

static double find_largest_membership(const core_run_data *r, int split, int32_t row)
{
	size_t groups = (size_t)r->groups.groups;
	const float *member = r->groups.member[split] + (size_t)row * groups;
	double most = 0;
	for (size_t g = 0; g < groups; g++)
		most = fmax(most, (double)member[g]);
	return most;
}

static void average_memberships(core_group_report *out)
{
	const core_run_data *r = out->runner;
	double total = 0;
	for (int k = 0; k < CORE_PARTS; k++)
		out->largest[k] = NAN;
	if (!r->groups.member[CORE_TRAIN])
		return;
	for (int k = 0; k < CORE_SPLITS; k++) {
		double sum = 0;
		for (int32_t i = 0; i < r->rows.n[k]; i++)
			sum += find_largest_membership(r, k, i);
		total += sum;
		out->largest[k] = r->rows.n[k] ? sum / r->rows.n[k] : NAN;
	}
	out->largest[CORE_PART_ALL] = total / (double)out->n[CORE_PART_ALL];
}

static fv_status count_rows(fv_ctx *ctx, const struct rows *all, core_group_report *out)
{
	size_t groups = (size_t)out->runner->groups.groups;
	for (int part = 0; part < CORE_PARTS; part++) {
		out->n[part] =
			part == CORE_PART_ALL ? all->n : out->runner->rows.n[(core_split)part];
		out->size[part] = core_alloc(ctx, groups, sizeof *out->size[part]);
		if (!out->size[part])
			return FV_FAILED;
		for (int64_t i = 0; i < out->n[part]; i++) {
			int64_t at = all->first[part] + i;
			if (all->group[at] < 0)
				out->unknown[part]++;
			else
				out->size[part][all->group[at]]++;
			out->no_length[part] += !(all->seconds[at] > 0);
		}
	}
	average_memberships(out);
	return FV_OK;
}

fv_status core_group_report_make(fv_ctx *ctx, const core_run_data *runner, core_group_report *out)
{
	struct rows all;
	*out = (core_group_report){.runner = runner, .n_attributes = runner->corpus->n_attributes};
	out->truth = core_alloc(ctx, (size_t)out->n_attributes + 2, sizeof *out->truth);
	fv_status status = out->truth ? collect_rows(ctx, runner, &all) : FV_FAILED;
	if (!status)
		status = measure_lengths(ctx, runner, &all, out);
	if (!status)
		status = count_rows(ctx, &all, out);
	return status ? status : compare_attributes(ctx, &all, out);
}
