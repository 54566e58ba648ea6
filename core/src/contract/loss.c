/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "contract/suite.h"

enum { N = CORE_CONTRACT_ROWS, CLASSES = 4, GROUPS_MAX = 3, BATCH = 8 };

/* A training set, also used as the development set. */
struct fixture {
	int32_t groups;
	bool soft;
	int32_t met; /* number of groups that have rows */
	float label[N * CLASSES], member[N * GROUPS_MAX];
	int32_t klass[N], group[N], speaker[N];
	const char *stem[N];
	double duration[N];
	double c[CLASSES], g[GROUPS_MAX], cg[CLASSES * GROUPS_MAX], g_soft[GROUPS_MAX],
		cg_soft[CLASSES * GROUPS_MAX], c_unknown[CLASSES], class_weight[CLASSES];
	fv_rows rows;
	fv_counts count;
	fv_loss_setup setup;
};

static const fv_loss_ops *get_ops(const struct contract *c)
{
	return c->plugin->ops;
}

static void fill_row(struct contract *c, struct fixture *w, int32_t i)
{
	fv_stream s = fv_rng_seeded(1, "contract.row", 0, (uint64_t)i);
	float *label = w->label + i * CLASSES, sum = 0;
	for (int32_t k = 0; k < CLASSES; k++)
		sum += label[k] = (float)(0.05 + pow(fv_uniform(&s), 3));
	w->klass[i] = 0;
	for (int32_t k = 0; k < CLASSES; k++) {
		label[k] /= sum;
		w->klass[i] = label[k] > label[w->klass[i]] ? k : w->klass[i];
	}
	w->stem[i] = contract_make_stem(c, i);
	w->speaker[i] = i / 9;
	w->duration[i] = i % 7 == 6 ? NAN : 0.5 + i % 5;
	if (!w->groups)
		return;
	/* uneven groups: about two thirds of the rows in group 0, every seventh unknown */
	w->group[i] = i % 7 == 6 ? -1 : i % 3 == 2 ? 1 + i / 3 % (w->met - (w->met > 1)) : 0;
	w->group[i] = w->group[i] >= w->met ? 0 : w->group[i];
	for (int32_t g = 0; g < w->groups; g++)
		w->member[i * w->groups + g] = (float)(fv_uniform(&s) + (g == w->group[i])) / 3;
}

static void count_row(struct fixture *w, int32_t i)
{
	int32_t k = w->klass[i], g = w->groups ? w->group[i] : -1;
	w->c[k]++;
	w->c_unknown[k] += w->groups && g < 0;
	if (g >= 0) {
		w->g[g]++;
		w->cg[k * w->groups + g]++;
	}
	for (int32_t j = 0; j < w->groups; j++) {
		double share = w->soft ? (double)w->member[i * w->groups + j] : (g == j);
		w->g_soft[j] += share;
		w->cg_soft[k * w->groups + j] += share;
	}
}

static struct fixture *make_fixture(struct contract *c, int32_t groups, int32_t met, bool soft)
{
	struct fixture *w = contract_alloc(c, 1, sizeof *w);
	if (!w)
		return NULL;
	w->groups = groups;
	w->met = met;
	w->soft = soft;
	for (int32_t i = 0; i < N; i++) {
		fill_row(c, w, i);
		count_row(w, i);
	}
	for (int32_t k = 0; k < CLASSES; k++)
		w->class_weight[k] = 0.7 + 0.2 * k;
	static const char *const names[CLASSES] = {"k0", "k1", "k2", "k3"};
	w->rows = (fv_rows){.size = sizeof w->rows,
		.n = N,
		.classes = CLASSES,
		.groups = groups,
		.label = w->label,
		.klass = w->klass,
		.group = groups ? w->group : NULL,
		.member = soft ? w->member : NULL,
		.stem = w->stem,
		.speaker = w->speaker,
		.duration = get_ops(c)->uses_duration ? w->duration : NULL};
	w->count = (fv_counts){.size = sizeof w->count,
		.c = w->c,
		.g = w->g,
		.cg = w->cg,
		.g_soft = w->g_soft,
		.cg_soft = w->cg_soft,
		.c_unknown = w->c_unknown};
	w->setup = (fv_loss_setup){.size = sizeof w->setup,
		.train = &w->rows,
		.dev = &w->rows,
		.count = &w->count,
		.class_weight = w->class_weight,
		.epochs = 3,
		.batch = BATCH,
		.member_is_probability = soft,
		.class_name = names};
	return w;
}

