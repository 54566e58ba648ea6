/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "contract/loss_fixture.h"

static const fv_loss_ops *get_ops(const struct contract *c)
{
	return c->plugin->ops;
}

static fv_status open_loss(struct contract *c, const struct loss_fixture *w, struct instance *in)
{
	const fv_loss_ops *ops = get_ops(c);
	in->opened = true;
	contract_begin(c, "open", NULL);
	return ops->open ? ops->open(in->state, in->ctx, &w->setup) : FV_OK;
}

/* Opens the loss in a new instance; false: a fault is recorded. */
static bool start_loss(struct contract *c, const struct loss_fixture *w, struct instance *in)
{
	return contract_open_instance(c, in) &&
	       contract_expect_start(c, in, open_loss(c, w, in), "open");
}

static bool weigh_batch(
	struct contract *c, struct instance *in, struct loss_batch *b, const char *what)
{
	const fv_loss_ops *ops = get_ops(c);
	size_t size = (size_t)b->batch.n * sizeof *b->v;
	double *v = contract_make_output(c, "v", size);
	double *value = contract_make_output(c, "value", sizeof *value);
	const fv_batch *shown = contract_show_batch(c, &b->batch);
	if (!v || !value)
		return false;
	*value = NAN;
	fv_status status =
		contract_call(c, "weigh", what, ops->weigh(in->state, in->ctx, shown, v, value));
	bool ok = contract_expect_ok(c, in, status, what);
	memset(b->v, 0, sizeof b->v);
	memcpy(b->v, v, size);
	b->value = *value;
	contract_hide_batch(c, "weigh");
	contract_drop_outputs(c);
	if (!ok)
		return false;
	contract_classify(c, "weigh", "not finite");
	contract_expect(c, contract_is_finite_f64(b->v, b->batch.n), "weigh",
		"%s gives a weight that is not finite", what);
	ok = contract_expect(c, isfinite(b->value), "weigh", "%s gives the value %g", what,
		core_printable(b->value));
	contract_classify(c, NULL, NULL);
	return ok;
}

/* Notes if no sample of a plain batch has a weight. */
static void check_any_weight(struct contract *c, const struct loss_fixture *w)
{
	struct instance in;
	struct loss_batch b = {0};
	double sum = 0;
	contract_draw_batch(w, PLAIN, 1, &b);
	bool weighed =
		start_loss(c, w, &in) && weigh_batch(c, &in, &b, contract_batch_kinds[PLAIN]);
	for (int32_t i = 0; i < b.batch.n; i++)
		sum += fabs(b.v[i]);
	if (weighed && sum < 1e-300)
		contract_note(c, "weigh",
			"every weight of a plain batch is 0: nothing is learned from it: was v "
			"written?");
	contract_close_instance(c, &in);
}

/* Weighs one batch of every kind in two states: results must be finite and the same bytes. */
static void check_batches(struct contract *c, const struct loss_fixture *w)
{
	struct instance a, b = {0};
	if (start_loss(c, w, &a) && start_loss(c, w, &b)) {
		for (int32_t kind = 0; kind < 2 * KINDS; kind++) {
			struct loss_batch one = {0}, two = {0};
			contract_draw_batch(w, kind % KINDS, 1 + kind, &one);
			contract_draw_batch(w, kind % KINDS, 1 + kind, &two);
			if (weigh_batch(c, &a, &one, contract_batch_kinds[kind % KINDS]) &&
				weigh_batch(c, &b, &two, contract_batch_kinds[kind % KINDS]))
				contract_expect(c,
					!memcmp(one.v, two.v, sizeof one.v) &&
						!memcmp(&one.value, &two.value, sizeof one.value),
					"repeat", "%s gives different weights the second time",
					contract_batch_kinds[kind % KINDS]);
		}
	}
	contract_close_instance(c, &a);
	contract_close_instance(c, &b);
	check_any_weight(c, w);
}

