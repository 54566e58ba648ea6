/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the synthesis: workers take one utterance after the other, speak, process and write it. A
 * recording gets its name only when it is complete and carries a hash of all its inputs, so a
 * matching one is kept. */
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

struct outcome {         /* result of one utterance */
	int64_t samples; /* 0: not done */
	bool made;       /* false: it existed already */
};

struct job {
	fv_ctx *ctx;
	const core_synth_plan *plan;
	struct outcome *outcome; /* [n], shared with the workers */
	int64_t done;
	core_progress progress;
};

/* --- one utterance --- */

static char *format_path(fv_ctx *ctx, const core_synth_plan *plan, int64_t index, bool wav)
{
	const char *stem = plan->utterances[index].stem;
	char *name = core_format(ctx, "%s.%s", stem, wav ? "wav" : "flac");
	return name ? core_path_join(ctx, plan->options->out, name) : NULL;
}

static fv_status synthesize_recording(fv_ctx *ctx, const core_synth_plan *plan, int64_t index,
	const char *path, const char *comment, int64_t *samples)
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

/* Removes the same recording in the other format, left by an earlier run: two files with one
 * stem are an error. */
static fv_status remove_other_format(fv_ctx *ctx, const core_synth_plan *plan, int64_t index)
{
	int64_t samples;
	char *path = format_path(ctx, plan, index, !plan->options->wav);
	if (!path)
		return FV_FAILED;
	if (core_synth_check_file(path, "", &samples) == CORE_SYNTH_OTHER && unlink(path))
		return fv_fail(ctx, FV_FAILED, "%s: %s", path, strerror(errno));
	return FV_OK;
}

static fv_status make_utterance(void *user, fv_ctx *ctx, int64_t index)
{
	const struct job *job = user;
	const core_synth_plan *plan = job->plan;
	char comment[128];
	int64_t samples = 0;
	char *path = format_path(ctx, plan, index, plan->options->wav);
	fv_status status = path ? core_synth_format_comment(ctx, plan, index, comment) : FV_FAILED;
	if (status)
		return status;
	core_synth_found found = core_synth_check_file(path, comment, &samples);
	if (found == CORE_SYNTH_FOREIGN)
		return fv_fail(ctx, FV_CONFIG,
			"%s: exists and was not written by fairvox synth: choose another folder",
			path);
	bool made = found != CORE_SYNTH_SAME;
	if (made)
		status = synthesize_recording(ctx, plan, index, path, comment, &samples);
	if (!status)
		status = remove_other_format(ctx, plan, index);
	if (!status)
		job->outcome[index] = (struct outcome){samples, made};
	return status;
}

/* --- all utterances --- */

static void report_progress(void *user)
{
	struct job *job = user;
	core_progress_report(&job->progress, (double)job->done, (double)job->plan->n);
}

static void report_end(void *user, int64_t index, fv_status status, const char *reason)
{
	struct job *job = user;
	job->done++;
	if (status)
		(void)fv_fail(
			job->ctx, status, "%s: %s", job->plan->utterances[index].stem, reason);
}

static void sum_outcomes(const struct job *job, core_synth_summary *summary)
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
		.work = make_utterance,
		.ended = report_end,
		.tick = report_progress};
	fv_status status = core_pool_run(ctx, &pool, &failed);
	sum_outcomes(&job, summary);
	munmap(job.outcome, bytes);
	return status ? status : core_error_status(ctx);
}

/* --- the folder --- */

/* Allows one synthesis per folder: the lock is on the folder itself and ends with the process. */
static fv_status lock_folder(fv_ctx *ctx, const char *dir, int *fd)
{
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return fv_fail(ctx, FV_FAILED, "%s: %s", dir, strerror(errno));
	if (!flock(*fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
		return FV_OK; /* also when the file system does not support locks */
	close(*fd);
	return fv_fail(ctx, FV_FAILED,
		"%s: another fairvox synth is writing here: wait for it or choose another folder",
		dir);
}

/* Whether this is a temporary file .NAME.flac.XXXXXX of a run that was killed. */
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

static fv_status remove_leftovers(fv_ctx *ctx, const char *dir, int fd)
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
	fv_status status = remove_leftovers(ctx, plan->options->out, fd);
	if (!status)
		status = core_synth_prepare_folder(ctx, plan);
	if (!status) {
		status = make_all(ctx, plan, summary);
		if (status) /* workers ended by a signal may have left some */
			(void)remove_leftovers(ctx, plan->options->out, fd);
	}
	return status ? status : core_synth_complete_folder(ctx, plan, summary->seconds);
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
