/* SPDX-License-Identifier: Apache-2.0 */
/* Every objective with every option of head, base loss and optimizer: each pair trains with finite results and
 * is not the default training, or is refused by a message that names both. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/blocks.h"
#include "train/predict.h"

typedef struct option {
	const char *name;
	void (*set)(task *t);
	bool same; /* may give the default's model */
} option;

static void set_nothing(task *t)
{
	(void)t;
}

static void set_bare(task *t)
{
	t->job.shape.projection = 0;
}

static void set_hidden(task *t)
{
	t->job.shape.n_hidden = 1;
	t->job.shape.hidden[0] = 6;
	t->job.shape.activation = FV_ACTIVATION_RELU;
}

static void set_dropout(task *t)
{
	set_hidden(t);
	t->job.shape.dropout = 0.3;
}

static void set_hidden_bare(task *t)
{
	set_bare(t);
	set_hidden(t);
	t->job.shape.n_hidden = 2;
	t->job.shape.hidden[1] = 4;
	t->job.shape.activation = FV_ACTIVATION_GELU;
}

static void set_unweighted(task *t)
{
	t->spec.class_weights = CORE_WEIGHTS_NONE;
}

static void set_inverse(task *t)
{
	t->spec.class_weights = CORE_WEIGHTS_INVERSE;
}

static void set_bce(task *t)
{
	t->spec.base_loss = FV_BCE;
}

static void set_focal(task *t)
{
	t->spec.base_loss = FV_FOCAL;
	t->spec.focal_gamma = 2;
}

static void set_adamw(task *t)
{
	t->spec.optimizer = CORE_ADAMW;
	t->spec.weight_decay = 0.1;
}

static void set_sgd(task *t)
{
	t->spec.optimizer = CORE_SGD;
	t->spec.momentum = 0.9;
	t->spec.learning_rate = 0.1;
}

static void set_cosine(task *t)
{
	t->spec.schedule = CORE_SCHEDULE_COSINE;
}

static void set_plateau(task *t)
{
	t->spec.schedule = CORE_SCHEDULE_PLATEAU;
	t->spec.plateau_factor = 0.1;
}

static void set_patience(task *t)
{
	t->spec.patience = 1;
}

static void sample_classes(task *t)
{
	t->spec.sampler = CORE_SAMPLE_CLASSES;
}

static void sample_groups(task *t)
{
	t->spec.sampler = CORE_SAMPLE_GROUPS;
}

static void sample_subgroups(task *t)
{
	t->spec.sampler = CORE_SAMPLE_SUBGROUPS;
}

/* A validation value that does not fall lowers no rate and stops nothing. */
static const option options[] = {{"default", set_nothing, true}, {"bare", set_bare, false},
	{"hidden", set_hidden, false}, {"dropout", set_dropout, false},
	{"hidden_bare", set_hidden_bare, false}, {"unweighted", set_unweighted, false},
	{"inverse", set_inverse, false}, {"bce", set_bce, false}, {"focal", set_focal, false},
	{"adamw", set_adamw, false}, {"sgd", set_sgd, false}, {"cosine", set_cosine, false},
	{"plateau", set_plateau, true}, {"patience", set_patience, true},
	{"sampler_class", sample_classes, false}, {"sampler_group", sample_groups, false},
	{"sampler_subgroup", sample_subgroups, false}};
enum { OPTIONS = sizeof options / sizeof *options };

/* A loss with one setting that is not its default, or "". */
static const char *const losses[][2] = {{"erm", ""}, {"random", ""}, {"rw", ""},
	{"ds", "draw=random"}, {"gdro", ""}, {"gdro", "mode=eg"}, {"gdro", "sampler=balanced"},
	{"gdro", "group_loss=excess"}, {"gadro", ""}, {"gadro", "group_loss=excess"}, {"pgdro", ""},
	{"pgdro", "group_loss=excess"}, {"lff", ""}, {"disent", "swap_step=3"},
	{"cvar_dro", "alpha=0.5"}, {"mixup", ""}, {"lisa", ""}, {"jtt", "first_epochs=2"},
	{"afr", ""}, {"eiil", "steps=50"}, {"grl", ""}, {"fairbatch", "alpha=0.2"},
	{"dfr", "refits=2"}, {"cb_llr", "holdout=0.3"}};
enum { LOSSES = sizeof losses / sizeof *losses };

static const struct {
	const char *loss, *setting, *option, *words[2];
} refused[] = {
	{"lff", "", "bce", {"train.base_loss bce", "loss lff"}},
	{"disent", "swap_step=3", "bce", {"train.base_loss bce", "loss disent"}},
	{"random", "", "bce", {"train.base_loss bce", "loss random"}},
	{"disent", "swap_step=3", "bare", {"projection", "loss disent"}},
	{"grl", "", "bare", {"projection", "loss grl"}},
	{"gdro", "group_loss=excess", "focal", {"train.base_loss focal", "group_loss: excess"}},
	{"gadro", "group_loss=excess", "focal", {"train.base_loss focal", "group_loss: excess"}},
	{"pgdro", "group_loss=excess", "focal", {"train.base_loss focal", "group_loss: excess"}},
	{"gdro", "sampler=balanced", "sampler_class", {"train.sampler: class", "loss gdro"}},
	{"gdro", "sampler=balanced", "sampler_subgroup",
		{"train.sampler: class_group", "loss gdro"}},
	{"fairbatch", "alpha=0.2", "sampler_class", {"train.sampler: class", "loss fairbatch"}},
	{"fairbatch", "alpha=0.2", "sampler_group", {"train.sampler: group", "loss fairbatch"}},
	{"fairbatch", "alpha=0.2", "sampler_subgroup",
		{"train.sampler: class_group", "loss fairbatch"}},
};

