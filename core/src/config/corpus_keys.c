/* SPDX-License-Identifier: Apache-2.0 */
/* The long and short spellings of the corpus block. Both are resolved to one form before they are
 * checked, so that equal settings make equal variants:
 * columns.emotion -> label_column; columns.speaker: [a, b] -> speaker_key, and speaker_key: [a] ->
 * columns.speaker; attributes.columns without a file -> columns; folds: {make, by, use, seed} ->
 * make_folds, fold_by, folds, make_folds_seed. Two spellings of one setting are a fault. */
#include <string.h>

#include "base/nearest.h"
#include "config/resolve.h"

struct block {
	core_resolver *r;
	core_yaml *out;     /* the block in the short form */
	core_yaml *columns; /* its columns; NULL: none */
	bool good;
};

static bool refuse_second(
	struct block *b, const core_entry *entry, const char *one, const char *two)
{
	core_loader_fail(b->r->loader, FV_CONFIG, entry->key_place,
		"corpus.%s and corpus.%s say the same: remove one", one, two);
	b->good = false;
	return false;
}

static void add_entry(struct block *b, const char *key, const core_entry *entry, core_yaml *value)
{
	if (value)
		core_yaml_add(b->out, key, entry->key_place, value);
	else
		b->good = false;
}

static bool is_list_of(const core_yaml *node, bool several)
{
	return node && node->kind == CORE_YAML_LIST && (node->n > 1) == several && node->n > 0;
}

/* Adds a column under a name of its own, unless it is there. */
static void add_column(struct block *b, const char *key, const core_entry *entry, core_yaml *value,
	const char *from)
{
	if (core_yaml_entry(b->columns, key)) {
		const char *one = core_format(b->r->loader->ctx, "columns.%s", key);
		refuse_second(b, entry, one ? one : key, from);
		return;
	}
	core_yaml_add(b->columns, key, entry->key_place, value);
}

/* Moves the columns of `columns` that have a key of their own. */
static void move_columns(struct block *b, const core_yaml *node, const core_yaml *columns)
{
	for (size_t i = 0; i < columns->n; i++) {
		const core_entry *entry = &columns->entry[i];
		bool label = !strcmp(entry->key, "emotion");
		bool key = !strcmp(entry->key, "speaker") && is_list_of(entry->value, true);
		const char *to = label ? "label_column" : key ? "speaker_key" : NULL;
		core_yaml *value = entry->value;
		if (to && core_yaml_entry(node, to))
			refuse_second(b, entry, label ? "columns.emotion" : "columns.speaker", to);
		else if (to)
			add_entry(b, to, entry, value);
		else
			add_column(b, entry->key, entry,
				is_list_of(value, false) ? value->entry[0].value : value,
				"columns");
	}
}

/* Whether an attribute has the name of what a column is in `columns`. */
static bool has_role_name(const core_yaml *attributes)
{
	static const char *const roles[] = {
		"file", "emotion", "speaker", "gender", "split", "start", "end"};
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (core_yaml_entry(attributes, roles[i]))
			return true;
	return false;
}

/* Moves attributes that are columns of the label file. False: the entry stays as it is. */
static bool move_attributes(struct block *b, const core_entry *attributes)
{
	const core_yaml *columns = core_yaml_get(attributes->value, "columns");
	if (!columns || columns->kind != CORE_YAML_MAP || attributes->value->n != 1 ||
		has_role_name(columns))
		return false;
	for (size_t i = 0; i < columns->n; i++) {
		const core_entry *entry = &columns->entry[i];
		const char *from =
			core_format(b->r->loader->ctx, "attributes.columns.%s", entry->key);
		add_column(b, entry->key, entry, entry->value, from ? from : entry->key);
	}
	return true;
}

/* The keys of the block `folds`, and their short spellings. */
static const char *const fold_keys[] = {"make", "by", "use", "seed"};
static const char *const fold_shorts[] = {"make_folds", "fold_by", "folds", "make_folds_seed"};

const char *core_corpus_long_key(fv_ctx *ctx, const char *key)
{
	for (size_t k = 0; k < sizeof fold_shorts / sizeof *fold_shorts; k++)
		if (!strcmp(key, fold_shorts[k])) {
			const char *text = core_format(ctx, "folds.%s", fold_keys[k]);
			return text ? text : key;
		}
	return key;
}

static void move_folds(struct block *b, const core_yaml *node, const core_yaml *folds)
{
	for (size_t i = 0; i < folds->n; i++) {
		const core_entry *entry = &folds->entry[i];
		size_t k = 0;
		while (k < 4 && strcmp(fold_keys[k], entry->key) != 0)
			k++;
		if (k == 4) {
			core_loader_fail_whole(b->r->loader, entry->key_place,
				"unknown key '%s' in corpus.folds%s", entry->key,
				core_suggest_name(b->r->loader->ctx, entry->key, fold_keys, 4));
			b->good = false;
		} else if (k != 2 && core_yaml_entry(node, fold_shorts[k])) {
			const char *one = core_format(b->r->loader->ctx, "folds.%s", fold_keys[k]);
			refuse_second(b, entry, one ? one : fold_keys[k], fold_shorts[k]);
		} else {
			add_entry(b, fold_shorts[k], entry, entry->value);
		}
	}
}

static void move_entry(struct block *b, const core_yaml *node, const core_entry *entry)
{
	core_yaml *value = entry->value;
	bool map = value->kind == CORE_YAML_MAP;
	if (!strcmp(entry->key, "columns") && map)
		move_columns(b, node, value);
	else if (!strcmp(entry->key, "speaker_key") && is_list_of(value, false))
		add_column(b, "speaker", entry, value->entry[0].value, "speaker_key");
	else if (!strcmp(entry->key, "folds") && map)
		move_folds(b, node, value);
	else if (strcmp(entry->key, "attributes") != 0 || !move_attributes(b, entry))
		add_entry(b, entry->key, entry, value);
}

static size_t count_columns(const core_yaml *node)
{
	const core_yaml *columns = core_yaml_get(node, "columns");
	const core_yaml *attributes = core_yaml_get(core_yaml_get(node, "attributes"), "columns");
	return (columns ? columns->n : 0) + (attributes ? attributes->n : 0) + 1;
}

core_yaml *core_corpus_to_short_form(core_resolver *r, core_yaml *node)
{
	if (!node || node->kind != CORE_YAML_MAP)
		return node;
	fv_ctx *ctx = r->loader->ctx;
	const core_yaml *written = core_yaml_get(node, "columns");
	struct block b = {.r = r, .good = true};
	/* room for the keys of `folds` and `columns` that become keys of the block */
	b.out = core_yaml_map(ctx, node->place, node->origin, node->n + 8);
	b.columns = core_yaml_map(ctx, written ? written->place : node->place,
		written ? written->origin : node->origin, count_columns(node));
	if (!b.out || !b.columns)
		return NULL;
	if (!core_yaml_entry(node, "labels") && !core_yaml_entry(node, "votes"))
		core_loader_fail(r->loader, FV_CONFIG, node->place, "corpus.labels is missing");
	for (size_t i = 0; i < node->n; i++)
		move_entry(&b, node, &node->entry[i]);
	const core_entry *at = core_yaml_entry(node, "columns");
	if (b.columns->n)
		core_yaml_add(b.out, "columns", at ? at->key_place : node->place, b.columns);
	return b.good ? b.out : NULL;
}
