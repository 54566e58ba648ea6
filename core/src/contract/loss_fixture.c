/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/loss_fixture.h"

#include <math.h>
#include <string.h>

#include "plugin/absent.h"
#include "train/shown.h"

const char *const contract_batch_kinds[KINDS] = {"a plain batch", "a batch of one", "equal losses",
	"a batch of one group", "a batch of unknown groups",
	"losses of 1e4 and 1e-8, logits of 1e3", "losses of 0", "a batch of 40"};

/* Fills row i of a set like the training row `like`. */
static void fill_row(struct contract *c, const struct loss_fixture *w, int32_t like,
	struct loss_rows *to, int32_t i)
{
	fv_stream s = fv_rng_seeded(1, "contract.row", 0, (uint64_t)like);
	float *label = to->label + i * CLASSES, sum = 0;
	for (int32_t k = 0; k < CLASSES; k++)
		sum += label[k] = (float)(0.05 + pow(fv_uniform(&s), 3));
	to->klass[i] = 0;
	for (int32_t k = 0; k < CLASSES; k++) {
		label[k] /= sum;
		to->klass[i] = label[k] > label[to->klass[i]] ? k : to->klass[i];
	}
	to->stem[i] = contract_make_stem(c, to == &w->of_dev ? N + i : i);
	to->speaker[i] = to == &w->of_dev ? N / 9 + 1 + i / 9 : i / 9;
	to->duration[i] = like % 7 == 6 ? NAN : 0.5 + like % 5;
	if (!w->groups)
		return;
	/* uneven groups: about two thirds of the rows in group 0, every seventh unknown */
	int32_t group = like % 7 == 6   ? -1
			: like % 3 == 2 ? 1 + like / 3 % (w->met - (w->met > 1))
					: 0;
	to->group[i] = group >= w->met ? 0 : group;
	for (int32_t g = 0; g < w->groups; g++)
		to->member[i * w->groups + g] = (float)(fv_uniform(&s) + (g == to->group[i])) / 3;
}

static void count_row(struct loss_fixture *w, int32_t i)
{
	const struct loss_rows *of = &w->of_train;
	int32_t k = of->klass[i], g = w->groups ? of->group[i] : -1;
	w->c[k]++;
	w->c_unknown[k] += w->groups && g < 0;
	if (g >= 0) {
		w->g[g]++;
		w->cg[k * w->groups + g]++;
	}
	for (int32_t j = 0; j < w->groups; j++) {
		double share = w->soft ? (double)of->member[i * w->groups + j] : (g == j);
		w->g_soft[j] += share;
		w->cg_soft[k * w->groups + j] += share;
	}
}

static fv_rows list_rows(
	const struct loss_fixture *w, const struct loss_rows *of, int32_t n, bool durations)
{
	return (fv_rows){.size = sizeof(fv_rows),
		.n = n,
		.classes = CLASSES,
		.groups = w->groups,
		.label = of->label,
		.klass = of->klass,
		.group = w->groups ? of->group : NULL,
		.member = w->soft ? of->member : NULL,
		.stem = of->stem,
		.speaker = of->speaker,
		.duration = durations ? of->duration : NULL};
}

struct loss_fixture *contract_make_loss_fixture(struct contract *c, struct loss_case of)
{
	struct loss_fixture *w = contract_alloc(c, 1, sizeof *w);
	if (!w)
		return NULL;
	w->groups = of.groups;
	w->met = of.met;
	w->soft = of.soft;
	for (int32_t i = 0; i < N; i++) {
		fill_row(c, w, i, &w->of_train, i);
		count_row(w, i);
	}
	for (int32_t i = 0; i < N_DEV; i++)
		fill_row(c, w, i < OWN ? N + i : i - OWN, &w->of_dev, i);
	for (int32_t k = 0; k < CLASSES; k++)
		w->class_weight[k] = 0.7 + 0.2 * k;
	const fv_loss_ops *ops = c->plugin->ops;
	const bool shown = ops->uses_duration && of.recordings;
	static const char *const names[CLASSES] = {"k0", "k1", "k2", "k3"};
	w->train = list_rows(w, &w->of_train, N, shown);
	w->dev = list_rows(w, &w->of_dev, N_DEV, shown);
	w->count = (fv_counts){.size = sizeof w->count,
		.c = w->c,
		.g = w->g,
		.cg = w->cg,
		.g_soft = w->g_soft,
		.cg_soft = w->cg_soft,
		.c_unknown = w->c_unknown};
	w->setup = (fv_loss_setup){.size = sizeof w->setup,
		.train = &w->train,
		.dev = &w->dev,
		.count = &w->count,
		.class_weight = w->class_weight,
		.epochs = 3,
		.batch = BATCH,
		.member_is_probability = of.soft,
		.class_name = names};
	w->shown = core_show_setup(
		c->ctx, &w->train, &w->dev, &w->count, &w->setup.class_weight, true);
	c->absent = core_absent_of_loss(c->ctx, c->plugin->ops, &w->train);
	return w->shown ? w : NULL;
}

