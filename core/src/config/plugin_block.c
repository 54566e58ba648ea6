/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that name a plugin: they have the core's reserved keys and the plugin's parameters. */
#include <string.h>

#include <fairvox/stages.h>

#include "base/nearest.h"
#include "base/path.h"
#include "config/resolve.h"
#include "plugin/descriptor.h"

static bool report_refused_file(
	core_loader *loader, core_place place, fv_kind kind, const char *name)
{
	const core_registry *registry = loader->registry;
	const core_refused *refused = core_registry_find_refused(registry, name);
	if (!refused)
		return false;
	const char *hidden = core_registry_find_hidden(registry, refused->path);
	core_loader_fail(loader, FV_DATA, place, "%s '%s' cannot be used: %s: %s%s%s",
		core_kind_name(kind), name, refused->path, refused->reason,
		hidden ? "; remove it to use " : "", hidden ? hidden : "");
	return true;
}

static void report_missing_plugin(
	core_loader *loader, core_place place, fv_kind kind, const char *name)
{
	const core_registry *registry = loader->registry;
	const char **names = core_alloc(loader->ctx, registry->n, sizeof *names);
	size_t n = 0;
	if (!names || report_refused_file(loader, place, kind, name))
		return;
	for (size_t i = 0; i < registry->n; i++) {
		const fv_descriptor *d = registry->plugin[i].descriptor;
		if (d->kind == kind) {
			names[n++] = d->name;
		} else if (!strcmp(d->name, name)) {
			const char *path = registry->plugin[i].path,
				   *hidden = core_registry_find_hidden(registry, path);
			core_loader_fail(loader, FV_CONFIG, place,
				"'%s' is of kind %s, not %s%s%s%s%s", name, core_kind_name(d->kind),
				core_kind_name(kind), hidden ? ": rename " : "", hidden ? path : "",
				hidden ? " to use " : "", hidden ? hidden : "");
			return;
		}
	}
	const char *folders = "";
	for (size_t i = 0; i < registry->n_folders && folders; i++)
		folders = core_format(
			loader->ctx, i ? "%s, %s" : "%s%s", folders, registry->folder[i]);
	const char *near = core_suggest_name(loader->ctx, name, names, n);
	core_loader_fail(loader, FV_CONFIG, place, "there is no %s '%s'%s; searched: %s%s",
		core_kind_name(kind), name, near, folders && *folders ? folders : "no folder",
		*near ? "" : "; --plugins FOLDER and FAIRVOX_PLUGIN_PATH add folders");
}

/* Finds the plugin that a block names; NULL (and a failure) when there is none. */
static const core_plugin *find_plugin(core_block_draft *b, fv_kind kind)
{
	core_loader *loader = b->r->loader;
	const core_yaml *name = core_yaml_get(b->node, "name");
	if (!name || name->kind != CORE_YAML_SCALAR || core_yaml_is_null(name) || !*name->text)
		return NULL; /* reported by the check of the key itself */
	const core_plugin *plugin = core_registry_find(loader->registry, kind, name->text);
	if (!plugin)
		report_missing_plugin(loader, name->place, kind, name->text);
	return plugin;
}

static core_yaml *make_param_default(
	core_resolver *r, const core_plugin *plugin, const fv_param *param, const core_key *key)
{
	core_loader *loader = r->loader;
	const fv_descriptor *d = plugin->descriptor;
	if (!key->def)
		return NULL;
	const char *paper = param->def_paper ? param->def_paper : "";
	bool differs = param->def_official && strcmp(param->def_official, paper) != 0;
	const char *source =
		core_format(loader->ctx, differs ? "default of %s, profile %s" : "default of %s",
			d->name, r->official ? "official" : "paper");
	return core_make_default(loader, key, (core_place){.file = plugin->path},
		differs ? CORE_FROM_PROFILE : CORE_FROM_PLUGIN, source, key->def);
}

static core_yaml *resolve_plugin(core_resolver *r, const char *path, const core_yaml *node,
	fv_kind kind, const core_key *reserved, size_t n_reserved);

static bool has_delegates(const fv_descriptor *loss)
{
	bool does = loss->extension && loss->extension(FV_STAGES_1);
	for (uint32_t i = 0; i < loss->n_params; i++)
		does = does || loss->params[i].type == FV_LOSS_REF;
	return does;
}

