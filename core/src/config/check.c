/* SPDX-License-Identifier: Apache-2.0 */
/* Checks one value against the rule of its key. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/number.h"
#include "base/path.h"
#include "config/check_private.h"

#define DISTINCT_MAX 1000

/* A typed copy of a scalar. */
static core_yaml *copy_typed(
	core_check *c, const core_yaml *node, core_value value, const char *text)
{
	core_yaml *out = core_alloc(c->loader->ctx, 1, sizeof *out);
	if (!out || !text)
		return NULL;
	*out = *node;
	out->value = value;
	out->text = text;
	return out;
}

core_yaml *core_check_make_list(core_check *c, const core_yaml *node, core_yaml_kind kind, size_t n)
{
	core_yaml *out = core_yaml_map(c->loader->ctx, node->place, node->origin, n);
	if (out) {
		out->kind = kind;
		out->source = node->source;
	}
	return out;
}

/* Says how several values are written, each for variants of its own. */
static const char *tell_axis(core_check *c, const core_yaml *node)
{
	static const char *const blocks[] = {"loss.", "grouper.", "encoder.", "head.", "train."};
	bool axis = false;
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
		axis |= !strncmp(c->path, blocks[i], strlen(blocks[i]));
	if (!axis || node->kind != CORE_YAML_LIST)
		return "";
	const char *text = core_format(c->loader->ctx,
		": several values make an axis of the matrix: 'matrix: {%s: [A, B]}', or "
		"%s=A,B on the command line; where the matrix lists blocks, write a block for each",
		c->path, c->path);
	return text ? text : "";
}

/* True for a scalar with a value; otherwise records a failure. */
static bool check_filled(core_check *c, const core_yaml *node, const char *want)
{
	if (node->kind != CORE_YAML_SCALAR)
		REFUSE(c, node, "%s: %s is needed, not a %s%s", c->path, want,
			node->kind == CORE_YAML_MAP ? "map" : "list", tell_axis(c, node));
	else if (core_yaml_is_null(node) || !*node->text)
		core_check_refuse_empty(c->loader, c->key, c->path, node);
	else
		return true;
	return false;
}

static bool is_choice(core_check *c, const core_yaml *node)
{
	const char *word[CHOICES_MAX];
	size_t n = node->plain ? core_check_split_choices(c->loader, c->key->choices, word) : 0;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word[i], node->text))
			return true;
	return false;
}

static bool check_range(core_check *c, const core_yaml *node, double value)
{
	const core_key *key = c->key;
	if (key->min == 0 && key->max == 0)
		return true;
	if (value >= key->min && value <= key->max && !(key->above && value == key->min) &&
		!(key->below && value == key->max))
		return true;
	REFUSE(c, node, "%s: %s is out of range, %s", c->path, node->text,
		core_check_tell_range(c->loader, c->key, value));
	return false;
}

/* 010 is 10 in YAML 1.2 and 8 in YAML 1.1, which most programs in Python read. */
static bool starts_with_zero(const char *text)
{
	text += *text == '-' || *text == '+';
	return text[0] == '0' && text[1];
}

#define QUOTED ", but text: leave out the quotes"

/* What a text that is no number may have meant: one with a decimal comma. */
static const char *guess_number(core_check *c, const core_yaml *node, const char *quoted)
{
	double value;
	char *text = core_strdup(c->loader->ctx, node->text),
	     *comma = text ? strchr(text, ',') : NULL;
	if (!comma || strchr(comma + 1, ','))
		return quoted;
	*comma = '.';
	const char *guess = core_parse_double(text, &value)
				    ? core_format(c->loader->ctx, ": write %s", text)
				    : NULL;
	return guess ? guess : quoted;
}

static core_yaml *check_int(core_check *c, const core_yaml *node)
{
	int64_t value;
	if (!check_filled(c, node, "a whole number"))
		return NULL;
	if (is_choice(c, node))
		return copy_typed(c, node, CORE_VALUE_TEXT, node->text);
	if (!node->plain || !core_parse_int(node->text, &value)) {
		bool quoted = !node->plain && core_parse_int(node->text, &value);
		REFUSE(c, node, "%s: '%s' is not a whole number%s", c->path, node->text,
			quoted ? QUOTED : "");
		return NULL;
	}
	if (starts_with_zero(node->text)) {
		REFUSE(c, node, "%s: '%s' starts with a zero, as octal numbers do: write %lld",
			c->path, node->text, (long long)value);
		return NULL;
	}
	if (!check_range(c, node, (double)value))
		return NULL;
	return copy_typed(
		c, node, CORE_VALUE_NUMBER, core_format(c->loader->ctx, "%lld", (long long)value));
}

