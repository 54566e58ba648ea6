/* SPDX-License-Identifier: Apache-2.0 */
#include "config/select_rule.h"

#include <stddef.h>
#include <string.h>

static const core_select_rule rules[] = {
	{"dev_loss", CORE_SELECT_LOSS, false},
	{"dev_objective", CORE_SELECT_OBJECTIVE, false},
	{"dev_f1", CORE_SELECT_F1, false},
	{"dev_uar", CORE_SELECT_UAR, false},
	{"dev_worst_group", CORE_SELECT_WORST_GROUP, false},
	{"dev_tpr_gap", CORE_SELECT_TPR_GAP, false},
	{"oracle", CORE_SELECT_TPR_GAP, true},
};

const core_select_rule *core_select_rule_find(const char *name)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (!strcmp(rules[i].name, name))
			return &rules[i];
	return NULL;
}
