/* SPDX-License-Identifier: Apache-2.0 */
/* Opens plugin files in a child process first, so that a file that crashes, hangs or calls exit
 * does no harm here. */
#ifndef CORE_PLUGIN_PROBE_H
#define CORE_PLUGIN_PROBE_H

#include "base/context.h"

typedef struct core_candidate {
	const char *path; /* absolute */
	const char *name; /* file name without .so */
	const char *
		reason; /* NULL when the file may be loaded; one that has a reason already is not opened */
} core_candidate;

FV_NODISCARD fv_status core_probe_files(fv_ctx *ctx, core_candidate *candidate, size_t n);

#endif
