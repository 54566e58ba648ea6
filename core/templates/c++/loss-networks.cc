/* SPDX-License-Identifier: Apache-2.0 */
/* my_plugin: two networks; the second one tells which samples are hard, and those count more in the first.
 *
 *     value = mean_i w_i l_i + mean_i h_i,   w_i = 1 - share + share 2 h_i / (h_i + l_i)
 *
 * Shapes: l, h [B], the base losses of the first network, which predicts, and of the helper; w [B] is held
 * constant, 1 where both are 0. No groups, no state. Validation: the same with w = 1.
 *
 * What to change: build (which networks there are), predict (the value that predicts) and step, which
 * writes the gradient of the value with respect to each network's output and calls fv_net_backward once.
 * fairvox/networks.h has encoders, linear layers, concatenations and reversed gradients. The core
 * computes layers, clipping and the optimiser, saves the networks and predicts.
 */
#include <cstring>
#include <vector>

#include <fairvox/fairvox.hpp>

namespace
{

struct state {
	double share;
	const fv_loss_setup *setup; /* filled in by build, like all below */
	fv_net *first, *helper;

	fv_status build(fv_ctx *ctx, const fv_loss_setup *with);
	fv_status predict(fv_ctx *ctx, fv_node **logits);
	fv_status step(fv_ctx *ctx, const fv_batch *batch, double *value);
	fv_status evaluate(fv_ctx *ctx, const fv_batch *batch, double *value) const;
};

fv_status state::build(fv_ctx *ctx, const fv_loss_setup *with)
{
	setup = with;
	first = fv_net_head(ctx, "", with->train->classes);
	helper = fv_net_head(ctx, "helper.", with->train->classes);
	return first && helper ? FV_OK : FV_FAILED;
}

fv_status state::predict(fv_ctx *ctx, fv_node **logits)
{
	*logits = fv_net_forward(ctx, first, fv_net_input(ctx));
	return *logits ? FV_OK : FV_FAILED;
}

/* The base losses [B] of logits [B,C]. */
std::vector<double> compute_losses(const state &self, const fv_batch *batch, const float *logits)
{
	std::vector<double> loss;
	for (int32_t i = 0; i < batch->n; i++) {
		const size_t at = static_cast<size_t>(i) * static_cast<size_t>(batch->classes);
		loss.push_back(fv_base_loss(self.setup, logits + at, batch->label + at, nullptr));
	}
	return loss;
}

/* Writes the gradient [B,C] of mean_i weight_i l_i. */
void write_gradient(const state &self, const fv_batch *batch, const float *logits,
	const std::vector<double> &weight, float *gradient)
{
	const auto classes = static_cast<size_t>(batch->classes);
	std::vector<double> row(classes);
	for (size_t i = 0; i < weight.size(); i++) {
		const size_t at = i * classes;
		fv_base_loss(self.setup, logits + at, batch->label + at, row.data());
		for (size_t k = 0; k < classes; k++)
			gradient[at + k] = static_cast<float>(weight[i] * row[k] / batch->n);
	}
}

fv_status state::step(fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const auto n = static_cast<size_t>(batch->n);
	fv_node *first_out = fv_net_forward(ctx, first, fv_net_input(ctx));
	fv_node *helper_out = fv_net_forward(ctx, helper, fv_net_input(ctx));
	const float *logits = fv_net_data(ctx, helper_out);
	float *d_first = fv_net_grad(ctx, first_out), *d_helper = fv_net_grad(ctx, helper_out);
	if (!logits || !d_first || !d_helper)
		return FV_FAILED;
	const std::vector<double> hard = compute_losses(*this, batch, logits);
	std::vector<double> weight(n);
	*value = 0;
	for (size_t i = 0; i < n; i++) {
		const double sum = hard[i] + batch->loss[i];
		weight[i] = 1 - share + share * (sum > 0 ? 2 * hard[i] / sum : 1);
		*value += (weight[i] * batch->loss[i] + hard[i]) / batch->n;
	}
	write_gradient(*this, batch, batch->logits, weight, d_first);
	write_gradient(*this, batch, logits, std::vector<double>(n, 1), d_helper);
	return fv_net_backward(ctx);
}

fv_status state::evaluate(fv_ctx *ctx, const fv_batch *batch, double *value) const
{
	const float *logits = fv_net_data(ctx, fv_net_forward(ctx, helper, fv_net_input(ctx)));
	if (!logits)
		return FV_FAILED;
	const std::vector<double> hard = compute_losses(*this, batch, logits);
	*value = 0;
	for (size_t i = 0; i < hard.size(); i++)
		*value += (batch->loss[i] + hard[i]) / batch->n;
	return FV_OK;
}

constexpr auto networks = fairvox::make<fv_networks_1>([](auto &o) {
	o.build = fairvox::op<&state::build>();
	o.predict = fairvox::op<&state::predict>();
	o.step = fairvox::op<&state::step>();
	o.evaluate = fairvox::op<&state::evaluate>();
	o.allows = FV_NETWORKS_SIGMOID | FV_NETWORKS_BARE;
});

const void *find_extension(const char *id)
{
	return std::strcmp(id, FV_NETWORKS_1) ? nullptr : &networks;
}

/* Without a default (set_default) the user must give a number or choice; `fairvox check` then takes -p key=value. */
constexpr fv_param params[] = {
	fairvox::real_param(FV_FIELD(state, share), "share",
		"how much the weights follow the helper; 0: all samples count the same")
		.set_range(0, 1)
		.set_default("1"),
};

/* The weights are held constant, so the gradients are not the derivatives of the value. */
constexpr auto ops = fairvox::make<fv_loss_ops>([](auto &o) { o.exact_derivative = -1; });

constexpr auto descriptor = fairvox::make_loss<state>([](auto &d) {
	d.name = "my_plugin";
	d.version = "0.1";
	d.summary = "samples count more that a second network finds hard";
	d.source = "an example: name the paper here";
	d.licence = "Apache-2.0";
	fairvox::set_params(d, params);
	d.ops = &ops;
	d.extension = find_extension;
});

} // namespace

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
