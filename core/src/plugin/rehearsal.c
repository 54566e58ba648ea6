/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "plugin/call.h"

/* Waits until the other end of the pipe is closed, for limit_s seconds (0: for ever); false: it is still open. */
static bool await_end(int in, double limit_s)
{
	double end = core_clock_s() + limit_s;
	struct pollfd wait = {.fd = in, .events = POLLIN};
	for (;;) {
		double left = end - core_clock_s();
		int ms = limit_s <= 0 || left > 1e6 ? -1 : left > 0 ? (int)(1000 * left) + 1 : 0;
		int ready = poll(&wait, 1, ms);
		if (ready >= 0 || errno != EINTR)
			return ready != 0;
	}
}

/* Waits for the child, and ends it if it hangs. */
static fv_status watch_child(pid_t pid, int in, const core_call *call, char *why, size_t size)
{
	bool ended = await_end(in, core_call_limit());
	int how = 0;
	if (!ended)
		kill(pid, SIGKILL);
	(void)core_wait_child(pid, &how);
	if (ended && how == 0)
		return FV_OK;
	if (ended)
		core_call_explain(call, how, why, size);
	else
		core_call_explain_hang(call, "", why, size);
	return FV_FAILED;
}

fv_status core_plugin_rehearse(void (*work)(void *user), void *user, char *why, size_t size)
{
	int end[2];
	core_call *call =
		mmap(NULL, sizeof *call, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool piped = call != MAP_FAILED && !pipe2(end, O_CLOEXEC);
	pid_t pid = piped ? fork() : -1;
	if (pid == 0) {
		close(end[0]);
		core_call_share(call);
		work(user);
		_exit(0);
	}
	fv_status status = FV_FAILED;
	if (piped)
		close(end[1]);
	if (pid < 0)
		snprintf(why, size, "cannot create a process: %s", strerror(errno));
	else
		status = watch_child(pid, end[0], call, why, size);
	if (piped)
		close(end[0]);
	if (call != MAP_FAILED)
		munmap(call, sizeof *call);
	return status;
}
