/* SPDX-License-Identifier: Apache-2.0 */
/* Separated text: which separator, then fields and rows (libcsv). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "base/csv_private.h"
#include "base/memory.h"
#include "base/missing.h"
#include "base/plural.h"

struct reader {
	fv_ctx *ctx;
	core_csv *csv;
	struct csv_parser *parser;
	char separator;
	const char *row;      /* text in which the current row starts */
	int64_t row_line;     /* its line */
	int64_t line;         /* current line */
	const char *line_end; /* end of the current line */
	char **cells;         /* of the header, then of all rows */
	int64_t n_cells, room, row_start, rows_room;
	fv_status status;
};

static int64_t count_fields(const struct reader *r)
{
	return r->n_cells - r->row_start;
}

/* --- separator --- */

static bool read_separator_line(const char *data, size_t size, char *separator, size_t *line_size)
{
	static const char key[] = "sep=";
	*line_size = core_csv_line_size(data, size);
	size_t n = *line_size;
	while (n && (data[n - 1] == '\n' || data[n - 1] == '\r'))
		n--;
	if (n == sizeof key + 2 && data[0] == '"' && data[n - 1] == '"') {
		data++;
		n -= 2;
	}
	if (n != sizeof key || strncmp(data, key, sizeof key - 1) || data[4] == '"')
		return false;
	*separator = data[4];
	return true;
}

/* The separator that occurs most often in a header line, outside quotes. */
static char choose_separator(const char *line, size_t size)
{
	static const char candidates[] = ",;\t";
	size_t count[sizeof candidates] = {0}, best = 0;
	bool quoted = false;
	for (size_t i = 0; i < size; i++) {
		const char *found = line[i] ? strchr(candidates, line[i]) : NULL;
		quoted = quoted != (line[i] == '"');
		if (found && !quoted)
			count[found - candidates]++;
	}
	for (size_t k = 1; k < sizeof candidates - 1; k++)
		if (count[k] > count[best])
			best = k;
	return candidates[best];
}

/* --- messages --- */

/* Where a quote makes a row unreadable. */
struct quote {
	const char *at; /* the quote */
	bool opens;     /* it opens a field; false: it is inside one without quotes */
	bool followed;  /* text follows the quote that closes it */
};

/* Finds the first quote of a row that does not belong where it is. */
static struct quote find_bad_quote(const char *row, const char *end, char separator)
{
	const char *open = NULL;
	bool field_starts = true;
	for (const char *p = row; p < end; p++) {
		if (open && *p == '"' && p + 1 < end && p[1] == '"') {
			p++;
		} else if (open && *p == '"') {
			const char *next = p + 1;
			while (next < end && (*next == ' ' || *next == '\t') && *next != separator)
				next++;
			if (next < end && *next != separator && *next != '\n' && *next != '\r')
				return (struct quote){open, true, true};
			open = NULL;
			field_starts = false;
		} else if (!open && *p == '"') {
			if (!field_starts)
				return (struct quote){p, false, false};
			open = p;
		} else if (!open) {
			bool ends = *p == separator || *p == '\n' || *p == '\r';
			field_starts = ends || (field_starts && (*p == ' ' || *p == '\t'));
		}
	}
	return (struct quote){open, true, false};
}

/* Counts the line and the byte in it, from 1, of a place in the current row. */
static void find_place(const struct reader *r, const char *at, int *line, int *column)
{
	const char *start = r->row;
	*line = (int)r->row_line;
	for (size_t n; start < at; start += n, (*line)++) {
		n = core_csv_line_size(start, (size_t)(r->line_end - start));
		if (start + n > at)
			break;
	}
	*column = (int)(at - start) + 1;
}

static fv_status report_quote(struct reader *r, const char *end)
{
	struct quote bad = find_bad_quote(r->row, end, r->separator);
	int line, column;
	find_place(r, bad.at ? bad.at : r->row, &line, &column);
	if (!bad.opens)
		return core_fail_at(r->ctx, FV_DATA, r->csv->path, line, column,
			"a quote inside a field that does not start with one: put the whole "
			"field into quotes and write the quote twice");
	if (bad.followed && line == r->line)
		return core_fail_at(r->ctx, FV_DATA, r->csv->path, line, column,
			"text follows the closing quote of this field: write a quote inside "
			"quotes twice");
	const char *next =
		bad.followed ? core_format(r->ctx, " before line %lld", (long long)r->line) : NULL;
	return core_fail_at(r->ctx, FV_DATA, r->csv->path, line, column,
		"the quote that opens on line %d is not closed%s: close it, or write a quote "
		"inside "
		"quotes twice",
		line, next ? next : "");
}

