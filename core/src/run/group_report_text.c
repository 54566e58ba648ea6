/* SPDX-License-Identifier: Apache-2.0 */
#include "run/group_report.h"

#include <math.h>
#include <stdio.h>

#define NAME_WIDTH 12
#define SHARE_WIDTH 19

/* Pads to `width` characters, not bytes; one space at least. */
static void put_name(core_text *out, const char *name, int width)
{
	int n = 0;
	for (const char *c = name; *c; c++)
		n += ((unsigned char)*c & 0xc0) != 0x80;
	core_text_add(out, "%s%*s", name, n < width ? width - n : 1, "");
}

static void put_number(core_text *out, double value)
{
	if (isnan(value))
		core_text_add(out, "%10s", "-");
	else
		core_text_add(out, "%10.3f", value);
}

static void put_agreement(core_text *out, const core_group_truth *t, int part)
{
	const core_agreement *a = &t->part[part];
	put_name(out, t->name, NAME_WIDTH + 1);
	core_text_add(out, "%-6s%9lld", core_part_name(part), (long long)a->n);
	put_number(out, a->accuracy);
	if (a->correct < 0)
		core_text_add(out, "%9s", "-");
	else
		core_text_add(out, "%9lld", (long long)a->correct);
	put_number(out, a->purity);
	put_number(out, a->nmi);
	put_number(out, a->ari);
	core_text_add(
		out, "%10lld%10lld\n", (long long)a->unknown_inferred, (long long)a->unknown_true);
}

static void put_agreements(core_text *out, const core_group_report *r)
{
	core_text_add(out, "%-13s%-6s%9s%10s%9s%10s%10s%10s%10s%10s\n", "attribute", "split",
		"known", "accuracy", "correct", "purity", "NMI", "ARI", "no group", "no value");
	for (int32_t t = 0; t < r->n_attributes + 2; t++)
		for (int part = 0; part < CORE_PARTS; part++)
			put_agreement(out, &r->truth[t], part);
	core_text_add(out, "\nknown: rows with a group and a value; accuracy = correct / known; no "
			   "value: rows "
			   "with a group only.\n");
}

/* "0.944 (1511/1600)" */
static void put_share(core_text *out, const core_share *s)
{
	char text[64] = "-";
	if (s->known)
		snprintf(text, sizeof text, "%.3f (%lld/%lld)",
			(double)s->correct / (double)s->known, (long long)s->correct,
			(long long)s->known);
	core_text_add(out, "%*s", SHARE_WIDTH, text);
}

static void put_parts(core_text *out, const char *head, int width, int column)
{
	put_name(out, head, width);
	for (int part = 0; part < CORE_PARTS; part++)
		core_text_add(out, "%*s", column, core_part_name(part));
	core_text_add(out, "\n");
}

static void put_lengths(core_text *out, const core_group_report *r, const core_group_truth *t)
{
	core_text_add(out, "\n");
	put_parts(out, "length", 2 * NAME_WIDTH, SHARE_WIDTH);
	for (int b = 0; b < CORE_LENGTH_BINS; b++) {
		char name[64];
		if (b + 1 < CORE_LENGTH_BINS)
			snprintf(name, sizeof name, "%g to under %g s", core_length_edge[b],
				core_length_edge[b + 1]);
		else
			snprintf(name, sizeof name, "%g s and over", core_length_edge[b]);
		put_name(out, name, 2 * NAME_WIDTH);
		for (int part = 0; part < CORE_PARTS; part++)
			put_share(out, &t->by_length[part][b]);
		core_text_add(out, "\n");
	}
	if (r->no_length[CORE_PART_ALL])
		core_text_add(out, "rows without a recording of known length: %lld\n",
			(long long)r->no_length[CORE_PART_ALL]);
}

static void put_shares(core_text *out, const core_group_report *r, const core_group_truth *t)
{
	const core_corpus *c = r->runner->corpus;
	core_text_add(out, "\naccuracy for %s (correct/known)\n", t->name);
	put_parts(out, "class", 2 * NAME_WIDTH, SHARE_WIDTH);
	for (int32_t k = 0; k < c->classes; k++) {
		put_name(out, c->class_name[k], 2 * NAME_WIDTH);
		for (int part = 0; part < CORE_PARTS; part++)
			put_share(out, &t->by_class[part][k]);
		core_text_add(out, "\n");
	}
	if (r->has_lengths)
		put_lengths(out, r, t);
}

static void put_counts(
	core_text *out, const char *name, const int64_t *const count[CORE_PARTS], int32_t at)
{
	put_name(out, name, 2 * NAME_WIDTH);
	for (int part = 0; part < CORE_PARTS; part++)
		core_text_add(out, "%8lld", (long long)count[part][at]);
	core_text_add(out, "\n");
}

static void put_sizes(core_text *out, const core_group_report *r)
{
	const core_groups *groups = &r->runner->groups;
	const int64_t *size[CORE_PARTS], *unknown[CORE_PARTS];
	for (int part = 0; part < CORE_PARTS; part++) {
		size[part] = r->size[part];
		unknown[part] = &r->unknown[part];
	}
	core_text_add(out, "\n");
	put_parts(out, "group", 2 * NAME_WIDTH, 8);
	put_counts(out, "(unknown)", unknown, 0);
	for (int32_t g = 0; g < groups->groups; g++)
		put_counts(out, groups->name[g], size, g);
	if (isnan(r->largest[CORE_PART_ALL]))
		return;
	put_name(out, "largest membership", 2 * NAME_WIDTH);
	for (int part = 0; part < CORE_PARTS; part++)
		core_text_add(out, "%8.3f", r->largest[part]);
	core_text_add(out, "  (mean over rows)\n");
}

static void put_stability(core_text *out, const core_group_report *r)
{
	if (!r->seeds)
		return;
	core_text_add(out, "\n%d seeds of the grouper, every two compared: %d pairs\n",
		(int)r->seeds, (int)(r->seeds * (r->seeds - 1) / 2));
	core_text_add(
		out, "%-13s%10s%10s%10s%10s\n", "split", "ARI mean", "least", "NMI mean", "least");
	for (int part = 0; part < CORE_PARTS; part++) {
		const core_stability *s = &r->stability[part];
		put_name(out, core_part_name(part), NAME_WIDTH + 1);
		put_number(out, s->ari);
		put_number(out, s->ari_least);
		put_number(out, s->nmi);
		put_number(out, s->nmi_least);
		core_text_add(out, "\n");
	}
}

fv_status core_group_report_text(fv_ctx *ctx, const core_group_report *report, core_text *out)
{
	put_agreements(out, report);
	for (int32_t t = 0; t < report->n_attributes + 2; t++)
		if (report->truth[t].named)
			put_shares(out, report, &report->truth[t]);
	put_sizes(out, report);
	put_stability(out, report);
	if (report->runner->transductive)
		core_text_add(out, "\ntransductive: a recording's group depends on its speaker's "
				   "others, in the "
				   "test split too\n");
	return out->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}
