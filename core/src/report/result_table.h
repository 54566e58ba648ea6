/* SPDX-License-Identifier: Apache-2.0 */
/* Result tables as typed data, independent of the format: typed columns, and values with interval,
 * null, counts and rank. Every table of fairvox is one of these; each format has one writer
 * (report/write.h), which writes any of them. Everything lives as long as the context. */
#ifndef CORE_REPORT_RESULT_TABLE_H
#define CORE_REPORT_RESULT_TABLE_H

#include <jansson.h>

#include "base/text.h"
#include "eval/metrics.h"

typedef enum core_rank { CORE_UNRANKED, CORE_BEST, CORE_SECOND } core_rank;

/* Who sees a table, a column or a row. */
enum core_audience {
	CORE_FOR_PEOPLE = 1, /* text, Markdown, LaTeX */
	CORE_FOR_JSON = 2,
	CORE_FOR_CSV = 4,
	CORE_FOR_ALL = 7,
};

/* How the number of a figure is printed for people. */
typedef enum core_number_format {
	CORE_THREE_DECIMALS, /* 0.278 */
	CORE_SIGNED,         /* +0.158 */
	CORE_PERCENT,        /* 41.64%; the value is in percent */
	CORE_FOUR_DECIMALS,  /* p-values that stand alone */
} core_number_format;

/* What is printed after the number for people, in this order. */
enum core_figure_part {
	CORE_SHOW_SD = 1,         /* " ± 0.021" */
	CORE_SHOW_HALF_WIDTH = 2, /* the same for the interval: high - value */
	CORE_SHOW_FOLDS = 4,      /* " (4 folds)", if fewer than the column's */
	CORE_SHOW_NULL = 8,       /* " [+0.158, p <.001] ▲": excess, p; ▲: above its null */
	CORE_SHOW_INTERVAL = 16,  /* " [-0.150, -0.048]" */
	CORE_SHOW_CHANGE =
		32,          /* " (-46.0%; excess -0.090)": relative change, change of the excess */
	CORE_SHOW_GAIN = 64, /* " (-0.116; excess -0.098)": absolute change, change of the excess */
	CORE_SHOW_ADJUSTED = 128,  /* ", p .004": adjusted by Holm, or else Benjamini-Hochberg */
	CORE_SHOW_BH = 512,        /* the same, by Benjamini-Hochberg */
	CORE_SHOW_PUBLISHED = 256, /* " / 0.650 inside" */
};

/* A number with its statistics; NaN: not computed or undefined. */
typedef struct core_figure {
	core_estimate e;
	double sd;            /* over folds or levels, n - 1 */
	int64_t folds;        /* folds used; 0: not given */
	double p_holm, p_bh;  /* adjusted */
	double relative;      /* change in percent of the reference */
	double change;        /* absolute change, if the value itself is relative */
	double excess_change; /* of the excess over the null */
	double published;
} core_figure;
core_figure core_figure_of(core_estimate e);

typedef enum core_value_kind {
	CORE_NO_VALUE, /* missing: a dash for people, nothing for programs */
	CORE_TEXT,
	CORE_COUNT,
	CORE_FLAG,
	CORE_FIGURE,
	CORE_JSON, /* for JSON only; other formats show nothing */
} core_value_kind;

typedef struct core_table_value {
	core_value_kind kind;
	const char *text;   /* of TEXT */
	int64_t count;      /* of COUNT; FLAG: 0 or 1 */
	const json_t *json; /* borrowed */
	core_figure figure;
	core_number_format format; /* used if has_format, else the column's */
	bool has_format;
	const char *mark; /* printed after it: " †"; NULL: none */
	core_rank rank;
	bool low_support; /* rests on too few rows: printed grey, or in italics */
} core_table_value;

enum { CORE_PATH_DEPTH = 4 };

