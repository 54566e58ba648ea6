/* SPDX-License-Identifier: Apache-2.0 */
/* The run: workers take one utterance after the other, speak, shape, write. A recording appears
 * under its name only when it is whole, and carries a hash of all it was made from: what is there
 * and agrees is kept. */
#include "synth/synth.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <sndfile.h>

#include "base/file.h"

struct job { /* shared by the workers */
	const core_synth_plan *plan;
	atomic_llong next, done, made, samples;
	atomic_bool failed;
	pthread_mutex_t lock; /* of running, with changed */
	pthread_cond_t changed;
	int running;
};

struct worker {
	struct job *job;
	fv_ctx *ctx; /* its own: one context belongs to one thread */
	fv_status status;
	pthread_t thread;
};

/* --- sound files in memory
 * ------------------------------------------------------------------------- */

struct memory {
	core_text bytes;
	size_t at;
};

static sf_count_t memory_size(void *user)
{
	struct memory *memory = user;
	return (sf_count_t)memory->bytes.size;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *user)
{
	struct memory *memory = user;
	sf_count_t from = whence == SEEK_CUR   ? (sf_count_t)memory->at
			  : whence == SEEK_END ? (sf_count_t)memory->bytes.size
					       : 0;
	if (from + offset < 0 || from + offset > (sf_count_t)memory->bytes.size)
		return -1;
	memory->at = (size_t)(from + offset);
	return (sf_count_t)memory->at;
}

static sf_count_t memory_write(const void *data, sf_count_t count, void *user)
{
	struct memory *memory = user;
	size_t n = (size_t)count, inside = memory->bytes.size - memory->at;
	inside = inside < n ? inside : n;
	if (inside)
		memcpy(memory->bytes.data + memory->at, data, inside);
	core_text_put(&memory->bytes, (const char *)data + inside, n - inside);
	if (memory->bytes.failed)
		return 0;
	memory->at += n;
	return count;
}

static sf_count_t memory_read(void *data, sf_count_t count, void *user)
{
	struct memory *memory = user;
	size_t n = memory->bytes.size - memory->at;
	n = n < (size_t)count ? n : (size_t)count;
	if (n)
		memcpy(data, memory->bytes.data + memory->at, n);
	memory->at += n;
	return (sf_count_t)n;
}

static sf_count_t memory_tell(void *user)
{
	struct memory *memory = user;
	return (sf_count_t)memory->at;
}

static fv_status encode(fv_ctx *ctx, const char *path, bool wav, const char *comment,
	const int16_t *x, size_t n, struct memory *memory)
{
	SF_VIRTUAL_IO io = {memory_size, memory_seek, memory_read, memory_write, memory_tell};
	SF_INFO info = {.samplerate = CORE_SYNTH_RATE_HZ, .channels = 1};
	info.format = (wav ? SF_FORMAT_WAV : SF_FORMAT_FLAC) | SF_FORMAT_PCM_16;
	SNDFILE *file = sf_open_virtual(&io, SFM_WRITE, &info, memory);
	if (!file)
		return fv_fail(ctx, FV_FAILED, "%s: %s", path, sf_strerror(NULL));
	int bad = sf_set_string(file, SF_STR_COMMENT, comment);
	bad = bad || sf_write_short(file, x, (sf_count_t)n) != (sf_count_t)n;
	bad = sf_close(file) || bad || memory->bytes.failed;
	return bad ? fv_fail(ctx, FV_FAILED, "%s: cannot be encoded", path) : FV_OK;
}

/* What stands at a path where a recording should be. */
enum found { NOTHING, SAME, OTHER, FOREIGN };

static enum found look(const char *path, const char *comment, long long *samples)
{
	SF_INFO info = {0};
	short chunk[4096];
	if (!core_file_exists(path))
		return NOTHING;
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	const char *text = file ? sf_get_string(file, SF_STR_COMMENT) : NULL;
	enum found found = FOREIGN;
	if (text && !strncmp(text, CORE_SYNTH_MARK, strlen(CORE_SYNTH_MARK)))
		found = strcmp(text, comment) ? OTHER : SAME;
	if (found == SAME) { /* a copy cut short decodes to fewer samples than its header says */
		sf_count_t total = 0, n;
		while ((n = sf_read_short(file, chunk, 4096)) > 0)
			total += n;
		found = total == info.frames && total > 0 ? SAME : OTHER;
		*samples = total;
	}
	if (file)
		sf_close(file);
	return found;
}

/* --- one utterance
 * --------------------------------------------------------------------------------- */

static char *path_of(fv_ctx *ctx, const core_synth_plan *plan, int64_t index, bool wav)
{
	const char *stem = plan->utterances[index].stem;
	char *name = core_format(ctx, "%s.%s", stem, wav ? "wav" : "flac");
	return name ? core_path_join(ctx, plan->options->out, name) : NULL;
}

static fv_status make(fv_ctx *ctx, const core_synth_plan *plan, int64_t index, const char *path,
	const char *comment, long long *samples)
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
	struct memory memory = {.at = 0};
	if (!status)
		status = encode(ctx, path, options->wav, comment, recording, n, &memory);
	if (!status)
		status = core_file_write(ctx, path, memory.bytes.data, memory.bytes.size);
	*samples = (long long)n;
	core_text_free(&memory.bytes);
	free(recording);
	free(speech);
	return status;
}

/* The same recording of an earlier run in the other format: two files of one stem are an error. */
static fv_status drop_other_format(fv_ctx *ctx, const core_synth_plan *plan, int64_t index)
{
	long long samples;
	char *path = path_of(ctx, plan, index, !plan->options->wav);
	if (!path)
		return FV_FAILED;
	if (look(path, "", &samples) == OTHER && unlink(path))
		return fv_fail(ctx, FV_FAILED, "%s: %s", path, strerror(errno));
	return FV_OK;
}

