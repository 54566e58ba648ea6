/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the threads of a block as fibers, warp by warp, each until it waits. For x86-64.
 *
 * For ThreadSanitizer each fiber is a thread of its own; only barriers order them. Two marks by turns stand for each
 * barrier: a thread that is ahead at the next one must not order those that still leave this one. Shuffles order no
 * memory, as CUDA promises none. This file itself is never instrumented: its state is nobody's race. */
#include "fibers.hpp"

#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <vector>

#ifdef WITH_ASAN
extern "C" void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size);
extern "C" void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size);
#endif
#ifdef EMULATED_TSAN
extern "C" void *__tsan_get_current_fiber(void);
extern "C" void *__tsan_create_fiber(unsigned flags);
extern "C" void __tsan_destroy_fiber(void *fiber);
extern "C" void __tsan_switch_to_fiber(void *fiber, unsigned flags);
extern "C" void __tsan_acquire(void *address);
extern "C" void __tsan_release(void *address);
#define ACQUIRE(p) __tsan_acquire(p)
#define RELEASE(p) __tsan_release(p)
#else
#define ACQUIRE(p) (void)(p)
#define RELEASE(p) (void)(p)
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

/* Saves the registers of a call on this stack, and continues on another. */
extern "C" void emulated_switch(void **from, void *to);
__asm__(".text\n.globl emulated_switch\n.type emulated_switch,@function\nemulated_switch:\n"
	"pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
	"movq %rsp,(%rdi); movq %rsi,%rsp\n"
	"popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp; ret\n"
	".size emulated_switch,.-emulated_switch\n");

namespace
{

enum { STACK = 1 << 14, WARP = 32, THREADS_MAX = 1024, SHARED_MAX = 227 * 1024 };
enum state { READY, AT_BLOCK, AT_WARP, DONE };

struct fiber {
	void *top;
	char *stack;
	uint3 index;
	state at;
	int swap_turn, block_turn, warp_turn;
#ifdef WITH_ASAN
	void *fake;
#endif
#ifdef EMULATED_TSAN
	void *thread;
#endif
};

std::vector<fiber> fibers;
std::vector<uint64_t> slots;  /* [warps,2,32] */
std::vector<char> warp_marks; /* [warps,2] */
fiber *self;
void *main_top;
char block_marks[2], launch_mark, end_mark;
const std::function<void()> *kernel_now;
char *shared_now;
std::vector<char *> shared_all;
#ifdef WITH_ASAN
void *main_fake;
const void *main_bottom;
size_t main_size;
#endif
#ifdef EMULATED_TSAN
void *main_thread;
#endif

char *map_stack()
{
	void *stack =
		mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED)
		abort();
	return static_cast<char *>(stack);
}

void stop_kernel(const char *what)
{
	fprintf(stderr, "emulated kernel: %s (block %u,%u,%u)\n", what, blockIdx.x, blockIdx.y,
		blockIdx.z);
	abort();
}

/* Back to the scheduler */
void leave_fiber()
{
	fiber *f = self;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(f->at == DONE ? nullptr : &f->fake, main_bottom, main_size);
#endif
#ifdef EMULATED_TSAN
	__tsan_switch_to_fiber(main_thread, 1); /* 1: no order */
#endif
	emulated_switch(&f->top, main_top);
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(f->fake, &main_bottom, &main_size);
#endif
}

void enter_fiber(fiber *f)
{
	self = f;
	threadIdx = f->index;
	f->at = READY;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(&main_fake, f->stack, STACK);
#endif
#ifdef EMULATED_TSAN
	__tsan_switch_to_fiber(f->thread, 1);
#endif
	emulated_switch(&main_top, f->top);
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(main_fake, nullptr, nullptr);
#endif
}

void run_fiber()
{
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(nullptr, &main_bottom, &main_size);
#endif
	ACQUIRE(&launch_mark);
	(*kernel_now)();
	RELEASE(&end_mark);
	self->at = DONE;
	leave_fiber();
	abort();
}

void prepare_fiber(fiber *f, unsigned i)
{
	f->index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
	f->swap_turn = f->block_turn = f->warp_turn = 0;
	f->at = READY;
#ifdef EMULATED_TSAN
	f->thread = __tsan_create_fiber(0);
	f->stack = map_stack(); /* a new one, as the sanitizer forgets what lay there */
#endif
	void **top = reinterpret_cast<void **>(f->stack + STACK);
	*--top = nullptr; /* as a call leaves it: 8 beyond a multiple of 16 */
	*--top = reinterpret_cast<void *>(run_fiber);
	for (int r = 0; r < 6; r++)
		*--top = nullptr;
	f->top = top;
}

