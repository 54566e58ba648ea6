/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a document as plain text: aligned columns without markup. A star marks low support. */
#include "base/visible.h"
#include "report/text_layout.h"

#define BOLD "\033[1m"
#define NORMAL "\033[0m"

struct writer {
	core_text *out;
	const core_result_table *t;
	const core_write_style *style;
	core_text_layout layout;
};

static void put_repeated(core_text *out, const char *what, size_t from, size_t to)
{
	for (; from < to; from++)
		core_text_put(out, what, 1);
}

/* Adds one entry of a line, from its visible text. */
static void put_entry(struct writer *w, const core_text *text, size_t column, bool bold, bool first)
{
	const core_text_layout *l = &w->layout;
	core_text cut = {0};
	size_t width = core_put_cut(&cut, text->data ? text->data : "", l->width[column]);
	bold = bold && w->style->bold;
	core_text_add(w->out, "%s", first ? "" : "  ");
	if (l->right[column])
		put_repeated(w->out, " ", width, l->width[column]);
	core_text_add(
		w->out, "%s%s%s", bold ? BOLD : "", cut.data ? cut.data : "", bold ? NORMAL : "");
	if (!l->right[column] && column != l->last)
		put_repeated(w->out, " ", width, l->width[column]);
	w->out->failed |= text->failed || cut.failed;
	core_text_free(&cut);
}

/* Ends a line without the spaces that fill its last entries. */
static void end_line(core_text *out)
{
	while (out->size && out->data[out->size - 1] == ' ')
		out->data[--out->size] = '\0';
	core_text_add(out, "\n");
}

/* row = n_rows: the titles */
static void put_line(struct writer *w, size_t row)
{
	const core_result_table *t = w->t;
	bool first = true, titles = row == t->n_rows;
	for (size_t j = 0; j < t->n_columns; j++) {
		core_text text = {0};
		if (!w->layout.shown[j])
			continue;
		const core_table_value *v = titles ? NULL : &t->value[row * t->n_columns + j];
		if (titles)
			(void)core_put_visible(&text, t->column[j].title);
		else
			(void)core_put_cell(&text, t, row, j, &w->layout, w->style);
		put_entry(w, &text, j, titles || v->rank == CORE_BEST, first);
		first = false;
		core_text_free(&text);
	}
	end_line(w->out);
}

static void put_rule(struct writer *w)
{
	bool first = true;
	for (size_t j = 0; j < w->t->n_columns; j++) {
		if (!w->layout.shown[j])
			continue;
		core_text_add(w->out, "%s", first ? "" : "  ");
		first = false;
		put_repeated(w->out, "-", 0, w->layout.width[j]);
	}
	core_text_add(w->out, "\n");
}

/* Adds a paragraph of prose after `start`. */
static void put_prose(
	core_text *out, const core_write_style *style, const char *start, const char *text)
{
	core_text visible = {0};
	core_text_add(&visible, "%s", start);
	(void)core_put_visible(&visible, text);
	core_put_wrapped(out, visible.data ? visible.data : "", style->width, *start ? 2 : 0);
	out->failed |= visible.failed;
	core_text_free(&visible);
}

/* Notes what the width left out, and what shows it. */
static void put_left_out(struct writer *w)
{
	const core_text_layout *l = &w->layout;
	core_text text = {0};
	size_t n = 0;
	core_text_add(&text, "%zu columns wide: ", w->style->width);
	for (size_t j = 0; j < w->t->n_columns; j++)
		if (!l->shown[j] && core_column_is_for(w->t, j, CORE_FOR_PEOPLE))
			core_text_add(
				&text, "%s%s", n++ ? ", " : "without ", w->t->column[j].title);
	core_text_add(&text, "%s%s; COLUMNS=%zu shows all", n && l->cut ? "; " : "",
		l->cut ? "… stands for text that was cut" : "", l->needed);
	put_prose(w->out, w->style, "- ", text.data);
	w->out->failed |= text.failed;
	core_text_free(&text);
}

static void put_table(struct writer *w)
{
	const core_result_table *t = w->t;
	if (t->title) {
		put_prose(w->out, w->style, "", t->title);
		core_text_add(w->out, "\n");
	}
	put_line(w, t->n_rows);
	for (size_t i = 0; i < t->n_rows; i++) {
		if (!core_row_is_for(t, i, CORE_FOR_PEOPLE))
			continue;
		if (t->line[i])
			put_rule(w);
		put_line(w, i);
	}
}

void core_write_text(const core_document *document, const core_write_style *style, core_text *out)
{
	bool begun = document->heading != NULL, noted = false;
	if (document->heading)
		put_prose(out, style, "", document->heading);
	for (size_t k = 0; k < document->n_tables; k++) {
		struct writer w = {.out = out, .t = document->table[k], .style = style};
		if (!(w.t->audience & CORE_FOR_PEOPLE))
			continue;
		core_text_add(out, "%s", begun ? "\n" : "");
		begun = true;
		if (core_text_layout_make(w.t, style, &w.layout))
			put_table(&w);
		else
			out->failed = true;
		noted = w.layout.n_left_out || w.layout.cut;
		if (noted) {
			core_text_add(out, "\n");
			put_left_out(&w);
		}
		core_text_layout_free(&w.layout);
	}
	for (size_t i = 0; i < document->n_notes; i++) {
		core_text_add(out, "%s", i || noted ? "" : "\n");
		put_prose(out, style, "- ", document->note[i]);
	}
}