core_yaml *core_check_real(core_check *c, const core_yaml *node)
{
	double value;
	char text[32];
	if (!check_filled(c, node, "a number"))
		return NULL;
	if (is_choice(c, node))
		return copy_typed(c, node, CORE_VALUE_TEXT, node->text);
	if (!node->plain || !core_parse_double(node->text, &value)) {
		bool quoted = !node->plain && core_parse_double(node->text, &value);
		REFUSE(c, node, "%s: '%s' is not a number%s", c->path, node->text,
			quoted ? QUOTED : guess_number(c, node, ""));
		return NULL;
	}
	if (!check_range(c, node, value))
		return NULL;
	return copy_typed(c, node, CORE_VALUE_NUMBER,
		core_strdup(c->loader->ctx, core_number_text(text, value)));
}

static core_yaml *check_bool(core_check *c, const core_yaml *node)
{
	if (!check_filled(c, node, "true or false"))
		return NULL;
	if (core_yaml_is_word(node, "true") || core_yaml_is_word(node, "false"))
		return copy_typed(c, node, CORE_VALUE_BOOL, node->text);
	REFUSE(c, node, "%s: '%s' is neither true nor false", c->path, node->text);
	return NULL;
}

static core_yaml *check_choice(core_check *c, const core_yaml *node)
{
	const char *word[CHOICES_MAX];
	size_t n = core_check_split_choices(c->loader, c->key->choices, word);
	if (!check_filled(c, node, "one word"))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(word[i], node->text) != 0)
			continue;
		core_yaml *out = copy_typed(c, node, CORE_VALUE_TEXT, word[i]);
		if (out)
			out->plain = true;
		return out;
	}
	REFUSE(c, node, "%s: '%s' is not one of %s%s", c->path, node->text,
		core_check_list_choices(c->loader, c->key->choices),
		core_suggest_name(c->loader->ctx, node->text, word, n));
	return NULL;
}

core_yaml *core_check_text(core_check *c, const core_yaml *node)
{
	return check_filled(c, node, "a text") ? copy_typed(c, node, CORE_VALUE_TEXT, node->text)
					       : NULL;
}

/* What a shell or OmegaConf would replace in a path; NULL: nothing. */
static const char *find_shell_sign(const char *path)
{
	return strstr(path, "${")                              ? "${...}"
	       : !strcmp(path, "~") || !strncmp(path, "~/", 2) ? "~"
							       : NULL;
}

/* A relative path in a file starts at that file's folder, one on the command line at the working
 * folder. */
core_yaml *core_check_path(core_check *c, const core_yaml *node)
{
	if (!check_filled(c, node, "a path"))
		return NULL;
	for (const char *at = node->text; *at; at++) {
		if ((unsigned char)*at >= 0x20)
			continue;
		REFUSE(c, node,
			"%s: a path has no control characters, and '\\' starts an escape in "
			"double quotes: put the path in single quotes",
			c->path);
		return NULL;
	}
	const char *sign = find_shell_sign(node->text);
	if (sign) {
		REFUSE(c, node,
			"%s: '%s' is not replaced in a path: write it out, or set %s on the "
			"command line",
			c->path, sign, c->path);
		return NULL;
	}
	fv_ctx *ctx = c->loader->ctx;
	const char *path = node->text;
	if (node->origin == CORE_FROM_FILE) {
		const char *folder = core_path_dir(ctx, node->place.file);
		path = folder ? core_path_join(ctx, folder, node->text) : NULL;
	}
	core_yaml *out = copy_typed(c, node, CORE_VALUE_TEXT, path);
	if (out)
		out->written = node->text;
	return out;
}

