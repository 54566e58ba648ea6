/* SPDX-License-Identifier: Apache-2.0 */
/* The rules by which train.select picks an epoch. */
#ifndef CORE_CONFIG_SELECT_RULE_H
#define CORE_CONFIG_SELECT_RULE_H

#include <stdbool.h>

/* value of train.select_groups: the groups of the variant's grouper */
#define CORE_INFERRED_GROUPS "inferred"

typedef enum core_select_kind {
	CORE_SELECT_LOSS,        /* mean base loss */
	CORE_SELECT_OBJECTIVE,   /* mean over batches of the objective's own value */
	CORE_SELECT_F1,          /* highest macro F1 */
	CORE_SELECT_UAR,         /* highest UAR */
	CORE_SELECT_WORST_GROUP, /* largest mean base loss of a group */
	CORE_SELECT_TPR_GAP,     /* smallest TPR gap among epochs with an F1 near the best */
} core_select_kind;

typedef struct core_select_rule {
	const char *name;
	core_select_kind kind;
	bool on_test; /* looks at the test split: an upper bound, not a result */
} core_select_rule;

static inline bool core_select_uses_groups(const core_select_rule *rule)
{
	return rule->kind >= CORE_SELECT_WORST_GROUP;
}

/* NULL: no rule of that name. */
const core_select_rule *core_select_rule_find(const char *name);

#endif
