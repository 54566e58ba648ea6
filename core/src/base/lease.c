/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/io.h"
#include "base/lease_file.h"
#include "base/number.h"

#define NAME ".lease-"
#define NEW_NAME ".leasing-" /* and the token: a lease before it is linked */
#define NAME_SIZE 64
#define TRIES 1000     /* of a lease that others take and give back at the same moment */
#define LOOK_EVERY_S 1 /* while waiting */

struct core_lease {
	int dir;
	char name[NAME_SIZE], token[CORE_LEASE_TOKEN];
	int64_t number;
	off_t tail; /* where the last line begins */
	double period_s;
	pthread_t thread;
	sem_t begun;
	int wake[2];      /* a byte ends the thread */
	int64_t count;    /* of the thread alone, while it runs */
	atomic_bool lost; /* another process has succeeded */
};

/* The number of a lease's file; 0 for any other name. */
static int64_t read_number(const char *name)
{
	size_t n = strlen(NAME);
	int64_t number;
	bool good = !strncmp(name, NAME, n) && name[n + strspn(name + n, "0123456789")] == '\0' &&
		    core_parse_int(name + n, &number) && number > 0;
	return good ? number : 0;
}

bool core_lease_owns_name(const char *name)
{
	return read_number(name) > 0 || !strncmp(name, NEW_NAME, strlen(NEW_NAME));
}

static void write_name(char name[NAME_SIZE], int64_t number)
{
	snprintf(name, NAME_SIZE, NAME "%" PRId64, number);
}

/* Finds the highest lease in an open folder, 0: none. With `remove_below` > 0 it removes lower ones than that, and leases that
 * were not linked yet: their makers were killed, or see then that the folder is held. Returns 0, or -1 with errno. */
static int find_highest(int dir, int64_t remove_below, int64_t *highest)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	*highest = 0;
	if (!entries) {
		int reason = errno;
		if (fd >= 0)
			close(fd);
		errno = reason;
		return -1;
	}
	for (struct dirent *entry; (entry = readdir(entries));) {
		int64_t number = read_number(entry->d_name);
		bool unlinked = !strncmp(entry->d_name, NEW_NAME, strlen(NEW_NAME));
		if (unlinked ? remove_below > 0 : number && number < remove_below)
			unlinkat(dir, entry->d_name, 0);
		*highest = number > *highest ? number : *highest;
	}
	closedir(entries);
	return 0;
}

/* Reads a lease's file. It is opened anew each time, because that makes network file systems ask the server. Returns 0, or -1
 * with errno: ENOENT and ESTALE if it is gone. */
static int read_facts(int dir, const char *name, core_lease_facts *out)
{
	char text[CORE_LEASE_TEXT + 1];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	ssize_t n = core_read_fully(fd, text, CORE_LEASE_TEXT);
	int reason = errno;
	close(fd);
	errno = reason;
	if (n < 0)
		return -1;
	text[n] = '\0';
	core_lease_parse(text, (size_t)n, out);
	return 0;
}

static bool is_gone(int reason)
{
	return reason == ENOENT || reason == ESTALE;
}

/* ---- observing ---- */

/* Updates the view, and says what it tells. */
static core_lease_state judge_lease(const core_lease_facts *facts, core_lease_view *view)
{
	double now = core_clock_s();
	bool same = view->period_s > 0 && !strcmp(view->token, facts->token);
	if (!facts->held)
		return CORE_LEASE_FREE;
	if (!same || view->count != facts->count) {
		view->moved = same;
		memcpy(view->token, facts->token, sizeof view->token);
		view->count = facts->count;
		view->since_s = now;
	}
	memcpy(view->host, facts->host, sizeof view->host);
	view->process = facts->process;
	view->period_s = facts->period_s;
	switch (core_lease_find_life(facts)) {
	case CORE_LEASE_ALIVE:
		return CORE_LEASE_HELD;
	case CORE_LEASE_DEAD:
		return CORE_LEASE_FREE;
	case CORE_LEASE_UNKNOWN:
		break;
	}
	if (now - view->since_s >= CORE_LEASE_DEAD_PERIODS * view->period_s)
		return CORE_LEASE_FREE;
	return view->moved ? CORE_LEASE_HELD : CORE_LEASE_UNSURE;
}

