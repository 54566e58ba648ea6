/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an audformat database: chooses the tables whose rows are the corpus, and joins what other
 * tables and the labels of schemes say about the same files and segments. */
#include <string.h>

#include "base/file.h"
#include "base/missing.h"
#include "base/path.h"
#include "corpus/audformat.h"
#include "corpus/forms.h"

/* A column of the result. */
struct column {
	const char *name;
	const audformat_scheme *scheme;
	char **cell; /* [n_rows] */
	bool contradicted;
};

struct join {
	fv_ctx *ctx;
	audformat_db db;
	const char *target;
	int32_t n_chosen;
	audformat_table **chosen; /* [n_chosen] tables whose rows are the corpus */
	const char **split;       /* [n_chosen] what `split` says of their rows; NULL: none */
	int64_t n_rows;
	audformat_table **row_table; /* [n_rows] */
	int64_t *row;                /* [n_rows] row in that table */
	struct column *column;
	int32_t n_columns, capacity;
};

static char *get_cell(const core_csv *csv, int64_t row, int64_t column)
{
	return csv->cell[row * csv->n_columns + column];
}

/* --- which tables ----------------------------------------------------------------------------- */

static const char *list_columns(fv_ctx *ctx, const audformat_table *table)
{
	const char *text = core_format(ctx, "%s (", table->name);
	for (int32_t i = 0; text && i < table->n_columns; i++)
		text = core_format(ctx, "%s%s%s", text, i ? ", " : "", table->column[i].name);
	return text ? core_format(ctx, "%s)", text) : NULL;
}

/* "a (x, y), b (z)": tables and their columns, or the chosen tables' names alone. */
static const char *list_tables(const struct join *join, bool chosen)
{
	const char *text = "";
	int32_t n = chosen ? join->n_chosen : join->db.n_tables;
	for (int32_t i = 0; text && i < n; i++) {
		const audformat_table *table = chosen ? join->chosen[i] : &join->db.table[i];
		const char *item = chosen ? table->name : list_columns(join->ctx, table);
		text = item ? core_format(join->ctx, "%s%s%s", text, i ? ", " : "", item) : NULL;
	}
	return text ? text : "";
}

/* Keeps those of the chosen tables that have a split, if any has. */
static void prefer_splits(struct join *join)
{
	int32_t n = 0;
	for (int32_t i = 0; i < join->n_chosen; i++)
		n += join->chosen[i]->split != NULL;
	if (!n)
		return;
	n = 0;
	for (int32_t i = 0; i < join->n_chosen; i++) {
		if (join->chosen[i]->split)
			join->chosen[n++] = join->chosen[i];
		else
			core_log(join->ctx, CORE_INFO,
				"%s: table '%s' has no split and is not used: others have one",
				join->db.path, join->chosen[i]->name);
	}
	join->n_chosen = n;
}

static fv_status check_choice(const struct join *join)
{
	for (int32_t i = 0; i < join->n_chosen; i++) {
		const char *split = join->chosen[i]->split;
		for (int32_t j = 0; j < i; j++) {
			const char *other = join->chosen[j]->split;
			if (!split != !other || (split && other && strcmp(split, other) != 0))
				continue;
			return fv_fail(join->ctx, FV_DATA,
				"%s: several tables have a column '%s'%s%s: %s: name the files of "
				"those to use in corpus.labels, such as %s/db.%s.csv",
				join->db.path, join->target, split ? " for split " : "",
				split ? split : "", list_tables(join, true), join->db.folder,
				join->chosen[j]->name);
		}
	}
	return FV_OK;
}