/* Runs the fibers [from, to) of a warp until none can go on. Returns how many have ended. */
unsigned run_warp(unsigned from, unsigned to, bool *moved)
{
	unsigned ended = 0;
	for (bool again = true; again;) {
		again = false;
		unsigned waiting = 0, gone = 0;
		for (unsigned i = from; i < to; i++) {
			if (fibers[i].at == READY) {
				enter_fiber(&fibers[i]);
				*moved = again = true;
				ended += fibers[i].at == DONE;
			}
			waiting += fibers[i].at == AT_WARP;
			gone += fibers[i].at == DONE;
		}
		if (waiting == to - from) {
			again = *moved = true;
			for (unsigned i = from; i < to; i++)
				fibers[i].at = READY;
		} else if (waiting && gone) {
			stop_kernel("a warp waits for a thread that has returned");
		}
	}
	return ended;
}

/* Lets the block go on if all wait at its barrier. */
void pass_barrier(unsigned n, unsigned ended, bool moved)
{
	unsigned waiting = 0;
	for (unsigned i = 0; i < n; i++)
		waiting += fibers[i].at == AT_BLOCK;
	if (waiting == n)
		for (unsigned i = 0; i < n; i++)
			fibers[i].at = READY;
	else if (waiting && ended)
		stop_kernel("__syncthreads waits for a thread that has returned");
	else if (!moved && ended < n)
		stop_kernel("threads of a block wait at different barriers");
}

void run_block(unsigned n, size_t shared)
{
	/* Exactly so many bytes, so that the first one beyond is found; NaN until they are written to. */
	shared_now = static_cast<char *>(malloc(shared ? shared : 1));
	if (!shared_now)
		abort();
	memset(shared_now, 0xff, shared);
	shared_all.push_back(shared_now); /* freed behind the launch: that must not order blocks */
	for (unsigned i = 0; i < n; i++)
		prepare_fiber(&fibers[i], i);
	RELEASE(&launch_mark);
	for (unsigned ended = 0; ended < n;) {
		bool moved = false;
		for (unsigned w = 0; w < n; w += WARP)
			ended += run_warp(w, w + WARP, &moved);
		pass_barrier(n, ended, moved);
	}
#ifdef EMULATED_TSAN
	for (unsigned i = 0; i < n; i++) {
		__tsan_destroy_fiber(fibers[i].thread);
		munmap(fibers[i].stack, STACK);
	}
#endif
}

} // namespace

void *emulated_shared()
{
	return shared_now;
}

unsigned emulated_lane()
{
	return static_cast<unsigned>(self - fibers.data()) % WARP;
}

void emulated_barrier()
{
	char *mark = &block_marks[self->block_turn ^= 1];
	RELEASE(mark);
	self->at = AT_BLOCK;
	leave_fiber();
	ACQUIRE(mark);
}

void emulated_warp_barrier()
{
	size_t warp = static_cast<size_t>(self - fibers.data()) / WARP;
	char *mark = &warp_marks[warp * 2 + static_cast<size_t>(self->warp_turn ^= 1)];
	RELEASE(mark);
	self->at = AT_WARP;
	leave_fiber();
	ACQUIRE(mark);
}

/* Two buffers by turns: the next exchange must not write what is still read. */
uint64_t emulated_swap(uint64_t value, unsigned from)
{
	size_t warp = static_cast<size_t>(self - fibers.data()) / WARP;
	uint64_t *slot = &slots[(warp * 2 + static_cast<size_t>(self->swap_turn ^= 1)) * WARP];
	slot[emulated_lane()] = value;
	self->at = AT_WARP;
	leave_fiber();
	return slot[from];
}

bool emulated_may_launch(dim3 grid, dim3 block, size_t shared)
{
	unsigned n = block.x * block.y * block.z;
	return n && n <= THREADS_MAX && n % WARP == 0 && shared <= SHARED_MAX && grid.x &&
	       grid.x <= 0x7fffffff && grid.y && grid.y <= 65535 && grid.z && grid.z <= 65535;
}

void emulated_run(dim3 grid, dim3 block, size_t shared, const std::function<void()> &kernel)
{
	unsigned n = block.x * block.y * block.z;
	kernel_now = &kernel;
	gridDim = grid;
	blockDim = block;
#ifdef EMULATED_TSAN
	main_thread = __tsan_get_current_fiber();
#endif
	while (fibers.size() < n) {
		fiber f = {};
#ifndef EMULATED_TSAN
		f.stack = map_stack();
#endif
		fibers.push_back(f);
	}
	slots.assign(n * 2, 0);
	warp_marks.assign(n / WARP * 2, 0);
	for (blockIdx.z = 0; blockIdx.z < grid.z; blockIdx.z++)
		for (blockIdx.y = 0; blockIdx.y < grid.y; blockIdx.y++)
			for (blockIdx.x = 0; blockIdx.x < grid.x; blockIdx.x++)
				run_block(n, shared);
	ACQUIRE(&end_mark);
	for (char *one : shared_all)
		free(one);
	shared_all.clear();
}
