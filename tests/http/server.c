/* SPDX-License-Identifier: Apache-2.0 */
/* A web server on loopback for the tests of fetch, which misbehaves on request:
 *
 *   server FOLDER LOG [CERT KEY]     prints its port and serves until it is killed; https when
 *                                    CERT and KEY are given
 *
 *   /plain/FILE        FILE, with ranges and an ETag
 *   /norange/FILE      the whole file whatever range is requested
 *   /cut/N/FILE        closes after N bytes of every answer
 *   /cutonce/N/FILE    the same, but only for the first request of FILE
 *   /dies/N/FILE       the same, and closes without an answer to later requests
 *   /norangecut/N/FILE the whole file; the first answer is cut after N bytes
 *   /unsized/N/FILE    no Content-Length; the first answer ends after N bytes
 *   /otherpart/FILE    answers every range with the first 10 bytes
 *   /short/FILE        states and sends only the first half
 *   /long/FILE         states and sends 10 bytes more
 *   /flaky/N/FILE      status 503 for the first N requests
 *   /busy/FILE         status 503 for the first request, with Retry-After of two seconds
 *   /changes/N/FILE    closes after N bytes; later serves FILE.new with another ETag
 *   /status/CODE/FILE  that status
 *   /stall/FILE        half of the file, then silence; later only silence
 *   /redirect/N/FILE   N redirects, then plain
 *   /to/SCHEME/HOST/PATH  one redirect to SCHEME://HOST/PATH
 *
 * Each request is a line of LOG: its path and its range. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define SEEN_MAX 256

static struct {
	const char *folder;
	FILE *log;
	SSL_CTX *tls;
	pthread_mutex_t lock;
	char *seen[SEEN_MAX]; /* requested paths, with repeats */
	size_t n_seen;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct connection {
	int fd;
	SSL *tls;
};

struct request {
	char path[2048];
	long long first; /* first byte of the requested range; -1: none */
	char condition[256];
};

static long receive_bytes(struct connection *c, char *data, size_t size)
{
	return c->tls ? SSL_read(c->tls, data, (int)size) : recv(c->fd, data, size, 0);
}

