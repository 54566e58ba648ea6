/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "contract/loss_ops.h"

/* Weighs one batch of every kind in two states: results must be finite and the same bytes. */
static void check_batches(struct contract *c, const struct loss_fixture *w)
{
	struct instance a, b = {0};
	if (contract_start_loss(c, w, &a) && contract_start_loss(c, w, &b)) {
		for (int32_t kind = 0; kind < 2 * KINDS; kind++) {
			struct loss_batch one = {0}, two = {0};
			contract_draw_batch(w, kind % KINDS, 1 + kind, &one);
			contract_draw_batch(w, kind % KINDS, 1 + kind, &two);
			if (contract_weigh(c, &a, &one, contract_batch_kinds[kind % KINDS]) &&
				contract_weigh(c, &b, &two, contract_batch_kinds[kind % KINDS]))
				contract_expect(c,
					!memcmp(one.v, two.v, sizeof one.v) &&
						!memcmp(&one.value, &two.value, sizeof one.value),
					"repeat", "%s gives different weights the second time",
					contract_batch_kinds[kind % KINDS]);
		}
	}
	contract_close_instance(c, &a);
	contract_close_instance(c, &b);
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
		going = contract_start_loss(c, w, &in[reversed]) &&
			contract_weigh(c, &in[reversed], &b[reversed], "a plain batch");
		contract_draw_batch(w, PLAIN, 1, &b[reversed]);
		b[reversed].batch.step = 2;
		if (reversed)
			reverse_batch(w, &b[reversed]);
		going = going && contract_weigh(c, &in[reversed], &b[reversed], "a plain batch");
	}
	double off = 0, most = 0;
	for (int32_t i = 0; i < BATCH && going; i++) {
		off = fmax(off, fabs(b[0].v[i] - b[1].v[BATCH - 1 - i]));
		most = fmax(most, fabs(b[0].v[i]));
	}
	contract_classify(c, "positions", NULL);
	if (off > 1e-6 * most) /* more than what rounding makes of another order */
		contract_note(c, "weigh",
			"a sample's weight depends on its position in the batch (by %.3g): is "
			"something kept by position instead of by batch->row?",
			off);
	contract_classify(c, NULL, NULL);
	contract_close_instance(c, &in[0]);
	contract_close_instance(c, &in[1]);
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
			value[side] = contract_evaluate(c, w, after, &moved);
			continue;
		}
		struct instance fresh;
		if (contract_start_loss(c, w, &fresh) &&
			contract_weigh(c, &fresh, &moved, "a shifted loss"))
			value[side] = moved.value;
		contract_close_instance(c, &fresh);
	}
	return (value[1] - value[0]) / (2 * h);
}

/* Writes by how much the derivatives of the values of weigh and evaluate differ from the weights. Training keeps the
 * epoch with the smallest value of evaluate: if that falls as losses with positive weights rise, it keeps the worst. */
static void compare_slopes(struct contract *c, const struct loss_fixture *w, struct instance *in,
	const struct loss_batch *b, double off[2])
{
	double slopes[2] = {0}, least = 0;
	off[0] = off[1] = 0;
	for (int32_t by_evaluate = 0; by_evaluate < 2; by_evaluate++)
		for (int32_t i = 0; i < b->batch.n; i++) {
			double slope = measure_slope(c, w, in, b, i, by_evaluate);
			off[by_evaluate] = fmax(off[by_evaluate], fabs(slope - b->v[i]));
			slopes[by_evaluate] += slope;
			least = fmin(least, b->v[i]);
		}
	contract_classify(c, "sign", NULL);
	contract_expect(c, !(slopes[1] < -1e-7 && slopes[0] > 0 && least >= 0), "evaluate",
		"the value falls as the losses rise (derivative %.3g), so the worst epoch is kept: "
		"is its sign wrong?",
		slopes[1]);
	contract_classify(c, NULL, NULL);
}

