/* SPDX-License-Identifier: Apache-2.0 */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

/* Reads both pipes until they close. */
static void read_output(const int fd[2], core_text *text[2])
{
	struct pollfd list[2] = {{fd[0], POLLIN, 0}, {fd[1], POLLIN, 0}};
	char buffer[4096];
	for (int n_open = 2; n_open;) {
		if (poll(list, 2, -1) < 0 && errno != EINTR)
			return;
		for (int i = 0; i < 2; i++) {
			if (list[i].fd < 0 || !list[i].revents)
				continue;
			ssize_t n = core_read_some(list[i].fd, buffer, sizeof buffer);
			if (n > 0) {
				core_text_put(text[i], buffer, (size_t)n);
				continue;
			}
			list[i].fd = -1;
			n_open--;
		}
	}
}

static int start_program(const char *const *argv, const int out[2], const int err[2], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int failed = posix_spawn_file_actions_init(&actions);
	if (failed)
		return failed;
	failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!failed)
		failed = posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	if (!failed)
		failed = posix_spawn_file_actions_adddup2(&actions, err[1], 2);
	if (!failed) /* argv is not changed */
		failed = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static int wait_for_program(pid_t pid)
{
	int status = 0;
	(void)core_wait_child(pid, &status);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

fv_status core_program_run(fv_ctx *ctx, const char *const *argv, core_program_end *out)
{
	int outs[2], errs[2];
	pid_t pid;
	*out = (core_program_end){.found = true};
	if (pipe2(outs, O_CLOEXEC))
		return fv_fail(
			ctx, FV_FAILED, "%s: cannot make a pipe: %s", argv[0], strerror(errno));
	if (pipe2(errs, O_CLOEXEC)) {
		int reason = errno;
		close(outs[0]);
		close(outs[1]);
		return fv_fail(
			ctx, FV_FAILED, "%s: cannot make a pipe: %s", argv[0], strerror(reason));
	}
	int failed = start_program(argv, outs, errs, &pid);
	close(outs[1]);
	close(errs[1]);
	if (!failed) {
		const int fd[2] = {outs[0], errs[0]};
		read_output(fd, (core_text *[2]){&out->out, &out->err});
		out->code = wait_for_program(pid);
	}
	close(outs[0]);
	close(errs[0]);
	out->found = failed != ENOENT;
	if (failed && out->found)
		return fv_fail(
			ctx, FV_FAILED, "%s: cannot be started: %s", argv[0], strerror(failed));
	if (out->out.failed || out->err.failed) {
		core_program_free(out);
		return fv_fail(ctx, FV_FAILED, "out of memory");
	}
	return FV_OK;
}

void core_program_free(core_program_end *end)
{
	core_text_free(&end->out);
	core_text_free(&end->err);
}