static bool is_digits(const char *text)
{
	size_t n = strspn(text, "0123456789");
	return n && !text[n];
}

/* True if a row looks as if a number had been cut in two at its decimal comma. */
static bool has_cut_number(const struct reader *r)
{
	for (int64_t i = r->row_start; i + 1 < r->n_cells; i++) {
		const char *whole = r->cells[i];
		if (is_digits(whole + (*whole == '-')) && is_digits(r->cells[i + 1]))
			return true;
	}
	return false;
}

static fv_status report_fields(struct reader *r)
{
	const core_csv *csv = r->csv;
	int64_t n = count_fields(r);
	const char *why = "", *row = NULL;
	if (r->line > r->row_line)
		row = core_format(r->ctx, ", read to line %lld because of a quoted field",
			(long long)r->line);
	else if (r->separator == ',' && n > csv->n_columns)
		why = has_cut_number(r) ? ": a comma in a text needs quotes around it, decimal "
					  "commas need ';' between the fields"
					: ": a comma in a text needs quotes around it";
	else if (n == 1 && csv->n_columns > 1 && strpbrk(r->cells[r->row_start], ",;\t"))
		why = ": a file has one separator, that of its header";
	else if (n < csv->n_columns && r->line_end[-1] != '\n' && r->line_end[-1] != '\r')
		why = ": was the file cut off?";
	return core_fail_at(r->ctx, FV_DATA, csv->path, (int)r->row_line, 0,
		"%lld field%s, the header has %lld%s%s", (long long)n, core_plural(n),
		(long long)csv->n_columns, row ? row : "", why);
}

/* --- rows --- */

static void on_field(void *text, size_t size, void *user)
{
	struct reader *r = user;
	if (r->status)
		return;
	if (size && memchr(text, '\0', size)) {
		r->status = core_fail_at(r->ctx, FV_DATA, r->csv->path, (int)r->line, 0,
			"a NUL byte: save the table as UTF-8 CSV");
		return;
	}
	char *copy = core_strndup(r->ctx, size ? text : "", size);
	if (copy && core_csv_grow(r->ctx, &r->cells, r->n_cells, &r->room, sizeof *r->cells))
		r->cells[r->n_cells++] = copy;
	else
		r->status = FV_FAILED;
}

static fv_status end_header(struct reader *r)
{
	core_csv *csv = r->csv;
	csv->n_columns = count_fields(r);
	csv->header_line = r->row_line;
	csv->header = core_csv_keep(r->ctx, r->cells, csv->n_columns, sizeof *csv->header);
	r->row_start = r->n_cells;
	return csv->header ? FV_OK : FV_FAILED;
}

static bool is_empty_row(const struct reader *r)
{
	for (int64_t i = r->row_start; i < r->n_cells; i++)
		if (*r->cells[i])
			return false;
	return true;
}

/* True if a row repeats the header, which may have a byte order mark in front. */
static bool is_header_again(const struct reader *r)
{
	const core_csv *csv = r->csv;
	char **cell = r->cells + r->row_start;
	const char *first = cell[0];
	if (csv->n_columns < 2 || count_fields(r) != csv->n_columns)
		return false;
	if (!strncmp(first, "\xef\xbb\xbf", 3))
		first += 3;
	for (int64_t i = 0; i < csv->n_columns; i++)
		if (strcmp(i ? cell[i] : first, csv->header[i]))
			return false;
	return true;
}

static fv_status end_row(struct reader *r)
{
	core_csv *csv = r->csv;
	if (is_empty_row(r)) {
		r->n_cells = r->row_start;
		return FV_OK;
	}
	if (is_header_again(r))
		return core_fail_at(r->ctx, FV_DATA, csv->path, (int)r->row_line, 0,
			"line %lld is the header again: keep one header where files are joined",
			(long long)r->row_line);
	if (count_fields(r) != csv->n_columns)
		return report_fields(r);
	if (!core_csv_grow(r->ctx, &csv->line, csv->n_rows, &r->rows_room, sizeof *csv->line))
		return FV_FAILED;
	csv->line[csv->n_rows++] = r->row_line;
	r->row_start = r->n_cells;
	return FV_OK;
}

static void on_row(int end, void *user)
{
	struct reader *r = user;
	(void)end;
	if (!r->status && count_fields(r))
		r->status = r->csv->header ? end_row(r) : end_header(r);
}

