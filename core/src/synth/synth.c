/* SPDX-License-Identifier: Apache-2.0 */
/* The run: workers take one utterance after the other, speak, shape, write. A recording appears
 * under its name only when it is whole, and carries a hash of all it was made from: what is there
 * and agrees is kept. */
#include "synth/synth.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/progress.h"
#include "run/pool.h"

struct outcome {         /* of one utterance */
	int64_t samples; /* 0: not done */
	bool made;       /* false: it was there */
};

struct job {
	fv_ctx *ctx;
	const core_synth_plan *plan;
	struct outcome *outcome; /* [n], shared with the workers */
	int64_t done;
	core_progress progress;
};

/* --- one utterance --- */

static char *path_of(fv_ctx *ctx, const core_synth_plan *plan, int64_t index, bool wav)
{
	const char *stem = plan->utterances[index].stem;
	char *name = core_format(ctx, "%s.%s", stem, wav ? "wav" : "flac");
	return name ? core_path_join(ctx, plan->options->out, name) : NULL;
}

static fv_status make(fv_ctx *ctx, const core_synth_plan *plan, int64_t index, const char *path,
	const char *comment, int64_t *samples)
{
	const core_synth_utterance *u = &plan->utterances[index];
	const core_synth_speaker *speaker = &plan->speakers[u->speaker];
	const core_synth_options *options = plan->options;
	int16_t *speech = NULL, *recording = NULL;
	size_t n_speech, n = 0;
	int rate_hz;
	fv_status status =
		core_espeak_say(ctx, &plan->espeak, u, speaker, &speech, &n_speech, &rate_hz);
	if (!status)
		status = core_synth_process(ctx, u, speaker, options->knobs.seed, speech, n_speech,
			rate_hz, &recording, &n);
	core_text bytes = {0};
	if (!status)
		status = core_synth_encode(ctx, path, options->wav, comment, recording, n, &bytes);
	if (!status)
		status = core_file_write(ctx, path, bytes.data, bytes.size);
	*samples = (int64_t)n;
	core_text_free(&bytes);
	free(recording);
	free(speech);
	return status;
}

/* The same recording of an earlier run in the other format: two files of one stem are an error. */
static fv_status drop_other_format(fv_ctx *ctx, const core_synth_plan *plan, int64_t index)
{
	int64_t samples;
	char *path = path_of(ctx, plan, index, !plan->options->wav);
	if (!path)
		return FV_FAILED;
	if (core_synth_look(path, "", &samples) == CORE_SYNTH_OTHER && unlink(path))
		return fv_fail(ctx, FV_FAILED, "%s: %s", path, strerror(errno));
	return FV_OK;
}

static fv_status work(void *user, fv_ctx *ctx, int64_t index)
{
	const struct job *job = user;
	const core_synth_plan *plan = job->plan;
	char comment[128];
	int64_t samples = 0;
	char *path = path_of(ctx, plan, index, plan->options->wav);
	fv_status status = path ? core_synth_comment(ctx, plan, index, comment) : FV_FAILED;
	if (status)
		return status;
	core_synth_found found = core_synth_look(path, comment, &samples);
	if (found == CORE_SYNTH_FOREIGN)
		return fv_fail(ctx, FV_CONFIG,
			"%s: is there already and not from fairvox synth; choose another folder",
			path);
	bool made = found != CORE_SYNTH_SAME;
	if (made)
		status = make(ctx, plan, index, path, comment, &samples);
	if (!status)
		status = drop_other_format(ctx, plan, index);
	if (!status)
		job->outcome[index] = (struct outcome){samples, made};
	return status;
}

/* --- all of them --- */

static void tick(void *user)
{
	struct job *job = user;
	core_progress_tell(&job->progress, job->done, job->plan->n);
}

static void ended(void *user, int64_t index, fv_status status, const char *reason)
{
	struct job *job = user;
	job->done++;
	if (status)
		(void)fv_fail(
			job->ctx, status, "%s: %s", job->plan->utterances[index].stem, reason);
}