/* The table whose file is `path`; all with the target column when it is db.yaml. */
static fv_status choose_tables(struct join *join, const char *path)
{
	const char *base = core_path_base(path);
	size_t n = strlen(base);
	join->chosen = core_alloc(join->ctx, (size_t)join->db.n_tables, sizeof *join->chosen);
	if (!join->chosen)
		return FV_FAILED;
	if (strcmp(base, "db.yaml") != 0) {
		const char *name = core_strndup(join->ctx, base + 3, n - 7);
		audformat_table *table = name ? audformat_find_table(&join->db, name) : NULL;
		if (!table || table->misc)
			return fv_fail(join->ctx, FV_DATA, "%s: no table of recordings in %s", path,
				join->db.path);
		join->chosen[join->n_chosen++] = table;
		if (audformat_find_column(table, join->target))
			return FV_OK;
		return fv_fail(join->ctx, FV_DATA,
			"%s: no column '%s': name the column of the class with "
			"corpus.columns.emotion; the tables have: %s",
			path, join->target, list_tables(join, false));
	}
	for (int32_t i = 0; i < join->db.n_tables; i++) {
		audformat_table *table = &join->db.table[i];
		if (!table->misc && audformat_find_column(table, join->target))
			join->chosen[join->n_chosen++] = table;
	}
	if (!join->n_chosen)
		return fv_fail(join->ctx, FV_DATA,
			"%s: no table has a column '%s': name the column of the class with "
			"corpus.columns.emotion; the tables have: %s",
			path, join->target, list_tables(join, false));
	prefer_splits(join);
	return check_choice(join);
}

/* A split is called by its type (train, dev, test), or by its id where two have one type. */
static fv_status name_splits(struct join *join)
{
	join->split = core_alloc(join->ctx, (size_t)join->n_chosen, sizeof *join->split);
	if (!join->split)
		return FV_FAILED;
	bool distinct = true;
	for (int32_t i = 0; i < join->n_chosen; i++) {
		const char *split = join->chosen[i]->split;
		join->split[i] = split ? audformat_split_type(&join->db, split) : NULL;
		for (int32_t j = 0; split && j < i; j++)
			distinct = distinct && strcmp(join->split[i], join->split[j]) != 0;
	}
	for (int32_t i = 0; i < join->n_chosen && !distinct; i++)
		join->split[i] = join->chosen[i]->split;
	return FV_OK;
}

/* --- columns of the result -------------------------------------------------------------------- */

/* The column of that name, made when there is none. NULL (and a message) when memory is out. */
static struct column *get_column(struct join *join, const char *name)
{
	static char empty[] = "";
	for (int32_t i = 0; i < join->n_columns; i++)
		if (!strcmp(join->column[i].name, name))
			return &join->column[i];
	if (join->n_columns == join->capacity) {
		int32_t capacity = join->capacity ? 2 * join->capacity : 16;
		struct column *grown = core_alloc(join->ctx, (size_t)capacity, sizeof *grown);
		if (!grown)
			return NULL;
		if (join->n_columns)
			memcpy(grown, join->column, (size_t)join->n_columns * sizeof *grown);
		join->column = grown;
		join->capacity = capacity;
	}
	struct column column = {.name = name};
	column.cell = core_alloc(join->ctx, (size_t)join->n_rows, sizeof *column.cell);
	if (!column.cell)
		return NULL;
	for (int64_t r = 0; r < join->n_rows; r++)
		column.cell[r] = empty;
	join->column[join->n_columns] = column;
	return &join->column[join->n_columns++];
}

/* Sets a cell. Two tables that contradict each other about speaker or class are an error; other
 * columns are left out then. */
static fv_status fill_cell(struct join *join, struct column *column, int64_t row, char *value,
	const audformat_table *from, int64_t from_row)
{
	char **cell = &column->cell[row];
	if (!**cell)
		*cell = value;
	if (!*value || !strcmp(*cell, value) || column->contradicted)
		return FV_OK;
	const core_csv *csv = &from->csv;
	if (!strcmp(column->name, "speaker") || !strcmp(column->name, "gender") ||
		!strcmp(column->name, join->target))
		return core_fail_at(join->ctx, FV_DATA, csv->path, (int)csv->line[from_row], 0,
			"%s is '%s' here and '%s' in another table for the same recording",
			column->name, value, *cell);
	column->contradicted = true;
	fv_warn(join->ctx,
		"%s:%lld: %s is '%s' here and '%s' in another table for the same "
		"recording: the column is left out",
		csv->path, (long long)csv->line[from_row], column->name, value, *cell);
	return FV_OK;
}

