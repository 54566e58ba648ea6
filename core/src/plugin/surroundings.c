/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/surroundings.h"

#include <errno.h>
#include <fenv.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define REAP_S 2            /* time for a child process to end on a busy machine */
#define COPY_EXIT 113       /* exit code of a child process that returned from an op */
#define RESTORER 0x04000000 /* SA_RESTORER, which the C library sets on its own */

/* --- floating point ---------------------------------------------------------------------------- */

#ifdef __x86_64__

#define SSE_CONTROL 0xffc0u /* without the exception flags */
#define SSE_ROUNDING 0x6000u
#define X87_ROUNDING 0x0c00u

static void record_floats(core_surroundings *out)
{
	__asm__ volatile("stmxcsr %0" : "=m"(out->sse));
	__asm__ volatile("fnstcw %0" : "=m"(out->x87));
	out->sse &= SSE_CONTROL;
}

static void set_floats(const core_surroundings *to)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(to->sse));
	__asm__ volatile("fldcw %0" : : "m"(to->x87));
}

static bool has_same_rounding(const core_surroundings *a, const core_surroundings *b)
{
	return !((a->sse ^ b->sse) & SSE_ROUNDING) && !((a->x87 ^ b->x87) & X87_ROUNDING);
}

#else

static void record_floats(core_surroundings *out)
{
	out->sse = (uint32_t)fegetround();
	out->x87 = 0;
}

static void set_floats(const core_surroundings *to)
{
	fesetround((int)to->sse);
}

static bool has_same_rounding(const core_surroundings *a, const core_surroundings *b)
{
	return a->sse == b->sse;
}

#endif

/* --- recording ---------------------------------------------------------------------------------- */

static struct core_disposition read_disposition(int number)
{
	struct sigaction action;
	struct core_disposition out = {0};
	memset(&action, 0, sizeof action);
	if (sigaction(number, NULL, &action))
		return out; /* a signal reserved by the C library */
	out.handler = action.sa_handler;
	out.flags = action.sa_flags & ~RESTORER;
	memcpy(&out.blocked, &action.sa_mask, sizeof out.blocked);
	return out;
}

static mode_t read_file_mask(void)
{
	mode_t mask = umask(077);
	umask(mask);
	return mask;
}

static void record_folder(core_surroundings *out)
{
	struct stat st;
	if (!getcwd(out->folder, sizeof out->folder) || stat(".", &st)) {
		out->folder[0] = '\0';
		return;
	}
	out->device = st.st_dev;
	out->inode = st.st_ino;
}

void core_surroundings_record(core_surroundings *out)
{
	const char *locale = setlocale(LC_ALL, NULL);
	out->pid = getpid();
	record_folder(out);
	record_floats(out);
	bool fits = locale && strlen(locale) < sizeof out->locale;
	strcpy(out->locale, fits ? locale : "");
	out->thread_locale = uselocale((locale_t)0);
	for (int i = 1; i <= CORE_SIGNALS; i++)
		out->signal[i] = read_disposition(i);
	memset(&out->blocked, 0, sizeof out->blocked);
	pthread_sigmask(SIG_SETMASK, NULL, &out->blocked);
	out->file_mask = read_file_mask();
}

/* --- what has changed --------------------------------------------------------------------------- */

struct changes {
	char *text;
	size_t size, used;
	int n;
	char last[64]; /* the last change, kept back until it is known whether "and" precedes it */
};

static void append_words(struct changes *c, const char *before, const char *what)
{
	if (c->used < c->size)
		c->used += (size_t)snprintf(
			c->text + c->used, c->size - c->used, "%s%s", before, what);
}

static void add_change(struct changes *c, const char *what)
{
	if (c->n)
		append_words(c, c->n > 1 ? ", " : "", c->last);
	snprintf(c->last, sizeof c->last, "%s", what);
	c->n++;
}

