/* SPDX-License-Identifier: Apache-2.0 */
/* What most losses have: a loss without it may be right, so that these are notes. */
#include <math.h>
#include <string.h>

#include "contract/loss_ops.h"

/* Weighs one batch in a fresh state -> the sum of its weights; NAN: that failed. */
static double weigh_fresh(struct contract *c, const struct loss_fixture *w, struct loss_batch *b)
{
	struct instance in;
	double sum = 0;
	bool weighed = contract_start_loss(c, w, &in) && contract_weigh(c, &in, b, "a batch");
	for (int32_t i = 0; i < b->batch.n; i++)
		sum += b->v[i];
	contract_close_instance(c, &in);
	return weighed ? sum : (double)NAN;
}

static void note_signs(struct contract *c, const struct loss_fixture *w)
{
	struct loss_batch b = {0};
	int32_t negative = 0, positive = 0;
	contract_draw_batch(w, PLAIN, 1, &b);
	if (isnan(weigh_fresh(c, w, &b)))
		return;
	for (int32_t i = 0; i < b.batch.n; i++) {
		negative += b.v[i] < 0;
		positive += b.v[i] > 0;
	}
	if (!negative && !positive)
		contract_note(c, "weigh",
			"every weight of a plain batch is 0: nothing is learned from it: was v "
			"written?");
	if (negative)
		contract_note(c, "weigh",
			"%d of %d weights of a plain batch are negative: training raises the "
			"losses of these samples",
			negative, b.batch.n);
}

/* Draws a batch of equal losses. */
static void draw_equal(const struct loss_fixture *w, int32_t kind, struct loss_batch *out)
{
	contract_draw_batch(w, kind, 1, out);
	for (int32_t i = 0; i < out->batch.n; i++)
		out->loss[i] = 1.25;
}

/* The last sample with a weight, if all before it have one too; n otherwise. */
static int32_t find_end(const struct loss_batch *b)
{
	int32_t end = 0;
	while (end < b->batch.n && fabs(b->v[end]) > 0)
		end++;
	for (int32_t i = end; i < b->batch.n; i++)
		if (fabs(b->v[i]) > 0)
			return b->batch.n;
	return end;
}

static void note_sizes(struct contract *c, const struct loss_fixture *w)
{
	struct loss_batch small = {0}, large = {0}, plain = {0};
	draw_equal(w, PLAIN, &small);
	draw_equal(w, LARGE, &large);
	contract_draw_batch(w, LARGE, 1, &plain);
	double few = weigh_fresh(c, w, &small), many = weigh_fresh(c, w, &large);
	if (isnan(few) || isnan(many) || isnan(weigh_fresh(c, w, &plain)))
		return;
	int32_t end = find_end(&plain);
	if (end > 1 && end < LARGE_BATCH)
		contract_note(c, "weigh",
			"weights of a batch of %d are 0 from sample %d on: are batches taken to "
			"have %d samples?",
			LARGE_BATCH, end, end);
	if (few > 0 && many > 4.5 * few)
		contract_note(c, "weigh",
			"weights of equal losses sum to %.3g in a batch of %d and to %.3g in one "
			"of %d: are they divided by setup->batch instead of batch->n?",
			few, BATCH, many, LARGE_BATCH);
}

void contract_note_weights(struct contract *c, const struct loss_fixture *w)
{
	note_signs(c, w);
	note_sizes(c, w);
}

void contract_note_evaluate(struct contract *c, const struct loss_fixture *w)
{
	static const int32_t kinds[] = {PLAIN, EXTREME, LARGE};
	struct instance in;
	double first = NAN;
	bool constant = contract_start_loss(c, w, &in);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && constant; i++) {
		struct loss_batch b = {0};
		contract_draw_batch(w, kinds[i], 1, &b);
		double value = contract_evaluate(c, w, &in, &b);
		first = i ? first : value;
		constant = !memcmp(&value, &first, sizeof value);
	}
	if (constant)
		contract_note(c, "evaluate",
			"gives %g whatever the losses and logits are: every epoch is as good as "
			"another, and the first one is kept",
			first);
	contract_close_instance(c, &in);
}

/* Rows that a loss draws in several epochs. */
struct draws {
	int32_t row[2 * N], position[2 * N], before[2 * N];
	int64_t kept;
	bool drawn[N], same;
};

/* Shuffles the positions, otherwise in every epoch, as the core does before it calls order. */
static void shuffle_positions(int32_t *position, int64_t n, int64_t epoch)
{
	for (int64_t i = 0; i < n; i++)
		position[i] = (int32_t)i;
	fv_stream s = fv_rng_seeded(1, "contract.order", epoch, 0);
	for (int64_t i = n - 1; i > 0; i--) {
		int64_t j = (int64_t)fv_below(&s, (uint64_t)i + 1);
		int32_t other = position[j];
		position[j] = position[i];
		position[i] = other;
	}
}

static bool draw_epochs(struct contract *c, const struct loss_fixture *w, struct draws *d)
{
	enum { EPOCHS = 4 };
	const fv_loss_ops *ops = contract_loss_ops(c);
	struct instance in;
	bool going = contract_start_loss(c, w, &in);
	for (int32_t i = 0; i < N; i++)
		d->row[i] = i;
	d->kept = going && ops->subsample ? contract_subsample(c, &in, d->row) : N;
	going = going && d->kept > 0;
	d->same = true;
	for (int64_t epoch = 1; epoch <= EPOCHS && going; epoch++) {
		shuffle_positions(d->position, d->kept, epoch);
		going = !ops->order || contract_order(c, &in, epoch, d->position, d->kept);
		for (int64_t i = 0; i < d->kept && going; i++) {
			going = d->position[i] >= 0 && d->position[i] < d->kept;
			if (going)
				d->drawn[d->row[d->position[i]]] = true;
			d->same &= epoch == 1 || d->position[i] == d->before[i];
			d->before[i] = d->position[i];
		}
	}
	contract_close_instance(c, &in);
	return going;
}

/* Names the first class none of whose rows is drawn: "k1"; NULL: there is none. */
static const char *find_lost_class(const struct loss_fixture *w, const struct draws *d)
{
	for (int32_t k = 0; k < CLASSES; k++) {
		bool occurs = false, drawn = false;
		for (int32_t i = 0; i < N; i++) {
			occurs |= w->train.klass[i] == k;
			drawn |= w->train.klass[i] == k && d->drawn[i];
		}
		if (occurs && !drawn)
			return w->setup.class_name[k];
	}
	return NULL;
}

void contract_note_draws(struct contract *c, const struct loss_fixture *w)
{
	const fv_loss_ops *ops = contract_loss_ops(c);
	struct draws *d = contract_alloc(c, 1, sizeof *d);
	int32_t never = 0;
	if (!d || (!ops->subsample && !ops->order) || !draw_epochs(c, w, d))
		return;
	const char *op = ops->order ? "order" : "subsample", *lost = find_lost_class(w, d);
	for (int32_t i = 0; i < N; i++)
		never += !d->drawn[i];
	if (lost)
		contract_note(c, op, "no row of class %s is drawn in 4 epochs", lost);
	else if (d->kept >= N && never > N / 4)
		contract_note(c, op, "%d of %d rows are drawn in none of 4 epochs", never, N);
	if (ops->order && d->same)
		contract_note(c, op,
			"gives the same order in 4 epochs: on entry position holds the shuffle of "
			"the epoch; draw others with fv_rng(ctx, purpose, epoch, index)");
}
