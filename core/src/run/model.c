/* SPDX-License-Identifier: Apache-2.0 */
#include "run/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>
#include <jansson.h>

#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "checkpoint/safetensors_write.h"
#include "config/config.h"
#include "config/yaml.h"
#include "plugin/descriptor.h"
#include "run/model_plan.h"
#include "run/params.h"

static const char *get_standardize_name(fv_standardize kind)
{
	static const char *const names[] = {"none", "train", "speaker"};
	return names[kind];
}

char *core_model_encoder_json(fv_ctx *ctx, const core_encoder *e)
{
	const core_encoder_spec *spec = e->spec;
	json_t *params;
	if (core_params_by_content(ctx, &spec->use, &params))
		return NULL;
	json_t *root = json_pack("{s:s, s:s, s:o, s:s?, s:s, s:i, s:f, s:s, s:f, s:f}", "name",
		e->name, "plugin_sha256", spec->use.plugin->sha256, "params", params,
		"weights_sha256", e->weights_sha256, "output", e->info.outputs[e->output].name,
		"layer", spec->layer, "max_seconds", spec->max_seconds, "normalize",
		core_normalize_name(spec->normalize), "mean", e->mean, "variance", e->variance);
	return core_json_text(ctx, root, JSON_COMPACT | JSON_SORT_KEYS);
}

static char *make_classes_json(fv_ctx *ctx, const core_model *model)
{
	json_t *list = json_array();
	for (int32_t i = 0; i < model->plan->shape.classes; i++)
		json_array_append_new(list, json_string(model->class_name[i]));
	return core_json_text(ctx, list, JSON_COMPACT);
}

fv_status core_model_write(fv_ctx *ctx, const char *path, const core_model *model)
{
	const core_plan *plan = model->plan;
	const core_scaling *s = &model->scaling;
	core_tensor_out *tensor = core_alloc(ctx, (size_t)plan->n_tensors + 2, sizeof *tensor);
	char *classes = make_classes_json(ctx, model), *networks = NULL;
	if (!tensor || !classes)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	size_t n = 0;
	for (; n < (size_t)plan->n_tensors; n++)
		tensor[n] = (core_tensor_out){.name = plan->tensor[n].name,
			.dtype = "F32",
			.rank = plan->tensor[n].rank,
			.shape = {plan->tensor[n].shape[0], plan->tensor[n].shape[1]},
			.data = model->params + plan->tensor[n].offset};
	if (s->mean) {
		tensor[n++] = (core_tensor_out){.name = "input.mean",
			.dtype = "F32",
			.rank = 2,
			.shape = {s->layers, s->dims},
			.data = s->mean};
		tensor[n++] = (core_tensor_out){.name = "input.scale",
			.dtype = "F32",
			.rank = 2,
			.shape = {s->layers, s->dims},
			.data = s->scale};
	}
	core_meta_out meta[7] = {{"classes", classes}, {"encoder", model->encoder_json},
		{"format", "fairvox-model/1"}, {"standardize", get_standardize_name(s->kind)}};
	size_t n_meta = 4;
	if (core_plan_is_special(plan)) {
		networks = core_plan_to_json(ctx, plan, model->fold, model->seed);
		if (!networks)
			return FV_FAILED;
		meta[n_meta++] = (core_meta_out){"networks", networks};
	} else if (plan->shape.n_hidden) {
		meta[n_meta++] =
			(core_meta_out){"activation", core_activation_name(plan->shape.activation)};
	}
	if (model->sigmoid)
		meta[n_meta++] = (core_meta_out){"probability", "sigmoid"};
	return core_safetensors_write(ctx, path, tensor, n, meta, n_meta);
}

