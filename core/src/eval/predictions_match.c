/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/predictions_match.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"

#define PARTS_MAX 4096 /* of a path */

const char *core_predictions_name(const core_predictions *p)
{
	return p->path ? p->path : "the predictions";
}

fv_status core_predictions_fail(
	fv_ctx *ctx, const core_predictions *p, int64_t row, const char *text)
{
	if (!text)
		return FV_FAILED;
	if (p->line)
		return core_fail_at(ctx, FV_DATA, p->path, (int)p->line[row], 0, "%s", text);
	return fv_fail(ctx, FV_DATA, "%s: %s", core_predictions_name(p), text);
}

struct name {
	const char *id;
	int64_t row;
};

/* By the parts of the ids, the last first: names with one stem lie side by side, and one that is the
 * end of others in front of them. */
static int compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	for (int32_t k = 0;; k++) {
		core_id_part p = core_id_find_part(x->id, k), q = core_id_find_part(y->id, k);
		int order = core_id_compare_parts(p, q);
		if (order)
			return order;
		if (!p.text)
			return (x->row > y->row) - (x->row < y->row);
	}
}

/* Returns the names of all rows, sorted, or NULL with a message. Release with free(). */
static struct name *sort_names(fv_ctx *ctx, const core_predictions *p)
{
	struct name *sorted = malloc(((size_t)p->n + 1) * sizeof *sorted);
	if (!sorted) {
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
		return NULL;
	}
	for (int64_t i = 0; i < p->n; i++) {
		sorted[i] = (struct name){core_path_id(ctx, p->file[i]), i};
		if (!sorted[i].id) {
			free(sorted);
			return NULL;
		}
	}
	qsort(sorted, (size_t)p->n, sizeof *sorted, compare_names);
	return sorted;
}

static const char *find_stem(const struct name *name)
{
	return core_id_suffix(name->id, 1);
}

/* Counts the names from the start of a sorted list that have one stem. */
static int64_t count_stem(const struct name *name, int64_t n)
{
	int64_t count = n > 0;
	while (count < n && !strcmp(find_stem(&name[count]), find_stem(name)))
		count++;
	return count;
}

static bool is_end_of(const char *end, const char *id)
{
	return !strcmp(core_id_suffix(id, core_id_count_parts(end)), end);
}

static fv_status check_unique(fv_ctx *ctx, const core_predictions *p, const struct name *sorted)
{
	fv_status status = FV_OK;
	for (int64_t i = 1; i < p->n; i++) {
		if (!is_end_of(sorted[i - 1].id, sorted[i].id))
			continue;
		int64_t a = sorted[i - 1].row, b = sorted[i].row, row = a > b ? a : b,
			before = a > b ? b : a;
		status = core_predictions_fail(ctx, p, row,
			p->line ? core_format(ctx, "'%s' repeats the recording of line %lld",
					  p->file[row], (long long)p->line[before])
				: core_format(ctx, "'%s' is predicted twice", p->file[row]));
	}
	return status;
}

fv_status core_predictions_tell_apart(fv_ctx *ctx, core_predictions *p)
{
	struct name *sorted = sort_names(ctx, p);
	fv_status status = sorted ? check_unique(ctx, p, sorted) : FV_FAILED;
	for (int64_t i = 0, n; sorted && i < p->n; i += n) {
		n = count_stem(sorted + i, p->n - i);
		for (int64_t k = i; k < i + n; k++)
			p->stem[sorted[k].row] = n == 1 ? find_stem(&sorted[k]) : sorted[k].id;
	}
	free(sorted);
	return status;
}

static fv_status report_unmatched(
	fv_ctx *ctx, const core_predictions *has, int64_t row, const core_predictions *lacks)
{
	return core_predictions_fail(ctx, has, row,
		core_format(
			ctx, "'%s' is not in %s", has->file[row], core_predictions_name(lacks)));
}

/* True if the last `parts` parts tell sorted names of one stem apart. */
static bool are_told_apart(const struct name *name, int64_t n, int32_t parts)
{
	for (int64_t i = 1; i < n; i++)
		if (!strcmp(core_id_suffix(name[i - 1].id, parts),
			    core_id_suffix(name[i].id, parts)))
			return false;
	return true;
}

/* The names of one stem in both files. */
struct stem_pair {
	const core_predictions *base, *other;
	const struct name *a, *b;
	int64_t n_a, n_b;
};

static fv_status match_stem(fv_ctx *ctx, const struct stem_pair *s, int64_t *match)
{
	int32_t parts = 1;
	while (parts < PARTS_MAX &&
		(!are_told_apart(s->a, s->n_a, parts) || !are_told_apart(s->b, s->n_b, parts)))
		parts++;
	fv_status status = FV_OK;
	int64_t i = 0, j = 0;
	while (i < s->n_a || j < s->n_b) {
		struct name x = {i < s->n_a ? core_id_suffix(s->a[i].id, parts) : NULL, 0},
			    y = {j < s->n_b ? core_id_suffix(s->b[j].id, parts) : NULL, 0};
		int order = !x.id ? 1 : !y.id ? -1 : compare_names(&x, &y);
		if (order < 0)
			status = report_unmatched(ctx, s->base, s->a[i++].row, s->other);
		else if (order > 0)
			status = report_unmatched(ctx, s->other, s->b[j++].row, s->base);
		else
			match[s->a[i++].row] = s->b[j++].row;
	}
	return status;
}

fv_status core_predictions_match(
	fv_ctx *ctx, const core_predictions *base, const core_predictions *other, int64_t *match)
{
	struct name *a = sort_names(ctx, base), *b = a ? sort_names(ctx, other) : NULL;
	fv_status status = b ? FV_OK : FV_FAILED;
	for (int64_t i = 0, j = 0; b && (i < base->n || j < other->n);) {
		struct stem_pair s = {base, other, a + i, b + j, count_stem(a + i, base->n - i),
			count_stem(b + j, other->n - j)};
		int order = !s.n_a ? 1 : !s.n_b ? -1 : strcmp(find_stem(s.a), find_stem(s.b));
		s.n_a = order > 0 ? 0 : s.n_a;
		s.n_b = order < 0 ? 0 : s.n_b;
		fv_status stem = match_stem(ctx, &s, match);
		status = stem ? stem : status;
		i += s.n_a;
		j += s.n_b;
	}
	free(a);
	free(b);
	return status;
}
