/* SPDX-License-Identifier: Apache-2.0 */
#include "run/encode_files.h"

#include <string.h>
#include <sys/mman.h>

#include "base/path.h"
#include "base/progress.h"
#include "run/pipeline.h"
#include "run/pool.h"
#include "run/recordings.h"

struct work {
	fv_ctx *ctx;
	const core_encode_files *job;
	core_spool *spool;
	uint8_t *silent; /* [n] shared with the workers */
	int64_t *order, done;
	core_progress progress;
};

static fv_status find_features(fv_ctx *ctx, const core_encoder *e, const char *path, float *data)
{
	const char *id = core_path_id(ctx, path);
	return id ? core_encoder_lookup(ctx, e, id, 1, data) : FV_FAILED;
}

static fv_status encode_recording(void *user, fv_ctx *ctx, int64_t task)
{
	const struct work *w = user;
	const core_encoder *e = w->job->encoder;
	int64_t i = w->order[task], frames = 1;
	const char *path = w->job->path[i];
	float *data = NULL;
	bool silent = false;
	fv_status status;
	if (w->job->frames) {
		status = core_encoder_encode_frames(ctx, e, path, &data, &frames, &silent);
	} else {
		data = core_alloc(ctx, (size_t)e->layers * (size_t)e->dims, sizeof *data);
		if (!data)
			return FV_FAILED;
		status = e->info.by_name
				 ? find_features(ctx, e, path, data)
				 : core_encoder_encode_file(ctx, e, path, NULL, data, &silent);
	}
	w->silent[i] = silent;
	size_t size = (size_t)e->layers * (size_t)frames * (size_t)e->dims * sizeof *data;
	return status ? status : core_spool_put(ctx, w->spool, i, data, size);
}

/* --- on a device -------------------------------------------------------------------------------- */

static fv_status read_recording(void *user, fv_ctx *ctx, int64_t task, core_wave *out)
{
	const struct work *w = user;
	const core_encoder *e = w->job->encoder;
	return core_audio_read(
		ctx, w->job->path[w->order[task]], e->info.rate_hz, e->spec->max_seconds, out);
}

static const char *name_recording(void *user, fv_ctx *ctx, int64_t task)
{
	const struct work *w = user;
	(void)ctx;
	return w->job->path[w->order[task]];
}

static fv_status keep_result(
	void *user, fv_ctx *ctx, int64_t task, const float *data, int64_t count, bool silent)
{
	const struct work *w = user;
	int64_t i = w->order[task];
	w->silent[i] = silent;
	return core_spool_put(ctx, w->spool, i, data, (size_t)count * sizeof *data);
}

/* --- in the process that waits ------------------------------------------------------------------ */

static void finish_recording(void *user, int64_t task, fv_status status, const char *reason)
{
	struct work *w = user;
	const char *path = w->job->path[w->order[task]];
	w->done++;
	if (status)
		core_recording_report_failure(
			w->ctx, status, w->job->encoder->info.by_name ? NULL : path, reason);
}

static void tell_progress(void *user)
{
	struct work *w = user;
	core_progress_report(&w->progress, (double)w->done, (double)w->job->n);
}

static fv_status map_results(fv_ctx *ctx, const struct work *w, core_encoded *out)
{
	const core_encoder *e = w->job->encoder;
	int64_t frame = (int64_t)e->layers * e->dims * (int64_t)sizeof(float);
	fv_status status = core_spool_map(ctx, w->spool);
	for (int64_t i = 0; i < w->job->n && !status; i++)
		out[i] = (core_encoded){core_spool_item_data(w->spool, i),
			core_spool_item_size(w->spool, i) / frame};
	return status;
}

static fv_status encode_in_workers(fv_ctx *ctx, struct work *w, int64_t *failed)
{
	const core_pool pool = {.jobs = w->job->jobs,
		.tasks = w->job->n,
		.keep_going = true,
		.stop_at_hang = true,
		.user = w,
		.work = encode_recording,
		.ended = finish_recording,
		.tick = tell_progress};
	return core_pool_run(ctx, &pool, failed);
}

static fv_status encode_on_device(fv_ctx *ctx, struct work *w, int64_t *failed)
{
	const core_pipeline pipeline = {.encoder = w->job->encoder,
		.jobs = w->job->jobs,
		.tasks = w->job->n,
		.frames = w->job->frames,
		.user = w,
		.read = read_recording,
		.name = name_recording,
		.put = keep_result,
		.ended = finish_recording,
		.tick = tell_progress};
	return core_pipeline_run(ctx, &pipeline, failed);
}

static fv_status encode_all(fv_ctx *ctx, struct work *w, core_encoded *out)
{
	const core_encode_files *job = w->job;
	fv_status status = core_recordings_order_by_size(ctx, job->path, NULL, job->n, w->order);
	int64_t failed = 0;
	if (!status)
		status = job->encoder->device ? encode_on_device(ctx, w, &failed)
					      : encode_in_workers(ctx, w, &failed);
	if (!status && failed)
		status = core_error_status(ctx);
	if (!status && job->silent)
		memcpy(job->silent, w->silent, (size_t)job->n);
	else if (!status)
		core_recordings_warn_silent(ctx, job->path, w->silent, job->n);
	return status ? status : map_results(ctx, w, out);
}

fv_status core_encode_files_run(
	fv_ctx *ctx, const core_encode_files *job, core_encoded *out, core_spool **spool)
{
	struct work w = {.ctx = ctx,
		.job = job,
		.order = core_alloc(ctx, (size_t)job->n, sizeof *w.order),
		.progress = core_progress_begin(ctx, "encode", "recordings")};
	size_t size = (size_t)job->n + 1;
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fv_status status = w.order ? FV_OK : FV_FAILED;
	if (shared == MAP_FAILED)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	w.silent = shared;
	if (!status && job->frames)
		status = core_encoder_check_frames(ctx, job->encoder);
	if (!status)
		status = core_spool_open(ctx, job->folder, job->n, &w.spool);
	if (!status)
		status = encode_all(ctx, &w, out);
	if (shared != MAP_FAILED)
		munmap(shared, size);
	if (status) {
		core_spool_close(w.spool);
		w.spool = NULL;
	}
	*spool = w.spool;
	return status;
}