/* A batch and the arrays it points to. */
struct drawn {
	fv_batch batch;
	int32_t row[BATCH], klass[BATCH], group[BATCH];
	double loss[BATCH], v[BATCH], value;
	float logits[BATCH * CLASSES], label[BATCH * CLASSES], member[BATCH * GROUPS_MAX];
	const char *stem[BATCH];
};

enum { PLAIN, ALONE, TIED, ONE_GROUP, UNKNOWN, EXTREME, ZERO, KINDS };
static const char *const kinds[KINDS] = {"a plain batch", "a batch of one", "equal losses",
	"a batch of one group", "a batch of unknown groups", "losses of 1e4 and 1e-8",
	"losses of 0"};

static void draw_batch(const struct fixture *w, int32_t kind, int64_t step, struct drawn *out)
{
	fv_stream s = fv_rng_seeded(1, "contract.batch", kind, (uint64_t)step);
	int32_t n = kind == ALONE ? 1 : BATCH;
	for (int32_t i = 0; i < n; i++) {
		int32_t row = (int32_t)(fv_below(&s, N / BATCH) + (uint64_t)(i * (N / BATCH)));
		out->row[i] = row;
		out->klass[i] = w->klass[row];
		out->stem[i] = w->stem[row];
		out->loss[i] = 0.2 + 2 * fv_uniform(&s);
		if (kind == TIED || kind == ZERO)
			out->loss[i] = kind == TIED ? 1.25 : 0;
		if (kind == EXTREME)
			out->loss[i] = i % 2 ? 1e4 : 1e-8;
		memcpy(out->label + i * CLASSES, w->label + row * CLASSES, CLASSES * sizeof(float));
		for (int32_t k = 0; k < CLASSES; k++)
			out->logits[i * CLASSES + k] = (float)fv_normal(&s);
		out->group[i] = kind == UNKNOWN ? -1 : kind == ONE_GROUP ? 0 : w->group[row];
		memcpy(out->member + i * w->groups, w->member + row * w->groups,
			(size_t)w->groups * sizeof(float));
	}
	out->batch = (fv_batch){.size = sizeof out->batch,
		.n = n,
		.classes = CLASSES,
		.groups = w->groups,
		.step = step,
		.steps = 3 * (N / BATCH),
		.epoch = 1 + (step - 1) / (N / BATCH),
		.row = out->row,
		.loss = out->loss,
		.logits = out->logits,
		.label = out->label,
		.klass = out->klass,
		.group = w->groups ? out->group : NULL,
		.member = w->soft ? out->member : NULL,
		.stem = out->stem};
}

static fv_status open_loss(struct contract *c, const struct fixture *w, struct instance *in)
{
	const fv_loss_ops *ops = get_ops(c);
	in->opened = true;
	return ops->open ? ops->open(in->state, in->ctx, &w->setup) : FV_OK;
}

/* Opens the loss in a new instance; false: a fault is recorded. */
static bool start_loss(struct contract *c, const struct fixture *w, struct instance *in)
{
	return contract_open_instance(c, in) &&
	       contract_expect_start(c, in, open_loss(c, w, in), "open");
}

static bool weigh_batch(struct contract *c, struct instance *in, struct drawn *b, const char *what)
{
	const fv_loss_ops *ops = get_ops(c);
	memset(b->v, 0, sizeof b->v);
	b->value = NAN;
	fv_status status = ops->weigh(in->state, in->ctx, &b->batch, b->v, &b->value);
	if (!contract_expect_ok(c, in, status, what))
		return false;
	contract_expect(c, contract_is_finite_f64(b->v, b->batch.n), "weigh",
		"%s gives a weight that is not finite", what);
	return contract_expect(
		c, isfinite(b->value), "weigh", "%s gives the value %g", what, b->value);
}

