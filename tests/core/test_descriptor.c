/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that the loader must refuse: a size of 0 in any struct, a loss that trains nothing,
 * an extension that answers no known id. Each starts from a descriptor that is accepted. */
#include "support.h"

#include <string.h>

#include <fairvox/fairvox.h>

#include "plugin/descriptor.h"
#include "plugin/lists.h"

typedef struct sample {
	int64_t count;
	double share;
} sample;

static const fv_param good_params[] = {
	FV_PARAM_INT(sample, count, .name = "count", .def_paper = "1", .doc = "a count"),
	FV_PARAM_REAL(sample, share, .name = "share", .def_paper = "1", .doc = "a share"),
};

static const fv_preset good_presets[] = {
	FV_PRESET("paper", "train.batch", "64"),
	FV_PRESET("official", "train.clip", "none"),
};

static fv_status open_nothing(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	(void)state, (void)ctx, (void)setup;
	return FV_OK;
}

static fv_status weigh_nothing(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	(void)state, (void)ctx, (void)batch, (void)v;
	*value = 0;
	return FV_OK;
}

static fv_status mix_nothing(
	void *state, fv_ctx *ctx, const fv_batch *batch, int32_t *partner, double *lambda)
{
	(void)state, (void)ctx, (void)batch, (void)partner, (void)lambda;
	return FV_OK;
}

static fv_status keep_all(void *state, fv_ctx *ctx, int32_t *row, int64_t cap, int64_t *n)
{
	(void)state, (void)ctx, (void)row, (void)cap, (void)n;
	return FV_OK;
}

static fv_status keep_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	(void)state, (void)ctx, (void)epoch, (void)position, (void)n;
	return FV_OK;
}

static fv_status predict_nothing(void *state, fv_ctx *ctx, fv_node **logits)
{
	(void)state, (void)ctx, (void)logits;
	return FV_OK;
}

static fv_status step_nothing(void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	(void)state, (void)ctx, (void)batch, (void)value;
	return FV_OK;
}

static fv_status open_encoder(void *state, fv_ctx *ctx, const char *weights)
{
	(void)state, (void)ctx, (void)weights;
	return FV_OK;
}

static fv_status describe_encoder(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	(void)state, (void)ctx, (void)info;
	return FV_OK;
}

static fv_status look_up_nothing(const void *state, fv_ctx *worker, int32_t output, const char *id,
	int32_t parts, float *out)
{
	(void)state, (void)worker, (void)output, (void)id, (void)parts, (void)out;
	return FV_OK;
}

static uint32_t use_class(const void *state)
{
	(void)state;
	return FV_USE_CLASS;
}

static fv_status fit_nothing(
	void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	(void)state, (void)ctx, (void)train, (void)out;
	return FV_OK;
}

static fv_status assign_nothing(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	(void)state, (void)ctx, (void)rows, (void)id, (void)member;
	return FV_OK;
}

static const fv_loss_ops loss_ops = FV_LOSS_OPS(.weigh = weigh_nothing);
static const fv_loss_ops idle_ops = FV_LOSS_OPS(.open = open_nothing);
static const fv_encoder_ops encoder_ops =
	FV_ENCODER_OPS(.open = open_encoder, .info = describe_encoder, .lookup = look_up_nothing);
static const fv_grouper_ops grouper_ops =
	FV_GROUPER_OPS(.uses = use_class, .fit = fit_nothing, .assign = assign_nothing);

#define COMMON                                                                                     \
	.name = "sample", .version = "1", .summary = "s", .source = "s", .licence = "Apache-2.0",  \
	.state_size = sizeof(sample), FV_PARAMS(good_params), FV_PRESETS(good_presets)

static const fv_descriptor loss = FV_LOSS(COMMON, .ops = &loss_ops);
static const fv_descriptor encoder = FV_ENCODER(COMMON, .ops = &encoder_ops);
static const fv_descriptor grouper = FV_GROUPER(COMMON, .ops = &grouper_ops);

static void accepts(const fv_descriptor *d)
{
	char reason[400] = "";
	if (!core_descriptor_check(d, "sample", reason, sizeof reason))
		fail_msg("refused: %s", reason);
}

static void refuses(const fv_descriptor *d, const char *want)
{
	char reason[400] = "";
	if (core_descriptor_check(d, "sample", reason, sizeof reason) || !strstr(reason, want))
		fail_msg("'%s', not '%s'", *reason ? reason : "(accepted)", want);
}

static void macros_give_accepted_descriptors(void **state)
{
	(void)state;
	accepts(&loss);
	accepts(&encoder);
	accepts(&grouper);
	assert_int_equal(loss.abi, 2);
	assert_int_equal(loss.kind, FV_LOSS);
	assert_int_equal(encoder.kind, FV_ENCODER);
	assert_int_equal(grouper.kind, FV_GROUPER);
	assert_int_equal(loss.n_params, 2);
	assert_int_equal(good_params[1].type, FV_REAL);
	assert_int_equal(good_params[1].offset, offsetof(sample, share));
}

