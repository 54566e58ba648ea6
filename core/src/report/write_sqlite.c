/* SPDX-License-Identifier: Apache-2.0 */
/* Writes results as an SQLite database: a table for each result table in its long form, and the table
 * `epochs` with the learning curves, a row for each value of each epoch. */
#include "report/write_sqlite.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "report/history.h"
#include "report/long_form.h"
#include "report/write.h"

struct database {
	fv_ctx *ctx;
	sqlite3 *file;
	sqlite3_stmt *insert; /* into the table being filled */
	size_t n_columns;
	const char *variant; /* of the run whose epochs are written */
	const core_run_result *run;
};

static fv_status fail_with_message(const struct database *d)
{
	return fv_fail(d->ctx, FV_FAILED, "SQLite: %s", sqlite3_errmsg(d->file));
}

static fv_status execute_statement(struct database *d, const char *statement)
{
	return sqlite3_exec(d->file, statement, NULL, NULL, NULL) ? fail_with_message(d) : FV_OK;
}

/* Appends a name in double quotes, in which a quote is doubled. */
static void put_name(core_text *out, const char *name)
{
	core_text_add(out, "\"");
	for (; *name; name++)
		core_text_add(out, *name == '"' ? "\"\"" : "%c", *name);
	core_text_add(out, "\"");
}

/* Creates a table and prepares the statement that adds a row. Columns have no type: each value has its own. */
static fv_status create_table(
	struct database *d, const char *table, size_t n, const char *const *column)
{
	core_text create = {0}, insert = {0};
	core_text_add(&create, "CREATE TABLE ");
	put_name(&create, table);
	core_text_add(&insert, "INSERT INTO ");
	put_name(&insert, table);
	core_text_add(&insert, " VALUES ");
	for (size_t k = 0; k < n; k++) {
		core_text_add(&create, k ? ", " : " (");
		put_name(&create, column[k]);
		core_text_add(&insert, k ? ", ?" : "(?");
	}
	core_text_add(&create, ")");
	core_text_add(&insert, ")");
	fv_status status = create.failed || insert.failed
				   ? fv_fail(d->ctx, FV_FAILED, "out of memory")
				   : execute_statement(d, create.data);
	sqlite3_finalize(d->insert);
	d->insert = NULL;
	d->n_columns = n;
	if (!status && sqlite3_prepare_v2(d->file, insert.data, -1, &d->insert, NULL))
		status = fail_with_message(d);
	core_text_free(&create);
	core_text_free(&insert);
	return status;
}

/* An undefined number is NULL, as SQLite has no NaN. */
static int bind_cell(sqlite3_stmt *insert, int at, const core_cell *cell)
{
	switch (cell->kind) {
	case CORE_CELL_TEXT:
		return sqlite3_bind_text(insert, at, cell->text, -1, SQLITE_TRANSIENT);
	case CORE_CELL_INTEGER:
		return sqlite3_bind_int64(insert, at, cell->integer);
	case CORE_CELL_REAL:
		return isnan(cell->real) ? sqlite3_bind_null(insert, at)
					 : sqlite3_bind_double(insert, at, cell->real);
	case CORE_CELL_EMPTY:
		break;
	}
	return sqlite3_bind_null(insert, at);
}

static fv_status add_row(void *user, const core_cell *cell)
{
	struct database *d = user;
	for (size_t k = 0; k < d->n_columns; k++)
		if (bind_cell(d->insert, (int)k + 1, &cell[k]))
			return fail_with_message(d);
	return sqlite3_step(d->insert) != SQLITE_DONE || sqlite3_reset(d->insert)
		       ? fail_with_message(d)
		       : FV_OK;
}

static fv_status add_table(struct database *d, const core_result_table *t)
{
	core_long_form form;
	fv_status status = core_long_form_make(d->ctx, t, &form);
	if (!status)
		status = create_table(d, t->name, form.n_columns, form.name);
	return status ? status : core_long_form_each(&form, add_row, d);
}

static core_cell make_integer(int64_t value)
{
	return (core_cell){.kind = CORE_CELL_INTEGER, .integer = value};
}

enum { EPOCH_COLUMNS = 7 };

/* Adds a row for each number of an epoch. */
static fv_status add_epoch(struct database *d, const json_t *epoch)
{
	const char *key;
	json_t *value;
	core_cell cell[EPOCH_COLUMNS] = {{.kind = CORE_CELL_TEXT, .text = d->variant},
		make_integer(d->run->fold), make_integer(d->run->seed),
		make_integer(json_integer_value(json_object_get(epoch, "stage"))),
		make_integer(json_integer_value(json_object_get(epoch, "epoch")))};
	fv_status status = FV_OK;
	json_object_foreach((json_t *)epoch, key, value)
	{
		if (status || !json_is_number(value) || !strcmp(key, "stage") ||
			!strcmp(key, "epoch"))
			continue;
		cell[5] = (core_cell){.kind = CORE_CELL_TEXT, .text = key};
		cell[6] = (core_cell){.kind = CORE_CELL_REAL, .real = json_number_value(value)};
		status = add_row(d, cell);
	}
	return status;
}

static fv_status add_run(struct database *d)
{
	json_t *epochs, *epoch;
	size_t i;
	fv_status status = core_history_read(d->ctx, d->run, &epochs);
	if (status)
		return status;
	json_array_foreach(epochs, i, epoch) status = status ? status : add_epoch(d, epoch);
	json_decref(epochs);
	return status;
}

static fv_status add_epochs(struct database *d, const core_results *results)
{
	static const char *const columns[EPOCH_COLUMNS] = {
		"variant", "fold", "seed", "stage", "epoch", "metric", "value"};
	fv_status status = create_table(d, "epochs", EPOCH_COLUMNS, columns);
	for (size_t i = 0; i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n && !status; k++) {
			d->variant = results->variant[i].name;
			d->run = &results->variant[i].run[k];
			if (d->run->status == CORE_RUN_DONE)
				status = add_run(d);
		}
	return status;
}

/* Fills the database in one transaction, and appends its bytes. */
static fv_status fill_database(struct database *d, const core_document *document,
	const core_results *results, core_text *out)
{
	sqlite3_int64 size = 0;
	fv_status status = execute_statement(d, "BEGIN");
	for (size_t k = 0; k < document->n_tables && !status; k++)
		if (document->table[k]->audience & CORE_FOR_CSV)
			status = add_table(d, document->table[k]);
	if (!status)
		status = add_epochs(d, results);
	if (!status)
		status = execute_statement(d, "COMMIT");
	unsigned char *bytes = status ? NULL : sqlite3_serialize(d->file, "main", &size, 0);
	if (!status && !bytes)
		status = fv_fail(d->ctx, FV_FAILED, "out of memory");
	if (bytes)
		core_text_put(out, (const char *)bytes, (size_t)size);
	sqlite3_free(bytes);
	return status;
}

fv_status core_write_sqlite(
	fv_ctx *ctx, const core_document *document, const core_results *results, core_text *out)
{
	struct database d = {.ctx = ctx};
	if (sqlite3_open(":memory:", &d.file)) {
		fv_status status = fv_fail(ctx, FV_FAILED, "SQLite: %s",
			d.file ? sqlite3_errmsg(d.file) : "out of memory");
		sqlite3_close(d.file);
		return status;
	}
	fv_status status = fill_database(&d, document, results, out);
	sqlite3_finalize(d.insert);
	sqlite3_close(d.file);
	if (!status && out->failed)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	return status;
}
