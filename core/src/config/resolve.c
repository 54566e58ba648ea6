/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves a combination into a complete tree: every block is checked and missing keys get their
 * defaults. Keys are added in the order of the tables, so that equal settings make equal trees. */
#include <string.h>

#include "config/resolve.h"

#include "base/nearest.h"

/* ", did you mean 'bias.seed' or 'train.seed'?" for a key written outside its block; NULL when no
 * block has it. */
static const char *suggest_block(core_resolver *r, const char *key)
{
	const char *text = "";
	for (size_t i = 0; i < core_n_blocks && text; i++)
		if (core_schema_key(core_blocks[i].keys, core_blocks[i].n_keys, key))
			text = core_format(r->loader->ctx, *text ? "%s or '%s.%s'" : "%s'%s.%s'",
				text, core_blocks[i].name, key);
	return text && *text ? core_format(r->loader->ctx, ", did you mean %s?", text) : NULL;
}

static void refuse_unknown_blocks(core_resolver *r)
{
	const char *names[24];
	for (size_t i = 0; i < core_n_blocks; i++)
		names[i] = core_blocks[i].name;
	names[core_n_blocks] = "defaults";
	names[core_n_blocks + 1] = "matrix";
	names[core_n_blocks + 2] = "tune";
	for (size_t i = 0; i < r->tree->n; i++) {
		const core_entry *entry = &r->tree->entry[i];
		if (core_schema_block(entry->key))
			continue;
		const char *place = suggest_block(r, entry->key);
		core_loader_fail_whole(r->loader, entry->key_place, "unknown key '%s'%s",
			entry->key,
			place ? place
			      : core_suggest_name(
					r->loader->ctx, entry->key, names, core_n_blocks + 3));
	}
}

/* True when a block names a plugin that is not installed. */
static bool lacks_plugin(const core_resolver *r, fv_kind kind, const core_yaml *block)
{
	const core_yaml *name = core_yaml_get(block, "name");
	const core_yaml *product = core_yaml_get(block, "product");
	const core_yaml *encoder = core_yaml_get(block, "encoder");
	if (name && name->kind == CORE_YAML_SCALAR &&
		!core_registry_find(r->loader->registry, kind, name->text))
		return true;
	if (kind != FV_GROUPER)
		return false;
	for (size_t i = 0; product && i < product->n; i++)
		if (lacks_plugin(r, kind, product->entry[i].value))
			return true;
	return encoder && lacks_plugin(r, FV_ENCODER, encoder);
}

/* True when the block's plugin is not installed and the command does not need it: a command that
 * only counts rows works without the study's encoder. */
static bool is_left_out(const core_resolver *r, const core_block *block, const core_yaml *node)
{
	unsigned needs = r->loader->needs;
	bool wanted = block->kind == FV_ENCODER ? (needs & CORE_NEED_ENCODER) != 0
		      : block->kind == FV_GROUPER
			      ? (needs & (CORE_NEED_GROUPER | CORE_NEED_LOSS)) != 0
			      : (needs & CORE_NEED_LOSS) != 0;
	if (!block->kind || wanted || !node || !lacks_plugin(r, block->kind, node))
		return false;
	core_loader_note(r->loader, CORE_NOTE_UNUSED, node->place,
		"%s: block '%s' is left out: its plugin is not installed",
		core_place_text(r->loader->ctx, node->place), block->name);
	return true;
}

/* True when the study keeps going and the variant does not use the grouper, whose faults are then those of other
 * variants. Where it has none, it is dropped later. */
static bool is_unused_grouper(core_resolver *r, const core_block *block, const core_yaml *node,
	const core_yaml *loss, const core_yaml *train)
{
	unsigned needs = r->loader->needs;
	bool training = (needs & CORE_NEED_LOSS) && !(needs & CORE_NEED_GROUPER);
	if (block->kind != FV_GROUPER || !node || !training || !(needs & CORE_KEEP_GOING) ||
		!loss || !train || core_rules_use_groups(r, loss, train))
		return false;
	core_rules_note_unused_grouper(r, node);
	return true;
}

