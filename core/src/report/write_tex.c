/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a document as LaTeX: a float with booktabs rules for each of its tables, or a longtable above 40 rows,
 * and the notes below the last one. It compiles as it is in documents of one and of two columns: plain tables
 * that fit take one column, others the width of the page. */
#include <ctype.h>
#include <string.h>

#include "base/visible.h"
#include "report/tex_text.h"
#include "report/text_layout.h"
#include "report/value_text.h"

/* Characters, with two between columns, that fit a column of 80 mm, a longtable on a page of 120 mm in
 * \footnotesize, and a page of 160 mm in \small. A float that is wider all the same is scaled. */
enum { COLUMN_WIDTH = 58, LONG_WIDTH = 70, PAGE_WIDTH = 100, LONG_ROWS = 40 };

struct writer {
	core_text *out;
	const core_result_table *t;
	core_write_style style;
	core_text_layout layout;
	bool is_long;
};

static void put_value(struct writer *w, size_t row, size_t j)
{
	const core_table_value *value = &w->t->value[row * w->t->n_columns + j];
	const char *cut = core_text_layout_cut(&w->layout, w->t, row, j);
	static const char *const before[] = {"", "\\textbf{", "\\underline{"};
	core_text text = {0}, parts = {0};
	core_table_column bare = w->t->column[j];
	bare.parts = w->style.plain ? 0 : bare.parts;
	if (cut)
		core_text_add(&text, "%s", cut);
	else
		core_put_main(&bare, value, &text);
	core_put_parts(&bare, value, &parts);
	core_text_add(w->out, "%s%s", value->low_support ? "\\textcolor{gray}{" : "",
		before[value->rank]);
	core_put_tex(w->out, text.data);
	core_text_add(w->out, "%s", value->rank ? "}" : "");
	core_put_tex(w->out, parts.data);
	core_text_add(w->out, "%s", value->low_support ? "}" : "");
	w->out->failed |= text.failed || parts.failed;
	core_text_free(&text);
	core_text_free(&parts);
}

/* The end of a row takes [ and * for its own, so a text that begins with one is put behind an empty group. */
static void guard_first(struct writer *w, const core_table_value *v)
{
	if (v->kind == CORE_TEXT && (*v->text == '[' || *v->text == '*'))
		core_text_add(w->out, "{}");
}

static void put_row(struct writer *w, size_t row)
{
	bool first = true;
	if (w->t->line[row])
		core_text_add(w->out, "\\midrule\n");
	for (size_t j = 0; j < w->t->n_columns; j++) {
		const core_table_value *v = &w->t->value[row * w->t->n_columns + j];
		if (!w->layout.shown[j])
			continue;
		core_text_add(w->out, "%s", first ? "" : " & ");
		if (first)
			guard_first(w, v);
		first = false;
		put_value(w, row, j);
	}
	core_text_add(w->out, " \\\\\n");
}

static void put_titles(struct writer *w)
{
	bool first = true;
	for (size_t j = 0; j < w->t->n_columns; j++) {
		if (!w->layout.shown[j])
			continue;
		core_text_add(w->out, "%s", first ? "" : " & ");
		if (first && (*w->t->column[j].title == '[' || *w->t->column[j].title == '*'))
			core_text_add(w->out, "{}");
		first = false;
		core_put_tex(w->out, w->t->column[j].title);
	}
	core_text_add(w->out, " \\\\\n\\midrule\n");
}

/* "lrr": text left, numbers right. */
static void put_alignment(struct writer *w)
{
	core_text_add(w->out, "{");
	for (size_t j = 0; j < w->t->n_columns; j++)
		if (w->layout.shown[j])
			core_text_put(w->out, w->layout.right[j] ? "r" : "l", 1);
	core_text_add(w->out, "}\n");
}

/* Adds a name as a label may hold it: letters, digits and hyphens. */
static void put_label(core_text *out, const char *name)
{
	for (const char *c = name; *c; c++)
		core_text_put(out, isalnum((unsigned char)*c) ? c : "-", 1);
}

static void put_caption(struct writer *w, const char *end)
{
	if (!w->t->title && w->is_long)
		return;
	if (w->t->title) {
		core_text_add(w->out, "\\caption{");
		core_put_tex(w->out, w->t->title);
		core_text_add(w->out, "}");
	}
	core_text_add(w->out, "\\label{tab:");
	put_label(w->out, w->t->name);
	core_text_add(w->out, "%s", w->t->set ? "-" : "");
	put_label(w->out, w->t->set ? w->t->set : "");
	core_text_add(w->out, "}%s\n", end);
}

