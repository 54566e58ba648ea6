/* SPDX-License-Identifier: Apache-2.0 */
/* The ring between processes: items of any length arrive whole, once and in order, whatever happens to the worker
 * that puts them. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/ring.h"
#include "support.h"

enum { PART = 256 * 1024, WORKERS = 3, ITEMS = 60 };

/* Number i of the item of a task. */
static float make_number(int64_t task, int64_t i)
{
	return (float)((task * 7919 + i) % 100003);
}

/* Items around the length of a slot, and of several. */
static core_ring_item make_item(int64_t task)
{
	static const int64_t rows[] = {1, PART - 1, PART, PART + 1, 3 * PART + 5, 17, 9 * PART};
	core_ring_item item = {.task = task,
		.rows = rows[task % 7],
		.width = task % 7 == 5 ? 80 : 1,
		.frames = task + 1,
		.silent = task % 2};
	float *data = malloc((size_t)(item.rows * item.width) * sizeof *data);
	assert_non_null(data);
	for (int64_t i = 0; i < item.rows * item.width; i++)
		data[i] = make_number(task, i);
	item.data = data;
	return item;
}

static void check_item(const core_ring_item *got)
{
	core_ring_item want = make_item(got->task);
	assert_int_equal(got->rows, want.rows);
	assert_int_equal(got->width, want.width);
	assert_int_equal(got->frames, want.frames);
	assert_int_equal(got->silent, want.silent);
	assert_memory_equal(
		got->data, want.data, (size_t)(want.rows * want.width) * sizeof *want.data);
	free((void *)want.data);
}

static pid_t start_worker(core_ring *ring, int worker, int64_t first, int64_t end, int64_t step)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	for (int64_t task = first; task < end; task += step) {
		core_ring_item item = make_item(task);
		core_ring_put(ring, worker, &item);
		free((void *)item.data);
	}
	_exit(0);
}

static void await(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void test_items_arrive_whole(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_ring *ring;
	core_ring_item item;
	pid_t pid[WORKERS];
	int seen[ITEMS] = {0};
	int64_t last[WORKERS] = {-1, -1, -1};
	test_ok(ctx, core_ring_open(ctx, WORKERS, ITEMS, &ring));
	for (int w = 0; w < WORKERS; w++)
		pid[w] = start_worker(ring, w, w, ITEMS, WORKERS);
	for (int n = 0; n < ITEMS; n++) {
		test_ok(ctx, core_ring_take(ring, ctx, &item));
		assert_in_range(item.task, 0, ITEMS - 1);
		assert_true(item.task > last[item.task % WORKERS]);
		last[item.task % WORKERS] = item.task;
		assert_true(core_ring_has(ring, item.task));
		assert_int_equal(seen[item.task]++, 0);
		check_item(&item);
	}
	for (int w = 0; w < WORKERS; w++)
		await(pid[w]);
	core_ring_end(ring);
	test_ok(ctx, core_ring_take(ring, ctx, &item));
	assert_int_equal(item.task, -1);
	core_ring_close(ring);
	core_ctx_free(ctx);
}

/* A worker fills its slots with the parts of an item that is longer than they are, waits, and is killed. Its
 * successor puts the next items. */
static void test_worker_dies_within_an_item(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_ring *ring;
	core_ring_item item;
	test_ok(ctx, core_ring_open(ctx, 1, ITEMS, &ring));
	pid_t pid = start_worker(ring, 0, 6, 7, 1); /* nine parts */
	usleep(200000);
	kill(pid, SIGKILL);
	await(pid);
	assert_false(core_ring_has(ring, 6));
	pid = start_worker(ring, 0, 11, 14, 1);
	for (int64_t task = 11; task < 14; task++) {
		test_ok(ctx, core_ring_take(ring, ctx, &item));
		assert_int_equal(item.task, task);
		check_item(&item);
	}
	await(pid);
	assert_false(core_ring_has(ring, 6));
	core_ring_close(ring);
	core_ctx_free(ctx);
}

/* What a worker has put whole is not lost with it. */
static void test_worker_dies_behind_an_item(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_ring *ring;
	core_ring_item item;
	test_ok(ctx, core_ring_open(ctx, 2, ITEMS, &ring));
	await(start_worker(ring, 1, 2, 3, 1));
	core_ring_end(ring);
	assert_true(core_ring_has(ring, 2));
	assert_false(core_ring_has(ring, 3));
	test_ok(ctx, core_ring_take(ring, ctx, &item));
	assert_int_equal(item.task, 2);
	check_item(&item);
	test_ok(ctx, core_ring_take(ring, ctx, &item));
	assert_int_equal(item.task, -1);
	assert_true(core_ring_has(ring, 2));
	core_ring_close(ring);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items_arrive_whole),
		cmocka_unit_test(test_worker_dies_within_an_item),
		cmocka_unit_test(test_worker_dies_behind_an_item),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
