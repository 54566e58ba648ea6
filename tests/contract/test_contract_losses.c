/* SPDX-License-Identifier: Apache-2.0 */
/* What the contract suite finds in losses that weight samples, and in what they say of their parameters. */
#include "made_up.h"

#include <stddef.h>

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
	test_made_up *c = state;
	(void)ctx;
	c->calls += (int32_t)(1000 * dev->loss[dev->n - 1]);
	return FV_OK;
}

static fv_status moody_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	const test_made_up *c = state;
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
	test_made_up *c = *(test_made_up *const *)(const void *)&state;
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
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, clock_state, &in_state), true,
		"resume", "resumed after step 1, step 2 differs: state outside fv_array");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, clock_state, &in_memory), true,
		"resume", "resumed after step 1, step 2 differs: state outside fv_array");
	fv_ctx *ctx = test_ctx();
	assert_int_equal(
		test_contract_run(ctx, &(fv_descriptor)MADE_UP(FV_LOSS, clock_state, &in_array))
			.n_faults,
		0);
	core_ctx_free(ctx);
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
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &exact), true,
		"derivative", "by 1, although exact_derivative says that nothing is held constant");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &learns), true,
		"resume", "state outside fv_array");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &refuses), true,
		"validated", "fails with status 4 without a message");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &sharp), true, "weigh",
		"a batch of one gives a weight that is not finite");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &flat), false,
		"derivative", "v differs from the value's derivative by 1");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &flat), true,
		"evaluate", "changes the state");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &far), true,
		"subsample", "row 1048576 of 64");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &far), true, "mix",
		"partner 0 with share 1.5");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &order), true, "order",
		"position 64 of 64");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &silent), true, "open",
		"fails with status 4 without a message");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &moody), true, "repeat",
		"a plain batch gives different weights the second time");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_LOSS, test_made_up, &moody), true, "resume",
		"state outside fv_array");
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
				     .offset = offsetof(test_made_up, weight),
				     .doc = "a"},
		{.size = sizeof *param,
			.type = FV_INT,
			.name = "b",
			.def_paper = "1",
			.offset = offsetof(test_made_up, shared),
			.doc = "b"}};
	fv_descriptor d = MADE_UP(FV_LOSS, test_made_up, &flat);
	d.params = param;
	d.n_params = 2;
	test_contract_expect(&d, true, "parameters", "a"); /* 2 lies outside 0 to 1 */
	param[0].def_paper = "x";
	test_contract_expect(&d, true, "parameters", "x");
	param[0].def_paper = "0.5";
	param[1].offset = param[0].offset;
	test_contract_expect(
		&d, true, "descriptor", "parameters 'a' and 'b' share bytes of the state");
	param[1].offset = offsetof(test_made_up, shared);
	param[1].type = FV_CHOICE;
	param[1].choices = "on|off|on";
	param[1].def_paper = "on";
	test_contract_expect(&d, true, "descriptor", "parameter 'b' offers 'on' twice");
	param[1].choices = "on|off";
	param[1].def_paper = "of";
	test_contract_expect(&d, true, "parameters", "of");
	param[1].def_paper = "off";
	test_contract_expect(&d, false, "derivative",
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
		cmocka_unit_test(test_losses_found_out),
		cmocka_unit_test(test_state_found_out),
		cmocka_unit_test(test_parameters_found_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
