/* SPDX-License-Identifier: Apache-2.0 */
/* Learning curves as TensorBoard event files: a folder for each run, in it one file of TFRecords (length,
 * masked CRC-32C, a protobuf message Event, masked CRC-32C). Sources: tensorflow's record_writer.h, event.proto
 * and summary.proto. */
#ifndef CORE_REPORT_EVENT_FILES_H
#define CORE_REPORT_EVENT_FILES_H

#include "report/results.h"

/* Writes DIR/<variant>/fold<F>-seed<S>/events.out.tfevents.0.fairvox for every done run. A step is an epoch,
 * counted over the training stages; the time of an event is that of training, in seconds from its start, so the same
 * results give the same bytes. *n: files written. */
FV_NODISCARD fv_status core_write_event_files(
	fv_ctx *ctx, const core_results *results, const char *dir, int64_t *n);

/* CRC-32C (Castagnoli) of some bytes. */
uint32_t core_crc32c(const void *data, size_t size);

#endif
