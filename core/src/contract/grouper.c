/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "contract/suite.h"

enum { N = CORE_CONTRACT_ROWS, TRAIN = N / 2, DIMS = 6, PROBABILITIES = 3 };

/* A grouper input with something for every kind of grouper; columns that uses() does not name are
 * hidden. */
struct fixture {
	float x[N * DIMS]; /* [N, DIMS] three probabilities, three features in clusters */
	int32_t column_id[N], klass[N], speaker[N];
	double duration[N];
	const char *stem[N];
};

static const char *const columns[DIMS] = {"p0", "p1", "p2", "f0", "f1", "f2"};
static const fv_role roles[DIMS] = {FV_COL_PROBABILITY, FV_COL_PROBABILITY, FV_COL_PROBABILITY,
	FV_COL_FEATURE, FV_COL_FEATURE, FV_COL_FEATURE};
static const char *const classes[] = {"c0", "c1", "c2", "c3"};
/* "rare" occurs only outside the training rows */
static const char *const values[] = {"first", "rare", "second", "third"};

static void fill_fixture(struct contract *c, struct fixture *f)
{
	static const int32_t trained[] = {0, 2, 3};
	for (int32_t i = 0; i < N; i++) {
		fv_stream s = fv_rng_seeded(1, "contract.row", 0, (uint64_t)i);
		float *x = f->x + i * DIMS;
		float sum = 0;
		for (int32_t d = 0; d < PROBABILITIES; d++)
			sum += x[d] = (float)(0.05 + fv_uniform(&s));
		for (int32_t d = 0; d < PROBABILITIES; d++)
			x[d] /= sum;
		for (int32_t d = PROBABILITIES; d < DIMS; d++)
			x[d] = (float)(fv_normal(&s) + 5 * ((i >> (d - PROBABILITIES)) % 2));
		f->column_id[i] = i % 9 == 8 ? -1 : trained[i % 3];
		if (i >= TRAIN && i % 5 == 0)
			f->column_id[i] = 1;
		f->klass[i] = i % 4;
		f->speaker[i] = i / 8;
		f->duration[i] = i % 7 == 6 ? NAN : 0.5 + 4 * fv_uniform(&s);
		f->stem[i] = contract_make_stem(c, i);
	}
}

/* Rows [first, first+n), with only the inputs that `uses` names. */
static fv_grouper_input make_input(const struct fixture *f, uint32_t uses, int32_t first, int32_t n)
{
	fv_grouper_input t = {.size = sizeof t, .n = n};
	if (uses & FV_USE_FEATURES) {
		t.dims = DIMS;
		t.layers = 1;
		t.x = f->x + first * DIMS;
		t.columns = columns;
		t.roles = roles;
	}
	if (uses & FV_USE_COLUMN) {
		t.column_id = f->column_id + first;
		t.column_names = values;
		t.n_column_names = 4;
	}
	if (uses & FV_USE_CLASS) {
		t.class_names = classes;
		t.n_classes = 4;
	}
	if (uses & FV_USE_CLASS && first + n <= TRAIN)
		t.klass = f->klass + first;
	if (uses & FV_USE_SPEAKER)
		t.speaker = f->speaker + first;
	if (uses & FV_USE_FILE)
		t.stem = f->stem + first;
	if (uses & FV_USE_DURATION)
		t.duration = f->duration + first;
	return t;
}

/* A fitted grouper and its groups of all rows. */
struct fitted {
	struct instance instance;
	uint32_t uses;
	fv_grouping grouping;
	int32_t *id;   /* [N] */
	float *member; /* [N,G] or NULL */
};

static const fv_grouper_ops *get_ops(const struct contract *c)
{
	return c->plugin->ops;
}

static bool fit_grouper(struct contract *c, const struct fixture *f, struct fitted *out)
{
	const fv_grouper_ops *ops = get_ops(c);
	*out = (struct fitted){0};
	if (!contract_open_instance(c, &out->instance))
		return false;
	struct instance *in = &out->instance;
	out->uses = ops->uses(in->state);
	contract_expect(
		c, out->uses < 2 * FV_USE_DURATION, "uses", "flags %#x are not known", out->uses);
	fv_grouper_input train = make_input(f, out->uses, 0, TRAIN);
	out->grouping = (fv_grouping){.size = sizeof out->grouping};
	in->opened = true;
	return contract_expect_start(
		c, in, ops->fit(in->state, in->ctx, &train, &out->grouping), "fit");
}

static bool check_grouping(struct contract *c, const fv_grouping *g)
{
	if (!contract_expect(c, g->groups > 0 && g->name, "fit", "gives %d groups", g->groups))
		return false;
	for (int32_t i = 0; i < g->groups; i++) {
		if (!contract_expect(
			    c, g->name[i] && *g->name[i], "fit", "group %d has no name", i))
			return false;
		for (int32_t j = 0; j < i; j++)
			contract_expect(c, strcmp(g->name[i], g->name[j]) != 0, "fit",
				"two groups are called '%s'", g->name[i]);
	}
	return true;
}

static bool assign_rows(struct contract *c, struct fitted *g, const fv_grouper_input *rows,
	int32_t *id, float *member, const char *check)
{
	const fv_grouper_ops *ops = get_ops(c);
	for (int32_t i = 0; i < rows->n; i++)
		id[i] = INT32_MIN;
	for (int32_t i = 0; member && i < rows->n * g->grouping.groups; i++)
		member[i] = NAN;
	struct instance *in = &g->instance;
	if (!contract_expect_ok(c, in, ops->assign(in->state, in->ctx, rows, id, member), check))
		return false;
	bool ok = true;
	for (int32_t i = 0; i < rows->n && ok; i++)
		ok = contract_expect(c, id[i] >= -1 && id[i] < g->grouping.groups, check,
			"row %d is in group %d of %d", i, id[i], g->grouping.groups);
	for (int32_t i = 0; member && i < rows->n * g->grouping.groups && ok; i++)
		ok = contract_expect(c, isfinite(member[i]) && member[i] >= 0, check,
			"membership %g in row %d", (double)member[i], i / g->grouping.groups);
	return ok;
}

