/* SPDX-License-Identifier: Apache-2.0 */
/* Runs espeak-ng as a separate program, without a shell: its WAV is read from a pipe and its
 * stderr kept for the error message. It is under the GPL and never linked. */
#include "synth/synth.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/little_endian.h"

#define PATIENCE_S 60            /* a sentence takes about 20 ms */
#define OUTPUT_LIMIT (64u << 20) /* a sentence is about 100 KB */

struct child {
	pid_t pid;
	int out;      /* read end of its stdout */
	int messages; /* memory file that receives its stderr */
};

/* Starts the program with stdin from /dev/null. SIGINT stays as the caller has set it, because a
 * child that it ended would look like a failure. Returns 0 or an errno. */
static int spawn_program(struct child *child, int to, char *const argv[])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, normal;
	sigemptyset(&none);
	sigemptyset(&normal);
	sigaddset(&normal, SIGTERM);
	sigaddset(&normal, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, to, 1);
	posix_spawn_file_actions_adddup2(&actions, child->messages, 2);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &normal);
	int error = posix_spawnp(&child->pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static int start_child(struct child *child, char *const argv[])
{
	int ends[2];
	*child = (struct child){.pid = -1, .out = -1};
	child->messages = memfd_create("messages", MFD_CLOEXEC);
	if (child->messages < 0)
		return errno;
	int error = pipe2(ends, O_CLOEXEC) ? errno : 0;
	if (!error) {
		error = spawn_program(child, ends[1], argv);
		close(ends[1]);
		if (error)
			close(ends[0]);
		else
			child->out = ends[0];
	}
	if (error)
		close(child->messages);
	return error;
}

/* Closes the pipe and waits for the child; `must_kill` kills it first. Returns its wait status. */
static int end_child(struct child *child, bool must_kill)
{
	int status = 0;
	if (must_kill)
		kill(child->pid, SIGKILL);
	close(child->out);
	(void)core_wait_child(child->pid, &status);
	return status;
}

/* Reads the first line the child wrote to stderr, or "", and closes the file. */
static void read_first_message(struct child *child, char *line, size_t size)
{
	ssize_t n = pread(child->messages, line, size - 1, 0);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	close(child->messages);
}

enum outcome { ENDED, TOO_LATE, TOO_MUCH, BROKEN };

static enum outcome read_output(const struct child *child, core_text *output)
{
	double deadline = core_clock_s() + PATIENCE_S;
	char chunk[1 << 16];
	for (;;) {
		struct pollfd poll_fd = {.fd = child->out, .events = POLLIN};
		double left_s = deadline - core_clock_s();
		int ready = left_s > 0 ? poll(&poll_fd, 1, (int)(1000 * left_s) + 1) : 0;
		if (ready == 0)
			return TOO_LATE;
		ssize_t n = ready < 0 ? -1 : read(child->out, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? BROKEN : ENDED;
		core_text_put(output, chunk, (size_t)n);
		if (output->failed)
			return BROKEN;
		if (output->size > OUTPUT_LIMIT)
			return TOO_MUCH;
	}
}

static fv_status fail_not_found(fv_ctx *ctx, const char *program, int error)
{
	return fv_fail(ctx, FV_DATA, "%s: cannot run: %s: install it with 'apt install espeak-ng'",
		program, strerror(error));
}

/* Runs the program until it ends; `output` is what it wrote to stdout. */
static fv_status run_program(fv_ctx *ctx, char *const argv[], core_text *output)
{
	struct child child;
	char messages[256];
	int error = start_child(&child, argv);
	if (error == ENOENT || error == EACCES || error == ENOEXEC || error == ENOTDIR)
		return fail_not_found(ctx, argv[0], error);
	if (error)
		return fv_fail(ctx, FV_FAILED, "%s: cannot start: %s", argv[0], strerror(error));
	enum outcome outcome = read_output(&child, output);
	int status = end_child(&child, outcome != ENDED);
	read_first_message(&child, messages, sizeof messages);
	switch (outcome) {
	case TOO_LATE:
		return fv_fail(ctx, FV_FAILED, "%s: did not end within %d s", argv[0], PATIENCE_S);
	case TOO_MUCH:
		return fv_fail(
			ctx, FV_FAILED, "%s: wrote more than %u bytes", argv[0], OUTPUT_LIMIT);
	case BROKEN:
		return fv_fail(ctx, FV_FAILED, "%s: cannot read its output", argv[0]);
	case ENDED:
		break;
	}
	if (WIFSIGNALED(status))
		return fv_fail(ctx, FV_FAILED, "%s: ended by signal %d", argv[0], WTERMSIG(status));
	if (WEXITSTATUS(status))
		return fv_fail(ctx, FV_FAILED, "%s: exit code %d%s%s", argv[0], WEXITSTATUS(status),
			messages[0] ? ": " : "", messages);
	return FV_OK;
}

/* Parses "eSpeak NG text-to-speech: 1.51  Data at: /usr/..." -> "1.51". */
fv_status core_espeak_find(fv_ctx *ctx, core_espeak *espeak)
{
	core_text output = {0};
	if (!espeak->program)
		espeak->program = "espeak-ng";
	char *argv[] = {(char *)espeak->program, (char[]){"--version"}, NULL};
	fv_status status = run_program(ctx, argv, &output);
	bool named = output.data && !status && !strncmp(output.data, "eSpeak NG", 9);
	const char *colon = named ? strstr(output.data, ": ") : NULL;
	size_t n = colon ? strcspn(colon + 2, " \t\r\n") : 0;
	if (!status && (n == 0 || n >= sizeof espeak->version))
		status = fv_fail(ctx, FV_DATA, "%s: did not print a version: is it espeak-ng?",
			espeak->program);
	else if (!status)
		snprintf(espeak->version, sizeof espeak->version, "%.*s", (int)n, colon + 2);
	core_text_free(&output);
	return status;
}

void core_espeak_add_markup(core_text *out, const char *text, int range_percent)
{
	core_text_add(out, "<prosody range=\"%d%%\">", range_percent);
	for (; *text; text++) {
		if (*text == '&')
			core_text_add(out, "&amp;");
		else if (*text == '<')
			core_text_add(out, "&lt;");
		else if (*text == '>')
			core_text_add(out, "&gt;");
		else
			core_text_put(out, text, 1);
	}
	core_text_add(out, "</prosody>");
}

bool core_espeak_parse_wav(const unsigned char *data, size_t size, const unsigned char **samples,
	size_t *n, int *rate_hz)
{
	bool have_format = false;
	if (size < 12 || memcmp(data, "RIFF", 4) || memcmp(data + 8, "WAVE", 4))
		return false;
	for (size_t at = 12; size - at >= 8;) {
		const unsigned char *chunk = data + at, *body = chunk + 8;
		size_t room = size - at - 8, claimed = core_read_little(chunk + 4, 4);
		size_t held = claimed < room ? claimed : room;
		if (!memcmp(chunk, "fmt ", 4) && held >= 16) {
			uint32_t hz = (uint32_t)core_read_little(body + 4, 4);
			if (core_read_little(body, 2) != 1 || core_read_little(body + 2, 2) != 1 ||
				core_read_little(body + 14, 2) != 16 || hz < 8000 || hz > 192000)
				return false;
			*rate_hz = (int)hz;
			have_format = true;
		} else if (!memcmp(chunk, "data", 4)) {
			*samples = body;
			*n = held / 2;
			return have_format;
		}
		if (claimed + (claimed & 1) >= room)
			return false;
		at += 8 + claimed + (claimed & 1);
	}
	return false;
}

static fv_status copy_samples(fv_ctx *ctx, const char *program, const core_text *output,
	int16_t **samples, size_t *n, int *rate_hz)
{
	const unsigned char *bytes;
	if (!output->size || !core_espeak_parse_wav((const unsigned char *)output->data,
				     output->size, &bytes, n, rate_hz))
		return fv_fail(ctx, FV_FAILED,
			"%s: its output of %zu bytes is not a mono 16-bit WAV", program,
			output->size);
	*samples = malloc((*n + 1) * sizeof **samples);
	if (!*samples)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < *n; i++)
		(*samples)[i] = (int16_t)core_read_little(bytes + 2 * i, 2);
	return FV_OK;
}

fv_status core_espeak_say(fv_ctx *ctx, const core_espeak *espeak,
	const core_synth_utterance *utterance, const core_synth_speaker *speaker, int16_t **samples,
	size_t *n, int *rate_hz)
{
	char voice[32], pitch[16], rate[16];
	core_text markup = {0}, output = {0};
	snprintf(voice, sizeof voice, "en-us+%c%d", speaker->male ? 'm' : 'f', speaker->voice);
	snprintf(pitch, sizeof pitch, "%d", utterance->pitch);
	snprintf(rate, sizeof rate, "%d", utterance->rate_wpm);
	core_espeak_add_markup(&markup, utterance->text, utterance->range_percent);
	char *argv[] = {(char *)espeak->program, (char[]){"-m"}, (char[]){"-v"}, voice,
		(char[]){"-p"}, pitch, (char[]){"-s"}, rate, (char[]){"-a"}, (char[]){"100"},
		(char[]){"--stdout"}, (char[]){"--"}, markup.data, NULL};
	fv_status status = markup.failed ? fv_fail(ctx, FV_FAILED, "out of memory")
					 : run_program(ctx, argv, &output);
	if (!status)
		status = copy_samples(ctx, espeak->program, &output, samples, n, rate_hz);
	core_text_free(&markup);
	core_text_free(&output);
	return status;
}
