/* SPDX-License-Identifier: Apache-2.0 */
#include "run/encoder.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>
#include <xxhash.h>

#include "base/json.h"
#include "base/nearest.h"
#include "base/numerics.h"
#include "base/utf8.h"
#include "checkpoint/split.h"
#include "corpus/audio.h"
#include "nn/encode.h"
#include "plugin/call.h"
#include "plugin/descriptor.h"
#include "plugin/fence.h"
#include "plugin/guard.h"
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
	for (int32_t d = 0; o->columns && d < o->dims; d++)
		if (!o->columns[d] || !*o->columns[d])
			return fv_fail(
				ctx, FV_FAILED, "column %d of output '%s' has no name", d, o->name);
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

static fv_status find_output(fv_ctx *ctx, core_encoder *e)
{
	const fv_encoder_info *info = &e->info;
	const char *wanted = e->spec->output;
	if (info->n_outputs < 1 || !info->outputs)
		return fv_fail(ctx, FV_FAILED, "has no outputs");
	for (int32_t i = 0; i < info->n_outputs; i++) {
		fv_status status = check_output(ctx, e, i);
		if (status)
			return status;
	}
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
	return *hint ? fv_fail(ctx, FV_CONFIG, "has no output '%s'%s", wanted, hint)
		     : fv_fail(ctx, FV_CONFIG, "has no output '%s': its first is '%s'", wanted,
			       names[0]);
}

/* Finds the weights file. In a folder it is the first file with one of the names Hugging Face
 * uses. */
