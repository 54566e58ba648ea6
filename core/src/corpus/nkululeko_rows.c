/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows of a database are used, under which class, and in which split. */
#include <string.h>

#include "base/missing.h"
#include "base/number.h"
#include "base/plural.h"
#include "corpus/nkululeko.h"

struct rows {
	nkululeko *nk;
	const char *name;
	core_csv *csv;
	bool *kept;         /* [csv->n_rows] */
	const char **split; /* [csv->n_rows] NULL: none */
	bool renamed;       /* speakers get the name of the database in front */
};

bool nkululeko_is_value(const core_python_value *value, const char *cell)
{
	double a, b;
	if (value->kind == CORE_PYTHON_LIST || value->kind == CORE_PYTHON_DICT)
		return false;
	if (!strcmp(value->text, cell))
		return true;
	return value->kind == CORE_PYTHON_NUMBER && core_parse_double(value->text, &a) &&
	       core_parse_double(cell, &b) && !(a < b) && !(a > b);
}

/* True if the cell is the value or one of a list. */
static bool is_among(const core_python_value *value, const char *cell)
{
	if (value->kind != CORE_PYTHON_LIST)
		return nkululeko_is_value(value, cell);
	for (int32_t i = 0; i < value->n; i++)
		if (nkululeko_is_value(&value->item[i], cell))
			return true;
	return false;
}

static fv_status find_column(
	const struct rows *rows, const nkululeko_setting *at, const char *name, int64_t *out)
{
	const char *is = strcmp(name, "emotion") ? name : "other.emotion"; /* see name_class */
	*out = core_csv_column(rows->csv, strcmp(name, rows->nk->target) ? is : "emotion");
	if (*out >= 0)
		return FV_OK;
	return nkululeko_fail(rows->nk, at, "%s has no column '%s'; %s", rows->csv->path, name,
		core_csv_columns_text(rows->nk->ctx, rows->csv));
}

/* --- filters ---------------------------------------------------------------------------------- */

static fv_status filter_column(struct rows *rows, const nkululeko_setting *at,
	const core_python_value *column, const core_python_value *values)
{
	int64_t c;
	if (column->kind != CORE_PYTHON_TEXT)
		return nkululeko_fail(rows->nk, at, "a filter is ['COLUMN', VALUE]");
	fv_status status = find_column(rows, at, column->text, &c);
	for (int64_t r = 0; r < rows->csv->n_rows && !status; r++)
		rows->kept[r] = rows->kept[r] && is_among(values, core_csv_cell(rows->csv, r, c));
	return status;
}

/* [['gender', 'female'], ['task', ['a', 'b']]] or {'gender': 'female'} */
static fv_status filter_rows(struct rows *rows, const nkululeko_setting *setting)
{
	core_python_value filters;
	if (!setting->value)
		return FV_OK;
	core_python_kind kind = *setting->value == '{' ? CORE_PYTHON_DICT : CORE_PYTHON_LIST;
	fv_status status = nkululeko_parse(rows->nk, setting, kind, &filters);
	for (int32_t i = 0; i < filters.n && !status; i++) {
		const core_python_value *item = &filters.item[i];
		if (kind == CORE_PYTHON_DICT)
			status = filter_column(rows, setting, &filters.key[i], item);
		else if (item->kind == CORE_PYTHON_LIST && item->n == 2)
			status = filter_column(rows, setting, &item->item[0], &item->item[1]);
		else
			status = nkululeko_fail(rows->nk, setting, "a filter is ['COLUMN', VALUE]");
	}
	return status;
}

static fv_status require_column(struct rows *rows)
{
	nkululeko_setting setting = nkululeko_find(rows->nk, rows->name, "required");
	int64_t c;
	if (!setting.value)
		return FV_OK;
	fv_status status = find_column(rows, &setting, setting.value, &c);
	for (int64_t r = 0; r < rows->csv->n_rows && !status; r++)
		rows->kept[r] = rows->kept[r] && !core_is_missing(core_csv_cell(rows->csv, r, c));
	return status;
}

/* --- classes ---------------------------------------------------------------------------------- */

/* True if a key names the cell; 'anger, disgust' names both. */
static bool is_in_key(const core_python_value *key, const char *cell)
{
	if (nkululeko_is_value(key, cell))
		return true;
	size_t n = strlen(cell);
	for (const char *at = key->text; n && at && strchr(key->text, ',');) {
		at += strspn(at, " ");
		size_t length = strcspn(at, ",");
		const char *next = at[length] ? at + length + 1 : NULL;
		while (length && at[length - 1] == ' ')
			length--;
		if (length == n && !memcmp(at, cell, n))
			return true;
		at = next;
	}
	return false;
}

