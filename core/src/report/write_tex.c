/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a document as LaTeX: a table environment with booktabs rules for each of its tables, and the
 * notes below the last one. */
#include <ctype.h>
#include <string.h>

#include "report/value_text.h"
#include "report/write.h"

struct sign {
	const char *text, *tex;
};

static const struct sign signs[] = {{"±", "$\\pm$"}, {"▲", "$\\triangle$"}, {"†", "\\dag{}"},
	{"‡", "\\ddag{}"}, {"≥", "$\\ge$"}, {"°", "$^\\circ$"}, {"—", "---"}, {"≤", "$\\le$"},
	{"\\", "\\textbackslash{}"}, {"_", "\\_"}, {"%", "\\%"}, {"&", "\\&"}, {"#", "\\#"},
	{"$", "\\$"}, {"{", "\\{"}, {"}", "\\}"}, {"~", "\\textasciitilde{}"},
	{"^", "\\textasciicircum{}"}, {"<", "$<$"}, {">", "$>$"}, {"`", "\\textasciigrave{}"}};

/* Is it a minus, not a hyphen: before a digit and at the start of a word? */
static bool is_minus(const char *text, char before)
{
	return *text == '-' && isdigit((unsigned char)text[1]) && !isalnum((unsigned char)before);
}

static void put_escaped(core_text *out, const char *text)
{
	char before = ' ';
	while (text && *text) {
		size_t k = 0, n = sizeof signs / sizeof *signs;
		while (k < n && strncmp(text, signs[k].text, strlen(signs[k].text)) != 0)
			k++;
		size_t length = k < n ? strlen(signs[k].text) : 1;
		if (k < n)
			core_text_add(out, "%s", signs[k].tex);
		else if (is_minus(text, before))
			core_text_add(out, "$-$");
		else
			core_text_put(out, text, 1);
		before = text[length - 1];
		text += length;
	}
}

static void put_value(
	core_text *out, const core_table_column *column, const core_table_value *value)
{
	static const char *const before[] = {"", "\\textbf{", "\\underline{"};
	core_text text = {0}, parts = {0};
	core_put_main(column, value, &text);
	core_put_parts(column, value, &parts);
	core_text_add(
		out, "%s%s", value->low_support ? "\\textcolor{gray}{" : "", before[value->rank]);
	put_escaped(out, text.data);
	core_text_add(out, "%s", value->rank ? "}" : "");
	put_escaped(out, parts.data);
	core_text_add(out, "%s", value->low_support ? "}" : "");
	out->failed |= text.failed || parts.failed;
	core_text_free(&text);
	core_text_free(&parts);
}

static void put_row(core_text *out, const core_result_table *t, size_t row)
{
	bool first = true;
	if (t->line[row])
		core_text_add(out, "\\midrule\n");
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!core_column_is_for(t, j, CORE_FOR_PEOPLE))
			continue;
		core_text_add(out, "%s", first ? "" : " & ");
		first = false;
		put_value(out, &t->column[j], &t->value[row * t->n_columns + j]);
	}
	core_text_add(out, " \\\\\n");
}

static void put_head(core_text *out, const core_result_table *t)
{
	bool first = true;
	core_text_add(out, "\\begin{tabular}{");
	for (size_t j = 0; j < t->n_columns; j++) {
		if (core_column_is_for(t, j, CORE_FOR_PEOPLE))
			core_text_add(out, "%s", first ? "l" : "r");
		first = first && !core_column_is_for(t, j, CORE_FOR_PEOPLE);
	}
	core_text_add(out, "}\n\\toprule\n");
	first = true;
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!core_column_is_for(t, j, CORE_FOR_PEOPLE))
			continue;
		core_text_add(out, "%s", first ? "" : " & ");
		first = false;
		put_escaped(out, t->column[j].title);
	}
	core_text_add(out, " \\\\\n\\midrule\n");
}

/* notes NULL: writes none */
static void put_table(core_text *out, const core_result_table *t, const core_document *notes)
{
	core_text_add(out, "\\begin{table}\n");
	if (t->title) {
		core_text_add(out, "\\caption{");
		put_escaped(out, t->title);
		core_text_add(out, "}\n");
	}
	put_head(out, t);
	for (size_t i = 0; i < t->n_rows; i++)
		if (core_row_is_for(t, i, CORE_FOR_PEOPLE))
			put_row(out, t, i);
	core_text_add(out, "\\bottomrule\n\\end{tabular}\n");
	for (size_t i = 0; notes && i < notes->n_notes; i++) {
		core_text_add(out, "\n\\footnotesize ");
		put_escaped(out, notes->note[i]);
		core_text_add(out, "\n");
	}
	core_text_add(out, "\\end{table}\n");
}

void core_write_tex(const core_document *document, core_text *out)
{
	size_t last = document->n_tables;
	for (size_t k = 0; k < document->n_tables; k++)
		last = document->table[k]->audience & CORE_FOR_PEOPLE ? k : last;
	core_text_add(out, "%% needs \\usepackage{booktabs}\n");
	if (core_document_has_low_support(document))
		core_text_add(out, "%% with \\usepackage{xcolor}, figures with low support are "
				   "grey, without it in italics\n"
				   "\\providecommand{\\textcolor}[2]{\\textit{#2}}\n");
	for (size_t k = 0; k < document->n_tables; k++)
		if (document->table[k]->audience & CORE_FOR_PEOPLE)
			put_table(out, document->table[k], k == last ? document : NULL);
}