static bool is_needed(const core_resolver *r, const char *name)
{
	return (!strcmp(name, "corpus") && (r->loader->needs & CORE_NEED_CORPUS)) ||
	       (!strcmp(name, "encoder") && (r->loader->needs & CORE_NEED_ENCODER)) ||
	       (!strcmp(name, "grouper") && (r->loader->needs & CORE_NEED_GROUPER)) ||
	       (!strcmp(name, "loss") && (r->loader->needs & CORE_NEED_LOSS));
}

/* The block of this name, or NULL. The value `none` removes an optional block of the base. */
static const core_yaml *find_written_block(const core_resolver *r, const char *name)
{
	const core_yaml *node = core_yaml_get(r->tree, name);
	bool optional = !strcmp(name, "bias") || !strcmp(name, "grouper");
	return optional && core_yaml_is_word(node, "none") ? NULL : node;
}

/* Most variants share one corpus block, so the last result is kept. */
static core_yaml *resolve_corpus(core_resolver *r, const core_yaml *node)
{
	core_loader *loader = r->loader;
	if (loader->corpus_seen != node || !loader->corpus) { /* each variant has its faults */
		loader->corpus_seen = node;
		const core_yaml *written =
			core_corpus_to_short_form(r, core_yaml_get(r->tree, "corpus"));
		loader->corpus =
			!written && node ? NULL : core_resolve_core_block(r, "corpus", written);
		if (loader->corpus && !core_rules_check(r, "corpus", loader->corpus))
			loader->corpus = NULL;
	}
	return loader->corpus;
}

static core_yaml *resolve_block(core_resolver *r, const char *name, const core_yaml *node)
{
	if (!strcmp(name, "corpus"))
		return resolve_corpus(r, node);
	if (!strcmp(name, "encoder"))
		return core_resolve_encoder(r, name, node, CORE_ENCODER_OF_VARIANT);
	if (!strcmp(name, "grouper"))
		return core_resolve_grouper(r, node);
	core_yaml *written = core_yaml_get(r->tree, name);
	if (written && !strcmp(name, "eval") && !(written = core_eval_to_short_form(r, written)))
		return NULL;
	core_yaml *out = core_resolve_core_block(r, name, written);
	return out && core_rules_check(r, name, out) ? out : NULL;
}

static bool has_complete_defaults(const char *name)
{
	return !strcmp(name, "head") || !strcmp(name, "train") || !strcmp(name, "eval");
}

core_yaml *core_resolve_tree(core_loader *loader, core_yaml *tree)
{
	core_resolver r = {.loader = loader, .tree = tree};
	core_yaml *out = core_yaml_map(loader->ctx, tree->place, tree->origin, core_n_blocks);
	bool good = out != NULL;
	refuse_unknown_blocks(&r);
	/* The loss comes first, because its profile chooses the defaults of all other blocks, then the training: both
	 * say whether there is use for a grouper. */
	const core_yaml *written_loss = find_written_block(&r, "loss");
	core_yaml *loss = NULL;
	if (written_loss && !is_left_out(&r, core_schema_block("loss"), written_loss))
		loss = core_resolve_loss(&r, written_loss);
	core_yaml *train = resolve_block(&r, "train", NULL);
	for (size_t i = 0; i < core_n_blocks && out; i++) {
		const char *name = core_blocks[i].name;
		const core_entry *written = core_yaml_entry(tree, name);
		const core_yaml *node = find_written_block(&r, name);
		if (is_left_out(&r, &core_blocks[i], node) ||
			is_unused_grouper(&r, &core_blocks[i], node, loss, train))
			continue;
		if (!node && !has_complete_defaults(name)) {
			if (!is_needed(&r, name))
				continue;
			core_loader_fail(loader, FV_CONFIG, (core_place){.file = tree->place.file},
				"block '%s' is missing", name);
			good = false;
			continue;
		}
		core_yaml *block = !strcmp(name, "loss")    ? loss
				   : !strcmp(name, "train") ? train
							    : resolve_block(&r, name, node);
		good = good && block;
		if (block)
			core_yaml_add(
				out, name, written ? written->key_place : (core_place){0}, block);
	}
	good = good && core_rules_check_order(&r, out) && core_rules_check_networks(&r, out) &&
	       core_rules_resolve_grouper(&r, out);
	return good && !loader->n_failed ? out : NULL;
}