/* Values that no key names become empty, as in nkululeko. */
static fv_status map_column(struct rows *rows, const nkululeko_setting *at, const char *column,
	const core_python_value *map)
{
	int64_t c;
	for (int32_t i = 0; i < map->n; i++)
		if (!map->key[i].text || !map->item[i].text)
			return nkululeko_fail(
				rows->nk, at, "a mapping is {'old': 'new'}, in quotes");
	fv_status status = find_column(rows, at, column, &c);
	for (int64_t r = 0; r < rows->csv->n_rows && !status; r++) {
		char **cell = &rows->csv->cell[r * rows->csv->n_columns + c];
		const char *value = "";
		for (int32_t i = 0; i < map->n; i++)
			if (is_in_key(&map->key[i], *cell))
				value = map->item[i].text;
		*cell = core_strdup(rows->nk->ctx, value);
		status = *cell ? FV_OK : FV_FAILED;
	}
	return status;
}

/* {'anger': 'angry'} for the class, or {'emotion': {...}, 'gender': {...}} for several columns. A mapping
 * of [DATA] is that of all databases without one of their own. */
static fv_status map_values(struct rows *rows)
{
	nkululeko_setting setting = nkululeko_find(rows->nk, rows->name, "mapping");
	core_python_value map;
	if (!setting.value)
		setting = nkululeko_find_data(rows->nk, "mapping");
	if (!setting.value)
		return FV_OK;
	fv_status status = nkululeko_parse(rows->nk, &setting, CORE_PYTHON_DICT, &map);
	if (status)
		return status;
	if (!map.n || map.item[0].kind != CORE_PYTHON_DICT)
		return map_column(rows, &setting, rows->nk->target, &map);
	for (int32_t i = 0; i < map.n && !status; i++) {
		const char *column = map.key[i].text;
		if (!column || map.item[i].kind != CORE_PYTHON_DICT)
			return nkululeko_fail(rows->nk, &setting,
				"a mapping of several columns is {'COLUMN': {'old': 'new'}}");
		status = map_column(rows, &setting, column, &map.item[i]);
	}
	return status;
}

/* Classes that are not among DATA.labels become empty. */
static void keep_labels(struct rows *rows)
{
	static char empty[] = "";
	int64_t c = core_csv_column(rows->csv, "emotion");
	for (int64_t r = 0; r < rows->csv->n_rows && rows->nk->labels.n; r++) {
		char **cell = &rows->csv->cell[r * rows->csv->n_columns + c];
		if (!is_among(&rows->nk->labels, *cell))
			*cell = empty;
	}
}

/* --- splits ----------------------------------------------------------------------------------- */

/* True if a row has the value. A speaker may have the name that rename_speakers gives. */
static bool has_value(
	const struct rows *rows, int64_t r, int64_t column, const core_python_value *value)
{
	const char *cell = core_csv_cell(rows->csv, r, column);
	if (nkululeko_is_value(value, cell))
		return true;
	size_t n = strlen(rows->name);
	return rows->renamed && value->kind == CORE_PYTHON_TEXT &&
	       !strncmp(value->text, rows->name, n) && !strcmp(value->text + n, cell) &&
	       !strcmp(rows->csv->header[column], "speaker");
}

/* Puts the rows that have a value into a split and adds their number to *n. */
static fv_status put_value(struct rows *rows, const nkululeko_setting *at, int64_t column,
	const core_python_value *value, const char *split, int64_t *n)
{
	fv_status status = FV_OK;
	int64_t before = *n;
	for (int64_t r = 0; r < rows->csv->n_rows && !status; r++) {
		if (!has_value(rows, r, column, value))
			continue;
		++*n;
		if (rows->split[r] && strcmp(rows->split[r], split) != 0)
			status = nkululeko_fail(rows->nk, at, "'%s' is in two splits, %s and %s",
				core_csv_cell(rows->csv, r, column), rows->split[r], split);
		rows->split[r] = split;
	}
	if (*n == before)
		fv_warn(rows->nk->ctx, "%s:%d: %s: no row of %s has '%s'", at->path, at->line,
			at->key, rows->csv->path, value->text ? value->text : "[...]");
	return status;
}

/* Puts the rows whose column has one of the values of a setting into a split. */
static fv_status put_values(struct rows *rows, const char *key, int64_t column, const char *split)
{
	nkululeko_setting setting = nkululeko_find(rows->nk, rows->name, key);
	core_python_value values;
	int64_t n = 0;
	if (!setting.value)
		return FV_OK;
	fv_status status = nkululeko_parse(rows->nk, &setting, CORE_PYTHON_LIST, &values);
	for (int32_t i = 0; i < values.n && !status; i++)
		status = put_value(rows, &setting, column, &values.item[i], split, &n);
	if (!status && values.n && !n)
		status = nkululeko_fail(
			rows->nk, &setting, "no row of %s has one of the values", rows->csv->path);
	return status;
}

