/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/noise.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* File descriptors of the process, so they are global; 0: not open yet, -1: none. */
static struct {
	int caught; /* a file in memory */
	int real;   /* standard output, while it is replaced */
} file;

/* Moves a descriptor away from 0, 1 and 2. */
static int move_up(int fd)
{
	int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0)
		close(fd);
	return moved;
}

static bool open_caught(void)
{
	if (!file.caught)
		file.caught = move_up(memfd_create("stdout of plugins", MFD_CLOEXEC));
	return file.caught > 0;
}

void core_noise_catch(void)
{
	fflush(stdout);
	if (file.caught > 0)
		close(file.caught); /* shared with the process it was forked from */
	if (file.real > 0)
		close(file.real); /* whoever reads it may wait until nobody can write to it */
	file.caught = file.real = 0;
	if (open_caught())
		dup2(file.caught, STDOUT_FILENO);
}

void core_noise_begin(void)
{
	fflush(stdout);
	if (!file.real)
		file.real = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (file.real > 0 && open_caught())
		dup2(file.caught, STDOUT_FILENO);
}

void core_noise_end(void)
{
	fflush(stdout);
	if (file.real > 0)
		dup2(file.real, STDOUT_FILENO);
}

/* Puts the first line of what was caught into `line`, with control characters as '?'. */
static void copy_line(char *line, size_t size)
{
	ssize_t n = pread(file.caught, line, size - 1, 0);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
}

bool core_noise_read(char *line, size_t size)
{
	if (file.caught <= 0)
		return false;
	fflush(stdout);
	if (lseek(file.caught, 0, SEEK_END) <= 0)
		return false;
	copy_line(line, size);
	lseek(file.caught, 0, SEEK_SET);
	return !ftruncate(file.caught, 0);
}
