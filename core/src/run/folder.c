/* SPDX-License-Identifier: Apache-2.0 */
#include "run/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/io.h"
#include "base/lockstep.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "base/visible.h"

/* empty at first; when the run is done, the seconds that it took and the time at which it ended */
#define BEGUN ".begun"
#define CHECKPOINT "checkpoint.safetensors"

/* Files that every finished run has. */
static const char *const outputs[] = {"config.yaml", "env.json", "metrics.json", "metrics.jsonl",
	"predictions.csv", "model.safetensors", "log"};

bool core_folder_is_done(fv_ctx *ctx, const core_run *run)
{
	char *path = core_path_join(ctx, run->dir, "done"), *text;
	size_t size;
	if (!path || !core_is_file(path))
		return false;
	if (core_file_read(ctx, path, 1 << 20, &text, &size)) {
		core_error_clear(ctx);
		return false;
	}
	if (strcmp(text, run->fingerprint))
		return false;
	for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
		path = core_path_join(ctx, run->dir, outputs[i]);
		if (!path || !core_is_file(path))
			return false;
	}
	return true;
}

/* The file beside the folder that holds the reason of a failure where the folder cannot. */
static char *find_failure_beside(fv_ctx *ctx, const char *dir)
{
	return core_format(ctx, "%s.failed", dir);
}

/* Removes results of another fingerprint, reasons of failures and temporary files of a killed run,
 * `done` first. The lease stays, and with `resume` also the checkpoint of an interrupted run. */
static fv_status remove_old_files(fv_ctx *ctx, const char *dir, bool resume)
{
	char *done = core_path_join(ctx, dir, "done"), *beside = find_failure_beside(ctx, dir);
	if (!done || !beside)
		return FV_FAILED;
	unlink(beside);
	if (unlink(done) && errno != ENOENT)
		return fv_fail(ctx, FV_FAILED, "%s: %s", done, strerror(errno));
	DIR *entries = opendir(dir);
	if (!entries)
		return fv_fail(ctx, FV_FAILED, "%s: %s", dir, strerror(errno));
	for (struct dirent *entry; (entry = readdir(entries));)
		if (!core_lease_owns_name(entry->d_name) && entry->d_type != DT_DIR &&
			!(resume && !strcmp(entry->d_name, CHECKPOINT)))
			unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
	return FV_OK;
}

fv_status core_folder_lock(
	fv_ctx *ctx, const core_run *run, core_lease_view *view, core_folder *folder, bool *taken)
{
	core_lease_view nothing = {0};
	*folder = (core_folder){.dir = run->dir, .begun_s = core_lockstep_clock_s()};
	fv_status status = core_make_dirs(ctx, run->dir);
	if (!status)
		status = core_lease_try(ctx, run->dir, view ? view : &nothing, &folder->lease);
	*taken = folder->lease != NULL;
	return status;
}

/* Writes the file that shows that an attempt has begun. */
static fv_status write_begun(fv_ctx *ctx, const char *dir, const char *text)
{
	char *path = core_path_join(ctx, dir, BEGUN);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
	if (!path)
		return FV_FAILED;
	int error = fd < 0 ? errno : core_write_fully(fd, text, strlen(text)) ? errno : 0;
	if (fd >= 0 && close(fd) && !error)
		error = errno;
	return error ? fv_fail(ctx, FV_FAILED, "%s: %s", path, strerror(error)) : FV_OK;
}

fv_status core_folder_claim(fv_ctx *ctx, const core_run *run, bool force, core_lease_view *view,
	core_folder *folder, core_folder_answer *end)
{
	bool taken = false;
	*folder = (core_folder){.dir = run->dir};
	*end = CORE_WAS_DONE;
	if (!force && core_folder_is_done(ctx, run))
		return FV_OK;
	fv_status status = core_folder_lock(ctx, run, view, folder, &taken);
	if (status)
		return status;
	*end = taken ? CORE_CLAIMED : CORE_TAKEN;
	if (!taken)
		return FV_OK;
	if (!force && core_folder_is_done(ctx, run)) {
		*end = CORE_WAS_DONE;
		core_folder_release(folder);
		return FV_OK;
	}
	status = remove_old_files(ctx, run->dir, !force);
	if (!status)
		status = write_begun(ctx, run->dir, "");
	if (status)
		core_folder_release(folder);
	return status;
}

