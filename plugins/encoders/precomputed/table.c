/* SPDX-License-Identifier: Apache-2.0 */
/* Text with a row for each recording and a column for each feature; separators as in fairvox/csv.h.
 *
 * It is read line by line: as strings, a feature set of 6,373 columns would not fit into memory.
 * Errors are reported with FILE:LINE. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "precomputed.h"

/* Returns the field at *at, unquoted in place, and moves *at past its separator, or sets it to NULL at
 * the end of the line. Returns NULL if a quote is not closed or is inside a field. */
static char *read_field(char **at, char separator)
{
	char *begin = *at, *to = begin, *from = begin;
	if (*from == '"') {
		for (from++; *from && !(*from == '"' && from[1] != '"'); from++) {
			from += *from == '"';
			*to++ = *from;
		}
		if (!*from++)
			return NULL;
		if (*from && *from != separator)
			return NULL;
	} else {
		from += strcspn(from, (const char[]){separator, '\0'});
		to = from;
	}
	*at = *from ? from + 1 : NULL;
	*to = '\0';
	return begin;
}

struct csv {
	precomputed_state *state;
	fv_ctx *ctx;
	FILE *file;
	char *text;
	size_t room;
	int64_t line;
	int32_t skipped; /* columns start and end */
	char separator;
	/* The first cell that is no number, and how many rows have one. */
	int64_t n_bad, bad_line;
	int32_t bad_column;
	char bad_text[41];
};

static fv_status report_line(const struct csv *csv, const char *what, const char *text)
{
	return fv_fail(csv->ctx, FV_DATA, "%s:%lld: %s%s", csv->state->file, (long long)csv->line,
		what, text);
}

/* Reads the next line that is not blank, without its line end. Returns 0 after the last line or on
 * an error. */
static int read_line(struct csv *csv, fv_status *status)
{
	ssize_t n;
	while ((n = getline(&csv->text, &csv->room, csv->file)) >= 0 && !ferror(csv->file)) {
		csv->line++;
		if (memchr(csv->text, '\0', (size_t)n)) {
			*status = report_line(csv, "NUL byte", "");
			return 0;
		}
		csv->text[strcspn(csv->text, "\r\n")] = '\0';
		while (csv->line == 1 && !strncmp(csv->text, "\xef\xbb\xbf", 3))
			memmove(csv->text, csv->text + 3, strlen(csv->text + 3) + 1);
		if (*csv->text)
			return 1;
	}
	if (!feof(csv->file)) /* also when memory for the line is out */
		*status = fv_fail(csv->ctx, FV_DATA, "%s: %s", csv->state->file, strerror(errno));
	return 0;
}

/* Of comma, semicolon and tab the one that occurs most often outside quotes; ties in this order. */
static char find_separator(const char *header)
{
	size_t count[3] = {0};
	bool quoted = false;
	for (const char *c = header; *c; c++) {
		quoted ^= *c == '"';
		count[0] += !quoted && *c == ',';
		count[1] += !quoted && *c == ';';
		count[2] += !quoted && *c == '\t';
	}
	int best = count[1] > count[0];
	return ",;\t"[count[2] > count[best] ? 2 : best];
}

/* Reads the header into csv->text. A first line `sep=X` names the separator. */
static fv_status find_header(struct csv *csv)
{
	fv_status status = FV_OK;
	if (!read_line(csv, &status))
		return status ? status : fv_fail(csv->ctx, FV_DATA, "%s: empty", csv->state->file);
	if (strncmp(csv->text, "sep=", 4) != 0 || !csv->text[4] || csv->text[5]) {
		csv->separator = find_separator(csv->text);
		return FV_OK;
	}
	csv->separator = csv->text[4];
	if (!read_line(csv, &status))
		return status ? status : fv_fail(csv->ctx, FV_DATA, "%s: empty", csv->state->file);
	return FV_OK;
}

