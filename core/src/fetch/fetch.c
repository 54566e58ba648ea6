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
	core_form *form; /* [item->n_forms], completed with the hashes from pointers */
	bool *pointed;   /* [item->n_forms] true: the hash came from a pointer */
};

static const char *get_wanted_hash(const core_form *form)
{
	return form->member ? form->member_sha256 : form->sha256;
}

/* Turns the errors of an attempt that is not the last into log lines. */
static void log_and_clear_errors(struct job *j)
{
	for (size_t i = 0; core_error_line(j->ctx, i); i++)
		core_log(j->ctx, CORE_INFO, "%s", core_error_line(j->ctx, i));
	core_error_clear(j->ctx);
}

/* Reads the hash of a form from its LFS pointer when the catalogue has none. */
static fv_status read_pointer_hash(struct job *j, size_t i)
{
	core_form *form = &j->form[i];
	const char *pointer = core_form_find_pointer(j->ctx, form);
	if (form->sha256 || !pointer)
		return FV_OK;
	if (!j->http)
		return FV_OK;
	fv_status status = core_read_pointer(j->ctx, j->http, j->item->name, pointer, form);
	j->pointed[i] = !status;
	return status;
}

static void set_form(const struct job *j, size_t i, core_obtained *got)
{
	got->from = j->form[i].from;
	got->url = j->form[i].url;
	got->proof = j->pointed[i] ? CORE_PROOF_POINTER : CORE_PROOF_PINNED;
}

/* --- a target that exists already --- */

static fv_status fail_other_content(struct job *j, const core_obtained *got)
{
	return fv_fail(j->ctx, FV_DATA,
		"%s: exists, but its SHA-256 %s is not a known one of '%s': --force replaces it",
		j->target, got->sha256, j->item->name);
}

static fv_status check_present(struct job *j, core_obtained *got)
{
	const char *recorded = core_receipt_read_sha256(j->ctx, j->receipt, NULL);
	bool all_known = true;
	fv_status status = core_hash_file(j->ctx, j->target, got);
	if (status)
		return status;
	got->was_there = true;
	got->source = j->target;
	for (size_t i = 0; i < j->item->n_forms; i++) {
		const char *hex = get_wanted_hash(&j->form[i]);
		set_form(j, i, got);
		if (hex && !strcmp(hex, got->sha256))
			return FV_OK;
		all_known = all_known && hex;
	}
	got->proof = CORE_PROOF_RECEIPT;
	if (recorded && !all_known && !strcmp(recorded, got->sha256))
		return FV_OK;
	for (size_t i = 0; i < j->item->n_forms; i++) {
		status = read_pointer_hash(j, i);
		if (status)
			return status;
		set_form(j, i, got);
		if (j->pointed[i] && !strcmp(j->form[i].sha256, got->sha256))
			return FV_OK;
	}
	return fail_other_content(j, got);
}

/* --- caches --- */

/* The hash that a cached file must have to be this form; NULL when none is known. */
static const char *find_expected_hash(
	struct job *j, size_t i, const core_found *found, core_obtained *got)
{
	if (!get_wanted_hash(&j->form[i]) && !found->sha256 && read_pointer_hash(j, i))
		log_and_clear_errors(j);
	set_form(j, i, got);
	if (get_wanted_hash(&j->form[i]))
		return get_wanted_hash(&j->form[i]);
	got->proof = CORE_PROOF_CACHE;
	return found->sha256;
}

static bool matches_form(struct job *j, size_t i, const core_found *found, core_obtained *got)
{
	const char *hex = find_expected_hash(j, i, found, got), *why = NULL;
	if (!hex)
		why = "no hash is known for it";
	else if (core_hash_file(j->ctx, found->path, got))
		log_and_clear_errors(j);
	else if (!strcmp(hex, got->sha256))
		return true;
	core_log(j->ctx, CORE_INFO, "%s: found in the cache of %s but not used: %s", found->path,
		found->cache, why ? why : "its content is different");
	return false;
}

static fv_status copy_from_cache(struct job *j, size_t i, core_obtained *got, bool *copied)
{
	core_found *found;
	size_t n;
	fv_status status = core_caches_search(j->ctx, &j->form[i], &found, &n);
	for (size_t f = 0; !status && f < n && !*copied; f++) {
		if (!matches_form(j, i, &found[f], got))
			continue;
		status = core_checked_copy(j->ctx, found[f].path, j->target, got->sha256);
		core_log(j->ctx, CORE_INFO, "%s: found in the cache of %s: %s", j->item->name,
			found[f].cache, found[f].path);
		got->source = found[f].path;
		*copied = true;
	}
	return status;
}

/* --- download --- */

static fv_status download_form(struct job *j, size_t i, core_obtained *got)
{
	fv_status status = read_pointer_hash(j, i);
	if (status)
		return status;
	status = core_download(j->ctx, j->http, &j->form[i], j->item->name, j->target, got);
	if (status || !j->pointed[i])
		return status;
	got->proof = CORE_PROOF_POINTER;
	return FV_OK;
}

static fv_status download_first_form(struct job *j, core_obtained *got)
{
	for (size_t i = 0;; i++) {
		fv_status status = download_form(j, i, got);
		if (!status || status == FV_FAILED || i + 1 == j->item->n_forms)
			return status;
		log_and_clear_errors(j);
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

static fv_status obtain_file(struct job *j, core_obtained *got)
{
	bool copied = false;
	if (core_file_exists(j->target) && !j->options->force)
		return check_present(j, got);
	show_licence(j->ctx, j->item);
	for (size_t i = 0; i < j->item->n_forms && !copied; i++) {
		fv_status status = copy_from_cache(j, i, got, &copied);
		if (status)
			return status;
	}
	if (copied) {
		unlink(core_format(j->ctx, "%s.part", j->target));
		return FV_OK;
	}
	if (!j->http)
		return fv_fail(j->ctx, FV_DATA,
			"%s: not at %s and not in a cache: run without --offline to download it",
			j->item->name, j->target);
	return download_first_form(j, got);
}

static fv_status write_receipt(struct job *j, const core_obtained *got, core_fetched *out)
{
	if (!strcmp(got->proof, CORE_PROOF_NONE))
		core_log(j->ctx, CORE_INFO,
			"%s: no hash is published; the receipt records the SHA-256 found: %s",
			j->item->name, got->sha256);
	core_log(j->ctx, CORE_INFO, "%s: %s, %lld bytes, SHA-256 %s (%s)", j->target,
		got->was_there ? "already present" : "fetched", (long long)got->bytes, got->sha256,
		got->proof);
	out->path = j->target;
	json_t *receipt = core_receipt_create(j->item, got);
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
	core_obtained got = {.bytes = -1};
	j->receipt = core_format(j->ctx, "%s.json", j->target);
	j->form = core_alloc(j->ctx, j->item->n_forms, sizeof *j->form);
	j->pointed = core_alloc(j->ctx, j->item->n_forms, sizeof *j->pointed);
	if (!j->receipt || !j->form || !j->pointed)
		return FV_FAILED;
	memcpy(j->form, j->item->form, j->item->n_forms * sizeof *j->form);
	fv_status status = obtain_file(j, &got);
	return status ? status : write_receipt(j, &got, out);
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
		status = core_http_init(ctx);
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

/* Runs in its own context, because an error that a later attempt repairs is not an error of the
 * command. */
static fv_status fetch_in_own_context(
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
	.fetch = fetch_in_own_context,
};
