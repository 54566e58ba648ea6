/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes. The message of an error is in the context (fv_fail). */
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
} fv_status;

FV_END_DECLS

#endif
