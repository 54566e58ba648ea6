/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of losses that train in stages: the stages they ask for, without training. Uses the
 * trainer's stages, which check every answer. */
#include <math.h>
#include <string.h>

#include <xxhash.h>

#include "base/number.h"
#include "contract/suite.h"
#include "train/stages.h"

enum { BATCH = 8 };

/* A run up to its last training stage. */
struct rig {
	struct instance in;
	core_objective objective;
	int32_t n;     /* stages */
	uint64_t hash; /* of everything the stages asked for */
};

/* Fills in a delegate for each parameter that names a loss; the delegates are never called. */
static int32_t name_delegates(
	struct contract *c, const fv_descriptor *loss, const core_train_delegate **out)
{
	core_train_delegate *to = contract_alloc(c, loss->n_params, sizeof *to);
	int32_t n = 0;
	for (uint32_t i = 0; to && i < loss->n_params; i++)
		if (loss->params[i].type == FV_LOSS_REF)
			to[n++] = (core_train_delegate){loss->params[i].name, loss, NULL};
	*out = to;
	return n;
}

static void add_to_hash(uint64_t *hash, const void *data, size_t size)
{
	*hash = XXH3_64bits_withSeed(data ? data : "", data ? size : 0, *hash + 1);
}

static void hash_stage(void *user, const fv_stage *stage)
{
	struct rig *r = user;
	size_t all = (size_t)r->objective.train.n, dev = (size_t)r->objective.dev.n;
	size_t classes = (size_t)r->objective.train.classes;
	const int64_t counts[] = {stage->fresh, stage->start, stage->fresh_output,
		stage->output_only, stage->use_last, stage->row ? stage->n : -1, stage->groups,
		stage->epochs, stage->n_average};
	const double reals[] = {stage->learning_rate, stage->anchor, stage->output_l1};
	r->n++;
	add_to_hash(&r->hash, counts, sizeof counts);
	add_to_hash(&r->hash, reals, sizeof reals);
	add_to_hash(&r->hash, stage->row, (size_t)stage->n * sizeof *stage->row);
	add_to_hash(&r->hash, stage->row_weight, all * sizeof *stage->row_weight);
	add_to_hash(&r->hash, stage->label, all * classes * sizeof *stage->label);
	add_to_hash(&r->hash, stage->dev_label, dev * classes * sizeof *stage->dev_label);
	add_to_hash(&r->hash, stage->average, (size_t)stage->n_average * sizeof *stage->average);
	add_to_hash(&r->hash, stage->group, all * sizeof *stage->group);
	add_to_hash(&r->hash, stage->dev_group, dev * sizeof *stage->dev_group);
	add_to_hash(&r->hash, stage->loss, stage->loss ? strlen(stage->loss) : 0);
}

/* Speakers are numbered from 0 on. */
static int32_t count_speakers(const fv_rows *rows)
{
	int32_t most = -1;
	for (int32_t i = 0; rows->speaker && i < rows->n; i++)
		most = rows->speaker[i] > most ? rows->speaker[i] : most;
	return most + 1;
}

/* Ends the walk. What the loss says of the data is a remark: the made-up rows may lack what it needs. */
static bool judge_stages(
	struct contract *c, struct rig *r, fv_status status, core_stages_fault fault)
{
	static const char *const advice[] = {[CORE_STAGES_LIMIT] = "stages limit",
		[CORE_STAGES_OP] = NULL,
		[CORE_STAGES_SCRATCH] = "lifetime",
		[CORE_STAGES_ANSWER] = "stages"};
	char words[512];
	status = contract_finish_op(c, &r->in, status, "stages", words);
	if (words[0] && (status == FV_DATA || status == FV_CONFIG)) {
		contract_note(c, "stages",
			"next() refuses the rows that it is shown, so what follows is not "
			"checked: %s (%d rows of %d classes, %d groups, %d speakers)",
			words, r->objective.train.n, r->objective.train.classes,
			r->objective.train.groups, count_speakers(&r->objective.train));
		return false;
	}
	const char *check = fault == CORE_STAGES_OP ? "next" : "stages";
	contract_classify(c, advice[fault], NULL);
	bool ok = contract_expect_status(c, status, check, words);
	contract_classify(c, NULL, NULL);
	return ok;
}