static bool assign_all(struct contract *c, const struct fixture *f, struct fitted *g)
{
	fv_grouper_input all = make_input(f, g->uses, 0, N);
	g->id = contract_alloc(c, N, sizeof *g->id);
	if (g->grouping.soft)
		g->member =
			contract_alloc(c, (size_t)N * (size_t)g->grouping.groups, sizeof(float));
	return g->id && assign_rows(c, g, &all, g->id, g->member, "assign");
}

static bool are_equal(const struct fitted *a, const struct fitted *b)
{
	size_t members = a->member ? (size_t)N * (size_t)a->grouping.groups * sizeof(float) : 0;
	return a->grouping.groups == b->grouping.groups &&
	       !memcmp(a->id, b->id, N * sizeof *a->id) &&
	       (!members || !memcmp(a->member, b->member, members));
}

/* Assigning again, and fitting and assigning in a fresh state, must give the same bytes. */
static void check_repeat(struct contract *c, const struct fixture *f, struct fitted *g)
{
	struct fitted again = *g, other;
	if (assign_all(c, f, &again))
		contract_expect(c, are_equal(g, &again), "repeat", "a second assign differs");
	if (fit_grouper(c, f, &other) && assign_all(c, f, &other))
		contract_expect(c, are_equal(g, &other), "repeat", "a second fit differs");
	contract_close_instance(c, &other.instance);
}

/* Assigns the first n rows one by one, with their classes shown if those of all n are. */
static void check_alone(struct contract *c, const struct fixture *f, struct fitted *g, int32_t n)
{
	int32_t all[N], id[1] = {0};
	fv_grouper_input rows = make_input(f, g->uses, 0, n);
	if (!assign_rows(c, g, &rows, all, NULL, "assign"))
		return;
	for (int32_t i = 0; i < n; i++) {
		fv_grouper_input one = make_input(f, g->uses, i, 1);
		one.klass = rows.klass ? one.klass : NULL;
		if (assign_rows(c, g, &one, id, NULL, "one row"))
			contract_expect(c, id[0] == all[i], "independence",
				"row %d is in group %d alone and in %d among others", i, id[0],
				all[i]);
	}
}

/* A row's group must not depend on other rows, except when the grouper pools over speakers. */
static void check_independence(struct contract *c, const struct fixture *f, struct fitted *g)
{
	int32_t id[1] = {0};
	fv_grouper_input none = make_input(f, g->uses, 0, 0);
	assign_rows(c, g, &none, id, NULL, "no rows");
	if (g->uses & FV_USE_SPEAKER) {
		contract_note(
			c, "independence", "looks at speakers: rows are not compared one by one");
		return;
	}
	check_alone(c, f, g, N);
	if (g->uses & FV_USE_CLASS)
		check_alone(c, f, g, TRAIN);
}

static void check_unknown(struct contract *c, const struct fixture *f, const struct fitted *g)
{
	if (!(g->uses & FV_USE_COLUMN))
		return;
	for (int32_t i = 0; i < N; i++)
		contract_expect(c, g->id[i] == -1 || f->column_id[i] >= 0, "unknown",
			"row %d has no value and is in group %d", i, g->id[i]);
	for (int32_t i = TRAIN; i < N; i++)
		contract_expect(c, g->id[i] == -1 || f->column_id[i] != 1, "unknown",
			"row %d has a value not met in training and is in group %d", i, g->id[i]);
}

/* A value that is not finite must be refused, or the row must get no group. */
static void check_not_a_number(struct contract *c, struct fixture *f, struct fitted *g)
{
	static const float bad[] = {NAN, INFINITY, -INFINITY};
	if (!(g->uses & FV_USE_FEATURES))
		return;
	const fv_grouper_ops *ops = get_ops(c);
	int32_t clean[1] = {-1};
	fv_grouper_input first = make_input(f, g->uses, 0, 1);
	if (!assign_rows(c, g, &first, clean, NULL, "one row"))
		return;
	for (int32_t i = 0; i < 3 * DIMS; i++) {
		float kept = f->x[i % DIMS];
		f->x[i % DIMS] = bad[i / DIMS];
		int32_t id[1] = {-1};
		fv_grouper_input one = make_input(f, g->uses, 0, 1);
		fv_status status = ops->assign(g->instance.state, g->instance.ctx, &one, id, NULL);
		f->x[i % DIMS] = kept;
		if (!status && id[0] == clean[0] && roles[i % DIMS] == FV_COL_FEATURE)
			continue; /* a column that it does not use */
		if (!status && id[0] == -1)
			continue;
		contract_expect_refusal(c, &g->instance, status, "not a number");
	}
}

void contract_check_grouper(struct contract *c)
{
	struct fixture *f = contract_alloc(c, 1, sizeof *f);
	if (!f)
		return;
	fill_fixture(c, f);
	struct fitted g;
	if (fit_grouper(c, f, &g) && check_grouping(c, &g.grouping) && assign_all(c, f, &g)) {
		check_repeat(c, f, &g);
		check_independence(c, f, &g);
		check_unknown(c, f, &g);
		check_not_a_number(c, f, &g);
	}
	contract_close_instance(c, &g.instance);
}
