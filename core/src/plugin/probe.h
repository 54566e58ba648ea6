/* SPDX-License-Identifier: Apache-2.0 */
/* Unknown plugin files are opened in a child process first: what crashes, hangs or calls exit there
 * does no harm here. */
#ifndef CORE_PLUGIN_PROBE_H
#define CORE_PLUGIN_PROBE_H

#include "base/context.h"

typedef struct core_candidate {
	const char *path;   /* absolute */
	const char *name;   /* the file's name without .so */
	const char *reason; /* out: NULL when the file may be loaded */
} core_candidate;

FV_NODISCARD fv_status core_probe(fv_ctx *ctx, core_candidate *candidate, size_t n);

#endif