/* Weighs one batch of every kind in two states: results must be finite and the same bytes. */
static void check_batches(struct contract *c, const struct fixture *w)
{
	struct instance a, b = {0};
	if (start_loss(c, w, &a) && start_loss(c, w, &b)) {
		for (int32_t kind = 0; kind < 2 * KINDS; kind++) {
			struct drawn one = {0}, two = {0};
			draw_batch(w, kind % KINDS, 1 + kind, &one);
			draw_batch(w, kind % KINDS, 1 + kind, &two);
			if (weigh_batch(c, &a, &one, kinds[kind % KINDS]) &&
				weigh_batch(c, &b, &two, kinds[kind % KINDS]))
				contract_expect(c,
					!memcmp(one.v, two.v, sizeof one.v) &&
						!memcmp(&one.value, &two.value, sizeof one.value),
					"repeat", "%s gives different weights the second time",
					kinds[kind % KINDS]);
		}
	}
	contract_close_instance(c, &a);
	contract_close_instance(c, &b);
}

static double run_evaluate(struct contract *c, struct instance *in, const struct drawn *b)
{
	const fv_loss_ops *ops = get_ops(c);
	double value = 0;
	if (ops->evaluate) {
		fv_status status = ops->evaluate(in->state, in->ctx, &b->batch, &value);
		return contract_expect_ok(c, in, status, "evaluate") ? value : NAN;
	}
	for (int32_t i = 0; i < b->batch.n; i++)
		value += b->loss[i] / b->batch.n;
	return value;
}

/* The derivative of the value from weigh in a fresh state, or from evaluate in the state `after`.
 * Group weights are held constant, as in the gradient. */
