/* SPDX-License-Identifier: Apache-2.0 */
/* Simulates the bias. Train and dev keep only utterances with a strict majority class. For each
 * class, one value of an attribute is the majority and keeps all its n utterances; of the others
 * min(floor(n / ratio), available) are drawn, whatever their value. Utterances with unknown
 * value are dropped. A class whose majority is `none` keeps everything.
 *
 * A draw sorts the candidates by a number keyed by (seed, fold, stem) and takes the first ones,
 * so it depends neither on the order of rows nor on other classes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/positive.h"
#include "base/stream.h"
#include "corpus/corpus_private.h"

struct candidate {
	uint64_t draw;
	int32_t row;
};

static int by_draw(const void *a, const void *b)
{
	const struct candidate *s = a, *t = b;
	if (s->draw != t->draw)
		return s->draw < t->draw ? -1 : 1;
	return (s->row > t->row) - (s->row < t->row); /* rows are sorted by stem */
}

struct bias {
	const core_corpus *corpus;
	const core_attribute *attribute;
	int32_t *majority; /* [C] value of the attribute; -1: the class keeps everything */
	double ratio;
	uint64_t seed;
	int64_t fold;
};

static fv_status refuse_value(fv_ctx *ctx, const core_bias_spec *spec,
	const core_attribute *attribute, const core_column *majority)
{
	const char *key = core_format(ctx, "majority.%s", majority->attribute);
	return core_fail_key(ctx, FV_CONFIG,
		(core_key_ref){spec->block, key ? key : "majority", NULL},
		"bias.majority.%s: no utterance has %s '%s'%s", majority->attribute,
		attribute->name, majority->column,
		core_suggest_name(
			ctx, majority->column, attribute->value, (size_t)attribute->n_values));
}

static fv_status set_majority(fv_ctx *ctx, const core_bias_spec *spec, struct bias *b)
{
	enum { NOT_SET = -2 };
	const core_corpus *c = b->corpus;
	fv_status status = FV_OK;
	for (int32_t k = 0; k < c->classes; k++)
		b->majority[k] = NOT_SET;
	for (int32_t m = 0; m < spec->n_majority; m++) {
		const char *class = spec->majority[m].attribute, *value = spec->majority[m].column;
		int32_t k = core_corpus_find_class(c, class),
			v = core_attribute_value(b->attribute, value);
		if (k < 0)
			status = core_fail_key(ctx, FV_CONFIG,
				(core_key_ref){spec->block, "majority", class},
				"bias.majority: there is no class '%s'%s", class,
				core_suggest_name(ctx, class, c->class_name, (size_t)c->classes));
		else if (v < 0 && strcmp(value, "none"))
			status = refuse_value(ctx, spec, b->attribute, &spec->majority[m]);
		else
			b->majority[k] = v;
	}
	for (int32_t k = 0; !status && k < c->classes; k++)
		if (b->majority[k] == NOT_SET)
			status = core_fail_key(ctx, FV_CONFIG,
				(core_key_ref){spec->block, "majority", NULL},
				"bias.majority: class '%s' is missing: `none` keeps all of it",
				c->class_name[k]);
	return status;
}

static fv_status resolve_spec(
	fv_ctx *ctx, const core_corpus *c, const core_bias_spec *spec, struct bias *b)
{
	b->attribute = core_corpus_attribute(c, spec->attribute);
	if (!b->attribute)
		return core_fail_key(ctx, FV_CONFIG, (core_key_ref){spec->block, "attribute", NULL},
			"bias.attribute: there is no attribute '%s'%s", spec->attribute,
			core_corpus_suggest_attribute(ctx, c, spec->attribute));
	b->majority = core_alloc(ctx, (size_t)c->classes, sizeof *b->majority);
	return b->majority ? set_majority(ctx, spec, b) : FV_FAILED;
}

