/* SPDX-License-Identifier: Apache-2.0 */
#include "run/pipeline_private.h"

#include <stdio.h>
#include <sys/mman.h>

#include "base/plural.h"
#include "nn/encode.h"

/* --- workers ------------------------------------------------------------------------------------ */

/* About how many rows the network has for an utterance: its frames if the encoder tells, else the rows of its
 * input, of a wave one in 20 ms. */
static fv_status count_rows(
	fv_ctx *ctx, const core_encoder *e, const core_wave *wave, core_ring_item *item)
{
	const fv_output *output = &e->info.outputs[e->output];
	item->frames = item->width == 1 ? 1 + item->rows * 50 / e->info.rate_hz : item->rows;
	if (!output->has_frames || !e->ops->frames)
		return FV_OK;
	return core_encoder_count_frames(ctx, e, wave, &item->frames);
}

static fv_status put_wave(
	const struct pipeline *p, fv_ctx *ctx, int64_t task, const char *name, core_wave *wave)
{
	fv_feed feed;
	fv_status status = core_encoder_prepare(ctx, p->asked->encoder, name, wave, &feed);
	if (status)
		return status;
	core_ring_item item = {.task = task,
		.rows = feed.rows,
		.width = feed.width,
		.silent = wave->silent,
		.data = feed.data};
	status = count_rows(ctx, p->asked->encoder, wave, &item);
	if (!status)
		core_ring_put(p->ring, core_pool_slot(), &item);
	return status;
}

static fv_status decode_recording(void *user, fv_ctx *ctx, int64_t task)
{
	const struct pipeline *p = user;
	core_wave wave;
	const char *name = p->asked->name(p->asked->user, ctx, task);
	fv_status status = name ? p->asked->read(p->asked->user, ctx, task, &wave) : FV_FAILED;
	if (status)
		return status;
	status = put_wave(p, ctx, task, name, &wave);
	core_wave_free(&wave);
	return status;
}

/* --- the caller --------------------------------------------------------------------------------- */

static bool was_handed(const void *user, int64_t task)
{
	const struct pipeline *p = user;
	return core_ring_has(p->ring, task);
}

static void end_ring(void *user)
{
	const struct pipeline *p = user;
	core_ring_end(p->ring);
}

static void pass_end(void *user, int64_t task, fv_status status, const char *reason)
{
	const struct pipeline *p = user;
	p->asked->ended(p->asked->user, task, status, reason);
}

static void pass_tick(void *user)
{
	const struct pipeline *p = user;
	if (p->asked->tick)
		p->asked->tick(p->asked->user);
}

void core_pipeline_describe(const void *user, char *text, size_t size)
{
	const struct pipeline *p = user;
	const char *device = p->asked->encoder->device->name;
	const struct at_work *at = p->at;
	if (at->stage == OPENING_DEVICE) {
		snprintf(text, size, ", opening %s", device);
		return;
	}
	if (at->stage == ON_DEVICE) {
		snprintf(text, size, ", on %s", device);
		return;
	}
	const char *name = p->asked->name(p->asked->user, p->ctx, at->first);
	snprintf(text, size, ", on %s, in a pack of %d recording%s, the first of them %s", device,
		(int)at->n, core_plural(at->n), name ? name : "?");
}

fv_status core_pipeline_run(fv_ctx *ctx, const core_pipeline *asked, int64_t *failed)
{
	struct pipeline p = {.asked = asked, .ctx = ctx};
	int jobs = asked->jobs < asked->tasks ? asked->jobs : (int)asked->tasks;
	*failed = 0;
	fv_status status = core_ring_open(ctx, jobs, asked->tasks, &p.ring);
	if (status)
		return status;
	p.at = mmap(NULL, sizeof *p.at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const core_pool pool = {.jobs = jobs,
		.tasks = asked->tasks,
		.keep_going = true,
		.stop_at_hang = true,
		.user = &p,
		.work = decode_recording,
		.finish = core_pipeline_compute,
		.handed = was_handed,
		.begun = end_ring,
		.describe = core_pipeline_describe,
		.ended = pass_end,
		.tick = pass_tick};
	if (p.at == MAP_FAILED) {
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	} else {
		status = core_pool_run(ctx, &pool, failed);
		munmap(p.at, sizeof *p.at);
	}
	core_ring_close(p.ring);
	return status;
}
