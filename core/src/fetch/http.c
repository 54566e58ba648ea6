/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/io.h"
#include "base/number.h"
#include "base/progress.h"

#define REDIRECTS_MAX 10
#define PAUSE_MAX_S 60.0
#define ASKED_PAUSE_MAX_S 300.0

#define MIB (1024.0 * 1024)

struct core_http {
	CURL *easy;
	core_http_options options;
	char error[CURL_ERROR_SIZE];
	fv_ctx *ctx; /* of the current transfer */
	const core_http_file *file;
	int64_t at; /* bytes of the file so far */
	core_progress progress;
	char etag[256]; /* strong ETag of the first answer to this transfer */
	bool no_range;  /* the server sent a range that was not requested */
	/* state of the current answer */
	bool started;
	int64_t range_first, range_total; /* -1: not stated */
	double asked_pause_s;
	char answer_etag[256];
	int write_errno;
	const char *fault; /* our own text; NULL: curl's */
};

fv_status core_http_init(fv_ctx *ctx)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT)
		       ? fv_fail(ctx, FV_FAILED, "libcurl cannot start")
		       : FV_OK;
}

fv_status core_http_open(fv_ctx *ctx, const core_http_options *options, core_http **out)
{
	core_http *h = *out = core_alloc(ctx, 1, sizeof *h);
	if (!h)
		return FV_FAILED;
	h->options = *options;
	h->easy = curl_easy_init();
	return h->easy ? FV_OK : fv_fail(ctx, FV_FAILED, "libcurl cannot start");
}

void core_http_close(core_http *h)
{
	if (h && h->easy)
		curl_easy_cleanup(h->easy);
}

static void report_progress(const core_http *h)
{
	if (!h->options.quiet)
		core_progress_report(&h->progress, (double)h->at / MIB,
			h->file->bytes > 0 ? (double)h->file->bytes / MIB : 0);
}

/* --- reading the answer --- */

static void copy_value(char *out, size_t room, const char *value, size_t n)
{
	while (n && (value[n - 1] == '\r' || value[n - 1] == '\n' || value[n - 1] == ' '))
		n--;
	while (n && *value == ' ')
		value++, n--;
	if (n >= room)
		n = 0;
	memcpy(out, value, n);
	out[n] = '\0';
}

/* Parses "bytes 100-199/200"; the total may be '*'. */
static void parse_range(core_http *h, const char *value)
{
	char copy[96];
	if (strncmp(value, "bytes ", 6) || strlen(value) - 6 >= sizeof copy)
		return;
	strcpy(copy, value + 6);
	char *dash = strchr(copy, '-'), *slash = strchr(copy, '/');
	if (!dash || !slash || dash > slash)
		return;
	*dash = '\0';
	int64_t first, total;
	if (core_parse_int(copy, &first))
		h->range_first = first;
	if (core_parse_int(slash + 1, &total))
		h->range_total = total;
}

static size_t on_header(char *data, size_t one, size_t n, void *user)
{
	core_http *h = user;
	char value[256];
	const char *colon = memchr(data, ':', n);
	if (n > 5 && !strncmp(data, "HTTP/", 5)) {
		h->range_first = h->range_total = -1;
		h->asked_pause_s = 0;
		h->answer_etag[0] = '\0';
	}
	if (!colon)
		return one * n;
	size_t key = (size_t)(colon - data);
	copy_value(value, sizeof value, colon + 1, n - key - 1);
	int64_t pause;
	if (key == 13 && !strncasecmp(data, "Content-Range", key))
		parse_range(h, value);
	else if (key == 11 && !strncasecmp(data, "Retry-After", key) &&
		 core_parse_int(value, &pause) && pause > 0)
		h->asked_pause_s = (double)pause;
	else if (key == 4 && !strncasecmp(data, "ETag", key) && value[0] == '"')
		memcpy(h->answer_etag, value, sizeof value);
	return one * n;
}

