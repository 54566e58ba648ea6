/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of an open encoder's ops: what they must not do is checked around each. */
#include "run/encoder_private.h"

#include <math.h>
#include <string.h>

#include <xxhash.h>

#include "base/fence.h"
#include "nn/encode.h"

/* Checks the wave's length and normalises it as the spec says. */
static fv_status normalize_wave(
	fv_ctx *ctx, const core_encoder *e, const char *path, core_wave *wave)
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

/* Begins a call of an op. Processes share the encoder, so each call has its own guard. */
void core_encoder_enter_op(core_guard *guard, fv_ctx *ctx, const core_encoder *e, const char *op)
{
	core_guard_open(guard, ctx, FV_ENCODER, e->name);
	core_guard_enter(guard, op, 0, false);
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
	if (e->device) /* it was opened without constants */
		return fv_fail(ctx, FV_FAILED, "%s: encoder %s encodes on %s, not here", path,
			e->name, e->device->name);
	core_fence *fence =
		pooled ? e->out : core_fence_open(ctx, "out", (size_t)count * sizeof *out);
	if (!fence)
		return FV_FAILED;
	float *theirs = place_output(fence, count);
	uint64_t before = hash_state(e);
	core_encoder_enter_op(&guard, ctx, e, e->ops->batch ? "batch" : "encode");
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
	fv_status status = normalize_wave(ctx, e, path, wave);
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

fv_status core_encoder_count_frames(
	fv_ctx *ctx, const core_encoder *e, const core_wave *wave, int64_t *frames)
{
	core_guard guard;
	core_encoder_enter_op(&guard, ctx, e, "frames");
	*frames = e->ops->frames(e->state, e->output, wave->n);
	return core_guard_leave(&guard, FV_OK);
}

static fv_status encode_all_frames(fv_ctx *ctx, const core_encoder *e, const char *path,
	const core_wave *wave, float **out, int64_t *frames)
{
	fv_status status = core_encoder_count_frames(ctx, e, wave, frames);
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
	status = normalize_wave(ctx, e, path, &wave);
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
	core_encoder_enter_op(&guard, ctx, e, "lookup");
	fv_status status = e->ops->lookup(e->state, ctx, e->output, id, parts, theirs);
	status = finish_op(&guard, e, e->out, status, before);
	memcpy(out, theirs, (size_t)count * sizeof *out);
	return status ? status : check_finite(ctx, e, id, out, count);
}

/* --- packs, on a device --- */

fv_status core_encoder_prepare(
	fv_ctx *ctx, const core_encoder *e, const char *path, core_wave *wave, fv_feed *feed)
{
	core_guard guard;
	const core_encode_call call = {e->ops, e->state, e->output, 1};
	uint64_t before = hash_state(e);
	fv_status status = normalize_wave(ctx, e, path, wave);
	if (status)
		return status;
	core_encoder_enter_op(&guard, ctx, e, "prepare");
	status =
		core_guard_leave(&guard, core_encode_feed(&call, ctx, wave->sample, wave->n, feed));
	if (!status && hash_state(e) != before)
		status = core_guard_fail(&guard, "changed its state, which it may only read");
	return status ? core_reason_report(ctx, path, core_error_take(ctx, ctx, status)) : FV_OK;
}

/* Places the results of a pack one behind the other, and fills them with NAN. */
static bool place_results(fv_ctx *ctx, core_encoder *e, const core_encoder_pack *pack, float **out)
{
	int64_t all = 0;
	for (int32_t u = 0; u < pack->n; u++)
		all += pack->results[u];
	if (!core_fence_reserve(ctx, &e->out, "out", (size_t)all * sizeof **out))
		return false;
	float *at = place_output(e->out, all);
	for (int32_t u = 0; u < pack->n; u++) {
		out[u] = at;
		at += pack->results[u];
	}
	return true;
}

/* Copies why utterances have no result from scratch memory, which ends with the op. */
static fv_status keep_reasons(fv_ctx *ctx, int32_t n, const char **reason)
{
	for (int32_t u = 0; u < n; u++)
		if (reason[u] && !(reason[u] = core_strdup(ctx, reason[u])))
			return FV_FAILED;
	return FV_OK;
}

fv_status core_encoder_encode_pack(fv_ctx *ctx, core_encoder *e, core_device *device,
	const core_encoder_pack *pack, float **out, const char **reason)
{
	core_guard guard;
	if (!place_results(ctx, e, pack, out))
		return FV_FAILED;
	uint64_t before = hash_state(e);
	const core_encode_call call = {e->ops, e->state, e->output, pack->pooled};
	core_encoder_enter_op(&guard, ctx, e, "batch");
	fv_status status = core_encode_pack(
		&call, ctx, device, pack->n, pack->rows, pack->width, pack->input, out, reason);
	if (!status)
		status = keep_reasons(ctx, pack->n, reason);
	return finish_op(&guard, e, e->out, status, before);
}

fv_status core_encoder_check_result(fv_ctx *ctx, const core_encoder *e, const char *path,
	const char *reason, const float *result, int64_t count)
{
	core_guard guard;
	if (!reason)
		return check_finite(ctx, e, path, result, count);
	core_encoder_enter_op(&guard, ctx, e, "batch"); /* the message names the plugin */
	fv_status status = core_guard_leave(&guard, fv_fail(ctx, FV_DATA, "%s", reason));
	return core_reason_report(ctx, path, core_error_take(ctx, ctx, status));
}