/* --- rows and joins --------------------------------------------------------------------------- */

static fv_status list_rows(struct join *join)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < join->n_chosen; i++) {
		fv_status loaded = audformat_load_table(join->ctx, &join->db, join->chosen[i]);
		status = status ? status : loaded;
		join->n_rows += join->chosen[i]->csv.n_rows;
	}
	if (status)
		return status;
	join->row_table = core_alloc(join->ctx, (size_t)join->n_rows, sizeof *join->row_table);
	join->row = core_alloc(join->ctx, (size_t)join->n_rows, sizeof *join->row);
	if (!join->row_table || !join->row)
		return FV_FAILED;
	int64_t n = 0;
	for (int32_t i = 0; i < join->n_chosen; i++)
		for (int64_t r = 0; r < join->chosen[i]->csv.n_rows; r++, n++) {
			join->row_table[n] = join->chosen[i];
			join->row[n] = r;
		}
	return FV_OK;
}

/* The columns of the index: file, start, end, and the split of the table. */
static fv_status add_index(struct join *join)
{
	static const char *const level[] = {"file", "start", "end"};
	int64_t first = 0;
	for (int32_t i = 0; i < join->n_chosen; i++) {
		const core_csv *csv = &join->chosen[i]->csv;
		for (int32_t k = 0; k < join->chosen[i]->n_levels; k++) {
			struct column *column = get_column(join, level[k]);
			for (int64_t r = 0; column && r < csv->n_rows; r++)
				column->cell[first + r] = get_cell(csv, r, k);
			if (!column)
				return FV_FAILED;
		}
		struct column *split = join->split[i] ? get_column(join, "split") : NULL;
		char *name = join->split[i] ? core_strdup(join->ctx, join->split[i]) : NULL;
		if (join->split[i] && (!split || !name))
			return FV_FAILED;
		for (int64_t r = 0; split && r < csv->n_rows; r++)
			split->cell[first + r] = name;
		first += csv->n_rows;
	}
	return FV_OK;
}

/* Names of the index are not for other columns. */
static const char *name_column(struct join *join, const audformat_table *table, const char *name)
{
	static const char *const taken[] = {"file", "start", "end", "split"};
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (!strcmp(name, taken[i]))
			return core_format(join->ctx, "%s.%s", table->name, name);
	return name;
}

/* Adds one column of a table to the rows that its index knows. */
static fv_status join_column(struct join *join, audformat_table *table, int32_t c)
{
	const audformat_column *source = &table->column[c];
	const char *name = name_column(join, table, source->name);
	if (source == audformat_find_column(table, join->target))
		name = join->target;
	struct column *column = name ? get_column(join, name) : NULL;
	if (!column)
		return FV_FAILED;
	if (!column->scheme)
		column->scheme = audformat_find_scheme(&join->db, source->scheme);
	fv_status status = FV_OK;
	for (int64_t r = 0; r < join->n_rows; r++) {
		const audformat_table *own = join->row_table[r];
		int64_t found = join->row[r];
		if (own != table)
			found = audformat_find_row(
				table, table->segmented ? own->key[found]
							: core_csv_cell(&own->csv, found, 0));
		if (found < 0)
			continue;
		fv_status filled = fill_cell(join, column, r,
			get_cell(&table->csv, found, table->csv_column[c]), table, found);
		status = filled ? filled : status;
	}
	return status;
}

static bool is_chosen(const struct join *join, const audformat_table *table)
{
	for (int32_t i = 0; i < join->n_chosen; i++)
		if (join->chosen[i] == table)
			return true;
	return false;
}