static bool send_all(struct connection *c, const char *data, size_t size)
{
	while (size) {
		long n = c->tls ? SSL_write(c->tls, data, (int)size)
				: send(c->fd, data, size, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

/* --- requests --- */

static bool read_head(struct connection *c, char *head, size_t room)
{
	size_t n = 0;
	head[0] = '\0';
	while (!strstr(head, "\r\n\r\n")) {
		if (n + 1 == room)
			return false;
		long got = receive_bytes(c, head + n, 1);
		if (got <= 0)
			return false;
		n += (size_t)got;
		head[n] = '\0';
	}
	return true;
}

static bool parse_request(char *head, struct request *out)
{
	char *rest;
	char *line = strtok_r(head, "\r\n", &rest);
	if (!line || sscanf(line, "GET %2047s HTTP/", out->path) != 1 || strstr(out->path, ".."))
		return false;
	out->first = -1;
	out->condition[0] = '\0';
	while ((line = strtok_r(NULL, "\r\n", &rest))) {
		if (!strncasecmp(line, "Range: bytes=", 13))
			out->first = atoll(line + 13);
		if (!strncasecmp(line, "If-Range: ", 10))
			snprintf(out->condition, sizeof out->condition, "%.255s", line + 10);
	}
	return true;
}

/* Logs the request and returns how often this path was requested before. */
static size_t log_request(const struct request *r)
{
	size_t before = 0;
	pthread_mutex_lock(&server.lock);
	fprintf(server.log, "%s %lld\n", r->path, r->first);
	fflush(server.log);
	for (size_t i = 0; i < server.n_seen; i++)
		before += !strcmp(server.seen[i], r->path);
	if (server.n_seen < SEEN_MAX)
		server.seen[server.n_seen++] = strdup(r->path);
	pthread_mutex_unlock(&server.lock);
	return before;
}

/* --- answers --- */

static bool send_head(struct connection *c, int status, const char *headers)
{
	char head[4096];
	int n = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\n%s\r\n", status, headers);
	return send_all(c, head, (size_t)n);
}

static bool send_error(struct connection *c, int status)
{
	char body[] = "an explanation that is not the file\n", headers[64];
	snprintf(headers, sizeof headers, "Content-Length: %zu\r\n", sizeof body - 1);
	return send_head(c, status, headers) && send_all(c, body, sizeof body - 1);
}

static char *load_file(const char *name, size_t *size)
{
	char path[4096];
	struct stat st;
	snprintf(path, sizeof path, "%s/%s", server.folder, name);
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*size = (size_t)st.st_size;
	char *data = calloc(1, *size + 10); /* ten more zeros for /long */
	if (read(fd, data, *size) != st.st_size)
		*size = 0;
	close(fd);
	return data;
}

struct behaviour {
	bool ranges, sized, other_part, stall, renewed;
	size_t most; /* bytes of the body sent before the connection closes */
	size_t says; /* size it claims for the file; 0: the real one */
};

/* Returns false when the connection must be closed. */
static bool send_file(
	struct connection *c, const struct request *r, const char *name, struct behaviour behaviour)
{
	size_t size = 0;
	char *data = load_file(name, &size), headers[512], etag[64];
	if (!data)
		return send_error(c, 404);
	snprintf(etag, sizeof etag, "\"%zu-%d\"", size, behaviour.renewed);
	size_t total = behaviour.says ? behaviour.says : size, from = 0, n = total;
	bool partial = behaviour.ranges && r->first >= 0 &&
		       (!r->condition[0] || !strcmp(r->condition, etag));
	if (partial && (size_t)r->first >= total) {
		free(data);
		return send_error(c, 416);
	}
	if (partial) {
		from = behaviour.other_part ? 0 : (size_t)r->first;
		n = behaviour.other_part ? 10 : total - from;
	}
	int used = snprintf(headers, sizeof headers, "ETag: %s\r\n", etag);
	if (behaviour.sized)
		used += snprintf(headers + used, sizeof headers - (size_t)used,
			"Content-Length: %zu\r\n", n);
	else
		used += snprintf(
			headers + used, sizeof headers - (size_t)used, "Connection: close\r\n");
	if (partial)
		snprintf(headers + used, sizeof headers - (size_t)used,
			"Content-Range: bytes %zu-%zu/%zu\r\n", from, from + n - 1, total);
	size_t sent = n < behaviour.most ? n : behaviour.most;
	bool open = send_head(c, partial ? 206 : 200, headers) && send_all(c, data + from, sent);
	free(data);
	if (behaviour.stall)
		sleep(30);
	return open && behaviour.sized && sent == n;
}

static bool send_redirect(struct connection *c, const char *format, const char *what, long left)
{
	char headers[4096];
	int n = snprintf(headers, sizeof headers, "Content-Length: 0\r\nLocation: ");
	n += left < 0 ? snprintf(headers + n, sizeof headers - (size_t)n, format, what)
		      : snprintf(headers + n, sizeof headers - (size_t)n, "/redirect/%ld/%s", left,
				what);
	snprintf(headers + n, sizeof headers - (size_t)n, "\r\n");
	return send_head(c, 302, headers);
}

static bool send_foreign_redirect(struct connection *c, char *rest)
{
	char *slash = strchr(rest, '/'), url[4096];
	if (!slash)
		return send_error(c, 404);
	*slash = '\0';
	snprintf(url, sizeof url, "%s://%s", rest, slash + 1);
	return send_redirect(c, "%s", url, -1);
}

/* How to answer a path whose first word is `how`, requested `before` times so far. */
static struct behaviour choose_behaviour(const char *how, long number, size_t before, size_t size)
{
	struct behaviour behaviour = {.ranges = true, .sized = true, .most = SIZE_MAX};
	bool first = !before;
	if (!strcmp(how, "norange"))
		behaviour.ranges = false;
	if (!strcmp(how, "otherpart"))
		behaviour.other_part = true;
	if (!strcmp(how, "cut") || !strcmp(how, "dies") ||
		(first && (!strcmp(how, "cutonce") || !strcmp(how, "changes"))))
		behaviour.most = (size_t)number;
	if (!strcmp(how, "changes"))
		behaviour.renewed = !first;
	if (!strcmp(how, "norangecut") || !strcmp(how, "unsized")) {
		behaviour.ranges = !strcmp(how, "unsized");
		behaviour.sized = !behaviour.ranges;
		behaviour.most = first ? (size_t)number : SIZE_MAX;
	}
	if (!strcmp(how, "short"))
		behaviour.says = size / 2;
	if (!strcmp(how, "long"))
		behaviour.says = size + 10;
	if (!strcmp(how, "stall")) {
		behaviour.most = first ? size / 2 : 0;
		behaviour.stall = true;
	}
	return behaviour;
}

static bool answer_request(struct connection *c, const struct request *r)
{
	char copy[2100];
	size_t before = log_request(r), size = 0;
	snprintf(copy, sizeof copy, "%s", r->path + 1);
	char *rest = strchr(copy, '/'), *after;
	if (!rest)
		return send_error(c, 404);
	*rest++ = '\0';
	long number = strtol(rest, &after, 10);
	char *file = *after == '/' && after != rest ? after + 1 : rest;
	if (!strcmp(copy, "to"))
		return send_foreign_redirect(c, rest);
	if (!strcmp(copy, "redirect"))
		return number > 1 ? send_redirect(c, "", file, number - 1)
				  : send_redirect(c, "/plain/%s", file, -1);
	if (!strcmp(copy, "status"))
		return send_error(c, (int)number);
	if (!strcmp(copy, "flaky") && before < (size_t)number)
		return send_error(c, 503);
	if (!strcmp(copy, "busy") && !before)
		return send_head(c, 503, "Content-Length: 0\r\nRetry-After: 2\r\n");
	if (!strcmp(copy, "dies") && before)
		return false;
	free(load_file(file, &size));
	struct behaviour behaviour = choose_behaviour(copy, number, before, size);
	if (behaviour.renewed)
		strcat(file, ".new");
	return send_file(c, r, file, behaviour);
}

static void *serve_connection(void *user)
{
	struct connection *c = user;
	char head[8192];
	struct request request;
	if (!c->tls || SSL_accept(c->tls) == 1)
		while (read_head(c, head, sizeof head) && parse_request(head, &request) &&
			answer_request(c, &request))
			;
	SSL_free(c->tls);
	close(c->fd);
	free(c);
	return NULL;
}

static int listen_on_loopback(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 64) ||
		getsockname(fd, (struct sockaddr *)&address, &length)) {
		perror("server");
		exit(1);
	}
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 5)
		return 2;
	server.folder = argv[1];
	server.log = fopen(argv[2], "we");
	if (!server.log)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	if (argc == 5) {
		server.tls = SSL_CTX_new(TLS_server_method());
		if (SSL_CTX_use_certificate_file(server.tls, argv[3], SSL_FILETYPE_PEM) != 1 ||
			SSL_CTX_use_PrivateKey_file(server.tls, argv[4], SSL_FILETYPE_PEM) != 1)
			return 1;
	}
	int fd = listen_on_loopback();
	for (;;) {
		struct connection *c = calloc(1, sizeof *c);
		pthread_t thread;
		c->fd = accept(fd, NULL, NULL);
		if (c->fd < 0)
			return 1;
		if (server.tls) {
			c->tls = SSL_new(server.tls);
			SSL_set_fd(c->tls, c->fd);
		}
		if (pthread_create(&thread, NULL, serve_connection, c))
			return 1;
		pthread_detach(thread);
	}
}
