/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "plugin files of this machine are not supported"
#endif

static bool check_segments(
	int fd, const Elf64_Ehdr *head, unsigned long long file_size, char *reason, size_t size)
{
	for (unsigned i = 0; i < head->e_phnum; i++) {
		Elf64_Phdr segment;
		off_t at = (off_t)(head->e_phoff + i * sizeof segment);
		ssize_t n = core_pread_fully(fd, &segment, sizeof segment, at);
		if (n < 0)
			snprintf(reason, size, "cannot be read: %s", strerror(errno));
		else if (n < (ssize_t)sizeof segment)
			snprintf(reason, size, "truncated: program header %u is missing", i);
		if (n < (ssize_t)sizeof segment)
			return false;
		unsigned long long end = 0;
		if (segment.p_type != PT_LOAD)
			continue;
		if (__builtin_add_overflow(segment.p_offset, segment.p_filesz, &end) ||
			end > file_size) {
			snprintf(reason, size,
				"truncated: a segment ends at byte %llu, the file has %llu", end,
				file_size);
			return false;
		}
	}
	return true;
}

static bool check_open_file(int fd, unsigned long long file_size, char *reason, size_t size)
{
	Elf64_Ehdr head;
	ssize_t n = core_pread_fully(fd, &head, sizeof head, 0);
	if (n < 0) {
		snprintf(reason, size, "cannot be read: %s", strerror(errno));
		return false;
	}
	if (n < SELFMAG || memcmp(head.e_ident, ELFMAG, SELFMAG)) {
		snprintf(reason, size, "not a shared object (no ELF header)");
		return false;
	}
	if (n < (ssize_t)sizeof head) {
		snprintf(reason, size, "truncated: the ELF header is incomplete");
		return false;
	}
	if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != ELFDATA2LSB ||
		head.e_machine != MACHINE) {
		snprintf(
			reason, size, "built for another machine (ELF machine %u)", head.e_machine);
		return false;
	}
	if (head.e_type != ET_DYN || head.e_phentsize != sizeof(Elf64_Phdr)) {
		snprintf(reason, size, "not a shared object (ELF type %u)", head.e_type);
		return false;
	}
	return check_segments(fd, &head, file_size, reason, size);
}

bool core_elf_check(const char *path, char *reason, size_t size)
{
	struct stat st;
	int fd = core_open_regular(path, &st);
	if (fd < 0) {
		snprintf(reason, size, "%s", core_open_reason(path, errno));
		return false;
	}
	bool good = check_open_file(fd, (unsigned long long)st.st_size, reason, size);
	close(fd);
	return good;
}