/* Rows without a split get this one; NULL: they are left out. */
static void put_rest(struct rows *rows, const char *split)
{
	for (int64_t r = 0; r < rows->csv->n_rows; r++) {
		if (!rows->split[r] && split)
			rows->split[r] = split;
		else if (!rows->split[r])
			rows->kept[r] = false;
	}
}

/* speakers_stated: DATA.NAME.test and .dev are lists of speakers, .train too or the rest. */
static fv_status put_speakers(struct rows *rows, const nkululeko_setting *at)
{
	int64_t c;
	fv_status status = find_column(rows, at, "speaker", &c);
	if (!status && !(status = put_values(rows, "test", c, "test")) &&
		!(status = put_values(rows, "dev", c, "dev")))
		status = put_values(rows, "train", c, "train");
	if (!status)
		put_rest(
			rows, nkululeko_find(rows->nk, rows->name, "train").value ? NULL : "train");
	return status;
}

/* column: NAME.split_column, and lists of its values. */
static fv_status put_by_column(struct rows *rows, const nkululeko_setting *at)
{
	static const char *const key[][2] = {{"train_vals", "train"}, {"train_values", "train"},
		{"dev_vals", "dev"}, {"dev_values", "dev"}, {"test_vals", "test"},
		{"test_values", "test"}};
	nkululeko_setting column = nkululeko_find(rows->nk, rows->name, "split_column");
	int64_t c;
	if (!column.value)
		return nkululeko_fail(rows->nk, at, "'column' needs %s.split_column", rows->name);
	fv_status status = find_column(rows, &column, column.value, &c);
	for (size_t i = 0; i < sizeof key / sizeof *key && !status; i++)
		status = put_values(rows, key[i][0], c, key[i][1]);
	put_rest(rows, NULL);
	return status;
}

/* A list of speakers is the test set. */
static fv_status put_listed(struct rows *rows, const nkululeko_setting *at)
{
	int64_t c;
	fv_status status = find_column(rows, at, "speaker", &c);
	if (!status)
		status = put_values(rows, "split_strategy", c, "test");
	if (!status)
		put_rest(rows, "train");
	return status;
}

static fv_status put_splits(struct rows *rows)
{
	nkululeko_setting at = nkululeko_find(rows->nk, rows->name, "split_strategy");
	const char *strategy = at.value ? at.value : "speaker_split";
	if (!at.value)
		at = nkululeko_find(rows->nk, rows->name, "");
	if (!strcmp(strategy, "train") || !strcmp(strategy, "dev") || !strcmp(strategy, "test"))
		put_rest(rows, strategy);
	else if (*strategy == '[')
		return put_listed(rows, &at);
	else if (!strcmp(strategy, "speakers_stated"))
		return put_speakers(rows, &at);
	else if (!strcmp(strategy, "column"))
		return put_by_column(rows, &at);
	else if (strcmp(strategy, "speaker_split") != 0 && strcmp(strategy, "random") != 0 &&
		 strcmp(strategy, "balanced") != 0 && strcmp(strategy, "reuse") != 0)
		return nkululeko_fail(rows->nk, &at,
			"'%s' is no split strategy that is read (train, dev, test, a list of "
			"speakers, speakers_stated, column; database and specified for audformat)",
			strategy);
	else if (rows->nk->needs_split)
		return nkululeko_fail(rows->nk, &at,
			"the strategy '%s' draws the test set anew each time: with corpus.folds: "
			"{make: 5} fairvox makes folds by speaker, the same each time",
			strategy);
	return FV_OK;
}

/* as_test and as_train leave the other splits out. */
static fv_status keep_one_split(struct rows *rows)
{
	static const char *const key[][2] = {{"as_test", "test"}, {"as_train", "train"}};
	for (int i = 0; i < 2; i++) {
		bool only;
		fv_status status =
			nkululeko_read_switch(rows->nk, rows->name, key[i][0], false, &only);
		if (status)
			return status;
		for (int64_t r = 0; r < rows->csv->n_rows && only; r++)
			rows->kept[r] = rows->kept[r] && rows->split[r] &&
					!strcmp(rows->split[r], key[i][1]);
	}
	return FV_OK;
}

/* --- result ----------------------------------------------------------------------------------- */

static fv_status rename_speakers(struct rows *rows)
{
	int64_t c = core_csv_column(rows->csv, "speaker");
	for (int64_t r = 0; c >= 0 && rows->renamed && r < rows->csv->n_rows; r++) {
		char **cell = &rows->csv->cell[r * rows->csv->n_columns + c];
		if (!core_is_missing(*cell) &&
			!(*cell = core_format(rows->nk->ctx, "%s%s", rows->name, *cell)))
			return FV_FAILED;
	}
	return FV_OK;
}

