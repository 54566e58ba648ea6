/* SPDX-License-Identifier: Apache-2.0 */
/* Computes how much groups depend on the grouper's seed. */
#include <math.h>
#include <string.h>

#include "plugin/descriptor.h"
#include "run/group_report.h"

static const fv_param *find_seed_param(const core_grouper_spec *spec)
{
	const fv_param *param = core_param_find(spec->use.plugin->descriptor, "seed");
	return param && param->type == FV_INT ? param : NULL;
}

/* Copies the variant's groupers, each with its own seed plus `offset`. */
static fv_status shift_seeds(
	fv_ctx *ctx, const core_variant *variant, int32_t offset, core_grouper_spec *out)
{
	for (int32_t i = 0; i < variant->n_groupers; i++) {
		const core_grouper_spec *own = &variant->groupers[i];
		const fv_descriptor *d = own->use.plugin->descriptor;
		const fv_param *param = find_seed_param(own);
		int64_t seed;
		out[i] = *own;
		if (!param)
			continue;
		out[i].use.state = core_alloc(ctx, 1, d->state_size);
		if (!out[i].use.state)
			return FV_FAILED;
		memcpy(out[i].use.state, own->use.state, d->state_size);
		memcpy(&seed, (const char *)own->use.state + param->offset, sizeof seed);
		if (seed > INT64_MAX - offset ||
			(param->max > 0 && (double)(seed + offset) > param->max))
			return fv_fail(ctx, FV_CONFIG, "--seeds: %lld + %d is too large a seed",
				(long long)seed, (int)offset);
		seed += offset;
		memcpy((char *)out[i].use.state + param->offset, &seed, sizeof seed);
		out[i].seed = seed;
		out[i].has_seed = true;
	}
	return FV_OK;
}

/* Returns the group ids of all rows, one split after the other. */
static int32_t *join_splits(fv_ctx *ctx, const core_run_data *r, const core_groups *groups)
{
	size_t n = 0;
	for (int k = 0; k < CORE_SPLITS; k++)
		n += (size_t)r->rows.n[k];
	int32_t *id = core_alloc(ctx, n, sizeof *id), *at = id;
	for (int k = 0; id && k < CORE_SPLITS; k++) {
		memcpy(at, groups->id[k], (size_t)r->rows.n[k] * sizeof *at);
		at += r->rows.n[k];
	}
	return id;
}

struct sum {
	int64_t pairs;
	core_stability total;
};

static fv_status compare_pair(fv_ctx *ctx, const core_group_report *report, const core_partition *a,
	const core_partition *b, struct sum sum[CORE_PARTS])
{
	int64_t first = 0;
	for (int part = 0; part < CORE_PARTS; part++) {
		core_partition x = *a, y = *b;
		core_agreement found;
		first = part == CORE_PART_ALL ? 0 : first;
		x.id += first;
		y.id += first;
		first += report->n[part];
		fv_status status = core_agreement_compute(ctx, report->n[part], &x, &y, &found);
		if (status)
			return status;
		if (!found.n)
			continue;
		core_stability *s = &sum[part].total;
		s->ari += found.ari;
		s->nmi += found.nmi;
		s->ari_least = sum[part].pairs ? fmin(s->ari_least, found.ari) : found.ari;
		s->nmi_least = sum[part].pairs ? fmin(s->nmi_least, found.nmi) : found.nmi;
		sum[part].pairs++;
	}
	return FV_OK;
}

static void average_pairs(const struct sum *sum, core_stability *out)
{
	const core_stability *s = &sum->total;
	double pairs = (double)sum->pairs;
	*out = (core_stability){NAN, NAN, NAN, NAN};
	if (sum->pairs)
		*out = (core_stability){s->ari / pairs, s->ari_least, s->nmi / pairs, s->nmi_least};
}

static fv_status infer_partitions(
	fv_ctx *ctx, const core_run_data *r, int32_t seeds, core_partition *partition)
{
	core_grouper_spec spec[CORE_PRODUCT_MAX];
	for (int32_t s = 0; s < seeds; s++) {
		core_groups groups = r->groups;
		fv_status status = s ? shift_seeds(ctx, r->variant, s, spec) : FV_OK;
		if (!status && s)
			status = core_run_data_infer_groups(ctx, r, spec, &groups);
		if (status)
			return status;
		partition[s] =
			(core_partition){.G = groups.groups, .id = join_splits(ctx, r, &groups)};
		if (!partition[s].id)
			return FV_FAILED;
	}
	return FV_OK;
}

fv_status core_group_report_add_seeds(fv_ctx *ctx, int32_t seeds, core_group_report *report)
{
	const core_run_data *r = report->runner;
	bool draws = false;
	for (int32_t i = 0; i < r->variant->n_groupers; i++)
		draws = draws || find_seed_param(&r->variant->groupers[i]);
	if (!draws)
		return fv_fail(ctx, FV_CONFIG,
			"--seeds: the groups do not depend on a seed (no grouper has the parameter "
			"'seed'): leave the option out");
	struct sum sum[CORE_PARTS] = {{0}};
	core_partition *partition = core_alloc(ctx, (size_t)seeds, sizeof *partition);
	fv_status status = partition ? infer_partitions(ctx, r, seeds, partition) : FV_FAILED;
	for (int32_t a = 0; a < seeds && !status; a++)
		for (int32_t b = 0; b < a && !status; b++)
			status = compare_pair(ctx, report, &partition[a], &partition[b], sum);
	report->seeds = seeds;
	for (int part = 0; part < CORE_PARTS; part++)
		average_pairs(&sum[part], &report->stability[part]);
	return status;
}
