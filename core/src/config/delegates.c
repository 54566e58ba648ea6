/* SPDX-License-Identifier: Apache-2.0 */
#include "config/delegates.h"

#include <fairvox/stages.h>

static bool uses_groups(const fv_descriptor *loss)
{
	return ((const fv_loss_ops *)loss->ops)->uses_groups != 0;
}

bool core_delegate_uses_groups(const fv_descriptor *loss, const fv_descriptor *delegate)
{
	const fv_stages_1 *stages = loss->extension ? loss->extension(FV_STAGES_1) : NULL;
	return uses_groups(delegate) && !(stages && stages->makes_groups);
}

bool core_loss_uses_groups(const core_plugin_spec *loss)
{
	const fv_descriptor *d = loss->plugin->descriptor;
	bool uses = uses_groups(d);
	for (int32_t i = 0; i < loss->n_delegates && !uses; i++)
		uses = core_delegate_uses_groups(d, loss->delegate[i].use.plugin->descriptor);
	return uses;
}