/* Reverses the order of the samples in a batch. */
static void reverse_batch(const struct loss_fixture *w, struct loss_batch *b)
{
	const struct loss_batch old = *b;
	const size_t classes = CLASSES * sizeof(float), groups = (size_t)w->groups * sizeof(float);
	for (int32_t i = 0; i < b->batch.n; i++) {
		int32_t from = b->batch.n - 1 - i;
		b->row[i] = old.row[from];
		b->klass[i] = old.klass[from];
		b->group[i] = old.group[from];
		b->loss[i] = old.loss[from];
		b->stem[i] = old.stem[from];
		memcpy(b->logits + i * CLASSES, old.logits + from * CLASSES, classes);
		memcpy(b->label + i * CLASSES, old.label + from * CLASSES, classes);
		memcpy(b->member + i * w->groups, old.member + from * w->groups, groups);
	}
}

/* Notes if the second step on a batch depends on the order of its samples: state by position would do that. */
static void check_positions(struct contract *c, const struct loss_fixture *w)
{
	struct instance in[2] = {{0}};
	struct loss_batch b[2];
	bool going = true;
	for (int32_t reversed = 0; reversed < 2 && going; reversed++) {
		b[reversed] = (struct loss_batch){0};
		contract_draw_batch(w, PLAIN, 1, &b[reversed]);
		going = start_loss(c, w, &in[reversed]) &&
			weigh_batch(c, &in[reversed], &b[reversed], "a plain batch");
		contract_draw_batch(w, PLAIN, 1, &b[reversed]);
		b[reversed].batch.step = 2;
		if (reversed)
			reverse_batch(w, &b[reversed]);
		going = going && weigh_batch(c, &in[reversed], &b[reversed], "a plain batch");
	}
	double off = 0, most = 0;
	for (int32_t i = 0; i < BATCH && going; i++) {
		off = fmax(off, fabs(b[0].v[i] - b[1].v[BATCH - 1 - i]));
		most = fmax(most, fabs(b[0].v[i]));
	}
	contract_classify(c, "positions", NULL);
	if (off > 1e-9 * most)
		contract_note(c, "weigh",
			"a sample's weight depends on its position in the batch (by %.3g): is "
			"something kept by position instead of by batch->row?",
			off);
	contract_classify(c, NULL, NULL);
	contract_close_instance(c, &in[0]);
	contract_close_instance(c, &in[1]);
}

static double run_evaluate(struct contract *c, struct instance *in, const struct loss_batch *b)
{
	const fv_loss_ops *ops = get_ops(c);
	double value = NAN;
	if (ops->evaluate) {
		const fv_batch *shown = contract_show_batch(c, &b->batch);
		fv_status status = contract_call(
			c, "evaluate", NULL, ops->evaluate(in->state, in->ctx, shown, &value));
		bool ok = contract_expect_ok(c, in, status, "evaluate");
		contract_record(c, &value, sizeof value);
		contract_hide_batch(c, "evaluate");
		return ok ? value : NAN;
	}
	value = 0;
	for (int32_t i = 0; i < b->batch.n; i++)
		value += b->loss[i] / b->batch.n;
	return value;
}

/* The derivative of the value from weigh in a fresh state, or from evaluate in the state `after`.
 * Group weights are held constant, as in the gradient. */
static double measure_slope(struct contract *c, const struct loss_fixture *w,
	struct instance *after, const struct loss_batch *b, int32_t i, bool by_evaluate)
{
	double value[2] = {0}, h = 1e-5;
	for (int32_t side = 0; side < 2; side++) {
		struct loss_batch moved = *b;
		moved.batch.loss = moved.loss;
		moved.loss[i] += side ? h : -h;
		if (by_evaluate) {
			value[side] = run_evaluate(c, after, &moved);
			continue;
		}
		struct instance fresh;
		if (start_loss(c, w, &fresh) && weigh_batch(c, &fresh, &moved, "a shifted loss"))
			value[side] = moved.value;
		contract_close_instance(c, &fresh);
	}
	return (value[1] - value[0]) / (2 * h);
}

