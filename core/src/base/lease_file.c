/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lease_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/number.h"

/* Reads the first line of a small file; "-" if it cannot be read. */
static void read_word(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : core_read_fully(fd, out, size - 1);
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, " \n")] = '\0';
	if (!*out)
		snprintf(out, size, "-");
}

static void find_boot(char out[40])
{
	read_word("/proc/sys/kernel/random/boot_id", out, 40);
}

/* The namespace in which process numbers count: containers of one machine have their own. */
static void find_space(char out[40])
{
	ssize_t n = readlink("/proc/self/ns/pid", out, 39);
	out[n > 0 ? n : 0] = '\0';
	if (!*out)
		snprintf(out, 40, "-");
}

/* Reads the state and the start of a process; numbers of ended processes are given again. */
static bool read_process(int64_t process, char *state, uint64_t *start)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", process);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : core_read_fully(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	const char *at = strrchr(text, ')'); /* the name before it may hold anything */
	return at && sscanf(at + 1,
			     " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			     "%*s %*s %" SCNu64,
			     state, start) == 2;
}

static double find_period(void)
{
	const char *text = getenv("FAIRVOX_HEARTBEAT");
	double period;
	bool given = text && core_parse_double(text, &period) && period >= 0.1 && period <= 3600;
	return given ? period : CORE_LEASE_PERIOD_S;
}

fv_status core_lease_describe(fv_ctx *ctx, core_lease_text *out)
{
	unsigned char random[16];
	char host[65] = "-", boot[40], space[40], state, tail[CORE_LEASE_TAIL + 1];
	uint64_t start = 0;
	if (core_fill_random(random, sizeof random))
		return fv_fail(ctx, FV_FAILED, "getrandom: %s", strerror(errno));
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(out->token + 2 * i, 3, "%02x", random[i]);
	gethostname(host, sizeof host - 1);
	host[strcspn(host, " \n")] = '\0';
	find_boot(boot);
	find_space(space);
	(void)read_process(getpid(), &state, &start);
	core_lease_tail(tail, true, 0);
	out->period_s = find_period();
	int n = snprintf(out->text, sizeof out->text,
		"fairvox-lease 1\ntoken %s\nhost %s\nboot %s\nspace %s\nprocess %d %" PRIu64
		"\nperiod_ms %" PRId64 "\n%s",
		out->token, *host ? host : "-", boot, space, (int)getpid(), start,
		(int64_t)(1000 * out->period_s), tail);
	if (n < 0 || (size_t)n >= sizeof out->text)
		return fv_fail(ctx, FV_FAILED, "the name of this machine is too long: %s", host);
	out->size = (size_t)n;
	return FV_OK;
}

void core_lease_tail(char tail[CORE_LEASE_TAIL + 1], bool held, int64_t count)
{
	snprintf(tail, CORE_LEASE_TAIL + 1, "%s %020" PRId64 "\n", held ? "held" : "free", count);
}

void core_lease_parse(const char *text, size_t size, core_lease_facts *out)
{
	char held[5];
	int64_t period_ms = 0;
	*out = (core_lease_facts){
		.count = (int64_t)size, .held = true, .period_s = CORE_LEASE_PERIOD_S};
	core_lease_facts read = {.readable = true};
	if (size >= CORE_LEASE_TEXT || strlen(text) != size ||
		sscanf(text,
			"fairvox-lease 1 token %32[0-9a-f] host %64s boot %39s space %39s process "
			"%" SCNd64 " %" SCNu64 " period_ms %" SCNd64 " %4[a-z] %" SCNd64,
			read.token, read.host, read.boot, read.space, &read.process, &read.start,
			&period_ms, held, &read.count) != 9 ||
		text[size - 1] != '\n')
		return;
	read.period_s = (double)period_ms / 1000;
	read.held = strcmp(held, "free") != 0;
	*out = read;
}

core_lease_life core_lease_find_life(const core_lease_facts *facts)
{
	char boot[40], space[40], state = '?';
	uint64_t start = 0;
	find_boot(boot);
	find_space(space);
	if (!facts->readable || !strcmp(boot, "-") || !strcmp(space, "-") ||
		strcmp(boot, facts->boot) != 0 || strcmp(space, facts->space) != 0)
		return CORE_LEASE_UNKNOWN;
	if (kill((pid_t)facts->process, 0) && errno == ESRCH)
		return CORE_LEASE_DEAD;
	if (!read_process(facts->process, &state, &start)) /* it ended just now, or is hidden */
		return kill((pid_t)facts->process, 0) && errno == ESRCH ? CORE_LEASE_DEAD
									: CORE_LEASE_UNKNOWN;
	bool ended = state == 'Z' || state == 'X';
	return ended || start != facts->start ? CORE_LEASE_DEAD : CORE_LEASE_ALIVE;
}
