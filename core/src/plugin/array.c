/* SPDX-License-Identifier: Apache-2.0 */
/* The arrays that plugins ask for, with messages that name the op. */
#include <string.h>

#include "base/context.h"
#include "plugin/call.h"

enum { LABEL_MAX = 200, NAME_SIZE = LABEL_MAX + 32 };

void *fv_array(fv_ctx *ctx, const char *name, fv_type type, int64_t n0, int64_t n1)
{
	char full[NAME_SIZE], op[CORE_CALL_OP];
	core_call_name_op(core_call_current(), op, sizeof op);
	if (strlen(name) > LABEL_MAX) {
		(void)fv_fail(ctx, FV_FAILED, "%sarray '%.40s...': a name of more than %d bytes",
			op, name, LABEL_MAX);
		return NULL;
	}
	core_array_name(ctx, name, full, sizeof full);
	return core_array_make(ctx, op, full, type, n0, n1);
}
