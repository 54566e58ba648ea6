/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox fetch: weights and corpora from caches or downloads, checked by SHA-256. */
#include "fetch/fetch.h"

#include <dlfcn.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/json.h"
#include "base/number.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox fetch [OPTION...] NAME...\n"
	"       fairvox fetch --list [--json]\n"
	"\n"
	"Fetches weights and corpora to where the configurations look for them, and prints\n"
	"their paths. Existing files are checked and kept; files in the caches of Hugging Face,\n"
	"s3prl or torch are copied; the rest is downloaded. Every file is checked by SHA-256\n"
	"before it gets its name, and an interrupted download resumes where it stopped. The\n"
	"licence is shown, and recorded in PATH.json.\n"
	"\n"
	"      --list            list what can be fetched, with licences\n"
	"      --dir DIR         store files under DIR (default: here)\n"
	"      --offline         make no request: use existing files and caches only\n"
	"      --mirror URL      request URL/HOST/PATH instead of https://HOST/PATH\n"
	"                        (FAIRVOX_MIRROR)\n"
	"      --catalogue FILE  catalogue to use instead of fairvox's own (see\n"
	"                        configs/fetch.yaml)\n"
	"  -f, --force           replace a file that has other content\n"
	"  -j, --jobs N          files to download at a time, for a corpus (default: 4)\n"
	"      --retries N       attempts in a row without data before giving up (default: 5)\n"
	"      --wait SECONDS    pause before the second attempt; doubles each time (default: 1)\n"
	"      --timeout SECONDS silence after which a connection is given up (default: 60)\n"
	"      --json            print one JSON object: what was fetched, or the list\n";

struct fetch {
	core_fetch_options options;
	const char *catalogue;
	bool list, json;
};

/* --- the module --- */

static fv_status load_module(fv_ctx *ctx, const core_fetch_module **out)
{
	void *handle = dlopen(CORE_FETCH_MODULE, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return fv_fail(ctx, FV_FAILED, "cannot load %s: %s", CORE_FETCH_MODULE, dlerror());
	const core_fetch_module *module = dlsym(handle, CORE_FETCH_ENTRY);
	if (!module || module->size != sizeof *module || strcmp(module->version, FAIRVOX_VERSION))
		return fv_fail(ctx, FV_FAILED, "%s does not belong to this version of fairvox (%s)",
			CORE_FETCH_MODULE, FAIRVOX_VERSION);
	*out = module;
	return FV_OK;
}

/* --- the list --- */

static const char *size_text(char out[32], int64_t bytes)
{
	if (bytes < 0)
		return "-";
	snprintf(out, 32, "%.0f MB", (double)bytes / 1e6);
	return out;
}

static json_t *list_entry(const core_item *item)
{
	int64_t bytes = item->bytes;
	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:b, s:s?}, s:o}", "name", item->name,
		"what", item->what, "home", item->home, "save", item->save, "licence", "name",
		item->licence.name, "url", item->licence.url, "commercial",
		item->licence.commercial, "note", item->licence.note, "bytes",
		bytes < 0 ? json_null() : json_integer(bytes));
}

static fv_status print_list(fv_ctx *ctx, const core_catalogue *catalogue, bool json)
{
	json_t *all = json_array();
	for (size_t i = 0; i < catalogue->n; i++) {
		const core_item *item = &catalogue->item[i];
		char size[32];
		if (json)
			json_array_append_new(all, list_entry(item));
		else
			cli_printf("%-22s %7s  %-15s %s%s\n", item->name,
				size_text(size, item->bytes), item->licence.name, item->what,
				item->licence.commercial ? "" : " (non-commercial use only)");
	}
	if (!json) {
		json_decref(all);
		return cli_flush(ctx);
	}
	const char *text =
		core_json_text(ctx, json_pack("{s:i, s:o}", "schema_version", 1, "items", all),
			JSON_INDENT(2) | JSON_ENSURE_ASCII);
	if (!text)
		return FV_FAILED;
	puts(text);
	return cli_flush(ctx);
}

/* --- options --- */

enum { LIST = 256, DIR, OFFLINE, MIRROR, CATALOGUE, RETRIES, WAIT, TIMEOUT, JSON };

static const struct option longs[] = {{"list", no_argument, NULL, LIST},
	{"dir", required_argument, NULL, DIR}, {"offline", no_argument, NULL, OFFLINE},
	{"mirror", required_argument, NULL, MIRROR},
	{"catalogue", required_argument, NULL, CATALOGUE},
	{"retries", required_argument, NULL, RETRIES}, {"wait", required_argument, NULL, WAIT},
	{"timeout", required_argument, NULL, TIMEOUT}, {"json", no_argument, NULL, JSON},
	{"force", no_argument, NULL, 'f'}, {"jobs", required_argument, NULL, 'j'}, {0}};

