/* SPDX-License-Identifier: Apache-2.0 */
#include "base/readable.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/utf8.h"

/* The smallest page of any processor: within it, all bytes can be read or none. */
#define PAGE ((uintptr_t)4096)

/* Reads one byte through the system. Where it does not allow that, memory counts as readable. */
static bool is_byte_readable(uintptr_t at)
{
	char byte;
	const struct iovec to = {&byte, 1}, from = {(void *)at, 1};
	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1 || errno != EFAULT;
}

bool core_is_readable(const void *data, size_t size)
{
	uintptr_t first = (uintptr_t)data;
	if (!size)
		return true;
	if (!data || size > UINTPTR_MAX - first || !is_byte_readable(first))
		return false;
	for (uintptr_t at = first / PAGE * PAGE + PAGE; at < first + size; at += PAGE)
		if (!is_byte_readable(at))
			return false;
	return true;
}

bool core_is_readable_text(const char *text, size_t max)
{
	for (size_t i = 0; text && i <= max; i++) {
		bool new_page = !i || (uintptr_t)(text + i) % PAGE == 0;
		if (new_page && !is_byte_readable((uintptr_t)(text + i)))
			return false;
		if (!text[i])
			return i && core_is_utf8(text);
		if (text[i] == '\n' || text[i] == '\r')
			return false;
	}
	return false;
}

bool core_is_on_stack(const void *address)
{
	pthread_attr_t attributes;
	void *low = NULL;
	size_t size = 0;
	if (pthread_getattr_np(pthread_self(), &attributes))
		return false;
	int failed = pthread_attr_getstack(&attributes, &low, &size);
	pthread_attr_destroy(&attributes);
	return !failed && (uintptr_t)address >= (uintptr_t)low &&
	       (uintptr_t)address - (uintptr_t)low < size;
}
