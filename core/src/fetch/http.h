/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads one file over HTTP into an open file: an interrupted transfer resumes where it
 * ended, and temporary errors are retried after a pause that doubles each time. One core_http
 * belongs to one thread and keeps its connections open. A redirect never leads from https to
 * http; at most 10 redirects are followed. */
#ifndef CORE_FETCH_HTTP_H
#define CORE_FETCH_HTTP_H

#include "base/context.h"

typedef struct core_http core_http;

typedef struct core_http_options {
	const char *mirror; /* https://HOST/PATH is read from MIRROR/HOST/PATH; NULL: from HOST */
	const char *hub; /* used instead of https://huggingface.co when there is no mirror; NULL */
	int64_t retries; /* further attempts in a row that may bring nothing new */
	int64_t timeout_s; /* time without data after which a connection is given up */
	double wait_s;     /* length of the first pause */
	bool quiet;        /* no progress */
} core_http_options;

typedef struct core_http_file {
	const char *url;
	const char *name; /* what is downloaded, for messages */
	int fd;           /* open for writing; its content is kept with `resume` */
	int64_t bytes;    /* expected size; -1: unknown */
	int64_t most;     /* if the size is unknown: the longest answer allowed; 0: no limit */
	bool resume;
	int64_t resumed;    /* out: bytes kept from an earlier transfer */
	const char *source; /* out: URL after redirects, without query */
} core_http_file;

FV_NODISCARD fv_status core_http_init(fv_ctx *ctx); /* once per process, before threads start */
FV_NODISCARD fv_status core_http_open(
	fv_ctx *ctx, const core_http_options *options, core_http **out);
void core_http_close(core_http *http); /* NULL is allowed */

/* FV_OK: the answer is complete and has the expected size. FV_DATA: the file cannot be obtained.
 * FV_FAILED: it cannot be written. Data received so far stays in the file. */
FV_NODISCARD fv_status core_http_get(fv_ctx *ctx, core_http *http, core_http_file *file);

#endif