/* A loss inside another loss: NAME, or {name: NAME, its parameters}. */
static core_yaml *resolve_delegate(
	core_resolver *r, const core_key *key, const char *path, core_yaml *node)
{
	core_loader *loader = r->loader;
	if (node->kind == CORE_YAML_SCALAR && (core_yaml_is_null(node) || !*node->text)) {
		core_check_refuse_empty(loader, key, path, node);
		return NULL;
	}
	core_yaml *block = node;
	if (node->kind == CORE_YAML_SCALAR) {
		block = core_yaml_map(loader->ctx, node->place, node->origin, 1);
		if (!block)
			return NULL;
		core_yaml_add(block, "name", node->place, node);
	}
	const core_yaml *name = core_yaml_get(block, "name");
	const core_plugin *plugin =
		name && name->kind == CORE_YAML_SCALAR
			? core_registry_find(loader->registry, FV_LOSS, name->text)
			: NULL;
	if (!plugin || !has_delegates(plugin->descriptor))
		return resolve_plugin(r, path, block, FV_LOSS, core_delegate_block.keys,
			core_delegate_block.n_keys);
	core_loader_fail(loader, FV_CONFIG, name->place,
		"%s: loss '%s' trains in stages itself: it cannot be used inside another loss",
		path, name->text);
	return NULL;
}

/* Reports a parameter that has no default and is not written, at the name of the plugin. */
static void report_missing_param(
	core_block_draft *b, const core_plugin *plugin, const core_key *key, const char *path)
{
	core_loader *loader = b->r->loader;
	const core_yaml *name = core_yaml_get(b->node, "name");
	core_loader_fail(loader, FV_CONFIG, name ? name->place : b->node->place,
		"%s is missing, and %s has no default for it: write '%s: VALUE', %s", path,
		plugin->descriptor->name, key->name, core_check_want(loader, key));
	b->good = false;
}

static void resolve_param(core_block_draft *b, const core_plugin *plugin, const fv_param *param)
{
	const core_key key = core_schema_from_param(param, b->r->official);
	const core_entry *written = core_yaml_entry(b->node, param->name);
	core_yaml *value = written ? written->value : make_param_default(b->r, plugin, param, &key);
	const char *path = core_draft_make_path(b, param->name);
	if (value && key.type == CORE_KEY_LOSS)
		core_draft_add(b, param->name, written, resolve_delegate(b->r, &key, path, value));
	else if (value)
		core_draft_add(
			b, param->name, written, core_check_value(b->r->loader, &key, path, value));
	else if (key.required)
		report_missing_param(b, plugin, &key, path);
}

/* A reserved key that the plugin also declares is checked by the core's rule and the plugin's
 * limits. Its default is the core's, or the plugin's if the core has none. */
static void resolve_reserved(core_block_draft *b, const core_plugin *plugin, const core_key *key)
{
	const fv_param *param = plugin ? core_param_find(plugin->descriptor, key->name) : NULL;
	bool written = core_yaml_entry(b->node, key->name) != NULL;
	if (param && core_schema_from_param(param, false).type != key->type) {
		core_loader_fail(b->r->loader, FV_DATA, (core_place){.file = plugin->path},
			"parameter '%s' is a key of fairvox's own of another type, so it cannot be "
			"set: give it another name",
			key->name);
		b->good = false;
	} else if (!param) {
		core_draft_resolve_key(b, key);
	} else if (written || !key->def) {
		size_t before = b->out->n;
		resolve_param(b, plugin, param);
		if (b->out->n > before && written)
			b->good = core_check_value(b->r->loader, key,
					  core_draft_make_path(b, key->name),
					  core_yaml_get(b->node, key->name)) &&
				  b->good;
	} else {
		core_draft_resolve_key(b, key);
	}
}

/* Reports the key of a block without a name that is meant to be it. */
static void refuse_misspelt_name(core_block_draft *b)
{
	static const char *const name[] = {"name"};
	for (size_t i = 0; b->node && i < b->node->n; i++) {
		const core_entry *entry = &b->node->entry[i];
		if (core_find_nearest(entry->key, name, 1))
			core_loader_fail_whole(b->r->loader, entry->key_place,
				"unknown key '%s' in %s, did you mean 'name'?", entry->key,
				b->path);
	}
}

static core_yaml *resolve_plugin(core_resolver *r, const char *path, const core_yaml *node,
	fv_kind kind, const core_key *reserved, size_t n_reserved)
{
	core_block_draft b = {.node = node, .r = r};
	size_t n_params = 0;
	const core_plugin *plugin = find_plugin(&b, kind);
	const fv_descriptor *d = plugin ? plugin->descriptor : NULL;
	if (d)
		n_params = d->n_params;
	if (!core_draft_open(&b, r, path, node, n_reserved + n_params))
		return NULL;
	for (size_t i = 0; i < n_reserved; i++)
		resolve_reserved(&b, plugin, &reserved[i]);
	for (size_t i = 0; i < n_params; i++)
		if (!core_schema_key(reserved, n_reserved, d->params[i].name))
			resolve_param(&b, plugin, &d->params[i]);
	if (d)
		core_draft_refuse_unknown(&b, reserved, n_reserved, d);
	else if (!core_yaml_entry(b.node, "name"))
		refuse_misspelt_name(&b);
	return d && b.good ? b.out : NULL;
}

static bool report_use(core_resolver *r, const core_yaml *node, const char *words)
{
	core_loader_fail(r->loader, FV_CONFIG, node->place, "%s", words);
	return false;
}

