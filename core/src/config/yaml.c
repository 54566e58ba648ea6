/* SPDX-License-Identifier: Apache-2.0 */
/* Reads YAML: turns libyaml's events into a tree and checks each event before it is used. libyaml
 * itself limits neither size nor depth and would expand aliases. */
#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/content.h"
#include "base/file.h"
#include "base/utf8.h"
#include "config/yaml_fault.h"

struct frame {
	core_yaml *node;
	size_t start; /* index of its first entry in `pending` */
	const char *key;
	core_place key_place;
	bool has_key;
};

struct reader {
	fv_ctx *ctx;
	yaml_parser_t parser;
	core_yaml_text text;
	yaml_event_t last; /* the last scalar, without its value; type 0: none yet */
	core_origin origin;
	core_yaml *root;
	struct frame frame[CORE_YAML_DEPTH_MAX];
	size_t depth;
	core_entry *pending; /* stack of the entries of the open maps and lists, outermost first */
	size_t n_pending, capacity;
	fv_status status; /* of an error after which reading goes on */
};

/* For a forbidden construct after which reading can go on, to find further faults. */
#define REFUSE(r, place, ...)                                                                      \
	((r)->status = core_fail_place((r)->ctx, FV_CONFIG, place, __VA_ARGS__))

static fv_status push_entry(struct reader *r, core_entry entry)
{
	if (r->n_pending == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : 64;
		core_entry *grown = realloc(r->pending, capacity * sizeof *grown);
		if (!grown)
			return fv_fail(r->ctx, FV_FAILED, "out of memory");
		r->pending = grown;
		r->capacity = capacity;
	}
	r->pending[r->n_pending++] = entry;
	return FV_OK;
}

/* Adds a finished value to the innermost open map or list. */
static fv_status store_value(struct reader *r, core_yaml *node)
{
	if (r->depth == 0) {
		r->root = node;
		return FV_OK;
	}
	struct frame *top = &r->frame[r->depth - 1];
	core_entry entry = {NULL, node->place, node};
	if (top->node->kind == CORE_YAML_MAP) {
		if (r->n_pending - top->start == CORE_YAML_KEYS_MAX)
			return core_fail_place(r->ctx, FV_CONFIG, top->key_place,
				"more than %d keys in one map", CORE_YAML_KEYS_MAX);
		entry.key = top->key;
		entry.key_place = top->key_place;
		top->has_key = false;
	}
	return push_entry(r, entry);
}

static bool expects_key(const struct reader *r)
{
	const struct frame *top = r->depth ? &r->frame[r->depth - 1] : NULL;
	return top && top->node->kind == CORE_YAML_MAP && !top->has_key;
}

static void refuse_properties(
	struct reader *r, core_place place, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		REFUSE(r, place,
			"anchors are not allowed ('&%s'): write the value out, or put "
			"it in quotes",
			(const char *)anchor);
	if (tag)
		REFUSE(r, place,
			"tags are not allowed ('%s'): remove it, or put the value in quotes",
			(const char *)tag);
}

static fv_status check_scalar(const struct reader *r, const yaml_event_t *event)
{
	const struct frame *top = r->depth ? &r->frame[r->depth - 1] : NULL;
	bool is_value = top && top->node->kind == CORE_YAML_MAP && top->has_key;
	int key_line = is_value ? top->key_place.line - 1 : -1;
	return core_yaml_check_scalar(r->ctx, &r->text, event, !top || expects_key(r), key_line);
}

static fv_status on_scalar(struct reader *r, const yaml_event_t *event)
{
	core_place place = core_yaml_mark_place(&r->text, event->start_mark);
	const char *value = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	refuse_properties(r, place, event->data.scalar.anchor, event->data.scalar.tag);
	r->last = *event;
	fv_status status = check_scalar(r, event);
	if (status)
		r->status = status;
	if (memchr(value, '\0', length))
		REFUSE(r, place, "NUL in a text");
	const char *text = core_strndup(r->ctx, value, length);
	if (!text)
		return FV_FAILED;
	if (expects_key(r)) {
		struct frame *top = &r->frame[r->depth - 1];
		top->key = text;
		top->key_place = place;
		top->has_key = true;
		return FV_OK;
	}
	core_yaml *node = core_yaml_scalar(r->ctx, place, r->origin, text);
	if (!node)
		return FV_FAILED;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return store_value(r, node);
}