/* Decides where the body of this answer goes; false: it is not usable. */
static bool start_body(core_http *h)
{
	long code = 0;
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &code);
	h->started = true;
	if (code == 206) {
		bool matches =
			h->range_first == h->at && (h->file->bytes < 0 || h->range_total < 0 ||
							   h->range_total == h->file->bytes);
		h->no_range = !matches;
		h->fault = matches ? NULL : "the server sent a different range than requested";
		return matches;
	}
	if (code != 200) {
		h->fault = core_format(h->ctx, "the server answered with status %ld", code);
		return false;
	}
	if (h->at && core_truncate(h->file->fd, 0)) {
		h->write_errno = errno;
		return false;
	}
	h->progress.before = 0;
	h->at = 0; /* the server sent the whole file, whatever was requested */
	strcpy(h->etag, h->answer_etag);
	return true;
}

static size_t on_body(char *data, size_t one, size_t n, void *user)
{
	core_http *h = user;
	if (!h->started && !start_body(h))
		return 0;
	int64_t most = h->file->bytes >= 0 ? h->file->bytes : h->file->most;
	if ((h->file->bytes >= 0 || most > 0) && (int64_t)n > most - h->at) {
		h->fault = core_format(
			h->ctx, "the answer is longer than %lld bytes", (long long)most);
		return 0;
	}
	if (core_pwrite_fully(h->file->fd, data, n, h->at)) {
		h->write_errno = errno;
		return 0;
	}
	h->at += (int64_t)n;
	report_progress(h);
	return one * n;
}

/* --- one attempt --- */

/* Length without trailing slashes. */
static int get_base_length(const char *base)
{
	size_t n = strlen(base);
	while (n && base[n - 1] == '/')
		n--;
	return (int)n;
}

static const char *apply_mirror(const core_http *h, const char *url)
{
	static const char hub[] = "https://huggingface.co/";
	const char *mirror = h->options.mirror, *hub_mirror = h->options.hub,
		   *rest = strstr(url, "://");
	if (mirror && rest)
		return core_format(h->ctx, "%.*s/%s", get_base_length(mirror), mirror, rest + 3);
	if (hub_mirror && !strncmp(url, hub, sizeof hub - 1))
		return core_format(h->ctx, "%.*s/%s", get_base_length(hub_mirror), hub_mirror,
			url + sizeof hub - 1);
	return url;
}

static void set_options(
	core_http *h, const char *url, struct curl_slist *headers, const char *range)
{
	CURL *e = h->easy;
	bool secure = !strncasecmp(url, "https:", 6);
	const char *authorities = getenv("SSL_CERT_FILE");
	curl_easy_reset(e);
	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "fairvox/" FAIRVOX_VERSION);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	curl_easy_setopt(e, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)h->options.timeout_s);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)h->options.timeout_s);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, h->error);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, h);
	if (authorities && *authorities)
		curl_easy_setopt(e, CURLOPT_CAINFO, authorities);
	if (headers)
		curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	if (range)
		curl_easy_setopt(e, CURLOPT_RANGE, range);
}

static CURLcode try_transfer(core_http *h, const char *url)
{
	char range[32], condition[300];
	struct curl_slist *headers = NULL;
	bool partial = h->at > 0 && !h->no_range;
	snprintf(range, sizeof range, "%lld-", (long long)h->at);
	if (partial && h->etag[0]) {
		snprintf(condition, sizeof condition, "If-Range: %s", h->etag);
		headers = curl_slist_append(NULL, condition);
	}
	h->started = false;
	h->fault = NULL;
	h->write_errno = 0;
	h->asked_pause_s = 0;
	h->error[0] = '\0';
	set_options(h, url, headers, partial ? range : NULL);
	CURLcode code = curl_easy_perform(h->easy);
	curl_slist_free_all(headers);
	return code;
}

/* --- judging the result --- */

enum verdict { DONE, AGAIN, OVER };

