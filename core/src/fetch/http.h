/* SPDX-License-Identifier: Apache-2.0 */
/* One file over HTTP into an open file: cut transfers are taken up where they ended, passing faults
 * are tried again after a pause that doubles. One core_http belongs to one thread; it keeps its
 * connections. https never becomes http by a redirect; at most 10 redirects are followed. */
#ifndef CORE_FETCH_HTTP_H
#define CORE_FETCH_HTTP_H

#include "base/context.h"

typedef struct core_http core_http;

typedef struct core_http_options {
	const char *mirror; /* https://HOST/PATH is asked of MIRROR/HOST/PATH; NULL: of the host
			       itself */
	const char
		*hub; /* asked in place of https://huggingface.co, where there is no mirror; NULL */
	int64_t retries;   /* attempts after the first that brought nothing new */
	int64_t timeout_s; /* silence after which a connection is given up */
	double wait_s;     /* first pause */
	bool quiet;        /* no progress */
} core_http_options;

typedef struct core_http_file {
	const char *url;
	const char *name; /* for messages: what is downloaded */
	int fd;           /* open for writing; what it holds is kept when `resume` */
	int64_t bytes;    /* its size, -1: not known */
	int64_t most;     /* where the size is not known: a longer answer is an error; 0: none is */
	bool resume;
	int64_t resumed;    /* out: bytes that an earlier transfer had brought */
	const char *source; /* out: where it came from after redirects, without query */
} core_http_file;

FV_NODISCARD fv_status core_http_begin(fv_ctx *ctx); /* once a process, before the threads */
FV_NODISCARD fv_status core_http_open(
	fv_ctx *ctx, const core_http_options *options, core_http **out);
void core_http_close(core_http *http); /* NULL is allowed */

/* FV_OK: the answer is complete, and of the size expected. FV_DATA: it cannot be had. FV_FAILED: it
 * cannot be written. What came stays in the file. */
FV_NODISCARD fv_status core_http_get(fv_ctx *ctx, core_http *http, core_http_file *file);

#endif