static void check_slopes(struct contract *c, const struct loss_fixture *w)
{
	struct instance in;
	struct loss_batch b = {0};
	contract_draw_batch(w, PLAIN, 1, &b);
	if (start_loss(c, w, &in) && weigh_batch(c, &in, &b, contract_batch_kinds[PLAIN])) {
		uint64_t before = contract_hash_state(c, &in);
		contract_expect(c, isfinite(run_evaluate(c, &in, &b)), "evaluate",
			"the value is not finite");
		contract_expect(
			c, contract_hash_state(c, &in) == before, "evaluate", "changes the state");
		double off[2] = {0};
		for (int32_t by_evaluate = 0; by_evaluate < 2; by_evaluate++)
			for (int32_t i = 0; i < b.batch.n; i++)
				off[by_evaluate] = fmax(off[by_evaluate],
					fabs(measure_slope(c, w, &in, &b, i, by_evaluate) -
						b.v[i]));
		c->out->n_checks++;
		if (get_ops(c)->exact_derivative > 0)
			contract_expect(c, off[0] <= 1e-7, "derivative",
				"v differs from the value's derivative by %.3g, although "
				"exact_derivative says that nothing is held constant",
				off[0]);
		else if (!get_ops(c)->exact_derivative && fmin(off[0], off[1]) > 1e-7)
			contract_note(c, "derivative",
				"v differs from the value's derivative by %.3g, from that of the "
				"development value by %.3g: right only where something is held "
				"constant, which exact_derivative = -1 says",
				off[0], off[1]);
	}
	contract_close_instance(c, &in);
}

/* The number of rows that subsample keeps; -1 (and a fault) when they are out of range. */
static int64_t run_subsample(struct contract *c, struct instance *in, int32_t *row)
{
	const fv_loss_ops *ops = get_ops(c);
	int64_t n = 0;
	if (!ops->subsample)
		return N;
	const size_t size = 2 * N * sizeof *row;
	int32_t *written = contract_make_output(c, "row", size);
	if (!written)
		return -1;
	for (int32_t i = 0; i < N; i++)
		written[i] = i; /* as in a run */
	fv_status status = contract_call(
		c, "subsample", NULL, ops->subsample(in->state, in->ctx, written, 2 * N, &n));
	bool done = contract_expect_ok(c, in, status, "subsample");
	memcpy(row, written, size);
	contract_drop_outputs(c);
	if (!done)
		return -1;
	bool ok = contract_expect(
		c, n > 0 && n <= 2 * N, "subsample", "%lld rows of %d", (long long)n, N);
	for (int64_t i = 0; i < n && ok; i++)
		ok = contract_expect(
			c, row[i] >= 0 && row[i] < N, "subsample", "row %d of %d", row[i], N);
	return ok ? n : -1;
}

/* Calls order with positions [n], which hold the core's shuffle. */
static bool run_order(
	struct contract *c, struct instance *in, int64_t epoch, int32_t *position, int64_t n)
{
	const fv_loss_ops *ops = get_ops(c);
	size_t size = (size_t)n * sizeof *position;
	int32_t *written = contract_make_output(c, "position", size);
	if (!written)
		return false;
	memcpy(written, position, size);
	fv_status status =
		contract_call(c, "order", NULL, ops->order(in->state, in->ctx, epoch, written, n));
	bool ok = contract_expect_ok(c, in, status, "order");
	memcpy(position, written, size);
	contract_drop_outputs(c);
	return ok;
}

/* Calls mix with the values that a run passes in. */
static bool run_mix(struct contract *c, struct instance *in, const struct loss_batch *b,
	int32_t *partner, double *lambda)
{
	const fv_loss_ops *ops = get_ops(c);
	size_t n = (size_t)b->batch.n;
	int32_t *their_partner = contract_make_output(c, "partner_row", n * sizeof *partner);
	double *their_lambda = contract_make_output(c, "lambda", n * sizeof *lambda);
	fv_batch before = b->batch; /* the losses are computed on what it mixes */
	before.loss = NULL;
	before.logits = NULL;
	const fv_batch *shown = contract_show_batch(c, &before);
	if (!their_partner || !their_lambda)
		return false;
	for (size_t i = 0; i < n; i++) {
		their_partner[i] = b->row[i];
		their_lambda[i] = 1;
	}
	fv_status status = contract_call(
		c, "mix", NULL, ops->mix(in->state, in->ctx, shown, their_partner, their_lambda));
	bool ok = contract_expect_ok(c, in, status, "mix");
	memcpy(partner, their_partner, n * sizeof *partner);
	memcpy(lambda, their_lambda, n * sizeof *lambda);
	contract_hide_batch(c, "mix");
	contract_drop_outputs(c);
	return ok;
}

