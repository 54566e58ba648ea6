/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "contract/grouper_fixture.h"
#include "plugin/absent.h"
#include "plugin/descriptor.h"
#include "plugin/lists.h"

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

/* Calls fit in an opened instance that is shown what the flags say. */
static fv_status call_fit(struct contract *c, const struct grouper_fixture *f, struct fitted *g)
{
	struct instance *in = &g->instance;
	const fv_grouper_input train = contract_select_rows(f, g->uses, 0, TRAIN);
	fv_grouper_input shown;
	core_fence *fence = contract_show_rows(c->ctx, &train, &shown);
	if (!fence)
		return FV_FAILED;
	c->absent = core_absent_of_grouper(c->ctx, g->uses, f->recordings);
	g->grouping = (fv_grouping){.size = sizeof g->grouping};
	in->opened = true;
	fv_status status = contract_call(
		c, "fit", NULL, get_ops(c)->fit(in->state, in->ctx, &shown, &g->grouping));
	core_fence_retire(fence);
	return status;
}

/* Finds an input that uses() does not ask for, and without which fit() fails: its flag, or NULL. */
static const char *find_missing_use(
	struct contract *c, const struct grouper_fixture *f, uint32_t uses)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} inputs[] = {{FV_USE_FEATURES, "FV_USE_FEATURES"}, {FV_USE_COLUMN, "FV_USE_COLUMN"},
		{FV_USE_CLASS, "FV_USE_CLASS"}, {FV_USE_SPEAKER, "FV_USE_SPEAKER"},
		{FV_USE_FILE, "FV_USE_FILE"}, {FV_USE_DURATION, "FV_USE_DURATION"}};
	const char *found = NULL;
	const size_t checks = c->out->n_checks;
	c->quiet = true;
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs && !found; i++) {
		struct fitted g = {.uses = uses | inputs[i].flag};
		if (g.uses != uses && contract_open_instance(c, &g.instance) &&
			contract_allow_refusal(c, &g.instance, call_fit(c, f, &g), "fit"))
			found = inputs[i].name;
		contract_close_instance(c, &g.instance);
	}
	c->quiet = false;
	c->out->n_checks = checks;
	return found;
}

static bool fit_grouper(struct contract *c, const struct grouper_fixture *f, struct fitted *out)
{
	const fv_grouper_ops *ops = get_ops(c);
	*out = (struct fitted){0};
	if (!contract_open_instance(c, &out->instance))
		return false;
	struct instance *in = &out->instance;
	out->uses = contract_call(c, "uses", NULL, ops->uses(in->state));
	contract_end(c, "uses");
	contract_expect(
		c, out->uses < 2 * FV_USE_DURATION, "uses", "flags %#x are not known", out->uses);
	char words[512];
	fv_status status = call_fit(c, f, out);
	bool lost = !status && core_scratch_holds(in->ctx, out->grouping.name);
	status = contract_finish_op(c, in, status, "fit", words);
	const char *missing = status && !c->varied.name ? find_missing_use(c, f, out->uses) : NULL;
	if (missing)
		contract_fault(c, "uses",
			"fit() needs %s, which uses() does not return; without it fit() says: %s",
			missing, words[0] ? words : "nothing");
	if (missing || !contract_judge_start(c, status, "fit", words))
		return false;
	contract_classify(c, "lifetime", NULL);
	contract_expect(c, !lost, "fit", "the op " CORE_NAMES_IN_SCRATCH);
	contract_classify(c, NULL, NULL);
	return !lost;
}

static bool check_grouping(struct contract *c, struct instance *in, const fv_grouping *g)
{
	bool named =
		contract_expect(c, g->groups > 0 && g->name, "fit", "gives %d groups%s", g->groups,
			g->groups > 0 ? " without names" : "") &&
		contract_expect(c, g->groups <= CORE_GROUPS_MAX, "fit",
			"gives %d groups: at most %d are allowed", g->groups, CORE_GROUPS_MAX) &&
		contract_expect_ok(c, in,
			core_names_check(in->ctx, "name", "groups", g->name, g->groups), "fit");
	if (named)
		(void)contract_expect_ok(c, in,
			core_names_check_distinct(in->ctx, "name", g->name, g->groups), "fit");
	return named;
}