typedef struct core_table_column {
	/* Path of keys to the value in a row's JSON object: {"attributes", "gender", "tpr_gap"}. */
	const char *path[CORE_PATH_DEPTH];
	const char *title; /* for people */
	unsigned audience; /* core_audience */
	/* For figures: what is measured, for CSV, which has a line for each figure. */
	const char *attribute, *metric, *class_name, *group;
	core_number_format format;
	unsigned parts;    /* core_figure_part */
	int64_t all_folds; /* for CORE_SHOW_FOLDS: fewer are printed */
	bool has_support;  /* figures record low_support */
	/* In a table that fits: where room is short, columns of the lowest importance are left out first;
	 * 0: never. */
	int importance;
} core_table_column;

typedef struct core_result_table {
	const char *name;  /* key in JSON */
	const char *set;   /* of a further test set: its name; NULL: of the test set */
	const char *title; /* a caption for people; NULL: none */
	unsigned audience;
	size_t n_columns, n_rows;
	core_table_column *column;
	core_table_value *value; /* [rows, columns] */
	bool *line;              /* [rows + 1] a line above this row */
	unsigned *row_audience;  /* [rows] */
	bool fits; /* text and LaTeX of limited width leave out columns and cut text, so that it fits */
} core_result_table;

typedef struct core_document {
	json_t *head;        /* keys of the JSON object besides the tables; owned */
	json_t *owned;       /* array of JSON values that tables borrow */
	const char *heading; /* a line above all tables for people; NULL: none */
	size_t n_tables, tables_capacity, n_notes, notes_capacity;
	core_result_table **table;
	const char **note;
} core_document;

/* Returns an empty document, or NULL if memory runs out. Release its JSON with core_document_free. */
core_document *core_document_new(fv_ctx *ctx);
void core_document_free(core_document *document);

/* Adds an empty table for people and JSON, all values missing. Returns NULL if memory runs out. */
core_result_table *core_document_add(fv_ctx *ctx, core_document *document, const char *name,
	const char *title, size_t n_rows, size_t n_columns);
/* The same with plain columns for people, whose keys are their titles [n_columns]. */
core_result_table *core_document_add_titled(fv_ctx *ctx, core_document *document, const char *name,
	const char *title, const char *const *titles, size_t n_columns, size_t n_rows);
/* Adds an empty table for JSON alone, of plain columns with these keys [n_columns]. */
core_result_table *core_document_add_json(fv_ctx *ctx, core_document *document, const char *name,
	const char *const *keys, size_t n_columns, size_t n_rows);
FV_NODISCARD fv_status core_document_note(
	fv_ctx *ctx, core_document *document, const char *format, ...) FV_PRINTF(3, 4);

/* Gives a JSON value to the document, which its tables may borrow. Returns NULL if memory runs out. */
const json_t *core_document_own(fv_ctx *ctx, core_document *document, json_t *json);

static inline core_table_value *core_table_at(core_result_table *t, size_t row, size_t column)
{
	return &t->value[row * t->n_columns + column];
}

/* Makes a column of text, counts or flags with one key. */
core_table_column core_plain_column(const char *key, const char *title, unsigned audience);

core_table_value core_value_text(const char *text); /* NULL: missing */
core_table_value core_value_count(int64_t count);
core_table_value core_value_flag(bool flag);
core_table_value core_value_json(const json_t *json); /* NULL: missing */
core_table_value core_value_figure(core_figure figure);
core_table_value core_value_number(double value); /* a figure with a value only */

/* Moves a text into the context; an empty one gives "". Returns NULL if memory runs out. */
const char *core_text_move(fv_ctx *ctx, core_text *text);

/* Ranks best and second of a column by the printed figures. `skip` [n_rows]: rows to leave out. Ranks
 * nothing if fewer than three rows remain. */
FV_NODISCARD fv_status core_rank_table(fv_ctx *ctx, core_result_table *table, size_t column,
	const bool *skip, bool higher_is_better);
/* The same for values in thousandths (CORE_NO_NUMBER: none); sets ranks [n]. */
void core_rank_values(
	size_t n, const int64_t *value, const bool *skip, bool higher_is_better, core_rank *rank);

#endif
