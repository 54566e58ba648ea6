/* SPDX-License-Identifier: Apache-2.0 */
#include "run/identity.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash_memory.h"
#include "base/path.h"
#include "config/yaml.h"
#include "run/durations.h"
#include "run/reference.h"
#include "run/tune.h"

fv_status core_content_sha256(
	fv_ctx *ctx, core_study *study, core_place place, const char *path, const char **hex)
{
	core_content *content = study->content;
	while (content && strcmp(content->path, path))
		content = content->next;
	if (content) {
		*hex = content->sha256;
		return FV_OK;
	}
	if (access(path, R_OK))
		return core_fail_place(ctx, FV_DATA, place, "%s: %s", path, strerror(errno));
	content = core_alloc(ctx, 1, sizeof *content);
	if (!content)
		return FV_FAILED;
	*content = (core_content){.next = study->content, .path = core_strdup(ctx, path)};
	if (!content->path)
		return FV_FAILED;
	fv_status status = core_sha256_file_once(ctx, path, content->sha256);
	if (status)
		return status;
	study->content = content;
	*hex = content->sha256;
	return FV_OK;
}

bool core_run_reads_audio(const core_study *study, const core_run *run)
{
	bool reads = !study->encoding[run->encoding].encoder->info.by_name;
	for (int32_t i = 0; i < core_run_variant(study, run)->n_groupers; i++)
		reads |= run->group_encoding[i] >= 0 &&
			 !study->encoding[run->group_encoding[i]].encoder->info.by_name;
	return reads || core_durations_used(core_run_variant(study, run));
}

/* A copy of the resolved configuration under construction. After a failure the node is NULL and the
 * error is in the context. */
struct identity {
	fv_ctx *ctx;
	core_study *study;
	const core_run *run;
	const core_variant *variant;
	bool family;   /* without the seeds of groupers and bias */
	bool settings; /* without the files of plugins */
};

static core_yaml *make_text_node(struct identity *w, const core_yaml *like, const char *text)
{
	core_yaml *out = core_yaml_scalar(w->ctx, like->place, like->origin, text);
	if (out)
		out->value = CORE_VALUE_TEXT;
	return out;
}

/* Replaces a file by the hash of its content; of a file name with {fold} the lowest fold counts. */
static core_yaml *make_file_node(struct identity *w, const core_yaml *node)
{
	const core_fold *fold = &w->study->fold[w->run->fold];
	const char *hex;
	char *path = core_expand_fold(
		w->ctx, node->text, core_find_lowest_fold(w->ctx, w->study, fold->set, node->text));
	if (!path || core_content_sha256(w->ctx, w->study, node->place, path, &hex))
		return NULL;
	return make_text_node(w, node, hex);
}

static core_yaml *start_copy(struct identity *w, const core_yaml *node, size_t more)
{
	core_yaml *out = core_yaml_map(w->ctx, node->place, node->origin, node->n + more);
	if (out)
		out->kind = node->kind;
	return out;
}

/* Copies a node; files are replaced by the hash of their content. */
static core_yaml *copy_node(struct identity *w, core_yaml *node)
{
	if (node->kind == CORE_YAML_SCALAR)
		return node->written ? make_file_node(w, node) : node;
	core_yaml *out = start_copy(w, node, 0);
	for (size_t i = 0; out && i < node->n; i++) {
		const core_entry *entry = &node->entry[i];
		core_yaml *value = copy_node(w, entry->value);
		if (!value)
			return NULL;
		core_yaml_add(out, entry->key, entry->key_place, value);
	}
	return out;
}

static core_yaml *copy_corpus(struct identity *w, const core_yaml *block)
{
	const core_set *set = &w->study->set[w->study->fold[w->run->fold].set];
	core_yaml *out = start_copy(w, block, 0);
	for (size_t i = 0; out && i < block->n; i++) {
		const core_entry *entry = &block->entry[i];
		core_yaml *value;
		if (!strcmp(entry->key, "folds"))
			continue;
		if (!strcmp(entry->key, "audio") && !core_run_reads_audio(w->study, w->run))
			continue;
		if (!strcmp(entry->key, "audio"))
			value = make_text_node(w, entry->value, set->audio_sha256);
		else if (!strcmp(entry->key, "labels"))
			value = make_text_node(w, entry->value, set->labels_sha256);
		else
			value = copy_node(w, entry->value);
		if (!value)
			return NULL;
		core_yaml_add(out, entry->key, entry->key_place, value);
	}
	return out;
}

static core_yaml *copy_plugin(struct identity *w, const core_yaml *block,
	const core_plugin_spec *use, const core_encoder *encoder, int32_t grouper);

static core_yaml *copy_plugin_entry(struct identity *w, const core_entry *entry,
	const core_plugin_spec *use, const core_encoder *encoder, int32_t grouper)
{
	if (encoder && !strcmp(entry->key, "weights"))
		return make_text_node(w, entry->value, encoder->weights_sha256);
	if (grouper >= 0 && !strcmp(entry->key, "encoder"))
		return copy_plugin(w, entry->value, &w->variant->groupers[grouper].encoder.use,
			w->study->encoding[w->run->group_encoding[grouper]].encoder, -1);
	for (int32_t i = 0; i < use->n_delegates; i++)
		if (!strcmp(entry->key, use->delegate[i].param))
			return copy_plugin(w, entry->value, &use->delegate[i].use, NULL, -1);
	return copy_node(w, entry->value);
}

