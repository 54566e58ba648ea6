/* SPDX-License-Identifier: Apache-2.0 */
/* The computing process of a pipeline: takes utterances from the ring, fills packs, and encodes them on the device
 * that it opened. */
#include <stdlib.h>
#include <string.h>

#include "backend/device.h"
#include "base/memory.h"
#include "run/pipeline_private.h"

enum { UTTERANCES = 128 }; /* of a pack, at most */

struct pack {
	int32_t n;
	int64_t frames, numbers; /* of all utterances */
	int64_t width, capacity;
	float *input;
	int64_t task[UTTERANCES], rows[UTTERANCES], first[UTTERANCES]; /* first number in input */
	int64_t frame[UTTERANCES], results[UTTERANCES];
	bool silent[UTTERANCES];
};

struct compute {
	const struct pipeline *pipeline;
	fv_ctx *ctx;
	fv_ctx *own; /* of device, encoder and packs: their failures are told in other words */
	core_finisher *finisher;
	core_encoder *encoder;
	core_device *device;
	int64_t rows; /* frames of a pack, at most */
	struct pack pack;
};

/* --- packs -------------------------------------------------------------------------------------- */

static bool has_room(const struct compute *c, const core_ring_item *item)
{
	const struct pack *pack = &c->pack;
	return !pack->n || (pack->n < UTTERANCES && pack->width == item->width &&
				   pack->frames + item->frames <= c->rows);
}

static fv_status add_utterance(struct compute *c, const core_ring_item *item)
{
	struct pack *pack = &c->pack;
	const core_encoder *e = c->encoder;
	int64_t count = item->rows * item->width, all = pack->numbers + count;
	if (all > pack->capacity) {
		float *more = core_memory_realloc(pack->input, (size_t)(2 * all) * sizeof *more);
		if (!more)
			return fv_fail(c->ctx, FV_FAILED, "out of memory");
		pack->input = more;
		pack->capacity = 2 * all;
	}
	memcpy(pack->input + pack->numbers, item->data, (size_t)count * sizeof *pack->input);
	int32_t u = pack->n++;
	pack->task[u] = item->task;
	pack->rows[u] = item->rows;
	pack->first[u] = pack->numbers;
	pack->frame[u] = item->frames;
	pack->results[u] =
		(int64_t)e->layers * e->dims * (c->pipeline->asked->frames ? item->frames : 1);
	pack->silent[u] = item->silent;
	pack->width = item->width;
	pack->frames += item->frames;
	pack->numbers = all;
	return FV_OK;
}

/* --- results ------------------------------------------------------------------------------------ */

static fv_status keep_result(
	const struct compute *c, fv_ctx *own, int32_t u, const float *result, const char *reason)
{
	const core_pipeline *asked = c->pipeline->asked;
	const struct pack *pack = &c->pack;
	int64_t task = pack->task[u];
	const char *name = asked->name(asked->user, own, task);
	if (!name)
		return FV_FAILED;
	fv_status status =
		core_encoder_check_result(own, c->encoder, name, reason, result, pack->results[u]);
	return status ? status
		      : asked->put(
				asked->user, own, task, result, pack->results[u], pack->silent[u]);
}

/* Keeps the result of an utterance and reports its end. */
static fv_status end_utterance(
	const struct compute *c, int32_t u, const float *result, const char *reason)
{
	fv_ctx *own = core_ctx_aside(c->ctx);
	if (!own)
		return FV_FAILED;
	fv_status status = keep_result(c, own, u, result, reason);
	fv_status sent = core_finisher_report(c->finisher, c->pack.task[u], status, own);
	core_ctx_free(own);
	return sent;
}

static fv_status end_utterances(const struct compute *c, int32_t first, int32_t n,
	float *const *out, const char *const *reason)
{
	fv_status status = FV_OK;
	for (int32_t u = 0; u < n && !status; u++)
		status = end_utterance(c, first + u, out[u], reason[u]);
	return status;
}

/* Reports that a recording failed, as a pack of its own. */
static fv_status fail_utterance(const struct compute *c, int32_t u, fv_ctx *own, fv_status status)
{
	const core_pipeline *asked = c->pipeline->asked;
	const core_reason *reason = core_error_take(own, own, status);
	const char *name = asked->name(asked->user, own, c->pack.task[u]);
	if (name)
		(void)core_reason_report(own, name, reason);
	return core_finisher_report(c->finisher, c->pack.task[u], status, own);
}

/* --- computing ---------------------------------------------------------------------------------- */

