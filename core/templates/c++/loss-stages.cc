/* SPDX-License-Identifier: Apache-2.0 */
/* my_plugin: trains twice; in the second training the rows that the first model gets wrong count more.
 *
 *     stage 1: first_epochs epochs of the mean base loss
 *     stage 2: a new model, with the base loss of row i times w_i = factor if the model of stage 1 takes
 *              row i for another class, and 1 otherwise
 *
 * Shapes: w [N], one for each training row. Ties between classes go to the first. No groups. Validation:
 * the mean base loss, in both stages.
 *
 * What to change: next, which is called before each training stage and fills in what differs from an
 * ordinary training. fairvox/stages.h lists the members: rows, weights, labels and groups of the stage,
 * the model that it starts from, averages of models, another loss that it delegates to. Without an op
 * `weigh` a stage trains the mean base loss; the ops of fairvox/loss.h work in every stage of its own.
 */
#include <algorithm>
#include <cstring>
#include <vector>

#include <fairvox/fairvox.hpp>

namespace
{

struct state {
	double factor;
	int64_t first_epochs;
	const fv_rows *train; /* filled in by open, like all below */
	double *weight;       /* [N] */

	fv_status open(fv_ctx *ctx, const fv_loss_setup *setup);
	fv_status next(fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more);
};

fv_status state::open(fv_ctx *ctx, const fv_loss_setup *setup)
{
	train = setup->train;
	weight = static_cast<double *>(
		fv_alloc(ctx, static_cast<size_t>(setup->train->n) * sizeof *weight));
	return weight ? FV_OK : FV_FAILED;
}

/* Writes the weights of the rows by what the model of the stage before makes of them. */
fv_status weigh_rows(const state &self, fv_ctx *ctx)
{
	const auto n = static_cast<size_t>(self.train->n);
	const auto classes = static_cast<size_t>(self.train->classes);
	std::vector<float> logits(n * classes);
	if (fv_predict_rows(ctx, self.train, logits.data()))
		return FV_FAILED;
	for (size_t i = 0; i < n; i++) {
		const float *row = logits.data() + i * classes;
		const auto largest = std::max_element(row, row + classes) - row;
		self.weight[i] = largest == self.train->klass[i] ? 1 : self.factor;
	}
	return FV_OK;
}

fv_status state::next(fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	if (index == 0) {
		stage->epochs = first_epochs;
		stage->use_last = 1; /* the model of the last epoch, not of the best */
		*more = 1;           /* a stage follows */
		return FV_OK;
	}
	stage->fresh = 1; /* a new model; 0 would go on with that of stage 1 */
	stage->row_weight = weight;
	return weigh_rows(*this, ctx);
}

constexpr auto stages =
	fairvox::make<fv_stages_1>([](auto &s) { s.next = fairvox::op<&state::next>(); });

const void *find_extension(const char *id)
{
	return std::strcmp(id, FV_STAGES_1) ? nullptr : &stages;
}

/* Without a default (set_default) the user must give a number or choice; `fairvox check` then takes -p key=value. */
constexpr fv_param params[] = {
	fairvox::real_param(FV_FIELD(state, factor), "factor",
		"how much more a row counts that the first model gets wrong")
		.set_range(1, 1000)
		.set_default("5"),
	fairvox::int_param(
		FV_FIELD(state, first_epochs), "first_epochs", "epochs of the first training")
		.set_range(1, 10000)
		.set_default("5"),
};

constexpr auto ops =
	fairvox::make<fv_loss_ops>([](auto &o) { o.open = fairvox::op<&state::open>(); });

constexpr auto descriptor = fairvox::make_loss<state>([](auto &d) {
	d.name = "my_plugin";
	d.version = "0.1";
	d.summary = "a second training in which the errors of the first count more";
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
