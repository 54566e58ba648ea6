/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/catalogue.h"

#include <string.h>

#include "base/embedded.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "base/number.h"
#include "config/yaml.h"

/* Reads one map: every key is looked up once; keys never looked up are unknown. */
struct reader {
	fv_ctx *ctx;
	const core_yaml *map;
	const char *known[16];
	size_t n_known;
	fv_status status; /* status of the first error */
};

static void report_error(struct reader *r, core_place place, const char *what)
{
	fv_status status = core_fail_place(r->ctx, FV_CONFIG, place, "%s", what);
	r->status = r->status ? r->status : status;
}

static struct reader open_map(fv_ctx *ctx, const core_yaml *map)
{
	struct reader r = {.ctx = ctx, .map = map};
	if (map->kind != CORE_YAML_MAP)
		report_error(&r, map->place, "must be a map");
	return r;
}

static const core_yaml *find_key(struct reader *r, const char *key)
{
	r->known[r->n_known++] = key;
	return core_yaml_get(r->map, key);
}

static const char *get_text(struct reader *r, const core_yaml *node, const char *key)
{
	if (node->kind == CORE_YAML_SCALAR && !core_yaml_is_null(node) && *node->text)
		return node->text;
	report_error(r, node->place, core_format(r->ctx, "%s: must be a text", key));
	return "";
}

static const char *read_text(struct reader *r, const char *key, bool needed)
{
	const core_yaml *node = find_key(r, key);
	if (node)
		return get_text(r, node, key);
	if (needed)
		report_error(r, r->map->place, core_format(r->ctx, "'%s' is missing", key));
	return needed ? "" : NULL;
}

static const char *read_url(struct reader *r, const char *key, bool needed)
{
	const char *url = read_text(r, key, needed);
	if (url && *url && strncmp(url, "https://", 8) && strncmp(url, "http://", 7))
		report_error(r, core_yaml_get(r->map, key)->place,
			core_format(r->ctx, "%s: '%s' is not an http or https URL", key, url));
	return url;
}

static int64_t read_size(struct reader *r, bool needed)
{
	int64_t n = -1;
	const char *digits = read_text(r, "bytes", needed);
	if (digits && *digits && (!core_parse_int(digits, &n) || n < 1))
		report_error(r, core_yaml_get(r->map, "bytes")->place,
			"bytes: must be a positive integer");
	return n;
}

static const char *read_sha256(struct reader *r, bool needed)
{
	const char *hex = read_text(r, "sha256", needed);
	if (hex && *hex && (strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64))
		report_error(r, core_yaml_get(r->map, "sha256")->place,
			"sha256: must be 64 digits 0-9a-f");
	return hex;
}

static void reject_unknown_keys(struct reader *r)
{
	for (size_t i = 0; r->map->kind == CORE_YAML_MAP && i < r->map->n; i++) {
		bool known = false;
		for (size_t k = 0; k < r->n_known; k++)
			known = known || !strcmp(r->known[k], r->map->entry[i].key);
		if (!known)
			report_error(r, r->map->entry[i].key_place,
				core_format(r->ctx, "unknown key '%s'", r->map->entry[i].key));
	}
}

/* Whether the path stays inside the folder it is joined to. */
static bool is_inside(const char *path)
{
	if (path[0] == '/' || strstr(path, "//"))
		return false;
	for (const char *part = path; *part;) {
		size_t n = strcspn(part, "/");
		if ((n == 1 && part[0] == '.') || (n == 2 && !strncmp(part, "..", 2)))
			return false;
		part += n + (part[n] == '/');
	}
	return *path;
}

static fv_status read_licence(fv_ctx *ctx, const core_yaml *map, core_licence *out)
{
	struct reader r = open_map(ctx, map);
	if (r.status)
		return r.status;
	out->name = read_text(&r, "name", true);
	out->url = read_url(&r, "url", true);
	out->note = read_text(&r, "note", false);
	const char *commercial = read_text(&r, "commercial", true);
	out->commercial = !strcmp(commercial, "true");
	if (*commercial && !out->commercial && strcmp(commercial, "false"))
		report_error(&r, map->place, "commercial: must be true or false");
	reject_unknown_keys(&r);
	return r.status;
}

static fv_status read_member(fv_ctx *ctx, const core_yaml *map, core_form *out)
{
	struct reader r = open_map(ctx, map);
	if (r.status)
		return r.status;
	out->member = read_text(&r, "name", true);
	out->member_bytes = read_size(&r, true);
	out->member_sha256 = read_sha256(&r, true);
	reject_unknown_keys(&r);
	return r.status;
}

static fv_status read_form(fv_ctx *ctx, const core_yaml *map, core_form *out)
{
	struct reader r = open_map(ctx, map);
	if (r.status)
		return r.status;
	out->from = read_text(&r, "from", true);
	out->url = read_url(&r, "url", true);
	out->pointer = read_url(&r, "pointer", false);
	out->bytes = read_size(&r, false);
	out->sha256 = read_sha256(&r, false);
	const core_yaml *member = find_key(&r, "member");
	if (member && read_member(ctx, member, out))
		r.status = FV_CONFIG;
	if (member && !out->sha256)
		report_error(&r, map->place, "an archive needs bytes and sha256");
	reject_unknown_keys(&r);
	return r.status;
}

