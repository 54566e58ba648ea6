/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder `precomputed`: features that another program wrote, looked up by recording.
 *
 * The file is either safetensors with one F32, F16 or BF16 tensor [L, D] or [D] per recording, all
 * of the same shape and named by stem or file name; or a CSV whose first column (FileName, file or
 * without a name) is the recording and whose other columns are features, [1, D], named by the
 * header. Columns `start` and `end` right after the first one, as written by openSMILE's Python
 * package, are ignored.
 *
 * The CSV is read line by line: as strings, a feature set of 6,373 columns would not fit into
 * memory. Errors are reported with FILE:LINE or the tensor's name. A recording that is missing is
 * reported when it is looked up. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/csv.h>
#include <fairvox/fairvox.h>

typedef struct feature_row {
	const char *stem, *name; /* name: as in the file, for messages */
	const fv_tensor *tensor; /* of a safetensors file */
	int64_t row;             /* row in the table of a CSV */
	int64_t line;
} feature_row;

typedef struct precomputed_state {
	const char *file;
	fv_checkpoint *tensors;
	float *table; /* [rows, D] of a CSV */
	int64_t n, room, table_room;
	feature_row *row; /* [n] sorted by stem */
	const char **columns;
	int32_t layers, dims;
	fv_output output;
} precomputed_state;

static fv_status report_out_of_memory(const precomputed_state *s, fv_ctx *ctx)
{
	return fv_fail(ctx, FV_FAILED, "%s: out of memory", s->file);
}

static fv_status add_row(precomputed_state *s, fv_ctx *ctx, feature_row row)
{
	if (s->n == s->room) {
		int64_t room = s->room ? 2 * s->room : 1024;
		feature_row *grown = realloc(s->row, (size_t)room * sizeof *grown);
		if (!grown)
			return report_out_of_memory(s, ctx);
		s->row = grown;
		s->room = room;
	}
	row.stem = fv_stem(ctx, row.name);
	if (!row.stem)
		return FV_FAILED;
	s->row[s->n++] = row;
	return FV_OK;
}

static int compare_stem(const void *a, const void *b)
{
	const feature_row *s = a, *t = b;
	int order = strcmp(s->stem, t->stem);
	if (order)
		return order;
	order = strcmp(s->name, t->name);
	return order ? order : (s->line > t->line) - (s->line < t->line);
}

static fv_status sort_rows(precomputed_state *s, fv_ctx *ctx)
{
	fv_status status = FV_OK;
	if (!s->n)
		return fv_fail(ctx, FV_DATA, "%s: holds no recordings", s->file);
	qsort(s->row, (size_t)s->n, sizeof *s->row, compare_stem);
	for (int64_t i = 1; i < s->n; i++) {
		const feature_row *first = &s->row[i - 1], *again = &s->row[i];
		if (strcmp(first->stem, again->stem))
			continue;
		if (again->line)
			status = fv_fail(ctx, FV_DATA,
				"%s:%lld: a second row for '%s', the first is on line %lld",
				s->file, (long long)again->line, again->stem,
				(long long)first->line);
		else
			status = fv_fail(ctx, FV_DATA,
				"%s: tensors '%s' and '%s' have the same stem", s->file,
				first->name, again->name);
	}
	return status;
}

/* --- safetensors --- */

static fv_status check_tensor(precomputed_state *s, fv_ctx *ctx, const fv_tensor *t)
{
	if (strcmp(t->dtype, "F32") && strcmp(t->dtype, "F16") && strcmp(t->dtype, "BF16"))
		return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is %s, not F32, F16 or BF16", s->file,
			t->name, t->dtype);
	if (t->rank < 1 || t->rank > 2 || t->count < 1)
		return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is neither [L, D] nor [D]", s->file,
			t->name);
	int64_t layers = t->rank == 2 ? t->shape[0] : 1, dims = t->shape[t->rank - 1];
	if (layers > 4096 || dims > INT32_MAX / layers)
		return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is too large", s->file, t->name);
	if (!s->dims) {
		s->layers = (int32_t)layers;
		s->dims = (int32_t)dims;
	}
	if (layers != s->layers || dims != s->dims)
		return fv_fail(ctx, FV_DATA,
			"%s: tensor '%s' is [%lld, %lld], those before it [%d, %d]", s->file,
			t->name, (long long)layers, (long long)dims, (int)s->layers, (int)s->dims);
	return FV_OK;
}