/* The objective's own sampler draws the same rows: the option changes nothing, and nothing contradicts it. */
static bool draws_alike(const char *const loss[2], const option *o)
{
	return !strcmp(loss[1], "sampler=balanced") && !strcmp(o->name, "sampler_group");
}

/* Returns the index of the pair among the refused ones, or -1. */
static int find_refused(const char *const loss[2], const option *o)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (!strcmp(refused[i].loss, loss[0]) && !strcmp(refused[i].setting, loss[1]) &&
			!strcmp(refused[i].option, o->name))
			return (int)i;
	return -1;
}

static task *open_pair(const char *const loss[2], const option *o)
{
	const fv_descriptor *plugin = test_loss(loss[0]);
	task *t = new_task(plugin, false);
	float *member = core_alloc(t->ctx, (N + DEV) * G, sizeof *member);
	for (int i = 0; i < N + DEV; i++)
		for (int g = 0; g < G; g++)
			member[i * G + g] = t->group[i] == g ? 0.9f : 0.1f;
	t->job.train.rows.member = member;
	t->job.dev.rows.member = member + N * G;
	t->job.loss_state =
		test_loss_state(t->ctx, plugin, "paper", *loss[1] ? loss[1] : NULL, NULL);
	for (int32_t i = 0; i < t->job.n_delegates; i++) {
		core_train_delegate *to = (core_train_delegate *)&t->job.delegate[i];
		to->state = test_loss_state(t->ctx, to->loss, "paper", NULL);
	}
	t->spec.epochs = 4;
	o->set(t);
	return t;
}

static bool has_tensor(const core_plan *plan, const char *name)
{
	for (int32_t i = 0; i < plan->n_tensors; i++)
		if (!strcmp(plan->tensor[i].name, name))
			return true;
	return false;
}

static void check_layers(const task *t, const core_train_result *r)
{
	const core_head_shape *s = &t->job.shape;
	if (!r->plan->n_nets)
		return;
	assert_int_equal(has_tensor(r->plan, "projection.weight"), s->projection > 0);
	assert_int_equal(has_tensor(r->plan, "hidden.0.weight"), s->n_hidden > 0);
	assert_int_equal(has_tensor(r->plan, "hidden.1.bias"), s->n_hidden > 1);
}

/* n_k of class weights are counts of labels above 1/C. */
static void check_class_weights(const task *t, const double *weight)
{
	double want[C], total = 0;
	for (int k = 0; k < C; k++) {
		int n = 0;
		for (int i = 0; i < N; i++)
			n += t->label[i * C + k] > 1.f / C;
		want[k] = t->spec.class_weights == CORE_WEIGHTS_INVERSE
				  ? 1.0 / n
				  : 1 / (1 - pow(1 - 1.0 / N, n));
		total += want[k];
	}
	for (int k = 0; k < C; k++)
		test_close(weight[k],
			t->spec.class_weights == CORE_WEIGHTS_NONE ? 1 : want[k] * C / total,
			1e-12);
}

static void check_result(const task *t, const core_train_result *r)
{
	float logits[DEV * C];
	assert_true(core_all_finite(r->params, r->plan->count));
	assert_true(isfinite(r->selected_value));
	test_ok(t->ctx, core_train_predict(t->ctx, r->plan, r->params, &t->job.dev, logits));
	assert_true(core_all_finite(logits, DEV * C));
	check_layers(t, r);
	check_class_weights(t, r->class_weight);
}

static fv_status train_pair(task *t, core_train_result *r)
{
	return core_train_run(t->ctx, &t->job, r);
}

/* Trains the pair twice: the same bytes both times, and not the default's unless it may be. */
static void check_pair(const char *const loss[2], const option *o, const core_train_result *plain)
{
	task *t = open_pair(loss, o), *again = open_pair(loss, o);
	core_train_result r, second;
	int known = find_refused(loss, o);
	fv_status status = train_pair(t, &r);
	if (known >= 0) {
		test_fails(t->ctx, status, FV_CONFIG, refused[known].words[0]);
		status = train_pair(again, &second);
		test_fails(again->ctx, status, FV_CONFIG, refused[known].words[1]);
	} else {
		if (status != FV_OK)
			print_message("%s %s with %s\n", loss[0], loss[1], o->name);
		test_ok(t->ctx, status);
		check_result(t, &r);
		test_ok(again->ctx, train_pair(again, &second));
		size_t bytes = (size_t)r.plan->count * sizeof *r.params;
		assert_memory_equal(r.params, second.params, bytes);
		if (!o->same && !draws_alike(loss, o) && r.plan->count == plain->plan->count &&
			bytes && !memcmp(r.params, plain->params, bytes))
			fail_msg("%s %s: %s changes nothing", loss[0], loss[1], o->name);
	}
	free_task(t);
	free_task(again);
}

static void every_pair(void **state)
{
	(void)state;
	for (size_t l = 0; l < LOSSES; l++) {
		task *t = open_pair(losses[l], &options[0]);
		core_train_result plain;
		test_ok(t->ctx, train_pair(t, &plain));
		for (size_t o = 0; o < OPTIONS; o++)
			check_pair(losses[l], &options[o], &plain);
		free_task(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_pair)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
