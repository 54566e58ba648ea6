/* SPDX-License-Identifier: Apache-2.0 */
/* my_plugin: the mean of the worst share of each batch.
 *
 *     value = (1/k) sum of the k largest l, k = ceil(alpha B)
 *     v_i   = 1/k for those k samples, 0 for the others
 *
 * Shapes: l, v [B]. Ties go to the lower position in the batch. No groups, no state. Validation: the
 * same, batch by batch.
 *
 * What to change: the state, its parameters, and weigh, which turns base losses into weights. The model
 * follows the gradient sum_i v_i dl_i. fairvox/loss.h describes the other ops: `open` reads counts and
 * labels, `subsample` and `order` choose rows, `mix` mixes samples. An objective that needs groups sets
 * uses_groups to 1 and reads batch->group.
 *
 * exact_derivative says that v_i is the derivative of the value, and `fairvox check` compares them; leave it out
 * where something is held constant, such as group weights.
 */
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <fairvox/fairvox.hpp>

namespace
{

struct state {
	double alpha;

	fv_status weigh(fv_ctx *ctx, const fv_batch *batch, double *v, double *value);
	fv_status evaluate(fv_ctx *ctx, const fv_batch *batch, double *value) const;
};

/* The k samples of the largest losses, k = ceil(alpha B). */
std::vector<int32_t> find_worst(const state &self, const fv_batch *batch)
{
	std::vector<int32_t> order(static_cast<size_t>(batch->n));
	std::iota(order.begin(), order.end(), 0);
	std::stable_sort(order.begin(), order.end(),
		[batch](int32_t a, int32_t b) { return batch->loss[a] > batch->loss[b]; });
	order.resize(static_cast<size_t>(std::ceil(self.alpha * batch->n)));
	return order;
}

fv_status state::weigh(fv_ctx *, const fv_batch *batch, double *v, double *value)
{
	const std::vector<int32_t> worst = find_worst(*this, batch);
	*value = 0;
	for (int32_t i : worst) {
		v[i] = 1 / static_cast<double>(worst.size());
		*value += v[i] * batch->loss[i];
	}
	return FV_OK;
}

fv_status state::evaluate(fv_ctx *, const fv_batch *batch, double *value) const
{
	const std::vector<int32_t> worst = find_worst(*this, batch);
	*value = 0;
	for (int32_t i : worst)
		*value += batch->loss[i] / static_cast<double>(worst.size());
	return FV_OK;
}

/* Without a default (set_default) the user must give a number or choice; `fairvox check` then takes -p key=value. */
constexpr fv_param params[] = {
	fairvox::real_param(FV_FIELD(state, alpha), "alpha", "share of each batch that counts")
		.set_range(0.001, 1)
		.set_default("0.3"),
};

constexpr auto ops = fairvox::make<fv_loss_ops>([](auto &o) {
	o.weigh = fairvox::op<&state::weigh>();
	o.evaluate = fairvox::op<&state::evaluate>();
	o.exact_derivative = 1;
});

constexpr auto descriptor = fairvox::make_loss<state>([](auto &d) {
	d.name = "my_plugin";
	d.version = "0.1";
	d.summary = "mean of the worst share of each batch";
	d.source = "an example: name the paper here";
	d.licence = "Apache-2.0";
	fairvox::set_params(d, params);
	d.ops = &ops;
});

} // namespace

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