static fv_status read_tensors(precomputed_state *s, fv_ctx *ctx)
{
	fv_status status = fv_checkpoint_open(ctx, s->file, &s->tensors);
	if (status)
		return status;
	for (int64_t i = 0; i < fv_checkpoint_count(s->tensors); i++) {
		const fv_tensor *t = fv_checkpoint_at(s->tensors, i);
		fv_status step = check_tensor(s, ctx, t);
		if (!step)
			step = add_row(s, ctx, (feature_row){.name = t->name, .tensor = t});
		status = step ? step : status;
	}
	return status;
}

/* --- CSV --- */

/* Returns the field at *at, unquoted in place, and moves *at past its comma, or sets it to NULL at
 * the end of the line. Returns NULL if a quote is not closed or is inside a field. */
static char *read_field(char **at)
{
	char *begin = *at, *to = begin, *from = begin;
	if (*from == '"') {
		for (from++; *from && !(*from == '"' && from[1] != '"'); from++) {
			from += *from == '"';
			*to++ = *from;
		}
		if (!*from++)
			return NULL;
		if (*from && *from != ',')
			return NULL;
	} else {
		from += strcspn(from, ",");
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
	while ((n = getline(&csv->text, &csv->room, csv->file)) >= 0) {
		csv->line++;
		if (memchr(csv->text, '\0', (size_t)n)) {
			*status = report_line(csv, "NUL byte", "");
			return 0;
		}
		csv->text[strcspn(csv->text, "\r\n")] = '\0';
		if (csv->line == 1 && !strncmp(csv->text, "\xef\xbb\xbf", 3))
			memmove(csv->text, csv->text + 3, strlen(csv->text + 3) + 1);
		if (*csv->text)
			return 1;
	}
	if (ferror(csv->file))
		*status = fv_fail(csv->ctx, FV_DATA, "%s: %s", csv->state->file, strerror(errno));
	return 0;
}

static fv_status read_header(struct csv *csv)
{
	precomputed_state *s = csv->state;
	fv_status status = FV_OK;
	if (!read_line(csv, &status))
		return status ? status : fv_fail(csv->ctx, FV_DATA, "%s: empty", s->file);
	int64_t room = 2, n = 0;
	for (const char *p = csv->text; *p; p++)
		room += *p == ',';
	char *names = fv_alloc(csv->ctx, strlen(csv->text) + 1);
	s->columns = fv_alloc(csv->ctx, (size_t)room * sizeof *s->columns);
	if (!names || !s->columns)
		return FV_FAILED;
	char *at = strcpy(names, csv->text);
	while (at) {
		s->columns[n++] = read_field(&at);
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

/* Parses the numbers of a row into out [D] and reports the first bad cell. */
static fv_status read_numbers(const struct csv *csv, char *at, float *out)
{
	const precomputed_state *s = csv->state;
	for (int32_t i = -csv->skipped; i < s->dims; i++) {
		if (!at)
			return report_line(csv, "fewer fields than the header", "");
		const char *field = read_field(&at);
		double number;
		if (!field)
			return report_line(csv, "a quoted field is not closed", "");
		if (i < 0)
			continue;
		if (!fv_parse_real(field, &number) || !isfinite((float)number))
			return fv_fail(csv->ctx, FV_DATA,
				"%s:%lld: %s: '%.40s' is not a finite number", s->file,
				(long long)csv->line, s->columns[i], field);
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
			return report_out_of_memory(s, csv->ctx);
		s->table = grown;
		s->table_room = room;
	}
	char *at = csv->text;
	const char *field = read_field(&at);
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
		      : add_row(s, csv->ctx,
				(feature_row){.name = name, .row = s->n, .line = csv->line});
}

static fv_status read_csv(precomputed_state *s, fv_ctx *ctx, FILE *file)
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
	return status ? status : ended;
}

/* --- ops --- */

static fv_status read_file(precomputed_state *s, fv_ctx *ctx)
{
	FILE *file = fopen(s->file, "rbe");
	if (!file)
		return fv_fail(ctx, FV_DATA, "%s: %s", s->file, strerror(errno));
	/* A safetensors file starts with the length of its header, whose upper bytes are zero; text
	 * has no zero bytes. */
	unsigned char begin[512];
	size_t n = fread(begin, 1, sizeof begin, file);
	fv_status status;
	if (n && !memchr(begin, '\0', n) && begin[0] != '{' && begin[0] != '<') {
		rewind(file);
		status = read_csv(s, ctx, file);
	} else {
		status = read_tensors(s, ctx);
	}
	fclose(file);
	return status;
}

static fv_status precomputed_open(void *state, fv_ctx *ctx, const char *weights)
{
	precomputed_state *s = state;
	if (weights)
		return fv_fail(ctx, FV_CONFIG,
			"takes no weights: name the features with the parameter 'file'");
	if (!s->file)
		return fv_fail(
			ctx, FV_CONFIG, "parameter 'file' is missing: name a file of features");
	fv_status status = read_file(s, ctx);
	if (!status)
		status = sort_rows(s, ctx);
	s->output = (fv_output)FV_OUTPUT(.name = "features", .layers = s->layers, .dims = s->dims,
		.columns = s->columns, .standardize = FV_STANDARDIZE_TRAIN);
	return status;
}

static fv_status precomputed_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	const precomputed_state *s = state;
	(void)ctx;
	*info = (fv_encoder_info)FV_ENCODER_INFO(.by_name = 1, .n_outputs = 1,
		.outputs = &s->output);
	return FV_OK;
}

static int match_stem(const void *stem, const void *row)
{
	return strcmp(stem, ((const feature_row *)row)->stem);
}

static fv_status precomputed_lookup(
	const void *state, fv_ctx *worker, int32_t output, const char *stem, float *out)
{
	const precomputed_state *s = state;
	const feature_row *row = bsearch(stem, s->row, (size_t)s->n, sizeof *row, match_stem);
	size_t count = (size_t)s->layers * (size_t)s->dims;
	(void)output;
	if (!row)
		return fv_fail(worker, FV_DATA, "%s: no features of '%s'", s->file, stem);
	if (!row->tensor) {
		memcpy(out, s->table + (size_t)row->row * count, count * sizeof *out);
		return FV_OK;
	}
	fv_status status = fv_tensor_to_f32(worker, row->tensor, out);
	for (size_t i = 0; i < count && !status; i++)
		if (!isfinite(out[i]))
			status = fv_fail(worker, FV_DATA,
				"%s: tensor '%s': layer %zu, column %zu is not finite", s->file,
				row->name, i / (size_t)s->dims, i % (size_t)s->dims);
	return status;
}

static void precomputed_close(void *state)
{
	precomputed_state *s = state;
	fv_checkpoint_close(s->tensors);
	free(s->row);
	free(s->table);
}

static const fv_param params[] = {
	FV_PARAM_PATH(precomputed_state, file, .name = "file",
		.doc = "Safetensors with a tensor [L, D] or [D] for each recording, or CSV with a "
		       "row for each. Required."),
};

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = precomputed_open, .info = precomputed_info,
	.lookup = precomputed_lookup, .close = precomputed_close);

static const fv_descriptor descriptor = FV_ENCODER(.name = "precomputed", .version = "1",
	.summary = "Features that another program wrote, by recording; no audio is read",
	.source = "safetensors (github.com/huggingface/safetensors) or CSV",
	.licence = "Apache-2.0", .state_size = sizeof(precomputed_state), FV_PARAMS(params),
	.ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
