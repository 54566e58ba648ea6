/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/fetch.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fetch/caches.h"
#include "fetch/checked.h"
#include "fetch/file.h"

struct job {
	fv_ctx *ctx;
	const core_item *item;
	const core_fetch_options *options;
	core_http *http; /* NULL: offline */
	const char *target, *receipt;
	core_form *form; /* [item->n_forms], with what pointers said filled in */
	bool *pointed;   /* its hash is a pointer's */
};

static const char *wanted_hash(const core_form *form)
{
	return form->member ? form->member_sha256 : form->sha256;
}

/* Errors of a try that is not the last become lines of the log. */
static void forgive(struct job *j)
{
	for (size_t i = 0; core_error_line(j->ctx, i); i++)
		core_log(j->ctx, CORE_INFO, "%s", core_error_line(j->ctx, i));
	core_error_clear(j->ctx);
}

/* Asks for the hash of a form that has none in the catalogue. */
static fv_status learn(struct job *j, size_t i)
{
	core_form *form = &j->form[i];
	const char *pointer = core_form_pointer(j->ctx, form);
	if (form->sha256 || !pointer)
		return FV_OK;
	if (!j->http)
		return FV_OK;
	fv_status status = core_read_pointer(j->ctx, j->http, j->item->name, pointer, form);
	j->pointed[i] = !status;
	return status;
}

static void note_form(const struct job *j, size_t i, core_got *got)
{
	got->from = j->form[i].from;
	got->url = j->form[i].url;
	got->proof = j->pointed[i] ? CORE_PROOF_POINTER : CORE_PROOF_PINNED;
}

/* --- what is there already --- */

static fv_status other_content(struct job *j, const core_got *got)
{
	return fv_fail(j->ctx, FV_DATA,
		"%s: is there, but its SHA-256 %s is none that '%s' is known to have; --force "
		"replaces it",
		j->target, got->sha256, j->item->name);
}

static fv_status check_present(struct job *j, core_got *got)
{
	const char *recorded = core_receipt_sha256(j->ctx, j->receipt, NULL);
	bool all_known = true;
	fv_status status = core_hash_file(j->ctx, j->target, got);
	if (status)
		return status;
	got->was_there = true;
	got->source = j->target;
	for (size_t i = 0; i < j->item->n_forms; i++) {
		const char *hex = wanted_hash(&j->form[i]);
		note_form(j, i, got);
		if (hex && !strcmp(hex, got->sha256))
			return FV_OK;
		all_known = all_known && hex;
	}
	got->proof = CORE_PROOF_RECEIPT;
	if (recorded && !all_known && !strcmp(recorded, got->sha256))
		return FV_OK;
	for (size_t i = 0; i < j->item->n_forms; i++) {
		status = learn(j, i);
		if (status)
			return status;
		note_form(j, i, got);
		if (j->pointed[i] && !strcmp(j->form[i].sha256, got->sha256))
			return FV_OK;
	}
	return other_content(j, got);
}

/* --- caches --- */

/* The hash that a file of a cache must have to be this form's; NULL: none is known. */
static const char *hash_for(struct job *j, size_t i, const core_found *found, core_got *got)
{
	if (!wanted_hash(&j->form[i]) && !found->sha256 && learn(j, i))
		forgive(j);
	note_form(j, i, got);
	if (wanted_hash(&j->form[i]))
		return wanted_hash(&j->form[i]);
	got->proof = CORE_PROOF_CACHE;
	return found->sha256;
}

static bool is_it(struct job *j, size_t i, const core_found *found, core_got *got)
{
	const char *hex = hash_for(j, i, found, got), *why = NULL;
	if (!hex)
		why = "no hash is known to check it by";
	else if (core_hash_file(j->ctx, found->path, got))
		forgive(j);
	else if (!strcmp(hex, got->sha256))
		return true;
	core_log(j->ctx, CORE_INFO, "%s: found in the cache of %s, but %s; not taken", found->path,
		found->cache, why ? why : "its content is not the one wanted");
	return false;
}

static fv_status take_from_cache(struct job *j, size_t i, core_got *got, bool *taken)
{
	core_found *found;
	size_t n;
	fv_status status = core_caches_search(j->ctx, &j->form[i], &found, &n);
	for (size_t f = 0; !status && f < n && !*taken; f++) {
		if (!is_it(j, i, &found[f], got))
			continue;
		status = core_checked_take(j->ctx, found[f].path, j->target, got->sha256);
		core_log(j->ctx, CORE_INFO, "%s: found in the cache of %s: %s", j->item->name,
			found[f].cache, found[f].path);
		got->source = found[f].path;
		*taken = true;
	}
	return status;
}

/* --- download --- */

static fv_status download_form(struct job *j, size_t i, core_got *got)
{
	fv_status status = learn(j, i);
	if (status)
		return status;
	status = core_download(j->ctx, j->http, &j->form[i], j->item->name, j->target, got);
	if (status || !j->pointed[i])
		return status;
	got->proof = CORE_PROOF_POINTER;
	return FV_OK;
}