static bool check_use(core_resolver *r, const core_yaml *encoder, core_encoder_use use)
{
	const core_yaml *most = core_yaml_get(encoder, "max_seconds");
	const core_yaml *normalize = core_yaml_get(encoder, "normalize");
	const core_yaml *standardize = core_yaml_get(encoder, "standardize");
	bool good = true;
	if (use == CORE_ENCODER_OF_GROUPER && most && !core_yaml_is_word(most, "0"))
		good = report_use(r, most,
			"a grouper's encoder sees whole recordings: max_seconds can only be 0");
	if (use == CORE_ENCODER_OF_GROUPER && normalize && strcmp(normalize->text, "none") != 0)
		good = report_use(r, normalize,
			"a grouper's encoder sees recordings as they are: normalize can only be "
			"none");
	if (use == CORE_ENCODER_OF_FLAGS && standardize && strcmp(standardize->text, "none") != 0)
		good = report_use(r, standardize, "standardize needs a corpus: set it to none");
	return good;
}

core_yaml *core_resolve_encoder(
	core_resolver *r, const char *path, const core_yaml *node, core_encoder_use use)
{
	const core_block *schema = core_schema_block("encoder");
	core_key keys[16];
	memcpy(keys, schema->keys, schema->n_keys * sizeof *keys);
	for (size_t i = 0; i < schema->n_keys && use != CORE_ENCODER_OF_VARIANT; i++)
		if (!strcmp(keys[i].name, "max_seconds"))
			keys[i].def = "0";
	core_yaml *out = resolve_plugin(r, path, node, FV_ENCODER, keys, schema->n_keys);
	return out && check_use(r, out, use) ? out : NULL;
}

static core_yaml *resolve_one_grouper(core_resolver *r, const char *path, const core_yaml *node)
{
	const core_block *schema = core_schema_block("grouper");
	return resolve_plugin(r, path, node, FV_GROUPER, schema->keys, schema->n_keys);
}

/* {product: [{...}, {...}]} */
static core_yaml *resolve_product(core_resolver *r, const core_yaml *node)
{
	core_loader *loader = r->loader;
	const core_yaml *product = core_yaml_get(node, "product");
	bool good = true;
	for (size_t i = 0; i < node->n; i++) {
		if (node->entry[i].value == product)
			continue;
		core_loader_fail_whole(loader, node->entry[i].key_place,
			"unknown key '%s' in grouper: a product has no other keys",
			node->entry[i].key);
		good = false;
	}
	if (product->kind != CORE_YAML_LIST || product->n == 0) {
		core_loader_fail(loader, FV_CONFIG, product->place,
			"grouper.product: a list of groupers is needed");
		return NULL;
	}
	core_yaml *list = core_yaml_map(loader->ctx, product->place, product->origin, product->n);
	core_yaml *out = core_yaml_map(loader->ctx, node->place, node->origin, 1);
	if (!list || !out)
		return NULL;
	list->kind = CORE_YAML_LIST;
	for (size_t i = 0; i < product->n; i++) {
		const core_yaml *factor = product->entry[i].value;
		const char *path = core_format(loader->ctx, "grouper.product[%zu]", i);
		core_yaml *one = path ? resolve_one_grouper(r, path, factor) : NULL;
		if (one)
			core_yaml_add(list, NULL, one->place, one);
		else
			good = false;
	}
	core_yaml_add(out, "product", product->place, list);
	return good ? out : NULL;
}

core_yaml *core_resolve_grouper(core_resolver *r, const core_yaml *node)
{
	return core_yaml_entry(node, "product") ? resolve_product(r, node)
						: resolve_one_grouper(r, "grouper", node);
}

static void check_presets(core_resolver *r)
{
	const core_block *train = core_schema_block("train");
	const core_plugin *plugin = core_registry_find(r->loader->registry, FV_LOSS, r->loss->name);
	for (uint32_t i = 0; i < r->loss->n_presets; i++) {
		const char *key = r->loss->presets[i].key;
		const char *dot = strchr(key, '.');
		if (!dot || !core_schema_key(train->keys, train->n_keys, dot + 1))
			core_loader_fail(r->loader, FV_DATA, (core_place){.file = plugin->path},
				"presets '%s', which is not a key of train", key);
	}
}

core_yaml *core_resolve_loss(core_resolver *r, const core_yaml *node)
{
	const core_block *schema = core_schema_block("loss");
	const core_yaml *profile = core_yaml_get(node, "profile");
	r->official =
		profile && profile->kind == CORE_YAML_SCALAR && !strcmp(profile->text, "official");
	core_yaml *out = resolve_plugin(r, "loss", node, FV_LOSS, schema->keys, schema->n_keys);
	const core_yaml *name = core_yaml_get(out, "name");
	const core_plugin *plugin =
		name ? core_registry_find(r->loader->registry, FV_LOSS, name->text) : NULL;
	r->loss = plugin ? plugin->descriptor : NULL;
	if (r->loss)
		check_presets(r);
	return out;
}
