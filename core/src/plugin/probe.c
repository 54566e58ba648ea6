/* SPDX-License-Identifier: Apache-2.0 */
/* A child process examines the files in turn and writes a line for each, "+" or "-reason". When it
 * dies, the file it was examining is refused with the cause, and a new child continues with the
 * next file. */
#include "plugin/probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fairvox/plugin.h>

#include "base/io.h"
#include "plugin/descriptor.h"
#include "plugin/elf.h"

#define PROBE_SECONDS 10
#define REASON_SIZE 400

static bool examine_file(const core_candidate *candidate, char *reason, size_t size)
{
	if (!core_elf_check(candidate->path, reason, size))
		return false;
	errno = 0;
	void *handle = dlopen(candidate->path, RTLD_NOW | RTLD_LOCAL);
	if (!handle && errno == ENOMEM) { /* the loader's own words seldom say so */
		snprintf(reason, size, "out of memory");
		return false;
	}
	if (!handle) {
		const char *error = dlerror();
		size_t n = strlen(candidate->path);
		if (error && !strncmp(error, candidate->path, n) && error[n] == ':')
			error += n + 2;
		snprintf(reason, size, "%s", error ? error : "cannot be loaded");
		return false;
	}
	fv_entry entry;
	*(void **)&entry = dlsym(handle, FV_ENTRY_SYMBOL);
	if (!entry) {
		snprintf(reason, size, "does not export %s", FV_ENTRY_SYMBOL);
		return false;
	}
	return core_descriptor_check(entry(), candidate->name, reason, size);
}

static _Noreturn void run_child(const core_candidate *candidate, size_t n, int out)
{
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nowhere >= 0)
		dup2(nowhere, STDOUT_FILENO); /* the one that loads the file tells what it prints */
	for (size_t i = 0; i < n; i++) {
		char reason[REASON_SIZE] = "", line[REASON_SIZE + 4];
		bool good =
			candidate[i].reason || examine_file(&candidate[i], reason, sizeof reason);
		for (char *p = reason; *p; p++)
			if (*p == '\n')
				*p = ' ';
		int size = snprintf(line, sizeof line, "%c%s\n", good ? '+' : '-', reason);
		if (core_write_fully(out, line, (size_t)size))
			_exit(1);
	}
	_exit(0);
}

struct answers {
	char text[REASON_SIZE + 8];
	size_t used, done;
};

/* Removes complete lines from `a` and stores them as the verdicts on candidates. */
static fv_status parse_verdicts(fv_ctx *ctx, core_candidate *candidate, size_t n, struct answers *a)
{
	char *newline;
	while (a->done < n && (newline = memchr(a->text, '\n', a->used))) {
		*newline = '\0';
		if (a->text[0] == '-') {
			candidate[a->done].reason = core_strdup(ctx, a->text + 1);
			if (!candidate[a->done].reason)
				return FV_FAILED;
		}
		a->done++;
		size_t size = (size_t)(newline - a->text) + 1;
		memmove(a->text, newline + 1, a->used - size);
		a->used -= size;
	}
	return FV_OK;
}

/* Reads until the child is done, dead or silent for too long; true when it was silent. */
static bool await_verdicts(fv_ctx *ctx, int in, core_candidate *candidate, size_t n,
	struct answers *a, fv_status *status)
{
	while (a->done < n && !*status) {
		struct pollfd wait = {.fd = in, .events = POLLIN};
		int ready = poll(&wait, 1, PROBE_SECONDS * 1000);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return true;
		if (a->used == sizeof a->text)
			return false;
		ssize_t got = core_read_some(in, a->text + a->used, sizeof a->text - a->used);
		if (got <= 0)
			return false;
		a->used += (size_t)got;
		*status = parse_verdicts(ctx, candidate, n, a);
	}
	return false;
}

static const char *describe_death(fv_ctx *ctx, bool silent, int how)
{
	if (silent)
		return core_format(ctx, "hangs when it is loaded (over %d s)", PROBE_SECONDS);
	if (WIFSIGNALED(how))
		return core_format(ctx, "crashes when it is loaded (%s)", strsignal(WTERMSIG(how)));
	return core_format(ctx, "ends the program when it is loaded (exit code %d)",
		WIFEXITED(how) ? WEXITSTATUS(how) : -1);
}

/* Examines candidates in order until the child dies; *done, at least 1, counts those with a
 * verdict. */
static fv_status probe_until_death(fv_ctx *ctx, core_candidate *candidate, size_t n, size_t *done)
{
	int pipe_fd[2];
	if (pipe2(pipe_fd, O_CLOEXEC))
		return fv_fail(ctx, FV_FAILED, "cannot create a pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid < 0) {
		close(pipe_fd[0]);
		close(pipe_fd[1]);
		return fv_fail(ctx, FV_FAILED, "cannot create a process: %s", strerror(errno));
	}
	if (pid == 0) {
		close(pipe_fd[0]);
		run_child(candidate, n, pipe_fd[1]);
	}
	close(pipe_fd[1]);
	struct answers a = {.used = 0};
	fv_status status = FV_OK;
	bool silent = await_verdicts(ctx, pipe_fd[0], candidate, n, &a, &status);
	close(pipe_fd[0]);
	int how = 0;
	if (silent)
		kill(pid, SIGKILL);
	(void)core_wait_child(pid, &how);
	*done = a.done;
	if (status || a.done == n)
		return status;
	candidate[a.done].reason = describe_death(ctx, silent, how);
	if (!candidate[a.done].reason)
		return FV_FAILED;
	*done = a.done + 1;
	return FV_OK;
}

fv_status core_probe_files(fv_ctx *ctx, core_candidate *candidate, size_t n)
{
	for (size_t at = 0; at < n;) {
		size_t done = 0;
		fv_status status = probe_until_death(ctx, candidate + at, n - at, &done);
		if (status)
			return status;
		at += done;
	}
	return FV_OK;
}
