/* SPDX-License-Identifier: Apache-2.0 */
#include "run/encoder_private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "backend/device.h"
#include "base/fence.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/numerics.h"
#include "base/utf8.h"
#include "checkpoint/split.h"
#include "plugin/call.h"
#include "plugin/descriptor.h"
#include "plugin/lists.h"
#include "run/params.h"

const char *core_normalize_name(core_normalize normalize)
{
	static const char *const names[] = {"none", "utterance", "corpus"};
	return names[normalize];
}

/* Sets the key: the SHA-256 of everything that the features depend on, as canonical JSON. */
static fv_status make_key(fv_ctx *ctx, core_encoder *e)
{
	const core_encoder_spec *spec = e->spec;
	json_t *params;
	fv_status status = core_params_by_content(ctx, &spec->use, &params);
	if (status)
		return status;
	json_t *key = json_pack("{s:s, s:s, s:i, s:o, s:s?, s:s, s:f, s:s}", "encoder", e->name,
		"plugin", spec->use.plugin->sha256, "numerics", CORE_NUMERICS, "params", params,
		"weights", e->weights_sha256, "output", e->info.outputs[e->output].name,
		"max_seconds", spec->max_seconds, "normalize",
		core_normalize_name(spec->normalize));
	if (key && e->info.identity)
		json_object_set_new(key, "identity", json_string(e->info.identity));
	if (key && e->device)
		json_object_set_new(key, "device", json_string(e->device->numerics));
	if (key && spec->normalize == CORE_NORMALIZE_CORPUS) {
		json_object_set_new(key, "mean", json_real(e->mean));
		json_object_set_new(key, "variance", json_real(e->variance));
	}
	const char *text =
		core_json_text(ctx, key, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
	if (!text)
		return FV_FAILED;
	core_sha256_bytes(text, strlen(text), e->key);
	return FV_OK;
}

/* Checks what info() says of an output. */
static fv_status check_output(fv_ctx *ctx, const core_encoder *e, int32_t index)
{
	const fv_output *o = &e->info.outputs[index];
	if (!o->name || !*o->name)
		return fv_fail(ctx, FV_FAILED, "output %d has no name", index);
	if (o->layers < 1 || o->dims < 1)
		return fv_fail(ctx, FV_FAILED, "output '%s' has shape [%d,%d]", o->name, o->layers,
			o->dims);
	if (o->has_frames && !e->ops->frames)
		return fv_fail(ctx, FV_FAILED, "output '%s' has frames, but there is no op frames",
			o->name);
	for (int32_t i = 0; i < index; i++)
		if (!strcmp(e->info.outputs[i].name, o->name))
			return fv_fail(ctx, FV_FAILED, "two outputs are called '%s'", o->name);
	return FV_OK;
}

/* Checks the rest of what info() says. */
static fv_status check_info(fv_ctx *ctx, const core_encoder *e)
{
	const fv_encoder_info *info = &e->info;
	if (info->by_name ? !e->ops->lookup : !e->ops->encode && !e->ops->batch)
		return fv_fail(ctx, FV_FAILED, "info() gives by_name %d, but there is no op %s",
			info->by_name, info->by_name ? "lookup" : "encode");
	if (!info->by_name && (info->rate_hz < 1 || info->min_samples < 1))
		return fv_fail(ctx, FV_FAILED,
			"info() gives %d Hz and at least %d samples: both must be positive",
			info->rate_hz, info->min_samples);
	return FV_OK;
}

static fv_status check_outputs(fv_ctx *ctx, const core_encoder *e)
{
	fv_status status = FV_OK;
	if (e->info.n_outputs < 1 || !e->info.outputs)
		return fv_fail(ctx, FV_FAILED, "has no outputs");
	for (int32_t i = 0; i < e->info.n_outputs && !status; i++)
		status = check_output(ctx, e, i);
	return status;
}

/* Finds the output that the configuration names. */
static fv_status find_output(fv_ctx *ctx, core_encoder *e)
{
	const fv_encoder_info *info = &e->info;
	const char *wanted = e->spec->output;
	const char **names = core_alloc(ctx, (size_t)info->n_outputs, sizeof *names);
	if (!names)
		return FV_FAILED;
	for (int32_t i = 0; i < info->n_outputs; i++) {
		names[i] = info->outputs[i].name;
		if (!wanted || !strcmp(wanted, names[i])) {
			e->output = i;
			e->layers = info->outputs[i].layers;
			e->dims = info->outputs[i].dims;
			return FV_OK;
		}
	}
	const char *hint = core_suggest_name(ctx, wanted, names, (size_t)info->n_outputs);
	core_key_ref at = {e->spec->block, "output", NULL};
	return *hint ? core_fail_key(ctx, FV_CONFIG, at, "encoder %s has no output '%s'%s", e->name,
			       wanted, hint)
		     : core_fail_key(ctx, FV_CONFIG, at,
			       "encoder %s has no output '%s': its first is '%s'", e->name, wanted,
			       names[0]);
}

/* Finds the weights file. In a folder it is the first file with one of the names Hugging Face
 * uses. */
static fv_status find_weights(fv_ctx *ctx, core_key_ref at, const char *given, const char **out)
{
	static const char *const names[] = {"model.safetensors", "pytorch_model.bin",
		"model.safetensors.index.json", "pytorch_model.bin.index.json"};
	struct stat st;
	*out = given;
	if (stat(given, &st))
		return core_fail_key(ctx, FV_DATA, at,
			"%s: %s: 'fairvox fetch --list' shows what can be fetched", given,
			strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return FV_OK;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		*out = core_format(ctx, "%s/%s", given, names[i]);
		if (!*out)
			return FV_FAILED;
		if (!stat(*out, &st))
			return FV_OK;
	}
	return core_fail_key(ctx, FV_DATA, at,
		"%s: the folder has neither %s nor %s: name the weights file", given, names[0],
		names[1]);
}

static fv_status hash_weights(fv_ctx *ctx, core_encoder *e)
{
	const char *given = e->spec->weights;
	const core_key_ref at = {e->spec->block, "weights", NULL};
	if (!given)
		return FV_OK;
	if (!core_is_utf8(given)) /* models store the name in JSON */
		return core_fail_key(ctx, FV_CONFIG, at, "%s: the name is not UTF-8", given);
	fv_status status = find_weights(ctx, at, given, &e->weights);
	char *hex = core_alloc(ctx, CORE_SHA256_HEX, 1);
	if (!status)
		status = hex ? core_weights_sha256(ctx, e->weights, hex) : FV_FAILED;
	e->weights_sha256 = hex;
	return status;
}

/* Asks the op info, and finds the output that is used. */
static fv_status read_info(fv_ctx *ctx, core_encoder *e)
{
	core_guard guard;
	e->info.size = sizeof e->info;
	core_encoder_enter_op(&guard, ctx, e, "info");
	fv_status status = e->ops->info(e->state, ctx, &e->info);
	if (!status)
		status = core_outputs_copy(ctx, &e->info);
	if (!status)
		status = check_info(ctx, e);
	if (!status)
		status = check_outputs(ctx, e);
	status = core_guard_leave(&guard, status);
	return status ? status : find_output(ctx, e);
}

/* Puts the place of the key `weights` in front of what the op open says of that file, unless it says several things
 * of it, which are counted. */
static fv_status place_failure(fv_ctx *ctx, const core_encoder *e, fv_status status)
{
	core_place place = core_key_place((core_key_ref){e->spec->block, "weights", NULL});
	const char *line = core_error_line(ctx, 0);
	if (!place.file || !line || !strstr(line, e->weights) ||
		core_error_count(ctx) != core_error_lines(ctx))
		return status;
	return core_reason_report(
		ctx, core_place_text(ctx, place), core_error_take(ctx, ctx, status));
}

static fv_status open_state(fv_ctx *ctx, core_encoder *e)
{
	const core_encoder_spec *spec = e->spec;
	const fv_descriptor *d = spec->use.plugin->descriptor;
	e->state = core_alloc(ctx, 1, d->state_size);
	if (!e->state)
		return FV_FAILED;
	memcpy(e->state, spec->use.state, d->state_size);
	const bool alone = core_error_count(ctx) == 0;
	core_guard guard;
	core_encoder_enter_op(&guard, ctx, e, "open");
	fv_status status = core_guard_leave(&guard, e->ops->open(e->state, ctx, e->weights));
	if (status == FV_FAILED && alone && core_error_count(ctx))
		status = core_error_status(ctx); /* fv_linear_open and others return no status */
	if (status && alone && e->weights)
		status = place_failure(ctx, e, status);
	core_scratch_reset(ctx);
	if (!status)
		status = read_info(ctx, e);
	size_t count = (size_t)e->layers * (size_t)e->dims;
	if (!status && !(e->out = core_fence_open(ctx, "out", count * sizeof(float))))
		status = FV_FAILED;
	if (status)
		core_encoder_close(e);
	return status;
}

/* Opens the encoder for a device, which another process opens: here it is only looked at. Encoders that cannot
 * compute there are opened on the CPU. */
static fv_status open_for_device(fv_ctx *ctx, core_encoder *e, core_device_choice *device)
{
	if (!device || !device->numerics || (!e->ops->batch && e->ops->lookup))
		return open_state(ctx, e);
	if (!e->ops->batch) {
		core_device_tell_cpu(ctx, device, e->name);
		return open_state(ctx, e);
	}
	core_ctx_set_device(ctx, core_device_blank());
	fv_status status = open_state(ctx, e);
	core_ctx_set_device(ctx, NULL);
	if (!status && e->info.by_name) {
		core_encoder_close(e);
		return open_state(ctx, e);
	}
	e->device = device;
	return status;
}

fv_status core_encoder_open(
	fv_ctx *ctx, const core_encoder_spec *spec, core_device_choice *device, core_encoder **out)
{
	core_encoder *e = core_alloc(ctx, 1, sizeof *e);
	if (!e)
		return FV_FAILED;
	*e = (core_encoder){.spec = spec,
		.name = spec->use.plugin->descriptor->name,
		.ops = spec->use.plugin->descriptor->ops,
		.variance = 1};
	fv_status status = hash_weights(ctx, e);
	if (!status)
		status = open_for_device(ctx, e, device);
	if (status)
		return status;
	if (spec->layer >= e->layers)
		status = core_fail_at(ctx, FV_CONFIG,
			spec->use.place.file ? spec->use.place.file : "-", spec->use.place.line,
			spec->use.place.column, "layer %d of %s: it has layers 0 to %d",
			spec->layer, e->name, e->layers - 1);
	if (!status)
		status = make_key(ctx, e);
	if (status)
		core_encoder_close(e);
	else
		*out = e;
	return status;
}

fv_status core_encoder_open_again(fv_ctx *ctx, const core_encoder *encoder, core_encoder **out)
{
	core_encoder *e = core_alloc(ctx, 1, sizeof *e);
	if (!e)
		return FV_FAILED;
	*e = *encoder;
	e->state = NULL;
	e->out = NULL;
	e->device = NULL; /* this one has constants */
	fv_status status = open_state(ctx, e);
	*out = status ? NULL : e;
	return status;
}

void core_encoder_close(core_encoder *e)
{
	if (!e || !e->state)
		return;
	if (e->ops->close) {
		core_call_enter(FV_ENCODER, e->name, "close", 0, false);
		e->ops->close(e->state);
		core_call_leave(false);
	}
	core_fence_close(e->out);
	e->out = NULL;
}

fv_status core_encoder_set_corpus(fv_ctx *ctx, core_encoder *e, double mean, double variance)
{
	e->mean = mean;
	e->variance = variance;
	return make_key(ctx, e);
}