static void size_zero_is_refused(void **state)
{
	(void)state;
	fv_descriptor d = loss;
	d.size = 0;
	refuses(&d, "descriptor of 0 bytes");

	fv_param params[2] = {good_params[0], good_params[1]};
	d = loss;
	d.params = params;
	params[0].size = 0;
	refuses(&d, "parameter entries of 0 bytes");
	params[0].size = sizeof *params;
	params[1].size = 0;
	refuses(&d, "parameter 1 has size 0");

	fv_preset presets[2] = {good_presets[0], good_presets[1]};
	d = loss;
	d.presets = presets;
	presets[0].size = 0;
	refuses(&d, "preset entries of 0 bytes");
	presets[0].size = sizeof *presets;
	presets[1].size = 0;
	refuses(&d, "preset 1 has size 0");

	fv_loss_ops no_loss = loss_ops;
	fv_encoder_ops no_encoder = encoder_ops;
	fv_grouper_ops no_grouper = grouper_ops;
	no_loss.size = no_encoder.size = no_grouper.size = 0;
	d = loss;
	d.ops = &no_loss;
	refuses(&d, "ops of 0 bytes, at least 80 expected: use FV_LOSS_OPS");
	d = encoder;
	d.ops = &no_encoder;
	refuses(&d, "use FV_ENCODER_OPS");
	d = grouper;
	d.ops = &no_grouper;
	refuses(&d, "use FV_GROUPER_OPS");
}

static void loss_that_trains_nothing_is_refused(void **state)
{
	(void)state;
	static const fv_loss_ops mix = FV_LOSS_OPS(.mix = mix_nothing),
				 subsample = FV_LOSS_OPS(.subsample = keep_all),
				 order = FV_LOSS_OPS(.order = keep_order);
	fv_descriptor d = loss;
	d.ops = &idle_ops;
	refuses(&d, "a loss needs an op that trains (subsample, order, mix or weigh)");
	d.ops = &mix;
	accepts(&d);
	d.ops = &subsample;
	accepts(&d);
	d.ops = &order;
	accepts(&d);
}

/* --- extensions ------------------------------------------------------------------------------- */

static const void *answer_nothing(const char *id)
{
	(void)id;
	return NULL;
}

static const void *answer_mistyped(const char *id)
{
	static const fv_networks_1 networks = FV_NETWORKS(.build = open_nothing);
	return strcmp(id, "fv.networks/2") ? NULL : &networks;
}

