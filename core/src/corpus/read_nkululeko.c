/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the databases that a configuration of nkululeko names. [EXP] and [DATA] say what the data
 * are; the other sections are about training. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/number.h"
#include "base/path.h"
#include "corpus/forms.h"
#include "corpus/nkululeko.h"
#include "corpus/seconds.h"

#define PARENTS_MAX 4

/* --- settings --------------------------------------------------------------------------------- */

/* True for the key NAME.KEY, or NAME where key is "". Keys are in lower case, names need not be. */
static bool is_key(const char *entry, const char *name, const char *key)
{
	size_t n = strlen(name);
	if (strncasecmp(entry, name, n) != 0)
		return false;
	return *key ? entry[n] == '.' && !strcmp(entry + n + 1, key) : !entry[n];
}

nkululeko_setting nkululeko_find(nkululeko *nk, const char *name, const char *key)
{
	const core_ini *const files[] = {&nk->ini, &nk->roots};
	for (int f = 0; f < 2; f++)
		for (int32_t i = 0; i < files[f]->n; i++) {
			const core_ini_entry *entry = &files[f]->entry[i];
			if (!strcmp(entry->section, "DATA") && is_key(entry->key, name, key))
				return (nkululeko_setting){
					files[f]->path, entry->key, entry->value, entry->line};
		}
	return (nkululeko_setting){.path = nk->ini.path, .key = key};
}

nkululeko_setting nkululeko_find_data(nkululeko *nk, const char *key)
{
	return nkululeko_find(nk, key, "");
}

/* Takes the quotes off values that are a text in quotes, as nkululeko does. */
static void strip_quotes(core_ini *ini)
{
	for (int32_t i = 0; i < ini->n; i++) {
		char *value = ini->entry[i].value + strspn(ini->entry[i].value, "'\"");
		for (size_t n = strlen(value); n && strchr("'\"", value[n - 1]);)
			value[--n] = '\0';
		ini->entry[i].value = value;
	}
}

fv_status nkululeko_fail(nkululeko *nk, const nkululeko_setting *at, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return core_fail_at(nk->ctx, FV_DATA, at->path, at->line, 0, "%s: %s", at->key, text);
}

fv_status nkululeko_read_switch(
	nkululeko *nk, const char *name, const char *key, bool otherwise, bool *out)
{
	nkululeko_setting setting = nkululeko_find(nk, name, key);
	*out = setting.value ? !strcmp(setting.value, "True") : otherwise;
	if (!setting.value || *out || !strcmp(setting.value, "False"))
		return FV_OK;
	return nkululeko_fail(nk, &setting, "'%s' is neither True nor False", setting.value);
}

fv_status nkululeko_parse(nkululeko *nk, const nkululeko_setting *setting, core_python_kind kind,
	core_python_value *out)
{
	*out = (core_python_value){0};
	const char *wrong = core_python_parse(nk->ctx, setting->value, out);
	if (!wrong && out->kind != kind)
		wrong = kind == CORE_PYTHON_DICT ? "a dict is needed: {'KEY': 'VALUE'}"
						 : "a list is needed: ['VALUE', 'VALUE']";
	if (!wrong)
		return FV_OK;
	*out = (core_python_value){0};
	return nkululeko_fail(nk, setting, "%s", wrong);
}

/* Finds a file or folder below the configuration's folder or one of its parents, because nkululeko
 * looks in the folder it is started from. NULL: there is none, or memory is out. */
static const char *find_path(nkululeko *nk, const char *path)
{
	const char *folder = nk->folder;
	if (*path == '/')
		return core_file_exists(path) || core_is_dir(path) ? path : NULL;
	while (!strncmp(path, "./", 2))
		path += 2;
	for (int i = 0; i <= PARENTS_MAX && folder; i++) {
		const char *full = core_format(nk->ctx, "%s/%s", folder, path);
		if (full && (core_file_exists(full) || core_is_dir(full)))
			return full;
		folder = core_format(nk->ctx, "%s/..", folder);
	}
	return NULL;
}

/* --- databases -------------------------------------------------------------------------------- */

