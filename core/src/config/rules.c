/* SPDX-License-Identifier: Apache-2.0 */
/* Rules between keys. A key without effect is refused instead of ignored, unless a matrix may
 * combine it with settings where it has an effect. */
#include <string.h>

#include <fairvox/loss.h>
#include <fairvox/networks.h>
#include <fairvox/stages.h>

#include "config/delegates.h"
#include "config/resolve.h"
#include "config/select_rule.h"

bool core_rules_fail(core_resolver *r, const core_yaml *block, const char *key, const char *words)
{
	const core_entry *entry = core_yaml_entry(block, key);
	core_loader_fail(
		r->loader, FV_CONFIG, entry ? entry->key_place : block->place, "%s", words);
	return false;
}

bool core_rules_is_given(const core_yaml *block, const char *key)
{
	const core_yaml *node = core_yaml_get(block, key);
	return node && (node->origin == CORE_FROM_FILE || node->origin == CORE_FROM_COMMAND);
}

void core_rules_remove_key(core_yaml *block, const char *key)
{
	size_t kept = 0;
	for (size_t i = 0; i < block->n; i++)
		if (strcmp(block->entry[i].key, key) != 0)
			block->entry[kept++] = block->entry[i];
	block->n = kept;
}

/* Is `text` one of the words of "a|b|c"? */
static bool is_choice(const char *choices, const char *text)
{
	size_t size = strlen(text);
	for (const char *at = choices; at; at = strchr(at, '|')) {
		at += *at == '|';
		if (!strncmp(at, text, size) && (at[size] == '|' || !at[size]))
			return true;
	}
	return false;
}

static bool check_eval(core_resolver *r, const core_yaml *eval)
{
	const core_yaml *compare = core_yaml_get(eval, "compare");
	const core_yaml *metric = core_yaml_get(compare, "metric");
	const core_yaml *attribute = core_yaml_get(compare, "attribute");
	const core_yaml *all = core_yaml_get(eval, "attributes");
	if (!compare)
		return true;
	bool found = !all;
	if (is_choice(CORE_OVERALL_METRICS, metric->text) && attribute)
		return core_rules_fail(r, compare, "attribute",
			"eval.compare.attribute has no effect: the metric belongs to no attribute");
	for (size_t i = 0; all && attribute && i < all->n; i++)
		found = found || !strcmp(all->entry[i].value->text, attribute->text);
	if (attribute && !found)
		return core_rules_fail(r, compare, "attribute",
			"eval.compare.attribute is not among eval.attributes");
	return true;
}

/* Removes a key that has no effect with the value of another key. A note instead of an error,
 * because a matrix may combine it with values where it has an effect. */
static void remove_unused_key(core_resolver *r, core_yaml *block, const char *key, const char *name,
	const char *with, const char *value)
{
	const core_yaml *node = core_yaml_get(block, key);
	if (core_rules_is_given(block, key))
		core_loader_note(r->loader, CORE_NOTE_UNUSED, node->place,
			"%s: %s.%s has no effect with %s %s",
			core_place_text(r->loader->ctx, node->place), name, key, with, value);
	core_rules_remove_key(block, key);
}

#define HIDDEN_MAX 8

static bool check_head(core_resolver *r, core_yaml *head)
{
	static const char *const dependent[] = {"activation", "dropout"};
	const core_yaml *hidden = core_yaml_get(head, "hidden");
	if (hidden && hidden->n > HIDDEN_MAX) {
		core_loader_fail(r->loader, FV_CONFIG, hidden->place,
			"head.hidden: %zu layers, at most %d are possible", hidden->n, HIDDEN_MAX);
		return false;
	}
	if (hidden && hidden->n)
		return true;
	for (size_t i = 0; i < sizeof dependent / sizeof *dependent; i++)
		remove_unused_key(r, head, dependent[i], "head", "head.hidden", "[]");
	if (hidden)
		core_rules_remove_key(head, "hidden");
	return true;
}

