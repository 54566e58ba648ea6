/* SPDX-License-Identifier: Apache-2.0 */
/* --device: where a subcommand encodes recordings. */
#ifndef CLI_DEVICE_H
#define CLI_DEVICE_H

#include "run/device_choice.h"

#define CLI_DEVICE                                                                                 \
	{                                                                                          \
		"device", required_argument, NULL, 'Q'                                             \
	}
#define CLI_DEVICE_HELP                                                                            \
	"      --device D     compute on cpu (default), on cuda, or auto: on cuda if it can be\n"  \
	"                     used\n"

/* Chooses the device, whose module is loaded only for cuda and auto. Errors: as core_device_choose. */
FV_NODISCARD fv_status cli_choose_device(
	fv_ctx *ctx, core_device_asked asked, core_device_choice *out);

#endif