/* Calls assign with memory that shows what was not written, and copies what was. */
static bool call_assign(struct contract *c, struct fitted *g, const fv_grouper_input *rows,
	int32_t *id, float *member, const char *check)
{
	const fv_grouper_ops *ops = get_ops(c);
	struct instance *in = &g->instance;
	size_t n = (size_t)rows->n, members = member ? n * (size_t)g->grouping.groups : 0;
	int32_t *their_id = contract_make_output(c, "id", n * sizeof *id);
	float *their_member =
		member ? contract_make_output(c, "member", members * sizeof *member) : NULL;
	if (!their_id || (member && !their_member))
		return false;
	for (size_t i = 0; i < n; i++)
		their_id[i] = INT32_MIN;
	for (size_t i = 0; i < members; i++)
		their_member[i] = NAN;
	uint64_t before = contract_hash_state(c, in);
	fv_grouper_input shown;
	core_fence *fence = contract_show_rows(c->ctx, rows, &shown);
	if (!fence)
		return false;
	fv_status status = contract_call(c, "assign", check,
		ops->assign(in->state, in->ctx, &shown, their_id, their_member));
	core_fence_close(fence);
	bool ok = contract_expect_ok(c, in, status, check);
	contract_classify(c, "state", NULL);
	contract_expect(c, contract_hash_state(c, in) == before, "assign",
		"changes the state, which it may only read");
	contract_classify(c, NULL, NULL);
	memcpy(id, their_id, n * sizeof *id);
	if (member)
		memcpy(member, their_member, members * sizeof *member);
	contract_drop_outputs(c);
	return ok;
}

static bool assign_rows(struct contract *c, struct fitted *g, const fv_grouper_input *rows,
	int32_t *id, float *member, const char *check)
{
	bool ok = call_assign(c, g, rows, id, member, check);
	for (int32_t i = 0; i < rows->n && ok; i++)
		ok = contract_expect(c, id[i] != INT32_MIN, "assign", "row %d gets no id", i) &&
		     contract_expect(c, id[i] >= -1 && id[i] < g->grouping.groups, "assign",
			     "row %d is in group %d of %d", i, id[i], g->grouping.groups);
	for (int32_t i = 0; member && i < rows->n * g->grouping.groups && ok; i++)
		ok = contract_expect(c,
			core_is_membership((double)member[i], g->grouping.probability != 0),
			"assign", "membership %g in row %d%s", core_printable((double)member[i]),
			i / g->grouping.groups,
			g->grouping.probability && member[i] > 1
				? ", but fit() calls them probabilities"
				: "");
	return ok;
}

