/* SPDX-License-Identifier: Apache-2.0 */
/* Writes result tables as HTML. A line of the table begins a new body, so that sorting stays between lines. */
#include "base/markup.h"
#include "html/page.h"
#include "report/value_text.h"

static void put_markup(core_text *out, core_text *text)
{
	if (text->data)
		core_text_markup(out, text->data);
	out->failed |= text->failed;
	core_text_free(text);
}

static void put_value(
	core_text *out, const core_table_column *column, const core_table_value *value)
{
	static const char *const before[] = {"", "<b>", "<u>"}, *const after[] = {
									"", "</b>", "</u>"};
	core_text main = {0}, parts = {0};
	core_put_main(column, value, &main);
	core_put_parts(column, value, &parts);
	core_text_add(out, "%s", before[value->rank]);
	put_markup(out, &main);
	core_text_add(out, "%s%s", after[value->rank], value->low_support ? "*" : "");
	if (value->kind == CORE_TEXT && parts.size) {
		core_text_add(out, "<span class=muted>");
		put_markup(out, &parts);
		core_text_add(out, "</span>");
	} else {
		put_markup(out, &parts);
	}
}

/* Is it shown among numbers? Intervals are texts. */
static bool is_number(const core_table_value *value)
{
	return value->kind == CORE_FIGURE || value->kind == CORE_COUNT ||
	       (value->kind == CORE_TEXT && value->text && value->text[0] == '[');
}

/* The columns with numbers, which are aligned right with what stands in their place. */
enum { COLUMNS_MAX = 128 }; /* further ones are aligned left */
struct layout {
	bool right[COLUMNS_MAX];
};

static struct layout find_layout(const core_result_table *t)
{
	struct layout layout = {{false}};
	for (size_t i = 0; i < t->n_rows; i++)
		for (size_t j = 0; j < t->n_columns && j < COLUMNS_MAX; j++)
			layout.right[j] |= is_number(&t->value[i * t->n_columns + j]);
	return layout;
}

/* " class=n", or nothing. */
static const char *find_class(const struct layout *layout, size_t column, bool low_support)
{
	bool right = column < COLUMNS_MAX && layout->right[column];
	if (low_support)
		return right ? " class=\"n w\"" : " class=w";
	return right ? " class=n" : "";
}

static void put_row(
	core_text *out, const core_result_table *t, const struct layout *layout, size_t i)
{
	const char *tag = "th"; /* the first names the row */
	core_text_add(out, "<tr>");
	for (size_t j = 0; j < t->n_columns; j++) {
		const core_table_value *v = &t->value[i * t->n_columns + j];
		if (!core_column_is_for(t, j, CORE_FOR_PEOPLE))
			continue;
		core_text_add(out, "<%s%s%s>", tag, tag[1] == 'h' ? " scope=row" : "",
			find_class(layout, j, v->low_support));
		put_value(out, &t->column[j], v);
		core_text_add(out, "</%s>", tag);
		tag = "td";
	}
	core_text_add(out, "</tr>\n");
}

static void put_head(core_text *out, const core_result_table *t, const struct layout *layout)
{
	core_text_add(out, "<thead><tr>");
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!core_column_is_for(t, j, CORE_FOR_PEOPLE))
			continue;
		core_text_add(out, "<th scope=col%s>", find_class(layout, j, false));
		core_text_markup(out, t->column[j].title ? t->column[j].title : "");
		core_text_add(out, "</th>");
	}
	core_text_add(out, "</tr></thead>\n<tbody>\n");
}

void core_html_table(core_text *out, const core_result_table *t)
{
	const struct layout layout = find_layout(t);
	const char *title = t->title ? t->title : t->name;
	core_html_element(out, "p", "caption", title); /* outside, so that it does not scroll */
	core_text_add(out, "<div class=scroll tabindex=0 role=region aria-label=\"");
	core_text_markup(out, title);
	core_text_add(out, "\"><table data-name=\"");
	core_text_markup(out, t->name);
	core_text_add(out, "\" aria-label=\"");
	core_text_markup(out, title);
	core_text_add(out, "\">\n");
	put_head(out, t, &layout);
	for (size_t i = 0; i < t->n_rows; i++) {
		if (!core_row_is_for(t, i, CORE_FOR_PEOPLE))
			continue;
		if (i && t->line[i])
			core_text_add(out, "</tbody>\n<tbody>\n");
		put_row(out, t, &layout, i);
	}
	core_text_add(out, "</tbody></table></div>\n");
}

void core_html_tables(core_text *out, const core_document *document, size_t first)
{
	for (size_t k = first; k < document->n_tables; k++)
		if (document->table[k]->audience & CORE_FOR_PEOPLE)
			core_html_table(out, document->table[k]);
}

void core_html_notes(core_text *out, const core_document *document, size_t first, size_t most)
{
	if (document->n_notes <= first)
		return;
	core_text_add(out, "<ul class=notes>\n");
	for (size_t k = first; k < document->n_notes && k - first < most; k++)
		core_html_element(out, "li", NULL, document->note[k]);
	if (document->n_notes - first > most)
		core_text_add(out, "<li>and %zu more</li>\n", document->n_notes - first - most);
	core_text_add(out, "</ul>\n");
}

void core_html_element(core_text *out, const char *tag, const char *class, const char *text)
{
	core_text_add(out, "<%s", tag);
	if (class)
		core_text_add(out, " class=\"%s\"", class);
	core_text_put(out, ">", 1);
	core_text_markup(out, text);
	core_text_add(out, "</%s>\n", tag);
}
