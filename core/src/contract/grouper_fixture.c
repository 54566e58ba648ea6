/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/grouper_fixture.h"

#include <math.h>
#include <string.h>

enum { PROBABILITIES = 3 };

static const char *const classes[] = {"c0", "c1", "c2", "c3"};
/* "rare" occurs only outside the training rows */
static const char *const values[] = {"first", "rare", "second", "third"};

static fv_role parse_role(const char *text, size_t n)
{
	if (n == strlen(":probability") && !strncmp(text, ":probability", n))
		return FV_COL_PROBABILITY;
	return n == strlen(":value") && !strncmp(text, ":value", n) ? FV_COL_VALUE : FV_COL_FEATURE;
}

/* Takes columns from "age:value,female:probability,f0". */
static void name_columns(struct contract *c, struct grouper_fixture *f, const char *list)
{
	for (f->dims = 0; *list && f->dims < COLUMNS_MAX; f->dims++) {
		size_t whole = strcspn(list, ","), name = strcspn(list, ":,");
		f->column[f->dims] = core_strndup(c->ctx, list, name);
		f->role[f->dims] = parse_role(list + name, whole - name);
		list += whole + (list[whole] == ',');
	}
}

/* Columns p0 to p2 and f0 to f2; values of text parameters name those of the features. */
static void make_columns(struct contract *c, struct grouper_fixture *f)
{
	name_columns(c, f,
		c->options->columns ? c->options->columns
				    : "p0:probability,p1:probability,p2:probability,f0,f1,f2");
	int32_t next = c->options->columns ? f->dims : PROBABILITIES;
	for (uint32_t i = 0; i < c->plugin->n_params && next < f->dims; i++) {
		const fv_param *p = &c->plugin->params[i];
		const char *text = p->type == FV_STRING && strcmp(p->name, "column") != 0
					   ? contract_find_value(c, p)
					   : NULL;
		if (text && *text)
			f->column[next++] = text;
	}
}

/* Draws the columns of a row: probabilities that sum to 1, and features in clusters. */
static void draw_columns(struct grouper_fixture *f, int32_t row, fv_stream *s)
{
	float *x = f->x + row * f->dims, sum = 0;
	for (int32_t d = 0; d < f->dims; d++)
		if (f->role[d] == FV_COL_PROBABILITY)
			sum += x[d] = (float)(0.05 + fv_uniform(s));
	for (int32_t d = 0; d < f->dims; d++) {
		if (f->role[d] == FV_COL_PROBABILITY)
			x[d] /= sum;
		else
			x[d] = (float)(fv_normal(s) + 5 * ((row >> (d % 3)) % 2));
	}
}

static void fill_fixture(struct contract *c, struct grouper_fixture *f)
{
	static const int32_t trained[] = {0, 2, 3};
	for (int32_t i = 0; i < N; i++) {
		fv_stream s = fv_rng_seeded(1, "contract.row", 0, (uint64_t)i);
		draw_columns(f, i, &s);
		f->column_id[i] = i % 9 == 8 ? -1 : trained[i % 3];
		if (i >= TRAIN && i % 5 == 0)
			f->column_id[i] = 1;
		f->klass[i] = i % 4;
		f->speaker[i] = i / 8;
		f->duration[i] = i % 7 == 6 ? NAN : 0.5 + 4 * fv_uniform(&s);
		f->stem[i] = contract_make_stem(c, i);
	}
}

fv_grouper_input contract_select_rows(
	const struct grouper_fixture *f, uint32_t uses, int32_t first, int32_t n)
{
	fv_grouper_input t = {.size = sizeof t, .n = n};
	if (uses & FV_USE_FEATURES) {
		t.dims = f->dims;
		t.layers = f->layers;
		t.x = f->x + first * f->layers * f->dims;
		t.columns = f->column;
		t.roles = f->role;
	}
	if (uses & FV_USE_COLUMN) {
		t.column_id = f->column_id + first;
		t.column_names = values;
		t.n_column_names = 4;
	}
	if (uses & FV_USE_CLASS) {
		t.class_names = classes;
		t.n_classes = 4;
	}
	if (uses & FV_USE_CLASS && first + n <= TRAIN)
		t.klass = f->klass + first;
	if (uses & FV_USE_SPEAKER)
		t.speaker = f->speaker + first;
	if (uses & FV_USE_FILE)
		t.stem = f->stem + first;
	if (uses & FV_USE_DURATION && f->recordings)
		t.duration = f->duration + first;
	return t;
}

