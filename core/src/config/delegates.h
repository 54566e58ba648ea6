/* SPDX-License-Identifier: Apache-2.0 */
/* Losses inside other losses (fairvox/stages.h): whether they use the run's groups. */
#ifndef CORE_CONFIG_DELEGATES_H
#define CORE_CONFIG_DELEGATES_H

#include <stdbool.h>

#include <fairvox/plugin.h>

#include "config/spec.h"

/* True when the delegate uses the run's groups, rather than groups that `loss` makes for it. */
bool core_delegate_uses_groups(const fv_descriptor *loss, const fv_descriptor *delegate);

/* True when the loss or one of its delegates uses the run's groups. */
bool core_loss_uses_groups(const core_plugin_spec *loss);

#endif
