/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of label files that are more than a table: each gives one row a recording or segment,
 * under the usual column names (file, emotion, speaker, gender, split, start, end in seconds), with
 * further columns as the file calls them. Cells are text; an empty cell is not known. Everything
 * lives as long as the context. Files that a label file refers to are added to `files`. */
#ifndef CORE_CORPUS_FORMS_H
#define CORE_CORPUS_FORMS_H

#include "base/csv.h"
#include "config/spec.h"
#include "corpus/label_table.h"

/* IEMOCAP's evaluation of one dialog (EmoEvaluation/Ses01F_impro01.txt). Columns: file, emotion (its
 * code: ang hap exc sad neu fru fea sur dis oth xxx), valence, activation, dominance (1 to 5, mean of
 * the raters), session (1 to 5), speaker (Ses01F: session and the gender of the turn, which is not
 * that of the file name's start), gender, dialog, turn_start and turn_end (seconds in the dialog's
 * recording; recordings of turns are cut already), and for each of the ten codes but xxx how many
 * evaluators chose it. Errors: FV_DATA with every bad line. */
FV_NODISCARD fv_status core_read_emo_evaluation(fv_ctx *ctx, const char *path, core_csv *out);
/* True when a file begins like an evaluation, after its first n bytes. */
bool core_is_emo_evaluation(const char *head, size_t n);

/* An audformat database: db.yaml, or one of its tables (db.NAME.csv beside db.yaml). `target` names
 * the column of the class, or its scheme. Rows are those of the tables with that column: of all
 * that have a split, or of the only one. Other tables and labels of schemes (speaker -> gender, age)
 * are joined by file, and by segment where both have segments. Errors: FV_DATA, with the tables to
 * choose from where several would do, and for tables that are not stored as CSV. */
FV_NODISCARD fv_status core_read_audformat(
	fv_ctx *ctx, const char *path, const char *target, core_files *files, core_csv *out);
/* True for a path named db.yaml, or db.NAME.csv with a db.yaml beside it. */
bool core_is_audformat(const char *path);

/* A configuration of nkululeko: its databases, mapped and filtered as [DATA] says. The column of the
 * class is called emotion. Without `needs_split`, ways to split that draw at random are left out;
 * with it, they are errors. Errors: FV_DATA, with the line of every key that cannot be followed. */
FV_NODISCARD fv_status core_read_nkululeko(
	fv_ctx *ctx, const char *path, bool needs_split, core_files *files, core_csv *out);
bool core_is_nkululeko(const char *path);

/* The recordings in a folder, as rows whose columns are the fields of spec->column_file:
 * "{speaker:2}{text:3}{emotion:1}{take}" or "{speaker}/{emotion}{number:2}", without the extension,
 * matched with the end of each path; a field without a width is as short as possible and has no '/'.
 * Rows have no line (0). Errors: FV_DATA for each name that does not fit; FV_CONFIG for a template
 * that cannot be read. */
FV_NODISCARD fv_status core_read_names(
	fv_ctx *ctx, const char *folder, const core_corpus_spec *spec, core_csv *out);
/* The SHA-256 of the names of the recordings in a folder. */
FV_NODISCARD fv_status core_names_sha256(
	fv_ctx *ctx, const char *folder, char hex[CORE_SHA256_HEX]);

#endif