/* Feeds libcsv one line at a time, because it does not count lines. A row goes on in the next line
 * while the number of its quotes is odd. */
static fv_status parse_lines(struct reader *r, const char *data, size_t size)
{
	const char *end = data + size;
	bool row_is_open = false;
	while (data < end && !r->status) {
		size_t n = core_csv_line_size(data, (size_t)(end - data));
		r->line++;
		r->line_end = data + n;
		if (!row_is_open) {
			r->row = data;
			r->row_line = r->line;
		}
		if (csv_parse(r->parser, data, n, on_field, on_row, r) != n && !r->status)
			return csv_error(r->parser) == CSV_EPARSE
				       ? report_quote(r, data + n)
				       : fv_fail(r->ctx, FV_FAILED, "out of memory");
		for (size_t i = 0; i < n; i++)
			row_is_open = row_is_open != (data[i] == '"');
		data += n;
	}
	if (!r->status && csv_fini(r->parser, on_field, on_row, r) && !r->status)
		return report_quote(r, end);
	return r->status;
}

/* Moves the rows, which follow the header in r->cells, to memory of the context. */
static fv_status keep_rows(struct reader *r)
{
	core_csv *csv = r->csv;
	int64_t *line = core_csv_keep(r->ctx, csv->line, csv->n_rows, sizeof *line);
	csv->cell = core_csv_keep(
		r->ctx, r->cells + csv->n_columns, csv->n_rows * csv->n_columns, sizeof *csv->cell);
	free(csv->line);
	csv->line = line;
	return line && csv->cell ? FV_OK : FV_FAILED;
}

static fv_status parse_table(struct reader *r, const char *data, size_t size)
{
	fv_status status = parse_lines(r, data, size);
	if (!status && !r->csv->header)
		status = fv_fail(
			r->ctx, FV_DATA, "%s: empty, a header line is needed", r->csv->path);
	if (!status)
		return keep_rows(r);
	free(r->csv->line);
	r->csv->line = NULL;
	return status;
}

/* --- decimal commas --- */

/* Returns the comma of a number with a decimal comma; NULL: the text is something else. */
static char *find_decimal_comma(char *text)
{
	char *p = text + (*text == '-' || *text == '+'), *comma = p + strspn(p, "0123456789");
	size_t digits = *comma == ',' ? strspn(comma + 1, "0123456789") : 0;
	if (!digits)
		return NULL;
	p = comma + 1 + digits;
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '-' || p[1] == '+');
		p += is_digits(p) ? strlen(p) : 0;
	}
	return *p ? NULL : comma;
}

/* True if all cells of a column that are not missing are numbers, some with a decimal comma and the
 * others whole. */
static bool has_decimal_commas(const core_csv *csv, int64_t column)
{
	bool any = false;
	for (int64_t i = 0; i < csv->n_rows; i++) {
		char *cell = csv->cell[i * csv->n_columns + column];
		if (find_decimal_comma(cell))
			any = true;
		else if (!core_is_missing(cell) &&
			 !is_digits(cell + (*cell == '-' || *cell == '+')))
			return false;
	}
	return any;
}

static void replace_decimal_commas(core_csv *csv)
{
	for (int64_t j = 0; j < csv->n_columns; j++) {
		if (!has_decimal_commas(csv, j))
			continue;
		for (int64_t i = 0; i < csv->n_rows; i++) {
			char *comma = find_decimal_comma(csv->cell[i * csv->n_columns + j]);
			if (comma)
				*comma = '.';
		}
	}
}

fv_status core_csv_read_fields(fv_ctx *ctx, const char *data, size_t size, core_csv *out)
{
	struct csv_parser parser;
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL))
		return fv_fail(ctx, FV_FAILED, "out of memory");
	csv_set_realloc_func(&parser, core_memory_realloc);
	struct reader r = {.ctx = ctx, .csv = out, .parser = &parser};
	size_t skipped;
	if (read_separator_line(data, size, &r.separator, &skipped)) {
		data += skipped;
		size -= skipped;
		r.line = 1;
	} else {
		size_t blank = 0;
		while (blank < size && (data[blank] == '\n' || data[blank] == '\r'))
			blank++;
		r.separator = choose_separator(
			data + blank, core_csv_line_size(data + blank, size - blank));
	}
	csv_set_delim(&parser, (unsigned char)r.separator);
	fv_status status = parse_table(&r, data, size);
	if (!status && r.separator != ',')
		replace_decimal_commas(out);
	free(r.cells);
	csv_free(&parser);
	return status;
}
