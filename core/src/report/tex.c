/* SPDX-License-Identifier: Apache-2.0 */
/* A document as LaTeX: a table environment for each sheet, ruled by booktabs, the notes below the
 * last one. */
#include <ctype.h>
#include <string.h>

#include "report/sheet.h"

struct sign {
	const char *text, *tex;
};

static const struct sign signs[] = {{"±", "$\\pm$"}, {"▲", "$\\triangle$"}, {"†", "\\dag{}"},
	{"‡", "\\ddag{}"}, {"≥", "$\\ge$"}, {"°", "$^\\circ$"}, {"—", "---"}, {"≤", "$\\le$"},
	{"\\", "\\textbackslash{}"}, {"_", "\\_"}, {"%", "\\%"}, {"&", "\\&"}, {"#", "\\#"},
	{"$", "\\$"}, {"{", "\\{"}, {"}", "\\}"}, {"~", "\\textasciitilde{}"},
	{"^", "\\textasciicircum{}"}, {"<", "$<$"}, {">", "$>$"}, {"`", ""}};

/* A minus is no hyphen: one before a digit that stands at the start of a word. */
static bool is_minus(const char *text, char before)
{
	return *text == '-' && isdigit((unsigned char)text[1]) && !isalnum((unsigned char)before);
}

static void put(core_text *out, const char *text)
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

static void put_cell(core_text *out, const core_sheet_cell *cell)
{
	static const char *const before[] = {"", "\\textbf{", "\\underline{"};
	core_text_add(out, "%s%s", cell->few ? "\\textcolor{gray}{" : "", before[cell->rank]);
	put(out, cell->value);
	core_text_add(out, "%s", cell->rank ? "}" : "");
	put(out, cell->after);
	core_text_add(out, "%s", cell->few ? "}" : "");
}

static void put_row(core_text *out, const core_sheet *sheet, size_t row)
{
	if (sheet->line[row])
		core_text_add(out, "\\midrule\n");
	for (size_t j = 0; j < sheet->n_columns; j++) {
		core_text_add(out, "%s", j ? " & " : "");
		put_cell(out, &sheet->cell[row * sheet->n_columns + j]);
	}
	core_text_add(out, " \\\\\n");
}

static void put_sheet(core_text *out, const core_sheet *sheet, const core_document *notes)
{
	core_text_add(out, "\\begin{table}\n");
	if (sheet->title) {
		core_text_add(out, "\\caption{");
		put(out, sheet->title);
		core_text_add(out, "}\n");
	}
	core_text_add(out, "\\begin{tabular}{l");
	for (size_t j = 1; j < sheet->n_columns; j++)
		core_text_add(out, "r");
	core_text_add(out, "}\n\\toprule\n");
	for (size_t j = 0; j < sheet->n_columns; j++) {
		core_text_add(out, "%s", j ? " & " : "");
		put(out, sheet->head[j]);
	}
	core_text_add(out, " \\\\\n\\midrule\n");
	for (size_t i = 0; i < sheet->n_rows; i++)
		put_row(out, sheet, i);
	core_text_add(out, "\\bottomrule\n\\end{tabular}\n");
	for (size_t i = 0; notes && i < notes->n_notes; i++) {
		core_text_add(out, "\n\\footnotesize ");
		put(out, notes->note[i]);
		core_text_add(out, "\n");
	}
	core_text_add(out, "\\end{table}\n");
}

static bool any_few(const core_document *document)
{
	for (size_t k = 0; k < document->n_sheets; k++) {
		const core_sheet *sheet = &document->sheet[k];
		for (size_t i = 0; i < sheet->n_rows * sheet->n_columns; i++)
			if (sheet->cell[i].few)
				return true;
	}
	return false;
}

void core_document_tex(const core_document *document, core_text *out)
{
	core_text_add(out, "%% needs \\usepackage{booktabs}\n");
	if (any_few(document))
		core_text_add(out, "%% with \\usepackage{xcolor}, figures that rest on few are "
				   "grey, without it in italics\n"
				   "\\providecommand{\\textcolor}[2]{\\textit{#2}}\n");
	for (size_t i = 0; i < document->n_sheets; i++)
		put_sheet(out, &document->sheet[i], i + 1 == document->n_sheets ? document : NULL);
}