static void check_slopes(struct contract *c, const struct loss_fixture *w)
{
	struct instance in;
	struct loss_batch b = {0};
	contract_draw_batch(w, PLAIN, 1, &b);
	if (contract_start_loss(c, w, &in) &&
		contract_weigh(c, &in, &b, contract_batch_kinds[PLAIN])) {
		uint64_t before = contract_hash_state(c, &in);
		contract_expect(c, isfinite(contract_evaluate(c, w, &in, &b)), "evaluate",
			"the value is not finite");
		contract_expect(
			c, contract_hash_state(c, &in) == before, "evaluate", "changes the state");
		double off[2];
		compare_slopes(c, w, &in, &b, off);
		c->out->n_checks++;
		if (contract_loss_ops(c)->exact_derivative > 0)
			contract_expect(c, off[0] <= 1e-7, "derivative",
				"v differs from the value's derivative by %.3g, although "
				"exact_derivative says that nothing is held constant",
				off[0]);
		else if (!contract_loss_ops(c)->exact_derivative && off[0] > 1e-7 &&
			 (!contract_loss_ops(c)->evaluate || off[1] > 1e-7))
			contract_note(c, "derivative",
				"v differs from the value's derivative by %.3g, from that of the "
				"development value by %.3g: right only where something is held "
				"constant, which exact_derivative = -1 says",
				off[0], off[1]);
	}
	contract_close_instance(c, &in);
}

static void check_rows(struct contract *c, const struct loss_fixture *w)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
	int32_t row[2][2 * N] = {{0}}, position[2][2 * N] = {{0}};
	int64_t n[2] = {-1, -1};
	for (int32_t run = 0; run < 2; run++) {
		struct instance in;
		if (contract_start_loss(c, w, &in))
			n[run] = contract_subsample(c, &in, row[run]);
		for (int32_t i = 0; i < 2 * N; i++)
			position[run][i] = i; /* order may leave the core's shuffle as it is */
		if (ops->order && n[run] > 0 && contract_order(c, &in, 1, position[run], n[run]))
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

/* Partners that a mix op named for the samples that it mixes. */
struct partners {
	int32_t samples, largest, largest_row; /* largest_row: of the samples themselves */
	int32_t others,
		kept; /* samples with another partner than themselves; with a share of their own */
};

/* Checks the partners of one batch and adds them up. */
static bool check_partners(struct contract *c, const struct loss_batch *b, const int32_t *partner,
	const double *lambda, struct partners *all)
{
	bool ok = true;
	for (int32_t i = 0; i < b->batch.n; i++) {
		ok &= contract_expect(c,
			partner[i] >= 0 && partner[i] < N && lambda[i] >= 0 && lambda[i] <= 1,
			"mix", "partner %d with share %g", partner[i], core_printable(lambda[i]));
		if (lambda[i] >= 1)
			continue; /* the partner does not count */
		all->samples++;
		all->others += partner[i] != b->row[i];
		all->kept += lambda[i] > 0;
		all->largest = partner[i] > all->largest ? partner[i] : all->largest;
		all->largest_row = b->row[i] > all->largest_row ? b->row[i] : all->largest_row;
	}
	return ok;
}

static void check_mix(struct contract *c, const struct loss_fixture *w)
{
	enum { BATCHES = N / BATCH };
	struct instance in;
	struct partners all = {0};
	bool going = contract_start_loss(c, w, &in);
	for (int32_t step = 1; step <= BATCHES && going; step++) {
		struct loss_batch b = {0};
		int32_t partner[BATCH];
		double lambda[BATCH];
		contract_draw_batch(w, PLAIN, step, &b);
		going = contract_mix(c, &in, &b, partner, lambda) &&
			check_partners(c, &b, partner, lambda, &all);
	}
	if (going && all.samples >= BATCH && all.largest < BATCH && all.largest_row >= BATCH)
		contract_note(c, "mix",
			"every partner is below the size of the batch: partner_row holds training "
			"rows (batch->row), not positions");
	if (going && !all.others)
		contract_note(c, "mix", "no sample is mixed with another one");
	if (going && all.samples == BATCHES * BATCH && !all.kept)
		contract_note(c, "mix",
			"every sample is replaced by its partner (lambda is 0): lambda is the "
			"share of the sample itself");
	contract_close_instance(c, &in);
}

/* The results of one step. */
struct outcome {
	int32_t position[2 * N], partner[LARGE_BATCH];
	double lambda[LARGE_BATCH], v[LARGE_BATCH], value, evaluated;
};

static bool take_step(struct contract *c, const struct loss_fixture *w, struct instance *in,
	int64_t kept, int32_t step, struct outcome *out)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
	struct loss_batch b = {0};
	int32_t kind = step % KINDS;
	*out = (struct outcome){0};
	for (int32_t i = 0; i < 2 * N; i++)
		out->position[i] = i;
	contract_draw_batch(w, kind, step, &b);
	b.batch.epoch = 1 + (step - 1) / EPOCH_STEPS;
	if (ops->order && step % EPOCH_STEPS == 1 &&
		!contract_order(c, in, b.batch.epoch, out->position, kept))
		return false;
	if (ops->mix && !contract_mix(c, in, &b, out->partner, out->lambda))
		return false;
	if (ops->weigh && !contract_weigh(c, in, &b, contract_batch_kinds[kind]))
		return false;
	memcpy(out->v, b.v, sizeof b.v);
	out->value = b.value;
	out->evaluated = contract_evaluate(c, w, in, &b);
	return step % EPOCH_STEPS || contract_end_epoch(c, w, in, step);
}

