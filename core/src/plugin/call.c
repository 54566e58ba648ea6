/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/call.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <fairvox/status.h>

#include "base/fence.h"
#include "plugin/noise.h"
#include "plugin/registry.h"

#define ALT_STACK 65536
#define RUST_MAX 32
#define EXPLANATION 448 /* bytes of what a signal meant */
#define NULL_PAGE 65536 /* addresses below are null pointers, with an index or a member */
#define SHORTER "became shorter while it was read"

/* Signal handlers need these. */
static struct {
	core_call own, *current;
	bool worker;
	double limit_s;
	const char *absent; /* what is NULL in the call; NULL: not known */
	const char *rust[RUST_MAX];
	size_t n_rust;
	void (*terminate)(void); /* of the C++ library */
	void *cpp;
	char stack[ALT_STACK]; /* for handlers after a stack overflow */
} process = {.current = &process.own, .limit_s = CORE_CALL_LIMIT_S};

core_call *core_call_current(void)
{
	return process.current;
}

bool core_call_is_worker(void)
{
	return process.worker;
}

void core_call_set_limit(double seconds)
{
	process.limit_s = seconds;
}

double core_call_limit(void)
{
	return process.limit_s;
}

void core_call_set_absent(const char *text)
{
	process.absent = text;
}

/* --- what is told ------------------------------------------------------------------------------- */

void core_call_name_op(const core_call *call, char *text, size_t size)
{
	*text = '\0';
	if (core_call_is_running(call) && call->step)
		snprintf(text, size, "op %s at step %lld: ", call->op, (long long)call->step);
	else if (core_call_is_running(call))
		snprintf(text, size, "op %s: ", call->op);
}

void core_call_describe(const core_call *call, char *text, size_t size)
{
	int used = snprintf(
		text, size, "%s '%s': op %s", core_kind_name(call->kind), call->plugin, call->op);
	if (call->step && used > 0 && (size_t)used < size)
		used += snprintf(
			text + used, size - (size_t)used, " at step %lld", (long long)call->step);
	if (call->check[0] && used > 0 && (size_t)used < size)
		snprintf(text + used, size - (size_t)used, " (%s)", call->check);
}

static bool is_rust(const char *plugin)
{
	for (size_t i = 0; i < process.n_rust; i++)
		if (!strcmp(process.rust[i], plugin))
			return true;
	return false;
}

/* Writes what a call did to die of this signal. */
static void explain_signal(const core_call *call, int number, char *text, size_t size)
{
	if (call->thrown[0])
		snprintf(text, size, "threw a C++ exception of type %s", call->thrown);
	else if (number == SIGABRT && is_rust(call->plugin))
		snprintf(text, size, "aborted, as a panic in Rust does");
	else if (call->hit[0])
		snprintf(text, size, "%s", call->hit);
	else
		snprintf(text, size, "crashed (%s)%s", strsignal(number), call->null);
}

void core_call_explain(const core_call *call, int wait_status, char *text, size_t size)
{
	char what[256] = "the worker";
	bool inside = core_call_is_running(call);
	if (call->cut[0]) {
		snprintf(text, size, "%s: " SHORTER, call->cut);
		return;
	}
	if (call->overwritten[0]) {
		snprintf(text, size, "%s", call->overwritten);
		return;
	}
	int number = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	if (inside)
		core_call_describe(call, what, sizeof what);
	if (number && inside) {
		char how[EXPLANATION];
		explain_signal(call, number, how, sizeof how);
		snprintf(text, size, "%s %s", what, how);
	} else if (number) {
		snprintf(text, size, "%s crashed (%s)", what, strsignal(number));
	} else {
		snprintf(text, size,
			inside ? "%s ended its process (exit code %d)" : "%s ended (exit code %d)",
			what, WEXITSTATUS(wait_status));
	}
}

void core_call_explain_hang(const core_call *call, const char *at, char *text, size_t size)
{
	char what[256];
	core_call_describe(call, what, sizeof what);
	snprintf(text, size, "%s did not return for %g s%s: --op-timeout allows more", what,
		core_call_limit(), at);
}

/* --- signals ------------------------------------------------------------------------------------ */

static void write_line(const char *text)
{
	char line[1024];
	int n = snprintf(line, sizeof line, "fairvox: %s\n", text);
	(void)!write(STDERR_FILENO, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
}

/* Ends the process because a file of data became shorter; the one that waits for a worker tells so. */
static _Noreturn void end_for_cut(const core_call *call)
{
	char text[CORE_MAPPED_PATH + sizeof SHORTER + 2];
	snprintf(text, sizeof text, "%s: " SHORTER, call->cut);
	if (!process.worker)
		write_line(text);
	_exit(FV_DATA);
}

/* Ends the process after a crash that may come of a plugin's file that was overwritten. Nothing of the plugin may be
 * read now, not even its name. */
static _Noreturn void end_for_overwritten(const core_call *call)
{
	if (!process.worker)
		write_line(call->overwritten);
	_exit(FV_FAILED);
}

/* The address of the instruction that crashed; UINTPTR_MAX: not known on this processor. */
static uintptr_t get_program_counter(const ucontext_t *where)
{
#if defined(__x86_64__)
	return (uintptr_t)where->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)where->uc_mcontext.pc;
#else
	(void)where;
	return UINTPTR_MAX;
#endif
}

/* Writes what a null pointer may come from. A jump to it does not come from what the plugin is not shown. */
static void explain_null(core_call *call, bool jumped)
{
	call->cause = jumped ? CORE_CAUSE_SIGNAL : CORE_CAUSE_NULL;
	if (jumped)
		snprintf(call->null, sizeof call->null,
			" by a jump to a null pointer: was an array on the stack overrun?");
	else
		snprintf(call->null, sizeof call->null, " at a null pointer%s%s",
			process.absent ? ": " : "", process.absent ? process.absent : "");
}