static void restore_folder(const core_surroundings *before, struct changes *c)
{
	char now[PATH_MAX];
	struct stat st;
	if (!before->folder[0] || (getcwd(now, sizeof now) && !strcmp(now, before->folder)))
		return;
	if (!stat(".", &st) && st.st_dev == before->device && st.st_ino == before->inode)
		return; /* the same folder under a new name */
	add_change(c, chdir(before->folder) ? "the working folder, which no longer exists"
					    : "the working folder");
}

static void restore_floats(const core_surroundings *before, struct changes *c)
{
	core_surroundings now;
	record_floats(&now);
	if (now.sse == before->sse && now.x87 == before->x87)
		return;
	set_floats(before);
	add_change(c, has_same_rounding(&now, before) ? "the floating-point settings"
						      : "the rounding mode");
}

static void restore_locale(const core_surroundings *before, struct changes *c)
{
	const char *locale = setlocale(LC_ALL, NULL);
	bool global = before->locale[0] && (!locale || strcmp(locale, before->locale) != 0);
	bool thread = uselocale((locale_t)0) != before->thread_locale;
	if (global)
		setlocale(LC_ALL, before->locale);
	if (thread)
		uselocale(before->thread_locale);
	if (global || thread)
		add_change(c, "the locale");
}

static void restore_handler(int number, const struct core_disposition *before)
{
	struct sigaction action = {.sa_handler = before->handler, .sa_flags = before->flags};
	memcpy(&action.sa_mask, &before->blocked, sizeof before->blocked);
	sigaction(number, &action, NULL);
}

static void restore_signals(const core_surroundings *before, struct changes *c)
{
	int n = 0, first = 0;
	for (int i = 1; i <= CORE_SIGNALS; i++) {
		const struct core_disposition now = read_disposition(i), *was = &before->signal[i];
		if (now.handler == was->handler && now.flags == was->flags &&
			now.blocked == was->blocked)
			continue;
		restore_handler(i, was);
		first = n++ ? first : i;
	}
	char what[48];
	const char *name = n ? sigabbrev_np(first) : NULL;
	if (name)
		snprintf(what, sizeof what, "the handler of SIG%s", name);
	else
		snprintf(what, sizeof what, "the handler of signal %d", first);
	if (n)
		add_change(c, n > 1 ? "signal handlers" : what);
	sigset_t blocked;
	memset(&blocked, 0, sizeof blocked);
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (!memcmp(&blocked, &before->blocked, sizeof blocked))
		return;
	pthread_sigmask(SIG_SETMASK, &before->blocked, NULL);
	add_change(c, "which signals are blocked");
}

static void restore_file_mask(const core_surroundings *before, struct changes *c)
{
	if (umask(before->file_mask) != before->file_mask)
		add_change(c, "the mask of file modes (umask)");
}

bool core_surroundings_restore(const core_surroundings *before, bool all, char *text, size_t size)
{
	struct changes c = {.text = text, .size = size};
	text[0] = '\0';
	restore_folder(before, &c);
	restore_floats(before, &c);
	restore_locale(before, &c);
	if (all) {
		restore_signals(before, &c);
		restore_file_mask(before, &c);
	}
	if (c.n)
		append_words(&c, c.n > 1 ? " and " : "", c.last);
	return c.n > 0;
}

/* --- child processes that fork() made in an op
 * -------------------------------------------------- */

bool core_surroundings_in_copy(const core_surroundings *before)
{
	return getpid() != before->pid;
}

void core_end_copy(void)
{
	_exit(COPY_EXIT);
}

bool core_reap_copies(int *copies)
{
	double until = core_clock_s() + REAP_S;
	const struct timespec pause = {.tv_nsec = 5000000};
	*copies = 0;
	for (;;) {
		int how = 0;
		pid_t pid = waitpid(-1, &how, WNOHANG);
		if (pid < 0 && errno != EINTR)
			return false;
		*copies += pid > 0 && WIFEXITED(how) && WEXITSTATUS(how) == COPY_EXIT;
		if (pid == 0 && core_clock_s() >= until)
			return true;
		if (pid == 0)
			nanosleep(&pause, NULL);
	}
}