static fv_status download(struct job *j, core_got *got)
{
	for (size_t i = 0;; i++) {
		fv_status status = download_form(j, i, got);
		if (!status || status == FV_FAILED || i + 1 == j->item->n_forms)
			return status;
		forgive(j);
	}
}

/* --- one item --- */

static void show_licence(fv_ctx *ctx, const core_item *item)
{
	const core_licence *l = &item->licence;
	core_log(ctx, CORE_INFO, "%s: %s", item->name, item->what);
	core_log(ctx, CORE_INFO, "%s: licence: %s, %s%s%s", item->name, l->name, l->url,
		l->note ? "; " : "", l->note ? l->note : "");
	if (!l->commercial)
		fv_warn(ctx, "%s: NON-COMMERCIAL use only (%s)", item->name, l->name);
}

static fv_status obtain(struct job *j, core_got *got)
{
	bool taken = false;
	if (core_file_exists(j->target) && !j->options->force)
		return check_present(j, got);
	show_licence(j->ctx, j->item);
	for (size_t i = 0; i < j->item->n_forms && !taken; i++) {
		fv_status status = take_from_cache(j, i, got, &taken);
		if (status)
			return status;
	}
	if (taken) {
		unlink(core_format(j->ctx, "%s.part", j->target));
		return FV_OK;
	}
	if (!j->http)
		return fv_fail(j->ctx, FV_DATA,
			"%s: not at %s and in no cache, and --offline forbids to ask for it",
			j->item->name, j->target);
	return download(j, got);
}

static fv_status record(struct job *j, const core_got *got, core_fetched *out)
{
	if (!strcmp(got->proof, CORE_PROOF_NONE))
		core_log(j->ctx, CORE_INFO,
			"%s: no hash is published for it; this one's SHA-256 is %s, recorded",
			j->item->name, got->sha256);
	core_log(j->ctx, CORE_INFO, "%s: %s, %lld bytes, SHA-256 %s (%s)", j->target,
		got->was_there ? "was there already" : "is there", (long long)got->bytes,
		got->sha256, got->proof);
	out->path = j->target;
	json_t *receipt = core_receipt(j->item, got);
	if (!got->was_there || !core_file_exists(j->receipt))
		return core_receipt_write(j->ctx, receipt, j->receipt, &out->receipt);
	json_decref(receipt);
	char *text;
	size_t size;
	fv_status status = core_file_read(j->ctx, j->receipt, 1 << 20, &text, &size);
	out->receipt = text;
	return status;
}

static fv_status fetch_file(struct job *j, core_fetched *out)
{
	core_got got = {.bytes = -1};
	j->receipt = core_format(j->ctx, "%s.json", j->target);
	j->form = core_alloc(j->ctx, j->item->n_forms, sizeof *j->form);
	j->pointed = core_alloc(j->ctx, j->item->n_forms, sizeof *j->pointed);
	if (!j->receipt || !j->form || !j->pointed)
		return FV_FAILED;
	memcpy(j->form, j->item->form, j->item->n_forms * sizeof *j->form);
	fv_status status = obtain(j, &got);
	return status ? status : record(j, &got, out);
}

static fv_status fetch_item(
	fv_ctx *ctx, const core_item *item, const core_fetch_options *options, core_fetched *out)
{
	struct job job = {.ctx = ctx,
		.item = item,
		.options = options,
		.target = core_path_join(ctx, options->dir, item->save)};
	fv_status status =
		job.target ? core_make_dirs(ctx, core_path_dir(ctx, job.target)) : FV_FAILED;
	if (!status && !options->offline)
		status = core_http_begin(ctx);
	if (status)
		return status;
	if (item->set) {
		show_licence(ctx, item);
		return core_fetch_set(ctx, item, options, job.target, out);
	}
	if (!options->offline)
		status = core_http_open(ctx, &options->http, &job.http);
	if (!status)
		status = fetch_file(&job, out);
	core_http_close(job.http);
	return status;
}

/* In a context of its own: what goes wrong on the way and is mended is no error of the command. */
static fv_status fetch(
	fv_ctx *ctx, const core_item *item, const core_fetch_options *options, core_fetched *out)
{
	core_fetched got = {0};
	fv_ctx *own = core_ctx_aside(ctx);
	if (!own)
		return FV_FAILED;
	core_ctx_copy_log(own, ctx);
	fv_status status = fetch_item(own, item, options, &got);
	if (!status)
		*out = (core_fetched){core_strdup(ctx, got.path), core_strdup(ctx, got.receipt)};
	(void)core_ctx_rejoin(ctx, own, status);
	return status ? status : out->path && out->receipt ? FV_OK : FV_FAILED;
}

extern const core_fetch_module core_fetch_entry;
__attribute__((visibility("default"))) const core_fetch_module core_fetch_entry = {
	.size = sizeof core_fetch_entry,
	.version = FAIRVOX_VERSION,
	.catalogue = core_catalogue_read,
	.find = core_catalogue_find,
	.fetch = fetch,
};
