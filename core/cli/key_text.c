/* SPDX-License-Identifier: Apache-2.0 */
#include "key_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Larger bounds only say that there is none. */
#define UNLIMITED 1e9

static const char *get_type_text(const core_key *key)
{
	static const char *const texts[] = {
		[CORE_KEY_INT] = "whole number",
		[CORE_KEY_REAL] = "number",
		[CORE_KEY_BOOL] = "true | false",
		[CORE_KEY_TEXT] = "text",
		[CORE_KEY_PATH] = "path",
		[CORE_KEY_LOSS] = "a loss: its name, or {name: NAME, its parameters}",
		[CORE_KEY_INTS] = "list of whole numbers",
		[CORE_KEY_SIZES] = "list of whole numbers",
		[CORE_KEY_REALS] = "list of numbers",
		[CORE_KEY_TEXTS] = "list of texts",
		[CORE_KEY_NAMES] = "list of texts",
		[CORE_KEY_TEXT_MAP] = "{NAME: text, ...}",
		[CORE_KEY_BINS] = "{ATTRIBUTE: {NAME: [low, high], ...}, ...}",
		[CORE_KEY_VALUES] = "{ATTRIBUTE: [text, ...], ...}",
		[CORE_KEY_FOLDS] = "list of whole numbers, or {make, by, use, seed}",
		[CORE_KEY_NULL_MAP] = "{NAME: text or null, ...}",
		[CORE_KEY_COLUMNS] = "{NAME: column or [column, ...], ...}",
		[CORE_KEY_RANGES] = "{COLUMN: [low, high] or [value, ...], ...}",
		[CORE_KEY_FILES] = "a path, [path, ...], or {NAME: path, ...}",
		[CORE_KEY_BLOCK] = "a block",
		[CORE_KEY_ENCODER] = "a block encoder",
	};
	if (key->type == CORE_KEY_CHOICE)
		return key->choices;
	return texts[key->type];
}

FV_PRINTF(3, 4) static void append_text(char *out, size_t size, const char *format, ...)
{
	size_t used = strlen(out);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(out + used, size - used, format, arguments);
	va_end(arguments);
}

static const char *get_text_or_none(const char *value)
{
	return value ? value : "none";
}

static void append_range(const core_key *key, char *out, size_t size)
{
	if (key->min == 0 && key->max == 0)
		return;
	if (key->max >= UNLIMITED)
		append_text(out, size, ", %s %.9g", key->above ? "above" : "at least", key->min);
	else
		append_text(out, size, ", %s%.9g to %s%.9g", key->above ? "above " : "", key->min,
			key->below ? "below " : "", key->max);
}

void cli_describe_key(const core_key *key, char *out, size_t size)
{
	const char *official = key->official ? key->official : key->def;
	snprintf(out, size, "%s", get_type_text(key));
	if (key->unit)
		append_text(out, size, " [%s]", key->unit);
	append_range(key, out, size);
	if (key->choices && key->type != CORE_KEY_CHOICE)
		append_text(out, size, ", or %s", key->choices);
	if (key->required && official)
		append_text(out, size, "; required (profile paper), default %s (profile official)",
			official);
	else if (key->required)
		append_text(out, size, "; required");
	else if (!strcmp(get_text_or_none(key->def), get_text_or_none(official)))
		append_text(out, size, "; default %s", get_text_or_none(key->def));
	else
		append_text(out, size, "; default %s (profile paper), %s (profile official)",
			get_text_or_none(key->def), get_text_or_none(official));
}
