/* SPDX-License-Identifier: Apache-2.0 */
/* Merges a file with the files that its `defaults:` lists, the file itself last, and reads the
 * overrides of the command line. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "config/loader.h"
#include "config/schema.h"
#include "config/yaml_fault.h"

#define FILES_MAX 256

/* The stack of files being read, innermost first. */
struct chain {
	const struct chain *up;
	const char *path, *real;
};

static core_yaml *compose_file(
	core_loader *loader, const char *path, core_place from, const struct chain *up);

static bool refuse_cycle(core_loader *loader, const struct chain *link, core_place from)
{
	for (const struct chain *c = link->up; c; c = c->up) {
		if (strcmp(c->real, link->real))
			continue;
		const char *cycle = link->path;
		for (const struct chain *d = link->up; d && cycle; d = d == c ? NULL : d->up)
			cycle = core_format(loader->ctx, "%s -> %s", d->path, cycle);
		core_loader_fail(loader, FV_CONFIG, from, "defaults form a cycle: %s",
			cycle ? cycle : link->path);
		return true;
	}
	return false;
}

/* Merges the files that `defaults` lists; sets *failed when one of them cannot be used. */
static core_yaml *compose_defaults(
	core_loader *loader, const core_yaml *defaults, const struct chain *link, bool *failed)
{
	core_yaml *merged = NULL;
	char *folder = core_path_dir(loader->ctx, link->path);
	const core_entry only = {.value = (core_yaml *)defaults};
	const core_entry *entry = defaults->kind == CORE_YAML_LIST ? defaults->entry : &only;
	size_t n = defaults->kind == CORE_YAML_LIST ? defaults->n : 1;
	for (size_t i = 0; i < n && folder; i++) {
		const core_yaml *item = entry[i].value;
		if (item->kind != CORE_YAML_SCALAR || core_yaml_is_null(item) || !*item->text) {
			core_loader_fail(loader, FV_CONFIG, item->place,
				"defaults: a list of paths is needed");
			*failed = true;
			continue;
		}
		const char *path = core_path_join(loader->ctx, folder, item->text);
		core_yaml *base = path ? compose_file(loader, path, item->place, link) : NULL;
		*failed = *failed || !base;
		merged = base && merged ? core_merge(loader, "", merged, base) : base;
	}
	return merged;
}

static core_yaml *read_map(core_loader *loader, const char *path, core_place from)
{
	core_yaml *root;
	fv_status status = core_yaml_read(loader->ctx, path, &root);
	if (status)
		core_loader_count_failure(loader, status);
	else if (root->kind != CORE_YAML_MAP)
		status = core_loader_fail(loader, FV_CONFIG, root->place,
			"a map of blocks is needed (corpus:, encoder:, loss:, ...)");
	if (status && from.file)
		core_loader_fail(loader, status, from, "defaults: '%s' cannot be used", path);
	return status ? NULL : root;
}

static core_yaml *compose_file(
	core_loader *loader, const char *path, core_place from, const struct chain *up)
{
	char real[PATH_MAX];
	struct chain link = {up, path, realpath(path, real) ? real : path};
	if (link.real == path)
		(void)core_memory_note_errno();
	if (refuse_cycle(loader, &link, from))
		return NULL;
	const size_t before = loader->n_files++;
	if (before == FILES_MAX) /* said once */
		core_loader_fail(
			loader, FV_CONFIG, from, "defaults name more than %d files", FILES_MAX);
	if (before >= FILES_MAX)
		return NULL;
	core_yaml *own = read_map(loader, path, from);
	if (!own)
		return NULL;
	const core_yaml *defaults = core_yaml_get(own, "defaults");
	if (!defaults)
		return own;
	bool failed = false;
	core_yaml *base = compose_defaults(loader, defaults, &link, &failed);
	core_yaml *rest = core_yaml_map(loader->ctx, own->place, own->origin, own->n);
	if (failed || !rest)
		return NULL;
	for (size_t i = 0; i < own->n; i++)
		if (own->entry[i].value != defaults)
			core_yaml_add(rest, own->entry[i].key, own->entry[i].key_place,
				own->entry[i].value);
	return base ? core_merge(loader, "", base, rest) : rest;
}

fv_status core_compose(core_loader *loader, const char *path, core_yaml **out)
{
	*out = compose_file(loader, path, (core_place){0}, NULL);
	if (*out)
		return FV_OK;
	return loader->n_failed ? loader->status : FV_FAILED;
}