static const char **read_texts(struct reader *r, const char *key, size_t *n)
{
	const core_yaml *list = find_key(r, key);
	const char **out = core_alloc(r->ctx, list ? list->n : 0, sizeof *out);
	*n = 0;
	if (list && list->kind != CORE_YAML_LIST)
		report_error(r, list->place, core_format(r->ctx, "%s: must be a list", key));
	for (size_t i = 0; out && list && list->kind == CORE_YAML_LIST && i < list->n; i++)
		out[(*n)++] = get_text(r, list->entry[i].value, key);
	return out;
}

static fv_status read_set(fv_ctx *ctx, const core_yaml *map, core_file_set **out)
{
	core_file_set *set = *out = core_alloc(ctx, 1, sizeof *set);
	struct reader r = open_map(ctx, map);
	if (!set || r.status)
		return FV_CONFIG;
	const core_yaml *list = find_key(&r, "list");
	if (!list)
		report_error(&r, map->place, "'list' is missing");
	else if (read_form(ctx, list, &set->list))
		r.status = FV_CONFIG;
	set->prefix = read_url(&r, "prefix", true);
	set->url = read_texts(&r, "urls", &set->n_urls);
	set->pointer = read_url(&r, "pointer", false);
	set->also = read_texts(&r, "also", &set->n_also);
	if (!set->n_urls)
		report_error(&r, map->place, "'urls' is missing");
	if (set->n_also && !set->pointer)
		report_error(&r, map->place, "'also' needs 'pointer'");
	reject_unknown_keys(&r);
	return r.status;
}

static void read_forms(struct reader *r, const core_yaml *forms, core_item *out)
{
	if (forms->kind != CORE_YAML_LIST || !forms->n) {
		report_error(r, forms->place, "forms: must be a list with at least one entry");
		return;
	}
	out->form = core_alloc(r->ctx, forms->n, sizeof *out->form);
	for (size_t i = 0; out->form && i < forms->n; i++)
		if (read_form(r->ctx, forms->entry[i].value, &out->form[out->n_forms++]))
			r->status = FV_CONFIG;
}

static fv_status read_item(fv_ctx *ctx, const core_entry *entry, core_item *out)
{
	struct reader r = open_map(ctx, entry->value);
	if (r.status)
		return r.status;
	out->name = entry->key;
	out->what = read_text(&r, "what", true);
	out->home = read_url(&r, "home", true);
	out->save = read_text(&r, "save", true);
	if (*out->save && !is_inside(out->save))
		report_error(&r, core_yaml_get(r.map, "save")->place,
			"save: must be a relative path without '..'");
	const core_yaml *licence = find_key(&r, "licence"), *forms = find_key(&r, "forms"),
			*files = find_key(&r, "files");
	if (!licence)
		report_error(&r, entry->value->place, "'licence' is missing");
	else if (read_licence(ctx, licence, &out->licence))
		r.status = FV_CONFIG;
	if (!forms == !files)
		report_error(&r, entry->value->place, "needs either 'forms' or 'files'");
	else if (forms)
		read_forms(&r, forms, out);
	else if (read_set(ctx, files, &out->set))
		r.status = FV_CONFIG;
	out->bytes = out->n_forms ? out->form[0].bytes : -1;
	reject_unknown_keys(&r);
	return r.status;
}

fv_status core_catalogue_read(fv_ctx *ctx, const char *path, core_catalogue *out)
{
	core_yaml *root;
	const char *own = core_embedded_text(CORE_CATALOGUE_FILE);
	fv_status status =
		path ? core_yaml_read(ctx, path, &root)
		     : core_yaml_parse(ctx, CORE_CATALOGUE_FILE, own, strlen(own), &root);
	if (status)
		return status;
	if (root->kind != CORE_YAML_MAP)
		return core_fail_place(ctx, FV_CONFIG, root->place, "must be a map of names");
	*out = (core_catalogue){.item = core_alloc(ctx, root->n, sizeof *out->item)};
	if (!out->item)
		return FV_FAILED;
	for (size_t i = 0; i < root->n; i++)
		if (read_item(ctx, &root->entry[i], &out->item[out->n++]))
			status = FV_CONFIG;
	return status;
}

const core_item *core_catalogue_find(fv_ctx *ctx, const core_catalogue *catalogue, const char *name)
{
	const char **names = core_alloc(ctx, catalogue->n, sizeof *names);
	for (size_t i = 0; names && i < catalogue->n; i++) {
		names[i] = catalogue->item[i].name;
		if (!strcmp(names[i], name))
			return &catalogue->item[i];
	}
	(void)fv_fail(ctx, FV_CONFIG,
		"unknown name '%s'%s ('fairvox fetch --list' shows all names)", name,
		names ? core_suggest_name(ctx, name, names, catalogue->n) : "");
	return NULL;
}
