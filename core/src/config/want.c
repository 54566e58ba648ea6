/* SPDX-License-Identifier: Apache-2.0 */
/* What a key takes, in words for messages. */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "config/check_private.h"

size_t core_check_split_choices(
	core_loader *loader, const char *choices, const char *word[CHOICES_MAX])
{
	size_t n = 0;
	while (choices && *choices && n < CHOICES_MAX) {
		size_t size = strcspn(choices, "|");
		word[n] = core_strndup(loader->ctx, choices, size);
		if (!word[n])
			return 0;
		n++;
		choices += size + (choices[size] == '|');
	}
	return n;
}

const char *core_check_list_choices(core_loader *loader, const char *choices)
{
	const char *word[CHOICES_MAX], *text = "";
	size_t n = core_check_split_choices(loader, choices, word);
	for (size_t i = 0; i < n && text; i++)
		text = core_format(loader->ctx, i ? "%s, %s" : "%s%s", text, word[i]);
	return text ? text : choices;
}

const char *core_check_tell_range(core_loader *loader, const core_key *key, double value)
{
	char low[32], high[32];
	core_number_text(low, key->min);
	core_number_text(high, key->max);
	const char *text;
	if (isinf(key->min))
		text = core_format(loader->ctx, "at most %s", high);
	else if (key->max >= 1e6 && value <= key->max)
		text = core_format(loader->ctx, "%s %s", key->above ? "above" : "at least", low);
	else
		text = core_format(loader->ctx, "%s %s %s %s", key->above ? "above" : "from", low,
			key->below   ? "to below"
			: key->above ? "and at most"
				     : "to",
			high);
	if (text && key->unit)
		text = core_format(loader->ctx, "%s %s", text, key->unit);
	if (text && key->choices)
		text = core_format(loader->ctx, "%s, or %s", text,
			core_check_list_choices(loader, key->choices));
	return text ? text : "";
}

/* What a single value, or an item of a list, must be. */
static const char *tell_item(const core_key *key)
{
	switch (key->type) {
	case CORE_KEY_INT:
		return "a whole number";
	case CORE_KEY_REAL:
		return "a number";
	case CORE_KEY_BOOL:
		return "true or false";
	case CORE_KEY_CHOICE:
		return "one of";
	case CORE_KEY_PATH:
		return "a path";
	case CORE_KEY_REALS:
		return "a list of numbers";
	case CORE_KEY_LOSS:
		return "the name of a loss";
	default:
		return "a text";
	}
}

const char *core_check_want(core_loader *loader, const core_key *key)
{
	const char *item = tell_item(key), *rest = "";
	if (key->type == CORE_KEY_CHOICE)
		rest = core_check_list_choices(loader, key->choices);
	else if (key->min != 0 || key->max != 0)
		rest = core_check_tell_range(loader, key, key->min);
	bool choice = key->type == CORE_KEY_CHOICE;
	const char *text = core_format(loader->ctx,
		choice  ? "%s %s"
		: *rest ? "%s (%s)"
			: "%s%s",
		item, rest);
	return text ? text : item;
}

void core_check_refuse_empty(
	core_loader *loader, const core_key *key, const char *path, const core_yaml *node)
{
	if (key->required)
		core_loader_fail(loader, FV_CONFIG, node->place,
			"%s has no value, and no default either: write %s", path,
			core_check_want(loader, key));
	else
		core_loader_fail(loader, FV_CONFIG, node->place,
			"%s has no value: write one, or remove the key to use its default", path);
}
