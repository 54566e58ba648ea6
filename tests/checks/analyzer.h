/* SPDX-License-Identifier: Apache-2.0 */
/* Included before each file that an analyzer reads: functions that record a failure return one, which
 * an analyzer that sees one file at a time cannot know. ANALYZE_<room>: the file's room. */
#ifndef CHECKS_ANALYZER_H
#define CHECKS_ANALYZER_H

#include "fairvox/context.h"
#include "fairvox/csv.h"

static inline fv_status analyzer_failed(fv_status status)
{
	if (status == FV_OK)
		__builtin_unreachable();
	return status;
}

#ifdef ANALYZE_checkpoint
#include "checkpoint/scan.h"
#define core_scan_fail(...) analyzer_failed(core_scan_fail(__VA_ARGS__))
#define core_scan_fail_memory(...) analyzer_failed(core_scan_fail_memory(__VA_ARGS__))
#endif
#ifdef ANALYZE_config
#include "config/loader.h"
#define core_loader_fail(...) analyzer_failed(core_loader_fail(__VA_ARGS__))
#endif
#ifdef ANALYZE_corpus
#include "corpus/corpus_private.h"
#define core_corpus_fail(...) analyzer_failed(core_corpus_fail(__VA_ARGS__))
#endif
#define fv_csv_fail(...) analyzer_failed(fv_csv_fail(__VA_ARGS__))
#define fv_fail(...) analyzer_failed(fv_fail(__VA_ARGS__))

#endif
