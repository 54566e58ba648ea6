/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches many files from one list: several at a time, each verified; files that exist are only
 * checked. */
#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/number.h"
#include "base/plural.h"
#include "base/progress.h"
#include "fetch/file.h"

#define FAULTS_MAX 8 /* files that may fail before the rest is skipped */
#define TICK_NS 200000000

struct entry {
	const char *name;
	const char *sha256; /* NULL: not in the list */
	int64_t bytes;
	core_obtained got;
};

struct set {
	fv_ctx *ctx;
	const core_item *item;
	const core_fetch_options *options;
	const char *folder, *receipt;
	struct entry *entry;
	size_t n;
	atomic_size_t next, done, downloaded;
	atomic_size_t first_url; /* the URL that answered last; it is tried first */
	atomic_int failed;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t at_work; /* running workers; guarded by lock */
};

struct worker {
	struct set *set;
	pthread_t thread;
	fv_ctx *ctx;             /* of this worker */
	fv_status status, fault; /* status ends the worker, fault concerns one file */
};

/* --- the list --- */

static bool is_plain_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
			return false;
	return name[0] && name[0] != '.';
}

/* Parses one line "URL BYTES SHA256 ..."; lines about other URLs are skipped. */
static fv_status parse_line(struct set *s, char *line, int64_t number)
{
	const core_file_set *files = s->item->set;
	char *rest, *url = strtok_r(line, " \t\r", &rest);
	char *bytes = url ? strtok_r(NULL, " \t\r", &rest) : NULL,
	     *hex = bytes ? strtok_r(NULL, " \t\r", &rest) : NULL;
	size_t n = strlen(files->prefix);
	if (!url || strncmp(url, files->prefix, n))
		return FV_OK;
	struct entry *e = &s->entry[s->n];
	*e = (struct entry){.name = url + n, .sha256 = hex};
	if (!hex || strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64 ||
		!core_parse_int(bytes, &e->bytes) || e->bytes < 1 || !is_plain_name(e->name))
		return fv_fail(s->ctx, FV_DATA,
			"%s.list:%lld: expected a URL, a size and a SHA-256", s->folder,
			(long long)number);
	s->n++;
	return FV_OK;
}

static fv_status parse_list(struct set *s, char *text)
{
	const core_file_set *files = s->item->set;
	size_t lines = 1;
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	s->entry = core_alloc(s->ctx, lines + files->n_also, sizeof *s->entry);
	if (!s->entry)
		return FV_FAILED;
	int64_t number = 0;
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n"));) {
		fv_status status = parse_line(s, line, ++number);
		if (status)
			return status;
	}
	if (!s->n)
		return fv_fail(s->ctx, FV_DATA, "%s.list: names no file under %s", s->folder,
			files->prefix);
	for (size_t i = 0; i < files->n_also; i++) {
		if (!is_plain_name(files->also[i]))
			return fv_fail(s->ctx, FV_CONFIG, "%s: '%s' is not a file name",
				s->item->name, files->also[i]);
		s->entry[s->n++] = (struct entry){.name = files->also[i], .bytes = -1};
	}
	return FV_OK;
}

static fv_status fetch_list(struct set *s)
{
	const core_form *form = &s->item->set->list;
	const char *path = core_format(s->ctx, "%s.list", s->folder);
	core_obtained got = {.bytes = -1};
	core_http *http = NULL;
	if (!path)
		return FV_FAILED;
	fv_status status = FV_OK;
	bool there = core_file_exists(path) && !core_hash_file(s->ctx, path, &got) &&
		     form->sha256 && !strcmp(got.sha256, form->sha256);
	if (!there && s->options->offline)
		return fv_fail(s->ctx, FV_DATA,
			"%s: the list of files is not at %s: run without --offline to download it",
			s->item->name, path);
	if (!there)
		status = core_http_open(s->ctx, &s->options->http, &http);
	if (!there && !status)
		status = core_download(s->ctx, http, form, s->item->name, path, &got);
	core_http_close(http);
	char *text;
	size_t size;
	if (!status)
		status = core_file_read(s->ctx, path, 64 << 20, &text, &size);
	return status ? status : parse_list(s, text);
}

/* --- one file --- */

static const char *fill_name(fv_ctx *ctx, const char *url, const char *name)
{
	const char *at = strstr(url, "{file}");
	return at ? core_format(ctx, "%.*s%s%s", (int)(at - url), url, name, at + strlen("{file}"))
		  : url;
}

/* Finds the hash of a file that is not in the list: from its pointer, or from the receipt when
 * offline. */
