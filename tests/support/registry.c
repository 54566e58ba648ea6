/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include <string.h>

#include <fairvox/fairvox.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define PARAM(kind, key, state, field, ...)                                                        \
	{                                                                                          \
		.size = sizeof(fv_param), .type = kind, .name = key,                               \
		.offset = offsetof(state, field), .doc = "for tests", __VA_ARGS__                  \
	}

static const fv_param waves_params[] = {
	PARAM(FV_INT, "depth", test_waves, depth, .min = 1, .max = 24, .def_paper = "12"),
	PARAM(FV_LIST, "layers", test_waves, layers, .min = 0, .max = 24, .def_paper = "[1, 2.5]"),
	PARAM(FV_PATH, "table", test_waves, table),
	PARAM(FV_CHOICE, "mode", test_waves, mode, .choices = "fast|exact|both",
		.def_paper = "exact", .def_official = "both"),
	PARAM(FV_REAL, "gain", test_waves, gain, .unit = "dB", .min = -20, .max = 20,
		.def_paper = "0.7"),
	PARAM(FV_BOOL, "mirror", test_waves, mirror, .def_paper = "false"),
};

static const fv_param spectra_params[] = {
	PARAM(FV_INT, "bands", test_clusters, k, .def_paper = "40"),
};

static const fv_param columns_params[] = {
	PARAM(FV_STRING, "column", test_columns, column),
};

static const fv_param clusters_params[] = {
	PARAM(FV_INT, "k", test_clusters, k, .min = 2, .max = 1e6, .def_paper = "8"),
	PARAM(FV_INT, "seed", test_clusters, seed, .def_paper = "42"),
};

static const fv_param worst_params[] = {
	PARAM(FV_CHOICE, "mode", test_worst, mode, .choices = "batch_max|eg",
		.def_paper = "batch_max", .def_official = "eg"),
	PARAM(FV_REAL, "lambda", test_worst, lambda, .min = 0, .max = 1000, .def_paper = "4"),
	PARAM(FV_LOSS_REF, "inner", test_worst, inner),
};

static const fv_preset worst_presets[] = {
	FV_PRESET("official", "train.clip", "none"),
	FV_PRESET("paper", "train.batch", "64"),
};

static uint32_t columns_uses(const void *state)
{
	(void)state;
	return FV_USE_COLUMN;
}

static uint32_t clusters_uses(const void *state)
{
	return ((const test_clusters *)state)->k > 0 ? FV_USE_FEATURES : FV_USE_CLASS;
}

static const fv_encoder_ops encoder_ops = {.size = sizeof encoder_ops};
static const fv_grouper_ops columns_ops = {.size = sizeof columns_ops, .uses = columns_uses};
static const fv_grouper_ops clusters_ops = {.size = sizeof clusters_ops, .uses = clusters_uses};
static const fv_loss_ops plain_ops = {.size = sizeof plain_ops};
static const fv_loss_ops group_ops = {.size = sizeof group_ops, .uses_groups = 1};

#define DESCRIPTOR(of_kind, of_name, state, table, its_ops)                                        \
	{                                                                                          \
		.size = sizeof(fv_descriptor), .abi = FV_ABI, .kind = of_kind, .name = of_name,    \
		.version = "1", .summary = "for tests", .source = "none", .licence = "Apache-2.0", \
		.state_size = sizeof(state), .params = table, .n_params = COUNT(table),            \
		.ops = &its_ops                                                                    \
	}

static const fv_descriptor waves =
	DESCRIPTOR(FV_ENCODER, "waves", test_waves, waves_params, encoder_ops);
static const fv_descriptor spectra =
	DESCRIPTOR(FV_ENCODER, "spectra", test_clusters, spectra_params, encoder_ops);
static const fv_descriptor columns =
	DESCRIPTOR(FV_GROUPER, "columns", test_columns, columns_params, columns_ops);
static const fv_descriptor clusters =
	DESCRIPTOR(FV_GROUPER, "clusters", test_clusters, clusters_params, clusters_ops);
static const fv_descriptor plain = {.size = sizeof plain,
	.abi = FV_ABI,
	.kind = FV_LOSS,
	.name = "plain",
	.state_size = 1,
	.ops = &plain_ops};
static const fv_descriptor balanced = {.size = sizeof balanced,
	.abi = FV_ABI,
	.kind = FV_LOSS,
	.name = "balanced",
	.state_size = 1,
	.ops = &group_ops};
static const fv_descriptor mild = {.size = sizeof mild,
	.abi = FV_ABI,
	.kind = FV_LOSS,
	.name = "mild",
	.state_size = sizeof(test_worst),
	.params = worst_params, /* without inner */
	.n_params = 2,
	.ops = &group_ops};

/* Delegates see the run's groups, or groups that the plugin makes. */
static const fv_stages_1 stages_open = {.size = sizeof stages_open};
static const fv_stages_1 stages_own = {.size = sizeof stages_own, .makes_groups = 1};

static const void *extension_open(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages_open;
}

static const void *extension_own(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages_own;
}

static const fv_param then_params[] = {
	PARAM(FV_LOSS_REF, "then", test_worst, inner, .def_paper = "mild"),
};

#define STAGED(of_name, its_extension)                                                             \
	{                                                                                          \
		.size = sizeof(fv_descriptor), .abi = FV_ABI, .kind = FV_LOSS, .name = of_name,    \
		.state_size = sizeof(test_worst), .params = then_params,                           \
		.n_params = COUNT(then_params), .ops = &plain_ops, .extension = its_extension      \
	}
static const fv_descriptor twice = STAGED("twice", extension_open);
static const fv_descriptor thrice = STAGED("thrice", extension_own);
static const fv_descriptor worst = {.size = sizeof worst,
	.abi = FV_ABI,
	.kind = FV_LOSS,
	.name = "worst",
	.state_size = sizeof(test_worst),
	.params = worst_params,
	.n_params = COUNT(worst_params),
	.presets = worst_presets,
	.n_presets = COUNT(worst_presets),
	.ops = &group_ops};

const core_registry *test_registry(void)
{
	static core_plugin plugin[] = {
		{.path = "/plugins/spectra.so", .descriptor = &spectra},
		{.path = "/plugins/waves.so", .descriptor = &waves},
		{.path = "/plugins/clusters.so", .descriptor = &clusters},
		{.path = "/plugins/columns.so", .descriptor = &columns},
		{.path = "/plugins/balanced.so", .descriptor = &balanced},
		{.path = "/plugins/mild.so", .descriptor = &mild},
		{.path = "/plugins/plain.so", .descriptor = &plain},
		{.path = "/plugins/thrice.so", .descriptor = &thrice},
		{.path = "/plugins/twice.so", .descriptor = &twice},
		{.path = "/plugins/worst.so", .descriptor = &worst},
	};
	static core_refused refused[] = {
		{"/plugins/broken.so", "built for ABI 7, this fairvox has ABI 2"}};
	static const char *folder[] = {"/plugins", "/more/plugins"};
	static const core_registry registry = {.n = COUNT(plugin),
		.n_refused = COUNT(refused),
		.plugin = plugin,
		.refused = refused,
		.folder = folder,
		.n_folders = COUNT(folder)};
	return &registry;
}