/* Looks at the highest lease of an open folder. *number is 0 without one. Returns 0, or -1 with errno. */
static int look_at(int dir, core_lease_view *view, int64_t *number, core_lease_state *state)
{
	char name[NAME_SIZE];
	core_lease_facts facts;
	*state = CORE_LEASE_FREE;
	for (int tries = 0; tries < TRIES; tries++) {
		if (find_highest(dir, 0, number))
			return -1;
		if (!*number)
			return 0;
		write_name(name, *number);
		if (!read_facts(dir, name, &facts)) {
			*state = judge_lease(&facts, view);
			return 0;
		}
		if (!is_gone(errno))
			return -1;
	}
	errno = EBUSY;
	return -1;
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

fv_status core_lease_look(
	fv_ctx *ctx, const char *dir, core_lease_view *view, core_lease_state *state)
{
	int64_t number;
	int fd = open_folder(dir);
	*state = CORE_LEASE_FREE;
	if (fd < 0 && (is_gone(errno) || errno == ENOTDIR))
		return FV_OK;
	int failed = fd < 0 ? -1 : look_at(fd, view, &number, state);
	int reason = errno;
	if (fd >= 0)
		close(fd);
	if (failed && !is_gone(reason))
		return fv_fail(ctx, FV_FAILED, "%s: %s", dir, strerror(reason));
	return FV_OK;
}

/* ---- holding ---- */

/* Raises the counter in the file, or marks it free. Returns false if the file is gone: another process has succeeded. */
static bool write_tail(const core_lease *lease, bool held)
{
	char tail[CORE_LEASE_TAIL + 1];
	core_lease_tail(tail, held, lease->count);
	int fd = openat(lease->dir, lease->name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return !is_gone(errno);
	/* if it cannot be written, the next count may succeed */
	(void)core_pwrite_fully(fd, tail, CORE_LEASE_TAIL, lease->tail);
	close(fd);
	return true;
}

static void *count_up(void *user)
{
	core_lease *lease = user;
	struct pollfd wake = {.fd = lease->wake[0], .events = POLLIN};
	sem_post(&lease->begun);
	double next = core_clock_s();
	for (;;) {
		next += lease->period_s;
		double left_s = next - core_clock_s();
		int ready = poll(&wake, 1, left_s > 0 ? (int)(1000 * left_s) + 1 : 0);
		if (ready > 0)
			return NULL;
		if (core_clock_s() < next)
			next -= lease->period_s; /* woken early */
		else if (lease->count++, !write_tail(lease, true))
			atomic_store(&lease->lost, true);
	}
}

/* The thread gets no signals, which the others wait for. It has begun when this returns: AddressSanitizer holds locks while
 * a thread begins, and a copy of the process made by fork() meanwhile would wait for them for ever. */
static int start_counting(core_lease *lease)
{
	sigset_t all, before;
	if (pipe2(lease->wake, O_CLOEXEC))
		return errno;
	sem_init(&lease->begun, 0, 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&lease->thread, NULL, count_up, lease);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	while (!failed && sem_wait(&lease->begun)) {
		/* a signal came */
	}
	sem_destroy(&lease->begun);
	if (failed) {
		close(lease->wake[0]);
		close(lease->wake[1]);
	}
	return failed;
}

static void stop_counting(core_lease *lease)
{
	(void)core_write_fully(lease->wake[1], "", 1);
	pthread_join(lease->thread, NULL);
	close(lease->wake[0]);
	close(lease->wake[1]);
}

/* ---- taking a lease ---- */

static int write_file(int dir, const char *name, const core_lease_text *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return -1;
	/* Closing it is enough for other machines to see it; a lease need not outlive this one. */
	int failed = core_write_fully(fd, text->text, text->size), reason = errno;
	if (close(fd) && !failed) {
		failed = -1;
		reason = errno;
	}
	if (failed)
		unlinkat(dir, name, 0);
	errno = reason;
	return failed;
}

/* Makes the file of a lease with its whole content, unless it exists: by a link, or where the file system has none by an
 * exclusive open. Returns 0, or -1 with errno, EEXIST if another process was first. */
static int make_file(int dir, const char *name, const core_lease_text *text)
{
	char new[NAME_SIZE];
	snprintf(new, sizeof new, NEW_NAME "%s", text->token);
	if (write_file(dir, new, text))
		return -1;
	int failed = linkat(dir, new, dir, name, 0), reason = errno;
	unlinkat(dir, new, 0);
	if (failed && (reason == EPERM || reason == EOPNOTSUPP || reason == ENOSYS))
		return write_file(dir, name, text);
	errno = reason;
	return failed;
}

static bool holds_token(int dir, const char *name, const char *token)
{
	core_lease_facts facts;
	return !read_facts(dir, name, &facts) && facts.readable && !strcmp(facts.token, token);
}

/* Reads back that the lease is ours, that it is the highest, and that the one it succeeds was still there: otherwise a third
 * process had succeeded that one before. */
static bool check_lease(int dir, const core_lease *lease)
{
	char before[NAME_SIZE];
	core_lease_facts facts;
	int64_t highest;
	write_name(before, lease->number - 1);
	return holds_token(dir, lease->name, lease->token) &&
	       (lease->number == 1 || !read_facts(dir, before, &facts)) &&
	       !find_highest(dir, 0, &highest) && highest == lease->number;
}

/* Makes lease `number` and checks it. *taken is false if another process was faster. Returns 0, or -1 with errno. */
static int try_number(
	int dir, int64_t number, const core_lease_text *text, core_lease *lease, bool *taken)
{
	int64_t highest;
	lease->number = number;
	lease->tail = (off_t)(text->size - CORE_LEASE_TAIL);
	lease->period_s = text->period_s;
	memcpy(lease->token, text->token, sizeof lease->token);
	write_name(lease->name, number);
	*taken = false;
	if (make_file(dir, lease->name, text)) {
		/* The answer of a server to a successful link may have been lost. ENOENT: the holder of the folder has swept
		 * it. */
		int reason = errno;
		if (reason != EEXIST && !is_gone(reason))
			return -1;
		if (!holds_token(dir, lease->name, lease->token))
			return 0;
	}
	if (!check_lease(dir, lease)) {
		unlinkat(dir, lease->name, 0);
		return 0;
	}
	*taken = true;
	(void)find_highest(dir, number, &highest);
	return 0;
}

/* A short pause of another length in every process, so that two that hinder each other part. */
static void pause_shortly(int tries)
{
	struct timespec time = {
		.tv_nsec = 100000L * (1 + (getpid() * 7919L + tries * 104729L) % 50)};
	nanosleep(&time, NULL);
}

/* Returns 0, or -1 with errno. *taken is false if another process holds the folder. */
static int lease_folder(
	core_lease *lease, core_lease_view *view, const core_lease_text *text, bool *taken)
{
	*taken = false;
	for (int tries = 0; tries < TRIES; tries++) {
		int64_t number;
		core_lease_state state;
		if (look_at(lease->dir, view, &number, &state))
			return -1;
		if (state != CORE_LEASE_FREE)
			return 0;
		if (try_number(lease->dir, number + 1, text, lease, taken))
			return -1;
		if (*taken)
			return 0;
		pause_shortly(tries);
	}
	errno = EBUSY;
	return -1;
}

static void free_lease(core_lease *lease)
{
	if (lease->dir >= 0)
		close(lease->dir);
	free(lease);
}

fv_status core_lease_try(fv_ctx *ctx, const char *dir, core_lease_view *view, core_lease **out)
{
	core_lease_text text;
	core_lease *lease = calloc(1, sizeof *lease);
	bool taken = false;
	*out = NULL;
	if (!lease)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	lease->dir = open_folder(dir);
	fv_status status = FV_OK;
	if (lease->dir < 0)
		status = fv_fail(ctx, FV_FAILED, "%s: %s", dir, strerror(errno));
	if (!status)
		status = core_lease_describe(ctx, &text);
	if (!status && lease_folder(lease, view, &text, &taken))
		status = fv_fail(
			ctx, FV_FAILED, "%s: the lease cannot be taken: %s", dir, strerror(errno));
	int failed = taken ? start_counting(lease) : 0;
	if (failed) {
		(void)write_tail(lease, false);
		status = fv_fail(ctx, FV_FAILED, "%s: no thread: %s", dir, strerror(failed));
	}
	if (status || !taken)
		free_lease(lease);
	else
		*out = lease;
	return status;
}

fv_status core_lease_wait(fv_ctx *ctx, const char *dir, const char *what, core_lease **out)
{
	static const struct timespec pause = {.tv_sec = LOOK_EVERY_S};
	core_lease_view view = {0};
	for (bool told = false;;) {
		fv_status status = core_make_dirs(ctx, dir);
		if (status)
			return status;
		core_mark before = core_ctx_mark(ctx);
		status = core_lease_try(ctx, dir, &view, out);
		if (status || *out)
			return status;
		core_ctx_release(ctx, before);
		if (!told)
			core_log(ctx, CORE_INFO, "%s (process %" PRId64 " on %s): waiting for it",
				what, view.process, *view.host ? view.host : "another machine");
		told = true;
		nanosleep(&pause, NULL);
	}
}

bool core_lease_is_kept(const core_lease *lease)
{
	int64_t highest;
	return !atomic_load(&lease->lost) && holds_token(lease->dir, lease->name, lease->token) &&
	       (find_highest(lease->dir, 0, &highest) || highest == lease->number);
}

void core_lease_release(core_lease *lease)
{
	if (!lease)
		return;
	stop_counting(lease);
	if (holds_token(lease->dir, lease->name, lease->token))
		(void)write_tail(lease, false);
	free_lease(lease);
}

void core_lease_remove(core_lease *lease)
{
	stop_counting(lease);
	unlinkat(lease->dir, lease->name, 0);
	free_lease(lease);
}