static void summarize(const struct job *job, core_synth_summary *summary)
{
	const core_synth_plan *plan = job->plan;
	*summary = (core_synth_summary){.n = plan->n};
	memcpy(summary->espeak_version, plan->espeak.version, sizeof summary->espeak_version);
	for (int64_t i = 0; i < plan->n; i++) {
		summary->made += job->outcome[i].made;
		summary->seconds += (double)job->outcome[i].samples / CORE_SYNTH_RATE_HZ;
	}
}

static fv_status make_all(fv_ctx *ctx, const core_synth_plan *plan, core_synth_summary *summary)
{
	size_t bytes = (size_t)plan->n * sizeof(struct outcome);
	int64_t failed;
	struct job job = {.ctx = ctx,
		.plan = plan,
		.progress = core_progress_begin(ctx, "synth", "utterances")};
	job.outcome = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (job.outcome == MAP_FAILED)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	core_pool pool = {.jobs = plan->options->jobs,
		.tasks = plan->n,
		.user = &job,
		.work = work,
		.ended = ended,
		.tick = tick};
	fv_status status = core_pool_run(ctx, &pool, &failed);
	summarize(&job, summary);
	munmap(job.outcome, bytes);
	return status ? status : core_error_status(ctx);
}

/* --- the folder --- */

/* One synthesis a folder: the lock is on the folder itself and goes with the process. */
static fv_status lock_folder(fv_ctx *ctx, const char *dir, int *fd)
{
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return fv_fail(ctx, FV_FAILED, "%s: %s", dir, strerror(errno));
	if (!flock(*fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
		return FV_OK; /* also where the file system knows no locks */
	close(*fd);
	return fv_fail(ctx, FV_FAILED, "%s: another fairvox synth is writing here", dir);
}

/* .NAME.flac.XXXXXX, left by a run that was killed. */
static bool is_leftover(const char *name)
{
	size_t n = strlen(name);
	if (name[0] != '.' || n < 8 || name[n - 7] != '.')
		return false;
	static const char *const kinds[] = {".flac", ".wav", ".csv", ".json", ".md"};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t size = strlen(kinds[i]);
		if (n > 7 + size && !strncmp(name + n - 7 - size, kinds[i], size))
			return true;
	}
	return false;
}

static fv_status drop_leftovers(fv_ctx *ctx, const char *dir, int fd)
{
	DIR *folder = opendir(dir);
	if (!folder)
		return fv_fail(ctx, FV_FAILED, "%s: %s", dir, strerror(errno));
	for (const struct dirent *entry; (entry = readdir(folder));)
		if (is_leftover(entry->d_name))
			unlinkat(fd, entry->d_name, 0);
	closedir(folder);
	return FV_OK;
}

static fv_status run_locked(
	fv_ctx *ctx, const core_synth_plan *plan, int fd, core_synth_summary *summary)
{
	fv_status status = drop_leftovers(ctx, plan->options->out, fd);
	if (!status)
		status = core_synth_begin(ctx, plan);
	if (!status) {
		status = make_all(ctx, plan, summary);
		if (status) /* workers that a signal ended may have left some */
			(void)drop_leftovers(ctx, plan->options->out, fd);
	}
	return status ? status : core_synth_finish(ctx, plan, summary->seconds);
}

fv_status core_synth_run(
	fv_ctx *ctx, const core_synth_options *options, core_synth_summary *summary)
{
	core_synth_plan plan = {.espeak = {.program = options->program}};
	int fd = -1;
	fv_status status = core_synth_plan_read(ctx, options, &plan);
	if (!status)
		status = core_espeak_find(ctx, &plan.espeak);
	if (!status)
		status = core_make_dirs(ctx, options->out);
	if (!status)
		status = lock_folder(ctx, options->out, &fd);
	if (status)
		return status;
	status = run_locked(ctx, &plan, fd, summary);
	close(fd);
	return status;
}
