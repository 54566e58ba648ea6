/* SPDX-License-Identifier: Apache-2.0 */
/* env.json: program, libraries, processor, plugins and fingerprint of a run. */
#include "run/output.h"

#include <string.h>

#include <cblas.h>
#include <jansson.h>
#include <sndfile.h>
#include <soxr.h>
#include <yaml.h>

#include <fairvox/grouper.h>
#include <fairvox/loss.h>

#include "backend/kernels.h"
#include "base/json.h"
#include "base/numerics.h"
#include "config/delegates.h"
#include "config/select_rule.h"
#include "eval/baselines.h"
#include "run/fingerprint.h"
#include "run/params.h"
#include "run/plugin_list.h"
#include "run/selection.h"
#include "run/training_device.h"

/* Reads the processor's name from the system; "" if the system does not report one. */
static void read_processor_name(char *out, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[512];
	out[0] = '\0';
	while (file && fgets(line, sizeof line, file)) {
		char *colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) || !colon)
			continue;
		colon[strcspn(colon, "\n")] = '\0';
		snprintf(out, size, "%s", colon + 2);
		break;
	}
	if (file)
		fclose(file);
}

/* A plugin with its resolved parameters; files are represented by their SHA-256. */
static json_t *make_plugin_json(fv_ctx *ctx, const core_plugin_spec *use)
{
	json_t *params;
	if (core_params_by_content(ctx, use, &params))
		return NULL;
	return json_pack("{s:s, s:o}", "name", use->plugin->descriptor->name, "params", params);
}

static json_t *make_grouper_json(fv_ctx *ctx, const core_grouper_spec *spec)
{
	json_t *one = make_plugin_json(ctx, &spec->use);
	if (spec->column)
		json_object_set_new(one, "column", json_string(spec->column));
	if (spec->has_seed)
		json_object_set_new(one, "seed", json_integer((json_int_t)spec->seed));
	if (spec->has_encoder)
		json_object_set_new(one, "encoder", make_plugin_json(ctx, &spec->encoder.use));
	return one;
}

static const fv_loss_ops *loss_ops(const core_variant *variant)
{
	return variant->loss.plugin->descriptor->ops;
}

/* Neither groups nor state nor parameters: training as it is without any debiasing. */
static bool is_plain(const core_variant *variant)
{
	const fv_descriptor *d = variant->loss.plugin->descriptor;
	const fv_loss_ops *ops = loss_ops(variant);
	return !ops->uses_groups && !d->state_size && !d->n_params && !d->extension && !ops->open &&
	       !ops->subsample && !ops->order && !ops->mix;
}

/* Did the objective see an attribute as it truly is? */
static bool uses_group_labels(const core_variant *variant)
{
	bool column = false;
	for (int32_t i = 0; i < variant->n_groupers; i++)
		column |= (variant->groupers[i].uses & FV_USE_COLUMN) != 0;
	return core_loss_uses_groups(&variant->loss) && column;
}

static json_t *make_bias_json(const core_bias_spec *bias)
{
	if (!bias->on)
		return json_null();
	return json_pack("{s:s, s:f, s:o}", "attribute", bias->attribute, "minority_ratio",
		bias->minority_ratio, "seed",
		bias->has_seed ? json_integer((json_int_t)bias->seed) : json_null());
}

/* How the model was chosen: rule, split, groups, and the number of epochs. */
static json_t *make_selection_json(const core_run_data *r)
{
	const core_train_spec *train = &r->variant->train;
	const core_select_rule *rule = core_select_rule_find(train->select);
	json_t *root = json_pack("{s:s, s:s, s:i, s:b}", "rule", rule->name, "split",
		core_split_name(rule->on_test ? CORE_TEST : CORE_DEV), "epochs",
		r->result.candidates, "uses_group_labels", core_selection_uses_labels(r->variant));
	if (!root || !core_select_uses_groups(rule))
		return root;
	json_object_set_new(root, "groups", json_string(train->select_groups));
	json_object_set_new(root, "support", json_integer(train->select_support));
	if (rule->kind == CORE_SELECT_TPR_GAP)
		json_object_set_new(root, "f1_floor", json_real(train->select_f1_floor));
	return root;
}

/* The first digits of a hash, as folder names show them. */
static json_t *make_short_hash(const char *sha256)
{
	return json_stringn(sha256, 8);
}

