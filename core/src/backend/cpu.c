/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* CPUID leaf 7: bits of EDX; leaf 1: bit of ECX. XCR0: bits of the register states that the system
 * saves. */
#define AMX_BF16 (1u << 22)
#define AMX_TILE (1u << 24)
#define OSXSAVE (1u << 27)
#define TILE_STATES (3u << 17)

static bool has_amx(void)
{
	enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };
	unsigned a, b, c, d, low, high;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE))
		return false;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & AMX_BF16) || !(d & AMX_TILE))
		return false;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	if ((low & TILE_STATES) != TILE_STATES)
		return false;
	return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
}

core_cpu core_cpu_read(void)
{
	core_cpu cpu = {.intel = __builtin_cpu_is("intel"), .amd = __builtin_cpu_is("amd")};
	cpu.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
	cpu.avx512 = cpu.avx2 && __builtin_cpu_supports("avx512f") &&
		     __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
		     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
	cpu.avx512_bf16 = cpu.avx512 && __builtin_cpu_supports("avx512bf16");
	cpu.amx = cpu.avx512 && has_amx();
	return cpu;
}
#else
core_cpu core_cpu_read(void)
{
	return (core_cpu){0};
}
#endif
