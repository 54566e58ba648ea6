/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/decimal.h"

core_sheet *core_sheet_add(
	fv_ctx *ctx, core_document *document, const char *title, size_t n_rows, size_t n_columns)
{
	core_sheet *sheet = &document->sheet[document->n_sheets];
	*sheet = (core_sheet){.title = title, .n_rows = n_rows, .n_columns = n_columns};
	sheet->head = core_alloc(ctx, n_columns, sizeof *sheet->head);
	sheet->cell = core_alloc(ctx, n_rows * n_columns + 1, sizeof *sheet->cell);
	sheet->line = core_alloc(ctx, n_rows + 1, sizeof *sheet->line);
	if (!sheet->head || !sheet->cell || !sheet->line)
		return NULL;
	document->n_sheets++;
	return sheet;
}

const char *core_text_take(fv_ctx *ctx, core_text *text)
{
	const char *copy = NULL;
	if (text->failed)
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	else
		copy = core_strdup(ctx, text->data ? text->data : "");
	core_text_free(text);
	return copy;
}

static bool make_room(fv_ctx *ctx, core_document *document)
{
	if (document->n_notes < document->notes_room)
		return true;
	size_t room = document->notes_room ? 2 * document->notes_room : 32;
	const char **grown = core_alloc(ctx, room, sizeof *grown);
	if (grown && document->n_notes)
		memcpy(grown, document->note, document->n_notes * sizeof *grown);
	document->note = grown;
	document->notes_room = grown ? room : 0;
	return grown != NULL;
}

fv_status core_note(fv_ctx *ctx, core_document *document, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *line = core_alloc(ctx, (size_t)n + 1, 1);
	if (!line || !make_room(ctx, document))
		return FV_FAILED;
	va_start(args, format);
	(void)vsnprintf(line, (size_t)n + 1, format, args);
	va_end(args);
	document->note[document->n_notes++] = line;
	return FV_OK;
}

/* The best value but those that are `but`. */
static int64_t best_of(
	size_t n, const int64_t *value, const bool *skip, bool higher_is_better, int64_t but)
{
	int64_t best = CORE_NO_NUMBER;
	for (size_t i = 0; i < n; i++) {
		if (skip[i] || value[i] == CORE_NO_NUMBER || value[i] == but)
			continue;
		if (best == CORE_NO_NUMBER ||
			(higher_is_better ? value[i] > best : value[i] < best))
			best = value[i];
	}
	return best;
}

void core_rank_column(
	size_t n, const int64_t *value, const bool *skip, bool higher_is_better, core_rank *rank)
{
	size_t ranked = 0;
	for (size_t i = 0; i < n; i++) {
		rank[i] = CORE_UNRANKED;
		ranked += !skip[i];
	}
	if (ranked < 3)
		return;
	int64_t best = best_of(n, value, skip, higher_is_better, CORE_NO_NUMBER);
	int64_t second = best_of(n, value, skip, higher_is_better, best);
	for (size_t i = 0; i < n; i++) {
		if (skip[i] || value[i] == CORE_NO_NUMBER)
			continue;
		if (value[i] == best)
			rank[i] = CORE_BEST;
		else if (value[i] == second)
			rank[i] = CORE_SECOND;
	}
}