/* Other tables with a target column are other labels, of no use here; tables of segments say
 * nothing about whole files. */
static bool is_joined(const struct join *join, const audformat_table *table)
{
	bool segmented = false;
	for (int32_t i = 0; i < join->n_chosen; i++)
		segmented = segmented || join->chosen[i]->segmented;
	return !table->misc && !audformat_find_column(table, join->target) &&
	       (!table->segmented || segmented);
}

static fv_status join_tables(struct join *join, bool chosen)
{
	for (int32_t i = 0; i < join->db.n_tables; i++) {
		audformat_table *table = &join->db.table[i];
		if (chosen ? !is_chosen(join, table) : !is_joined(join, table))
			continue;
		fv_status status = audformat_load_table(join->ctx, &join->db, table);
		for (int32_t c = 0; c < table->n_columns && !status; c++)
			status = join_column(join, table, c);
		if (status)
			return status;
	}
	return FV_OK;
}

/* --- labels of schemes ------------------------------------------------------------------------ */

/* The column of a field: its own name, or COLUMN.FIELD when one of the first n_before columns has
 * that. NULL (and a message) when memory is out. */
static struct column *get_field(
	struct join *join, const char *column, const char *field, int32_t n_before)
{
	for (int32_t i = 0; i < n_before; i++)
		if (!strcmp(join->column[i].name, field)) {
			const char *name = core_format(join->ctx, "%s.%s", column, field);
			return name ? get_column(join, name) : NULL;
		}
	return get_column(join, field);
}

/* Counts the rows whose value, such as a speaker, has no row in the table of labels. */
static fv_status warn_unknown(
	struct join *join, const struct column *column, const audformat_table *table)
{
	int64_t n = 0;
	const char *first = NULL;
	for (int64_t r = 0; r < join->n_rows; r++) {
		const char *value = column->cell[r];
		const char *key = audformat_value_key(join->ctx, column->scheme->numeric, value);
		if (!key)
			return FV_FAILED;
		if (core_is_missing(value) || audformat_find_row(table, key) >= 0)
			continue;
		first = first ? first : value;
		n++;
	}
	if (n)
		fv_warn(join->ctx, "%s: %lld of %lld rows have a %s that is not in it, first '%s'",
			table->csv.path, (long long)n, (long long)join->n_rows, column->name,
			first);
	return FV_OK;
}

/* speaker: 3 -> the columns of row 3 of the table of speakers. */
static fv_status join_misc(struct join *join, int32_t c)
{
	const audformat_scheme *scheme = join->column[c].scheme;
	audformat_table *table = audformat_find_table(&join->db, scheme->misc);
	const char *name = join->column[c].name;
	int32_t before = join->n_columns;
	if (!table || !table->misc)
		return fv_fail(join->ctx, FV_DATA,
			"%s: scheme '%s' takes its labels from '%s', which is no misc table",
			join->db.path, scheme->name, scheme->misc);
	fv_status status = audformat_load_table(join->ctx, &join->db, table);
	if (!status)
		status = warn_unknown(join, &join->column[c], table);
	for (int32_t k = 0; k < table->n_columns && !status; k++) {
		struct column *field = get_field(join, name, table->column[k].name, before);
		if (!field)
			return FV_FAILED;
		for (int64_t r = 0; r < join->n_rows; r++) {
			const char *value = join->column[c].cell[r];
			const char *key = audformat_value_key(join->ctx, scheme->numeric, value);
			if (!key)
				return FV_FAILED;
			int64_t found = *value ? audformat_find_row(table, key) : -1;
			if (found >= 0)
				field->cell[r] = get_cell(&table->csv, found, table->csv_column[k]);
		}
	}
	return status;
}

