/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite on every plugin that was built, and on made-up plugins that break it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <fairvox/fairvox.h>

#include "support.h"

#include "base/file.h"
#include "base/text.h"
#include "contract/contract.h"
#include "plugin/registry.h"

/* Plugins with a required parameter: its value, or the text per row of a file to create. */
static const struct {
	fv_kind kind;
	const char *plugin, *param, *header, *row;
} needs[] = {
	{FV_GROUPER, "file", "file", "FileName,group,prob_a,prob_b\n", "%s.wav,a,0.75,0.25\n"},
	{FV_GROUPER, "kmeans", "k", NULL, "4"}, /* eight training rows per class */
	{FV_GROUPER, "truth", "column", NULL, "gender"},
	{FV_ENCODER, "precomputed", "file", "FileName,x,y,z\n", "%s,1.5,-2,0\n"},
};

/* Findings that are expected, and why they are right. */
static const struct {
	const char *plugin, *check, *why;
} known[] = {
	{"ds", "open", "draw: confident needs memberships"},
	{"ecapa", "open without weights", "needs them; see test_ecapa"},
	{"file", "assign", "the file made for this test has one group"},
	{"ge2e", "open without weights", "needs them; see test_ge2e"},
	{"grl", "open", "needs two groups"},
	{"pgdro", "open", "needs memberships"},
	{"wav2vec2", "open without weights", "needs them; see test_speech"},
	{"wav2vec2_age_gender", "open without weights", "needs them; see test_speech"},
	{"wavlm", "open without weights", "needs them; see test_speech"},
	{"pseudo", "independence", "pool: speaker looks at the other rows of a speaker"},
};

static const char *needed_file(fv_ctx *ctx, const char *header, const char *row)
{
	core_text text = {0};
	core_text_add(&text, "%s", header);
	for (int i = 0; i < CORE_CONTRACT_ROWS; i++) {
		char stem[16];
		snprintf(stem, sizeof stem, "row_%02d", i);
		const char *place = strstr(row, "%s");
		core_text_add(&text, "%.*s%s%s", (int)(place - row), row, stem, place + 2);
	}
	const char *path = core_format(ctx, "%s/needed.csv", test_folder("contract"));
	test_ok(ctx, core_file_write(ctx, path, text.data, text.size));
	core_text_free(&text);
	return path;
}

static bool is_known(const fv_descriptor *d, const core_finding *f)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i].plugin, d->name) && !strcmp(known[i].check, f->check))
			return true;
	return false;
}

/* Returns the number of findings that are not expected. */
static size_t count_unknown_findings(fv_ctx *ctx, const fv_descriptor *d, const char *profile)
{
	core_contract_options options = {.profile = profile, .stem = "row_03"};
	core_contract_setting setting;
	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
		if (needs[i].kind != d->kind || strcmp(needs[i].plugin, d->name))
			continue;
		const char *text = needs[i].row;
		if (needs[i].header)
			text = needed_file(ctx, needs[i].header, needs[i].row);
		setting = (core_contract_setting){needs[i].param, text};
		options.setting = &setting;
		options.n_settings = 1;
	}
	core_contract result;
	test_ok(ctx, core_contract_check(ctx, d, &options, &result));
	size_t unknown = 0;
	print_message("%s/%s, profile %s: %zu checks\n", core_kind_name(d->kind), d->name, profile,
		result.n_checks);
	for (size_t i = 0; i < result.n; i++) {
		const core_finding *f = &result.finding[i];
		unknown += !is_known(d, f);
		print_message("  %s %s: %s\n", f->fault ? "FAULT" : "note", f->check, f->text);
	}
	assert_true(result.n_checks > 4);
	return unknown;
}

static void test_every_plugin(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_registry *r;
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &r));
	size_t unknown = 0;
	for (size_t i = 0; i < r->n; i++) {
		unknown += count_unknown_findings(ctx, r->plugin[i].descriptor, "paper");
		unknown += count_unknown_findings(ctx, r->plugin[i].descriptor, "official");
	}
	assert_true(r->n >= 4);
	assert_int_equal(unknown, 0);
	core_ctx_free(ctx);
}