static fv_status on_start(struct reader *r, core_yaml_kind kind, core_place place)
{
	if (expects_key(r))
		return core_fail_place(r->ctx, FV_CONFIG, place,
			"a key must be a single word: put text with brackets in quotes");
	if (r->depth == CORE_YAML_DEPTH_MAX)
		return core_fail_place(
			r->ctx, FV_CONFIG, place, "more than %d levels deep", CORE_YAML_DEPTH_MAX);
	core_yaml *node = core_alloc(r->ctx, 1, sizeof *node);
	if (!node)
		return FV_FAILED;
	node->kind = kind;
	node->origin = r->origin;
	node->place = place;
	r->frame[r->depth++] = (struct frame){.node = node, .start = r->n_pending};
	return FV_OK;
}

static int compare_keys(const void *a, const void *b)
{
	const core_entry *x = *(const core_entry *const *)a, *y = *(const core_entry *const *)b;
	int order = strcmp(x->key, y->key);
	return order ? order : (x > y) - (x < y);
}

static fv_status check_keys(struct reader *r, const core_yaml *map)
{
	if (map->n < 2)
		return FV_OK;
	const core_entry **sorted = malloc(map->n * sizeof *sorted);
	if (!sorted)
		return fv_fail(r->ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < map->n; i++)
		sorted[i] = &map->entry[i];
	qsort(sorted, map->n, sizeof *sorted, compare_keys);
	for (size_t i = 1; i < map->n; i++)
		if (!strcmp(sorted[i - 1]->key, sorted[i]->key))
			REFUSE(r, sorted[i]->key_place,
				"key '%s' is already in line %d: remove one of them",
				sorted[i]->key, sorted[i - 1]->key_place.line);
	free(sorted);
	return FV_OK;
}

static fv_status on_end(struct reader *r)
{
	struct frame *top = &r->frame[--r->depth];
	core_yaml *node = top->node;
	node->n = r->n_pending - top->start;
	node->entry = core_alloc(r->ctx, node->n, sizeof *node->entry);
	if (!node->entry)
		return FV_FAILED;
	if (node->n)
		memcpy(node->entry, r->pending + top->start, node->n * sizeof *node->entry);
	r->n_pending = top->start;
	if (node->kind == CORE_YAML_MAP) {
		fv_status status = check_keys(r, node);
		if (status)
			return status;
	}
	return store_value(r, node);
}

static fv_status on_document(struct reader *r, const yaml_event_t *event)
{
	core_place place = core_yaml_mark_place(&r->text, event->start_mark);
	if (r->root)
		return core_fail_place(r->ctx, FV_CONFIG, place,
			"a second document is not allowed: remove this '---'");
	if (event->data.document_start.tag_directives.start !=
		event->data.document_start.tag_directives.end)
		REFUSE(r, place, "tags are not allowed (%%TAG): remove this line");
	return FV_OK;
}

static fv_status on_event(struct reader *r, const yaml_event_t *event)
{
	core_place place = core_yaml_mark_place(&r->text, event->start_mark);
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(r, event);
	case YAML_ALIAS_EVENT:
		return core_fail_place(r->ctx, FV_CONFIG, place,
			"aliases are not allowed ('*%s'): write the value out, or put it in quotes",
			(const char *)event->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		return on_scalar(r, event);
	case YAML_SEQUENCE_START_EVENT:
		refuse_properties(r, place, event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
		return on_start(r, CORE_YAML_LIST, place);
	case YAML_MAPPING_START_EVENT:
		refuse_properties(
			r, place, event->data.mapping_start.anchor, event->data.mapping_start.tag);
		return on_start(r, CORE_YAML_MAP, place);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(r);
	default:
		return FV_OK;
	}
}

static fv_status read_events(struct reader *r)
{
	for (bool done = false; !done;) {
		yaml_event_t event;
		if (!yaml_parser_parse(&r->parser, &event))
			return core_yaml_report_error(r->ctx, &r->text, &r->parser, &r->last);
		done = event.type == YAML_STREAM_END_EVENT;
		fv_status status = on_event(r, &event);
		yaml_event_delete(&event);
		if (status)
			return status;
	}
	return r->status;
}

static fv_status parse_tree(struct reader *r, core_yaml **out)
{
	if (r->text.size > CORE_YAML_BYTES_MAX)
		return fv_fail(r->ctx, FV_CONFIG, "%s: %zu bytes, more than the %zu allowed",
			r->text.file, r->text.size, CORE_YAML_BYTES_MAX);
	fv_status status = core_yaml_check_breaks(r->ctx, &r->text);
	if (status)
		return status;
	if (!yaml_parser_initialize(&r->parser))
		return fv_fail(r->ctx, FV_FAILED, "out of memory");
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text.data, r->text.size);
	status = read_events(r);
	if (!status && !r->root)
		status = fv_fail(r->ctx, FV_CONFIG, "%s: is empty", r->text.file);
	*out = r->root;
	yaml_parser_delete(&r->parser);
	free(r->pending);
	return status;
}