bool core_folder_is_kept(const core_folder *folder)
{
	return core_lease_is_kept(folder->lease);
}

fv_status core_folder_remove(fv_ctx *ctx, const char *dir)
{
	core_lease_view view = {0};
	core_lease *lease;
	fv_status status = core_lease_try(ctx, dir, &view, &lease);
	if (status || !lease)
		return status;
	status = remove_old_files(ctx, dir, false);
	if (status) {
		core_lease_release(lease);
		return status;
	}
	core_lease_remove(lease);
	/* A process that has just taken the lease keeps the folder. */
	if (rmdir(dir) && errno != ENOTEMPTY && errno != EEXIST)
		return fv_fail(ctx, FV_FAILED, "%s: %s", dir, strerror(errno));
	return FV_OK;
}

fv_status core_folder_write(
	fv_ctx *ctx, const core_folder *folder, const char *name, const void *data, size_t size)
{
	char *path = core_path_join(ctx, folder->dir, name);
	return path ? core_file_write(ctx, path, data, size) : FV_FAILED;
}

char *core_folder_find_checkpoint(fv_ctx *ctx, const core_folder *folder)
{
	return core_path_join(ctx, folder->dir, CHECKPOINT);
}

/* Does the last failure say that the disk is full? */
static bool tells_of_room(const fv_ctx *ctx)
{
	const char *line = core_error_line(ctx, core_error_lines(ctx) - 1);
	return line && (strstr(line, strerror(ENOSPC)) || strstr(line, strerror(EDQUOT)));
}

bool core_folder_make_room(fv_ctx *ctx, const core_folder *folder)
{
	char *checkpoint = tells_of_room(ctx) ? core_folder_find_checkpoint(ctx, folder) : NULL;
	if (!checkpoint || unlink(checkpoint))
		return false;
	core_error_clear(ctx);
	return true;
}

/* Reports that the files of a run are not there, or cannot be read, although they have just been written. */
static fv_status report_lost(fv_ctx *ctx, const core_folder *folder)
{
	char *done = core_path_join(ctx, folder->dir, "done");
	if (done && core_has_disk_error(done))
		return fv_fail(ctx, FV_FAILED, "%s: %s", done, strerror(EIO));
	return fv_fail(ctx, FV_FAILED,
		"%s: what was just written cannot be read back: the file system lost files, "
		"or another program removed them",
		folder->dir);
}

fv_status core_folder_finish(fv_ctx *ctx, const core_folder *folder, const core_run *run)
{
	char *checkpoint = core_folder_find_checkpoint(ctx, folder);
	if (!checkpoint)
		return FV_FAILED;
	if (unlink(checkpoint) && errno != ENOENT)
		return fv_fail(ctx, FV_FAILED, "%s: %s", checkpoint, strerror(errno));
	char took[64];
	snprintf(took, sizeof took, "%.3f %lld\n", core_lockstep_clock_s() - folder->begun_s,
		(long long)time(NULL));
	fv_status status = write_begun(ctx, folder->dir, took);
	if (!status)
		status = core_folder_write(
			ctx, folder, "done", run->fingerprint, strlen(run->fingerprint));
	if (!status && !core_folder_is_done(ctx, run))
		status = report_lost(ctx, folder);
	if (status) { /* its folder could not be synced: the run failed, and nothing says that it is done */
		char *done = core_path_join(ctx, folder->dir, "done");
		if (done)
			unlink(done);
	}
	return status;
}

void core_folder_fail(fv_ctx *ctx, const core_folder *folder)
{
	core_text text = {0};
	int lack = core_memory_lack();
	for (size_t i = 0; core_error_line(ctx, i); i++)
		core_text_add(&text, "%s\n", core_error_line(ctx, i));
	if (!text.failed) /* the reason lacks nothing, and may be that memory ran out */
		core_memory_forget();
	/* On a full disk this fails too; the messages on stderr then tell why. */
	if (text.data && core_folder_write(ctx, folder, "failed", text.data, text.size))
		core_log(ctx, CORE_WARNING, "%s: the reason of the failure could not be written",
			folder->dir);
	(void)core_memory_note_lack(lack);
	core_text_free(&text);
}

