/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a document as one JSON object: the head's keys, a list of row objects under the name of each
 * table, and the notes. A figure is {"value": x} and its known statistics. */
#include <math.h>

#include "base/json.h"
#include "report/write.h"

/* Checks every addition, so that a key that does not fit in memory or is not UTF-8 is never silently
 * missing. */
struct writer {
	bool failed;
};

static void set_key(struct writer *w, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		w->failed = true;
}

static void set_known(struct writer *w, json_t *object, const char *key, double value)
{
	if (isfinite(value))
		set_key(w, object, key, json_real(value));
}

static json_t *figure_json(
	struct writer *w, const core_table_column *column, const core_table_value *v)
{
	const core_figure *f = &v->figure;
	json_t *object = json_object();
	set_key(w, object, "value", isfinite(f->e.value) ? json_real(f->e.value) : json_null());
	set_known(w, object, "sd", f->sd);
	if (f->folds)
		set_key(w, object, "folds", json_integer((json_int_t)f->folds));
	set_known(w, object, "null_mean", f->e.null_mean);
	set_known(w, object, "null_p95", f->e.null_p95);
	set_known(w, object, "null_p05", f->e.null_p05);
	set_known(w, object, "p", f->e.p);
	if (f->e.draws)
		set_key(w, object, "draws", json_integer((json_int_t)f->e.draws));
	set_known(w, object, "p_holm", f->p_holm);
	set_known(w, object, "p_bh", f->p_bh);
	set_known(w, object, "excess", f->e.excess);
	set_known(w, object, "low", f->e.low);
	set_known(w, object, "high", f->e.high);
	set_known(w, object, "level", f->e.level);
	set_known(w, object, "relative_percent", f->relative);
	set_known(w, object, "change", f->change);
	set_known(w, object, "excess_change", f->excess_change);
	set_known(w, object, "published", f->published);
	if (column->has_support)
		set_key(w, object, "low_support", json_boolean(v->low_support));
	return object;
}

static json_t *value_json(
	struct writer *w, const core_table_column *column, const core_table_value *v)
{
	switch (v->kind) {
	case CORE_TEXT:
		return json_string(v->text);
	case CORE_COUNT:
		return json_integer((json_int_t)v->count);
	case CORE_FLAG:
		return json_boolean(v->count);
	case CORE_FIGURE:
		return figure_json(w, column, v);
	case CORE_JSON:
		return json_deep_copy(v->json);
	case CORE_NO_VALUE:
		break;
	}
	return json_null();
}

/* Returns the object that holds a column's value, and makes it if needed. */
static json_t *open_object(
	struct writer *w, json_t *row, const core_table_column *column, int *depth)
{
	json_t *at = row;
	for (*depth = 0; *depth + 1 < CORE_PATH_DEPTH && column->path[*depth + 1]; ++*depth) {
		json_t *next = json_object_get(at, column->path[*depth]);
		if (!next) {
			next = json_object();
			set_key(w, at, column->path[*depth], next);
		}
		at = next;
	}
	return at;
}

static json_t *row_json(struct writer *w, const core_result_table *t, size_t row)
{
	json_t *object = json_object();
	for (size_t j = 0; j < t->n_columns; j++) {
		const core_table_column *column = &t->column[j];
		const core_table_value *v = &t->value[row * t->n_columns + j];
		int depth;
		bool remark = column->metric &&
			      v->kind != CORE_FIGURE; /* text for people in a column of figures */
		if (!core_column_is_for(t, j, CORE_FOR_JSON) || v->kind == CORE_NO_VALUE || remark)
			continue;
		json_t *at = open_object(w, object, column, &depth);
		set_key(w, at, column->path[depth], value_json(w, column, v));
	}
	return object;
}

static json_t *table_json(struct writer *w, const core_result_table *t)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < t->n_rows; i++)
		if (core_row_is_for(t, i, CORE_FOR_JSON) &&
			json_array_append_new(rows, row_json(w, t, i)))
			w->failed = true;
	return rows;
}

/* Returns the object that holds a table: the root, or {"tests": {<set>: ...}} inside it. */
static json_t *open_table(struct writer *w, json_t *root, const core_result_table *t)
{
	const char *const path[] = {"tests", t->set};
	json_t *at = root;
	for (size_t k = 0; t->set && k < 2; k++) {
		json_t *next = json_object_get(at, path[k]);
		if (!next)
			set_key(w, at, path[k], next = json_object());
		at = next;
	}
	return at;
}

static json_t *notes_json(struct writer *w, const core_document *document)
{
	json_t *list = json_array();
	for (size_t i = 0; i < document->n_notes; i++)
		if (json_array_append_new(list, json_string(document->note[i])))
			w->failed = true;
	return list;
}

fv_status core_write_json(fv_ctx *ctx, const core_document *document, core_text *out)
{
	struct writer w = {false};
	json_t *root = json_copy(document->head);
	for (size_t k = 0; k < document->n_tables; k++)
		if (document->table[k]->audience & CORE_FOR_JSON)
			set_key(&w, open_table(&w, root, document->table[k]),
				document->table[k]->name, table_json(&w, document->table[k]));
	set_key(&w, root, "notes", notes_json(&w, document));
	if (w.failed) {
		json_decref(root);
		return fv_fail(ctx, FV_DATA,
			"cannot write the table as JSON: out of memory, or the name of a class, "
			"attribute, group or variant is not UTF-8");
	}
	const char *text = core_json_text(ctx, root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	if (!text)
		return FV_FAILED;
	core_text_add(out, "%s\n", text);
	return FV_OK;
}