static fv_status read_tensor(fv_ctx *ctx, const fv_checkpoint *file, const char *path,
	const char *name, int32_t rank, const int64_t *shape, float *out)
{
	const fv_tensor *tensor = fv_checkpoint_find(file, name);
	if (!tensor)
		return fv_fail(ctx, FV_DATA, "%s: no tensor '%s'", path, name);
	if (tensor->rank != rank || tensor->shape[0] != shape[0] ||
		(rank == 2 && tensor->shape[1] != shape[1]))
		return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is not of shape [%lld%s%.0lld]", path,
			name, (long long)shape[0], rank == 2 ? "," : "",
			rank == 2 ? (long long)shape[1] : 0LL);
	return fv_tensor_to_f32(ctx, tensor, out);
}

static bool is_known_tensor(const core_plan *plan, const char *name)
{
	bool known = !strcmp(name, "input.mean") || !strcmp(name, "input.scale");
	for (int32_t i = 0; i < plan->n_tensors && !known; i++)
		known = !strcmp(plan->tensor[i].name, name);
	return known;
}

/* Refuses tensors that the model does not have. */
static fv_status check_census(
	fv_ctx *ctx, const fv_checkpoint *file, const char *path, const core_plan *plan)
{
	fv_status status = FV_OK;
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++) {
		const char *name = fv_checkpoint_at(file, i)->name;
		if (!is_known_tensor(plan, name))
			status = fv_fail(ctx, FV_DATA,
				"%s: tensor '%s' is not part of this model: the file is of "
				"another head or objective",
				path, name);
	}
	return status;
}

static fv_status read_params(fv_ctx *ctx, const fv_checkpoint *file, const char *path,
	const core_plan *plan, float *params)
{
	fv_status first = FV_OK;
	for (int32_t i = 0; i < plan->n_tensors; i++) {
		const core_head_tensor *tensor = &plan->tensor[i];
		fv_status status = read_tensor(ctx, file, path, tensor->name, tensor->rank,
			tensor->shape, params + tensor->offset);
		first = first ? first : status;
	}
	return first ? first : check_census(ctx, file, path, plan);
}

fv_status core_model_read_params(
	fv_ctx *ctx, const char *path, const core_plan *plan, float *params)
{
	fv_checkpoint *file;
	fv_status status = fv_checkpoint_open(ctx, path, &file);
	if (status)
		return status;
	status = read_params(ctx, file, path, plan, params);
	fv_checkpoint_close(file);
	return status;
}

static fv_status read_classes(
	fv_ctx *ctx, const fv_checkpoint *file, const char *path, core_model *out, int32_t *classes)
{
	const char *text = fv_checkpoint_meta(file, "classes");
	json_t *list = text ? json_loads(text, 0, NULL) : NULL;
	size_t n = json_array_size(list);
	const char **names = core_alloc(ctx, n, sizeof *names);
	fv_status status = names ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < n && !status; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		names[i] = name ? core_strdup(ctx, name) : NULL;
		if (!names[i])
			status = fv_fail(ctx, FV_DATA,
				"%s: metadata 'classes' is not a list of names", path);
	}
	json_decref(list);
	if (!status && n < 2)
		status = fv_fail(ctx, FV_DATA,
			"%s: metadata 'classes' is missing: not a model that "
			"fairvox wrote",
			path);
	out->class_name = names;
	*classes = (int32_t)n;
	return status;
}