static fv_status read_header(struct csv *csv)
{
	precomputed_state *s = csv->state;
	fv_status status = find_header(csv);
	if (status)
		return status;
	int64_t room = 2, n = 0;
	for (const char *p = csv->text; *p; p++)
		room += *p == csv->separator;
	char *names = fv_alloc(csv->ctx, strlen(csv->text) + 1);
	s->columns = fv_alloc(csv->ctx, (size_t)room * sizeof *s->columns);
	if (!names || !s->columns)
		return FV_FAILED;
	char *at = strcpy(names, csv->text);
	while (at) {
		s->columns[n++] = read_field(&at, csv->separator);
		if (!s->columns[n - 1])
			return report_line(csv, "a quoted field is not closed", "");
	}
	const char *first = s->columns[0];
	if (*first && strcmp(first, "FileName") && strcmp(first, "file"))
		return report_line(csv, "the first column must be FileName or file, not ", first);
	if (n > 3 && !strcmp(s->columns[1], "start") && !strcmp(s->columns[2], "end"))
		csv->skipped = 2;
	s->columns += 1 + csv->skipped;
	s->dims = (int32_t)(n - 1 - csv->skipped);
	s->layers = 1;
	return s->dims > 0 ? FV_OK : report_line(csv, "there are no feature columns, only ", first);
}

/* Turns the decimal comma of a number into a point. */
static void replace_comma(char *field)
{
	char *comma = strchr(field, ',');
	if (comma && !strchr(comma + 1, ',') && !strchr(field, '.'))
		*comma = '.';
}

static void count_bad_row(struct csv *csv, int32_t column, const char *text)
{
	if (csv->n_bad++)
		return;
	csv->bad_line = csv->line;
	csv->bad_column = column;
	snprintf(csv->bad_text, sizeof csv->bad_text, "%s", text);
}

/* Reports all rows that have a cell that is no number, in one line. */
static fv_status report_bad_rows(const struct csv *csv)
{
	const precomputed_state *s = csv->state;
	char rows[48] = "";
	if (!csv->n_bad)
		return FV_OK;
	if (csv->n_bad > 1)
		snprintf(rows, sizeof rows, " (%lld rows have such a cell)", (long long)csv->n_bad);
	return fv_fail(csv->ctx, FV_DATA, "%s:%lld: %s: '%s' is not a finite number%s", s->file,
		(long long)csv->bad_line, s->columns[csv->bad_column], csv->bad_text, rows);
}

/* Parses the numbers of a row into out [D]; one that is none ends the row. */
static fv_status read_numbers(struct csv *csv, char *at, float *out)
{
	const precomputed_state *s = csv->state;
	for (int32_t i = -csv->skipped; i < s->dims; i++) {
		if (!at)
			return report_line(csv, "fewer fields than the header", "");
		char *field = read_field(&at, csv->separator);
		double number;
		if (field && csv->separator != ',')
			replace_comma(field);
		if (!field)
			return report_line(csv, "a quoted field is not closed", "");
		if (i < 0)
			continue;
		if (!fv_parse_real(field, &number) || !isfinite((float)number)) {
			count_bad_row(csv, i, field);
			return FV_OK;
		}
		out[i] = (float)number;
	}
	return at ? report_line(csv, "more fields than the header", "") : FV_OK;
}

static fv_status read_row(struct csv *csv)
{
	precomputed_state *s = csv->state;
	size_t dims = (size_t)s->dims;
	if (s->n == s->table_room) {
		int64_t room = s->table_room ? 2 * s->table_room : 256;
		float *grown = realloc(s->table, (size_t)room * dims * sizeof *grown);
		if (!grown)
			return fv_fail(csv->ctx, FV_FAILED, "%s: out of memory", s->file);
		s->table = grown;
		s->table_room = room;
	}
	char *at = csv->text;
	const char *field = read_field(&at, csv->separator);
	if (!field)
		return report_line(csv, "a quoted field is not closed", "");
	if (!*field)
		return report_line(csv, "no file name", "");
	char *name = fv_alloc(csv->ctx, strlen(field) + 1);
	if (!name)
		return FV_FAILED;
	strcpy(name, field);
	fv_status status = read_numbers(csv, at, s->table + (size_t)s->n * dims);
	return status ? status
		      : precomputed_add_row(s, csv->ctx,
				(feature_row){.name = name, .row = s->n, .line = csv->line});
}

fv_status precomputed_read_table(precomputed_state *s, fv_ctx *ctx, FILE *file)
{
	struct csv csv = {.state = s, .ctx = ctx, .file = file};
	fv_status status = read_header(&csv), ended = FV_OK;
	if (!status) {
		while (read_line(&csv, &ended)) {
			fv_status row = read_row(&csv);
			status = row ? row : status;
			if (row == FV_FAILED)
				break;
		}
	}
	free(csv.text);
	fv_status bad = report_bad_rows(&csv);
	return status ? status : bad ? bad : ended;
}
