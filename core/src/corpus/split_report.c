/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/split_report.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* --- JSON --- */

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
	for (int s = 0; s < CORE_SPLITS; s++) {
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
		good = !json_object_set_new(splits, core_split_name((core_split)s), split) && good;
	}
	if (good)
		return json_pack("{s:i, s:o}", "n", (int)r->draws, "splits", splits);
	json_decref(splits);
	return NULL;
}

fv_status core_split_add_json(fv_ctx *ctx, const core_split_report *r, core_text *out)
{
	json_t *splits = json_object();
	json_t *root = json_pack("{s:i, s:I, s:o}", "schema_version", 1, "fold",
		(json_int_t)r->fold, "splits", splits);
	bool good = root != NULL;
	for (int s = 0; good && s < CORE_SPLITS; s++)
		good = !json_object_set_new(splits, core_split_name((core_split)s),
			build_split(r->corpus, &r->split[s]));
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

/* --- table --- */

/* Counts characters, not bytes. */
static int count_characters(const char *text)
{
	int n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void add_left(core_text *out, const char *text, int width)
{
	core_text_add(out, "%s", text);
	for (int n = count_characters(text); n < width; n++)
		core_text_put(out, " ", 1);
}

static void add_right(core_text *out, const char *text, int width)
{
	for (int n = count_characters(text); n < width; n++)
		core_text_put(out, " ", 1);
	core_text_add(out, "%s", text);
}

static void add_number(core_text *out, int32_t number, int width)
{
	core_text_add(out, "%*d", width, (int)number);
}

static int get_heading_width(const core_split_report *r)
{
	int width = count_characters("no majority");
	for (int32_t k = 0; k < r->corpus->classes; k++)
		if (count_characters(r->corpus->class_name[k]) > width)
			width = count_characters(r->corpus->class_name[k]);
	return width + 2;
}

static void add_totals(const core_split_report *r, int head, core_text *out)
{
	const core_corpus *c = r->corpus;
	add_left(out, "", head);
	for (int s = 0; s < CORE_SPLITS; s++)
		add_right(out, core_split_name((core_split)s), 8);
	core_text_add(out, "\n");
	add_left(out, "utterances", head);
	for (int s = 0; s < CORE_SPLITS; s++)
		add_number(out, r->split[s].n, 8);
	core_text_add(out, "\n");
	add_left(out, "speakers", head);
	for (int s = 0; s < CORE_SPLITS; s++)
		add_number(out, r->split[s].speakers, 8);
	core_text_add(out, "\n");
	for (int32_t k = 0; k < c->classes; k++) {
		add_left(out, c->class_name[k], head);
		for (int s = 0; s < CORE_SPLITS; s++)
			add_number(out, r->split[s].klass[k], 8);
		core_text_add(out, "\n");
	}
	add_left(out, "no majority", head);
	for (int s = 0; s < CORE_SPLITS; s++)
		add_number(out, r->split[s].no_majority, 8);
	core_text_add(out, "\n");
}

/* Brackets, as in "(Unknown)", mark a value used in training but not in the metrics. */
static const char *format_value(fv_ctx *ctx, const core_attribute *a, int32_t v)
{
	const char *name = a->counted[v] ? a->value[v] : core_format(ctx, "(%s)", a->value[v]);
	return name ? name : "?";
}

struct block {
	fv_ctx *ctx;
	const core_attribute *attribute;
	int head;
	int *width; /* [n_values] */
	core_text *out;
};

/* Adds one line: the title, then for each split the counts [n_values] at `from`. */
static void add_line(
	const struct block *b, const char *title, const int32_t *const from[CORE_SPLITS])
{
	add_left(b->out, title, b->head);
	for (int s = 0; s < CORE_SPLITS; s++) {
		core_text_add(b->out, "%s", s ? " |" : "");
		for (int32_t v = 0; v < b->attribute->n_values; v++)
			add_number(b->out, from[s][v], b->width[v]);
	}
	core_text_add(b->out, "\n");
}

static void add_values(const struct block *b)
{
	int total = 0;
	for (int32_t v = 0; v < b->attribute->n_values; v++)
		total += b->width[v];
	core_text_add(b->out, "\n");
	add_left(b->out, b->attribute->name, b->head);
	for (int s = 0; s < CORE_SPLITS; s++) {
		core_text_add(b->out, "%s", s ? " |" : "");
		add_right(b->out, core_split_name((core_split)s), total);
	}
	core_text_add(b->out, "\n");
	add_left(b->out, "", b->head);
	for (int s = 0; s < CORE_SPLITS; s++) {
		core_text_add(b->out, "%s", s ? " |" : "");
		for (int32_t v = 0; v < b->attribute->n_values; v++)
			add_right(b->out, format_value(b->ctx, b->attribute, v), b->width[v]);
	}
	core_text_add(b->out, "\n");
}

static fv_status add_attribute(
	fv_ctx *ctx, const core_split_report *r, int32_t a, int head, core_text *out)
{
	const core_corpus *c = r->corpus;
	struct block b = {ctx, &c->attribute[a], head, NULL, out};
	int32_t n = b.attribute->n_values;
	b.width = core_alloc(ctx, (size_t)n, sizeof *b.width);
	if (!b.width)
		return FV_FAILED;
	for (int32_t v = 0; v < n; v++) {
		int wide = count_characters(format_value(ctx, b.attribute, v));
		b.width[v] = (wide > 5 ? wide : 5) + 2;
	}
	add_values(&b);
	const int32_t *from[CORE_SPLITS];
	for (int32_t k = 0; k < c->classes; k++) {
		for (int s = 0; s < CORE_SPLITS; s++)
			from[s] = r->split[s].class_value[a] + (size_t)k * (size_t)n;
		add_line(&b, c->class_name[k], from);
	}
	for (int s = 0; s < CORE_SPLITS; s++)
		from[s] = r->split[s].value[a];
	add_line(&b, "all rows", from);
	for (int high = 0; r->draws && high < 2; high++) {
		for (int s = 0; s < CORE_SPLITS; s++)
			from[s] = high ? r->split[s].high[a] : r->split[s].low[a];
		add_line(&b, high ? "most drawn" : "least drawn", from);
	}
	for (int s = 0; s < CORE_SPLITS; s++)
		if (r->split[s].unknown[a])
			core_text_add(out, "unknown in %s: %d\n", core_split_name((core_split)s),
				(int)r->split[s].unknown[a]);
	return FV_OK;
}

fv_status core_split_add_table(fv_ctx *ctx, const core_split_report *r, core_text *out)
{
	const core_corpus *c = r->corpus;
	int head = get_heading_width(r);
	core_text_add(out, "%s, fold %lld\n\n", c->labels, (long long)r->fold);
	add_totals(r, head, out);
	bool bracketed = false;
	for (int32_t a = 0; a < c->n_attributes; a++) {
		fv_status status = add_attribute(ctx, r, a, head, out);
		if (status)
			return status;
		for (int32_t v = 0; v < c->attribute[a].n_values; v++)
			bracketed = bracketed || !c->attribute[a].counted[v];
	}
	core_text_add(out, "\nClasses count rows with a strict majority, `all rows` every row of "
			   "the split.\n");
	if (bracketed)
		core_text_add(out, "(In brackets: trained on, but left out of the metrics.)\n");
	if (r->draws)
		core_text_add(out, "Least and most of %d draws of the bias.\n", (int)r->draws);
	return out->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}
