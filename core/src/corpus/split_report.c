/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/split_report.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* Builds {name: n, ...}; NULL when a name is not UTF-8 or memory is out, which makes the whole
 * report fail. */
static json_t *build_counts(const char *const *name, const int32_t *count, int32_t n)
{
	json_t *object = json_object();
	for (int32_t i = 0; i < n; i++) {
		if (json_object_set_new(object, name[i], json_integer(count[i]))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *build_class_counts(const core_corpus *c, int32_t a, const core_split_counts *s)
{
	json_t *object = json_object();
	int32_t values = c->attribute[a].n_values;
	bool good = true;
	for (int32_t k = 0; k < c->classes; k++)
		good = good &&
		       !json_object_set_new(object, c->class_name[k],
			       build_counts(c->attribute[a].value,
				       s->class_value[a] + (size_t)k * (size_t)values, values));
	if (good)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *build_split(const core_corpus *c, const core_split_counts *s)
{
	json_t *attributes = json_object(), *crossed = json_object(), *unknown = json_object();
	json_t *split = json_pack("{s:i, s:o, s:i, s:o, s:o}", "n", (int)s->n, "class",
		build_counts(c->class_name, s->klass, c->classes), "no_majority",
		(int)s->no_majority, "attributes", attributes, "class_attribute", crossed);
	bool good = split != NULL;
	for (int32_t a = 0; good && a < c->n_attributes; a++) {
		const core_attribute *attribute = &c->attribute[a];
		good = !json_object_set_new(attributes, attribute->name,
			       build_counts(attribute->value, s->value[a], attribute->n_values)) &&
		       !json_object_set_new(crossed, attribute->name, build_class_counts(c, a, s));
		if (good && s->unknown[a])
			good = !json_object_set_new(
				unknown, attribute->name, json_integer(s->unknown[a]));
	}
	if (good && json_object_size(unknown))
		good = !json_object_set(split, "unknown", unknown);
	json_decref(unknown);
	if (good)
		return split;
	json_decref(split);
	return NULL;
}

/* Builds {"n": draws, "splits": {"train": {"race": {"Asian": [low, high]}}}}. */
static json_t *build_draws(const core_split_report *r)
{
	const core_corpus *c = r->corpus;
	json_t *splits = json_object();
	bool good = true;
	for (int s = 0; s < r->n_splits; s++) {
		json_t *split = json_object();
		for (int32_t a = 0; a < c->n_attributes; a++) {
			json_t *values = json_object();
			for (int32_t v = 0; v < c->attribute[a].n_values; v++)
				good = good &&
				       !json_object_set_new(values, c->attribute[a].value[v],
					       json_pack("[i, i]", (int)r->split[s].low[a][v],
						       (int)r->split[s].high[a][v]));
			good = !json_object_set_new(split, c->attribute[a].name, values) && good;
		}
		good = !json_object_set_new(splits, core_corpus_split_name(r->corpus, s), split) &&
		       good;
	}
	if (good)
		return json_pack("{s:i, s:o}", "n", (int)r->draws, "splits", splits);
	json_decref(splits);
	return NULL;
}

/* Builds {"without a class": 3, ...}. */
static json_t *build_left_out(const core_corpus *c)
{
	json_t *object = json_object();
	for (int32_t i = 0; i < c->n_left_out; i++)
		(void)json_object_set_new(
			object, c->left_out[i].why, json_integer(c->left_out[i].n));
	return object;
}

fv_status core_split_add_json(fv_ctx *ctx, const core_split_report *r, core_text *out)
{
	json_t *splits = json_object();
	json_t *root = json_pack("{s:i, s:I, s:o}", "schema_version", 2, "fold",
		(json_int_t)r->fold, "splits", splits);
	bool good = root != NULL;
	for (int s = 0; good && s < r->n_splits; s++)
		good = !json_object_set_new(splits, core_corpus_split_name(r->corpus, s),
			build_split(r->corpus, &r->split[s]));
	if (good && r->corpus->n_left_out)
		good = !json_object_set_new(root, "left_out", build_left_out(r->corpus));
	if (good && r->draws)
		good = !json_object_set_new(root, "draws", build_draws(r));
	char *text = good ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (!text)
		return fv_fail(ctx, FV_DATA,
			"%s: a class or value is not UTF-8, which JSON requires",
			r->corpus->labels);
	core_text_add(out, "%s\n", text);
	free(text);
	return out->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}