static fv_status find_hash(struct worker *w, core_http *http, const struct entry *e,
	core_form *form, core_obtained *got)
{
	struct set *s = w->set;
	got->proof = CORE_PROOF_PINNED;
	if (form->sha256)
		return FV_OK;
	if (http) {
		const char *pointer = fill_name(w->ctx, s->item->set->pointer, e->name);
		got->proof = CORE_PROOF_POINTER;
		return pointer ? core_read_pointer(w->ctx, http, e->name, pointer, form)
			       : FV_FAILED;
	}
	got->proof = CORE_PROOF_RECEIPT;
	form->sha256 = core_receipt_read_sha256(w->ctx, s->receipt, e->name);
	return form->sha256
		       ? FV_OK
		       : fv_fail(w->ctx, FV_DATA,
				 "%s: no hash is known: run without --offline to read its pointer",
				 e->name);
}

static fv_status check_present(struct worker *w, const char *target, const core_form *form,
	core_obtained *got, bool *there)
{
	*there = core_file_exists(target) && !w->set->options->force;
	if (!*there)
		return FV_OK;
	fv_status status = core_hash_file(w->ctx, target, got);
	if (status || !strcmp(got->sha256, form->sha256))
		return status;
	return fv_fail(w->ctx, FV_DATA,
		"%s: exists, but its SHA-256 is %s, expected %s: --force replaces it", target,
		got->sha256, form->sha256);
}

static fv_status download_file(struct worker *w, core_http *http, const struct entry *e,
	const char *target, core_form *form, core_obtained *got)
{
	const core_file_set *files = w->set->item->set;
	if (!http)
		return fv_fail(w->ctx, FV_DATA,
			"%s: is missing: run without --offline to download it", target);
	const char *proof = got->proof;
	size_t first = atomic_load(&w->set->first_url);
	for (size_t i = 0;; i++) {
		size_t at = (first + i) % files->n_urls;
		form->url = fill_name(w->ctx, files->url[at], e->name);
		fv_status status = form->url
					   ? core_download(w->ctx, http, form, e->name, target, got)
					   : FV_FAILED;
		got->proof = proof;
		if (!status)
			atomic_store(&w->set->first_url, at);
		if (!status || status == FV_FAILED || i + 1 == files->n_urls)
			return status;
		core_error_clear(w->ctx);
	}
}

static fv_status fetch_one(struct worker *w, core_http *http, struct entry *e)
{
	core_form form = {.from = "", .sha256 = e->sha256, .bytes = e->sha256 ? e->bytes : -1};
	core_obtained got = {.bytes = -1};
	bool there;
	const char *target = core_path_join(w->ctx, w->set->folder, e->name);
	fv_status status = target ? find_hash(w, http, e, &form, &got) : FV_FAILED;
	if (!status)
		status = check_present(w, target, &form, &got, &there);
	if (!status && !there)
		status = download_file(w, http, e, target, &form, &got);
	if (status)
		return status;
	if (!there)
		atomic_fetch_add(&w->set->downloaded, 1);
	got.url = got.source = got.from = NULL; /* they belong to the memory of this file */
	e->got = got;
	return FV_OK;
}

/* --- all files --- */

/* Fetches one file and releases the memory that took. */
static fv_status try_fetch_one(struct worker *w, core_http *http, struct entry *e)
{
	struct set *s = w->set;
	core_mark before = core_ctx_mark(w->ctx);
	fv_status status = fetch_one(w, http, e);
	if (status) {
		atomic_fetch_add(&s->failed, 1);
		pthread_mutex_lock(&s->lock);
		for (size_t i = 0; core_error_line(w->ctx, i); i++)
			status = fv_fail(s->ctx, status, "%s", core_error_line(w->ctx, i));
		pthread_mutex_unlock(&s->lock);
	}
	core_error_clear(w->ctx);
	core_ctx_release(w->ctx, before);
	atomic_fetch_add(&s->done, 1);
	return status;
}

static void fetch_files(struct worker *w)
{
	struct set *s = w->set;
	w->ctx = core_ctx_new(); /* its log is dropped, for many threads would talk at once */
	core_http *http = NULL;
	core_http_options quiet = s->options->http;
	quiet.quiet = true;
	if (!w->ctx || (!s->options->offline && core_http_open(w->ctx, &quiet, &http)))
		w->status = FV_FAILED;
	while (!w->status && atomic_load(&s->failed) < FAULTS_MAX) {
		size_t i = atomic_fetch_add(&s->next, 1);
		if (i >= s->n)
			break;
		fv_status status = try_fetch_one(w, http, &s->entry[i]);
		if (status == FV_FAILED)
			w->status = status;
		else if (status && !w->fault)
			w->fault = status;
	}
	core_http_close(http);
	core_ctx_free(w->ctx);
}