static void check_rows(struct contract *c, const struct loss_fixture *w)
{
	const fv_loss_ops *ops = get_ops(c);
	int32_t row[2][2 * N] = {{0}}, position[2][2 * N] = {{0}};
	int64_t n[2] = {-1, -1};
	for (int32_t run = 0; run < 2; run++) {
		struct instance in;
		if (start_loss(c, w, &in))
			n[run] = run_subsample(c, &in, row[run]);
		for (int32_t i = 0; i < 2 * N; i++)
			position[run][i] = i; /* order may leave the core's shuffle as it is */
		if (ops->order && n[run] > 0 && run_order(c, &in, 1, position[run], n[run]))
			for (int64_t i = 0; i < n[run]; i++)
				contract_expect(c,
					position[run][i] >= 0 && position[run][i] < n[run], "order",
					"position %d of %lld", position[run][i], (long long)n[run]);
		contract_close_instance(c, &in);
	}
	contract_expect(c,
		n[0] == n[1] && !memcmp(row[0], row[1], sizeof row[0]) &&
			!memcmp(position[0], position[1], sizeof position[0]),
		"repeat", "subsample or order differ the second time");
}

static void check_mix(struct contract *c, const struct loss_fixture *w)
{
	struct instance in;
	struct loss_batch b = {0};
	int32_t partner[BATCH];
	double lambda[BATCH];
	contract_draw_batch(w, PLAIN, 1, &b);
	if (start_loss(c, w, &in) && run_mix(c, &in, &b, partner, lambda))
		for (int32_t i = 0; i < BATCH; i++)
			contract_expect(c,
				partner[i] >= 0 && partner[i] < N && lambda[i] >= 0 &&
					lambda[i] <= 1,
				"mix", "partner %d with share %g", partner[i],
				core_printable(lambda[i]));
	contract_close_instance(c, &in);
}

#define EPOCH_STEPS 3 /* of the checks that go on for several epochs */

/* Ends an epoch: shows the loss a validation pass with all rows and drawn losses. Groups and classes differ in them by as
 * much in every epoch, so that what an objective learns of them adds up. */
static bool end_epoch(
	struct contract *c, const struct loss_fixture *w, struct instance *in, int32_t step)
{
	const fv_loss_ops *ops = get_ops(c);
	int32_t row[N];
	double loss[N];
	float logits[N * CLASSES];
	if (!ops->validated)
		return true;
	fv_stream s = fv_rng_seeded(1, "contract.validation", 0, (uint64_t)step);
	for (int32_t i = 0; i < N; i++) {
		row[i] = i;
		loss[i] = (0.2 + 2 * fv_uniform(&s)) *
			  (1 + w->rows.klass[i] + 3 * (w->rows.group && w->rows.group[i] > 0));
	}
	for (int32_t i = 0; i < N * CLASSES; i++)
		logits[i] = (float)fv_normal(&s);
	const fv_rows *dev = &w->rows;
	const fv_batch all = {.size = sizeof all,
		.n = N,
		.classes = CLASSES,
		.groups = dev->groups,
		.step = step,
		.steps = 3 * (N / BATCH),
		.epoch = 1 + (step - 1) / EPOCH_STEPS,
		.row = row,
		.loss = loss,
		.logits = logits,
		.label = dev->label,
		.klass = dev->klass,
		.group = dev->group,
		.member = dev->member,
		.stem = dev->stem};
	const fv_batch *shown = contract_show_batch(c, &all);
	fv_status status =
		contract_call(c, "validated", NULL, ops->validated(in->state, in->ctx, shown));
	bool ok = contract_expect_ok(c, in, status, "validated");
	contract_hide_batch(c, "validated");
	return ok;
}

/* The results of one step. */
struct outcome {
	int32_t position[2 * N], partner[BATCH];
	double lambda[BATCH], v[BATCH], value, evaluated;
};

