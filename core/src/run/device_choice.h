/* SPDX-License-Identifier: Apache-2.0 */
/* Where a command encodes recordings (--device): on the CPU, or on a device whose module is loaded for it. This
 * process and its workers never open the device. It is opened once in a process of its own, which tells
 * whether it works and what its numbers depend on, and then by the process that computes (pipeline.h). */
#ifndef CORE_RUN_DEVICE_CHOICE_H
#define CORE_RUN_DEVICE_CHOICE_H

#include "base/context.h"

struct core_device_module; /* backend/device.h */

/* What was asked for. */
typedef enum core_device_asked {
	CORE_DEVICE_CPU,
	CORE_DEVICE_CUDA,
	CORE_DEVICE_AUTO
} core_device_asked;

/* Loads a module: its version and size are those of this program. Errors: FV_FAILED. */
typedef fv_status (*core_device_loader)(fv_ctx *ctx, const struct core_device_module **out);

enum { CORE_DEVICE_TOLD = 16 };

typedef struct core_device_choice {
	core_device_asked asked;
	core_device_loader load;
	const char *name;     /* of the module; "cpu" */
	const char *numerics; /* of the device, part of cache keys; NULL: the CPU */
	const char *why;      /* why auto took the CPU; NULL: it did not */
	int64_t rows;         /* of the device */
	bool trains;          /* it trains classifiers too */
	/* Encoders of which it was said that they compute on the CPU. */
	int n_told;
	const char *told[CORE_DEVICE_TOLD];
} core_device_choice;

/* Parses "cpu", "cuda" or "auto". Errors: FV_CONFIG. */
FV_NODISCARD fv_status core_device_parse(fv_ctx *ctx, const char *text, core_device_asked *out);
const char *core_device_asked_name(core_device_asked asked);

/* Chooses. With CORE_DEVICE_AUTO the log says what was taken and why. Errors: FV_FAILED if CORE_DEVICE_CUDA was
 * asked for and there is no usable device; those of a signal. */
FV_NODISCARD fv_status core_device_choose(
	fv_ctx *ctx, core_device_asked asked, core_device_loader load, core_device_choice *out);

/* The choice of a device that encodes or encoded elsewhere, by its numerics. NULL: that of another machine, which is
 * not known: nothing counts as encoded by it. Nothing can be encoded with this choice. */
void core_device_choose_elsewhere(const char *numerics, core_device_choice *out);

/* [the process that computes] Opens the chosen device. Errors: FV_FAILED, also if it is not as it was. */
FV_NODISCARD fv_status core_device_open_chosen(fv_ctx *ctx, const core_device_choice *choice,
	const struct core_device_module **module, core_device **out);

/* Says, once for each encoder, that it computes on the CPU because it cannot on a device. */
void core_device_tell_cpu(fv_ctx *ctx, core_device_choice *choice, const char *encoder);

#endif
