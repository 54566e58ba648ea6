/* SPDX-License-Identifier: Apache-2.0 */
#include "run/group_report.h"

#include <math.h>
#include <stdlib.h>

#include <jansson.h>

/* A key or text that is no UTF-8, or no memory, must not be missing in silence. */
struct maker {
	const core_group_report *report;
	bool failed;
};

static void put(struct maker *m, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		m->failed = true;
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *share(const core_share *s)
{
	double accuracy = s->known ? (double)s->correct / (double)s->known : NAN;
	return json_pack("{s:I, s:I, s:o}", "known", (json_int_t)s->known, "correct",
		(json_int_t)s->correct, "accuracy", number(accuracy));
}

static json_t *by_class(struct maker *m, const core_group_truth *t, int part)
{
	const core_corpus *c = m->report->runner->corpus;
	json_t *object = json_object();
	for (int32_t k = 0; k < c->classes; k++)
		put(m, object, c->class_name[k], share(&t->by_class[part][k]));
	return object;
}

static json_t *by_length(struct maker *m, const core_group_truth *t, int part)
{
	json_t *list = json_array();
	for (int b = 0; b < CORE_LENGTH_BINS; b++) {
		json_t *bin = share(&t->by_length[part][b]);
		put(m, bin, "from_s", json_real(core_length_edge[b]));
		put(m, bin, "to_s",
			b + 1 < CORE_LENGTH_BINS ? json_real(core_length_edge[b + 1])
						 : json_null());
		if (json_array_append_new(list, bin))
			m->failed = true;
	}
	return list;
}

static json_t *agreement(struct maker *m, const core_group_truth *t, int part)
{
	const core_agreement *a = &t->part[part];
	json_t *object = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "known",
		(json_int_t)a->n, "correct",
		a->correct < 0 ? json_null() : json_integer((json_int_t)a->correct), "accuracy",
		number(a->accuracy), "purity", number(a->purity), "nmi", number(a->nmi), "ari",
		number(a->ari), "no_group", (json_int_t)a->unknown_inferred, "no_value",
		(json_int_t)a->unknown_true);
	if (t->named) {
		put(m, object, "by_class", by_class(m, t, part));
		if (m->report->has_lengths)
			put(m, object, "by_length", by_length(m, t, part));
	}
	return object;
}

static json_t *sizes(struct maker *m, int part)
{
	const core_groups *groups = &m->report->runner->groups;
	json_t *object = json_object();
	for (int32_t g = 0; g < groups->groups; g++)
		put(m, object, groups->name[g], json_integer((json_int_t)m->report->size[part][g]));
	return object;
}

static json_t *part_json(struct maker *m, int part)
{
	const core_group_report *r = m->report;
	json_t *attributes = json_object(), *object = json_object();
	put(m, object, "n", json_integer((json_int_t)r->n[part]));
	put(m, object, "unknown", json_integer((json_int_t)r->unknown[part]));
	put(m, object, "sizes", sizes(m, part));
	if (!isnan(r->largest[CORE_PART_ALL]))
		put(m, object, "largest_membership", number(r->largest[part]));
	if (r->has_lengths)
		put(m, object, "no_length", json_integer((json_int_t)r->no_length[part]));
	for (int32_t a = 0; a < r->n_attributes; a++)
		put(m, attributes, r->truth[a].name, agreement(m, &r->truth[a], part));
	put(m, object, "attributes", attributes);
	put(m, object, "class", agreement(m, &r->truth[r->n_attributes], part));
	put(m, object, "speaker", agreement(m, &r->truth[r->n_attributes + 1], part));
	return object;
}

static json_t *stability(struct maker *m)
{
	const core_group_report *r = m->report;
	json_t *splits = json_object();
	for (int part = 0; part < CORE_PARTS; part++) {
		const core_stability *s = &r->stability[part];
		put(m, splits, core_part_name(part),
			json_pack("{s:o, s:o, s:o, s:o}", "ari", number(s->ari), "ari_least",
				number(s->ari_least), "nmi", number(s->nmi), "nmi_least",
				number(s->nmi_least)));
	}
	return json_pack("{s:i, s:i, s:o}", "seeds", (int)r->seeds, "pairs",
		(int)(r->seeds * (r->seeds - 1) / 2), "splits", splits);
}

static json_t *groupers(struct maker *m)
{
	const core_variant *variant = m->report->runner->variant;
	json_t *list = json_array();
	for (int32_t i = 0; i < variant->n_groupers; i++)
		if (json_array_append_new(
			    list, json_string(variant->groupers[i].use.plugin->descriptor->name)))
			m->failed = true;
	return list;
}

fv_status core_group_report_json(fv_ctx *ctx, const core_group_report *report, core_text *out)
{
	struct maker m = {.report = report};
	const core_runner *r = report->runner;
	json_t *root = json_object(), *splits = json_object();
	put(&m, root, "schema_version", json_integer(1));
	put(&m, root, "fold", json_integer((json_int_t)r->study->fold[r->run->fold].fold));
	put(&m, root, "groupers", groupers(&m));
	put(&m, root, "soft", json_boolean(r->groups.member[CORE_TRAIN] != NULL));
	put(&m, root, "transductive", json_boolean(r->transductive));
	for (int part = 0; part < CORE_PARTS; part++)
		put(&m, splits, core_part_name(part), part_json(&m, part));
	put(&m, root, "splits", splits);
	if (report->seeds)
		put(&m, root, "stability", stability(&m));
	char *text = m.failed ? NULL : json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	json_decref(root);
	if (!text)
		return fv_fail(
			ctx, FV_DATA, "%s: a name is not UTF-8, JSON needs it", r->corpus->labels);
	core_text_add(out, "%s\n", text);
	free(text);
	return out->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}