/* --- plugins that break the contract ---------------------------------------------------------- */

static core_contract run_contract(fv_ctx *ctx, const fv_descriptor *d)
{
	core_contract result;
	core_contract_options options = {.profile = "paper"};
	test_ok(ctx, core_contract_check(ctx, d, &options, &result));
	return result;
}

/* Fails unless there is a finding of that check with these words. */
static void expect_finding(const fv_descriptor *d, bool fault, const char *name, const char *words)
{
	fv_ctx *ctx = test_ctx();
	core_contract result = run_contract(ctx, d);
	for (size_t i = 0; i < result.n; i++)
		if (result.finding[i].fault == fault && !strcmp(result.finding[i].check, name) &&
			strstr(result.finding[i].text, words)) {
			core_ctx_free(ctx);
			return;
		}
	for (size_t i = 0; i < result.n; i++)
		print_error("  %s: %s\n", result.finding[i].check, result.finding[i].text);
	fail_msg("no finding '%s' of %s", words, name);
}

#define DESCRIPTOR(kind_, state_, ops_)                                                            \
	{                                                                                          \
		.size = sizeof(fv_descriptor), .abi = FV_ABI, .kind = kind_, .name = "made_up",    \
		.version = "1", .summary = "s", .source = "s", .licence = "Apache-2.0",            \
		.state_size = sizeof(state_), .ops = ops_                                          \
	}

typedef struct counter {
	int64_t calls, shared;
	double weight;
} counter;

/* weights 1/(B-1), which are infinite for a batch of one */
static fv_status sharp_weigh(void *state, fv_ctx *ctx, const fv_batch *b, double *v, double *value)
{
	(void)state, (void)ctx;
	*value = 0;
	for (int32_t i = 0; i < b->n; i++) {
		v[i] = 1.0 / (b->n - 1);
		*value += v[i] * b->loss[i];
	}
	return FV_OK;
}

/* a constant value whose weights are not its derivative; evaluate counts its calls */
static fv_status flat_weigh(void *state, fv_ctx *ctx, const fv_batch *b, double *v, double *value)
{
	(void)state, (void)ctx;
	for (int32_t i = 0; i < b->n; i++)
		v[i] = 1;
	*value = 3;
	return FV_OK;
}

/* keeps what it learns from a validation pass in its state, and orders rows by it */
static fv_status moody_validated(void *state, fv_ctx *ctx, const fv_batch *dev)
{
	counter *c = state;
	(void)ctx;
	c->calls += (int32_t)(1000 * dev->loss[dev->n - 1]);
	return FV_OK;
}

static fv_status moody_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	const counter *c = state;
	(void)ctx, (void)epoch;
	for (int64_t i = 0; i < n; i++)
		position[i] = (int32_t)((i + c->calls) % n);
	return FV_OK;
}

static fv_status silent_validated(void *state, fv_ctx *ctx, const fv_batch *dev)
{
	(void)state, (void)ctx, (void)dev;
	return FV_DATA;
}

static fv_status counting_evaluate(const void *state, fv_ctx *ctx, const fv_batch *b, double *value)
{
	counter *c = *(counter *const *)(const void *)&state;
	(void)ctx, (void)b;
	*value = 3;
	c->calls++;
	return FV_OK;
}

static fv_status far_subsample(void *state, fv_ctx *ctx, int32_t *row, int64_t cap, int64_t *n)
{
	(void)state, (void)ctx, (void)cap;
	row[0] = 1 << 20;
	*n = 1;
	return FV_OK;
}

static fv_status far_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	(void)state, (void)ctx, (void)epoch;
	position[0] = (int32_t)n;
	return FV_OK;
}

static fv_status far_mix(
	void *state, fv_ctx *ctx, const fv_batch *b, int32_t *partner, double *lambda)
{
	(void)state, (void)ctx;
	for (int32_t i = 0; i < b->n; i++) {
		partner[i] = 0;
		lambda[i] = 1.5;
	}
	return FV_OK;
}