static fv_status utterance(fv_ctx *ctx, struct job *job, int64_t index)
{
	const core_synth_plan *plan = job->plan;
	char comment[128];
	long long samples = 0;
	char *path = path_of(ctx, plan, index, plan->options->wav);
	fv_status status = path ? core_synth_comment(ctx, plan, index, comment) : FV_FAILED;
	if (status)
		return status;
	enum found found = look(path, comment, &samples);
	if (found == FOREIGN)
		return fv_fail(ctx, FV_CONFIG,
			"%s: is there already and not from fairvox synth; choose another folder",
			path);
	if (found != SAME) {
		status = make(ctx, plan, index, path, comment, &samples);
		atomic_fetch_add(&job->made, 1);
	}
	if (!status)
		status = drop_other_format(ctx, plan, index);
	atomic_fetch_add(&job->samples, samples);
	atomic_fetch_add(&job->done, 1);
	return status;
}

static bool stopped(const core_synth_options *options)
{
	return options->stop && *options->stop;
}

static void *work(void *user)
{
	struct worker *worker = user;
	struct job *job = worker->job;
	while (!worker->status && !atomic_load(&job->failed) && !stopped(job->plan->options)) {
		int64_t index = atomic_fetch_add(&job->next, 1);
		if (index >= job->plan->n)
			break;
		worker->status = utterance(worker->ctx, job, index);
	}
	if (worker->status)
		atomic_store(&job->failed, true);
	pthread_mutex_lock(&job->lock);
	job->running--;
	pthread_cond_signal(&job->changed);
	pthread_mutex_unlock(&job->lock);
	return NULL;
}

/* --- the workers together
 * -------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits for the workers' end. Tells the progress five times a second on a terminal, and as a line
 * of the log every minute. */
static void watch(fv_ctx *ctx, struct job *job)
{
	double begin = now(), told = begin;
	pthread_mutex_lock(&job->lock);
	while (job->running) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += 200000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&job->changed, &job->lock, &until);
		long long done = atomic_load(&job->done), n = job->plan->n;
		if (!job->running || !done)
			continue;
		double left = (now() - begin) * (double)(n - done) / (double)done;
		bool line = now() - told >= 60;
		core_log(ctx, line ? CORE_INFO : CORE_PROGRESS,
			"synth: %lld of %lld utterances, about %.0f s left", done, n, left);
		told = line ? now() : told;
	}
	pthread_mutex_unlock(&job->lock);
}

static fv_status begin_worker(fv_ctx *ctx, struct job *job, struct worker *worker)
{
	worker->job = job;
	worker->ctx = core_ctx_new();
	if (!worker->ctx)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	core_ctx_copy_log(worker->ctx, ctx);
	pthread_mutex_lock(&job->lock);
	job->running++;
	pthread_mutex_unlock(&job->lock);
	int error = pthread_create(&worker->thread, NULL, work, worker);
	if (!error)
		return FV_OK;
	pthread_mutex_lock(&job->lock);
	job->running--;
	pthread_mutex_unlock(&job->lock);
	core_ctx_free(worker->ctx);
	worker->ctx = NULL;
	return fv_fail(ctx, FV_FAILED, "no thread can be started: %s", strerror(error));
}

/* Joins it and takes over what it recorded. */
static fv_status end_worker(fv_ctx *ctx, struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	for (size_t i = 0; core_error_line(worker->ctx, i); i++)
		(void)fv_fail(
			ctx, core_error_status(worker->ctx), "%s", core_error_line(worker->ctx, i));
	core_ctx_free(worker->ctx);
	return worker->status;
}

static fv_status run_workers(fv_ctx *ctx, struct job *job, int32_t n)
{
	fv_status status = FV_OK;
	int32_t begun = 0;
	struct worker *workers = core_alloc(ctx, (size_t)n, sizeof *workers);
	if (!workers)
		return FV_FAILED;
	while (begun < n && !status) {
		status = begin_worker(ctx, job, &workers[begun]);
		begun += !status;
	}
	if (status)
		atomic_store(&job->failed, true);
	watch(ctx, job);
	for (int32_t i = 0; i < begun; i++) {
		fv_status one = end_worker(ctx, &workers[i]);
		if (one && (!status || status == FV_STOPPED))
			status = one;
	}
	return status;
}

static fv_status make_all(fv_ctx *ctx, const core_synth_plan *plan, core_synth_summary *summary)
{
	struct job job = {.plan = plan};
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&job.changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&job.lock, NULL);
	int32_t jobs = plan->options->jobs;
	fv_status status = run_workers(ctx, &job, jobs < plan->n ? jobs : (int32_t)plan->n);
	pthread_cond_destroy(&job.changed);
	pthread_mutex_destroy(&job.lock);
	*summary = (core_synth_summary){.n = plan->n,
		.made = atomic_load(&job.made),
		.kept = atomic_load(&job.done) - atomic_load(&job.made),
		.n_speakers = plan->n_speakers,
		.seconds = (double)atomic_load(&job.samples) / CORE_SYNTH_RATE_HZ};
	memcpy(summary->espeak_version, plan->espeak.version, sizeof summary->espeak_version);
	return status || !stopped(plan->options) ? status : FV_STOPPED;
}

/* --- the folder
 * ------------------------------------------------------------------------------------ */

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
	if (!status)
		status = make_all(ctx, plan, summary);
	return status ? status : core_synth_finish(ctx, plan, summary->seconds);
}

fv_status core_synth_run(
	fv_ctx *ctx, const core_synth_options *options, core_synth_summary *summary)
{
	core_synth_plan plan = {.espeak = {.program = options->program, .stop = options->stop}};
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
