/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/audformat.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/missing.h"
#include "base/nearest.h"
#include "base/number.h"
#include "base/path.h"
#include "base/plural.h"
#include "corpus/corpus_private.h"
#include "corpus/forms.h"
#include "corpus/seconds.h"

#define FAIL_AT(ctx, node, ...) core_fail_place(ctx, FV_DATA, (node)->place, __VA_ARGS__)

/* --- the header ------------------------------------------------------------------------------- */

/* The text of a scalar entry; NULL when it is missing, null or no scalar. */
static const char *get_text(const core_yaml *map, const char *key)
{
	const core_yaml *value = core_yaml_get(map, key);
	if (!value || value->kind != CORE_YAML_SCALAR || core_yaml_is_null(value))
		return NULL;
	return value->text;
}

/* Sets *out to a map that may be missing or null (then NULL). */
static fv_status get_map(fv_ctx *ctx, const core_yaml *map, const char *key, const core_yaml **out)
{
	const core_yaml *value = core_yaml_get(map, key);
	*out = value && !core_yaml_is_null(value) ? value : NULL;
	if (*out && value->kind != CORE_YAML_MAP)
		return FAIL_AT(ctx, value, "'%s' must be a map", key);
	return FV_OK;
}

static fv_status read_columns(fv_ctx *ctx, const core_yaml *node, audformat_table *table)
{
	const core_yaml *columns;
	fv_status status = get_map(ctx, node, "columns", &columns);
	if (status || !columns)
		return status;
	table->column = core_alloc(ctx, columns->n, sizeof *table->column);
	if (!table->column)
		return FV_FAILED;
	table->n_columns = (int32_t)columns->n;
	for (size_t i = 0; i < columns->n; i++)
		table->column[i] = (audformat_column){columns->entry[i].key,
			get_text(columns->entry[i].value, "scheme_id"),
			columns->entry[i].value->place};
	return FV_OK;
}

static fv_status read_table_head(fv_ctx *ctx, const core_entry *entry, audformat_table *table)
{
	const core_yaml *node = entry->value;
	table->name = entry->key;
	if (node->kind != CORE_YAML_MAP)
		return FAIL_AT(ctx, node, "table '%s' must be a map", entry->key);
	if (table->misc) {
		const core_yaml *levels = core_yaml_get(node, "levels");
		if (!levels || levels->kind == CORE_YAML_SCALAR || levels->n == 0)
			return FAIL_AT(ctx, node, "table '%s' has no levels", entry->key);
		table->n_levels = (int32_t)levels->n;
	} else {
		const char *type = get_text(node, "type");
		table->segmented = type && !strcmp(type, "segmented");
		if (!table->segmented && (!type || strcmp(type, "filewise") != 0))
			return FAIL_AT(ctx, node,
				"table '%s' has the type '%s', not filewise or segmented",
				entry->key, type ? type : "");
		table->n_levels = table->segmented ? 3 : 1;
		table->split = get_text(node, "split_id");
	}
	table->place = node->place;
	return read_columns(ctx, node, table);
}

static fv_status read_scheme(fv_ctx *ctx, const core_entry *entry, audformat_scheme *scheme)
{
	const core_yaml *node = entry->value, *labels = core_yaml_get(node, "labels");
	const char *type = get_text(node, "dtype");
	if (node->kind != CORE_YAML_MAP)
		return FAIL_AT(ctx, node, "scheme '%s' must be a map", entry->key);
	scheme->name = entry->key;
	scheme->numeric = type && (!strcmp(type, "int") || !strcmp(type, "float"));
	if (labels && labels->kind == CORE_YAML_SCALAR)
		scheme->misc = get_text(node, "labels");
	else
		scheme->labels = labels;
	return FV_OK;
}

/* Tables may name only schemes and splits that the header has. */
static fv_status check_names(fv_ctx *ctx, const audformat_db *db)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < db->n_tables; i++) {
		const audformat_table *table = &db->table[i];
		if (table->split && db->splits && !core_yaml_get(db->splits, table->split))
			status = core_fail_place(ctx, FV_DATA, table->place,
				"table '%s' is of the split '%s', which 'splits' does not have",
				table->name, table->split);
		for (int32_t c = 0; c < table->n_columns; c++) {
			const audformat_column *column = &table->column[c];
			if (column->scheme && !audformat_find_scheme(db, column->scheme))
				status = core_fail_place(ctx, FV_DATA, column->place,
					"column '%s' of table '%s' has the scheme '%s', which "
					"'schemes' does not have",
					column->name, table->name, column->scheme);
		}
	}
	return status;
}