static fv_status silent_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	(void)state, (void)ctx, (void)setup;
	return FV_DATA;
}

/* draws from a stream keyed by something that differs from state to state */
static fv_status moody_weigh(void *state, fv_ctx *ctx, const fv_batch *b, double *v, double *value)
{
	static double mood;
	(void)state, (void)ctx;
	*value = 0;
	for (int32_t i = 0; i < b->n; i++)
		v[i] = ++mood;
	return FV_OK;
}

/* Weights that grow with the number of steps. The count is kept in the state, in memory of the
 * state, or, correctly, in an array. */
typedef struct clock_state {
	double calls, *own, *array;
} clock_state;

static fv_status clock_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	clock_state *c = state;
	(void)setup;
	c->own = fv_alloc(ctx, sizeof *c->own);
	c->array = fv_array(ctx, "calls", FV_F64, 1, 1);
	return c->own && c->array ? FV_OK : FV_FAILED;
}

static fv_status weigh_by_calls(const fv_batch *b, double calls, double *v, double *value)
{
	*value = 0;
	for (int32_t i = 0; i < b->n; i++) {
		v[i] = (1 + calls / 100) / b->n;
		*value += v[i] * b->loss[i];
	}
	return FV_OK;
}

static fv_status state_weigh(void *state, fv_ctx *ctx, const fv_batch *b, double *v, double *value)
{
	(void)ctx;
	return weigh_by_calls(b, ((clock_state *)state)->calls++, v, value);
}

static fv_status own_weigh(void *state, fv_ctx *ctx, const fv_batch *b, double *v, double *value)
{
	(void)ctx;
	return weigh_by_calls(b, (*((clock_state *)state)->own)++, v, value);
}

static fv_status array_weigh(void *state, fv_ctx *ctx, const fv_batch *b, double *v, double *value)
{
	(void)ctx;
	return weigh_by_calls(b, (*((clock_state *)state)->array)++, v, value);
}

static void test_state_found_out(void **unused)
{
	(void)unused;
	static const fv_loss_ops
		in_state = {.size = sizeof in_state, .open = clock_open, .weigh = state_weigh},
		in_memory = {.size = sizeof in_memory, .open = clock_open, .weigh = own_weigh},
		in_array = {.size = sizeof in_array, .open = clock_open, .weigh = array_weigh};
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, clock_state, &in_state), true, "resume",
		"resumed after step 1, step 2 differs: state outside fv_array");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, clock_state, &in_memory), true, "resume",
		"resumed after step 1, step 2 differs: state outside fv_array");
	fv_ctx *ctx = test_ctx();
	assert_int_equal(
		run_contract(ctx, &(fv_descriptor)DESCRIPTOR(FV_LOSS, clock_state, &in_array))
			.n_faults,
		0);
	core_ctx_free(ctx);
}

/* --- networks: a head whose gradient has the wrong sign, or is infinite for a batch of one; an
 * evaluate op that counts its calls */

typedef struct branchy {
	int64_t calls;
	fv_net *head;
} branchy;

static fv_status branchy_build(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	((branchy *)state)->head = fv_net_head(ctx, "", setup->train->classes);
	return ((branchy *)state)->head ? FV_OK : FV_FAILED;
}

static fv_status branchy_predict(void *state, fv_ctx *ctx, fv_node **logits)
{
	*logits = fv_net_forward(ctx, ((branchy *)state)->head, fv_net_input(ctx));
	return *logits ? FV_OK : FV_FAILED;
}

static fv_status branchy_step(void *state, fv_ctx *ctx, const fv_batch *b, double *value)
{
	fv_node *logits;
	if (branchy_predict(state, ctx, &logits))
		return FV_FAILED;
	float *d = fv_net_grad(ctx, logits);
	*value = 0;
	for (int32_t i = 0; i < b->n * b->classes; i++) {
		*value += (double)b->logits[i] / (b->n - 1 ? b->n : 1);
		d[i] = -1 / (float)(b->n - 1);
	}
	return fv_net_backward(ctx);
}