/* A run resumed after step `at` from its arrays alone must give the same next steps as an
 * uninterrupted run. The uninterrupted run is ahead by then, so that state shared by both would
 * show as well. What is learned in an epoch may change few of the rows that are drawn in the next one: the check then
 * goes on for longer. */
static void check_resume(struct contract *c, const struct loss_fixture *w, int32_t at)
{
	enum { STEPS = 45, FEW = 12 };
	const fv_loss_ops *ops = contract_loss_ops(c);
	const int32_t steps = ops->order || ops->validated ? STEPS : FEW;
	struct instance run = {0}, saved = {0}, again = {0};
	struct outcome want[STEPS + 1], got;
	int32_t row[2 * N];
	int64_t kept = 0;
	bool going = contract_start_loss(c, w, &run) &&
		     (kept = contract_subsample(c, &run, row)) > 0 &&
		     contract_open_instance(c, &saved);
	for (int32_t step = 1; step <= steps && going; step++) {
		going = take_step(c, w, &run, kept, step, &want[step]);
		if (step == at && going)
			going = contract_copy_arrays(c, &run, &saved);
	}
	going = going && contract_start_loss(c, w, &again) &&
		contract_subsample(c, &again, row) == kept &&
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
		fv_status status = contract_open_loss(c, w, &in);
		works = must ? contract_expect_start(c, &in, status, "open")
			     : contract_allow_refusal(c, &in, status, "open");
	}
	contract_close_instance(c, &in);
	return works;
}

/* Runs the suite in one fixture. */
static void check_in(struct contract *c, const struct loss_fixture *w)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
	check_rows(c, w);
	contract_note_draws(c, w);
	if (ops->weigh) {
		check_batches(c, w);
		contract_note_weights(c, w);
		check_positions(c, w);
		check_slopes(c, w);
	}
	if (ops->evaluate)
		contract_note_evaluate(c, w);
	if (ops->mix)
		check_mix(c, w);
	check_resume(c, w, 1);
	check_resume(c, w, 5);
	contract_check_networks(c, &w->setup);
	contract_check_stages(c, &w->setup);
}

void contract_check_loss(struct contract *c)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
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