static bool is_temporary_status(long status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

static enum verdict classify_answer(core_http *h, const core_http_file *file)
{
	curl_off_t length = -1;
	long status = 0;
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 && status != 206) {
		h->fault = core_format(h->ctx, "the server answered with status %ld", status);
		return OVER;
	}
	curl_easy_getinfo(h->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (file->bytes < 0 || h->at == file->bytes)
		return DONE;
	h->fault = core_format(h->ctx, "the answer ends after %lld of %lld bytes", (long long)h->at,
		(long long)file->bytes);
	return length < 0 ? AGAIN : OVER; /* without a length the end may be a lost connection */
}

static enum verdict classify_status(core_http *h)
{
	long status = 0;
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	h->fault = core_format(h->ctx, "the server answered with status %ld", status);
	if (status != 416 || !h->at)
		return is_temporary_status(status) ? AGAIN : OVER;
	h->at = 0; /* the part is longer than the file */
	return core_truncate(h->file->fd, 0) ? OVER : AGAIN;
}

static enum verdict classify_result(core_http *h, const core_http_file *file, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return classify_answer(h, file);
	case CURLE_HTTP_RETURNED_ERROR:
		return classify_status(h);
	case CURLE_WRITE_ERROR:
		return h->no_range && !h->write_errno ? AGAIN : OVER;
	case CURLE_UNSUPPORTED_PROTOCOL:
		h->fault = core_format(h->ctx, "a redirect away from https was refused");
		return OVER;
	case CURLE_TOO_MANY_REDIRECTS:
		h->fault = core_format(h->ctx, "more than %d redirects", REDIRECTS_MAX);
		return OVER;
	case CURLE_URL_MALFORMAT:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_OUT_OF_MEMORY:
		return OVER;
	default:
		return AGAIN;
	}
}

static void pause_for(double s)
{
	struct timespec left = {(time_t)s, (long)(1e9 * (s - (double)(time_t)s))};
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static void set_source(core_http *h, core_http_file *file)
{
	char *effective = NULL;
	curl_easy_getinfo(h->easy, CURLINFO_EFFECTIVE_URL, &effective);
	const char *url = effective && *effective ? effective : file->url;
	file->source = core_strndup(h->ctx, url, strcspn(url, "?#"));
}

static fv_status fail_transfer(
	core_http *h, const core_http_file *file, const char *url, CURLcode code)
{
	if (h->write_errno)
		return fv_fail(h->ctx, FV_FAILED, "%s: cannot write: %s", file->name,
			strerror(h->write_errno));
	const char *why = h->fault ? h->fault : h->error[0] ? h->error : curl_easy_strerror(code);
	return fv_fail(h->ctx, FV_DATA, "%s: %s: %s", file->name, url, why);
}

fv_status core_http_get(fv_ctx *ctx, core_http *h, core_http_file *file)
{
	struct stat st;
	if (fstat(file->fd, &st) || (!file->resume && st.st_size && core_truncate(file->fd, 0)))
		return fv_fail(ctx, FV_FAILED, "%s: cannot write: %s", file->name, strerror(errno));
	h->ctx = ctx;
	h->file = file;
	h->at = file->resumed = file->resume ? st.st_size : 0;
	h->etag[0] = '\0';
	h->no_range = false;
	h->progress = core_progress_begin(ctx, file->name, "MiB");
	h->progress.before = (double)h->at / MIB;
	if (h->at)
		core_log(ctx, CORE_INFO, "%s: resuming after %lld bytes", file->name,
			(long long)h->at);
	const char *url = apply_mirror(h, file->url);
	double wait_s = h->options.wait_s;
	int64_t idle = 0;
	while (url && !(file->bytes > 0 && h->at == file->bytes)) {
		int64_t before = h->at;
		CURLcode code = try_transfer(h, url);
		enum verdict verdict = classify_result(h, file, code);
		if (verdict == DONE)
			break;
		idle = h->at > before ? 0 : idle + 1;
		wait_s = h->at > before ? h->options.wait_s : wait_s;
		if (verdict == OVER || idle > h->options.retries)
			return fail_transfer(h, file, url, code);
		double pause_s = h->asked_pause_s > wait_s ? h->asked_pause_s : wait_s;
		pause_s = pause_s < ASKED_PAUSE_MAX_S ? pause_s : ASKED_PAUSE_MAX_S;
		core_log(ctx, CORE_INFO, "%s: %s: have %lld bytes, trying again in %.0f s",
			file->name,
			h->fault      ? h->fault
			: h->error[0] ? h->error
				      : curl_easy_strerror(code),
			(long long)h->at, pause_s);
		pause_for(pause_s);
		wait_s = 2 * wait_s < PAUSE_MAX_S ? 2 * wait_s : PAUSE_MAX_S;
	}
	if (!url)
		return FV_FAILED;
	set_source(h, file);
	return FV_OK;
}