static bool take_step(struct contract *c, const struct loss_fixture *w, struct instance *in,
	int64_t kept, int32_t step, struct outcome *out)
{
	const fv_loss_ops *ops = get_ops(c);
	struct loss_batch b = {0};
	int32_t kind = step % KINDS;
	*out = (struct outcome){0};
	for (int32_t i = 0; i < 2 * N; i++)
		out->position[i] = i;
	contract_draw_batch(w, kind, step, &b);
	b.batch.epoch = 1 + (step - 1) / EPOCH_STEPS;
	if (ops->order && step % EPOCH_STEPS == 1 &&
		!run_order(c, in, b.batch.epoch, out->position, kept))
		return false;
	if (ops->mix && !run_mix(c, in, &b, out->partner, out->lambda))
		return false;
	if (ops->weigh && !weigh_batch(c, in, &b, contract_batch_kinds[kind]))
		return false;
	memcpy(out->v, b.v, sizeof b.v);
	out->value = b.value;
	out->evaluated = run_evaluate(c, in, &b);
	return step % EPOCH_STEPS || end_epoch(c, w, in, step);
}

/* A run resumed after step `at` from its arrays alone must give the same next steps as an
 * uninterrupted run. The uninterrupted run is ahead by then, so that state shared by both would
 * show as well. What is learned in an epoch may change few of the rows that are drawn in the next one: the check then
 * goes on for longer. */
static void check_resume(struct contract *c, const struct loss_fixture *w, int32_t at)
{
	enum { STEPS = 45, FEW = 12 };
	const fv_loss_ops *ops = get_ops(c);
	const int32_t steps = ops->order || ops->validated ? STEPS : FEW;
	struct instance run = {0}, saved = {0}, again = {0};
	struct outcome want[STEPS + 1], got;
	int32_t row[2 * N];
	int64_t kept = 0;
	bool going = start_loss(c, w, &run) && (kept = run_subsample(c, &run, row)) > 0 &&
		     contract_open_instance(c, &saved);
	for (int32_t step = 1; step <= steps && going; step++) {
		going = take_step(c, w, &run, kept, step, &want[step]);
		if (step == at && going)
			going = contract_copy_arrays(c, &run, &saved);
	}
	going = going && start_loss(c, w, &again) && run_subsample(c, &again, row) == kept &&
		contract_copy_arrays(c, &saved, &again);
	for (int32_t step = at + 1; step <= steps && going; step++) {
		going = take_step(c, w, &again, kept, step, &got);
		if (going)
			going = contract_expect(c, !memcmp(&got, &want[step], sizeof got), "resume",
				"resumed after step %d, step %d differs: state outside fv_array",
				at, step);
	}
	contract_close_instance(c, &run);
	contract_close_instance(c, &saved);
	contract_close_instance(c, &again);
}

/* In the first fixture every loss must open; in the others it may refuse. */
static bool can_open_in(struct contract *c, const struct loss_fixture *w, bool must)
{
	struct instance in;
	bool works = false;
	if (contract_open_instance(c, &in)) {
		fv_status status = open_loss(c, w, &in);
		works = must ? contract_expect_start(c, &in, status, "open")
			     : contract_allow_refusal(c, &in, status, "open");
	}
	contract_close_instance(c, &in);
	return works;
}

/* Runs the suite in one fixture. */
static void check_in(struct contract *c, const struct loss_fixture *w)
{
	const fv_loss_ops *ops = get_ops(c);
	check_rows(c, w);
	if (ops->weigh) {
		check_batches(c, w);
		check_positions(c, w);
		check_slopes(c, w);
	}
	if (ops->mix)
		check_mix(c, w);
	check_resume(c, w, 1);
	check_resume(c, w, 5);
	contract_check_networks(c, &w->setup);
	contract_check_stages(c, &w->setup);
}

void contract_check_loss(struct contract *c)
{
	const fv_loss_ops *ops = get_ops(c);
	static const struct loss_case cases[] = {{3, 3, true, true}, {3, 3, false, true},
		{3, 2, true, true}, {1, 1, false, true}, {3, 3, true, false}};
	contract_tell_loss(c);
	for (size_t i = 0; i < sizeof cases / sizeof *cases && !c->needs; i++) {
		struct loss_case of = cases[i];
		bool only_groups = i > 0 && of.recordings;
		if ((only_groups && !ops->uses_groups) || (!of.recordings && !ops->uses_duration))
			continue;
		of.groups = ops->uses_groups ? of.groups : 0;
		of.soft = ops->uses_groups && of.soft;
		struct loss_fixture *w = contract_make_loss_fixture(c, of);
		if (!w)
			continue;
		if (can_open_in(c, w, i == 0))
			check_in(c, w);
		core_fence_close(w->shown);
	}
}