static bool assign_all(struct contract *c, const struct grouper_fixture *f, struct fitted *g)
{
	fv_grouper_input all = contract_select_rows(f, g->uses, 0, N);
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
static void check_repeat(struct contract *c, const struct grouper_fixture *f, struct fitted *g)
{
	struct fitted again = *g, other;
	if (assign_all(c, f, &again))
		contract_expect(c, are_equal(g, &again), "repeat", "a second assign differs");
	if (fit_grouper(c, f, &other) && assign_all(c, f, &other))
		contract_expect(c, are_equal(g, &other), "repeat", "a second fit differs");
	contract_close_instance(c, &other.instance);
}

/* Assigns the first n rows one by one, with their classes shown if those of all n are. */
static void check_alone(
	struct contract *c, const struct grouper_fixture *f, struct fitted *g, int32_t n)
{
	const bool layered = f->layers > 1, soft = g->grouping.soft != 0;
	const size_t groups = (size_t)g->grouping.groups;
	int32_t all[N], id[1] = {0};
	float *among = soft ? contract_alloc(c, (size_t)n * groups, sizeof *among) : NULL;
	float *alone = soft ? contract_alloc(c, groups, sizeof *alone) : NULL;
	bool same = soft && !layered;
	fv_grouper_input rows = contract_select_rows(f, g->uses, 0, n);
	if ((soft && (!among || !alone)) || !assign_rows(c, g, &rows, all, among, "assign"))
		return;
	for (int32_t i = 0; i < n; i++) {
		fv_grouper_input one = contract_select_rows(f, g->uses, i, 1);
		one.klass = rows.klass ? one.klass : NULL;
		if (!assign_rows(c, g, &one, id, alone, "one row"))
			continue;
		contract_expect(c, id[0] == all[i], layered ? "layers" : "independence",
			"%srow %d is in group %d alone and in %d among others",
			layered ? "with two layers in x, " : "", i, id[0], all[i]);
		same = same && contract_compare_memberships(
				       c, i, g->grouping.groups, alone, among + (size_t)i * groups);
	}
}

/* A row's group must not depend on other rows, except when the grouper pools over speakers. */
static void check_independence(
	struct contract *c, const struct grouper_fixture *f, struct fitted *g)
{
	int32_t id[1] = {0};
	fv_grouper_input none = contract_select_rows(f, g->uses, 0, 0);
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

static void check_unknown(
	struct contract *c, const struct grouper_fixture *f, const struct fitted *g)
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

/* At least one training row must have a group, and they should not all have the same. */
static void check_any_group(struct contract *c, const struct fitted *g)
{
	int32_t known = 0, first = -1, others = 0;
	for (int32_t i = 0; i < TRAIN; i++) {
		first = first < 0 ? g->id[i] : first;
		known += g->id[i] >= 0;
		others += g->id[i] >= 0 && g->id[i] != first;
	}
	contract_expect(
		c, known > 0, "assign", "none of the %d training rows is in a group", TRAIN);
	if (known && !others)
		contract_note(c, "assign",
			"all training rows with a group are in group %d of %d: rows that differ "
			"are not told apart",
			first, g->grouping.groups);
}

/* A corpus without recordings has no durations: a grouper that asks for them refuses it, or gives groups. */
static void check_without_durations(struct contract *c, struct grouper_fixture *f)
{
	struct fitted g = {0};
	f->recordings = false;
	if (contract_open_instance(c, &g.instance)) {
		g.uses = get_ops(c)->uses(g.instance.state);
		bool fitted = contract_allow_refusal(
			c, &g.instance, call_fit(c, f, &g), "fit without durations");
		if (fitted && check_grouping(c, &g.instance, &g.grouping))
			assign_all(c, f, &g);
	}
	contract_close_instance(c, &g.instance);
	f->recordings = true;
}

/* What is said of several layers is right if it is a refusal. */
static bool fit_layers(struct contract *c, const struct grouper_fixture *f, struct fitted *g)
{
	char words[512];
	fv_status status =
		contract_finish_op(c, &g->instance, call_fit(c, f, g), "fit two layers", words);
	bool refused = (status == FV_CONFIG || status == FV_DATA) && words[0];
	return !refused && contract_judge_start(c, status, "fit two layers", words) &&
	       check_grouping(c, &g->instance, &g->grouping);
}

/* A grouper that takes x for [n, dims] gives a row the group of another one where there are more layers. */
static void check_layers(struct contract *c, const struct grouper_fixture *one, uint32_t uses)
{
	struct grouper_fixture *f = contract_add_layer(c, one);
	struct fitted g = {.uses = uses};
	if (f && contract_open_instance(c, &g.instance) && fit_layers(c, f, &g) &&
		assign_all(c, f, &g) && !(uses & FV_USE_SPEAKER))
		check_alone(c, f, &g, N);
	contract_close_instance(c, &g.instance);
}

static void check_in(struct contract *c, struct grouper_fixture *f)
{
	struct fitted g;
	const size_t faults = c->out->n_faults;
	bool fitted = fit_grouper(c, f, &g);
	if (g.instance.state && !c->needs)
		contract_tell_grouper(c, f, g.uses);
	if (fitted && check_grouping(c, &g.instance, &g.grouping) && assign_all(c, f, &g)) {
		check_any_group(c, &g);
		if (g.member && g.grouping.probability)
			contract_note_probabilities(c, g.id, g.member, N, g.grouping.groups,
				(g.uses & FV_USE_SPEAKER) != 0);
		check_repeat(c, f, &g);
		check_independence(c, f, &g);
		check_unknown(c, f, &g);
	}
	contract_close_instance(c, &g.instance);
	if (fitted && g.uses & FV_USE_FEATURES && c->out->n_faults == faults)
		check_layers(c, f, g.uses);
	if (fitted && g.uses & FV_USE_DURATION)
		check_without_durations(c, f);
}

void contract_check_grouper(struct contract *c)
{
	struct grouper_fixture *f = contract_make_grouper_fixture(c);
	if (f)
		check_in(c, f);
}
