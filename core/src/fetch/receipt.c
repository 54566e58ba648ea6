/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/file.h"
#include "base/json.h"
#include "fetch/file.h"

#define RECEIPT_BYTES_MAX ((size_t)1 << 26)

static void add_text(json_t *to, const char *key, const char *text)
{
	if (text)
		json_object_set_new(to, key, json_string(text));
}

json_t *core_receipt_create(const core_item *item, const core_obtained *got)
{
	char date[32];
	time_t now = time(NULL);
	struct tm utc;
	gmtime_r(&now, &utc);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
	json_t *out = json_pack("{s:i, s:s, s:s, s:s, s:s}", "schema_version", 1, "name",
		item->name, "what", item->what, "home", item->home, "date", date);
	json_t *licence = json_pack("{s:s, s:s, s:b}", "name", item->licence.name, "url",
		item->licence.url, "commercial", item->licence.commercial);
	if (!out || !licence)
		return NULL;
	add_text(licence, "note", item->licence.note);
	json_object_set_new(out, "licence", licence);
	if (!got)
		return out;
	add_text(out, "sha256", got->sha256);
	json_object_set_new(out, "bytes", json_integer(got->bytes));
	add_text(out, "proof", got->proof);
	add_text(out, "from", got->from);
	add_text(out, "url", got->url);
	add_text(out, "source", got->source);
	return out;
}

fv_status core_receipt_write(fv_ctx *ctx, json_t *receipt, const char *path, const char **text)
{
	*text = core_json_text(ctx, receipt, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	const char *line = *text ? core_format(ctx, "%s\n", *text) : NULL;
	return line ? core_file_write(ctx, path, line, strlen(line)) : FV_FAILED;
}

const char *core_receipt_read_sha256(fv_ctx *ctx, const char *path, const char *file)
{
	char *text;
	size_t size;
	const char *copy = NULL;
	fv_ctx *aside = core_file_exists(path) ? core_ctx_aside(ctx) : NULL;
	if (!aside)
		return NULL;
	if (!core_file_read(aside, path, RECEIPT_BYTES_MAX, &text, &size)) {
		json_t *root = json_loadb(text, size, 0, NULL);
		const json_t *of =
			file ? json_object_get(json_object_get(root, "files"), file) : root;
		const char *hex = json_string_value(json_object_get(of, "sha256"));
		copy = hex ? core_strdup(ctx, hex) : NULL;
		json_decref(root);
	}
	core_ctx_free(aside);
	return copy;
}