/* Copies a plugin's block and adds the hash of the plugin's file. `encoder` is the open encoder if the
 * block is one, otherwise NULL; `grouper` is the index of a grouper, otherwise -1. */
static core_yaml *copy_plugin(struct identity *w, const core_yaml *block,
	const core_plugin_spec *use, const core_encoder *encoder, int32_t grouper)
{
	core_yaml *out = start_copy(w, block, 2);
	for (size_t i = 0; out && i < block->n; i++) {
		const core_entry *entry = &block->entry[i];
		if (grouper >= 0 && w->family && !strcmp(entry->key, "seed"))
			continue;
		core_yaml *value = copy_plugin_entry(w, entry, use, encoder, grouper);
		if (!value)
			return NULL;
		core_yaml_add(out, entry->key, entry->key_place, value);
	}
	const char *file = w->settings ? "" : use->plugin->sha256;
	core_yaml *plugin = out ? make_text_node(w, block, file) : NULL;
	if (!plugin)
		return NULL;
	core_yaml_add(out, "plugin sha256", block->place, plugin);
	if (!encoder || !encoder->info.identity)
		return out;
	core_yaml *identity = make_text_node(w, block, encoder->info.identity);
	if (identity)
		core_yaml_add(out, "plugin identity", block->place, identity);
	return identity ? out : NULL;
}

static core_yaml *copy_groupers(struct identity *w, const core_yaml *block)
{
	const core_yaml *product = core_yaml_get(block, "product");
	if (!product)
		return copy_plugin(w, block, &w->variant->groupers[0].use, NULL, 0);
	core_yaml *out = start_copy(w, product, 0);
	for (size_t i = 0; out && i < product->n; i++) {
		core_yaml *one = copy_plugin(
			w, product->entry[i].value, &w->variant->groupers[i].use, NULL, (int32_t)i);
		if (!one)
			return NULL;
		core_yaml_add(out, NULL, one->place, one);
	}
	return out;
}

static core_yaml *copy_without_seed(struct identity *w, const core_yaml *block, bool without)
{
	core_yaml *out = start_copy(w, block, 0);
	for (size_t i = 0; out && i < block->n; i++) {
		const core_entry *entry = &block->entry[i];
		if (without && !strcmp(entry->key, "seed"))
			continue;
		core_yaml *value = copy_node(w, entry->value);
		if (!value)
			return NULL;
		core_yaml_add(out, entry->key, entry->key_place, value);
	}
	return out;
}

static core_yaml *copy_block(struct identity *w, const core_entry *entry)
{
	const char *key = entry->key;
	if (!strcmp(key, "corpus"))
		return copy_corpus(w, entry->value);
	if (!strcmp(key, "encoder"))
		return copy_plugin(w, entry->value, &w->variant->encoder.use,
			w->study->encoding[w->run->encoding].encoder, -1);
	if (!strcmp(key, "grouper"))
		return copy_groupers(w, entry->value);
	if (!strcmp(key, "loss"))
		return copy_plugin(w, entry->value, &w->variant->loss, NULL, -1);
	if (!strcmp(key, "train"))
		return copy_without_seed(w, entry->value, true);
	if (!strcmp(key, "bias"))
		return copy_without_seed(w, entry->value, w->family);
	return copy_node(w, entry->value);
}

static fv_status hash_blocks(struct identity *w, char hex[CORE_SHA256_HEX])
{
	const core_yaml *tree = w->study->config->trees[w->run->variant];
	core_yaml *out = start_copy(w, tree, 0);
	if (!out)
		return FV_FAILED;
	for (size_t i = 0; i < tree->n; i++) {
		const core_entry *entry = &tree->entry[i];
		if (!strcmp(entry->key, "eval") || !strcmp(entry->key, "slurm"))
			continue;
		core_yaml *block = copy_block(w, entry);
		if (!block)
			return core_error_count(w->ctx) ? core_error_status(w->ctx) : FV_FAILED;
		core_yaml_add(out, entry->key, entry->key_place, block);
	}
	const char *key = core_yaml_canonical_text(w->ctx, out, NULL);
	if (!key)
		return FV_FAILED;
	core_sha256_bytes(key, strlen(key), hex);
	return FV_OK;
}

fv_status core_identify_variant(
	fv_ctx *ctx, core_study *study, const core_run *run, core_identity *out)
{
	struct identity w = {
		.ctx = ctx, .study = study, .run = run, .variant = core_run_variant(study, run)};
	if (w.variant->tune)
		return core_tune_identify(ctx, study, w.variant, out);
	fv_status status = core_reference_make(ctx, study, run);
	if (!status)
		status = hash_blocks(&w, out->sha256);
	w.settings = true;
	if (!status)
		status = hash_blocks(&w, out->settings);
	w.settings = false;
	w.family = true;
	return status ? status : hash_blocks(&w, out->family);
}