core_fence *contract_show_rows(fv_ctx *ctx, const fv_grouper_input *rows, fv_grouper_input *out)
{
	const size_t n = (size_t)rows->n, dims = (size_t)rows->layers * (size_t)rows->dims;
	const core_fence_part part[] = {{"x", rows->x, n * dims * sizeof *rows->x},
		{"column_id", rows->column_id, n * sizeof *rows->column_id},
		{"klass", rows->klass, n * sizeof *rows->klass},
		{"speaker", rows->speaker, n * sizeof *rows->speaker},
		{"duration", rows->duration, n * sizeof *rows->duration},
		{"stem", rows->stem, n * sizeof *rows->stem}};
	enum { PARTS = sizeof part / sizeof *part };
	const void *to[PARTS];
	core_fence *fence = core_fence_open_shown(ctx, "the rows", part, PARTS, true, to);
	if (!fence)
		return NULL;
	*out = *rows;
	out->x = to[0];
	out->column_id = to[1];
	out->klass = to[2];
	out->speaker = to[3];
	out->duration = to[4];
	out->stem = to[5];
	return fence;
}

void contract_tell_grouper(struct contract *c, const struct grouper_fixture *f, uint32_t uses)
{
	static const char *const roles[] = {"", " (probability)", " (value)"};
	const char *columns = "";
	for (int32_t d = 0; d < f->dims && columns; d++)
		columns = core_format(c->ctx, "%s%s%s%s", columns, d ? ", " : "", f->column[d],
			roles[f->role[d]]);
	contract_tell(c, "ops: uses fit assign%s",
		((const fv_grouper_ops *)c->plugin->ops)->close ? " close" : "");
	contract_tell(c, "shown: %d rows, %d of them to fit%s%s%s%s%s%s%s%s", N, TRAIN,
		uses & FV_USE_FEATURES ? "; columns " : "",
		uses & FV_USE_FEATURES && columns ? columns : "",
		uses & FV_USE_FEATURES ? ", of one layer and of two" : "",
		uses & FV_USE_COLUMN ? "; an attribute of 4 values, one of them new after fit" : "",
		uses & FV_USE_CLASS ? "; classes" : "", uses & FV_USE_SPEAKER ? "; speakers" : "",
		uses & FV_USE_FILE ? "; names" : "",
		uses & FV_USE_DURATION ? "; durations, some NAN, and none at all (NULL)" : "");
}

struct grouper_fixture *contract_make_grouper_fixture(struct contract *c)
{
	struct grouper_fixture *f = contract_alloc(c, 1, sizeof *f);
	if (!f)
		return NULL;
	f->recordings = true;
	f->layers = 1;
	make_columns(c, f);
	fill_fixture(c, f);
	return f;
}

/* Copies a row's columns, the last one first. */
static void copy_columns(float *to, const float *from, int32_t dims)
{
	for (int32_t d = 0; d < dims; d++)
		to[(d + 1) % dims] = from[d];
}

struct grouper_fixture *contract_add_layer(struct contract *c, const struct grouper_fixture *one)
{
	struct grouper_fixture *f = contract_alloc(c, 1, sizeof *f);
	const int32_t dims = one->dims;
	if (!f)
		return NULL;
	*f = *one;
	f->layers = LAYERS_MAX;
	for (int32_t d = 0; d < dims; d++) {
		f->column[(d + 1) % dims] = one->column[d];
		f->role[(d + 1) % dims] = one->role[d];
	}
	for (int32_t i = 0; i < N; i++) {
		copy_columns(f->x + 2 * i * dims, one->x + (N - 1 - i) * dims, dims);
		copy_columns(f->x + (2 * i + 1) * dims, one->x + i * dims, dims);
	}
	return f;
}