static fv_status find_weights(fv_ctx *ctx, const char *given, const char **out)
{
	static const char *const names[] = {"model.safetensors", "pytorch_model.bin",
		"model.safetensors.index.json", "pytorch_model.bin.index.json"};
	struct stat st;
	*out = given;
	if (stat(given, &st))
		return fv_fail(ctx, FV_DATA,
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
	return fv_fail(ctx, FV_DATA, "%s: the folder has neither %s nor %s: name the weights file",
		given, names[0], names[1]);
}

static fv_status hash_weights(fv_ctx *ctx, core_encoder *e, const char **path)
{
	const char *given = e->spec->weights;
	if (!core_is_utf8(given)) /* models store the name in JSON */
		return fv_fail(ctx, FV_CONFIG, "%s: the name is not UTF-8", given);
	fv_status status = find_weights(ctx, given, path);
	char *hex = core_alloc(ctx, CORE_SHA256_HEX, 1);
	if (!status)
		status = hex ? core_weights_sha256(ctx, *path, hex) : FV_FAILED;
	e->weights_sha256 = hex;
	return status;
}

/* Begins a call of an op. Processes share the encoder, so each call has its own guard. */
static void enter_op(core_guard *guard, fv_ctx *ctx, const core_encoder *e, const char *op)
{
	core_guard_open(guard, ctx, FV_ENCODER, e->name);
	core_guard_enter(guard, op, 0, false);
}

/* Asks the op info, and finds the output that is used. */
static fv_status read_info(fv_ctx *ctx, core_encoder *e)
{
	core_guard guard;
	e->info.size = sizeof e->info;
	enter_op(&guard, ctx, e, "info");
	fv_status status = e->ops->info(e->state, ctx, &e->info);
	if (!status)
		status = core_outputs_copy(ctx, &e->info);
	if (!status)
		status = check_info(ctx, e);
	if (!status)
		status = find_output(ctx, e);
	return core_guard_leave(&guard, status);
}

static fv_status open_state(fv_ctx *ctx, core_encoder *e)
{
	const core_encoder_spec *spec = e->spec;
	const fv_descriptor *d = spec->use.plugin->descriptor;
	e->state = core_alloc(ctx, 1, d->state_size);
	if (!e->state)
		return FV_FAILED;
	memcpy(e->state, spec->use.state, d->state_size);
	e->ops = d->ops;
	const char *weights = NULL;
	if (spec->weights) {
		fv_status status = hash_weights(ctx, e, &weights);
		if (status)
			return status;
	}
	core_guard guard;
	enter_op(&guard, ctx, e, "open");
	fv_status status = core_guard_leave(&guard, e->ops->open(e->state, ctx, weights));
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

fv_status core_encoder_open(fv_ctx *ctx, const core_encoder_spec *spec, core_encoder **out)
{
	core_encoder *e = core_alloc(ctx, 1, sizeof *e);
	if (!e)
		return FV_FAILED;
	*e = (core_encoder){
		.spec = spec, .name = spec->use.plugin->descriptor->name, .variance = 1};
	fv_status status = open_state(ctx, e);
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

/* Checks the wave's length and normalises it as the spec says. */
static fv_status prepare_wave(fv_ctx *ctx, const core_encoder *e, const char *path, core_wave *wave)
{
	if (wave->n < e->info.min_samples)
		return fv_fail(ctx, FV_DATA, "%s: %lld samples at %d Hz, encoder %s needs %d", path,
			(long long)wave->n, e->info.rate_hz, e->name, e->info.min_samples);
	if (e->spec->normalize == CORE_NORMALIZE_CORPUS)
		core_wave_standardize(wave->sample, wave->n, e->mean, e->variance);
	if (e->spec->normalize == CORE_NORMALIZE_UTTERANCE) {
		core_moments m = core_wave_moments(wave->sample, wave->n);
		core_wave_standardize(wave->sample, wave->n, m.mean, m.m2 / (double)m.n);
	}
	return FV_OK;
}

static uint64_t hash_state(const core_encoder *e)
{
	return XXH3_64bits(e->state, e->spec->use.plugin->descriptor->state_size);
}

static fv_status check_finite(
	fv_ctx *ctx, const core_encoder *e, const char *what, const float *x, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		if (!isfinite(x[i]))
			return fv_fail(ctx, FV_FAILED,
				"%s: encoder %s gave a number that is not finite"
				" (output %s, element %lld)",
				what, e->name, e->info.outputs[e->output].name, (long long)i);
	return FV_OK;
}

/* Ends a call of an op that wrote `count` numbers to `theirs`, which was NAN before, and copies them
 * to `out`. State that an op changes would make features depend on the order of recordings. */
static fv_status finish_op(core_guard *guard, const core_encoder *e, core_fence *fence,
	fv_status status, uint64_t state_before)
{
	char text[128];
	status = core_guard_leave(guard, status);
	core_scratch_reset(guard->ctx);
	if (!status && hash_state(e) != state_before)
		status = core_guard_fail(guard, "changed its state, which it may only read");
	if (!core_fence_check(fence, text, sizeof text)) {
		fv_status failed = core_guard_fail(guard, text);
		status = status ? status : failed;
	}
	return status;
}

static float *place_output(core_fence *fence, int64_t count)
{
	float *out = core_fence_place(fence, (size_t)count * sizeof *out);
	for (int64_t i = 0; i < count; i++)
		out[i] = NAN;
	return out;
}

static fv_status run_encoder(fv_ctx *ctx, const core_encoder *e, const char *path,
	const core_wave *wave, int32_t pooled, float *out, int64_t count)
{
	core_guard guard;
	core_fence *fence =
		pooled ? e->out : core_fence_open(ctx, "out", (size_t)count * sizeof *out);
	if (!fence)
		return FV_FAILED;
	float *theirs = place_output(fence, count);
	uint64_t before = hash_state(e);
	enter_op(&guard, ctx, e, e->ops->batch ? "batch" : "encode");
	const core_encode_call call = {e->ops, e->state, e->output, pooled};
	fv_status status =
		core_encode_wave(&call, ctx, core_device_cpu(), wave->sample, wave->n, theirs);
	status = finish_op(&guard, e, fence, status, before);
	memcpy(out, theirs, (size_t)count * sizeof *out);
	if (!pooled)
		core_fence_close(fence);
	if (status) /* the plugin does not know the path */
		return core_reason_report(ctx, path, core_error_take(ctx, ctx, status));
	return check_finite(ctx, e, path, out, count);
}

fv_status core_encoder_encode_wave(
	fv_ctx *ctx, const core_encoder *e, const char *path, core_wave *wave, float *out)
{
	fv_status status = prepare_wave(ctx, e, path, wave);
	if (!status)
		status = run_encoder(ctx, e, path, wave, 1, out, (int64_t)e->layers * e->dims);
	core_wave_free(wave);
	return status;
}

fv_status core_encoder_encode_file(fv_ctx *ctx, const core_encoder *e, const char *path,
	const core_segment *segment, float *out, bool *silent)
{
	core_wave wave;
	fv_status status = core_audio_read_segment(
		ctx, path, segment, e->info.rate_hz, e->spec->max_seconds, &wave);
	if (status)
		return status;
	if (silent)
		*silent = wave.silent;
	return core_encoder_encode_wave(ctx, e, core_segment_label(ctx, path, segment), &wave, out);
}

fv_status core_encoder_check_frames(fv_ctx *ctx, const core_encoder *e)
{
	const fv_output *output = &e->info.outputs[e->output];
	if (output->has_frames && e->ops->frames)
		return FV_OK;
	return fv_fail(
		ctx, FV_CONFIG, "output '%s' of encoder %s has no frames", output->name, e->name);
}

static fv_status encode_all_frames(fv_ctx *ctx, const core_encoder *e, const char *path,
	const core_wave *wave, float **out, int64_t *frames)
{
	core_guard guard;
	enter_op(&guard, ctx, e, "frames");
	*frames = e->ops->frames(e->state, e->output, wave->n);
	fv_status status = core_guard_leave(&guard, FV_OK);
	if (status)
		return status;
	int64_t count = (int64_t)e->layers * *frames * e->dims;
	*out = core_alloc(ctx, (size_t)count, sizeof **out);
	return *out ? run_encoder(ctx, e, path, wave, 0, *out, count) : FV_FAILED;
}

fv_status core_encoder_encode_frames(fv_ctx *ctx, const core_encoder *e, const char *path,
	float **out, int64_t *frames, bool *silent)
{
	core_wave wave;
	fv_status status = core_encoder_check_frames(ctx, e);
	if (!status)
		status = core_audio_read(ctx, path, e->info.rate_hz, e->spec->max_seconds, &wave);
	if (status)
		return status;
	*silent = wave.silent;
	status = prepare_wave(ctx, e, path, &wave);
	if (!status)
		status = encode_all_frames(ctx, e, path, &wave, out, frames);
	core_wave_free(&wave);
	return status;
}

fv_status core_encoder_lookup(
	fv_ctx *ctx, const core_encoder *e, const char *id, int32_t parts, float *out)
{
	core_guard guard;
	int64_t count = (int64_t)e->layers * e->dims;
	float *theirs = place_output(e->out, count);
	uint64_t before = hash_state(e);
	enter_op(&guard, ctx, e, "lookup");
	fv_status status = e->ops->lookup(e->state, ctx, e->output, id, parts, theirs);
	status = finish_op(&guard, e, e->out, status, before);
	memcpy(out, theirs, (size_t)count * sizeof *out);
	return status ? status : check_finite(ctx, e, id, out, count);
}