static fv_status read_header(fv_ctx *ctx, const core_yaml *root, audformat_db *db)
{
	const core_yaml *tables, *misc, *schemes;
	if (root->kind != CORE_YAML_MAP)
		return FAIL_AT(ctx, root, "no header of an audformat database: no map");
	fv_status status = get_map(ctx, root, "tables", &tables);
	if (status || (status = get_map(ctx, root, "misc_tables", &misc)) ||
		(status = get_map(ctx, root, "schemes", &schemes)) ||
		(status = get_map(ctx, root, "splits", &db->splits)))
		return status;
	if (!tables || !tables->n)
		return FAIL_AT(ctx, root, "no header of an audformat database: it has no tables");
	size_t n = tables->n + (misc ? misc->n : 0), n_schemes = schemes ? schemes->n : 0;
	db->table = core_alloc(ctx, n, sizeof *db->table);
	db->scheme = core_alloc(ctx, n_schemes, sizeof *db->scheme);
	if (!db->table || !db->scheme)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++) {
		audformat_table *table = &db->table[db->n_tables++];
		table->misc = i >= tables->n;
		const core_entry *entry =
			table->misc ? &misc->entry[i - tables->n] : &tables->entry[i];
		fv_status found = read_table_head(ctx, entry, table);
		status = found ? found : status;
	}
	for (size_t i = 0; i < n_schemes; i++) {
		fv_status found =
			read_scheme(ctx, &schemes->entry[i], &db->scheme[db->n_schemes++]);
		status = found ? found : status;
	}
	return status ? status : check_names(ctx, db);
}

/* Reads the YAML twice, because what is wrong in a configuration (FV_CONFIG) is bad data here. */
static fv_status read_yaml(fv_ctx *ctx, const char *path, core_yaml **root)
{
	fv_ctx *aside = core_ctx_aside(ctx);
	if (!aside)
		return FV_FAILED;
	fv_status status = core_yaml_read(aside, path, root);
	status = core_ctx_rejoin(ctx, aside, status == FV_CONFIG ? FV_DATA : status);
	return status ? status : core_yaml_read(ctx, path, root);
}

fv_status audformat_open(fv_ctx *ctx, const char *path, core_files *files, audformat_db *out)
{
	*out = (audformat_db){
		.path = core_strdup(ctx, path), .folder = core_path_dir(ctx, path), .files = files};
	core_yaml *root;
	if (!out->path || !out->folder)
		return FV_FAILED;
	fv_status status = read_yaml(ctx, out->path, &root);
	return status ? status : read_header(ctx, root, out);
}

/* --- tables ----------------------------------------------------------------------------------- */

static fv_status find_file(
	fv_ctx *ctx, const audformat_db *db, const audformat_table *table, const char **out)
{
	static const char *const others[] = {"parquet", "pkl"};
	const char *path = core_format(ctx, "%s/db.%s.csv", db->folder, table->name);
	if (!path)
		return FV_FAILED;
	*out = path;
	for (size_t i = 0; i < sizeof others / sizeof *others && !core_file_exists(path); i++) {
		const char *other =
			core_format(ctx, "%s/db.%s.%s", db->folder, table->name, others[i]);
		if (!other)
			return FV_FAILED;
		if (core_file_exists(other))
			return fv_fail(ctx, FV_DATA,
				"%s: tables are read as CSV, not %s: in Python, "
				"audformat.Database.load('%s').save('%s', storage_format='csv') "
				"writes them",
				other, i ? "pickle" : "parquet", db->folder, db->folder);
	}
	if (!core_file_exists(path))
		return fv_fail(ctx, FV_DATA, "%s: no such file, but %s names the table '%s'", path,
			db->path, table->name);
	return core_files_add(ctx, db->files, path, NULL);
}

static fv_status find_columns(fv_ctx *ctx, const audformat_db *db, audformat_table *table)
{
	static const char *const levels[] = {"file", "start", "end"};
	const core_csv *csv = &table->csv;
	if (csv->n_columns < table->n_levels)
		return core_fail_at(ctx, FV_DATA, csv->path, core_csv_header_line(csv), 0,
			"%lld column%s, needs at least %d", (long long)csv->n_columns,
			core_plural(csv->n_columns), (int)table->n_levels);
	for (int32_t i = 0; i < table->n_levels && !table->misc; i++)
		if (strcmp(csv->header[i], levels[i]) != 0)
			return core_fail_at(ctx, FV_DATA, csv->path, core_csv_header_line(csv), 0,
				"column %d is '%s', not '%s': %s says that the table is %s",
				(int)i + 1, csv->header[i], levels[i], db->path,
				table->segmented ? "segmented" : "filewise");
	table->csv_column = core_alloc(ctx, (size_t)table->n_columns, sizeof *table->csv_column);
	if (!table->csv_column)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (int32_t i = 0; i < table->n_columns; i++) {
		table->csv_column[i] = core_csv_column(csv, table->column[i].name);
		if (table->csv_column[i] < 0)
			status = core_fail_at(ctx, FV_DATA, csv->path, core_csv_header_line(csv), 0,
				"no column '%s', which %s names", table->column[i].name, db->path);
	}
	return status;
}

