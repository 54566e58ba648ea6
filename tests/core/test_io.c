/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are none, and calls that signals interrupt. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <fairvox/checkpoint.h>
#include <fairvox/csv.h>

#include "base/content.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "corpus/audio.h"
#include "support.h"

/* Makes what is no regular file, one of each kind; returns their number. */
static int make_others(fv_ctx *ctx, const char *folder, const char *path[4])
{
	path[0] = core_path_join(ctx, folder, "pipe");
	assert_int_equal(mkfifo(path[0], 0666), 0);
	path[1] = core_path_join(ctx, folder, "folder");
	assert_int_equal(mkdir(path[1], 0777), 0);
	path[2] = "/dev/zero";
	path[3] = core_path_join(ctx, folder, "socket");
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	strncpy(name.sun_path, path[3], sizeof name.sun_path - 1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool bound = strlen(path[3]) < sizeof name.sun_path &&
		     !bind(fd, (struct sockaddr *)&name, sizeof name);
	close(fd);
	return bound ? 4 : 3;
}

/* No reader waits for a writer, or reads for ever. */
static void others_are_refused(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *folder = test_folder("io"), *path[4];
	int n = make_others(ctx, folder, path);
	alarm(20);
	for (int i = 0; i < n; i++) {
		char *text, hex[CORE_SHA256_HEX];
		size_t size;
		json_t *json;
		fv_checkpoint *file;
		const fv_csv *csv;
		core_wave wave;
		test_fails(ctx, core_file_read(ctx, path[i], 0, &text, &size), FV_DATA,
			"not a regular file");
		test_fails(ctx, core_sha256_file(ctx, path[i], hex), FV_DATA, "not a regular file");
		test_fails(ctx, core_json_read(ctx, "/", path[i], &json), FV_DATA,
			"not a regular file");
		test_fails(ctx, fv_checkpoint_open(ctx, path[i], &file), FV_DATA,
			"not a regular file");
		test_fails(ctx, fv_csv_read(ctx, path[i], &csv), FV_DATA, "not a regular file");
		test_fails(ctx, core_audio_read(ctx, path[i], 16000, 0, &wave), FV_DATA,
			"not a regular file");
		assert_null(core_content_of_file(ctx, path[i]));
		assert_false(core_is_file(path[i]));
		assert_true(core_file_exists(path[i]));
	}
	alarm(0);
	core_ctx_free(ctx);
}

static int n_signals;

static void count_signal(int number)
{
	(void)number;
	n_signals++;
}

/* Interrupts this thread often, without restarting its calls. */
static void interrupt(bool on)
{
	struct sigaction action = {.sa_handler = count_signal};
	sigaction(SIGALRM, &action, NULL);
	long us = on ? 500 : 0;
	const struct itimerval often = {{0, us}, {0, us}};
	setitimer(ITIMER_REAL, &often, NULL);
}

#define SENT 300000

static void *send_slowly(void *user)
{
	int out = *(int *)user;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	unsigned char part[3000];
	for (int sent = 0; sent < SENT; sent += (int)sizeof part) {
		for (size_t i = 0; i < sizeof part; i++)
			part[i] = (unsigned char)((sent + (int)i) * 7);
		usleep(1000);
		(void)!write(out, part, sizeof part);
	}
	close(out);
	return NULL;
}

static void *receive_slowly(void *user)
{
	int in = *(int *)user;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	int *right = calloc(1, sizeof *right);
	unsigned char part[3000];
	int got = 0;
	for (ssize_t n; (n = read(in, part, sizeof part)) > 0; usleep(1000))
		for (ssize_t i = 0; i < n; i++, got++)
			*right += part[i] == (unsigned char)(got * 7);
	return right;
}

static void signals_interrupt_nothing(void **state)
{
	(void)state;
	unsigned char *data = malloc(SENT + 1);
	int fd[2];
	pthread_t thread;
	assert_int_equal(pipe(fd), 0);
	pthread_create(&thread, NULL, send_slowly, &fd[1]);
	n_signals = 0;
	interrupt(true);
	assert_int_equal(core_read_fully(fd[0], data, SENT + 1), SENT);
	interrupt(false);
	pthread_join(thread, NULL);
	close(fd[0]);
	assert_true(n_signals > 0);
	for (int i = 0; i < SENT; i++)
		assert_int_equal(data[i], (unsigned char)(i * 7));
	assert_int_equal(pipe(fd), 0);
	pthread_create(&thread, NULL, receive_slowly, &fd[0]);
	n_signals = 0;
	interrupt(true);
	assert_int_equal(core_write_fully(fd[1], data, SENT), 0);
	interrupt(false);
	assert_true(n_signals > 0);
	close(fd[1]);
	void *right;
	pthread_join(thread, &right);
	assert_int_equal(*(int *)right, SENT);
	free(right);
	free(data);
	close(fd[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(signals_interrupt_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
