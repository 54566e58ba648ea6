/* SPDX-License-Identifier: Apache-2.0 */
#include "report/failures.h"

#include <string.h>

#include "base/plural.h"

/* A reason with what it is the reason of. */
struct cause {
	const char *reason, *first; /* label of the first variant that has it */
	size_t last;                /* row of the last one so far */
	int64_t variants, runs;     /* runs 0: the variants could not start */
	int64_t of;                 /* all runs of these variants */
};

struct causes {
	size_t n, capacity;
	struct cause *cause;
};

/* Finds the cause with this reason, or makes it. NULL: out of memory. */
static struct cause *find_cause(fv_ctx *ctx, struct causes *c, const char *reason, bool runs)
{
	for (size_t i = 0; i < c->n; i++)
		if (!c->cause[i].runs == !runs && !strcmp(c->cause[i].reason, reason))
			return &c->cause[i];
	if (c->n == c->capacity) {
		size_t capacity = 2 * c->n + 8;
		struct cause *grown = core_alloc(ctx, capacity, sizeof *grown);
		if (!grown)
			return NULL;
		if (c->n)
			memcpy(grown, c->cause, c->n * sizeof *grown);
		c->cause = grown;
		c->capacity = capacity;
	}
	c->cause[c->n] = (struct cause){.reason = reason, .last = SIZE_MAX};
	return &c->cause[c->n++];
}

static fv_status add_failure(fv_ctx *ctx, struct causes *c, const core_grid *grid, size_t row,
	const char *reason, bool run)
{
	struct cause *cause = find_cause(ctx, c, reason, run);
	if (!cause)
		return FV_FAILED;
	cause->runs += run;
	if (cause->last == row)
		return FV_OK;
	cause->last = row;
	cause->of += (int64_t)grid->row[row].variant->n;
	if (!cause->variants++)
		cause->first = grid->row[row].label;
	return FV_OK;
}

static fv_status list_causes(fv_ctx *ctx, const core_grid *grid, struct causes *c)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < grid->n_rows && !status; i++) {
		const core_variant_result *v = grid->row[i].variant;
		if (v->reason)
			status = add_failure(ctx, c, grid, i, v->reason, false);
		for (size_t k = 0; k < v->n && !status; k++)
			if (v->run[k].reason)
				status = add_failure(ctx, c, grid, i, v->run[k].reason, true);
	}
	return status;
}

/* "NAME", or "3 variants (NAME, ...)" */
static const char *name_variants(fv_ctx *ctx, const struct cause *cause)
{
	if (cause->variants == 1)
		return cause->first;
	return core_format(
		ctx, "%lld variants (%s, ...)", (long long)cause->variants, cause->first);
}

static fv_status note_cause(
	fv_ctx *ctx, const char *word, const struct cause *cause, core_document *document)
{
	const char *variants = name_variants(ctx, cause);
	if (!variants)
		return FV_FAILED;
	if (!cause->runs)
		return core_document_note(ctx, document, "%s: %s, which could not start: %s", word,
			variants, cause->reason);
	return core_document_note(ctx, document, "%s: %lld of %lld run%s of %s, which failed: %s",
		word, (long long)cause->runs, (long long)cause->of, core_plural(cause->of),
		variants, cause->reason);
}

fv_status core_failure_notes(
	fv_ctx *ctx, const core_grid *grid, const char *word, size_t most, core_document *document)
{
	struct causes c = {0};
	if (grid->options.lists_failures)
		return FV_OK;
	fv_status status = list_causes(ctx, grid, &c);
	for (size_t i = 0; i < c.n && i < most && !status; i++)
		status = note_cause(ctx, word, &c.cause[i], document);
	if (!status && c.n > most)
		status = core_document_note(ctx, document,
			"%s: %zu more reason%s, which 'fairvox status' tells", word, c.n - most,
			core_plural((int64_t)(c.n - most)));
	return status;
}