static void *run_worker(void *user)
{
	struct worker *w = user;
	struct set *s = w->set;
	fetch_files(w);
	pthread_mutex_lock(&s->lock);
	s->at_work--;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void report_progress(struct set *s)
{
	core_progress progress = core_progress_begin(s->ctx, "fetch", "files");
	pthread_mutex_lock(&s->lock);
	while (s->at_work) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += TICK_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&s->changed, &s->lock, &until);
		core_progress_report(&progress, (double)atomic_load(&s->done), (double)s->n);
	}
	pthread_mutex_unlock(&s->lock);
}

static fv_status run_workers(struct set *s)
{
	size_t n = (size_t)s->options->jobs, begun = 0;
	struct worker *worker = core_alloc(s->ctx, n, sizeof *worker);
	if (!worker)
		return FV_FAILED;
	s->at_work = n;
	for (; begun < n; begun++) {
		worker[begun].set = s;
		if (pthread_create(&worker[begun].thread, NULL, run_worker, &worker[begun]))
			break;
	}
	pthread_mutex_lock(&s->lock);
	s->at_work -= n - begun;
	pthread_mutex_unlock(&s->lock);
	report_progress(s);
	fv_status status =
		begun ? FV_OK
		      : fv_fail(s->ctx, FV_FAILED, "%s: cannot start threads", s->item->name);
	for (size_t i = 0; i < begun; i++) {
		pthread_join(worker[i].thread, NULL);
		fv_status result = worker[i].status ? worker[i].status : worker[i].fault;
		status = status == FV_FAILED || !result ? status : result;
	}
	if (status && !core_error_count(s->ctx))
		return fv_fail(s->ctx, status, "%s: out of memory", s->item->name);
	size_t left = s->n - (atomic_load(&s->done) - (size_t)atomic_load(&s->failed));
	if (status)
		return fv_fail(s->ctx, status,
			"%s: %zu of %zu file%s %s missing from %s: run the same command again to "
			"continue",
			s->item->name, left, s->n, core_plural((int64_t)s->n),
			left == 1 ? "is" : "are", s->folder);
	return FV_OK;
}

static fv_status write_receipt(struct set *s, core_fetched *out)
{
	json_t *receipt = core_receipt_create(s->item, NULL), *files = json_object();
	int64_t bytes = 0;
	if (!receipt || !files)
		return fv_fail(s->ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < s->n; i++) {
		const core_obtained *got = &s->entry[i].got;
		bytes += got->bytes;
		json_object_set_new(files, s->entry[i].name,
			json_pack("{s:s, s:I, s:s}", "sha256", got->sha256, "bytes",
				(json_int_t)got->bytes, "proof", got->proof));
	}
	json_object_set_new(receipt, "list",
		json_pack("{s:s, s:s}", "url", s->item->set->list.url, "sha256",
			s->item->set->list.sha256 ? s->item->set->list.sha256 : ""));
	json_object_set_new(receipt, "bytes", json_integer(bytes));
	json_object_set_new(receipt, "files", files);
	out->path = s->folder;
	core_log(s->ctx, CORE_INFO,
		"%s: %zu file%s, %lld bytes, every SHA-256 correct; %zu downloaded now", s->folder,
		s->n, core_plural((int64_t)s->n), (long long)bytes,
		(size_t)atomic_load(&s->downloaded));
	return core_receipt_write(s->ctx, receipt, s->receipt, &out->receipt);
}

fv_status core_fetch_set(fv_ctx *ctx, const core_item *item, const core_fetch_options *options,
	const char *folder, core_fetched *out)
{
	struct set s = {.ctx = ctx,
		.item = item,
		.options = options,
		.folder = folder,
		.receipt = core_format(ctx, "%s.json", folder)};
	fv_status status = s.receipt ? core_make_dirs(ctx, folder) : FV_FAILED;
	if (!status)
		status = fetch_list(&s);
	if (status)
		return status;
	pthread_mutex_init(&s.lock, NULL);
	pthread_cond_init(&s.changed, NULL);
	status = run_workers(&s);
	pthread_cond_destroy(&s.changed);
	pthread_mutex_destroy(&s.lock);
	return status ? status : write_receipt(&s, out);
}
