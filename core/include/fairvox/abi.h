/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin ABI's number, and the compiler attributes the public headers use.
 *
 * Structs that cross the line between core and plugin start with their size and only ever grow at
 * the end; FV_ABI changes when that is not possible. A plugin built for another number is refused.
 *
 * Thread tags used in these headers:
 *   [run]     called on the one thread that drives a run, never concurrently for one state
 *   [worker]  may be called from several threads at once on the same state, after open()
 */
#ifndef FAIRVOX_ABI_H
#define FAIRVOX_ABI_H

#include <stddef.h>
#include <stdint.h>

#define FV_ABI 2u

#ifdef __cplusplus
#define FV_BEGIN_DECLS extern "C" {
#define FV_END_DECLS }
#else
#define FV_BEGIN_DECLS
#define FV_END_DECLS
#endif

#if defined(__GNUC__)
#define FV_NODISCARD __attribute__((warn_unused_result))
#define FV_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define FV_EXPORT __attribute__((visibility("default")))
#else
#define FV_NODISCARD
#define FV_PRINTF(text, first)
#define FV_EXPORT
#endif

#endif
