/* SPDX-License-Identifier: Apache-2.0 */
#include "run/shared_matrix.h"

#include <string.h>

struct core_shared_matrix {
	core_matrices *among; /* NULL: it belongs to one run */
	core_shared_matrix *next;
	fv_ctx *own; /* memory of all that is here */
	int32_t users;
	/* what it was made of */
	const core_features *features;
	const int64_t *corpus_row;
	const core_corpus *corpus;
	core_rows rows;
	fv_standardize kind;
	bool indexed;
	core_matrix matrix;
};

static bool have_same_rows(const core_rows *a, const core_rows *b)
{
	for (int k = 0; k < CORE_SPLITS_MAX; k++)
		if (a->n[k] != b->n[k] || (a->n[k] && memcmp(a->row[k], b->row[k],
							      (size_t)a->n[k] * sizeof *a->row[k])))
			return false;
	return true;
}

static core_shared_matrix *find_matrix(const core_shared_matrix *wanted)
{
	for (core_shared_matrix *s = wanted->among->first; s; s = s->next)
		if (s->features == wanted->features && s->corpus_row == wanted->corpus_row &&
			s->corpus == wanted->corpus && s->kind == wanted->kind &&
			s->indexed == wanted->indexed && have_same_rows(&s->rows, &wanted->rows))
			return s;
	return NULL;
}

static void free_matrix(core_shared_matrix *s)
{
	core_matrix_free(&s->matrix);
	core_ctx_free(s->own);
}

/* Frees the matrices that nobody uses, except `kept`. */
static void free_unused(core_matrices *matrices, const core_shared_matrix *kept)
{
	for (core_shared_matrix **at = &matrices->first; *at;) {
		core_shared_matrix *s = *at;
		if (s->users || (kept && s == kept)) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		free_matrix(s);
	}
}

static fv_status copy_rows(fv_ctx *ctx, const core_rows *from, core_rows *to)
{
	*to = *from;
	for (int k = 0; k < CORE_SPLITS_MAX; k++) {
		size_t n = (size_t)from->n[k];
		int32_t *row = core_alloc(ctx, n, sizeof *row);
		if (!row)
			return FV_FAILED;
		if (n)
			memcpy(row, from->row[k], n * sizeof *row);
		to->row[k] = row;
	}
	return FV_OK;
}

static fv_status make_matrix(
	fv_ctx *ctx, const core_shared_matrix *wanted, core_shared_matrix **out)
{
	fv_ctx *own = core_ctx_aside(ctx);
	core_shared_matrix *made = own ? core_alloc(own, 1, sizeof *made) : NULL;
	fv_status status = made ? FV_OK : FV_FAILED;
	if (!own)
		return FV_FAILED;
	if (!status) {
		*made = *wanted;
		made->own = own;
		status = copy_rows(own, &wanted->rows, &made->rows);
	}
	if (!status && made->indexed)
		status = core_matrix_index(own, made->features, made->corpus_row, &made->rows,
			made->kind, &made->matrix);
	else if (!status)
		status = core_matrix_make(own, made->features, made->corpus_row, made->corpus,
			&made->rows, made->kind, &made->matrix);
	if (status)
		return core_ctx_rejoin(ctx, own, status);
	if (made->among) {
		made->next = made->among->first;
		made->among->first = made;
	}
	*out = made;
	return FV_OK;
}

void core_matrices_free(core_matrices *matrices)
{
	free_unused(matrices, NULL);
}

fv_status core_matrix_share(fv_ctx *ctx, core_matrices *matrices, const core_features *features,
	const int64_t *corpus_row, const core_corpus *corpus, const core_rows *rows,
	fv_standardize kind, bool indexed, core_matrix *matrix, core_shared_matrix **shared)
{
	const core_shared_matrix wanted = {.among = matrices,
		.features = features,
		.corpus_row = corpus_row,
		.corpus = corpus,
		.rows = *rows,
		.kind = kind,
		.indexed = indexed};
	core_shared_matrix *found = matrices ? find_matrix(&wanted) : NULL;
	if (matrices)
		free_unused(matrices, found);
	fv_status status = found ? FV_OK : make_matrix(ctx, &wanted, &found);
	if (status)
		return status;
	found->users++;
	*matrix = found->matrix;
	*shared = found;
	return FV_OK;
}

void core_matrix_unshare(core_shared_matrix *shared)
{
	if (!shared || --shared->users)
		return;
	if (shared->among)
		free_unused(shared->among, shared);
	else
		free_matrix(shared);
}