/* Replaces a time by its seconds as text; an empty one stays empty. */
static fv_status read_time(fv_ctx *ctx, const core_csv *csv, int64_t row, int64_t column)
{
	char **cell = &csv->cell[row * csv->n_columns + column], number[32];
	double seconds;
	if (!**cell || !strcmp(*cell, "NaT")) {
		*cell = core_strdup(ctx, "");
	} else if (!core_parse_seconds(*cell, &seconds)) {
		return core_fail_at(ctx, FV_DATA, csv->path, (int)csv->line[row], 0,
			"%s: '%s' is no time", csv->header[column], *cell);
	} else {
		*cell = core_strdup(ctx, core_number_text(number, seconds));
	}
	return *cell ? FV_OK : FV_FAILED;
}

const char *audformat_make_key(fv_ctx *ctx, const char *file, const char *start, const char *end)
{
	return start ? core_format(ctx, "%s\n%s\n%s", file, *start ? start : "0", end)
		     : core_strdup(ctx, file);
}

const char *audformat_value_key(fv_ctx *ctx, bool numeric, const char *value)
{
	char text[32];
	double number;
	if (!numeric || !core_parse_double(value, &number))
		return core_strdup(ctx, value);
	return core_strdup(ctx, core_number_text(text, number));
}

static bool is_index_numeric(const audformat_db *db, const audformat_table *table)
{
	for (int32_t i = 0; i < db->n_schemes; i++)
		if (db->scheme[i].misc && !strcmp(db->scheme[i].misc, table->name))
			return db->scheme[i].numeric;
	return false;
}

static fv_status make_keys(fv_ctx *ctx, const audformat_db *db, audformat_table *table)
{
	const core_csv *csv = &table->csv;
	bool numeric = table->misc && is_index_numeric(db, table);
	fv_status status = FV_OK;
	for (int64_t r = 0; r < csv->n_rows; r++) {
		if (table->segmented) {
			fv_status start = read_time(ctx, csv, r, 1),
				  end = read_time(ctx, csv, r, 2);
			if (start || end) {
				status = start ? start : end;
				continue;
			}
			table->key[r] = audformat_make_key(ctx, core_csv_cell(csv, r, 0),
				core_csv_cell(csv, r, 1), core_csv_cell(csv, r, 2));
		} else {
			table->key[r] = audformat_value_key(ctx, numeric, core_csv_cell(csv, r, 0));
		}
		if (!table->key[r])
			return FV_FAILED;
	}
	return status;
}

static int by_key(const void *a, const void *b, void *keys)
{
	const char *const *key = keys;
	int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
	int order = strcmp(key[i], key[j]);
	return order ? order : (i > j) - (i < j);
}

static fv_status sort_rows(fv_ctx *ctx, audformat_table *table)
{
	const core_csv *csv = &table->csv;
	for (int64_t r = 0; r < csv->n_rows; r++)
		table->order[r] = r;
	qsort_r(table->order, (size_t)csv->n_rows, sizeof *table->order, by_key,
		(void *)table->key);
	if (table->misc && table->n_levels > 1) /* the key is the first level alone */
		return FV_OK;
	fv_status status = FV_OK;
	for (int64_t i = 1; i < csv->n_rows; i++) {
		int64_t first = table->order[i - 1], again = table->order[i];
		if (!strcmp(table->key[first], table->key[again]))
			status = core_fail_at(ctx, FV_DATA, csv->path, (int)csv->line[again], 0,
				"'%s' appears twice, first on line %lld",
				core_csv_cell(csv, again, 0), (long long)csv->line[first]);
	}
	return status;
}

/* The values of a scheme's labels, sorted, as keys. n = 0: any value. */
static fv_status list_labels(
	fv_ctx *ctx, const audformat_scheme *scheme, const char ***out, int32_t *n)
{
	const core_yaml *labels = scheme ? scheme->labels : NULL;
	size_t size = labels ? labels->n : 0;
	const char **key = core_alloc(ctx, size, sizeof *key);
	int32_t *id = core_alloc(ctx, size, sizeof *id);
	*n = 0;
	if (!key || !id)
		return FV_FAILED;
	for (size_t i = 0; i < size; i++) {
		const core_yaml *value = labels->entry[i].value;
		const char *text = labels->kind == CORE_YAML_MAP ? labels->entry[i].key
				   : value->text                 ? value->text
								 : "";
		if (!(key[i] = audformat_value_key(ctx, scheme->numeric, text)))
			return FV_FAILED;
	}
	return size ? core_names_index(ctx, key, (int64_t)size, id, out, n) : FV_OK;
}

