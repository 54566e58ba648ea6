/* SPDX-License-Identifier: Apache-2.0 */
/* Writes trees as text: YAML through libyaml's emitter, canonical JSON, and one-line listings. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <yaml.h>

#include "base/content.h"
#include "base/number.h"
#include "base/path.h"
#include "config/yaml.h"

struct writer {
	fv_ctx *ctx;
	yaml_emitter_t emitter;
	const char *folder;
};

/* True when the text needs no quotes: any YAML reader would read it as text. */
static bool is_safe_plain(const char *text)
{
	static const char *const words[] = {
		"true", "false", "yes", "no", "on", "off", "y", "n", "null"};
	size_t n = strlen(text);
	double number;
	if (!isalpha((unsigned char)text[0]) && text[0] != '_' && text[0] != '/')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("_./ {}+-=", text[i]))
			return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcasecmp(text, words[i]))
			return false;
	return text[n - 1] != ' ' && !core_parse_double(text, &number);
}

static int emit_scalar(yaml_emitter_t *emitter, const char *text, bool plain)
{
	yaml_event_t event;
	yaml_scalar_style_t style =
		plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
		       (int)strlen(text), 1, 1, style) &&
	       yaml_emitter_emit(emitter, &event);
}

static bool has_only_scalars(const core_yaml *node)
{
	for (size_t i = 0; i < node->n; i++)
		if (node->entry[i].value->kind != CORE_YAML_SCALAR)
			return false;
	return true;
}

/* Paths are written absolute when a folder is given, so that they mean the same file everywhere. */
static int emit_value(struct writer *w, const core_yaml *node)
{
	bool typed = node->value != CORE_VALUE_TEXT;
	const char *text = node->text;
	if (node->written && w->folder)
		text = core_path_join(w->ctx, w->folder, text);
	return text && emit_scalar(&w->emitter, text, typed || is_safe_plain(text));
}

static int emit_node(struct writer *w, const core_yaml *node)
{
	yaml_emitter_t *emitter = &w->emitter;
	yaml_event_t event;
	if (node->kind == CORE_YAML_SCALAR)
		return emit_value(w, node);
	bool map = node->kind == CORE_YAML_MAP, flow = !map && has_only_scalars(node);
	if (map)
		yaml_mapping_start_event_initialize(
			&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
	else
		yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
			flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
	if (!yaml_emitter_emit(emitter, &event))
		return 0;
	for (size_t i = 0; i < node->n; i++) {
		const core_entry *entry = &node->entry[i];
		if (map && !emit_scalar(emitter, entry->key, is_safe_plain(entry->key)))
			return 0;
		if (!emit_node(w, entry->value))
			return 0;
	}
	if (map)
		yaml_mapping_end_event_initialize(&event);
	else
		yaml_sequence_end_event_initialize(&event);
	return yaml_emitter_emit(emitter, &event);
}

static int append_output(void *user, unsigned char *data, size_t size)
{
	core_text *out = user;
	core_text_put(out, (const char *)data, size);
	return !out->failed;
}

static int emit_document(struct writer *w, const core_yaml *root)
{
	yaml_emitter_t *emitter = &w->emitter;
	yaml_event_t event;
	return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
	       yaml_emitter_emit(emitter, &event) &&
	       yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
	       yaml_emitter_emit(emitter, &event) && emit_node(w, root) &&
	       yaml_document_end_event_initialize(&event, 1) &&
	       yaml_emitter_emit(emitter, &event) && yaml_stream_end_event_initialize(&event) &&
	       yaml_emitter_emit(emitter, &event);
}

/* Marks a text as YAML that starts as a file of another kind does: the reader would refuse it as such. */
static void mark_document(core_text *out)
{
	static const char mark[] = "---\n";
	size_t n = sizeof mark - 1, size = out->size;
	const char *kind = out->failed || !size ? NULL : core_content_name(out->data, size);
	if (!kind || !strcmp(kind, CORE_CONTENT_JSON)) /* which is YAML too */
		return;
	core_text_put(out, mark, n);
	if (out->failed)
		return;
	memmove(out->data + n, out->data, size);
	memcpy(out->data, mark, n);
}

fv_status core_yaml_write(fv_ctx *ctx, const core_yaml *root, const char *folder, core_text *out)
{
	struct writer w = {.ctx = ctx, .folder = folder};
	if (!yaml_emitter_initialize(&w.emitter))
		return fv_fail(ctx, FV_FAILED, "out of memory");
	yaml_emitter_set_output(&w.emitter, append_output, out);
	yaml_emitter_set_unicode(&w.emitter, 1);
	yaml_emitter_set_width(&w.emitter, -1);
	fv_status status = FV_OK;
	if (!emit_document(&w, root))
		status = fv_fail(ctx, FV_FAILED, "the configuration cannot be written: %s",
			w.emitter.problem ? w.emitter.problem : "out of memory");
	yaml_emitter_delete(&w.emitter);
	mark_document(out);
	return status;
}

static void write_json_string(const char *text, core_text *out)
{
	core_text_put(out, "\"", 1);
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\')
			core_text_add(out, "\\%c", c);
		else if (c < 0x20)
			core_text_add(out, "\\u%04x", c);
		else
			core_text_put(out, p, 1);
	}
	core_text_put(out, "\"", 1);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp((*(const core_entry *const *)a)->key, (*(const core_entry *const *)b)->key);
}

