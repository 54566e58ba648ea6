/* SPDX-License-Identifier: Apache-2.0 */
/* my_plugin: two groups, below and above a quantile of one column of an encoder's output.
 *
 *     t    = the p-quantile of the column over the training rows
 *     id_i = 0 (low) if x_i < t, 1 (high) otherwise
 *
 * What to change: uses (which inputs the grouper sees), fit (what is learnt from the training rows, and
 * the names of the groups) and assign (any rows, also of other splits). A group of -1 means unknown.
 * fairvox/grouper.h describes soft memberships, attributes and speakers.
 */
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include <fairvox/fairvox.hpp>

namespace
{

constexpr const char *group_names[] = {"low", "high"};

struct state {
	double quantile;
	const char *feature;
	int32_t position; /* of the column; filled in by fit, like all below */
	int32_t dims;
	float threshold;

	uint32_t uses() const;
	fv_status fit(fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out);
	fv_status assign(
		fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member) const;
};

/* The user names an encoder in the block `grouper`. */
uint32_t state::uses() const
{
	return FV_USE_FEATURES;
}

float get_value(const fv_grouper_input *rows, int32_t row, int32_t column)
{
	return rows->x[static_cast<size_t>(row) * static_cast<size_t>(rows->dims) +
		       static_cast<size_t>(column)];
}

/* Refuses rows with a number that is not finite: they belong to no group. */
fv_status check_numbers(fv_ctx *ctx, const fv_grouper_input *rows)
{
	for (int32_t i = 0; i < rows->n; i++)
		for (int32_t d = 0; d < rows->dims; d++)
			if (!std::isfinite(get_value(rows, i, d)))
				return fv_fail(ctx, FV_DATA,
					"row %d, column '%s': not a finite number", i,
					rows->columns[d]);
	return FV_OK;
}

/* Returns the position of the column that the parameter names, or -1; the first if it names none. */
int32_t find_column(const char *column, const fv_grouper_input *rows)
{
	for (int32_t d = 0; column && d < rows->dims; d++)
		if (!std::strcmp(rows->columns[d], column))
			return d;
	return column ? -1 : 0;
}

fv_status state::fit(fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	if (!train->x)
		return fv_fail(
			ctx, FV_CONFIG, "is shown no features: uses() must return FV_USE_FEATURES");
	if (train->layers != 1)
		return fv_fail(ctx, FV_CONFIG,
			"the encoder gives %d layers: choose one with its key 'layer'",
			train->layers);
	dims = train->dims;
	position = find_column(feature, train);
	if (position < 0)
		return fv_fail(ctx, FV_CONFIG, "the encoder has no column '%s': its first is '%s'",
			feature, train->columns[0]);
	fv_status status = check_numbers(ctx, train);
	if (status)
		return status;
	std::vector<float> x(static_cast<size_t>(train->n));
	for (int32_t i = 0; i < train->n; i++)
		x[static_cast<size_t>(i)] = get_value(train, i, position);
	std::sort(x.begin(), x.end());
	threshold = static_cast<float>(fv_quantile(x.data(), train->n, quantile));
	out->groups = 2;
	out->name = group_names;
	return FV_OK;
}

/* member is not used: the grouping is hard. */
fv_status state::assign(fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *) const
{
	if (rows->dims != dims)
		return fv_fail(ctx, FV_DATA, "the rows have %d columns, those of fit had %d",
			rows->dims, dims);
	fv_status status = check_numbers(ctx, rows);
	for (int32_t i = 0; !status && i < rows->n; i++)
		id[i] = get_value(rows, i, position) >= threshold;
	return status;
}

/* Without a default (set_default) the user must give a number or choice; `fairvox check` then takes -p key=value. */
constexpr fv_param params[] = {
	fairvox::real_param(FV_FIELD(state, quantile), "quantile",
		"share of the training rows in the group low")
		.set_range(0, 1)
		.set_default("0.5"),
	fairvox::string_param(FV_FIELD(state, feature), "feature",
		"column of the encoder's output; none: its first"),
};

constexpr auto ops = fairvox::make<fv_grouper_ops>([](auto &o) {
	o.uses = fairvox::op<&state::uses>();
	o.fit = fairvox::op<&state::fit>();
	o.assign = fairvox::op<&state::assign>();
});

constexpr auto descriptor = fairvox::make_grouper<state>([](auto &d) {
	d.name = "my_plugin";
	d.version = "0.1";
	d.summary = "two groups: below and above a quantile of a feature";
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