/* Marks the rows of one split and class that stay. */
static void draw_class(
	const struct bias *b, int split, int32_t class, struct candidate *candidate, bool *stays)
{
	const core_corpus *c = b->corpus;
	int32_t majority = b->majority[class], n_majority = 0, n = 0;
	for (int32_t i = 0; i < c->n; i++) {
		if (c->split[i] != (int32_t)split || c->strict[i] != class)
			continue;
		int32_t value = b->attribute->id[i];
		stays[i] = majority < 0 || value == majority;
		n_majority += majority >= 0 && value == majority;
		if (stays[i] || value < 0)
			continue;
		fv_stream stream =
			core_stream(b->seed, b->fold, "bias", 0, fv_name_hash(c->stem[i]));
		candidate[n++] = (struct candidate){fv_next(&stream), i};
	}
	double wanted = floor(n_majority / b->ratio);
	int32_t drawn = wanted < n ? (int32_t)wanted : n;
	qsort(candidate, (size_t)n, sizeof *candidate, by_draw);
	for (int32_t i = 0; i < drawn; i++)
		stays[candidate[i].row] = true;
}

static fv_status collect_rows(
	fv_ctx *ctx, const core_corpus *c, const bool *stays, bool biased, core_rows *out)
{
	*out = (core_rows){.n_sets = c->n_sets};
	for (int split = 0; split < core_rows_splits(out); split++) {
		int32_t n = 0;
		for (int32_t i = 0; i < c->n; i++)
			n += stays[i] && c->split[i] == split;
		out->row[split] = core_alloc(ctx, (size_t)n, sizeof *out->row[split]);
		if (!out->row[split])
			return FV_FAILED;
		for (int32_t i = 0; i < c->n; i++)
			if (stays[i] && c->split[i] == split)
				out->row[split][out->n[split]++] = i;
		if (!n)
			(void)fv_fail(ctx, FV_DATA, "%s: no utterance is left in split %s%s",
				c->labels, core_corpus_split_name(c, split),
				biased ? " after the bias" : "");
	}
	for (int split = 0; split < core_rows_splits(out); split++)
		if (!out->n[split])
			return FV_DATA;
	return FV_OK;
}

static void warn_empty_classes(fv_ctx *ctx, const core_corpus *c, const core_rows *rows)
{
	float even = core_chance_share(c->classes);
	for (int32_t k = 0; k < c->classes; k++) {
		bool found = false;
		for (int32_t i = 0; i < rows->n[CORE_TRAIN] && !found; i++)
			found = c->label[(int64_t)rows->row[CORE_TRAIN][i] * c->classes + k] > even;
		if (!found)
			fv_warn(ctx,
				"%s: no training utterance has a label above 1/%d for class '%s': "
				"where classes are weighted, its weight is 0",
				c->labels, (int)c->classes, c->class_name[k]);
	}
}

fv_status core_bias_rows(fv_ctx *ctx, const core_corpus *corpus, const core_bias_spec *spec,
	uint64_t seed, int64_t fold, core_rows *out)
{
	size_t n = (size_t)corpus->n;
	struct bias b = {.corpus = corpus,
		.ratio = spec->minority_ratio,
		.seed = spec->has_seed ? (uint64_t)spec->seed : seed,
		.fold = fold};
	fv_status status = spec->on ? resolve_spec(ctx, corpus, spec, &b) : FV_OK;
	if (status)
		return status;
	bool *stays = malloc(n + 1);
	struct candidate *candidate = malloc((n + 1) * sizeof *candidate);
	if (!stays || !candidate) {
		free(stays);
		free(candidate);
		return fv_fail(ctx, FV_FAILED, "out of memory");
	}
	for (size_t i = 0; i < n; i++)
		stays[i] = !spec->on || corpus->split[i] >= CORE_TEST;
	for (int split = CORE_TRAIN; spec->on && split <= CORE_DEV; split++)
		for (int32_t k = 0; k < corpus->classes; k++)
			draw_class(&b, split, k, candidate, stays);
	status = collect_rows(ctx, corpus, stays, spec->on, out);
	if (!status)
		warn_empty_classes(ctx, corpus, out);
	free(stays);
	free(candidate);
	return status;
}