/* colnames = {'old': 'new'}, and the class is called emotion. */
static fv_status rename_columns(nkululeko *nk, const char *name, core_csv *csv)
{
	nkululeko_setting setting = nkululeko_find(nk, name, "colnames");
	core_python_value names = {0};
	fv_status status = FV_OK;
	if (setting.value)
		status = nkululeko_parse(nk, &setting, CORE_PYTHON_DICT, &names);
	for (int32_t i = 0; i < names.n && !status; i++) {
		int64_t c = names.key[i].text ? core_csv_column(csv, names.key[i].text) : -1;
		if (c < 0 || !names.item[i].text)
			status = nkululeko_fail(nk, &setting, "%s has no column '%s'; %s",
				csv->path, names.key[i].text ? names.key[i].text : "",
				core_csv_columns_text(nk->ctx, csv));
		else if (core_csv_column(csv, names.item[i].text) >= 0)
			status = nkululeko_fail(nk, &setting, "%s has a column '%s' already",
				csv->path, names.item[i].text);
		else if (!(csv->header[c] = core_strdup(nk->ctx, names.item[i].text)))
			return FV_FAILED;
	}
	return status;
}

static fv_status name_class(nkululeko *nk, const nkululeko_setting *at, core_csv *csv)
{
	int64_t c = core_csv_column(csv, nk->target), other = core_csv_column(csv, "emotion");
	if (c < 0)
		return nkululeko_fail(nk, at, "%s has no column '%s', which DATA.target names; %s",
			csv->path, nk->target, core_csv_columns_text(nk->ctx, csv));
	if (c == other)
		return FV_OK;
	char *label = core_strdup(nk->ctx, "emotion");
	char *aside = core_strdup(nk->ctx, "other.emotion");
	if (!label || !aside)
		return FV_FAILED;
	if (other >= 0)
		csv->header[other] = aside;
	csv->header[c] = label;
	return FV_OK;
}

/* Takes blanks off all cells, and writes times as seconds. */
static fv_status clean_cells(nkululeko *nk, core_csv *csv)
{
	static const char *const times[] = {"start", "end"};
	fv_status status = FV_OK;
	for (int64_t i = 0; i < csv->n_rows * csv->n_columns; i++) {
		char *cell = csv->cell[i] + strspn(csv->cell[i], " \t");
		for (size_t n = strlen(cell); n && (cell[n - 1] == ' ' || cell[n - 1] == '\t');)
			cell[--n] = '\0';
		csv->cell[i] = cell;
	}
	for (int i = 0; i < 2; i++) {
		int64_t c = core_csv_column(csv, times[i]);
		for (int64_t r = 0; c >= 0 && r < csv->n_rows; r++) {
			char **cell = &csv->cell[r * csv->n_columns + c], number[32];
			double seconds;
			if (!**cell || !strcmp(*cell, "NaT"))
				**cell = '\0';
			else if (!core_parse_seconds(*cell, &seconds))
				status =
					core_fail_at(nk->ctx, FV_DATA, csv->path, (int)csv->line[r],
						0, "%s: '%s' is no time", times[i], *cell);
			else if (!(*cell = core_strdup(nk->ctx, core_number_text(number, seconds))))
				return FV_FAILED;
		}
	}
	return status;
}

static const char *skip_dots(const char *path)
{
	while (!strncmp(path, "./", 2))
		path += 2;
	return path;
}

/* Puts a folder before the relative names of recordings; NULL: none. */
static fv_status place_files(nkululeko *nk, core_csv *csv, const char *folder)
{
	int64_t c = core_csv_column(csv, "file");
	if (c < 0)
		return core_csv_fail_column(nk->ctx, csv, "file");
	for (int64_t r = 0; folder && r < csv->n_rows; r++) {
		char **cell = &csv->cell[r * csv->n_columns + c];
		if (!(*cell = core_path_join(nk->ctx, skip_dots(folder), skip_dots(*cell))))
			return FV_FAILED;
	}
	return FV_OK;
}