static fv_status branchy_evaluate(const void *state, fv_ctx *ctx, const fv_batch *b, double *value)
{
	branchy *mine = *(branchy *const *)(const void *)&state;
	(void)ctx;
	*value = b->loss[0];
	mine->calls++;
	return FV_OK;
}

/* a gradient that changes sign from step to step */
static fv_status swinging_step(void *state, fv_ctx *ctx, const fv_batch *b, double *value)
{
	fv_node *logits;
	if (branchy_predict(state, ctx, &logits))
		return FV_FAILED;
	float *d = fv_net_grad(ctx, logits);
	*value = b->loss[0];
	for (int32_t i = 0; i < b->n * b->classes; i++)
		d[i] = ((branchy *)state)->calls % 2 ? 1 : -1;
	((branchy *)state)->calls++;
	return fv_net_backward(ctx);
}

static const void *swinging_extension(const char *id)
{
	static const fv_networks_1 networks = FV_NETWORKS(.build = branchy_build,
		.predict = branchy_predict, .step = swinging_step);
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

static const void *branchy_extension(const char *id)
{
	static const fv_networks_1 networks = FV_NETWORKS(.build = branchy_build,
		.predict = branchy_predict, .step = branchy_step, .evaluate = branchy_evaluate);
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

static const void *half_extension(const char *id)
{
	static const fv_networks_1 networks = {.size = sizeof networks, .build = branchy_build};
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

static void test_networks_found_out(void **unused)
{
	(void)unused;
	static const fv_loss_ops plain = {.size = sizeof plain};
	fv_descriptor d = DESCRIPTOR(FV_LOSS, branchy, &plain);
	d.extension = branchy_extension;
	expect_finding(&d, true, "step", "a batch of one gives a gradient that is not finite");
	expect_finding(&d, true, "evaluate", "changes the state");
	expect_finding(&d, false, "derivative", "along the gradient the value grows by -");
	d.extension = swinging_extension;
	expect_finding(&d, true, "resume", "resumed after step 1, step 2 differs");
	d.extension = half_extension;
	expect_finding(&d, true, "descriptor", "needs the ops build, predict and step");
}

/* --- stages: rows out of range, a group out of range, a random stage */

typedef struct stagy {
	const char *then;
	const fv_loss_setup *setup;
} stagy;

static fv_status stagy_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	((stagy *)state)->setup = setup;
	(void)ctx;
	return FV_OK;
}

static fv_status far_next(void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	static const int32_t row[] = {1 << 20};
	(void)state, (void)ctx, (void)index, (void)more;
	stage->row = row;
	stage->n = 1;
	return FV_OK;
}

/* group ids that count a class's errors: out of range for some predictions only */
static fv_status sly_next(void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	const stagy *self = state;
	const fv_rows *train = self->setup->train;
	int32_t *group = fv_alloc(ctx, (size_t)train->n * sizeof *group);
	float *logits = fv_alloc(ctx, (size_t)(train->n * train->classes) * sizeof *logits);
	*more = index == 0;
	if (index == 0)
		return FV_OK;
	if (!group || !logits || fv_predict_rows(ctx, train, logits))
		return FV_FAILED;
	for (int32_t i = 0; i < train->n; i++)
		group[i] = (int32_t)fabsf(logits[i * train->classes]);
	stage->loss = "then";
	stage->groups = 2;
	stage->group = group;
	return FV_OK;
}

static fv_status endless_next(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	(void)state, (void)ctx, (void)index, (void)stage;
	*more = 1;
	return FV_OK;
}

static fv_status restless_next(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	static int64_t epochs;
	(void)state, (void)ctx, (void)index, (void)more;
	stage->epochs = ++epochs;
	return FV_OK;
}

static const fv_stages_1 far_stages = {sizeof far_stages, 0, far_next},
			 sly_stages = {sizeof sly_stages, 1, sly_next},
			 endless_stages = {sizeof endless_stages, 0, endless_next},
			 restless_stages = {sizeof restless_stages, 0, restless_next};

#define STAGES_OF(name)                                                                            \
	static const void *name##_extension(const char *id)                                        \
	{                                                                                          \
		return strcmp(id, FV_STAGES_1) ? NULL : &name##_stages;                            \
	}
STAGES_OF(far)
STAGES_OF(sly)
STAGES_OF(endless)
STAGES_OF(restless)

static void test_stages_found_out(void **unused)
{
	(void)unused;
	static const fv_loss_ops ops = {.size = sizeof ops, .open = stagy_open};
	static const fv_param then[] = {FV_PARAM_LOSS_REF(
		stagy, then, .name = "then", .def_paper = "erm", .doc = "what comes then")};
	fv_descriptor d = DESCRIPTOR(FV_LOSS, stagy, &ops);
	d.params = then;
	d.n_params = 1;
	d.extension = far_extension;
	expect_finding(
		&d, true, "stages", "stage 1: stage->row[0] is 1048576, but rows are 0 to 63");
	d.extension = sly_extension;
	expect_finding(&d, true, "stages", "stage 2: stage->group[");
	d.extension = endless_extension;
	expect_finding(&d, true, "stages", "an objective may have at most 64 stages");
	d.extension = restless_extension;
	expect_finding(&d, true, "repeat", "the stages differ the second time");
}

static void test_losses_found_out(void **unused)
{
	(void)unused;
	static const fv_loss_ops
		sharp = {.size = sizeof sharp, .weigh = sharp_weigh},
		flat = {.size = sizeof flat, .weigh = flat_weigh, .evaluate = counting_evaluate},
		far = {.size = sizeof far,
			.subsample = far_subsample,
			.weigh = flat_weigh,
			.mix = far_mix},
		order = {.size = sizeof order, .order = far_order, .weigh = flat_weigh},
		silent = {.size = sizeof silent, .open = silent_open, .weigh = flat_weigh},
		moody = {.size = sizeof moody, .weigh = moody_weigh},
		exact = {.size = sizeof exact, .exact_derivative = 1, .weigh = flat_weigh},
		learns = {.size = sizeof learns,
			.weigh = flat_weigh,
			.validated = moody_validated,
			.order = moody_order},
		refuses = {
			.size = sizeof refuses, .weigh = flat_weigh, .validated = silent_validated};
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &exact), true, "derivative",
		"by 1, although exact_derivative says that nothing is held constant");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &learns), true, "resume",
		"state outside fv_array");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &refuses), true, "validated",
		"fails with status 4 without a message");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &sharp), true, "weigh",
		"a batch of one gives a weight that is not finite");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &flat), false, "derivative",
		"v differs from the value's derivative by 1");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &flat), true, "evaluate",
		"changes the state");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &far), true, "subsample",
		"row 1048576 of 64");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &far), true, "mix",
		"partner 0 with share 1.5");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &order), true, "order",
		"position 64 of 64");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &silent), true, "open",
		"fails with status 4 without a message");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &moody), true, "repeat",
		"a plain batch gives different weights the second time");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_LOSS, counter, &moody), true, "resume",
		"state outside fv_array");
}