/* Writes the reason into the folder unless another process computes the run or has finished it. */
static fv_status write_failure(fv_ctx *ctx, const char *dir, const char *reason)
{
	const core_run run = {.dir = dir};
	core_folder folder;
	bool taken;
	fv_status status = core_folder_lock(ctx, &run, NULL, &folder, &taken);
	if (status || !taken)
		return status;
	char *done = core_path_join(ctx, dir, "done");
	if (!done)
		status = FV_FAILED;
	else if (!core_is_file(done))
		status = core_folder_write(ctx, &folder, "failed", reason, strlen(reason));
	core_folder_release(&folder);
	return status;
}

void core_folder_record_failure(fv_ctx *ctx, const char *dir, const char *reason)
{
	fv_ctx *own = core_ctx_aside(ctx);
	char *text = own ? core_format(own, "%s\n", reason) : NULL;
	char *beside = text ? find_failure_beside(own, dir) : NULL;
	if (beside && write_failure(own, dir, text) &&
		core_file_write(own, beside, text, strlen(text)))
		core_log(ctx, CORE_WARNING, "%s: the reason of the failure could not be written",
			dir);
	core_ctx_free(own);
}

fv_status core_folder_read_failure(fv_ctx *ctx, const char *dir, const char **reason)
{
	char *path = core_path_join(ctx, dir, "failed"), *text;
	size_t size;
	*reason = NULL;
	if (path && !core_is_file(path))
		path = find_failure_beside(ctx, dir);
	if (!path)
		return FV_FAILED;
	if (!core_is_file(path))
		return FV_OK;
	fv_status status = core_file_read(ctx, path, 1 << 20, &text, &size);
	if (status)
		return status;
	text[strcspn(text, "\n")] = '\0';
	core_text visible = {0};
	(void)core_put_visible(&visible, text); /* others may have written it */
	*reason = visible.failed ? NULL : core_strdup(ctx, visible.data ? visible.data : "");
	core_text_free(&visible);
	return *reason ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
}

void core_folder_release(core_folder *folder)
{
	core_lease_release(folder->lease);
	folder->lease = NULL;
}

fv_status core_folder_find_state(fv_ctx *ctx, const char *dir, core_lease_view *view,
	core_folder_state *state, const char **reason)
{
	core_lease_view nothing = {0};
	core_lease_state lease;
	bool begun = core_is_dir(dir);
	*state = CORE_FOLDER_RUNNING;
	*reason = NULL;
	fv_status status = core_lease_look(ctx, dir, view ? view : &nothing, &lease);
	if (status || lease != CORE_LEASE_FREE)
		return status;
	status = core_folder_read_failure(ctx, dir, reason);
	*state = *reason ? CORE_FOLDER_FAILED
		 : begun ? CORE_FOLDER_INTERRUPTED
			 : CORE_FOLDER_PENDING;
	return status;
}

fv_status core_folder_times(fv_ctx *ctx, const char *dir, double *seconds, double *ended)
{
	char *path = core_path_join(ctx, dir, BEGUN), *text, *rest = NULL;
	double number[] = {NAN, NAN}, value;
	size_t size;
	*seconds = *ended = NAN;
	if (!path)
		return FV_FAILED;
	if (!core_is_file(path))
		return FV_OK;
	fv_status status = core_file_read(ctx, path, 1 << 12, &text, &size);
	if (status)
		return status;
	for (int k = 0; k < 2; k++) {
		const char *word = strtok_r(k ? NULL : text, " \n", &rest);
		if (word && core_parse_double(word, &value) && value >= 0)
			number[k] = value;
	}
	*seconds = number[0];
	*ended = number[1];
	return FV_OK;
}

int64_t core_folder_count_warnings(fv_ctx *ctx, const char *dir)
{
	static const char mark[] = "warning: ";
	fv_ctx *own = core_ctx_aside(ctx);
	char *path = own ? core_path_join(own, dir, "log") : NULL, *text;
	size_t size;
	int64_t n = 0;
	if (path && !core_file_read(own, path, 1 << 24, &text, &size))
		for (const char *line = text; line; line = strchr(line, '\n')) {
			line += *line == '\n';
			n += !strncmp(line, mark, sizeof mark - 1);
		}
	core_ctx_free(own);
	return n;
}
