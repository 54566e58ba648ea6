/* SPDX-License-Identifier: Apache-2.0 */
/* Which members a plugin is shown as NULL, and how to get them: told when an op crashes at a null pointer. */
#ifndef CORE_PLUGIN_ABSENT_H
#define CORE_PLUGIN_ABSENT_H

#include <fairvox/grouper.h>
#include <fairvox/loss.h>

#include "base/context.h"

/* "NULL there: group and member (uses_groups is not set), ...", by what the rows lack. Memory of ctx; NULL if
 * nothing is absent, or memory is out. */
const char *core_absent_of_loss(fv_ctx *ctx, const fv_loss_ops *ops, const fv_rows *rows);
/* The same of what a grouper with these flags is not shown, in a corpus with recordings or without. */
const char *core_absent_of_grouper(fv_ctx *ctx, uint32_t uses, bool recordings);

#endif
