/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the names of recordings as labels, for corpora that have no label file: corpus.labels is a
 * folder, and the template of corpus.columns.file says what the parts of a name mean. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "corpus/audio.h"
#include "corpus/corpus_private.h"
#include "corpus/forms.h"

#define PIECES_MAX 32
#define NAME_MAX_BYTES 1024

/* A part of the template: a text, or a field of a number of bytes (0: any, but no '/'). */
struct piece {
	const char *text, *field;
	size_t width;
};

struct template
{
	int n, n_fields;
	struct piece piece[PIECES_MAX];
	int slashes;
};

/* --- the template ----------------------------------------------------------------------------- */

static fv_status add_field(
	fv_ctx *ctx, const core_corpus_spec *spec, const char *text, size_t n, struct template *out)
{
	char *field = core_strndup(ctx, text, n), *colon = field ? strchr(field, ':') : NULL;
	struct piece piece = {.field = field};
	if (!field)
		return FV_FAILED;
	if (colon) {
		*colon = '\0';
		piece.width = strtoul(colon + 1, NULL, 10);
	}
	bool repeated = false;
	for (int i = 0; i < out->n; i++)
		repeated = repeated || (out->piece[i].field && !strcmp(out->piece[i].field, field));
	if (!*field || repeated || !strcmp(field, "file") ||
		(colon && (piece.width < 1 || piece.width > 99)))
		return core_fail_key(ctx, FV_CONFIG,
			(core_key_ref){spec->block, "columns.file", NULL},
			"corpus.columns.file: '{%.*s}' is no part of a name: write {COLUMN} or "
			"{COLUMN:CHARACTERS}, each column once",
			(int)n, text);
	out->piece[out->n++] = piece;
	out->n_fields++;
	return FV_OK;
}

static fv_status parse_template(fv_ctx *ctx, const core_corpus_spec *spec, struct template *out)
{
	const char *at = spec->column_file;
	while (*at) {
		const char *open = strchr(at, '{'), *close = open ? strchr(open, '}') : NULL;
		size_t n = close ? (size_t)(open - at) : strlen(at);
		if (out->n + 2 > PIECES_MAX)
			return core_fail_key(ctx, FV_CONFIG,
				(core_key_ref){spec->block, "columns.file", NULL},
				"corpus.columns.file: more than %d parts", PIECES_MAX - 1);
		if (n && !(out->piece[out->n++].text = core_strndup(ctx, at, n)))
			return FV_FAILED;
		if (!close)
			break;
		fv_status status = add_field(ctx, spec, open + 1, (size_t)(close - open - 1), out);
		if (status)
			return status;
		at = close + 1;
	}
	for (at = spec->column_file; *at; at++)
		out->slashes += *at == '/';
	return FV_OK;
}

/* --- names ------------------------------------------------------------------------------------ */

/* Sets fits[i][p]: whether pieces i ... n - 1 can be the text from byte p on. */
static void find_fits(const struct template *t, const char *text, size_t size, bool *fits)
{
	size_t row = size + 1;
	for (size_t p = 0; p <= size; p++)
		fits[(size_t)t->n * row + p] = p == size;
	for (int i = t->n - 1; i >= 0; i--) {
		const struct piece *piece = &t->piece[i];
		const bool *next = fits + ((size_t)i + 1) * row;
		size_t n = piece->text ? strlen(piece->text) : 0;
		for (size_t p = 0; p <= size; p++) {
			bool fit = false;
			if (piece->text)
				fit = size - p >= n && !memcmp(text + p, piece->text, n) &&
				      next[p + n];
			for (size_t k = 1;
				piece->field && !fit && p + k <= size && text[p + k - 1] != '/' &&
				(!piece->width || k <= piece->width);
				k++)
				fit = (!piece->width || k == piece->width) && next[p + k];
			fits[(size_t)i * row + p] = fit;
		}
	}
}