static fv_status read_csv(nkululeko *nk, const char *name, const nkululeko_setting *at)
{
	core_csv csv;
	const char *path = find_path(nk, at->value);
	if (!path)
		return nkululeko_fail(nk, at,
			"no file '%s' in the folder of this file or the %d above it", at->value,
			PARENTS_MAX);
	fv_status status = core_files_add(nk->ctx, nk->files, path, NULL);
	if (status || (status = core_csv_read(nk->ctx, path, &csv)) ||
		(status = clean_cells(nk, &csv)) || (status = rename_columns(nk, name, &csv)) ||
		(status = name_class(nk, at, &csv)))
		return status;
	nkululeko_setting audio = nkululeko_find(nk, name, "audio_path");
	const char *folder = audio.value;
	bool absolute;
	if ((status = nkululeko_read_switch(nk, name, "absolute_path", true, &absolute)))
		return status;
	if (!absolute) {
		const char *own = core_path_dir(nk->ctx, at->value);
		folder = folder && own ? core_path_join(nk->ctx, own, skip_dots(folder)) : own;
		if (!folder)
			return FV_FAILED;
	}
	if ((status = place_files(nk, &csv, folder)))
		return status;
	return nkululeko_add_rows(nk, name, &csv, NULL);
}

static fv_status read_table(nkululeko *nk, const char *name, const nkululeko_setting *at,
	const char *path, const char *split)
{
	core_csv csv;
	nkululeko_setting label = nkululeko_find(nk, name, "label");
	fv_status status = core_read_audformat(
		nk->ctx, path, label.value ? label.value : nk->target, nk->files, &csv);
	if (status || (status = rename_columns(nk, name, &csv)))
		return status;
	if (label.value && strcmp(label.value, nk->target) != 0) {
		int64_t c = core_csv_column(&csv, label.value);
		if (c >= 0 && core_csv_column(&csv, nk->target) < 0 &&
			!(csv.header[c] = core_strdup(nk->ctx, nk->target)))
			return FV_FAILED;
	}
	if ((status = name_class(nk, at, &csv)) || (status = place_files(nk, &csv, at->value)))
		return status;
	return nkululeko_add_rows(nk, name, &csv, split);
}

/* Reads the tables that a setting lists. *n counts them. */
static fv_status read_listed(nkululeko *nk, const char *name, const nkululeko_setting *at,
	const char *folder, const char *key, const char *split, int *n)
{
	nkululeko_setting setting = nkululeko_find(nk, name, key);
	core_python_value tables;
	if (!setting.value)
		return FV_OK;
	fv_status status = nkululeko_parse(nk, &setting, CORE_PYTHON_LIST, &tables);
	for (int32_t i = 0; i < tables.n && !status; i++) {
		const char *table = tables.item[i].text;
		const char *path = core_format(nk->ctx, "%s/db.%s.csv", folder, table ? table : "");
		if (!path)
			return FV_FAILED;
		status = read_table(nk, name, at, path, split);
		++*n;
	}
	return status;
}

static fv_status read_database(nkululeko *nk, const char *name, const nkululeko_setting *at)
{
	static const char *const split[] = {"train", "dev", "test"};
	nkululeko_setting strategy = nkululeko_find(nk, name, "split_strategy");
	const char *folder = find_path(nk, at->value);
	const char *word = strategy.value ? strategy.value : "";
	fv_status status = FV_OK;
	int n = 0;
	if (!folder)
		return nkululeko_fail(nk, at,
			"no folder '%s' in the folder of this file or the %d above it", at->value,
			PARENTS_MAX);
	for (int i = 0; i < 3 && !status && !strcmp(word, "specified"); i++) {
		const char *key = core_format(nk->ctx, "%s_tables", split[i]);
		status = key ? read_listed(nk, name, at, folder, key, split[i], &n) : FV_FAILED;
	}
	for (int i = 0; i < 3 && !status && !strcmp(word, "database"); i++) {
		const char *path =
			core_format(nk->ctx, "%s/db.%s.%s.csv", folder, nk->target, split[i]);
		if (!path)
			return FV_FAILED;
		if (i == 1 && !core_file_exists(path))
			continue;
		status = read_table(nk, name, at, path, split[i]);
		n++;
	}
	if (!status && !n && !strcmp(word, "specified"))
		return nkululeko_fail(
			nk, &strategy, "'specified' needs %s.train_tables, .test_tables", name);
	if (!status && !n)
		status = read_listed(nk, name, at, folder, "target_tables", NULL, &n);
	if (status || n)
		return status;
	const char *path = core_format(nk->ctx, "%s/db.yaml", folder);
	return path ? read_table(nk, name, at, path, NULL) : FV_FAILED;
}

