/* SPDX-License-Identifier: Apache-2.0 */
#include "report/result_table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/decimal.h"

core_figure core_figure_of(core_estimate e)
{
	return (core_figure){.e = e,
		.sd = NAN,
		.p_holm = NAN,
		.p_bh = NAN,
		.relative = NAN,
		.change = NAN,
		.excess_change = NAN,
		.published = NAN};
}

void core_document_free(core_document *document)
{
	if (!document)
		return;
	json_decref(document->head);
	json_decref(document->owned);
	document->head = document->owned = NULL;
}

core_document *core_document_new(fv_ctx *ctx)
{
	core_document *document = core_alloc(ctx, 1, sizeof *document);
	if (!document)
		return NULL;
	document->head = json_object();
	document->owned = json_array();
	if (document->head && document->owned)
		return document;
	core_document_free(document);
	(void)fv_fail(ctx, FV_FAILED, "out of memory");
	return NULL;
}

const json_t *core_document_own(fv_ctx *ctx, core_document *document, json_t *json)
{
	if (json_array_append_new(document->owned, json) == 0)
		return json;
	(void)fv_fail(ctx, FV_FAILED, "out of memory");
	return NULL;
}

/* Makes room for one more pointer in a list that doubles. Returns false if memory runs out. */
static bool reserve_pointer(fv_ctx *ctx, void ***list, size_t n, size_t *capacity)
{
	if (n < *capacity)
		return true;
	size_t larger = *capacity ? 2 * *capacity : 32;
	void **grown = core_alloc(ctx, larger, sizeof *grown);
	if (!grown)
		return false;
	if (n)
		memcpy(grown, *list, n * sizeof *grown);
	*list = grown;
	*capacity = larger;
	return true;
}

core_result_table *core_document_add(fv_ctx *ctx, core_document *document, const char *name,
	const char *title, size_t n_rows, size_t n_columns)
{
	core_result_table *t = core_alloc(ctx, 1, sizeof *t);
	if (!t || !reserve_pointer(ctx, (void ***)&document->table, document->n_tables,
			  &document->tables_capacity))
		return NULL;
	*t = (core_result_table){.name = name,
		.title = title,
		.audience = CORE_FOR_PEOPLE | CORE_FOR_JSON,
		.n_rows = n_rows,
		.n_columns = n_columns};
	t->column = core_alloc(ctx, n_columns, sizeof *t->column);
	t->value = core_alloc(ctx, n_rows * n_columns + 1, sizeof *t->value);
	t->line = core_alloc(ctx, n_rows + 1, sizeof *t->line);
	t->row_audience = core_alloc(ctx, n_rows + 1, sizeof *t->row_audience);
	if (!t->column || !t->value || !t->line || !t->row_audience)
		return NULL;
	for (size_t i = 0; i < n_rows; i++)
		t->row_audience[i] = CORE_FOR_ALL;
	document->table[document->n_tables++] = t;
	return t;
}

core_result_table *core_document_add_titled(fv_ctx *ctx, core_document *document, const char *name,
	const char *title, const char *const *titles, size_t n_columns, size_t n_rows)
{
	core_result_table *t = core_document_add(ctx, document, name, title, n_rows, n_columns);
	for (size_t j = 0; t && j < n_columns; j++)
		t->column[j] = core_plain_column(titles[j], titles[j], CORE_FOR_PEOPLE);
	return t;
}

core_result_table *core_document_add_json(fv_ctx *ctx, core_document *document, const char *name,
	const char *const *keys, size_t n_columns, size_t n_rows)
{
	core_result_table *t = core_document_add(ctx, document, name, NULL, n_rows, n_columns);
	if (!t)
		return NULL;
	t->audience = CORE_FOR_JSON;
	for (size_t j = 0; j < n_columns; j++)
		t->column[j] = core_plain_column(keys[j], keys[j], CORE_FOR_JSON);
	return t;
}

