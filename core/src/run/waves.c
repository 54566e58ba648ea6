/* SPDX-License-Identifier: Apache-2.0 */
#include "run/waves.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/plural.h"
#include "base/progress.h"
#include "run/moments.h"
#include "run/pool.h"
#include "run/spool.h"

/* Limit of the temporary file: 35 hours at 16 kHz. Later waves are decoded again. */
#define KEPT_BYTES_MAX ((int64_t)8 << 30)

struct core_waves {
	const core_recordings *recordings;
	core_waves_options options;
	const char *path;      /* file of cached moments */
	core_moments *moments; /* [recordings->n], shared with workers; n = 0: unknown */
	uint8_t *silent;       /* [recordings->n] of the kept waves; behind the moments */
	size_t shared_size;
	core_spool *spool; /* NULL: no waves are kept */
};

fv_status core_waves_open(fv_ctx *ctx, const core_recordings *recordings,
	const core_waves_options *options, core_waves **out)
{
	core_waves *w = core_alloc(ctx, 1, sizeof *w);
	*out = NULL;
	if (!w)
		return FV_FAILED;
	*w = (core_waves){.recordings = recordings, .options = *options};
	size_t n = (size_t)recordings->n + 1;
	w->shared_size = n * (sizeof *w->moments + sizeof *w->silent);
	void *shared = mmap(
		NULL, w->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	w->moments = shared;
	w->silent = (uint8_t *)(w->moments + n);
	fv_status status = core_moments_path(
		ctx, options->cache, options->rate_hz, options->max_seconds, &w->path);
	if (!status)
		status = core_moments_load(ctx, w->path, recordings->n,
			(const char(*)[CORE_SHA256_HEX])recordings->sha256, w->moments);
	if (status)
		core_waves_close(w);
	else
		*out = w;
	return status;
}

void core_waves_close(core_waves *w)
{
	if (!w)
		return;
	core_spool_close(w->spool);
	munmap(w->moments, w->shared_size);
}

bool core_waves_match(
	const core_waves *w, const core_recordings *recordings, int32_t rate_hz, double max_seconds)
{
	return w->recordings == recordings && w->options.rate_hz == rate_hz &&
	       w->options.max_seconds >= max_seconds && w->options.max_seconds <= max_seconds;
}

fv_status core_waves_prepare(fv_ctx *ctx, core_waves *w)
{
	if (!w->options.keep || w->spool)
		return FV_OK;
	fv_status status = core_make_dirs(ctx, w->options.cache);
	return status ? status
		      : core_spool_open(ctx, w->options.cache, w->recordings->n, &w->spool);
}

/* Keeps a wave if there is room; otherwise it is decoded again when it is read. */
static void keep_wave(fv_ctx *ctx, core_waves *w, int64_t row, const core_wave *wave)
{
	size_t size = (size_t)wave->n * sizeof *wave->sample;
	if (!w->spool || core_spool_size(w->spool) + (int64_t)size > KEPT_BYTES_MAX)
		return;
	w->silent[row] = wave->silent;
	if (core_spool_put(ctx, w->spool, row, wave->sample, size) != FV_OK)
		core_error_clear(ctx);
}

static fv_status decode_wave(fv_ctx *ctx, core_waves *w, int64_t row, core_wave *out)
{
	const core_recordings *r = w->recordings;
	fv_status status = core_audio_read_segment(ctx, r->path[row],
		core_recording_segment(r, row), w->options.rate_hz, w->options.max_seconds, out);
	if (!status)
		keep_wave(ctx, w, row, out);
	return status;
}

fv_status core_waves_read(fv_ctx *ctx, core_waves *w, int64_t row, core_wave *out)
{
	size_t size = w->spool ? (size_t)core_spool_item_size(w->spool, row) : 0;
	if (!size)
		return decode_wave(ctx, w, row, out);
	*out = (core_wave){.sample = malloc(size),
		.n = (int64_t)(size / sizeof *out->sample),
		.rate_hz = w->options.rate_hz,
		.silent = w->silent[row]};
	if (!out->sample)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	fv_status status = core_spool_read(ctx, w->spool, row, out->sample);
	if (status)
		core_wave_free(out);
	return status;
}

/* --- moments --- */

struct measure {
	fv_ctx *ctx;
	core_waves *waves;
	int64_t *todo; /* rows, the largest files first */
	int64_t n_todo, done;
	core_progress progress;
};

static fv_status measure_recording(void *user, fv_ctx *ctx, int64_t task)
{
	struct measure *m = user;
	core_wave wave;
	int64_t row = m->todo[task];
	fv_status status = decode_wave(ctx, m->waves, row, &wave);
	if (status)
		return status;
	m->waves->moments[row] = core_wave_moments(wave.sample, wave.n);
	core_wave_free(&wave);
	return FV_OK;
}

static void finish_recording(void *user, int64_t task, fv_status status, const char *reason)
{
	struct measure *m = user;
	m->done++;
	if (status)
		core_recording_report_failure(
			m->ctx, status, m->waves->recordings->path[m->todo[task]], reason);
}

static void tell_progress(void *user)
{
	const struct measure *m = user;
	core_progress_report(&m->progress, (double)m->done, (double)m->n_todo);
}

/* Saves the moments. A failure is only a warning, because it costs nothing but time. */
static void save_moments(fv_ctx *ctx, const core_waves *w)
{
	fv_ctx *own = core_ctx_new();
	const core_recordings *r = w->recordings;
	if (own && (core_make_dirs(own, w->options.cache) ||
			   core_moments_save(own, w->path, r->n,
				   (const char(*)[CORE_SHA256_HEX])r->sha256, w->moments)))
		core_log(ctx, CORE_WARNING, "the moments of recordings could not be cached: %s",
			core_error_line(own, 0));
	core_ctx_free(own);
}

static fv_status measure_missing(fv_ctx *ctx, struct measure *m, int jobs)
{
	core_waves *w = m->waves;
	int64_t *order = core_alloc(ctx, (size_t)m->n_todo, sizeof *order), failed;
	if (!order ||
		core_recordings_order_by_size(ctx, w->recordings->path, m->todo, m->n_todo, order))
		return FV_FAILED;
	m->todo = order;
	fv_status status = core_waves_prepare(ctx, w);
	if (status)
		return status;
	core_pool pool = {.jobs = jobs,
		.tasks = m->n_todo,
		.keep_going = true,
		.user = m,
		.work = measure_recording,
		.ended = finish_recording,
		.tick = tell_progress};
	status = core_pool_run(ctx, &pool, &failed);
	save_moments(ctx, w);
	if (core_pool_was_stopped(status))
		core_log(ctx, CORE_INFO,
			"stopped after measuring %lld of %lld recording%s for normalize: corpus: "
			"the same command goes on",
			(long long)m->done, (long long)m->n_todo, core_plural(m->n_todo));
	return !status && failed ? core_error_status(ctx) : status;
}

fv_status core_waves_measure(
	fv_ctx *ctx, core_waves *w, const int64_t *row, int64_t n, int jobs, core_moments *out)
{
	struct measure m = {.ctx = ctx,
		.waves = w,
		.todo = core_alloc(ctx, (size_t)n, sizeof *m.todo),
		.progress = core_progress_begin(ctx, "decode", "recordings")};
	if (!m.todo)
		return FV_FAILED;
	for (int64_t i = 0; i < n; i++)
		if (!w->moments[row[i]].n)
			m.todo[m.n_todo++] = row[i];
	fv_status status = m.n_todo ? measure_missing(ctx, &m, jobs) : FV_OK;
	*out = (core_moments){0};
	for (int64_t i = 0; i < n && !status; i++)
		*out = core_moments_merge(*out, w->moments[row[i]]);
	return status;
}