/* The fields of a value's label in the header; NULL: none. */
static const core_yaml *find_label(fv_ctx *ctx, const audformat_scheme *scheme, const char *value)
{
	const core_yaml *label = core_yaml_get(scheme->labels, value);
	const char *key = label ? NULL : audformat_value_key(ctx, scheme->numeric, value);
	if (!label && key)
		label = core_yaml_get(scheme->labels, key);
	return label && label->kind == CORE_YAML_MAP ? label : NULL;
}

/* The same where db.yaml holds the labels: {3: {gender: male, age: 31}}. */
static fv_status join_labels(struct join *join, int32_t c)
{
	const audformat_scheme *scheme = join->column[c].scheme;
	const char *name = join->column[c].name;
	int32_t before = join->n_columns;
	for (int64_t r = 0; r < join->n_rows; r++) {
		const core_yaml *label = find_label(join->ctx, scheme, join->column[c].cell[r]);
		for (size_t i = 0; label && i < label->n; i++) {
			const core_yaml *value = label->entry[i].value;
			if (value->kind != CORE_YAML_SCALAR || core_yaml_is_null(value))
				continue;
			struct column *field = get_field(join, name, label->entry[i].key, before);
			char *text = core_strdup(join->ctx, value->text);
			if (!field || !text)
				return FV_FAILED;
			field->cell[r] = text;
		}
	}
	return FV_OK;
}

/* The speaker comes first, so that gender is the speaker's where others have one, too. */
static fv_status join_schemes(struct join *join)
{
	int32_t n = join->n_columns;
	for (int round = 0; round < 2; round++)
		for (int32_t c = 0; c < n; c++) {
			const audformat_scheme *scheme = join->column[c].scheme;
			if (!scheme || !strcmp(join->column[c].name, "speaker") != !round)
				continue;
			fv_status status = FV_OK;
			if (scheme->misc)
				status = join_misc(join, c);
			else if (scheme->labels)
				status = join_labels(join, c);
			if (status)
				return status;
		}
	return FV_OK;
}

/* --- result ----------------------------------------------------------------------------------- */

static fv_status make_table(struct join *join, core_csv *out)
{
	const char **header = core_alloc(join->ctx, (size_t)join->n_columns, sizeof *header);
	if (!header)
		return FV_FAILED;
	int64_t n = 0;
	for (int32_t c = 0; c < join->n_columns; c++)
		if (!join->column[c].contradicted) {
			join->column[n] = join->column[c];
			header[n++] = join->column[c].name;
		}
	fv_status status = core_csv_make(join->ctx, join->db.path, join->n_rows, header, n, out);
	if (status)
		return status;
	out->row_path = core_alloc(join->ctx, (size_t)join->n_rows, sizeof *out->row_path);
	if (!out->row_path)
		return FV_FAILED;
	for (int64_t r = 0; r < join->n_rows; r++) {
		const core_csv *csv = &join->row_table[r]->csv;
		out->row_path[r] = csv->path;
		out->line[r] = csv->line[join->row[r]];
		for (int64_t c = 0; c < n; c++)
			out->cell[r * n + c] = join->column[c].cell[r];
	}
	return FV_OK;
}

fv_status core_read_audformat(
	fv_ctx *ctx, const char *path, const char *target, core_files *files, core_csv *out)
{
	struct join join = {.ctx = ctx, .target = target};
	const char *header = path;
	if (strcmp(core_path_base(path), "db.yaml") != 0) {
		const char *folder = core_path_dir(ctx, path);
		header = folder ? core_path_join(ctx, folder, "db.yaml") : NULL;
	}
	if (!header)
		return FV_FAILED;
	fv_status status = audformat_open(ctx, header, files, &join.db);
	if (status || (status = choose_tables(&join, path)) || (status = name_splits(&join)) ||
		(status = list_rows(&join)) || (status = add_index(&join)) ||
		(status = join_tables(&join, true)) || (status = join_tables(&join, false)) ||
		(status = join_schemes(&join)))
		return status;
	return make_table(&join, out);
}