/* Finds the first linear layer's weight and the hidden layers -> sizes; false: they are not a head's. */
static bool find_layers(const fv_checkpoint *file, core_head_shape *shape)
{
	const fv_tensor *mix = fv_checkpoint_find(file, "layer_mix");
	const fv_tensor *first = fv_checkpoint_find(file, "projection.weight");
	const fv_tensor *weight[CORE_HEAD_HIDDEN + 1] = {first};
	char name[32] = "hidden.0.weight";
	for (; shape->n_hidden < CORE_HEAD_HIDDEN; shape->n_hidden++) {
		snprintf(name, sizeof name, "hidden.%d.weight", (int)shape->n_hidden);
		const fv_tensor *hidden = fv_checkpoint_find(file, name);
		if (!hidden)
			break;
		weight[1 + shape->n_hidden] = hidden;
		first = first ? first : hidden;
	}
	first = first ? first : fv_checkpoint_find(file, "output.weight");
	bool good = mix && mix->rank == 1 && mix->shape[0] >= 1 && mix->shape[0] <= 4096 && first;
	for (int32_t i = 0; i <= shape->n_hidden; i++)
		good = good && (!weight[i] || (weight[i]->rank == 2 && weight[i]->count >= 1 &&
						      weight[i]->count <= 1 << 28));
	if (!weight[0] && fv_checkpoint_find(file, "projection.bias"))
		return false;
	if (!good || first->rank != 2 || first->count < 1 || first->count > 1 << 28)
		return false;
	shape->layers = (int32_t)mix->shape[0];
	shape->dims = (int32_t)first->shape[1];
	shape->projection = weight[0] ? (int32_t)weight[0]->shape[0] : 0;
	for (int32_t i = 0; i < shape->n_hidden; i++)
		shape->hidden[i] = (int32_t)weight[1 + i]->shape[0];
	return true;
}

/* Makes the plan of a model without metadata 'networks': one head, whose sizes follow from its
 * tensors. */
static fv_status read_head(
	fv_ctx *ctx, const fv_checkpoint *file, const char *path, int32_t classes, core_plan **out)
{
	core_head_shape shape = {.classes = classes};
	if (!find_layers(file, &shape))
		return fv_fail(ctx, FV_DATA,
			"%s: no tensors layer_mix [L] and projection.weight [H,D], hidden.0.weight "
			"or output.weight",
			path);
	if (shape.n_hidden &&
		!core_activation_find(fv_checkpoint_meta(file, "activation"), &shape.activation))
		return fv_fail(ctx, FV_DATA,
			"%s: metadata 'activation' of the hidden layers is missing or unknown",
			path);
	return core_plan_head(ctx, &shape, out);
}

static fv_status read_plan(
	fv_ctx *ctx, const fv_checkpoint *file, const char *path, int32_t classes, core_model *out)
{
	const char *networks = fv_checkpoint_meta(file, "networks");
	core_plan *plan = NULL;
	fv_status status = networks ? core_plan_from_json(ctx, path, networks, classes, &plan,
					      &out->fold, &out->seed)
				    : read_head(ctx, file, path, classes, &plan);
	out->plan = plan;
	if (status)
		return status;
	float *params = core_alloc(ctx, (size_t)plan->count, sizeof *params);
	out->params = params;
	return params ? read_params(ctx, file, path, plan, params) : FV_FAILED;
}

static fv_status read_scaling(
	fv_ctx *ctx, const fv_checkpoint *file, const char *path, core_model *out)
{
	const char *kind = fv_checkpoint_meta(file, "standardize");
	core_scaling *s = &out->scaling;
	*s = (core_scaling){.layers = out->plan->shape.layers, .dims = out->plan->shape.dims};
	while (kind && s->kind <= FV_STANDARDIZE_SPEAKER &&
		strcmp(get_standardize_name(s->kind), kind))
		if (s->kind++ == FV_STANDARDIZE_SPEAKER)
			kind = NULL;
	if (!kind)
		return fv_fail(
			ctx, FV_DATA, "%s: metadata 'standardize' is missing or unknown", path);
	if (s->kind == FV_STANDARDIZE_SPEAKER)
		return FV_OK;
	int64_t shape[2] = {s->layers, s->dims};
	size_t width = (size_t)s->layers * (size_t)s->dims;
	s->mean = core_alloc(ctx, width, sizeof *s->mean);
	s->scale = core_alloc(ctx, width, sizeof *s->scale);
	if (!s->mean || !s->scale)
		return FV_FAILED;
	fv_status status = read_tensor(ctx, file, path, "input.mean", 2, shape, s->mean);
	return status ? status : read_tensor(ctx, file, path, "input.scale", 2, shape, s->scale);
}

