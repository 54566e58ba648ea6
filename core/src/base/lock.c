/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>

int core_lock_try(int fd, bool *taken)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int result;
	do
		result = fcntl(fd, F_OFD_SETLK, &whole);
	while (result && errno == EINTR);
	*taken = result == 0;
	return *taken || errno == EAGAIN || errno == EACCES ? 0 : -1;
}

int core_lock_wait(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int result;
	do
		result = fcntl(fd, F_OFD_SETLKW, &whole);
	while (result && errno == EINTR);
	return result;
}

bool core_lock_is_held(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}