static const void *answer_networks(const char *id)
{
	static const fv_networks_1 networks = FV_NETWORKS(.build = open_nothing,
		.predict = predict_nothing, .step = step_nothing);
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

static const void *answer_networks_without_step(const char *id)
{
	static const fv_networks_1 networks =
		FV_NETWORKS(.build = open_nothing, .predict = predict_nothing);
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

static const void *answer_stages_without_next(const char *id)
{
	static const fv_stages_1 stages = FV_STAGES(.makes_groups = 1);
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static fv_status describe_no_stage(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	(void)state, (void)ctx, (void)index, (void)stage, (void)more;
	return FV_OK;
}

static const void *answer_stages(const char *id)
{
	static const fv_stages_1 stages = FV_STAGES(.next = describe_no_stage);
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const void *answer_without_size(const char *id)
{
	static const fv_stages_1 stages = {.size = 0};
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const void *answer_both(const char *id)
{
	static const fv_stages_1 stages = FV_STAGES(.makes_groups = 1);
	return strcmp(id, FV_STAGES_1) ? answer_networks(id) : &stages;
}

static const void *answer_fits(const char *id)
{
	static const fv_fits_1 fits = FV_FITS(.fits = NULL);
	return strcmp(id, FV_FITS_1) ? NULL : &fits;
}

static void extension_without_known_id_is_refused(void **state)
{
	(void)state;
	const void *(*const useless[])(const char *) = {answer_nothing, answer_mistyped};
	for (int i = 0; i < 2; i++) {
		fv_descriptor d = loss;
		d.extension = useless[i];
		refuses(&d, "extension() knows neither fv.networks/1 nor fv.stages/1");
		d.ops = &idle_ops;
		refuses(&d, "extension() knows neither fv.networks/1 nor fv.stages/1");
		d = encoder;
		d.extension = useless[i];
		refuses(&d, "extension() does not know fv.fits/1");
		d = grouper;
		d.extension = useless[i];
		refuses(&d, "a grouper has no extensions");
	}
}

static void missing_ops_are_named(void **state)
{
	(void)state;
	fv_encoder_ops no_open = encoder_ops;
	fv_grouper_ops no_fit = grouper_ops;
	no_open.open = NULL;
	no_fit.fit = NULL;
	fv_descriptor d = encoder;
	d.ops = &no_open;
	refuses(&d, "an encoder needs the ops open and info; missing: open");
	no_open.info = NULL;
	refuses(&d, "missing: open, info");
	d = grouper;
	d.ops = &no_fit;
	refuses(&d, "a grouper needs the ops uses, fit and assign; missing: fit");
}

static void known_extensions_are_checked(void **state)
{
	(void)state;
	fv_descriptor d = loss;
	d.ops = &idle_ops;
	d.extension = answer_networks;
	accepts(&d);
	d.extension = answer_without_size;
	refuses(&d, "extension fv.stages/1 of 0 bytes");
	d.extension = answer_both;
	refuses(&d, "has both fv.networks/1 and fv.stages/1");
	d.extension = answer_networks_without_step;
	refuses(&d, "fv.networks/1 needs the ops build, predict and step; missing: step");
	d.extension = answer_stages_without_next;
	refuses(&d, "fv.stages/1 needs the op next");
	d = encoder;
	d.extension = answer_fits;
	accepts(&d);
}

static void op_that_stages_do_not_call_is_refused(void **state)
{
	(void)state;
	static const fv_loss_ops subsample =
		FV_LOSS_OPS(.subsample = keep_all, .order = keep_order);
	static const fv_loss_ops order = FV_LOSS_OPS(.order = keep_order);
	fv_descriptor d = loss;
	d.ops = &subsample;
	accepts(&d);
	d.extension = answer_stages;
	refuses(&d, "the op subsample is not called in a loss with fv.stages/1: leave it out");
	d.ops = &order;
	accepts(&d);
}

/* Outputs that are larger or smaller than this core's struct keep their places in the table. */
static void outputs_are_read_by_their_size(void **state)
{
	(void)state;
	static const struct larger {
		fv_output output;
		const char *later;
	} table[] = {{{.size = sizeof *table, .name = "a", .layers = 1, .dims = 2}, "x"},
		{{.size = sizeof *table, .name = "b", .layers = 3, .dims = 4}, "y"}},
	  uneven[] = {{{.size = sizeof *table, .name = "a", .layers = 1, .dims = 2}, "x"},
		  {{.size = sizeof(fv_output), .name = "b", .layers = 3, .dims = 4}, "y"}};
	static const fv_output none = {.name = "a", .layers = 1, .dims = 2};
	fv_ctx *ctx = test_ctx();
	fv_encoder_info info = {.size = sizeof info, .n_outputs = 2, .outputs = &table[0].output};
	test_ok(ctx, core_outputs_copy(ctx, &info));
	assert_string_equal(info.outputs[1].name, "b");
	assert_true(info.outputs[1].layers == 3 && info.outputs[1].dims == 4);
	info.outputs = &uneven[0].output;
	test_fails(ctx, core_outputs_copy(ctx, &info), FV_FAILED, "output 1 has size");
	info.outputs = &none;
	info.n_outputs = 1;
	test_fails(ctx, core_outputs_copy(ctx, &info), FV_FAILED, "outputs of 0 bytes");
	core_ctx_free(ctx);
}

/* A list whose memory has ended is told so, instead of being too short. */
static void memory_that_ended_is_named(void **state)
{
	(void)state;
	static const char *kept[] = {"low", "high"};
	const char *local[] = {"low", NULL};
	fv_ctx *ctx = test_ctx();
	core_ctx_guard(ctx, true);
	float *row = fv_scratch(ctx, 64);
	char *name = strcpy(fv_scratch(ctx, 8), "high");
	const char **list = fv_scratch(ctx, 2 * sizeof *list);
	core_scratch_reset(ctx);
	test_fails(ctx, core_list_check(ctx, "row", "n", row, 16, sizeof *row), FV_FAILED,
		"row is in memory of fv_scratch, which ends when the op returns: get it with "
		"fv_alloc");
	test_fails(ctx, core_names_check(ctx, "name", "n", list, 2), FV_FAILED,
		"name is in memory of fv_scratch");
	kept[1] = name;
	test_fails(ctx, core_names_check(ctx, "name", "n", kept, 2), FV_FAILED,
		"name 1 is in memory of fv_scratch");
	test_fails(ctx, core_names_check(ctx, "name", "n", local, 2), FV_FAILED,
		"name is in a local variable of an op");
	core_ctx_free(ctx);
	ctx = test_ctx(); /* unguarded memory is overwritten, but can be read */
	kept[1] = strcpy(fv_scratch(ctx, 8), "high");
	core_scratch_reset(ctx);
	test_fails(ctx, core_names_check(ctx, "name", "n", kept, 2), FV_FAILED,
		"name 1 is in memory of fv_scratch");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(macros_give_accepted_descriptors),
		cmocka_unit_test(size_zero_is_refused),
		cmocka_unit_test(loss_that_trains_nothing_is_refused),
		cmocka_unit_test(extension_without_known_id_is_refused),
		cmocka_unit_test(missing_ops_are_named),
		cmocka_unit_test(known_extensions_are_checked),
		cmocka_unit_test(op_that_stages_do_not_call_is_refused),
		cmocka_unit_test(outputs_are_read_by_their_size),
		cmocka_unit_test(memory_that_ended_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