static uint32_t table_uses(const void *state)
{
	(void)state;
	return FV_USE_FEATURES;
}

static uint32_t column_uses(const void *state)
{
	(void)state;
	return FV_USE_COLUMN;
}

static fv_status two_groups(
	void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	static const char *const names[] = {"a", "b"};
	(void)state, (void)ctx, (void)train;
	*out = (fv_grouping){.size = sizeof *out, .groups = 2, .name = names, .soft = 1};
	return FV_OK;
}

static fv_status fit_same_names(
	void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	static const char *const names[] = {"a", "a"};
	(void)state, (void)ctx, (void)train;
	*out = (fv_grouping){.size = sizeof *out, .groups = 2, .name = names};
	return FV_OK;
}

static fv_status assign_out_of_range(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	(void)state, (void)ctx, (void)member;
	for (int32_t i = 0; i < rows->n; i++)
		id[i] = 2;
	return FV_OK;
}

/* group by the mean of the rows in the call; memberships are not written */
static fv_status assign_by_mean(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	float sum = 0;
	(void)state, (void)ctx;
	for (int32_t i = 0; i < rows->n; i++)
		sum += rows->x[i * rows->dims + 3];
	for (int32_t i = 0; i < rows->n; i++) {
		id[i] = rows->x[i * rows->dims + 3] * (float)rows->n > sum;
		for (int32_t g = 0; member && g < 2; g++)
			member[2 * i + g] = (float)(id[i] == g);
	}
	return FV_OK;
}

