/* SPDX-License-Identifier: Apache-2.0 */
#include "report/facts.h"

#include <math.h>
#include <string.h>

#include "report/result_table.h"

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static bool is_true_at(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const char *null_if_empty(const char *text)
{
	return *text ? text : NULL;
}

static fv_status read_groupers(fv_ctx *ctx, const json_t *list, core_run_facts *out)
{
	out->has_groupers = json_is_array(list);
	out->n_groupers = (int32_t)json_array_size(list);
	out->grouper = core_alloc(ctx, (size_t)out->n_groupers + 1, sizeof *out->grouper);
	if (!out->grouper)
		return FV_FAILED;
	for (int32_t i = 0; i < out->n_groupers; i++) {
		const json_t *one = json_array_get(list, (size_t)i);
		const json_t *seed = json_object_get(one, "seed");
		if (!json_is_integer(seed))
			seed = json_object_get(json_object_get(one, "params"), "seed");
		out->grouper[i] = (core_grouper_facts){.name = text_at(one, "name"),
			.has_seed = json_is_integer(seed),
			.seed = json_integer_value(seed),
			.json = one};
	}
	return FV_OK;
}

static core_selection_facts read_selection(const json_t *variant)
{
	const json_t *s = json_object_get(variant, "selection");
	const json_t *epochs = json_object_get(s, "epochs"),
		     *floor = json_object_get(s, "f1_floor");
	return (core_selection_facts){
		.rule = text_at(variant, "select"),
		.split = text_at(s, "split"),
		.groups = null_if_empty(text_at(s, "groups")),
		.epochs = json_is_integer(epochs) ? json_integer_value(epochs) : -1,
		.f1_floor = json_is_number(floor) ? json_number_value(floor) : NAN,
		.uses_group_labels = is_true_at(s, "uses_group_labels"),
		.json = s,
	};
}

fv_status core_run_facts_read(fv_ctx *ctx, const json_t *env, core_run_facts *out)
{
	const json_t *variant = json_object_get(env, "variant");
	const json_t *index = json_object_get(variant, "index");
	const json_t *bias = json_object_get(variant, "bias");
	const json_t *bias_seed = json_object_get(bias, "seed");
	const json_t *compare = json_object_get(variant, "compare");
	*out = (core_run_facts){
		.index = json_is_integer(index) ? json_integer_value(index) : -1,
		.loss = text_at(variant, "loss"),
		.encoder = text_at(variant, "encoder"),
		.profile = text_at(variant, "profile"),
		.replicates = text_at(variant, "family"),
		.settings = text_at(variant, "settings"),
		.plain = is_true_at(variant, "plain"),
		.uses_groups = is_true_at(variant, "uses_groups"),
		.uses_group_labels = is_true_at(variant, "uses_group_labels"),
		.selection = read_selection(variant),
		.biased = json_is_object(bias),
		.says_bias = bias != NULL,
		.has_bias_seed = json_is_integer(bias_seed),
		.bias_seed = json_integer_value(bias_seed),
		.compare_metric = null_if_empty(text_at(compare, "metric")),
		.compare_attribute = null_if_empty(text_at(compare, "attribute")),
		.majority_class = text_at(env, "majority_class"),
		.transductive = is_true_at(env, "transductive"),
		.synthetic = is_true_at(env, "synthetic"),
		.shared_speakers = is_true_at(env, "shared_speakers"),
		.no_speakers = is_true_at(env, "no_speakers"),
		.axes = json_object_get(variant, "axes"),
		.tune = json_object_get(variant, "tune"),
		.objective = json_object_get(variant, "objective"),
		.grouping = json_object_get(variant, "grouping"),
		.bias = bias,
		.plugins = json_object_get(variant, "plugins"),
	};
	return read_groupers(ctx, out->grouping, out);
}

const char *core_grouping_seeds(fv_ctx *ctx, const core_run_facts *facts)
{
	core_text text = {0};
	for (int32_t i = 0; i < facts->n_groupers; i++)
		if (facts->grouper[i].has_seed)
			core_text_add(&text, "%s%lld", text.size ? " " : "",
				(long long)facts->grouper[i].seed);
	return core_text_move(ctx, &text);
}

const char *core_bias_seed(fv_ctx *ctx, const core_run_facts *facts)
{
	return facts->has_bias_seed ? core_format(ctx, "%lld", (long long)facts->bias_seed) : "";
}