static fv_status add_part(nkululeko *nk, core_csv *csv)
{
	if (nk->n_parts == nk->capacity) {
		int32_t capacity = nk->capacity ? 2 * nk->capacity : 8;
		core_csv **grown = core_alloc(nk->ctx, (size_t)capacity, sizeof *grown);
		if (!grown)
			return FV_FAILED;
		if (nk->n_parts)
			memcpy(grown, nk->part, (size_t)nk->n_parts * sizeof *grown);
		nk->part = grown;
		nk->capacity = capacity;
	}
	nk->part[nk->n_parts++] = csv;
	return FV_OK;
}

/* The header of the result: a column of splits is added if any row has one. A column that the
 * database calls split keeps its name behind the database's. NULL when memory is out. */
static const char **make_header(struct rows *rows, int64_t *n)
{
	const core_csv *csv = rows->csv;
	const char **header = core_alloc(rows->nk->ctx, (size_t)csv->n_columns + 1, sizeof *header);
	*n = csv->n_columns;
	for (int64_t j = 0; header && j < csv->n_columns; j++) {
		header[j] = csv->header[j];
		if (!strcmp(header[j], "split") &&
			!(header[j] = core_format(rows->nk->ctx, "%s.split", rows->name)))
			return NULL;
	}
	for (int64_t r = 0; header && r < csv->n_rows && *n == csv->n_columns; r++)
		if (rows->split[r])
			header[(*n)++] = "split";
	return header;
}

/* The rows that are kept. */
static fv_status copy_rows(struct rows *rows)
{
	const core_csv *from = rows->csv;
	nkululeko *nk = rows->nk;
	int64_t n = 0, columns, row = 0;
	core_csv *to = core_alloc(nk->ctx, 1, sizeof *to);
	const char **header = make_header(rows, &columns);
	if (!to || !header)
		return FV_FAILED;
	for (int64_t r = 0; r < from->n_rows; r++)
		n += rows->kept[r];
	fv_status status = core_csv_make(nk->ctx, from->path, n, header, columns, to);
	if (status)
		return status;
	to->header_line = from->header_line;
	to->row_path = core_alloc(nk->ctx, (size_t)n, sizeof *to->row_path);
	if (!to->row_path)
		return FV_FAILED;
	for (int64_t r = 0; r < from->n_rows; r++) {
		if (!rows->kept[r])
			continue;
		char **cell = &to->cell[row * columns];
		memcpy(cell, &from->cell[r * from->n_columns],
			(size_t)from->n_columns * sizeof *cell);
		if (columns > from->n_columns && !(cell[columns - 1] = core_strdup(nk->ctx,
							   rows->split[r] ? rows->split[r] : "")))
			return FV_FAILED;
		to->line[row] = from->line[r];
		to->row_path[row++] = from->row_path ? from->row_path[r] : from->path;
	}
	if (n < from->n_rows)
		core_log(nk->ctx, CORE_INFO, "%s: database '%s': %lld of %lld row%s %s used",
			from->path, rows->name, (long long)n, (long long)from->n_rows,
			core_plural(from->n_rows), n == 1 ? "is" : "are");
	return add_part(nk, to);
}

fv_status nkululeko_add_rows(nkululeko *nk, const char *name, core_csv *csv, const char *split)
{
	struct rows rows = {.nk = nk, .name = name, .csv = csv};
	rows.kept = core_alloc(nk->ctx, (size_t)csv->n_rows, sizeof *rows.kept);
	rows.split = core_alloc(nk->ctx, (size_t)csv->n_rows, sizeof *rows.split);
	if (!rows.kept || !rows.split)
		return FV_FAILED;
	for (int64_t r = 0; r < csv->n_rows; r++)
		rows.kept[r] = true;
	nkululeko_setting own = nkululeko_find(nk, name, "filter");
	nkululeko_setting all = nkululeko_find_data(nk, "filter");
	fv_status status = filter_rows(&rows, &own);
	if (status || (status = require_column(&rows)) ||
		(status = nkululeko_read_switch(nk, name, "rename_speakers", false, &rows.renamed)))
		return status;
	if (split)
		put_rest(&rows, split);
	else if ((status = put_splits(&rows)))
		return status;
	if ((status = keep_one_split(&rows)) || (status = map_values(&rows)))
		return status;
	keep_labels(&rows);
	/* the filter of [DATA] sees the mapped classes, that of a database those of its files */
	if ((status = filter_rows(&rows, &all)) || (status = rename_speakers(&rows)))
		return status;
	return copy_rows(&rows);
}