/* Encodes utterances [first, first + n) of the pack together. The messages of a failure are in `own`. */
static fv_status encode_together(const struct compute *c, fv_ctx *own, int32_t first, int32_t n,
	float **out, const char **reason)
{
	const struct pack *pack = &c->pack;
	const core_encoder_pack part = {.n = n,
		.pooled = !c->pipeline->asked->frames,
		.width = pack->width,
		.rows = pack->rows + first,
		.results = pack->results + first,
		.input = pack->input + pack->first[first]};
	*c->pipeline->at = (struct at_work){IN_PACK, n, pack->task[first]};
	return core_encoder_encode_pack(own, c->encoder, c->device, &part, out, reason);
}

/* Does a failure of this pack concern its recording alone? */
static bool concerns_recording(const struct compute *c, int32_t first, int32_t n, fv_status status)
{
	return n == 1 && (status == FV_DATA || c->pack.frame[first] > c->rows);
}

/* Ends the computing process with the first message of c->own, and what it was at. */
static fv_status fail_all(const struct compute *c, fv_status status)
{
	char at[512];
	const char *line = core_error_line(c->own, 0);
	core_pipeline_describe(c->pipeline, at, sizeof at);
	return fv_fail(c->ctx, status, "%s%s", line ? line : "out of memory", at);
}

static fv_status encode_part(const struct compute *c, int32_t first, int32_t n);

/* Encodes the utterances one by one, since one of them is at fault. */
static fv_status encode_alone(const struct compute *c, int32_t first, int32_t n)
{
	fv_status status = FV_OK;
	for (int32_t u = first; u < first + n && !status; u++)
		status = encode_part(c, u, 1);
	return status;
}

static fv_status encode_part(const struct compute *c, int32_t first, int32_t n)
{
	float *out[UTTERANCES];
	const char *reason[UTTERANCES];
	fv_ctx *own = c->own;
	core_mark before = core_ctx_mark(own);
	fv_status status = encode_together(c, own, first, n, out, reason);
	bool alone = status == FV_DATA && n > 1;
	if (!status)
		status = end_utterances(c, first, n, out, reason);
	else if (concerns_recording(c, first, n, status))
		status = fail_utterance(c, first, own, status);
	else if (!alone)
		status = fail_all(c, status);
	core_error_clear(own);
	core_ctx_release(own, before);
	return alone ? encode_alone(c, first, n) : status;
}

static fv_status encode_pack(struct compute *c)
{
	fv_status status = c->pack.n ? encode_part(c, 0, c->pack.n) : FV_OK;
	c->pack.n = 0;
	c->pack.frames = c->pack.numbers = 0;
	return status;
}

static fv_status encode_all(struct compute *c)
{
	for (;;) {
		core_ring_item item;
		fv_status status = core_ring_take(c->pipeline->ring, c->ctx, &item);
		if (!status && item.task < 0)
			return encode_pack(c);
		if (!status && !has_room(c, &item))
			status = encode_pack(c);
		if (!status)
			status = add_utterance(c, &item);
		if (status)
			return status;
	}
}

/* Opens the encoder on the device, and encodes everything. */
static fv_status work_on_device(struct compute *c, const core_device_module *module)
{
	const struct pipeline *p = c->pipeline;
	*p->at = (struct at_work){.stage = ON_DEVICE};
	core_ctx_set_device(c->own, c->device);
	fv_status status = core_encoder_open_again(c->own, p->asked->encoder, &c->encoder);
	core_ctx_copy_log(c->own, p->ctx); /* what opening warns of was said by the caller */
	status = status ? fail_all(c, status) : encode_all(c);
	core_encoder_close(c->encoder);
	free(c->pack.input);
	module->close(c->device);
	return status;
}

fv_status core_pipeline_compute(void *user, fv_ctx *ctx, core_finisher *finisher)
{
	const struct pipeline *p = user;
	const core_device_choice *choice = p->asked->encoder->device;
	const core_device_module *module;
	struct compute *c = core_alloc(ctx, 1, sizeof *c);
	fv_ctx *own = core_ctx_aside(ctx);
	if (!c || !own)
		return FV_FAILED;
	*c = (struct compute){
		.pipeline = p, .ctx = ctx, .own = own, .finisher = finisher, .rows = choice->rows};
	fv_status status = core_device_open_chosen(own, choice, &module, &c->device);
	status = status ? fail_all(c, status) : work_on_device(c, module);
	core_ctx_free(own);
	return status;
}