static void put_notes(struct writer *w, const core_document *notes)
{
	if (!notes)
		return;
	if (notes->heading) {
		core_text_add(w->out, "\\par\\smallskip{\\raggedright\\footnotesize ");
		core_put_tex(w->out, notes->heading);
		core_text_add(w->out, "\\par}\n");
	}
	for (size_t i = 0; i < notes->n_notes; i++) {
		core_text_add(w->out, "{\\raggedright\\footnotesize ");
		core_put_tex(w->out, notes->note[i]);
		core_text_add(w->out, "\\par}\n");
	}
}

static void put_rows(struct writer *w)
{
	for (size_t i = 0; i < w->t->n_rows; i++)
		if (core_row_is_for(w->t, i, CORE_FOR_PEOPLE))
			put_row(w, i);
	core_text_add(w->out, "\\bottomrule\n");
}

/* longtable works in one column only, so a document of two changes to one for it. */
static void put_long(struct writer *w, const core_document *notes)
{
	core_text_add(w->out,
		"\\makeatletter\\if@twocolumn\\onecolumn\\let\\fairvoxcolumns\\twocolumn"
		"\\else\\let\\fairvoxcolumns\\relax\\fi\\makeatother\n"
		"{\\footnotesize\\setlength{\\tabcolsep}{3pt}\n\\begin{longtable}");
	put_alignment(w);
	put_caption(w, " \\\\");
	core_text_add(w->out, "\\toprule\n");
	put_titles(w);
	core_text_add(w->out, "\\endhead\n");
	put_rows(w);
	core_text_add(w->out, "\\end{longtable}}\n");
	put_notes(w, notes);
	core_text_add(w->out, "\\fairvoxcolumns\n");
}

static void put_float(struct writer *w, const core_document *notes)
{
	bool narrow = w->style.plain && w->t->fits;
	const char *name = narrow ? "table" : "table*";
	core_text_add(w->out, "\\begin{%s}\n\\centering\n", name);
	put_caption(w, "");
	core_text_add(w->out, "%s\n\\sbox0{%%\n\\begin{tabular}",
		narrow ? "\\footnotesize\\setlength{\\tabcolsep}{3pt}"
		       : "\\small\\setlength{\\tabcolsep}{4pt}");
	put_alignment(w);
	core_text_add(w->out, "\\toprule\n");
	put_titles(w);
	put_rows(w);
	core_text_add(w->out, "\\end{tabular}}%%\n"
			      "\\ifdim\\wd0>\\linewidth\\resizebox{\\linewidth}{!}{\\usebox0}"
			      "\\else\\usebox0\\fi\n");
	put_notes(w, notes);
	core_text_add(w->out, "\\end{%s}\n", name);
}

/* A comment names the columns that the width leaves out. */
static void put_left_out(struct writer *w)
{
	for (size_t j = 0; j < w->t->n_columns; j++)
		if (!w->layout.shown[j] && core_column_is_for(w->t, j, CORE_FOR_PEOPLE)) {
			core_text_add(w->out, "%% left out, as the page is too narrow: ");
			core_put_tex(w->out, w->t->column[j].title);
			core_text_add(w->out, "\n");
		}
}

static size_t count_rows(const core_result_table *t)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n_rows; i++)
		n += core_row_is_for(t, i, CORE_FOR_PEOPLE);
	return n;
}

/* notes NULL: none */
static void put_table(struct writer *w, const core_document *notes)
{
	w->is_long = count_rows(w->t) > LONG_ROWS;
	w->style.width = w->is_long ? LONG_WIDTH : w->style.plain ? COLUMN_WIDTH : PAGE_WIDTH;
	if (core_text_layout_make(w->t, &w->style, &w->layout)) {
		put_left_out(w);
		if (w->is_long)
			put_long(w, notes);
		else
			put_float(w, notes);
	} else {
		w->out->failed = true;
	}
	core_text_layout_free(&w->layout);
}

void core_write_tex(const core_document *document, const core_write_style *style, core_text *out)
{
	size_t last = document->n_tables;
	bool any_long = false;
	for (size_t k = 0; k < document->n_tables; k++) {
		if (!(document->table[k]->audience & CORE_FOR_PEOPLE))
			continue;
		last = k;
		any_long |= count_rows(document->table[k]) > LONG_ROWS;
	}
	core_text_add(out, "%% needs \\usepackage{booktabs,graphicx%s}\n%s",
		any_long ? ",longtable" : "", core_tex_prologue);
	if (core_document_has_low_support(document))
		core_text_add(out, "%% with \\usepackage{xcolor}, figures with low support are "
				   "grey, without it in italics\n"
				   "\\providecommand{\\textcolor}[2]{\\textit{#2}}\n");
	for (size_t k = 0; k < document->n_tables; k++) {
		struct writer w = {.out = out, .t = document->table[k], .style = *style};
		if (w.t->audience & CORE_FOR_PEOPLE)
			put_table(&w, k == last ? document : NULL);
	}
}