static void remove_unused_train_keys(core_resolver *r, core_yaml *train)
{
	const char *optimizer = core_yaml_get(train, "optimizer")->text;
	const char *rule = core_yaml_get(train, "select")->text;
	const char *schedule = core_yaml_get(train, "schedule")->text;
	const core_select_rule *it = core_select_rule_find(rule);
	if (!strcmp(optimizer, "adam"))
		remove_unused_key(r, train, "weight_decay", "train", "optimizer", optimizer);
	if (strcmp(optimizer, "sgd") != 0)
		remove_unused_key(r, train, "momentum", "train", "optimizer", optimizer);
	if (strcmp(schedule, "plateau") != 0) {
		remove_unused_key(r, train, "plateau_patience", "train", "schedule", schedule);
		remove_unused_key(r, train, "plateau_factor", "train", "schedule", schedule);
	}
	const char *base_loss = core_yaml_get(train, "base_loss")->text;
	if (strcmp(base_loss, "focal") != 0)
		remove_unused_key(r, train, "focal_gamma", "train", "base_loss", base_loss);
	if (!core_select_uses_groups(it)) {
		remove_unused_key(r, train, "select_groups", "train", "select", rule);
		remove_unused_key(r, train, "select_support", "train", "select", rule);
	}
	if (it->kind != CORE_SELECT_TPR_GAP)
		remove_unused_key(r, train, "select_f1_floor", "train", "select", rule);
}

/* Replaces the default decay, which is adamw's, by that of torch.optim.SGD. */
static bool set_sgd_decay(core_resolver *r, core_yaml *train)
{
	if (!core_yaml_is_word(core_yaml_get(train, "optimizer"), "sgd") ||
		core_rules_is_given(train, "weight_decay"))
		return true;
	core_yaml *zero = core_yaml_scalar(r->loader->ctx, train->place, CORE_FROM_CORE, "0");
	if (!zero)
		return false;
	zero->value = CORE_VALUE_NUMBER;
	zero->source = "default with optimizer sgd";
	for (size_t i = 0; i < train->n; i++)
		if (!strcmp(train->entry[i].key, "weight_decay"))
			train->entry[i].value = zero;
	return true;
}

static bool check_train(core_resolver *r, core_yaml *train)
{
	const core_yaml *order = core_yaml_get(train, "order");
	const core_yaml *sampler = core_yaml_get(train, "sampler");
	remove_unused_train_keys(r, train);
	if (order && strcmp(sampler->text, "shuffle") != 0) {
		core_loader_fail(r->loader, FV_CONFIG, sampler->place,
			"train.sampler: %s has no effect with train.order, which gives the rows "
			"of every epoch",
			sampler->text);
		return false;
	}
	return set_sgd_decay(r, train);
}

bool core_rules_check(core_resolver *r, const char *name, core_yaml *block)
{
	if (!strcmp(name, "corpus"))
		return core_rules_check_corpus(r, block);
	if (!strcmp(name, "eval"))
		return check_eval(r, block);
	if (!strcmp(name, "head"))
		return check_head(r, block);
	if (!strcmp(name, "slurm"))
		return core_rules_check_slurm(r, block);
	return strcmp(name, "train") != 0 || check_train(r, block);
}

/* True when the loss, or one that it delegates to, uses the grouper's groups. */
static bool uses_groups(const core_resolver *r, const core_yaml *loss)
{
	bool uses = ((const fv_loss_ops *)r->loss->ops)->uses_groups != 0;
	for (uint32_t i = 0; i < r->loss->n_params && !uses; i++) {
		const core_yaml *value = core_yaml_get(loss, r->loss->params[i].name);
		const core_yaml *name = core_yaml_get(value, "name");
		if (r->loss->params[i].type == FV_LOSS_REF && name)
			uses = core_delegate_uses_groups(r->loss,
				core_registry_find(r->loader->registry, FV_LOSS, name->text)
					->descriptor);
	}
	return uses;
}

bool core_rules_use_groups(const core_resolver *r, const core_yaml *loss, const core_yaml *train)
{
	const core_yaml *chosen = core_yaml_get(train, "select_groups");
	const core_yaml *sampler = core_yaml_get(train, "sampler");
	return uses_groups(r, loss) || (chosen && !strcmp(chosen->text, CORE_INFERRED_GROUPS)) ||
	       (sampler && strstr(sampler->text, "group"));
}

void core_rules_note_unused_grouper(core_resolver *r, const core_yaml *grouper)
{
	core_loader_note(r->loader, CORE_NOTE_UNUSED, grouper->place,
		"the grouper is dropped where the loss is '%s', which uses no groups",
		r->loss->name);
}

bool core_rules_check_order(core_resolver *r, const core_yaml *variant)
{
	const core_yaml *order = core_yaml_get(core_yaml_get(variant, "train"), "order");
	if (!order || !r->loss || !r->loss->extension || !r->loss->extension(FV_STAGES_1))
		return true;
	core_loader_fail(r->loader, FV_CONFIG, order->place,
		"train.order cannot be used: loss '%s' trains in stages", r->loss->name);
	return false;
}

