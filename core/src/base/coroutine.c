/* SPDX-License-Identifier: Apache-2.0 */
#include "base/coroutine.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER
#endif
#endif
#ifdef ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif

/* As large as the main stack usually is. Memory is used only where the stack is. */
#define STACK_BYTES ((size_t)8 << 20)

struct core_coroutine {
	ucontext_t own, caller;
	void (*body)(void *user);
	void *user;
	char *stack; /* behind a page that nobody may touch */
	bool ended;
#ifdef ADDRESS_SANITIZER
	void *fake, *caller_fake;
	const void *caller_stack;
	size_t caller_bytes;
#endif
};

static _Thread_local core_coroutine *current; /* NULL: none runs */

/* The sanitizer must know which stack is in use. */
static void leave_for_coroutine(core_coroutine *c)
{
#ifdef ADDRESS_SANITIZER
	__sanitizer_start_switch_fiber(&c->caller_fake, c->stack, STACK_BYTES);
#else
	(void)c;
#endif
}

static void arrive_in_caller(core_coroutine *c)
{
#ifdef ADDRESS_SANITIZER
	__sanitizer_finish_switch_fiber(c->caller_fake, NULL, NULL);
#else
	(void)c;
#endif
}

static void arrive_in_coroutine(core_coroutine *c, bool first)
{
#ifdef ADDRESS_SANITIZER
	__sanitizer_finish_switch_fiber(first ? NULL : c->fake, &c->caller_stack, &c->caller_bytes);
#else
	(void)c, (void)first;
#endif
}

static void leave_for_caller(core_coroutine *c)
{
#ifdef ADDRESS_SANITIZER
	__sanitizer_start_switch_fiber(
		c->ended ? NULL : &c->fake, c->caller_stack, c->caller_bytes);
#else
	(void)c;
#endif
}

static void run_body(void)
{
	core_coroutine *c = current;
	arrive_in_coroutine(c, true);
	c->body(c->user);
	c->ended = true;
	leave_for_caller(c);
	setcontext(&c->caller);
	abort();
}

/* A page that nobody may touch, and behind it the stack; NULL: memory is out. */
static char *make_stack(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, page + STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	if (mprotect(memory, page, PROT_NONE)) {
		munmap(memory, page + STACK_BYTES);
		return NULL;
	}
	return memory + page;
}

/* A function of its own: compilers take getcontext, like setjmp, for one that may return twice. */
static void make_context(core_coroutine *c)
{
	getcontext(&c->own); /* it cannot fail on Linux */
	c->own.uc_stack.ss_sp = c->stack;
	c->own.uc_stack.ss_size = STACK_BYTES;
	makecontext(&c->own, run_body, 0);
}

core_coroutine *core_coroutine_new(void (*body)(void *user), void *user)
{
	core_coroutine *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->body = body;
	c->user = user;
	c->stack = make_stack();
	if (!c->stack) {
		free(c);
		return NULL;
	}
	make_context(c);
	return c;
}

void core_coroutine_free(core_coroutine *c)
{
	if (!c)
		return;
	assert(c != current);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	munmap(c->stack - page, page + STACK_BYTES);
	free(c);
}

bool core_coroutine_resume(core_coroutine *c)
{
	assert(!current && !c->ended);
	current = c;
	leave_for_coroutine(c);
	swapcontext(&c->caller, &c->own);
	arrive_in_caller(c);
	current = NULL;
	return !c->ended;
}

void core_coroutine_pause(void)
{
	core_coroutine *c = current;
	leave_for_caller(c);
	swapcontext(&c->own, &c->caller);
	arrive_in_coroutine(c, false);
}