static fv_status assign_no_members(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	(void)state, (void)ctx, (void)member;
	for (int32_t i = 0; i < rows->n; i++)
		id[i] = 0;
	return FV_OK;
}

static void test_groupers_found_out(void **unused)
{
	(void)unused;
#define OPS(name_, uses_, fit_, assign_)                                                           \
	static const fv_grouper_ops name_ = {                                                      \
		.size = sizeof name_, .uses = uses_, .fit = fit_, .assign = assign_}
	OPS(same_names, table_uses, fit_same_names, assign_out_of_range);
	OPS(too_far, table_uses, two_groups, assign_out_of_range);
	OPS(crowd, table_uses, two_groups, assign_by_mean);
	OPS(no_members, table_uses, two_groups, assign_no_members);
	OPS(knows_all, column_uses, fit_same_names, assign_no_members);
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_GROUPER, counter, &same_names), true, "fit",
		"plugin made_up: name has 'a' twice");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_GROUPER, counter, &too_far), true, "assign",
		"row 0 is in group 2 of 2");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_GROUPER, counter, &crowd), true,
		"independence", "alone and in");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_GROUPER, counter, &no_members), true, "assign",
		"membership nan in row 0");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_GROUPER, counter, &knows_all), true, "unknown",
		"row 8 has no value and is in group 0");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_GROUPER, counter, &knows_all), true, "unknown",
		"has a value not met in training");
}

static fv_status open_nothing(void *state, fv_ctx *ctx, const char *weights)
{
	(void)state, (void)ctx, (void)weights;
	return FV_OK;
}

static fv_status one_output(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	static const fv_output output = {
		.size = sizeof output, .name = "level", .layers = 1, .dims = 1};
	(void)state, (void)ctx;
	*info = (fv_encoder_info){.size = sizeof *info,
		.rate_hz = 8000,
		.min_samples = 10,
		.n_outputs = 1,
		.outputs = &output};
	return FV_OK;
}

static double compute_level(const float *wave, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += (double)wave[i] * (double)wave[i];
	return sum / (double)n;
}

static fv_status log_level(const void *state, fv_ctx *ctx, int32_t output, const float *wave,
	int64_t n, int32_t pooled, float *out)
{
	(void)state, (void)ctx, (void)output, (void)pooled;
	out[0] = (float)log(compute_level(wave, n));
	return FV_OK;
}

static fv_status encode_by_calls(const void *state, fv_ctx *ctx, int32_t output, const float *wave,
	int64_t n, int32_t pooled, float *out)
{
	counter *c = *(counter *const *)(const void *)&state;
	(void)ctx, (void)output, (void)pooled;
	out[0] = (float)(compute_level(wave, n) + c->weight);
	c->weight = compute_level(wave, n);
	return FV_OK;
}

/* The mean of the wave, and how many others are in the pack. */
static fv_status batch_by_company(const void *state, fv_ctx *ctx, int32_t output, fv_pack *pack,
	int32_t pooled, float *const *out)
{
	(void)state, (void)ctx, (void)output, (void)pooled;
	fv_matrix mean = fv_pack_utterances(pack, 1);
	fv_pack_mean(pack, FV_SUMS_DOUBLE, fv_pack_input(pack), mean);
	fv_pack_fetch(pack, mean, 0, out);
	fv_status status = fv_pack_wait(pack);
	for (int32_t u = 0; u < fv_pack_count(pack) && !status; u++)
		out[u][0] += (float)fv_pack_count(pack);
	return status;
}

