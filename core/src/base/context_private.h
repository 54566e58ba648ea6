/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of the context, for the files of base/ that implement it. */
#ifndef CORE_BASE_CONTEXT_PRIVATE_H
#define CORE_BASE_CONTEXT_PRIVATE_H

#include <fairvox/stream.h>

#include "base/arena.h"
#include "base/causes.h"
#include "base/context.h"

#define CORE_ARRAYS_MAX 256

/* A text that was warned about, so that it is not shown again. */
typedef struct core_warned core_warned;

struct fv_ctx {
	core_arena memory, scratch, warned_text; /* marks cover only `memory` */
	core_fill scratch_fill;
	size_t given; /* bytes that fv_alloc gave */
	core_causes errors;
	fv_status status;
	const char *plugin;
	const char *about; /* added to warnings and notes; NULL: nothing */
	uint64_t seed;
	int64_t fold;
	core_log_sink sink;
	void *sink_user;
	core_progress_sink progress_sink;
	void *progress_user;
	core_warned *warned;
	size_t n_warned, warned_left_out;
	struct core_networks *networks;
	struct core_stages *stages;
	core_device *device;
	int32_t scope; /* of arrays */
	core_array arrays[CORE_ARRAYS_MAX];
	size_t n_arrays;
};

#endif
