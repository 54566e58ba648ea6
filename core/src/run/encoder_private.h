/* SPDX-License-Identifier: Apache-2.0 */
/* What opening an encoder (encoder.c) and calling its ops (encoder_ops.c) share. */
#ifndef CORE_RUN_ENCODER_PRIVATE_H
#define CORE_RUN_ENCODER_PRIVATE_H

#include "plugin/guard.h"
#include "run/encoder.h"

/* Begins a call of an op. Processes share the encoder, so each call has its own guard. */
void core_encoder_enter_op(core_guard *guard, fv_ctx *ctx, const core_encoder *e, const char *op);

#endif
