/* SPDX-License-Identifier: Apache-2.0 */
/* Losses inside others (fairvox/stages.h): whether the groups of the run reach them. */
#ifndef CORE_CONFIG_DELEGATES_H
#define CORE_CONFIG_DELEGATES_H

#include <stdbool.h>

#include <fairvox/plugin.h>

#include "config/spec.h"

/* Does the delegate work on the run's groups, and not on groups that `loss` makes for it? */
bool core_delegate_uses_groups(const fv_descriptor *loss, const fv_descriptor *delegate);

/* Does the loss or one of its delegates? */
bool core_loss_uses_groups(const core_plugin_spec *loss);

#endif