static bool walk_stages(struct contract *c, const fv_loss_setup *setup, bool drawn, struct rig *r)
{
	int32_t *order = contract_alloc(c, (size_t)setup->train->n, sizeof *order);
	const core_train_spec spec = {.epochs = setup->epochs, .learning_rate = 1e-4};
	core_train_job job = {.shape = {.layers = 1,
				      .dims = 5,
				      .projection = 3,
				      .classes = setup->train->classes},
		.train = {.rows = *setup->train},
		.dev = {.rows = *setup->dev},
		.spec = &spec,
		.loss = c->plugin};
	*r = (struct rig){0};
	job.n_delegates = name_delegates(c, c->plugin, &job.delegate);
	if (!order || !job.delegate || !contract_open_instance(c, &r->in))
		return false;
	for (int32_t i = 0; i < setup->train->n; i++)
		order[i] = i;
	r->in.opened = true;
	fv_status status =
		core_objective_open(r->in.ctx, c->plugin, r->in.state, setup, order, &r->objective);
	if (!contract_expect_start(c, &r->in, status, "open"))
		return false;
	c->trail->op = "next";
	c->trail->what = NULL;
	core_stages_visit visit = {.drawn = drawn, .each = hash_stage, .user = r};
	status = core_stages_walk(r->in.ctx, &job, &r->objective, &visit);
	contract_record(c, &r->hash, sizeof r->hash);
	return judge_stages(c, r, status, visit.fault);
}

/* evaluate in the last stage must give a finite value and change no state. */
static void check_evaluate(struct contract *c, struct rig *r)
{
	int32_t row[BATCH];
	double loss[BATCH], value = NAN;
	const fv_rows *dev = &r->objective.dev;
	const fv_loss_ops *ops = c->plugin->ops;
	for (int32_t i = 0; i < BATCH; i++) {
		row[i] = i;
		loss[i] = 0.25 * (i + 1);
	}
	const fv_batch batch = {.size = sizeof batch,
		.n = BATCH,
		.classes = dev->classes,
		.groups = dev->groups,
		.step = 1,
		.steps = 1,
		.epoch = 1,
		.row = row,
		.loss = loss,
		.logits = dev->label,
		.label = dev->label,
		.klass = dev->klass,
		.group = dev->group,
		.member = dev->member,
		.stem = dev->stem};
	if (!ops->evaluate)
		return;
	uint64_t before = contract_hash_state(c, &r->in);
	const fv_batch *shown = contract_show_batch(c, &batch);
	fv_status status = contract_call(c, "evaluate", "in the last stage",
		ops->evaluate(r->in.state, r->in.ctx, shown, &value));
	bool ok = contract_expect_ok(c, &r->in, status, "evaluate");
	contract_record(c, &value, sizeof value);
	contract_hide_batch(c, "evaluate");
	if (!ok)
		return;
	contract_expect(c, isfinite(value), "evaluate", "the last stage's value is %g",
		core_printable(value));
	contract_expect(
		c, contract_hash_state(c, &r->in) == before, "evaluate", "changes the state");
}

static void end_rig(struct contract *c, struct rig *r)
{
	contract_close_instance(c, &r->in);
	core_objective_release(&r->objective);
}

void contract_check_stages(struct contract *c, const fv_loss_setup *setup)
{
	if (!c->plugin->extension || !c->plugin->extension(FV_STAGES_1))
		return;
	for (int32_t drawn = 0; drawn < 2; drawn++) {
		struct rig a, b = {0};
		if (walk_stages(c, setup, drawn, &a) && walk_stages(c, setup, drawn, &b)) {
			contract_expect(c, a.n == b.n && a.hash == b.hash, "repeat",
				"the stages differ the second time");
			if (a.n == 1)
				contract_note(c, "stages",
					"there is one stage: next sets *more to 1 while another "
					"follows");
			check_evaluate(c, &a);
		}
		end_rig(c, &a);
		end_rig(c, &b);
	}
}