/* Cuts a name into its fields, each as short as possible. False: the name does not fit. */
static fv_status cut_name(
	fv_ctx *ctx, const struct template *t, const char *text, char **cell, bool *fit)
{
	size_t size = strlen(text), row = size + 1, p = 0;
	*fit = false;
	if (size > NAME_MAX_BYTES)
		return FV_OK;
	bool *fits = malloc(((size_t)t->n + 1) * row);
	if (!fits)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	find_fits(t, text, size, fits);
	*fit = fits[0];
	fv_status status = FV_OK;
	for (int i = 0, c = 0; i < t->n && *fit && !status; i++) {
		const struct piece *piece = &t->piece[i];
		size_t n = piece->text ? strlen(piece->text) : piece->width ? piece->width : 1;
		while (!fits[((size_t)i + 1) * row + p + n])
			n++;
		if (piece->field && !(cell[c++] = core_strndup(ctx, text + p, n)))
			status = FV_FAILED;
		else if (piece->field && !core_is_utf8(cell[c - 1]))
			*fit = false;
		p += n;
	}
	free(fits);
	return status;
}

/* As many parts of a path, from its end, as the template has. */
static const char *find_tail(const char *id, int slashes)
{
	const char *at = id + strlen(id);
	for (; at > id; at--)
		if (at[-1] == '/' && slashes-- == 0)
			break;
	return at;
}

static fv_status read_rows(fv_ctx *ctx, const core_corpus_spec *spec, const struct template *t,
	const core_audio_index *index, core_csv *out)
{
	fv_status status = FV_OK;
	for (int64_t r = 0; r < index->n; r++) {
		const core_recording *recording = &index->file[r];
		bool fit;
		fv_status cut = cut_name(ctx, t, find_tail(recording->id, t->slashes),
			&out->cell[r * out->n_columns], &fit);
		if (cut)
			return cut;
		if (!fit)
			status = fv_fail(ctx, FV_DATA,
				"%s: its name does not fit corpus.columns.file, '%s'",
				recording->path, spec->column_file);
		out->row_path[r] = recording->path;
	}
	return status;
}

fv_status core_read_names(
	fv_ctx *ctx, const char *folder, const core_corpus_spec *spec, core_csv *out)
{
	const char *header[PIECES_MAX];
	struct template t = {0};
	core_audio_index *index;
	int64_t n = 0;
	if (!spec->column_file || !strchr(spec->column_file, '{'))
		return core_fail_key(ctx, FV_CONFIG, (core_key_ref){spec->block, "labels", folder},
			"corpus.labels: %s is a folder: say with corpus.columns.file what the "
			"names "
			"of its recordings mean, such as '{speaker}_{emotion}_{take}', or name a "
			"label file",
			folder);
	fv_status status = parse_template(ctx, spec, &t);
	if (status || (status = core_audio_index_open(ctx, folder, &index)))
		return status;
	if (!index->n)
		return fv_fail(ctx, FV_DATA, "%s: no recordings in it", folder);
	for (int i = 0; i < t.n; i++)
		if (t.piece[i].field)
			header[n++] = t.piece[i].field;
	if ((status = core_csv_make(ctx, folder, index->n, header, n, out)))
		return status;
	out->row_path = core_alloc(ctx, (size_t)index->n, sizeof *out->row_path);
	if (!out->row_path)
		return FV_FAILED;
	return read_rows(ctx, spec, &t, index, out);
}

fv_status core_names_sha256(fv_ctx *ctx, const char *folder, char hex[CORE_SHA256_HEX])
{
	core_audio_index *index;
	core_text all = {0};
	fv_status status = core_audio_index_open(ctx, folder, &index);
	for (int64_t r = 0; !status && r < index->n; r++)
		core_text_add(&all, "%s\n", index->file[r].id);
	if (!status)
		return core_sha256_text(ctx, &all, hex);
	core_text_free(&all);
	return status;
}
