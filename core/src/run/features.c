/* SPDX-License-Identifier: Apache-2.0 */
#include "run/features.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/large.h"
#include "base/path.h"
#include "base/progress.h"
#include "run/cache.h"
#include "run/pipeline.h"
#include "run/pool.h"

/* Entries that workers have written and this process makes durable together: at most so many, of so many
 * seconds. One that waits for others is sealed after a second at the latest. */
#define GROUP 128
#define GROUP_S 0.05

struct group {
	const char *sha256[GROUP];
	int64_t n;
	double since; /* when the first of them was written */
	fv_status status;
};

struct encode {
	fv_ctx *ctx;
	const core_encoder *encoder;
	const core_recordings *recordings;
	const core_encode_job *job;
	const int64_t *todo; /* rows that are not in the cache, the largest files first */
	int64_t n_todo, done;
	struct group group;
	core_progress progress;
};

static void seal_group(struct encode *s)
{
	struct group *group = &s->group;
	if (!group->n)
		return;
	fv_status status =
		core_cache_seal(s->ctx, s->job->cache, s->encoder, group->sha256, group->n);
	group->status = group->status ? group->status : status;
	group->n = 0;
}

static void seal_waiting(struct encode *s)
{
	if (s->group.n == GROUP || (s->group.n && core_clock_s() - s->group.since >= GROUP_S))
		seal_group(s);
}

static fv_status encode_row(
	const struct encode *s, fv_ctx *ctx, int64_t row, float *value, bool *silent)
{
	core_wave wave;
	const core_recordings *r = s->recordings;
	const core_segment *segment = core_recording_segment(r, row);
	if (!s->job->waves)
		return core_encoder_encode_file(
			ctx, s->encoder, r->path[row], segment, value, silent);
	fv_status status = core_waves_read(ctx, s->job->waves, row, &wave);
	if (status)
		return status;
	*silent = wave.silent;
	return core_encoder_encode_wave(
		ctx, s->encoder, core_segment_label(ctx, r->path[row], segment), &wave, value);
}

static fv_status encode_recording(void *user, fv_ctx *ctx, int64_t task)
{
	struct encode *s = user;
	int64_t row = s->todo[task];
	const core_encoder *e = s->encoder;
	float *value = core_alloc(ctx, (size_t)e->layers * (size_t)e->dims, sizeof *value);
	if (!value)
		return FV_FAILED;
	bool silent;
	fv_status status = encode_row(s, ctx, row, value, &silent);
	if (status)
		return status;
	return core_cache_write(ctx, s->job->cache, e, s->recordings->sha256[row], value, silent);
}

/* --- on a device -------------------------------------------------------------------------------- */

static fv_status read_recording(void *user, fv_ctx *ctx, int64_t task, core_wave *out)
{
	const struct encode *s = user;
	const core_recordings *r = s->recordings;
	int64_t row = s->todo[task];
	if (s->job->waves)
		return core_waves_read(ctx, s->job->waves, row, out);
	return core_audio_read_segment(ctx, r->path[row], core_recording_segment(r, row),
		s->encoder->info.rate_hz, s->encoder->spec->max_seconds, out);
}

static const char *name_recording(void *user, fv_ctx *ctx, int64_t task)
{
	const struct encode *s = user;
	const core_recordings *r = s->recordings;
	int64_t row = s->todo[task];
	return core_segment_label(ctx, r->path[row], core_recording_segment(r, row));
}

static fv_status keep_result(
	void *user, fv_ctx *ctx, int64_t task, const float *data, int64_t count, bool silent)
{
	const struct encode *s = user;
	(void)count;
	return core_cache_write(
		ctx, s->job->cache, s->encoder, s->recordings->sha256[s->todo[task]], data, silent);
}

/* --- in the process that waits ------------------------------------------------------------------ */

static void finish_recording(void *user, int64_t task, fv_status status, const char *reason)
{
	struct encode *s = user;
	int64_t row = s->todo[task];
	s->done++;
	if (status) {
		core_recording_report_failure(s->ctx, status, s->recordings->path[row], reason);
		return;
	}
	if (!s->group.n)
		s->group.since = core_clock_s();
	s->group.sha256[s->group.n++] = s->recordings->sha256[row];
	seal_waiting(s);
}

static void tell_progress(void *user)
{
	struct encode *s = user;
	seal_waiting(s);
	core_progress_report(&s->progress, (double)s->done, (double)s->n_todo);
}