/* Writes how memory was misused, if the address tells. */
static void explain_misuse(core_call *call, const void *address)
{
	core_misuse misuse = core_fence_explain(address, call->hit, sizeof call->hit);
	if (misuse == CORE_MISUSE_BOUNDS)
		call->cause = CORE_CAUSE_BOUNDS;
	else if (misuse == CORE_MISUSE_LIFETIME)
		call->cause = CORE_CAUSE_LIFETIME;
}

static void on_crash(int number, siginfo_t *info, void *where)
{
	core_call *call = process.current;
	signal(number, SIG_DFL);
	if (number == SIGBUS && core_mapping_find(info->si_addr, call->cut))
		end_for_cut(call);
	if (core_loaded_file_was_overwritten(call->overwritten))
		end_for_overwritten(call);
	if (core_call_is_running(call)) {
		if (number == SIGSEGV || number == SIGBUS)
			explain_misuse(call, info->si_addr);
		if (number == SIGSEGV && info->si_code > 0 && (uintptr_t)info->si_addr < NULL_PAGE)
			explain_null(call, (uintptr_t)info->si_addr == get_program_counter(where));
		if (!process.worker) {
			char what[256], how[EXPLANATION], text[sizeof what + sizeof how];
			core_call_describe(call, what, sizeof what);
			explain_signal(call, number, how, sizeof how);
			snprintf(text, sizeof text, "%s %s", what, how);
			write_line(text);
			_exit(FV_FAILED);
		}
	}
	raise(number);
}

static void on_time_over(int number)
{
	char what[256], text[384];
	(void)number;
	if (!core_call_is_running(process.current))
		return;
	core_call_describe(process.current, what, sizeof what);
	snprintf(text, sizeof text, "%s has not returned for %g s: see --op-timeout", what,
		process.limit_s);
	write_line(text);
	_exit(FV_FAILED);
}

static void handle_crashes(void)
{
	static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	const stack_t stack = {.ss_sp = process.stack, .ss_size = sizeof process.stack};
	struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaction(numbers[i], &action, NULL);
}

void core_call_watch(void)
{
	const struct sigaction action = {.sa_handler = on_time_over, .sa_flags = SA_RESTART};
	handle_crashes();
	sigaction(SIGALRM, &action, NULL);
}

void core_call_share(core_call *shared)
{
	atomic_store(&shared->serial, 0);
	shared->check[0] = shared->cut[0] = shared->hit[0] = shared->null[0] = '\0';
	shared->thrown[0] = shared->overwritten[0] = '\0';
	shared->cause = CORE_CAUSE_SIGNAL;
	process.current = shared;
	process.worker = true;
	handle_crashes();
	core_noise_catch();
}

/* --- exceptions --------------------------------------------------------------------------------- */

/* Keeps the type of the exception, then lets the C++ library print its message and abort. The name
 * follows the table of functions in std::type_info (Itanium C++ ABI). */
static void on_terminate(void)
{
	const char *const *(*find)(void);
	char *(*demangle)(const char *, char *, size_t *, int *);
	*(void **)&find = dlsym(process.cpp, "__cxa_current_exception_type");
	*(void **)&demangle = dlsym(process.cpp, "__cxa_demangle");
	const char *const *type = find ? find() : NULL;
	core_call *call = process.current;
	if (type && core_call_is_running(call)) {
		const char *name = type[1] + (type[1][0] == '*');
		int failed = 1;
		char *plain = demangle ? demangle(name, NULL, NULL, &failed) : NULL;
		snprintf(call->thrown, sizeof call->thrown, "%s", plain ? plain : name);
	}
	if (process.terminate)
		process.terminate();
	abort();
}

/* std::set_terminate */
typedef void (*terminate_handler)(void);
typedef terminate_handler (*set_terminate)(terminate_handler);

void core_call_hook_exceptions(void)
{
	static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1"};
	for (size_t i = 0; i < 2 && !process.cpp; i++) {
		void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
		void *found = library ? dlsym(library, "_ZSt13set_terminatePFvvE") : NULL;
		set_terminate set;
		memcpy(&set, &found, sizeof set);
		if (!set)
			continue;
		process.cpp = library;
		process.terminate = set(on_terminate);
	}
}

void core_call_add_rust(const char *name)
{
	if (process.n_rust < RUST_MAX)
		process.rust[process.n_rust++] = name;
}

/* --- calls -------------------------------------------------------------------------------------- */

static void set_timer(double seconds)
{
	const struct itimerval timer = {
		.it_value = {.tv_sec = (time_t)seconds,
			.tv_usec = (suseconds_t)(1e6 * (seconds - (double)(time_t)seconds))}};
	setitimer(ITIMER_REAL, &timer, NULL);
}

void core_call_enter(fv_kind kind, const char *plugin, const char *op, int64_t step, bool quick)
{
	core_call *call = process.current;
	call->kind = kind;
	call->plugin = plugin;
	call->op = op;
	call->step = step;
	if (!quick && !process.worker) {
		core_noise_begin();
		if (process.limit_s > 0)
			set_timer(process.limit_s);
	}
	uint64_t serial = atomic_load_explicit(&call->serial, memory_order_relaxed);
	atomic_store_explicit(&call->serial, serial | 1, memory_order_release);
}

void core_call_leave(bool quick)
{
	core_call *call = process.current;
	uint64_t serial = atomic_load_explicit(&call->serial, memory_order_relaxed);
	atomic_store_explicit(&call->serial, (serial | 1) + 1, memory_order_release);
	if (!quick && !process.worker) {
		if (process.limit_s > 0)
			set_timer(0);
		core_noise_end();
	}
}
