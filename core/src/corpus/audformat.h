/* SPDX-License-Identifier: Apache-2.0 */
/* The header of an audformat database (db.yaml) and its tables. Private to the files that read it. */
#ifndef CORE_CORPUS_AUDFORMAT_H
#define CORE_CORPUS_AUDFORMAT_H

#include "base/csv.h"
#include "config/yaml.h"
#include "corpus/label_table.h"

typedef struct audformat_column {
	const char *name, *scheme; /* scheme NULL: none */
	core_place place;
} audformat_column;

typedef struct audformat_table {
	const char *name;
	const char *split; /* split_id; NULL: none */
	core_place place;
	bool misc, segmented;
	int32_t n_levels; /* columns of the index, the first of the CSV file */
	int32_t n_columns;
	audformat_column *column; /* [n_columns] */
	/* after audformat_load_table */
	bool loaded;
	core_csv csv;
	int64_t *csv_column; /* [n_columns] */
	const char **key;    /* [csv.n_rows] text of the index, times as seconds */
	int64_t *order;      /* [csv.n_rows] rows sorted by key */
} audformat_table;

/* Labels that say more about a value: of another table, or of the header itself. */
typedef struct audformat_scheme {
	const char *name;
	bool numeric;            /* values are compared as numbers */
	const char *misc;        /* table of the labels; NULL: none */
	const core_yaml *labels; /* list of values, or map from value to its fields; NULL: none */
} audformat_scheme;

typedef struct audformat_db {
	const char *path, *folder; /* of db.yaml */
	core_files *files;
	const core_yaml *splits;
	int32_t n_tables, n_schemes;
	audformat_table *table;
	audformat_scheme *scheme;
} audformat_db;

/* Errors: FV_DATA with FILE:line:column. */
FV_NODISCARD fv_status audformat_open(
	fv_ctx *ctx, const char *path, core_files *files, audformat_db *out);
/* Reads the CSV file of a table once, and sorts its index. Errors: FV_DATA for a file that is
 * missing or stored as parquet or pickle, for columns that db.yaml names and the file lacks, for
 * repeated or bad entries of the index, and for values that their scheme does not list. */
FV_NODISCARD fv_status audformat_load_table(fv_ctx *ctx, audformat_db *db, audformat_table *table);
int64_t audformat_find_row(const audformat_table *table, const char *key); /* -1: none */

/* The key of an entry of the index. `start` NULL: a whole file. NULL (and a message) when memory is
 * out. */
const char *audformat_make_key(fv_ctx *ctx, const char *file, const char *start, const char *end);
/* The same for a value of a scheme: numbers that are equal have equal keys. */
const char *audformat_value_key(fv_ctx *ctx, bool numeric, const char *value);

/* All NULL when there is none of that name. */
audformat_table *audformat_find_table(const audformat_db *db, const char *name);
const audformat_scheme *audformat_find_scheme(const audformat_db *db, const char *name);
/* The type of a split, train, dev or test; its id where the header gives none. */
const char *audformat_split_type(const audformat_db *db, const char *split);
/* The column of that name, else the only one of that scheme. */
const audformat_column *audformat_find_column(const audformat_table *table, const char *name);

#endif