/* Makes row `row` of a set sample i of a batch, without loss and logits. */
static void copy_row(
	const struct loss_rows *of, int32_t row, int32_t groups, struct loss_batch *out, int32_t i)
{
	out->row[i] = row;
	out->klass[i] = of->klass[row];
	out->stem[i] = of->stem[row];
	out->group[i] = of->group[row];
	memcpy(out->label + i * CLASSES, of->label + row * CLASSES, CLASSES * sizeof(float));
	memcpy(out->member + i * groups, of->member + row * groups, (size_t)groups * sizeof(float));
}

void contract_draw_batch(
	const struct loss_fixture *w, int32_t kind, int64_t step, struct loss_batch *out)
{
	fv_stream s = fv_rng_seeded(1, "contract.batch", kind, (uint64_t)step);
	int32_t n = kind == ALONE ? 1 : kind == LARGE ? LARGE_BATCH : BATCH;
	int32_t apart = kind == LARGE ? 1 : N / BATCH;
	for (int32_t i = 0; i < n; i++) {
		int32_t row = (int32_t)fv_below(&s, (uint64_t)apart) + i * apart;
		copy_row(&w->of_train, row, w->groups, out, i);
		out->loss[i] = 0.2 + 2 * fv_uniform(&s);
		if (kind == TIED || kind == ZERO)
			out->loss[i] = kind == TIED ? 1.25 : 0;
		if (kind == EXTREME)
			out->loss[i] = i % 2 ? 1e4 : 1e-8;
		for (int32_t k = 0; k < CLASSES; k++)
			out->logits[i * CLASSES + k] =
				(float)(fv_normal(&s) * (kind == EXTREME ? 1e3 : 1));
		if (kind == UNKNOWN || kind == ONE_GROUP)
			out->group[i] = kind == UNKNOWN ? -1 : 0;
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

void contract_make_dev_batch(
	const struct loss_fixture *w, const struct loss_batch *b, struct loss_batch *out)
{
	*out = *b;
	for (int32_t i = 0; i < b->batch.n; i++) {
		out->row[i] = OWN + b->row[i];
		out->stem[i] = w->of_dev.stem[out->row[i]];
	}
	out->batch.row = out->row;
	out->batch.loss = out->loss;
	out->batch.logits = out->logits;
	out->batch.label = out->label;
	out->batch.klass = out->klass;
	out->batch.group = w->groups ? out->group : NULL;
	out->batch.member = w->soft ? out->member : NULL;
	out->batch.stem = out->stem;
}

void contract_tell_loss(struct contract *c)
{
	const fv_loss_ops *ops = c->plugin->ops;
	const fv_descriptor *d = c->plugin;
	const char *extension = !d->extension                 ? ""
				: d->extension(FV_NETWORKS_1) ? " those of " FV_NETWORKS_1
				: d->extension(FV_STAGES_1)   ? " those of " FV_STAGES_1
							      : "";
	bool any = ops->open || ops->subsample || ops->order || ops->mix || ops->weigh ||
		   ops->evaluate || ops->validated || ops->close;
	contract_tell(c, "ops:%s%s%s%s%s%s%s%s%s%s", ops->open ? " open" : "",
		ops->subsample ? " subsample" : "", ops->order ? " order" : "",
		ops->mix ? " mix" : "", ops->weigh ? " weigh" : "",
		ops->evaluate ? " evaluate" : "", ops->validated ? " validated" : "",
		ops->close ? " close" : "", any && *extension ? " and" : "", extension);
	contract_tell(c,
		"shown: %d rows of %d classes, %d development rows, batches of %d, %d and 1, "
		"losses "
		"from 0 to 1e4, logits to 1e3%s%s",
		N, CLASSES, N_DEV, BATCH, LARGE_BATCH,
		ops->uses_groups ? "; 3 groups with memberships and without, one of them without "
				   "rows, 1 group, unknown groups"
				 : "; no groups (uses_groups is 0)",
		ops->uses_duration ? "; durations, some NAN, and none at all (NULL)" : "");
}