static fv_status read_databases(nkululeko *nk, const nkululeko_setting *list)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < nk->databases.n; i++) {
		const char *name = nk->databases.item[i].text;
		nkululeko_setting at = nkululeko_find(nk, name ? name : "", "");
		fv_status read = FV_OK;
		if (!name || !*name || !at.value)
			read = nkululeko_fail(nk, list, "database '%s' has no line %s = PATH",
				name ? name : "", name ? name : "NAME");
		if (!read)
			read = nkululeko_check_database(nk, name);
		nkululeko_setting type = nkululeko_find(nk, name ? name : "", "type");
		if (!read && type.value && !strcmp(type.value, "csv"))
			read = read_csv(nk, name, &at);
		else if (!read && (!type.value || !strcmp(type.value, "audformat")))
			read = read_database(nk, name, &at);
		else if (!read)
			read = nkululeko_fail(
				nk, &type, "'%s' is not read, only csv and audformat", type.value);
		status = status ? status : read;
	}
	return status;
}

/* --- file ------------------------------------------------------------------------------------- */

static fv_status read_settings(nkululeko *nk)
{
	nkululeko_setting roots = nkululeko_find_data(nk, "root_folders");
	if (roots.value) {
		const char *path = find_path(nk, roots.value);
		if (!path)
			return nkululeko_fail(nk, &roots, "no file '%s'", roots.value);
		fv_status status = core_files_add(nk->ctx, nk->files, path, NULL);
		if (status || (status = core_ini_read(nk->ctx, path, &nk->roots)))
			return status;
		strip_quotes(&nk->roots);
	}
	nkululeko_setting target = nkululeko_find_data(nk, "target");
	nkululeko_setting labels = nkululeko_find_data(nk, "labels");
	if (!target.value || !strcmp(target.value, "none"))
		return fv_fail(nk->ctx, FV_DATA, "%s: [DATA] has no target = COLUMN", nk->ini.path);
	nk->target = target.value;
	return labels.value ? nkululeko_parse(nk, &labels, CORE_PYTHON_LIST, &nk->labels) : FV_OK;
}

/* A label that no row has is often one that `mapping` renames. */
static void warn_labels(nkululeko *nk, const core_csv *csv)
{
	nkululeko_setting labels = nkululeko_find_data(nk, "labels");
	int64_t c = core_csv_column(csv, "emotion");
	for (int32_t i = 0; i < nk->labels.n; i++) {
		bool found = false;
		for (int64_t r = 0; r < csv->n_rows && !found; r++)
			found = nkululeko_is_value(&nk->labels.item[i], core_csv_cell(csv, r, c));
		if (!found && nk->labels.item[i].text)
			fv_warn(nk->ctx, "%s:%d: labels: no row has '%s'", labels.path, labels.line,
				nk->labels.item[i].text);
	}
}

bool core_is_nkululeko(const char *path)
{
	size_t n = strlen(path);
	return n > 4 && !strcmp(path + n - 4, ".ini");
}

fv_status core_read_nkululeko(
	fv_ctx *ctx, const char *path, bool needs_split, core_files *files, core_csv *out)
{
	nkululeko nk = {.ctx = ctx, .needs_split = needs_split, .files = files};
	nk.folder = core_path_dir(ctx, path);
	fv_status status = nk.folder ? core_ini_read(ctx, path, &nk.ini) : FV_FAILED;
	if (status)
		return status;
	strip_quotes(&nk.ini);
	nkululeko_setting list = nkululeko_find_data(&nk, "databases");
	if (!list.value)
		return fv_fail(ctx, FV_DATA,
			"%s: no configuration of nkululeko: [DATA] has no databases = [...]", path);
	if ((status = nkululeko_parse(&nk, &list, CORE_PYTHON_LIST, &nk.databases)) ||
		(status = read_settings(&nk)))
		return status;
	fv_status checked = nkululeko_check_data(&nk);
	if ((status = read_databases(&nk, &list)) || checked)
		return status ? status : checked;
	if (!nk.n_parts)
		return nkululeko_fail(&nk, &list, "no database in the list");
	status = core_csv_join(ctx, (const core_csv *const *)nk.part, nk.n_parts, out);
	if (!status && out->n_rows == 0)
		return fv_fail(ctx, FV_DATA, "%s: no row is left after filters and splits", path);
	if (!status)
		warn_labels(&nk, out);
	return status;
}
