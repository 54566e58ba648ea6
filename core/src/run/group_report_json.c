/* SPDX-License-Identifier: Apache-2.0 */
#include "run/group_report.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"

/* Builds the JSON; `failed` records a key or text that is not UTF-8, or missing memory. */
struct maker {
	const core_group_report *report;
	bool failed;
};

static void set_key(struct maker *m, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		m->failed = true;
}

static json_t *make_share(const core_share *s)
{
	double accuracy = s->known ? (double)s->correct / (double)s->known : NAN;
	return json_pack("{s:I, s:I, s:o}", "known", (json_int_t)s->known, "correct",
		(json_int_t)s->correct, "accuracy", core_json_number(accuracy));
}

static json_t *make_by_class(struct maker *m, const core_group_truth *t, int part)
{
	const core_corpus *c = m->report->runner->corpus;
	json_t *object = json_object();
	for (int32_t k = 0; k < c->classes; k++)
		set_key(m, object, c->class_name[k], make_share(&t->by_class[part][k]));
	return object;
}

static json_t *make_by_length(struct maker *m, const core_group_truth *t, int part)
{
	json_t *list = json_array();
	for (int b = 0; b < CORE_LENGTH_BINS; b++) {
		json_t *bin = make_share(&t->by_length[part][b]);
		set_key(m, bin, "from_s", json_real(core_length_edge[b]));
		set_key(m, bin, "to_s",
			b + 1 < CORE_LENGTH_BINS ? json_real(core_length_edge[b + 1])
						 : json_null());
		if (json_array_append_new(list, bin))
			m->failed = true;
	}
	return list;
}

static json_t *make_agreement(struct maker *m, const core_group_truth *t, int part)
{
	const core_agreement *a = &t->part[part];
	json_t *object = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "known",
		(json_int_t)a->n, "correct",
		a->correct < 0 ? json_null() : json_integer((json_int_t)a->correct), "accuracy",
		core_json_number(a->accuracy), "purity", core_json_number(a->purity), "nmi",
		core_json_number(a->nmi), "ari", core_json_number(a->ari), "no_group",
		(json_int_t)a->unknown_inferred, "no_value", (json_int_t)a->unknown_true);
	if (t->named) {
		set_key(m, object, "by_class", make_by_class(m, t, part));
		if (m->report->has_lengths)
			set_key(m, object, "by_length", make_by_length(m, t, part));
	}
	return object;
}

static json_t *make_sizes(struct maker *m, int part)
{
	const core_groups *groups = &m->report->runner->groups;
	json_t *object = json_object();
	for (int32_t g = 0; g < groups->groups; g++)
		set_key(m, object, groups->name[g],
			json_integer((json_int_t)m->report->size[part][g]));
	return object;
}

static json_t *make_part(struct maker *m, int part)
{
	const core_group_report *r = m->report;
	json_t *attributes = json_object(), *object = json_object();
	set_key(m, object, "n", json_integer((json_int_t)r->n[part]));
	set_key(m, object, "unknown", json_integer((json_int_t)r->unknown[part]));
	set_key(m, object, "sizes", make_sizes(m, part));
	if (!isnan(r->largest[CORE_PART_ALL]))
		set_key(m, object, "largest_membership", core_json_number(r->largest[part]));
	if (r->has_lengths)
		set_key(m, object, "no_length", json_integer((json_int_t)r->no_length[part]));
	for (int32_t a = 0; a < r->n_attributes; a++)
		set_key(m, attributes, r->truth[a].name, make_agreement(m, &r->truth[a], part));
	set_key(m, object, "attributes", attributes);
	set_key(m, object, "class", make_agreement(m, &r->truth[r->n_attributes], part));
	set_key(m, object, "speaker", make_agreement(m, &r->truth[r->n_attributes + 1], part));
	return object;
}

static json_t *make_stability(struct maker *m)
{
	const core_group_report *r = m->report;
	json_t *splits = json_object();
	for (int part = 0; part < CORE_PARTS; part++) {
		const core_stability *s = &r->stability[part];
		set_key(m, splits, core_get_part_name(part),
			json_pack("{s:o, s:o, s:o, s:o}", "ari", core_json_number(s->ari),
				"ari_least", core_json_number(s->ari_least), "nmi",
				core_json_number(s->nmi), "nmi_least",
				core_json_number(s->nmi_least)));
	}
	return json_pack("{s:i, s:i, s:o}", "seeds", (int)r->seeds, "pairs",
		(int)(r->seeds * (r->seeds - 1) / 2), "splits", splits);
}

static json_t *list_groupers(struct maker *m)
{
	const core_variant *variant = m->report->runner->variant;
	json_t *list = json_array();
	for (int32_t i = 0; i < variant->n_groupers; i++)
		if (json_array_append_new(
			    list, json_string(variant->groupers[i].use.plugin->descriptor->name)))
			m->failed = true;
	return list;
}

fv_status core_group_report_write_json(fv_ctx *ctx, const core_group_report *report, core_text *out)
{
	struct maker m = {.report = report};
	const core_run_data *r = report->runner;
	json_t *root = json_object(), *splits = json_object();
	set_key(&m, root, "schema_version", json_integer(1));
	set_key(&m, root, "fold", json_integer((json_int_t)r->study->fold[r->run->fold].fold));
	set_key(&m, root, "groupers", list_groupers(&m));
	set_key(&m, root, "soft", json_boolean(r->groups.member[CORE_TRAIN] != NULL));
	set_key(&m, root, "transductive", json_boolean(r->transductive));
	for (int part = 0; part < CORE_PARTS; part++)
		set_key(&m, splits, core_get_part_name(part), make_part(&m, part));
	set_key(&m, root, "splits", splits);
	if (report->seeds)
		set_key(&m, root, "stability", make_stability(&m));
	char *text = m.failed ? NULL : json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	json_decref(root);
	if (!text)
		return fv_fail(ctx, FV_DATA, "%s: a name is not UTF-8: JSON needs UTF-8",
			r->corpus->labels);
	core_text_add(out, "%s\n", text);
	free(text);
	return out->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}
