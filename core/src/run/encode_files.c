/* SPDX-License-Identifier: Apache-2.0 */
/* Workers put their results into one unlinked temporary file, at an offset that they share: a worker
 * that dies while it writes leaves nothing behind, because the end moves after the bytes. */
#include "run/encode_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/progress.h"
#include "run/pool.h"

struct place {
	int64_t at, frames; /* byte in the file; frames 0: not there yet */
};

/* Shared by parent and workers. */
struct shared {
	int64_t end;
	struct place place[];
};

struct core_spool {
	int fd;
	struct shared *shared;
	size_t shared_size, size;
	char *data; /* the whole file, once all is there */
};

struct work {
	fv_ctx *ctx;
	const core_encode_files *job;
	core_spool *spool;
	int64_t *order, done;
	core_progress progress;
};

void core_spool_close(core_spool *spool)
{
	if (!spool)
		return;
	if (spool->data)
		munmap(spool->data, spool->size);
	if (spool->shared)
		munmap(spool->shared, spool->shared_size);
	if (spool->fd >= 0)
		close(spool->fd);
	free(spool);
}

static fv_status open_spool(fv_ctx *ctx, const core_encode_files *job, core_spool **out)
{
	char *path = core_path_join(ctx, job->room, ".fairvox-encode-XXXXXX");
	core_spool *spool = calloc(1, sizeof *spool);
	*out = spool;
	if (spool)
		spool->fd = -1; /* 0 would be closed as one's own */
	if (!path || !spool)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	spool->fd = mkostemp(path, O_CLOEXEC);
	if (spool->fd < 0)
		return fv_fail(ctx, FV_FAILED, "%s: %s", job->room, strerror(errno));
	unlink(path);
	spool->shared_size = sizeof *spool->shared + (size_t)job->n * sizeof(struct place);
	void *shared = mmap(NULL, spool->shared_size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	spool->shared = shared;
	return FV_OK;
}

static fv_status write_at(fv_ctx *ctx, const core_encode_files *job, int fd, const void *data,
	size_t size, int64_t at)
{
	for (const char *from = data; size;) {
		ssize_t n = pwrite(fd, from, size, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fv_fail(ctx, FV_FAILED, "%s: no room for the results: %s", job->room,
				strerror(n ? errno : ENOSPC));
		from += n;
		at += n;
		size -= (size_t)n;
	}
	return FV_OK;
}

static fv_status put(
	fv_ctx *ctx, const struct work *w, int64_t i, const float *data, int64_t frames)
{
	const core_encoder *e = w->job->encoder;
	core_spool *spool = w->spool;
	size_t size = (size_t)e->layers * (size_t)frames * (size_t)e->dims * sizeof *data;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	while (fcntl(spool->fd, F_SETLKW, &lock))
		if (errno != EINTR)
			return fv_fail(ctx, FV_FAILED, "%s: %s", w->job->room, strerror(errno));
	int64_t at = spool->shared->end;
	fv_status status = write_at(ctx, w->job, spool->fd, data, size, at);
	if (!status) {
		spool->shared->end = at + (int64_t)size;
		spool->shared->place[i] = (struct place){at, frames};
	}
	lock.l_type = F_UNLCK;
	(void)fcntl(spool->fd, F_SETLK, &lock);
	return status;
}

static fv_status encode_one(void *user, fv_ctx *ctx, int64_t task)
{
	const struct work *w = user;
	const core_encoder *e = w->job->encoder;
	int64_t i = w->order[task], frames = 1;
	const char *path = w->job->path[i];
	float *data = NULL;
	fv_status status;
	if (w->job->frames) {
		status = core_encoder_file_frames(ctx, e, path, &data, &frames);
	} else {
		data = core_alloc(ctx, (size_t)e->layers * (size_t)e->dims, sizeof *data);
		if (!data)
			return FV_FAILED;
		status = e->info.by_name ? core_encoder_lookup(ctx, e, w->job->stem[i], data)
					 : core_encoder_file(ctx, e, path, data);
	}
	return status ? status : put(ctx, w, i, data, frames);
}

void core_tell_recording(fv_ctx *ctx, fv_status status, const char *path, const char *reason)
{
	if (!path || strstr(reason, path))
		(void)fv_fail(ctx, status, "%s", reason);
	else
		(void)fv_fail(ctx, status, "%s: %s", path, reason);
}

static void encoded_one(void *user, int64_t task, fv_status status, const char *reason)
{
	struct work *w = user;
	const char *path = w->job->path[w->order[task]];
	w->done++;
	if (status)
		core_tell_recording(
			w->ctx, status, w->job->encoder->info.by_name ? NULL : path, reason);
}

static void tell(void *user)
{
	struct work *w = user;
	core_progress_tell(&w->progress, w->done, w->job->n);
}

static fv_status map_results(fv_ctx *ctx, const struct work *w, core_encoded *out)
{
	core_spool *spool = w->spool;
	spool->size = (size_t)spool->shared->end;
	void *data = mmap(NULL, spool->size, PROT_READ, MAP_PRIVATE, spool->fd, 0);
	if (data == MAP_FAILED)
		return fv_fail(ctx, FV_FAILED, "%s: %s", w->job->room, strerror(errno));
	spool->data = data;
	for (int64_t i = 0; i < w->job->n; i++) {
		const struct place *place = &spool->shared->place[i];
		const void *at = spool->data + place->at;
		out[i] = (core_encoded){at, place->frames};
	}
	return FV_OK;
}

static fv_status encode_all(fv_ctx *ctx, struct work *w, core_encoded *out)
{
	const core_encode_files *job = w->job;
	fv_status status = core_largest_first(ctx, job->path, NULL, job->n, w->order);
	core_pool pool = {.jobs = job->jobs,
		.tasks = job->n,
		.keep_going = true,
		.user = w,
		.work = encode_one,
		.ended = encoded_one,
		.tick = tell};
	int64_t failed = 0;
	if (!status)
		status = core_pool_run(ctx, &pool, &failed);
	if (!status && failed)
		status = core_error_status(ctx);
	return status ? status : map_results(ctx, w, out);
}

fv_status core_encode_files_run(
	fv_ctx *ctx, const core_encode_files *job, core_encoded *out, core_spool **spool)
{
	struct work w = {.ctx = ctx,
		.job = job,
		.order = core_alloc(ctx, (size_t)job->n, sizeof *w.order),
		.progress = core_progress_begin(ctx, "encode", "recordings")};
	fv_status status = w.order ? FV_OK : FV_FAILED;
	if (!status && job->frames)
		status = core_encoder_can_frames(ctx, job->encoder);
	if (!status)
		status = open_spool(ctx, job, &w.spool);
	if (!status)
		status = encode_all(ctx, &w, out);
	if (status) {
		core_spool_close(w.spool);
		w.spool = NULL;
	}
	*spool = w.spool;
	return status;
}

struct sized {
	int64_t size, index;
};

static int larger_first(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

fv_status core_largest_first(
	fv_ctx *ctx, const char *const *path, const int64_t *row, int64_t n, int64_t *order)
{
	struct sized *list = core_alloc(ctx, (size_t)n, sizeof *list);
	if (!list)
		return FV_FAILED;
	for (int64_t i = 0; i < n; i++) {
		int64_t which = row ? row[i] : i;
		struct stat info;
		list[i] = (struct sized){stat(path[which], &info) ? 0 : info.st_size, which};
	}
	qsort(list, (size_t)n, sizeof *list, larger_first);
	for (int64_t i = 0; i < n; i++)
		order[i] = list[i].index;
	return FV_OK;
}
