/* SPDX-License-Identifier: Apache-2.0 */
/* Joins the predictions of a system with those of another system or of its other folds. */
#include <stdlib.h>
#include <string.h>

#include "base/missing.h"
#include "base/positive.h"
#include "eval/predictions_match.h"

#define LABEL "label_"

static fv_status map_classes(
	fv_ctx *ctx, const core_predictions *base, const core_predictions *other, int32_t *map)
{
	fv_status status = FV_OK;
	for (int32_t c = 0; c < base->C; c++) {
		map[c] = -1;
		for (int32_t k = 0; k < other->C; k++)
			if (!strcmp(base->classes[c], other->classes[k]))
				map[c] = k;
		if (map[c] < 0)
			status = fv_fail(ctx, FV_DATA, "%s: no class '%s', which %s has",
				core_predictions_name(other), base->classes[c],
				core_predictions_name(base));
	}
	if (!status && base->C != other->C)
		status = fv_fail(ctx, FV_DATA, "%s has %d classes, %s has %d",
			core_predictions_name(other), (int)other->C, core_predictions_name(base),
			(int)base->C);
	return status;
}

static fv_status report_difference(fv_ctx *ctx, const core_predictions *p, int64_t row,
	const char *column, const core_predictions *base)
{
	return core_predictions_fail(ctx, p, row,
		core_format(ctx, "%s of '%s' differs from %s", column, p->file[row],
			core_predictions_name(base)));
}

static fv_status copy_matched_rows(fv_ctx *ctx, const core_predictions *base,
	const core_predictions *other, const int32_t *map, const int64_t *match,
	core_predictions *out)
{
	fv_status status = FV_OK;
	int32_t C = base->C;
	for (int64_t i = 0; i < base->n; i++) {
		for (int32_t c = 0; c < C; c++) {
			int64_t from = match[i] * C + map[c], to = i * C + c;
			out->prob[to] = other->prob[from];
			out->label[to] = other->label[from];
			if (out->label[to] != base->label[to])
				status = report_difference(ctx, other, match[i],
					core_format(ctx, LABEL "%s", base->classes[c]), base);
		}
		out->file[i] = other->file[match[i]];
		out->stem[i] = base->stem[i];
	}
	return status;
}

/* True if two cells are spellings of one value, or both are missing. */
static bool is_same(const char *a, const char *b)
{
	return core_same_value(a, b) || (core_is_missing(a) && core_is_missing(b));
}

/* Copies a column in the order of match; values that `base` has too must be equal. */
static fv_status copy_matched_column(fv_ctx *ctx, const core_predictions *base,
	const core_predictions *other, const core_text_column *from, const int64_t *match,
	core_text_column *out)
{
	if (!from->value)
		return FV_OK;
	*out = (core_text_column){from->name, core_alloc(ctx, (size_t)base->n, sizeof *out->value)};
	if (!out->value)
		return FV_FAILED;
	const core_text_column *same = core_predictions_column(base, from->name);
	bool inferred = from == &other->group; /* two systems may infer different groups */
	fv_status status = FV_OK;
	for (int64_t i = 0; i < base->n; i++) {
		out->value[i] = from->value[match[i]];
		if (same && !inferred && !is_same(same->value[i], out->value[i]))
			status = report_difference(ctx, other, match[i], from->name, base);
	}
	return status;
}

fv_status core_predictions_align(fv_ctx *ctx, const core_predictions *base,
	const core_predictions *other, core_predictions *out)
{
	size_t n = (size_t)base->n, cells = n * (size_t)base->C;
	*out = (core_predictions){
		.path = other->path, .n = base->n, .C = base->C, .classes = base->classes};
	int32_t *map = core_alloc(ctx, (size_t)base->C, sizeof *map);
	int64_t *match = core_alloc(ctx, n, sizeof *match);
	out->file = core_alloc(ctx, n, sizeof *out->file);
	out->stem = core_alloc(ctx, n, sizeof *out->stem);
	out->prob = core_alloc(ctx, cells, sizeof *out->prob);
	out->label = core_alloc(ctx, cells, sizeof *out->label);
	out->attribute = core_alloc(ctx, (size_t)other->n_attributes + 1, sizeof *out->attribute);
	if (!map || !match || !out->file || !out->stem || !out->prob || !out->label ||
		!out->attribute)
		return FV_FAILED;
	fv_status status = map_classes(ctx, base, other, map);
	fv_status rows = core_predictions_match(ctx, base, other, match);
	if (status || rows)
		return status ? status : rows;
	status = copy_matched_rows(ctx, base, other, map, match, out);
	for (int32_t a = 0; a < other->n_attributes; a++) {
		fv_status taken = copy_matched_column(ctx, base, other, &other->attribute[a], match,
			&out->attribute[out->n_attributes++]);
		status = status ? status : taken;
	}
	fv_status speaker =
		copy_matched_column(ctx, base, other, &other->speaker, match, &out->speaker);
	fv_status group = copy_matched_column(ctx, base, other, &other->group, match, &out->group);
	return status ? status : speaker ? speaker : group;
}