struct key_writer {
	fv_ctx *ctx;
	const char *folder;
	core_text out;
};

static void write_canonical(struct key_writer *w, const core_yaml *node);

static void write_canonical_map(struct key_writer *w, const core_yaml *map)
{
	const core_entry **sorted = malloc((map->n + 1) * sizeof *sorted);
	if (!sorted) {
		w->out.failed = true;
		return;
	}
	for (size_t i = 0; i < map->n; i++)
		sorted[i] = &map->entry[i];
	qsort(sorted, map->n, sizeof *sorted, compare_keys);
	for (size_t i = 0; i < map->n; i++) {
		core_text_put(&w->out, i ? "," : "{", 1);
		write_json_string(sorted[i]->key, &w->out);
		core_text_put(&w->out, ":", 1);
		write_canonical(w, sorted[i]->value);
	}
	core_text_add(&w->out, map->n ? "}" : "{}");
	free(sorted);
}

static const char *make_path_text(struct key_writer *w, const core_yaml *path)
{
	const char *text =
		w->folder ? core_path_join(w->ctx, w->folder, path->text) : path->written;
	w->out.failed = w->out.failed || !text;
	return text ? text : "";
}

static void write_canonical(struct key_writer *w, const core_yaml *node)
{
	if (node->kind == CORE_YAML_MAP) {
		write_canonical_map(w, node);
	} else if (node->kind == CORE_YAML_LIST) {
		for (size_t i = 0; i < node->n; i++) {
			core_text_put(&w->out, i ? "," : "[", 1);
			write_canonical(w, node->entry[i].value);
		}
		core_text_add(&w->out, node->n ? "]" : "[]");
	} else if (node->value == CORE_VALUE_TEXT) {
		write_json_string(node->written ? make_path_text(w, node) : node->text, &w->out);
	} else {
		core_text_put(&w->out, node->text, strlen(node->text));
	}
}

const char *core_yaml_canonical_text(fv_ctx *ctx, const core_yaml *node, const char *folder)
{
	struct key_writer w = {.ctx = ctx, .folder = folder};
	write_canonical(&w, node);
	const char *key = w.out.failed ? NULL : core_strdup(ctx, w.out.data);
	core_text_free(&w.out);
	if (!key)
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	return key;
}

void core_yaml_write_flow(const core_yaml *node, core_text *out)
{
	if (node->kind == CORE_YAML_SCALAR) {
		core_text_put(out, node->text, strlen(node->text));
		return;
	}
	bool map = node->kind == CORE_YAML_MAP;
	core_text_put(out, map ? "{" : "[", 1);
	for (size_t i = 0; i < node->n; i++) {
		if (i)
			core_text_put(out, ", ", 2);
		if (map)
			core_text_add(out, "%s: ", node->entry[i].key);
		core_yaml_write_flow(node->entry[i].value, out);
	}
	core_text_put(out, map ? "}" : "]", 1);
}
