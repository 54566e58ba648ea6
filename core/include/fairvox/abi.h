/* SPDX-License-Identifier: Apache-2.0 */
/* The number of the plugin ABI, and the compiler attributes that the public headers use.
 *
 * Structs that are passed between core and plugin start with their size, and new members are only
 * added at their end; the few that have no size never change. A change that is not possible this way
 * changes FV_ABI. A plugin that was built for another number is refused. The page "Writing a plugin"
 * says what is promised.
 *
 * Thread tags in these headers:
 *   [run]     called on the one thread that drives a run; never concurrently for the same state
 *   [worker]  after open(), may be called from several threads at once on the same state
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

/* Initialiser of a struct whose first member is its size. The named macros, such as
 * FV_LOSS_OPS(...), are built from it. */
#define FV_SIZED(type_, ...)                                                                       \
	{                                                                                          \
		.size = sizeof(type_), __VA_ARGS__                                                 \
	}

#endif