static fv_status check_same_columns(
	fv_ctx *ctx, const core_predictions *a, const core_predictions *b)
{
	bool same = a->C == b->C && a->n_attributes == b->n_attributes &&
		    !a->speaker.value == !b->speaker.value && !a->group.value == !b->group.value;
	for (int32_t c = 0; same && c < a->C; c++)
		same = !strcmp(a->classes[c], b->classes[c]);
	for (int32_t k = 0; same && k < a->n_attributes; k++)
		same = !strcmp(a->attribute[k].name, b->attribute[k].name);
	if (same)
		return FV_OK;
	return fv_fail(ctx, FV_DATA, "%s and %s have different columns", core_predictions_name(a),
		core_predictions_name(b));
}

fv_status core_predictions_set_cut(fv_ctx *ctx, core_predictions *p, const float *by_class)
{
	p->cut = core_alloc(ctx, (size_t)(p->n * p->C) + 1, sizeof *p->cut);
	if (!p->cut)
		return FV_FAILED;
	for (int64_t i = 0; i < p->n; i++)
		memcpy(p->cut + i * p->C, by_class, (size_t)p->C * sizeof *p->cut);
	return FV_OK;
}

/* Joins the thresholds of the parts if any part has its own. */
static fv_status join_cuts(
	fv_ctx *ctx, int32_t n_parts, const core_predictions *parts, core_predictions *out)
{
	float same = core_chance_share(out->C);
	bool any = false;
	for (int32_t k = 0; k < n_parts; k++)
		any = any || parts[k].cut;
	out->cut = any ? core_alloc(ctx, (size_t)(out->n * out->C) + 1, sizeof *out->cut) : NULL;
	if (any && !out->cut)
		return FV_FAILED;
	float *to = out->cut;
	for (int32_t k = 0; k < n_parts && any; k++)
		for (int64_t i = 0; i < parts[k].n * out->C; i++)
			*to++ = parts[k].cut ? parts[k].cut[i] : same;
	return FV_OK;
}

static fv_status alloc_concat(fv_ctx *ctx, const core_predictions *like, core_predictions *out)
{
	size_t n = (size_t)out->n, cells = n * (size_t)like->C;
	out->file = core_alloc(ctx, n + 1, sizeof *out->file);
	out->stem = core_alloc(ctx, n + 1, sizeof *out->stem);
	out->prob = core_alloc(ctx, cells + 1, sizeof *out->prob);
	out->label = core_alloc(ctx, cells + 1, sizeof *out->label);
	out->attribute = core_alloc(ctx, (size_t)like->n_attributes + 1, sizeof *out->attribute);
	if (!out->file || !out->stem || !out->prob || !out->label || !out->attribute)
		return FV_FAILED;
	for (int32_t a = 0; a < like->n_attributes; a++) {
		out->attribute[a].name = like->attribute[a].name;
		out->attribute[a].value = core_alloc(ctx, n + 1, sizeof(char *));
		if (!out->attribute[a].value)
			return FV_FAILED;
	}
	out->speaker.name = like->speaker.name;
	out->group.name = like->group.name;
	out->speaker.value = like->speaker.value ? core_alloc(ctx, n + 1, sizeof(char *)) : NULL;
	out->group.value = like->group.value ? core_alloc(ctx, n + 1, sizeof(char *)) : NULL;
	if ((like->speaker.value && !out->speaker.value) ||
		(like->group.value && !out->group.value))
		return FV_FAILED;
	return FV_OK;
}

static void copy_column(core_text_column *to, const core_text_column *from, int64_t at, int64_t n)
{
	if (to->value)
		memcpy(to->value + at, from->value, (size_t)n * sizeof *to->value);
}

fv_status core_predictions_concat(fv_ctx *ctx, int32_t n_parts, const core_predictions *parts,
	const int64_t *block_name, core_predictions *out, int64_t **block)
{
	*out = (core_predictions){.C = parts[0].C,
		.classes = parts[0].classes,
		.majority_only = parts[0].majority_only,
		.n_attributes = parts[0].n_attributes};
	for (int32_t k = 0; k < n_parts; k++) {
		out->n += parts[k].n;
		fv_status same = check_same_columns(ctx, &parts[0], &parts[k]);
		if (same)
			return same;
	}
	*block = core_alloc(ctx, (size_t)out->n + 1, sizeof **block);
	if (!*block || alloc_concat(ctx, &parts[0], out) || join_cuts(ctx, n_parts, parts, out))
		return FV_FAILED;
	int64_t at = 0;
	for (int32_t k = 0; k < n_parts; k++) {
		const core_predictions *p = &parts[k];
		size_t n = (size_t)p->n, cells = n * (size_t)p->C;
		memcpy(out->file + at, p->file, n * sizeof *p->file);
		memcpy(out->prob + at * p->C, p->prob, cells * sizeof *p->prob);
		memcpy(out->label + at * p->C, p->label, cells * sizeof *p->label);
		for (int32_t a = 0; a < p->n_attributes; a++)
			copy_column(&out->attribute[a], &p->attribute[a], at, p->n);
		copy_column(&out->speaker, &p->speaker, at, p->n);
		copy_column(&out->group, &p->group, at, p->n);
		for (int64_t i = 0; i < p->n; i++)
			(*block)[at + i] = block_name[k];
		at += p->n;
	}
	return core_predictions_tell_apart(ctx, out);
}
