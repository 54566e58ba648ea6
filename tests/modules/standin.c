/* SPDX-License-Identifier: Apache-2.0 */
/* A module with a device, in place of fairvox-cuda: the late device, which computes as the CPU does. What goes wrong
 * is said by FAIRVOX_STANDIN, words with commas between them:
 *   refuse     open fails, as without a driver       exit       open ends the process
 *   full=N     the N-th allocation fails              fault=N    the N-th wait fails, and all after it
 *   crash=N    the N-th wait crashes                  hang=N     the N-th wait never returns
 *   rows=N     packs of N rows                        other      other numerics at each opening
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "late_device.h"

static test_late_device late;
static core_device_ops ops; /* the late device's, with `wait` and `begin` of our own */
static fv_status (*wait_late)(core_queue *queue);
static int64_t waits;

/* The number behind `word` in FAIRVOX_STANDIN; 1 behind a word without one, 0: it is not there. */
static int64_t find_word(const char *word)
{
	const char *all = getenv("FAIRVOX_STANDIN"), *found = all ? strstr(all, word) : NULL;
	if (!found)
		return 0;
	found += strlen(word);
	return *found == '=' ? strtoll(found + 1, NULL, 10) : 1;
}

static fv_status wait_for_all(core_queue *queue)
{
	int64_t fault = find_word("fault");
	waits++;
	if (waits == find_word("crash"))
		raise(SIGSEGV);
	while (waits == find_word("hang"))
		sleep(1);
	if (fault && waits >= fault && !queue->status)
		queue->status = fv_fail(queue->worker, FV_FAILED,
			"attend: an illegal memory access was encountered");
	return wait_late(queue);
}

static fv_status open_device(fv_ctx *ctx, int32_t index, int64_t rows, core_device **out)
{
	(void)index;
	if (find_word("refuse"))
		return fv_fail(ctx, FV_FAILED,
			"no driver: CUDA 13.0 needs one of at least version 580 (error 35)");
	if (find_word("exit"))
		_exit(9);
	late = test_late_device_make();
	ops = *late.device.ops;
	wait_late = ops.wait;
	ops.wait = wait_for_all;
	late.device.ops = &ops;
	late.fail_at = find_word("full");
	late.rows = rows ? rows : find_word("rows") ? find_word("rows") : 1024;
	*out = &late.device;
	return FV_OK;
}

static void close_device(core_device *device)
{
	(void)device;
}

static const char *tell_numerics(const core_device *device)
{
	static char text[128];
	int own = find_word("other") ? (int)getpid() : 0;
	(void)device;
	snprintf(text, sizeof text, "stand-in %d rows %lld", own, (long long)late.rows);
	return text;
}

static int64_t tell_rows(const core_device *device)
{
	(void)device;
	return late.rows;
}

__attribute__((visibility("default"))) const core_device_module fairvox_device_module = {
	.size = sizeof fairvox_device_module,
	.version = STANDIN_VERSION,
	.name = "stand-in",
	.open = open_device,
	.close = close_device,
	.numerics = tell_numerics,
	.rows = tell_rows,
};
