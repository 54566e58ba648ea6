/* SPDX-License-Identifier: Apache-2.0 */
/* Result tables as typed data, before any format: columns that say what they hold, values that keep
 * their interval, null, counts and rank. Whatever fairvox tabulates fills these; one writer a format
 * (report/write.h) takes any of them. Everything lives as long as the context. */
#ifndef CORE_REPORT_RESULT_TABLE_H
#define CORE_REPORT_RESULT_TABLE_H

#include <jansson.h>

#include "base/text.h"
#include "eval/metrics.h"

typedef enum core_rank { CORE_UNRANKED, CORE_BEST, CORE_SECOND } core_rank;

/* Who gets to see a table, a column or a row. */
enum core_audience {
	CORE_FOR_PEOPLE = 1, /* text, Markdown, LaTeX */
	CORE_FOR_JSON = 2,
	CORE_FOR_CSV = 4,
	CORE_FOR_ALL = 7,
};

/* How people see the number of a figure. */
typedef enum core_number_format {
	CORE_THREE_DECIMALS, /* 0.278 */
	CORE_SIGNED,         /* +0.158 */
	CORE_PERCENT,        /* 41.64%; the value is in percent */
	CORE_FOUR_DECIMALS,  /* p-values that stand alone */
} core_number_format;

/* What people see beside the number, in this order. */
enum core_figure_part {
	CORE_SHOW_SD = 1,          /* " ± 0.021" */
	CORE_SHOW_HALF_WIDTH = 2,  /* the same, of the interval: high - value */
	CORE_SHOW_FOLDS = 4,       /* " (4 folds)", where fewer than the column's */
	CORE_SHOW_NULL = 8,        /* " [+0.158, p <.001] ▲": excess, p, is it above its null */
	CORE_SHOW_INTERVAL = 16,   /* " [-0.150, -0.048]" */
	CORE_SHOW_CHANGE = 32,     /* " (-46.0%; excess -0.090)": relative, change of the excess */
	CORE_SHOW_GAIN = 64,       /* " (-0.116; excess -0.098)": absolute, change of the excess */
	CORE_SHOW_ADJUSTED = 128,  /* ", p .004": adjusted by Holm, or else Benjamini-Hochberg */
	CORE_SHOW_BH = 512,        /* the same, by Benjamini-Hochberg */
	CORE_SHOW_PUBLISHED = 256, /* " / 0.650 inside" */
};

/* NaN: not computed, or not defined. */
typedef struct core_figure {
	core_estimate e;
	double sd;            /* over folds or levels, n - 1 */
	int64_t folds;        /* that were used; 0: not said */
	double p_holm, p_bh;  /* adjusted */
	double relative;      /* change in percent of the reference */
	double change;        /* absolute, where the value itself is relative */
	double excess_change; /* of the excess over the null */
	double published;
} core_figure;
core_figure core_figure_of(core_estimate e);

typedef enum core_value_kind {
	CORE_NO_VALUE, /* a dash for people, nothing for programs */
	CORE_TEXT,
	CORE_COUNT,
	CORE_FLAG,
	CORE_FIGURE,
	CORE_JSON, /* for JSON; other formats show nothing */
} core_value_kind;

typedef struct core_table_value {
	core_value_kind kind;
	const char *text;   /* of TEXT */
	int64_t count;      /* of COUNT; FLAG: 0 or 1 */
	const json_t *json; /* borrowed */
	core_figure figure;
	core_number_format format; /* used when has_format, else the column's */
	bool has_format;
	const char *mark; /* behind it: " †"; NULL: none */
	core_rank rank;
	bool low_support; /* rests on too few rows: grey, where there is no grey in italics */
} core_table_value;

enum { CORE_PATH_DEPTH = 4 };

typedef struct core_table_column {
	/* Keys that lead to the value in a row's JSON object: {"attributes", "gender", "tpr_gap"}. */
	const char *path[CORE_PATH_DEPTH];
	const char *title; /* for people */
	unsigned audience; /* core_audience */
	/* Of figures: what is measured, for CSV, which has a line for each. */
	const char *attribute, *metric, *class_name, *group;
	core_number_format format;
	unsigned parts;    /* core_figure_part */
	int64_t all_folds; /* with CORE_SHOW_FOLDS: fewer are worth a word */
	bool has_support;  /* figures say whether they rest on too few rows */
} core_table_column;

typedef struct core_result_table {
	const char *name;  /* key in JSON */
	const char *title; /* a sentence for people; NULL: none */
	unsigned audience;
	size_t n_columns, n_rows;
	core_table_column *column;
	core_table_value *value; /* [rows, columns] */
	bool *line;              /* [rows + 1] a line above this row */
	unsigned *row_audience;  /* [rows] */
} core_result_table;

typedef struct core_document {
	json_t *head;        /* keys of the JSON object beside the tables; owned */
	json_t *owned;       /* array of JSON values that tables borrow */
	const char *heading; /* a line above everything for people; NULL: none */
	size_t n_encodings, tables_capacity, n_notes, notes_capacity;
	core_result_table **table;
	const char **note;
} core_document;

/* NULL: out of memory. core_document_free releases the JSON. */
core_document *core_document_new(fv_ctx *ctx);
void core_document_free(core_document *document);

/* A new empty table of the document for people and JSON, all values missing. NULL: out of memory. */
core_result_table *core_document_add(fv_ctx *ctx, core_document *document, const char *name,
	const char *title, size_t n_rows, size_t n_columns);
FV_NODISCARD fv_status core_document_note(
	fv_ctx *ctx, core_document *document, const char *format, ...) FV_PRINTF(3, 4);

/* Hands a JSON value over to the document, for its tables to borrow. NULL: out of memory. */
const json_t *core_document_own(fv_ctx *ctx, core_document *document, json_t *json);

static inline core_table_value *core_table_at(core_result_table *t, size_t row, size_t column)
{
	return &t->value[row * t->n_columns + column];
}

/* A column of text, counts or flags under one key. */
core_table_column core_plain_column(const char *key, const char *title, unsigned audience);

core_table_value core_value_text(const char *text); /* NULL: missing */
core_table_value core_value_count(int64_t count);
core_table_value core_value_flag(bool flag);
core_table_value core_value_json(const json_t *json); /* NULL: missing */
core_table_value core_value_figure(core_figure figure);
core_table_value core_value_number(double value); /* a figure of nothing but its value */

/* Moves a text into the context, "" when it is empty. NULL: out of memory. */
const char *core_text_move(fv_ctx *ctx, core_text *text);

/* Ranks best and second of a column by the figures as people see them. `skip` [n_rows]: rows that take no
 * part. With fewer than three rows that do, nothing is ranked. */
FV_NODISCARD fv_status core_rank_table(fv_ctx *ctx, core_result_table *table, size_t column,
	const bool *skip, bool higher_is_better);
/* The same of values in thousandths (CORE_NO_NUMBER: none): ranks [n]. */
void core_rank_values(
	size_t n, const int64_t *value, const bool *skip, bool higher_is_better, core_rank *rank);

#endif