static fv_status prepare_nothing(const void *state, fv_ctx *worker, int32_t output,
	const float *wave, int64_t n, fv_feed *feed)
{
	(void)state, (void)worker, (void)output, (void)wave, (void)n, (void)feed;
	return FV_OK;
}

static void test_encoders_found_out(void **unused)
{
	(void)unused;
	static const fv_encoder_ops logs = {
		.size = sizeof logs, .open = open_nothing, .info = one_output, .encode = log_level};
	static const fv_encoder_ops past = {.size = sizeof past,
		.open = open_nothing,
		.info = one_output,
		.encode = encode_by_calls};
	static const fv_encoder_ops company = {.size = sizeof company,
		.open = open_nothing,
		.info = one_output,
		.batch = batch_by_company};
	static const fv_encoder_ops unfed = {.size = sizeof unfed,
		.open = open_nothing,
		.info = one_output,
		.prepare = prepare_nothing,
		.batch = batch_by_company};
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_ENCODER, counter, &company), true, "packs",
		"output 'level' of noise differs in a pack with others");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_ENCODER, counter, &unfed), true, "silence",
		"prepare gave no rows");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_ENCODER, counter, &logs), true, "encode",
		"output 'level' of silence is not finite");
	expect_finding(&(fv_descriptor)DESCRIPTOR(FV_ENCODER, counter, &past), true, "repeat",
		"differs the second time");
}

static void test_parameters_found_out(void **unused)
{
	(void)unused;
	static const fv_loss_ops flat = {.size = sizeof flat, .weigh = flat_weigh};
	fv_param param[2] = {{.size = sizeof *param,
				     .type = FV_REAL,
				     .name = "a",
				     .max = 1,
				     .def_paper = "2",
				     .offset = offsetof(counter, weight),
				     .doc = "a"},
		{.size = sizeof *param,
			.type = FV_INT,
			.name = "b",
			.def_paper = "1",
			.offset = offsetof(counter, shared),
			.doc = "b"}};
	fv_descriptor d = DESCRIPTOR(FV_LOSS, counter, &flat);
	d.params = param;
	d.n_params = 2;
	expect_finding(&d, true, "parameters", "a"); /* 2 lies outside 0 to 1 */
	param[0].def_paper = "x";
	expect_finding(&d, true, "parameters", "x");
	param[0].def_paper = "0.5";
	param[1].offset = param[0].offset;
	expect_finding(&d, true, "descriptor", "parameters 'a' and 'b' share bytes of the state");
	param[1].offset = offsetof(counter, shared);
	param[1].type = FV_CHOICE;
	param[1].choices = "on|off|on";
	param[1].def_paper = "on";
	expect_finding(&d, true, "descriptor", "parameter 'b' offers 'on' twice");
	param[1].choices = "on|off";
	param[1].def_paper = "of";
	expect_finding(&d, true, "parameters", "of");
	param[1].def_paper = "off";
	expect_finding(&d, false, "derivative",
		"v differs"); /* told once, although it is so with b: on and off */
	fv_ctx *ctx = test_ctx();
	core_contract result;
	core_contract_setting setting = {"c", "1"};
	core_contract_options options = {.profile = "paper", .setting = &setting, .n_settings = 1};
	test_fails(ctx, core_contract_check(ctx, &d, &options, &result), FV_CONFIG,
		"-p c: loss made_up has no parameter 'c'");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_plugin),
		cmocka_unit_test(test_losses_found_out),
		cmocka_unit_test(test_state_found_out),
		cmocka_unit_test(test_networks_found_out),
		cmocka_unit_test(test_stages_found_out),
		cmocka_unit_test(test_groupers_found_out),
		cmocka_unit_test(test_encoders_found_out),
		cmocka_unit_test(test_parameters_found_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