static fv_status read_probability(
	fv_ctx *ctx, const fv_checkpoint *file, const char *path, core_model *out)
{
	const char *word = fv_checkpoint_meta(file, "probability");
	out->sigmoid = word && !strcmp(word, "sigmoid");
	if (!word || out->sigmoid)
		return FV_OK;
	return fv_fail(ctx, FV_DATA, "%s: metadata 'probability' is '%s', not sigmoid", path, word);
}

fv_status core_model_read(fv_ctx *ctx, const char *path, core_model *out)
{
	fv_checkpoint *file;
	fv_status status = fv_checkpoint_open(ctx, path, &file);
	if (status)
		return status;
	*out = (core_model){0};
	int32_t classes;
	status = read_classes(ctx, file, path, out, &classes);
	if (!status)
		status = read_plan(ctx, file, path, classes, out);
	if (!status)
		status = read_scaling(ctx, file, path, out);
	if (!status)
		status = read_probability(ctx, file, path, out);
	const char *encoder = fv_checkpoint_meta(file, "encoder");
	if (!status && !encoder)
		status = fv_fail(ctx, FV_DATA, "%s: metadata 'encoder' is missing", path);
	if (!status && !(out->encoder_json = core_strdup(ctx, encoder)))
		status = FV_FAILED;
	fv_checkpoint_close(file);
	return status;
}

#define PARAMS_MAX 256

static bool is_corpus_normalized(const json_t *root)
{
	const char *kind = json_string_value(json_object_get(root, "normalize"));
	return kind && !strcmp(kind, core_normalize_name(CORE_NORMALIZE_CORPUS));
}

/* Returns the block `encoder` of the configuration beside a model, which has the file names that
 * the model lacks, or NULL. */
static const core_yaml *find_encoder_block(fv_ctx *ctx, const char *model)
{
	const char *dir = core_path_dir(ctx, model);
	const char *path = dir ? core_path_join(ctx, dir, "config.yaml") : NULL;
	core_yaml *root;
	if (!path || !core_file_exists(path))
		return NULL;
	if (core_yaml_read(ctx, path, &root)) {
		core_error_clear(ctx);
		return NULL;
	}
	return core_yaml_get(root, "encoder");
}

static bool is_path_param(const core_registry *registry, const char *encoder, const char *key)
{
	const core_plugin *plugin = core_registry_find(registry, FV_ENCODER, encoder);
	const fv_param *param = plugin ? core_param_find(plugin->descriptor, key) : NULL;
	return param && param->type == FV_PATH;
}

/* Writes the parameters as "key=value" flags, with file names from the block beside the model. */
static size_t list_flags(fv_ctx *ctx, const core_registry *registry, const json_t *root,
	const core_yaml *beside, char **flag)
{
	size_t n = 0;
	const char *key, *encoder = json_string_value(json_object_get(root, "name"));
	json_t *value, *params = json_object_get(root, "params");
	json_object_foreach(params, key, value)
	{
		if (json_is_null(value) || n == PARAMS_MAX - 4)
			continue;
		const core_yaml *file = core_yaml_get(beside, key);
		json_t *own = file && is_path_param(registry, encoder, key)
				      ? json_string(file->text)
				      : json_incref(value);
		char *text = json_dumps(own, JSON_ENCODE_ANY | JSON_COMPACT);
		flag[n++] = core_format(ctx, "%s=%s", key, text ? text : "");
		free(text);
		json_decref(own);
	}
	int layer = (int)json_integer_value(json_object_get(root, "layer"));
	if (layer >= 0)
		flag[n++] = core_format(ctx, "layer=%d", layer);
	flag[n++] = core_format(
		ctx, "max_seconds=%.17g", json_number_value(json_object_get(root, "max_seconds")));
	if (!is_corpus_normalized(root))
		flag[n++] = core_format(
			ctx, "normalize=%s", json_string_value(json_object_get(root, "normalize")));
	return n;
}

