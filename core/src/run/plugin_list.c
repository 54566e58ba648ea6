/* SPDX-License-Identifier: Apache-2.0 */
#include "run/plugin_list.h"

static void add_once(json_t *list, json_t *one)
{
	size_t i;
	json_t *other;
	bool known = false;
	json_array_foreach(list, i, other) known |= json_equal(one, other);
	if (!known)
		json_array_append(list, one);
	json_decref(one);
}

/* Adds the plugin of a block, and those that its parameters name. */
static void add_plugin(json_t *list, const char *block, const core_plugin_spec *use)
{
	add_once(list, json_pack("{s:s, s:s, s:s}", "block", block, "name",
			       use->plugin->descriptor->name, "sha256", use->plugin->sha256));
	for (int32_t i = 0; i < use->n_delegates; i++)
		add_plugin(list, block, &use->delegate[i].use);
}

static void add_variant(json_t *list, const core_variant *variant)
{
	add_plugin(list, "loss", &variant->loss);
	for (int32_t i = 0; i < variant->n_groupers; i++) {
		add_plugin(list, "grouper", &variant->groupers[i].use);
		if (variant->groupers[i].has_encoder)
			add_plugin(list, "grouper", &variant->groupers[i].encoder.use);
	}
	add_plugin(list, "encoder", &variant->encoder.use);
}

json_t *core_plugin_list(const core_config *config, const core_variant *variant)
{
	json_t *list = json_array();
	const core_tune *tune = variant->tune;
	for (int32_t i = 0; tune && i < tune->n_trials; i++)
		add_variant(list, &config->variants[tune->trial[i]]);
	if (!tune)
		add_variant(list, variant);
	return list;
}