static bool refuse_repeated(core_check *c, const core_yaml *out, const core_yaml *item)
{
	if (out->n == DISTINCT_MAX) {
		REFUSE(c, item, "%s: more than %d values", c->path, DISTINCT_MAX);
		return true;
	}
	for (size_t i = 0; i < out->n; i++) {
		if (strcmp(out->entry[i].value->text, item->text) != 0)
			continue;
		REFUSE(c, item, "%s: '%s' is listed twice", c->path, item->text);
		return true;
	}
	return false;
}

/* Accepts a list, or a single value as a list of one. All bad items are reported. */
core_yaml *core_check_list(core_check *c, const core_yaml *node, bool distinct,
	core_yaml *(*item)(core_check *, const core_yaml *))
{
	const core_entry only = {.value = (core_yaml *)node};
	bool is_list = node->kind == CORE_YAML_LIST;
	const core_entry *entry = is_list ? node->entry : &only;
	size_t n = is_list ? node->n : 1;
	core_yaml *out = core_check_make_list(c, node, CORE_YAML_LIST, n);
	bool good = out != NULL;
	for (size_t i = 0; i < n && out; i++) {
		core_yaml *value = item(c, entry[i].value);
		if (value && distinct && refuse_repeated(c, out, value))
			value = NULL;
		if (value)
			core_yaml_add(out, NULL, value->place, value);
		else
			good = false;
		if (out->n == DISTINCT_MAX && distinct && i + 1 < n && !value)
			break;
	}
	return good ? out : NULL;
}

core_yaml *core_check_filled_list(core_check *c, const core_yaml *node, bool distinct,
	core_yaml *(*item)(core_check *, const core_yaml *))
{
	if (node->kind == CORE_YAML_LIST && node->n == 0) {
		REFUSE(c, node, "%s: the list is empty", c->path);
		return NULL;
	}
	return core_check_list(c, node, distinct, item);
}

core_yaml *core_check_value(
	core_loader *loader, const core_key *key, const char *path, const core_yaml *node)
{
	core_check c = {loader, key, path};
	switch (key->type) {
	case CORE_KEY_INT:
		return check_int(&c, node);
	case CORE_KEY_REAL:
		return core_check_real(&c, node);
	case CORE_KEY_BOOL:
		return check_bool(&c, node);
	case CORE_KEY_CHOICE:
		return check_choice(&c, node);
	case CORE_KEY_TEXT:
		return core_check_text(&c, node);
	case CORE_KEY_PATH:
		return core_check_path(&c, node);
	case CORE_KEY_FILES:
		return core_check_files(&c, node);
	case CORE_KEY_INTS:
		return core_check_filled_list(&c, node, true, check_int);
	case CORE_KEY_SIZES:
		return core_check_list(&c, node, false, check_int);
	case CORE_KEY_REALS:
		return core_check_list(&c, node, false, core_check_real);
	case CORE_KEY_TEXTS:
		return core_check_list(&c, node, false, core_check_text);
	case CORE_KEY_NAMES:
		return core_check_filled_list(&c, node, true, core_check_text);
	case CORE_KEY_FOLDS:
		return core_check_filled_list(&c, node, true, check_int);
	case CORE_KEY_TEXT_MAP:
	case CORE_KEY_NULL_MAP:
	case CORE_KEY_COLUMNS:
	case CORE_KEY_RANGES:
	case CORE_KEY_BINS:
	case CORE_KEY_VALUES:
		return core_check_any_map(&c, node);
	case CORE_KEY_BLOCK:
	case CORE_KEY_ENCODER:
	case CORE_KEY_LOSS:
		break; /* checked by plugin_block.c and block.c */
	}
	return NULL;
}

core_yaml *core_make_default(core_loader *loader, const core_key *key, core_place place,
	core_origin origin, const char *source, const char *text)
{
	core_yaml *words;
	fv_status status = core_yaml_parse_values(loader->ctx, place, origin, text, &words);
	if (status) {
		core_loader_count_failure(loader, status);
		core_loader_fail(loader, FV_DATA, place, "default of '%s': '%s' cannot be read",
			key->name, text);
		return NULL;
	}
	bool list = core_key_is_list(key->type);
	core_yaml *value = words->n == 1 ? words->entry[0].value
			   : list        ? words
					 : core_yaml_scalar(loader->ctx, place, origin, text);
	if (value)
		value->source = source;
	return value;
}
