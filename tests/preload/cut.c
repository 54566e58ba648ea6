/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a file as soon as it is mapped, for tests/cli/accidents.bats (LD_PRELOAD): CUT_FILE=PATH to CUT_TO bytes. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t from)
{
	static void *(*next)(void *, size_t, int, int, int, off_t);
	struct stat mine, named;
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "mmap");
	void *pages = next(at, size, protection, flags, fd, from);
	const char *path = getenv("CUT_FILE");
	if (fd >= 0 && path && !fstat(fd, &mine) && !stat(path, &named) &&
		mine.st_ino == named.st_ino && mine.st_dev == named.st_dev)
		(void)!truncate(path, atol(getenv("CUT_TO")));
	return pages;
}