/* True when `key=[a, b]` makes an axis, even of one value: the key itself takes no list. */
static bool is_axis_list(core_loader *loader, const core_override *override)
{
	const core_registry *registry = loader->registry;
	return override->values->n == 1 &&
	       override->values->entry[0].value->kind == CORE_YAML_LIST &&
	       core_schema_knows(registry, override->key) &&
	       strcmp(override->key, "grouper.product") != 0 &&
	       !core_key_under(override->key, "corpus.bins") &&
	       !core_schema_is_list(registry, override->key);
}

/* Reads the values behind '='. What is wrong in them is told with the whole argument. */
static fv_status read_values(
	core_loader *loader, const char *argument, const char *text, core_override *out)
{
	core_place named = {
		.file = core_format(loader->ctx, "%s: '%s'", out->place.file, argument)};
	fv_status status = FV_FAILED;
	if (named.file)
		status = core_yaml_parse_values(
			loader->ctx, named, CORE_FROM_COMMAND, text, &out->values);
	if (status)
		core_loader_count_failure(loader, status);
	else
		core_yaml_set_place(out->values, out->place);
	return status;
}

static fv_status read_override(core_loader *loader, const char *argument, core_override *out)
{
	const char *sign = strchr(argument, '=');
	if (!sign || sign == argument)
		return core_loader_fail(loader, FV_CONFIG, out->place,
			"'%s' is not of the form KEY=VALUE", argument);
	out->key = core_strndup(loader->ctx, argument, (size_t)(sign - argument));
	if (!out->key)
		return FV_FAILED;
	core_yaml_typo typo;
	if (core_yaml_find_word_typo(out->key, &typo))
		return core_loader_fail(
			loader, FV_CONFIG, out->place, "'%s': %s", argument, typo.what);
	if (!core_key_check(loader, out->place, out->key))
		return FV_CONFIG;
	bool matrix = core_key_under(out->key, "matrix") && strcmp(argument, "matrix=none") != 0;
	if (matrix || core_key_under(out->key, "defaults"))
		return core_loader_fail(loader, FV_CONFIG, out->place,
			"'%s' cannot be overridden: set an axis by its own key, e.g. "
			"loss.name=a,b",
			out->key);
	if (!sign[1 + strspn(sign + 1, " \t\n")])
		return core_loader_fail(loader, FV_CONFIG, out->place,
			"'%s' has no value: write %s=VALUE", argument, out->key);
	fv_status status = read_values(loader, argument, sign + 1, out);
	if (status)
		return status;
	if (is_axis_list(loader, out)) {
		out->values = out->values->entry[0].value;
		if (!out->values->n)
			return core_loader_fail(loader, FV_CONFIG, out->place,
				"'%s': an axis needs at least one value", argument);
	} else if (out->values->n > 1 && core_schema_is_list(loader->registry, out->key)) {
		core_yaml *one = core_yaml_map(loader->ctx, out->place, CORE_FROM_COMMAND, 1);
		if (!one)
			return FV_FAILED;
		one->kind = CORE_YAML_LIST;
		core_yaml_add(one, NULL, out->place, out->values);
		out->values = one;
	}
	return FV_OK;
}

static void sort_by_rank(core_override *override, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		core_override moved = override[i];
		size_t at = i;
		for (; at && core_key_rank(override[at - 1].key) > core_key_rank(moved.key); at--)
			override[at] = override[at - 1];
		override[at] = moved;
	}
}

/* When a key is given more than once, the last value counts. */
fv_status core_overrides_read(
	core_loader *loader, char *const *argument, size_t n, core_override **out, size_t *n_out)
{
	core_override *kept = core_alloc(loader->ctx, n, sizeof *kept);
	if (!kept)
		return FV_FAILED;
	fv_status first = FV_OK;
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		core_override one = {0};
		one.place.file = core_format(loader->ctx, "command line: argument %zu", i + 1);
		fv_status status =
			one.place.file ? read_override(loader, argument[i], &one) : FV_FAILED;
		if (status) {
			first = first ? first : status;
			continue;
		}
		size_t left = 0;
		for (size_t j = 0; j < count; j++)
			if (strcmp(kept[j].key, one.key) != 0)
				kept[left++] = kept[j];
		kept[left] = one;
		count = left + 1;
	}
	sort_by_rank(kept, count);
	*out = kept;
	*n_out = count;
	return first;
}