/* Checks the groups that train.sampler draws from. *samples: it draws from groups. */
static bool check_sampler(
	core_resolver *r, const core_yaml *variant, const core_yaml *grouper, bool *samples)
{
	const core_yaml *sampler = core_yaml_get(core_yaml_get(variant, "train"), "sampler");
	const fv_stages_1 *stages = r->loss->extension ? r->loss->extension(FV_STAGES_1) : NULL;
	*samples = sampler && strstr(sampler->text, "group");
	if (!*samples)
		return true;
	if (stages && stages->makes_groups)
		core_loader_fail(r->loader, FV_CONFIG, sampler->place,
			"train.sampler: %s cannot be used: loss '%s' makes groups of its own",
			sampler->text, r->loss->name);
	else if (!grouper)
		core_loader_fail(r->loader, FV_CONFIG, sampler->place,
			"train.sampler: %s draws from groups: a grouper is needed", sampler->text);
	else
		return true;
	return false;
}

/* Returns what a loss with networks of its own allows (fairvox/networks.h); everything for the others. */
static uint32_t find_allowed(const fv_descriptor *loss)
{
	const fv_networks_1 *theirs = loss->extension ? loss->extension(FV_NETWORKS_1) : NULL;
	fv_networks_1 networks = {.allows = 0};
	if (!theirs)
		return UINT32_MAX;
	memcpy(&networks, theirs, theirs->size < sizeof networks ? theirs->size : sizeof networks);
	return networks.allows;
}

static bool check_allowed(core_resolver *r, const core_yaml *variant, const fv_descriptor *loss)
{
	const core_yaml *head = core_yaml_get(variant, "head");
	const core_yaml *base = core_yaml_get(core_yaml_get(variant, "train"), "base_loss");
	const core_yaml *projection = core_yaml_get(head, "projection");
	uint32_t allows = find_allowed(loss);
	bool good = true;
	if (base && core_yaml_is_word(base, "bce") && !(allows & FV_NETWORKS_SIGMOID)) {
		core_loader_fail(r->loader, FV_CONFIG, base->place,
			"train.base_loss bce cannot be used with loss '%s', which takes the logits "
			"of its networks for those of a softmax: use soft_ce or focal",
			loss->name);
		good = false;
	}
	if (projection && core_yaml_is_word(projection, "none") && !core_yaml_get(head, "hidden") &&
		!(allows & FV_NETWORKS_BARE)) {
		core_loader_fail(r->loader, FV_CONFIG, projection->place,
			"head.projection none without head.hidden cannot be used with loss '%s', "
			"whose encoders would have no layer: give head.hidden or a projection",
			loss->name);
		good = false;
	}
	return good;
}

bool core_rules_check_networks(core_resolver *r, const core_yaml *variant)
{
	const core_yaml *loss = core_yaml_get(variant, "loss");
	if (!r->loss)
		return true;
	bool good = check_allowed(r, variant, r->loss);
	for (uint32_t i = 0; i < r->loss->n_params; i++) {
		const core_yaml *value = core_yaml_get(loss, r->loss->params[i].name);
		const core_yaml *name = core_yaml_get(value, "name");
		if (r->loss->params[i].type == FV_LOSS_REF && name)
			good = check_allowed(r, variant,
				       core_registry_find(r->loader->registry, FV_LOSS, name->text)
					       ->descriptor) &&
			       good;
	}
	return good;
}

bool core_rules_resolve_grouper(core_resolver *r, core_yaml *variant)
{
	if (!r->loss || !(r->loader->needs & CORE_NEED_LOSS))
		return true;
	const core_yaml *grouper = core_yaml_get(variant, "grouper");
	const core_yaml *chosen = core_yaml_get(core_yaml_get(variant, "train"), "select_groups");
	bool selects = chosen && !strcmp(chosen->text, CORE_INFERRED_GROUPS);
	if (selects && !grouper) {
		const core_yaml *rule = core_yaml_get(core_yaml_get(variant, "train"), "select");
		core_loader_fail(r->loader, FV_CONFIG, rule->place,
			"train.select: '%s' uses inferred groups: a grouper is needed, or "
			"train.select_groups names an attribute",
			rule->text);
		return false;
	}
	bool samples;
	if (!check_sampler(r, variant, grouper, &samples))
		return false;
	bool uses = uses_groups(r, core_yaml_get(variant, "loss"));
	if (uses && !grouper) {
		const core_yaml *name = core_yaml_get(core_yaml_get(variant, "loss"), "name");
		core_loader_fail(r->loader, FV_CONFIG, name->place,
			"loss '%s' uses groups: a grouper is needed", r->loss->name);
		return false;
	}
	if (uses || selects || samples || !grouper || (r->loader->needs & CORE_NEED_GROUPER))
		return true;
	core_rules_note_unused_grouper(r, grouper);
	core_rules_remove_key(variant, "grouper");
	return true;
}
