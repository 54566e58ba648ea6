/* SPDX-License-Identifier: Apache-2.0 */
/* A loss plugin in C++20: every macro of the public headers that fills in sizes, with all parameter
 * types. It weighs like ERM, times a constant. */
#include <cstring>
#include <fairvox/fairvox.h>
namespace
{

struct inner {
	int32_t mode;
};

struct constant {
	double alpha;
	int64_t n;
	int32_t flag;
	inner weights;
	const char *path, *text, *then;
	fv_list list;
};
const fv_param params[] = {
	FV_PARAM_REAL(constant, alpha, .name = "alpha", .min = 0, .max = 1, .def_paper = "0.5",
		.doc = "the constant"),
	FV_PARAM_INT(constant, n, .name = "n", .def_paper = "1", .doc = "n"),
	FV_PARAM_BOOL(constant, flag, .name = "flag", .def_paper = "true", .doc = "f"),
	FV_PARAM_CHOICE(constant, weights.mode, .name = "mode", .choices = "a|b", .def_paper = "a",
		.doc = "m"),
	FV_PARAM_PATH(constant, path, .name = "path", .doc = "p"),
	FV_PARAM_STRING(constant, text, .name = "text", .doc = "t"),
	FV_PARAM_LIST(constant, list, .name = "list", .doc = "l"),
	FV_PARAM_LOSS_REF(constant, then, .name = "then", .doc = "t"),
};
const fv_preset presets[] = {FV_PRESET("official", "train.clip", "none")};
fv_status constant_weigh(void *state, fv_ctx *, const fv_batch *batch, double *v, double *value)
{
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		v[i] = static_cast<constant *>(state)->alpha / batch->n;
		*value += v[i] * batch->loss[i];
	}
	return FV_OK;
}
const fv_loss_ops ops = FV_LOSS_OPS(.uses_groups = 0, .weigh = constant_weigh);
const fv_descriptor descriptor = FV_LOSS(.name = "in_cpp", .version = "1",
	.summary = "the mean loss times a constant", .source = "none", .licence = "Apache-2.0",
	.state_size = sizeof(constant), FV_PARAMS(params), FV_PRESETS(presets), .ops = &ops);

} // namespace

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