fv_status core_yaml_parse(
	fv_ctx *ctx, const char *file, const char *data, size_t size, core_yaml **out)
{
	core_utf8_skip_marks(&data, &size);
	const char *content = core_content_name(data, size < 4096 ? size : 4096);
	if (size && content && !strstr(content, "JSON")) /* which is YAML too */
		return fv_fail(ctx, FV_CONFIG, "%s: is %s, no configuration in YAML%s", file,
			content,
			strstr(content, "UTF-16") ? ": save it in the encoding UTF-8" : "");
	struct reader r = {.ctx = ctx, .text = {.file = file, .data = data, .size = size}};
	return parse_tree(&r, out);
}

fv_status core_yaml_read(fv_ctx *ctx, const char *path, core_yaml **out)
{
	char *data;
	size_t size;
	fv_status status = core_file_read(ctx, path, CORE_YAML_BYTES_MAX, &data, &size);
	if (status)
		return status == FV_DATA ? FV_CONFIG : status;
	const char *kept = core_strdup(ctx, path);
	return kept ? core_yaml_parse(ctx, kept, data, size, out) : FV_FAILED;
}

/* Length of the first of several comma-separated values. Commas inside quotes, brackets or
 * braces belong to the value only when it starts with one of these; a plain word ends at the
 * next comma. */
static size_t measure_word(const char *text)
{
	if (!strchr("[{\"'", text[0]))
		return strcspn(text, ",");
	size_t nested = 0, i = 0;
	for (char quote = '\0'; text[i] && (nested || quote || text[i] != ','); i++) {
		char c = text[i];
		if (quote == '"' && c == '\\' && text[i + 1])
			i++;
		else if (quote)
			quote = (char)(c == quote ? '\0' : quote);
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '[' || c == '{')
			nested++;
		else if ((c == ']' || c == '}') && nested)
			nested--;
	}
	return i;
}

static fv_status parse_word(
	fv_ctx *ctx, core_place place, core_origin origin, const char *word, core_yaml **out)
{
	if (strchr("[{\"'", word[0])) {
		struct reader r = {.ctx = ctx,
			.text = {.file = place.file,
				.data = word,
				.size = strlen(word),
				.fixed = &place},
			.origin = origin};
		return parse_tree(&r, out);
	}
	if (!core_is_utf8(word))
		return core_fail_place(ctx, FV_CONFIG, place, "is not UTF-8");
	core_yaml_typo typo;
	if (core_yaml_find_word_typo(word, &typo))
		return core_fail_place(ctx, FV_CONFIG, place, "%s", typo.what);
	*out = core_yaml_scalar(ctx, place, origin, word);
	return *out ? FV_OK : FV_FAILED;
}

fv_status core_yaml_parse_values(
	fv_ctx *ctx, core_place place, core_origin origin, const char *text, core_yaml **list)
{
	core_yaml *node = core_yaml_map(ctx, place, origin, strlen(text) + 1);
	if (!node)
		return FV_FAILED;
	node->kind = CORE_YAML_LIST;
	for (bool more = true; more;) {
		text += strspn(text, " \t\n");
		size_t size = *text ? measure_word(text) : 0, end = size;
		while (end && strchr(" \t\n", text[end - 1]))
			end--;
		if (!end)
			return core_fail_place(ctx, FV_CONFIG, place, "a value is missing");
		const char *word = core_strndup(ctx, text, end);
		core_yaml *value;
		fv_status status = word ? parse_word(ctx, place, origin, word, &value) : FV_FAILED;
		if (status)
			return status;
		core_yaml_add(node, NULL, place, value);
		more = text[size] == ',';
		text += size + (more ? 1 : 0);
	}
	*list = node;
	return FV_OK;
}
