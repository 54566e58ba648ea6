/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/loss_ops.h"

#include <math.h>
#include <string.h>

#include "base/number.h"

const fv_loss_ops *contract_loss_ops(const struct contract *c)
{
	return c->plugin->ops;
}

fv_status contract_open_loss(struct contract *c, const struct loss_fixture *w, struct instance *in)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
	in->opened = true;
	contract_begin(c, "open", NULL);
	return ops->open ? ops->open(in->state, in->ctx, &w->setup) : FV_OK;
}

bool contract_start_loss(struct contract *c, const struct loss_fixture *w, struct instance *in)
{
	return contract_open_instance(c, in) &&
	       contract_expect_start(c, in, contract_open_loss(c, w, in), "open");
}

bool contract_weigh(struct contract *c, struct instance *in, struct loss_batch *b, const char *what)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
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

double contract_evaluate(struct contract *c, const struct loss_fixture *w, struct instance *in,
	const struct loss_batch *b)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
	double value = NAN;
	if (ops->evaluate) {
		struct loss_batch of_dev;
		contract_make_dev_batch(w, b, &of_dev);
		const fv_batch *shown = contract_show_batch(c, &of_dev.batch);
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

int64_t contract_subsample(struct contract *c, struct instance *in, int32_t *row)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
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

bool contract_order(
	struct contract *c, struct instance *in, int64_t epoch, int32_t *position, int64_t n)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
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

bool contract_mix(struct contract *c, struct instance *in, const struct loss_batch *b,
	int32_t *partner, double *lambda)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
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

bool contract_end_epoch(
	struct contract *c, const struct loss_fixture *w, struct instance *in, int32_t step)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
	const fv_rows *dev = &w->dev;
	int32_t row[N_DEV];
	double loss[N_DEV];
	float logits[N_DEV * CLASSES];
	if (!ops->validated)
		return true;
	fv_stream s = fv_rng_seeded(1, "contract.validation", 0, (uint64_t)step);
	for (int32_t i = 0; i < N_DEV; i++) {
		row[i] = i;
		loss[i] = (0.2 + 2 * fv_uniform(&s)) *
			  (1 + dev->klass[i] + 3 * (dev->group && dev->group[i] > 0));
	}
	for (int32_t i = 0; i < N_DEV * CLASSES; i++)
		logits[i] = (float)fv_normal(&s);
	const fv_batch all = {.size = sizeof all,
		.n = N_DEV,
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