static fv_status apply_option(fv_ctx *ctx, int option, struct fetch *f)
{
	core_fetch_options *o = &f->options;
	switch (option) {
	case LIST:
		f->list = true;
		return FV_OK;
	case DIR:
		o->dir = optarg;
		return FV_OK;
	case OFFLINE:
		o->offline = true;
		return FV_OK;
	case MIRROR:
		o->http.mirror = optarg;
		return FV_OK;
	case CATALOGUE:
		f->catalogue = optarg;
		return FV_OK;
	case RETRIES:
		return cli_int(ctx, "--retries", optarg, 0, 1000, &o->http.retries);
	case TIMEOUT:
		return cli_int(ctx, "--timeout", optarg, 1, 86400, &o->http.timeout_s);
	case WAIT:
		if (core_parse_double(optarg, &o->http.wait_s) && o->http.wait_s >= 0 &&
			o->http.wait_s <= 60)
			return FV_OK;
		return fv_fail(ctx, FV_CONFIG, "--wait: '%s' is not a number from 0 to 60", optarg);
	case JSON:
		f->json = true;
		return FV_OK;
	case 'f':
		o->force = true;
		return FV_OK;
	case 'j':
		return cli_int(ctx, "--jobs", optarg, 1, 64, &o->jobs);
	default:
		return FV_CONFIG;
	}
}

static const char *environment_value(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static fv_status check_url(fv_ctx *ctx, const char *what, const char *url)
{
	if (!url || !strncmp(url, "https://", 8) || !strncmp(url, "http://", 7))
		return FV_OK;
	return fv_fail(
		ctx, FV_CONFIG, "%s: '%s' starts with neither https:// nor http://", what, url);
}

static fv_status parse_options(fv_ctx *ctx, int argc, char **argv, struct fetch *f)
{
	core_http_options *http = &f->options.http;
	*f = (struct fetch){.options = {.dir = ".", .jobs = 4}};
	*http = (core_http_options){.mirror = environment_value("FAIRVOX_MIRROR"),
		.hub = environment_value("HF_ENDPOINT"),
		.retries = 5,
		.timeout_s = 60,
		.wait_s = 1};
	for (int option; (option = cli_option(ctx, argc, argv, "fj:", longs)) != -1;) {
		fv_status status = apply_option(ctx, option, f);
		if (status)
			return status;
	}
	fv_status status = check_url(ctx, "--mirror", http->mirror);
	if (!status)
		status = check_url(ctx, "HF_ENDPOINT", http->hub);
	if (status)
		return status;
	if (f->list && optind < argc)
		return fv_fail(ctx, FV_CONFIG, "fetch: --list takes no names");
	if (!f->list && optind == argc)
		return fv_fail(ctx, FV_CONFIG, "fetch: no name given: see 'fairvox fetch --list'");
	return FV_OK;
}

/* --- fetching --- */

/* Looks up all names first, then fetches. A failed item does not stop the others. */
static fv_status fetch_all(fv_ctx *ctx, const core_fetch_module *module,
	const core_catalogue *catalogue, const struct fetch *f, char **names, size_t n)
{
	const core_item **item = core_alloc(ctx, n, sizeof *item);
	fv_status status = item ? FV_OK : FV_FAILED;
	for (size_t i = 0; item && i < n; i++) {
		item[i] = module->find(ctx, catalogue, names[i]);
		status = item[i] ? status : FV_CONFIG;
	}
	json_t *fetched = json_array();
	for (size_t i = 0; item && (!status || status == FV_DATA) && i < n; i++) {
		core_fetched got = {0};
		fv_status its = module->fetch(ctx, item[i], &f->options, &got);
		status = its ? its : status;
		if (its)
			continue;
		json_array_append_new(fetched, json_pack("{s:s, s:o}", "path", got.path, "receipt",
						       json_loads(got.receipt, 0, NULL)));
		if (!f->json) {
			puts(got.path);
			fflush(stdout);
		}
	}
	json_t *root = json_pack("{s:i, s:o}", "schema_version", 1, "fetched", fetched);
	const char *text =
		f->json ? core_json_text(ctx, root, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;
	if (text)
		puts(text);
	else if (!f->json)
		json_decref(root);
	return status;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	struct fetch f;
	const core_fetch_module *module = NULL;
	core_catalogue catalogue;
	fv_status status = parse_options(ctx, argc, argv, &f);
	if (!status)
		status = load_module(ctx, &module);
	if (!status)
		status = module->catalogue(ctx, f.catalogue, &catalogue);
	if (status)
		return status;
	if (f.list)
		return print_list(ctx, &catalogue, f.json);
	status = fetch_all(ctx, module, &catalogue, &f, argv + optind, (size_t)(argc - optind));
	fv_status flushed = cli_flush(ctx);
	return status ? status : flushed;
}

const cli_verb cli_verb_fetch = {
	"fetch", "fetch weights and corpora, checked by SHA-256", usage, run};