/* Reads the listed rows that the cache holds into x and silent (NULL: only checks them) and leaves
 * the others in the list. `warn`: log damaged entries. */
static fv_status read_cache(fv_ctx *ctx, const struct encode *s, float *x, uint8_t *silent,
	int64_t *row, int64_t *n, bool warn)
{
	const core_encoder *e = s->encoder;
	size_t width = (size_t)e->layers * (size_t)e->dims;
	float *value = x ? NULL : malloc(width * sizeof *value);
	if (!x && !value)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	fv_ctx *own =
		core_ctx_aside(ctx); /* an unreadable entry is computed again and is no failure */
	if (own && warn)
		core_ctx_copy_log(own, ctx);
	int64_t left = 0;
	for (int64_t i = 0; own && i < *n; i++) {
		core_mark before = core_ctx_mark(own);
		int64_t at = row[i];
		bool heard_nothing;
		if (!core_cache_get(own, s->job->cache, e, s->recordings->sha256[at],
			    x ? x + (size_t)at * width : value, &heard_nothing))
			row[left++] = at;
		else if (silent)
			silent[at] = heard_nothing;
		core_ctx_release(own, before);
	}
	free(value);
	if (!own)
		return FV_FAILED;
	core_ctx_free(own);
	*n = left;
	return FV_OK;
}

/* Says after a signal what the cache holds by now. Workers may have been killed between writing an
 * entry and reporting it, so the entries themselves are counted. */
static void tell_what_is_kept(fv_ctx *ctx, const struct encode *s)
{
	int64_t n = s->recordings->n, left = s->n_todo;
	int64_t *row = core_alloc(ctx, (size_t)left, sizeof *row);
	if (!row)
		return;
	memcpy(row, s->todo, (size_t)left * sizeof *row);
	if (!read_cache(ctx, s, NULL, NULL, row, &left, false))
		core_log(ctx, CORE_INFO,
			"%s: stopped: %lld of %lld recording%s encoded and kept in '%s': the same "
			"command encodes the rest",
			s->encoder->name, (long long)(n - left), (long long)n,
			n == 1 ? " is" : "s are", s->job->cache);
}

static fv_status encode_in_workers(fv_ctx *ctx, struct encode *s, int64_t *failed)
{
	const core_pool pool = {.jobs = s->job->jobs,
		.tasks = s->n_todo,
		.keep_going = true,
		.stop_at_hang = true,
		.user = s,
		.work = encode_recording,
		.ended = finish_recording,
		.tick = tell_progress};
	return core_pool_run(ctx, &pool, failed);
}

static fv_status encode_on_device(fv_ctx *ctx, struct encode *s, int64_t *failed)
{
	const core_pipeline pipeline = {.encoder = s->encoder,
		.jobs = s->job->jobs,
		.tasks = s->n_todo,
		.user = s,
		.read = read_recording,
		.name = name_recording,
		.put = keep_result,
		.ended = finish_recording,
		.tick = tell_progress};
	return core_pipeline_run(ctx, &pipeline, failed);
}

static fv_status encode_missing(fv_ctx *ctx, struct encode *s)
{
	int64_t *order = core_alloc(ctx, (size_t)s->n_todo, sizeof *order);
	if (!order ||
		core_recordings_order_by_size(ctx, s->recordings->path, s->todo, s->n_todo, order))
		return FV_FAILED;
	int64_t failed = 0;
	s->todo = order;
	fv_status status = s->job->waves ? core_waves_prepare(ctx, s->job->waves) : FV_OK;
	if (status)
		return status;
	status = s->encoder->device ? encode_on_device(ctx, s, &failed)
				    : encode_in_workers(ctx, s, &failed);
	seal_group(s);
	if (core_pool_was_stopped(status) || (status && s->encoder->device))
		tell_what_is_kept(ctx, s);
	if (!status)
		status = s->group.status;
	if (status)
		return status;
	return failed ? core_error_status(ctx) : FV_OK;
}

static int64_t *list_rows(fv_ctx *ctx, int64_t n)
{
	int64_t *row = core_alloc(ctx, (size_t)n, sizeof *row);
	for (int64_t i = 0; row && i < n; i++)
		row[i] = i;
	return row;
}