/* Values that their scheme does not list. */
static fv_status check_values(fv_ctx *ctx, const audformat_db *db, const audformat_table *table)
{
	const core_csv *csv = &table->csv;
	fv_status status = FV_OK;
	for (int32_t c = 0; c < table->n_columns; c++) {
		const audformat_scheme *scheme = audformat_find_scheme(db, table->column[c].scheme);
		const char **label;
		int32_t n;
		if (list_labels(ctx, scheme, &label, &n))
			return FV_FAILED;
		for (int64_t r = 0; n && r < csv->n_rows; r++) {
			const char *cell = core_csv_cell(csv, r, table->csv_column[c]);
			const char *key = audformat_value_key(ctx, scheme->numeric, cell);
			if (!key)
				return FV_FAILED;
			if (!core_is_missing(cell) && core_names_find(label, n, key) < 0)
				status = core_fail_at(ctx, FV_DATA, csv->path, (int)csv->line[r], 0,
					"%s: '%s' is no label of the scheme '%s'%s",
					table->column[c].name, cell, scheme->name,
					core_suggest_name(ctx, key, label, (size_t)n));
		}
	}
	return status;
}

fv_status audformat_load_table(fv_ctx *ctx, audformat_db *db, audformat_table *table)
{
	if (table->loaded)
		return FV_OK;
	const char *path;
	fv_status status = find_file(ctx, db, table, &path);
	if (status || (status = core_csv_read(ctx, path, &table->csv)) ||
		(status = find_columns(ctx, db, table)))
		return status;
	size_t n = (size_t)table->csv.n_rows;
	table->key = core_alloc(ctx, n, sizeof *table->key);
	table->order = core_alloc(ctx, n, sizeof *table->order);
	if (!table->key || !table->order)
		return FV_FAILED;
	if ((status = make_keys(ctx, db, table)) || (status = sort_rows(ctx, table)) ||
		(status = check_values(ctx, db, table)))
		return status;
	table->loaded = true;
	return FV_OK;
}

int64_t audformat_find_row(const audformat_table *table, const char *key)
{
	int64_t low = 0, high = table->csv.n_rows;
	while (low < high) {
		int64_t middle = low + (high - low) / 2, row = table->order[middle];
		int order = strcmp(table->key[row], key);
		if (!order)
			return row;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* --- names ------------------------------------------------------------------------------------ */

audformat_table *audformat_find_table(const audformat_db *db, const char *name)
{
	for (int32_t i = 0; i < db->n_tables; i++)
		if (!strcmp(db->table[i].name, name))
			return &db->table[i];
	return NULL;
}

const audformat_scheme *audformat_find_scheme(const audformat_db *db, const char *name)
{
	for (int32_t i = 0; name && i < db->n_schemes; i++)
		if (!strcmp(db->scheme[i].name, name))
			return &db->scheme[i];
	return NULL;
}

const audformat_column *audformat_find_column(const audformat_table *table, const char *name)
{
	const audformat_column *found = NULL;
	int32_t n = 0;
	for (int32_t i = 0; i < table->n_columns; i++) {
		const audformat_column *column = &table->column[i];
		if (!strcmp(column->name, name))
			return column;
		if (column->scheme && !strcmp(column->scheme, name)) {
			found = column;
			n++;
		}
	}
	return n == 1 ? found : NULL;
}

const char *audformat_split_type(const audformat_db *db, const char *split)
{
	const core_yaml *type = core_yaml_get(core_yaml_get(db->splits, split), "type");
	return type && type->kind == CORE_YAML_SCALAR && !core_yaml_is_null(type) ? type->text
										  : split;
}

bool core_is_audformat(const char *path)
{
	const char *base = core_path_base(path);
	size_t n = strlen(base), folder = (size_t)(base - path);
	char header[4096];
	if (!strcmp(base, "db.yaml"))
		return true;
	if (n < 8 || strncmp(base, "db.", 3) || strcmp(base + n - 4, ".csv") != 0 ||
		folder + sizeof "db.yaml" > sizeof header)
		return false;
	memcpy(header, path, folder);
	memcpy(header + folder, "db.yaml", sizeof "db.yaml");
	return core_file_exists(header);
}
