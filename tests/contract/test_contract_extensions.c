/* SPDX-License-Identifier: Apache-2.0 */
/* What the contract suite finds in losses with networks of their own, and in those that train in stages. */
#include "made_up.h"

#include <math.h>
#include <string.h>

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
	fv_descriptor d = MADE_UP(FV_LOSS, branchy, &plain);
	d.extension = branchy_extension;
	test_contract_expect(
		&d, true, "step", "a batch of one gives a gradient that is not finite");
	test_contract_expect(&d, true, "evaluate", "changes the state");
	test_contract_expect(&d, false, "derivative", "along the gradient the value grows by -");
	d.extension = swinging_extension;
	test_contract_expect(&d, true, "resume", "resumed after step 1, step 2 differs");
	d.extension = half_extension;
	test_contract_expect(&d, true, "descriptor",
		"needs the ops build, predict and step; missing: predict, step");
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

/* predicts with the model of a stage before the first */
static fv_status early_next(void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	const stagy *self = state;
	const fv_rows *train = self->setup->train;
	float *logits = fv_scratch(ctx, (size_t)(train->n * train->classes) * sizeof *logits);
	(void)stage, (void)index, (void)more;
	return logits ? fv_predict_rows(ctx, train, logits) : FV_FAILED;
}

static fv_status broken_next(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	(void)state, (void)stage, (void)index, (void)more;
	return fv_fail(ctx, FV_FAILED, "the table of stages is broken");
}

static fv_status scratchy_next(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	(void)state, (void)index, (void)more;
	stage->row = fv_scratch(ctx, sizeof *stage->row);
	stage->n = 1;
	return FV_OK;
}

static const fv_stages_1 far_stages = {sizeof far_stages, 0, far_next},
			 sly_stages = {sizeof sly_stages, 1, sly_next},
			 endless_stages = {sizeof endless_stages, 0, endless_next},
			 restless_stages = {sizeof restless_stages, 0, restless_next},
			 early_stages = {sizeof early_stages, 0, early_next},
			 broken_stages = {sizeof broken_stages, 0, broken_next},
			 scratchy_stages = {sizeof scratchy_stages, 0, scratchy_next};

#define STAGES_OF(name)                                                                            \
	static const void *name##_extension(const char *id)                                        \
	{                                                                                          \
		return strcmp(id, FV_STAGES_1) ? NULL : &name##_stages;                            \
	}
STAGES_OF(far)
STAGES_OF(sly)
STAGES_OF(endless)
STAGES_OF(restless)
STAGES_OF(early)
STAGES_OF(broken)
STAGES_OF(scratchy)

/* The one finding has these words and this advice; NULL: there is none. */
static void expect_one(fv_descriptor d, const void *(*extension)(const char *id), const char *check,
	const char *words, const char *advice)
{
	fv_ctx *ctx = test_ctx();
	d.extension = extension;
	core_contract result = test_contract_run(ctx, &d);
	assert_int_equal(result.n, 1);
	assert_true(result.finding[0].fault);
	assert_string_equal(result.finding[0].check, check);
	assert_non_null(strstr(result.finding[0].text, words));
	if (advice)
		assert_string_equal(result.finding[0].advice, advice);
	else
		assert_null(core_contract_advise(result.finding[0].advice));
	core_ctx_free(ctx);
}

static void test_stages_found_out(void **unused)
{
	(void)unused;
	static const fv_loss_ops ops = {.size = sizeof ops, .open = stagy_open};
	static const fv_param then[] = {FV_PARAM_LOSS_REF(
		stagy, then, .name = "then", .def_paper = "erm", .doc = "what comes then")};
	fv_descriptor d = MADE_UP(FV_LOSS, stagy, &ops);
	d.params = then;
	d.n_params = 1;
	d.extension = far_extension;
	test_contract_expect(
		&d, true, "stages", "stage 1: stage->row[0] is 1048576, but rows are 0 to 63");
	d.extension = sly_extension;
	test_contract_expect(&d, true, "stages", "stage 2: stage->group[");
	d.extension = endless_extension;
	test_contract_expect(&d, true, "stages", "an objective may have at most 64 stages");
	d.extension = restless_extension;
	test_contract_expect(&d, true, "repeat", "the stages differ the second time");
}

static void test_stages_advised(void **unused)
{
	(void)unused;
	static const fv_loss_ops ops = {.size = sizeof ops, .open = stagy_open};
	const fv_descriptor d = MADE_UP(FV_LOSS, stagy, &ops);
	expect_one(d, far_extension, "stages", "stage->row[0] is 1048576", "stages");
	expect_one(d, endless_extension, "stages", "at most 64 stages", "stages limit");
	assert_non_null(core_contract_advise("stages limit"));
	expect_one(d, scratchy_extension, "stages", "is memory of fv_scratch", "lifetime");
	expect_one(d, broken_extension, "next", "the table of stages is broken", NULL);
	expect_one(d, early_extension, "next",
		"op next, stage 1: no earlier stage has a model: predict where index > 0", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks_found_out),
		cmocka_unit_test(test_stages_found_out),
		cmocka_unit_test(test_stages_advised),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