fv_status core_features_count_missing(fv_ctx *ctx, const core_encoder *encoder,
	const core_recordings *recordings, const char *cache, int64_t *missing)
{
	*missing = 0;
	if (encoder->info.by_name)
		return FV_OK;
	int64_t *row = list_rows(ctx, recordings->n);
	const core_encode_job job = {.cache = cache};
	const struct encode s = {.encoder = encoder, .recordings = recordings, .job = &job};
	*missing = recordings->n;
	return row ? read_cache(ctx, &s, NULL, NULL, row, missing, true) : FV_FAILED;
}

static fv_status load_by_name(
	fv_ctx *ctx, const core_encoder *e, const core_recordings *recordings, float *x)
{
	size_t width = (size_t)e->layers * (size_t)e->dims;
	fv_status first = FV_OK;
	for (int64_t i = 0; i < recordings->n; i++) {
		fv_status status = core_encoder_lookup(ctx, e, recordings->name[i],
			core_id_count_parts(recordings->stem[i]), x + (size_t)i * width);
		first = first ? first : status;
	}
	return first;
}

/* Reports that entries cannot be read which were there or have just been written. */
static fv_status report_missing(fv_ctx *ctx, const char *cache, int64_t n)
{
	char *path = core_copy_disk_error();
	fv_status status;
	if (path && !strncmp(path, cache, strlen(cache)))
		status = fv_fail(ctx, FV_FAILED, "%s: %s", path, strerror(EIO));
	else
		status = fv_fail(ctx, FV_FAILED,
			"%s: %lld %s vanished since written: do not remove the cache during a run",
			cache, (long long)n, n == 1 ? "entry has" : "entries have");
	free(path);
	return status;
}

static fv_status load_by_audio(fv_ctx *ctx, const core_encoder *e,
	const core_recordings *recordings, const core_encode_job *job, core_features *out)
{
	int64_t *todo = list_rows(ctx, recordings->n);
	if (!todo)
		return FV_FAILED;
	struct encode s = {.ctx = ctx,
		.encoder = e,
		.recordings = recordings,
		.job = job,
		.todo = todo,
		.n_todo = recordings->n,
		.progress = core_progress_begin(ctx, e->name, "recordings")};
	fv_status status = read_cache(ctx, &s, out->x, out->silent, todo, &s.n_todo, true);
	if (status || !s.n_todo)
		return status;
	core_lease *lease;
	status = core_cache_lock_key(ctx, job->cache, e->key, &lease);
	if (status)
		return status;
	/* Another process may have written them while this one waited. */
	status = read_cache(ctx, &s, out->x, out->silent, todo, &s.n_todo, false);
	if (!status && s.n_todo)
		status = encode_missing(ctx, &s);
	core_lease_release(lease);
	if (status)
		return status;
	int64_t left = s.n_todo;
	status = read_cache(ctx, &s, out->x, out->silent, todo, &left, true);
	return status || !left ? status : report_missing(ctx, job->cache, left);
}

/* Reduces [n,L,D] to [n,1,D] of one layer, in place. */
static void pick_layer(const core_encoder *e, core_features *f)
{
	size_t width = (size_t)e->layers * (size_t)e->dims, dims = (size_t)e->dims;
	for (int64_t i = 0; i < f->n; i++)
		memmove(f->x + (size_t)i * dims,
			f->x + (size_t)i * width + (size_t)e->spec->layer * dims,
			dims * sizeof *f->x);
	f->layers = 1;
}

fv_status core_features_load(fv_ctx *ctx, const core_encoder *e, const core_recordings *recordings,
	const core_encode_job *job, core_features *out)
{
	*out = (core_features){.n = recordings->n,
		.layers = e->layers,
		.dims = e->dims,
		.output = &e->info.outputs[e->output]};
	size_t width = (size_t)e->layers * (size_t)e->dims;
	out->silent = core_alloc(ctx, (size_t)recordings->n, sizeof *out->silent);
	if (!out->silent)
		return FV_FAILED;
	out->x = core_large_alloc((size_t)recordings->n, width * sizeof *out->x);
	if (!out->x)
		return fv_fail(ctx, FV_FAILED, "out of memory for %lld x %zu features",
			(long long)recordings->n, width);
	fv_status status = e->info.by_name ? load_by_name(ctx, e, recordings, out->x)
					   : load_by_audio(ctx, e, recordings, job, out);
	if (status)
		core_features_free(out);
	else if (e->spec->layer >= 0)
		pick_layer(e, out);
	return status;
}

void core_features_free(core_features *features)
{
	free(features->x);
	features->x = NULL;
}
