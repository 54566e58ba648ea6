/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes, which are also the exit codes of the program. The message of an error is in the context
 * (fv_fail). */
#ifndef FAIRVOX_STATUS_H
#define FAIRVOX_STATUS_H

#include <fairvox/abi.h>

FV_BEGIN_DECLS

typedef enum fv_status {
	FV_OK = 0,
	FV_FAILED = 1,   /* the run failed: arithmetic, memory, disk, a crashed worker */
	FV_CONFIG = 2,   /* usage or configuration: unknown key, value out of range */
	FV_DATA = 4,     /* a recording, label file, weights or plugin is missing or bad */
	FV_STOPPED = 75, /* stopped on request; finished work is saved and can be resumed */

	/* Of the program alone: no plugin returns them. */
	FV_SOME_FAILED = 3,   /* some runs of several failed */
	FV_INTERRUPTED = 130, /* SIGINT */
	FV_TERMINATED = 143,  /* SIGTERM, SIGHUP */
} fv_status;

FV_END_DECLS

#endif