static json_t *make_variant_json(fv_ctx *ctx, const core_run_data *r, json_t *eval)
{
	const core_variant *variant = r->variant;
	const core_identity *identity = &r->study->identity[r->run->variant];
	json_t *names = json_array(), *groupers = json_array();
	json_t *compare = json_incref(json_object_get(eval, "compare"));
	for (int32_t i = 0; i < variant->n_groupers; i++) {
		const core_grouper_spec *spec = &variant->groupers[i];
		json_array_append_new(names, json_string(spec->use.plugin->descriptor->name));
		json_array_append_new(groupers, make_grouper_json(ctx, spec));
	}
	json_t *root = json_pack("{s:s, s:o, s:o, s:o, s:i, s:s, s:s, s:s, s:o, s:o}", "slug",
		variant->slug, "hash", make_short_hash(identity->sha256), "family",
		make_short_hash(identity->family), "settings", make_short_hash(identity->settings),
		"index", r->run->variant, "loss", variant->loss.plugin->descriptor->name, "encoder",
		variant->encoder.use.plugin->descriptor->name, "profile", variant->profile,
		"groupers", names, "axes", json_loads(variant->axes_json, 0, NULL));
	json_t *more = json_pack("{s:o, s:o, s:o, s:b, s:b, s:b, s:s, s:o, s:o, s:o}", "objective",
		make_plugin_json(ctx, &variant->loss), "grouping", groupers, "plugins",
		core_plugin_list(r->study->config, variant), "plain", is_plain(variant),
		"uses_groups", core_loss_uses_groups(&variant->loss), "uses_group_labels",
		uses_group_labels(variant), "select", variant->train.select, "selection",
		make_selection_json(r), "bias", make_bias_json(&variant->bias), "compare", compare);
	if (root && more)
		json_object_update(root, more);
	json_decref(more);
	return root;
}

/* Returns the class with the most positive training rows. */
static const char *find_majority_class(const core_run_data *r)
{
	core_eval_set train = {.n = r->train.n, .C = r->train.classes, .label = r->train.label};
	return r->corpus->class_name[core_majority_class(&train)];
}

static json_t *make_rows_json(const core_run_data *r)
{
	json_t *rows = json_pack("{s:i, s:i, s:i, s:i}", "train", r->rows.n[CORE_TRAIN],
		"subsample", r->result.subsample, "dev", r->rows.n[CORE_DEV], "test",
		r->rows.n[CORE_TEST]);
	json_t *tests = json_object();
	for (int32_t k = 0; k < r->rows.n_sets; k++)
		json_object_set_new(
			tests, r->corpus->set_name[k], json_integer(r->rows.n[CORE_SPLITS + k]));
	if (r->rows.n_sets)
		json_object_set(rows, "tests", tests);
	json_decref(tests);
	return rows;
}

/* The device that encoded for the run. */
static const char *find_device(const core_run_data *r)
{
	const core_encoding *encoding = r->study->encoding;
	const core_device_choice *device = encoding[r->run->encoding].encoder->device;
	for (int32_t i = 0; i < r->variant->n_groupers && !device; i++)
		if (r->run->group_encoding[i] >= 0)
			device = encoding[r->run->group_encoding[i]].encoder->device;
	return device ? device->numerics : "cpu";
}

/* The device that the model was trained on; NULL: the CPU. */
static const char *find_trainer(const core_run_data *r)
{
	return core_run_trains_on_device(r->study, r->run) ? r->study->device->numerics : NULL;
}

static json_t *make_host_json(const core_run_data *r)
{
	char cpu[256];
	const core_device_choice *choice = r->study->device;
	const core_device_asked asked = choice ? choice->asked : CORE_DEVICE_CPU;
	read_processor_name(cpu, sizeof cpu);
	return json_pack("{s:s, s:s, s:s*, s:s?, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
		"device_asked", core_device_asked_name(asked), "device", find_device(r),
		"trained_on", find_trainer(r), "device_refused", choice ? choice->why : NULL,
		"processor", cpu, "kernels", core_kernels_used()->name, "blas",
		openblas_get_config(), "blas_kernel", openblas_get_corename(), "sndfile",
		sf_version_string(), "soxr", soxr_version(), "yaml", yaml_get_version_string());
}

fv_status core_output_format_env(fv_ctx *ctx, const core_run_data *r, char **out)
{
	const core_fold *fold = &r->study->fold[r->run->fold];
	json_t *fingerprint = json_loads(r->run->fingerprint, 0, NULL);
	json_t *eval = json_loads(r->run->evaluation->json, 0, NULL);
	json_t *root = json_pack(
		"{s:i, s:s, s:i, s:i, s:o, s:o, s:I, s:I, s:b, s:b, s:b, s:b, s:s, s:o, s:o, s:o}",
		"schema_version", CORE_RESULTS_SCHEMA, "fairvox", FAIRVOX_VERSION, "abi",
		(int)FV_ABI, "numerics", CORE_NUMERICS, "variant", make_variant_json(ctx, r, eval),
		"eval", eval, "fold", (json_int_t)fold->fold, "seed", (json_int_t)r->run->seed,
		"synthetic", r->study->set[fold->set].synthetic, "transductive", r->transductive,
		"shared_speakers", r->variant->corpus.shared_speakers, "no_speakers",
		r->variant->corpus.speaker != NULL, "majority_class", find_majority_class(r),
		"rows", make_rows_json(r), "host", make_host_json(r), "fingerprint",
		fingerprint ? fingerprint : json_null());
	const char *text = core_json_text(ctx, root, JSON_INDENT(1));
	*out = text ? core_format(ctx, "%s\n", text) : NULL;
	return *out ? FV_OK : FV_FAILED;
}