static fv_status check_encoder(fv_ctx *ctx, const json_t *root, const core_encoder *e,
	const core_head_shape *shape, const char *path)
{
	int32_t layers = e->spec->layer >= 0 ? 1 : e->layers;
	if (shape->layers != layers || shape->dims != e->dims)
		return fv_fail(ctx, FV_DATA,
			"%s: the model reads features [%d,%d], encoder %s gives "
			"[%d,%d]",
			path, shape->layers, shape->dims, e->name, layers, e->dims);
	const char *plugin = json_string_value(json_object_get(root, "plugin_sha256"));
	const char *weights = json_string_value(json_object_get(root, "weights_sha256"));
	if (weights && (!e->weights_sha256 || strcmp(weights, e->weights_sha256)))
		return fv_fail(ctx, FV_DATA,
			"%s: the weights of encoder %s are not those of the "
			"training (sha256 %s)",
			path, e->name, weights);
	if (plugin && strcmp(plugin, e->spec->use.plugin->sha256))
		core_log(ctx, CORE_WARNING,
			"%s: encoder %s is another build than in the "
			"training: its numbers may differ",
			path, e->name);
	return FV_OK;
}

/* Opens the encoder with the moments of the training waves and checks that its features fit the
 * model. */
static fv_status open_as_trained(fv_ctx *ctx, const json_t *root, core_encoder_spec *spec,
	core_device_choice *device, const core_head_shape *shape, const char *path,
	core_encoder **out)
{
	if (is_corpus_normalized(root))
		spec->normalize = CORE_NORMALIZE_CORPUS;
	fv_status status = core_encoder_open(ctx, spec, device, out);
	if (status)
		return status;
	if (spec->normalize == CORE_NORMALIZE_CORPUS)
		status = core_encoder_set_corpus(ctx, *out,
			json_number_value(json_object_get(root, "mean")),
			json_number_value(json_object_get(root, "variance")));
	if (!status)
		status = check_encoder(ctx, root, *out, shape, path);
	if (status)
		core_encoder_close(*out);
	return status;
}

/* Finds the weights: those given, otherwise those of the block beside the model. NULL: unknown. */
static fv_status find_weights(fv_ctx *ctx, const json_t *root, const core_yaml *beside,
	const char *path, const char **weights)
{
	const core_yaml *named = core_yaml_get(beside, "weights");
	if (!json_is_string(json_object_get(root, "weights_sha256"))) {
		*weights = NULL;
		return FV_OK;
	}
	if (!*weights && named)
		*weights = named->text;
	if (!*weights || core_file_exists(*weights))
		return FV_OK;
	return fv_fail(ctx, FV_DATA,
		"%s: the weights of encoder %s are not at %s: name them by --weights", path,
		json_string_value(json_object_get(root, "name")), *weights);
}

fv_status core_model_open_encoder(fv_ctx *ctx, const core_registry *registry,
	const core_model *model, const char *path, const char *weights, core_device_choice *device,
	core_encoder **out)
{
	const core_yaml *beside = find_encoder_block(ctx, path);
	json_t *root = json_loads(model->encoder_json, 0, NULL);
	const char *name = json_string_value(json_object_get(root, "name"));
	const char *output = json_string_value(json_object_get(root, "output"));
	char **flag = core_alloc(ctx, PARAMS_MAX, sizeof *flag);
	core_encoder_spec *spec = core_alloc(ctx, 1, sizeof *spec);
	if (!name || !flag || !spec) {
		json_decref(root);
		return fv_fail(ctx, FV_DATA, "%s: metadata 'encoder' cannot be read", path);
	}
	size_t n = list_flags(ctx, registry, root, beside, flag);
	output = output ? core_strdup(ctx, output) : NULL; /* the spec keeps it */
	fv_status status = find_weights(ctx, root, beside, path, &weights);
	if (!status)
		status = core_encoder_from_flags(
			ctx, registry, name, weights, output, flag, n, spec);
	spec->block = NULL; /* its values come from the model, not from options */
	if (!status)
		status = open_as_trained(ctx, root, spec, device, &model->plan->shape, path, out);
	json_decref(root);
	return status;
}