static double measure_slope(struct contract *c, const struct fixture *w, struct instance *after,
	const struct drawn *b, int32_t i, bool by_evaluate)
{
	double value[2] = {0}, h = 1e-5;
	for (int32_t side = 0; side < 2; side++) {
		struct drawn moved = *b;
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

static void check_slopes(struct contract *c, const struct fixture *w)
{
	struct instance in;
	struct drawn b = {0};
	draw_batch(w, PLAIN, 1, &b);
	if (start_loss(c, w, &in) && weigh_batch(c, &in, &b, kinds[PLAIN])) {
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
		if (get_ops(c)->exact_derivative)
			contract_expect(c, off[0] <= 1e-7, "derivative",
				"v differs from the value's derivative by %.3g, although "
				"exact_derivative says that nothing is held constant",
				off[0]);
		else if (fmin(off[0], off[1]) > 1e-7)
			contract_note(c, "derivative",
				"v differs from the value's derivative by %.3g, from that of the "
				"development value by %.3g: right only where something is held "
				"constant",
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
	if (!contract_expect_ok(
		    c, in, ops->subsample(in->state, in->ctx, row, 2 * N, &n), "subsample"))
		return -1;
	bool ok = contract_expect(
		c, n > 0 && n <= 2 * N, "subsample", "%lld rows of %d", (long long)n, N);
	for (int64_t i = 0; i < n && ok; i++)
		ok = contract_expect(
			c, row[i] >= 0 && row[i] < N, "subsample", "row %d of %d", row[i], N);
	return ok ? n : -1;
}

static void check_rows(struct contract *c, const struct fixture *w)
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
		if (ops->order && n[run] > 0 &&
			contract_expect_ok(c, &in,
				ops->order(in.state, in.ctx, 1, position[run], n[run]), "order"))
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

static void check_mix(struct contract *c, const struct fixture *w)
{
	const fv_loss_ops *ops = get_ops(c);
	struct instance in;
	struct drawn b = {0};
	int32_t partner[BATCH];
	double lambda[BATCH];
	draw_batch(w, PLAIN, 1, &b);
	for (int32_t i = 0; i < BATCH; i++) { /* the values a run passes in */
		partner[i] = b.row[i];
		lambda[i] = 1;
	}
	if (start_loss(c, w, &in) &&
		contract_expect_ok(
			c, &in, ops->mix(in.state, in.ctx, &b.batch, partner, lambda), "mix"))
		for (int32_t i = 0; i < BATCH; i++)
			contract_expect(c,
				partner[i] >= 0 && partner[i] < N && lambda[i] >= 0 &&
					lambda[i] <= 1,
				"mix", "partner %d with share %g", partner[i], lambda[i]);
	contract_close_instance(c, &in);
}

/* Ends an epoch: shows the loss a validation pass with all rows and drawn losses. */
static bool end_epoch(
	struct contract *c, const struct fixture *w, struct instance *in, int32_t step)
{
	const fv_loss_ops *ops = get_ops(c);
	int32_t row[N];
	double loss[N];
	float logits[N * CLASSES];
	fv_stream s = fv_rng_seeded(1, "contract.validation", 0, (uint64_t)step);
	for (int32_t i = 0; i < N; i++) {
		row[i] = i;
		loss[i] = 0.2 + 2 * fv_uniform(&s);
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
		.epoch = 1 + (step - 1) / (N / BATCH),
		.row = row,
		.loss = loss,
		.logits = logits,
		.label = dev->label,
		.klass = dev->klass,
		.group = dev->group,
		.member = dev->member,
		.stem = dev->stem};
	return !ops->validated ||
	       contract_expect_ok(c, in, ops->validated(in->state, in->ctx, &all), "validated");
}

/* The results of one step. */
struct outcome {
	int32_t position[2 * N], partner[BATCH];
	double lambda[BATCH], v[BATCH], value, evaluated;
};

static bool take_step(struct contract *c, const struct fixture *w, struct instance *in,
	int64_t kept, int32_t step, struct outcome *out)
{
	const fv_loss_ops *ops = get_ops(c);
	struct drawn b = {0};
	int32_t kind = step % KINDS;
	fv_status status = FV_OK;
	*out = (struct outcome){0};
	for (int32_t i = 0; i < 2 * N; i++)
		out->position[i] = i;
	draw_batch(w, kind, step, &b);
	if (ops->order && step % 3 == 1)
		status = ops->order(in->state, in->ctx, b.batch.epoch, out->position, kept);
	if (!contract_expect_ok(c, in, status, "order"))
		return false;
	if (ops->mix)
		status = ops->mix(in->state, in->ctx, &b.batch, out->partner, out->lambda);
	if (!contract_expect_ok(c, in, status, "mix") ||
		(ops->weigh && !weigh_batch(c, in, &b, kinds[kind])))
		return false;
	memcpy(out->v, b.v, sizeof b.v);
	out->value = b.value;
	out->evaluated = run_evaluate(c, in, &b);
	return step % 3 || end_epoch(c, w, in, step);
}

/* A run resumed after step `at` from its arrays alone must give the same next steps as an
 * uninterrupted run. The uninterrupted run is ahead by then, so that state shared by both would
 * show as well. */
static void check_resume(struct contract *c, const struct fixture *w, int32_t at)
{
	enum { STEPS = 12 };
	struct instance run = {0}, saved = {0}, again = {0};
	struct outcome want[STEPS + 1], got;
	int32_t row[2 * N];
	int64_t kept = 0;
	bool going = start_loss(c, w, &run) && (kept = run_subsample(c, &run, row)) > 0 &&
		     contract_open_instance(c, &saved);
	for (int32_t step = 1; step <= STEPS && going; step++) {
		going = take_step(c, w, &run, kept, step, &want[step]);
		if (step == at && going)
			going = contract_copy_arrays(c, &run, &saved);
	}
	going = going && start_loss(c, w, &again) && run_subsample(c, &again, row) == kept &&
		contract_copy_arrays(c, &saved, &again);
	for (int32_t step = at + 1; step <= STEPS && going; step++) {
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
static bool can_open_in(struct contract *c, const struct fixture *w, bool must)
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

void contract_check_loss(struct contract *c)
{
	const fv_loss_ops *ops = get_ops(c);
	static const struct {
		int32_t groups, met;
		bool soft;
	} fixtures[] = {{3, 3, true}, {3, 3, false}, {3, 2, true}, {1, 1, false}};
	size_t n = ops->uses_groups ? sizeof fixtures / sizeof *fixtures : 1;
	for (size_t i = 0; i < n; i++) {
		int32_t groups = ops->uses_groups ? fixtures[i].groups : 0;
		bool soft = ops->uses_groups && fixtures[i].soft;
		const struct fixture *w = make_fixture(c, groups, fixtures[i].met, soft);
		if (!w || !can_open_in(c, w, i == 0))
			continue;
		check_rows(c, w);
		if (ops->weigh) {
			check_batches(c, w);
			check_slopes(c, w);
		}
		if (ops->mix)
			check_mix(c, w);
		check_resume(c, w, 1);
		check_resume(c, w, 5);
		contract_check_networks(c, &w->setup);
		contract_check_stages(c, &w->setup);
	}
}