fv_status core_document_note(fv_ctx *ctx, core_document *document, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *line = core_alloc(ctx, (size_t)n + 1, 1);
	if (!line || !reserve_pointer(ctx, (void ***)&document->note, document->n_notes,
			     &document->notes_capacity))
		return FV_FAILED;
	va_start(args, format);
	(void)vsnprintf(line, (size_t)n + 1, format, args);
	va_end(args);
	document->note[document->n_notes++] = line;
	return FV_OK;
}

core_table_column core_plain_column(const char *key, const char *title, unsigned audience)
{
	return (core_table_column){.path = {key}, .title = title, .audience = audience};
}

core_table_value core_value_text(const char *text)
{
	return (core_table_value){.kind = text ? CORE_TEXT : CORE_NO_VALUE, .text = text};
}

core_table_value core_value_count(int64_t count)
{
	return (core_table_value){.kind = CORE_COUNT, .count = count};
}

core_table_value core_value_flag(bool flag)
{
	return (core_table_value){.kind = CORE_FLAG, .count = flag};
}

core_table_value core_value_json(const json_t *json)
{
	return (core_table_value){.kind = json ? CORE_JSON : CORE_NO_VALUE, .json = json};
}

core_table_value core_value_figure(core_figure figure)
{
	return (core_table_value){.kind = CORE_FIGURE, .figure = figure};
}

core_table_value core_value_number(double value)
{
	return core_value_figure(core_figure_of(core_estimate_of(value)));
}

const char *core_text_move(fv_ctx *ctx, core_text *text)
{
	const char *copy = NULL;
	if (text->failed)
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	else
		copy = core_strdup(ctx, text->data ? text->data : "");
	core_text_free(text);
	return copy;
}

/* --- ranks ------------------------------------------------------------------------------------ */

/* Finds the best value, leaving out those equal to `except`. */
static int64_t find_best(
	size_t n, const int64_t *value, const bool *skip, bool higher_is_better, int64_t except)
{
	int64_t best = CORE_NO_NUMBER;
	for (size_t i = 0; i < n; i++) {
		if (skip[i] || value[i] == CORE_NO_NUMBER || value[i] == except)
			continue;
		if (best == CORE_NO_NUMBER ||
			(higher_is_better ? value[i] > best : value[i] < best))
			best = value[i];
	}
	return best;
}

void core_rank_values(
	size_t n, const int64_t *value, const bool *skip, bool higher_is_better, core_rank *rank)
{
	size_t ranked = 0;
	for (size_t i = 0; i < n; i++) {
		rank[i] = CORE_UNRANKED;
		ranked += !skip[i];
	}
	if (ranked < 3)
		return;
	int64_t best = find_best(n, value, skip, higher_is_better, CORE_NO_NUMBER);
	int64_t second = find_best(n, value, skip, higher_is_better, best);
	for (size_t i = 0; i < n; i++) {
		if (skip[i] || value[i] == CORE_NO_NUMBER)
			continue;
		if (value[i] == best)
			rank[i] = CORE_BEST;
		else if (value[i] == second)
			rank[i] = CORE_SECOND;
	}
}

fv_status core_rank_table(fv_ctx *ctx, core_result_table *table, size_t column, const bool *skip,
	bool higher_is_better)
{
	size_t n = table->n_rows;
	int64_t *value = core_alloc(ctx, n + 1, sizeof *value);
	core_rank *rank = core_alloc(ctx, n + 1, sizeof *rank);
	if (!value || !rank)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++) {
		const core_table_value *v = core_table_at(table, i, column);
		value[i] = v->kind == CORE_FIGURE ? core_thousandths(v->figure.e.value)
						  : CORE_NO_NUMBER;
	}
	core_rank_values(n, value, skip, higher_is_better, rank);
	for (size_t i = 0; i < n; i++)
		core_table_at(table, i, column)->rank = rank[i];
	return FV_OK;
}
