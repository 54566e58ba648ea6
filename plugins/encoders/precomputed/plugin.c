/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder `precomputed`: features that another program wrote, looked up by recording.
 *
 * The file is safetensors or .npz with one tensor [L, D] or [D] of floats per recording, all of the
 * same shape and named by the recording; .npz with an array of names and one of features; .npy
 * [N, D] or [N, L, D] with a list of names; or a table of text whose first column (FileName, file or
 * without a name) is the recording and whose other columns are features, [1, D], named by the header.
 * Columns `start` and `end` right after the first one, as written by openSMILE's Python package, are
 * ignored.
 *
 * Recordings are found by their path from the end: the stem where no other of the corpus has it.
 * Errors are reported with FILE:LINE or the recording's name. A recording that is missing is reported
 * when it is looked up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../open_text.h"
#include "precomputed.h"

/* True if the first line could be the header of a table: it has a separator, or the name of the
 * column of recordings alone. `begin` [n] starts the file. */
static int starts_table(const char *begin, size_t n)
{
	size_t from = n >= 3 && !memcmp(begin, "\xef\xbb\xbf", 3) ? 3 : 0, to = from;
	while (to < n && begin[to] != '\n' && begin[to] != '\r')
		to++;
	size_t size = to - from;
	const char *line = begin + from;
	int alone = !size || (size == 4 && !memcmp(line, "file", 4)) ||
		    (size == 8 && !memcmp(line, "FileName", 8)) ||
		    (size == 5 && !memcmp(line, "sep=", 4));
	return alone || memchr(line, ',', size) || memchr(line, ';', size) ||
	       memchr(line, '\t', size);
}

static fv_status read_file(precomputed_state *s, fv_ctx *ctx)
{
	FILE *file = open_text(s->file);
	if (!file)
		return fv_fail(ctx, FV_DATA, "%s: %s", s->file, describe_open(errno));
	/* Files of tensors have zero bytes near their start; text has none. */
	char begin[512];
	size_t n = fread(begin, 1, sizeof begin, file);
	fv_status status;
	if (ferror(file)) {
		status = fv_fail(ctx, FV_DATA, "%s: %s", s->file, strerror(errno));
	} else if (n && !memchr(begin, '\0', n) && begin[0] != '{' && begin[0] != '<' &&
		   starts_table(begin, n)) {
		rewind(file);
		status = precomputed_read_table(s, ctx, file);
	} else {
		status = precomputed_read_tensors(s, ctx);
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
	fv_status status = read_file(s, ctx);
	if (!status)
		status = precomputed_sort_rows(s, ctx);
	s->output = (fv_output)FV_OUTPUT(.name = "features", .layers = s->layers, .dims = s->dims,
		.columns = s->columns, .standardize = FV_STANDARDIZE_TRAIN);
	return status;
}

static fv_status precomputed_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	const precomputed_state *s = state;
	(void)ctx;
	*info = (fv_encoder_info)FV_ENCODER_INFO(.by_name = 1, .n_outputs = 1,
		.outputs = &s->output, .identity = *s->identity ? s->identity : NULL);
	return FV_OK;
}

static fv_status precomputed_lookup(const void *state, fv_ctx *worker, int32_t output,
	const char *id, int32_t parts, float *out)
{
	const precomputed_state *s = state;
	(void)output;
	const feature_row *row = precomputed_find_row(s, worker, id, parts);
	if (!row)
		return FV_DATA;
	if (row->tensor)
		return precomputed_copy_tensor(s, worker, row, out);
	size_t count = (size_t)s->layers * (size_t)s->dims;
	memcpy(out, s->table + (size_t)row->row * count, count * sizeof *out);
	return FV_OK;
}

static void precomputed_close(void *state)
{
	precomputed_state *s = state;
	fv_checkpoint_close(s->tensors);
	free(s->view);
	free(s->row);
	free(s->table);
}

static const void *precomputed_extension(const char *id)
{
	return strcmp(id, FV_FITS_1) ? NULL : &precomputed_fits;
}

static const fv_param params[] = {
	FV_PARAM_PATH(precomputed_state, file, .name = "file",
		.doc = "Safetensors or .npz with a tensor [L, D] or [D] for each recording, .npz "
		       "with "
		       "arrays of names and features, .npy [N, D] or [N, L, D], or CSV with a row "
		       "for "
		       "each",
		.required = 1),
	FV_PARAM_PATH(precomputed_state, names, .name = "names",
		.doc = "Names of the rows of a .npy file: text with one a line, or CSV with a "
		       "column "
		       "FileName. By default the file beside it with .txt or .csv."),
};

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = precomputed_open, .info = precomputed_info,
	.lookup = precomputed_lookup, .close = precomputed_close);

static const fv_descriptor descriptor = FV_ENCODER(.name = "precomputed", .version = "2",
	.summary = "Features that another program wrote, by recording; no audio is read",
	.source = "safetensors (github.com/huggingface/safetensors), NumPy's .npy and .npz, or CSV",
	.licence = "Apache-2.0", .state_size = sizeof(precomputed_state), FV_PARAMS(params),
	.ops = &ops, .extension = precomputed_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
