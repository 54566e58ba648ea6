/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_SHORT = 32, LINE = 128 };

/* Whether an utterance's states are kept frame by frame too */
static bool is_short(const network *n, int64_t count)
{
	return n->shape.convs &&
	       network_numbers(n, count, false) <= FRAMES_SHORT * network_numbers(n, count, true);
}

static int64_t count_of(const network *n, const network_input *in, int32_t u, bool pooled)
{
	return pooled || is_short(n, in->count[u]) ? network_numbers(n, in->count[u], pooled) : 0;
}

int64_t fixture_count(const network *n, const network_input *in)
{
	int64_t all = 0;
	for (int pass = 0; pass < 2; pass++)
		for (int32_t u = 0; u < in->n; u++)
			all += count_of(n, in, u, pass == 0);
	return all;
}

fixture_part fixture_find_part(const network *n, const network_input *in, int64_t first)
{
	int64_t at = 0;
	for (int pass = 0; pass < 2; pass++)
		for (int32_t u = 0; u < in->n; u++) {
			const int64_t count = count_of(n, in, u, pass == 0);
			if (first < at + count) {
				const int64_t state = count / network_states(n);
				const int64_t i = (first - at) / state;
				return (fixture_part){
					u, (int32_t)i, pass == 0, at + i * state, state};
			}
			at += count;
		}
	return (fixture_part){-1, -1, false, at, 0};
}

/* Appends utterance u. */
static void append_utterance(network_input *to, int64_t *at, const network_input *in, int32_t u)
{
	const network_input one = network_pick_input(in, u);
	const int64_t numbers = one.count[0] * in->width;
	memcpy(to->rows + *at, one.rows, (size_t)numbers * sizeof *one.rows);
	*at += numbers;
	to->count[to->n++] = one.count[0];
}

/* Computes pass 0, all utterances pooled, or pass 1, the short ones frame by frame -> behind *out. */
static fv_status compute_pass(const network *n, fv_ctx *ctx, core_device *device,
	const network_input *in, bool pooled, float **out)
{
	network_input some = {.width = in->width};
	float *to[UTTERANCES_MAX];
	int64_t at = 0, all = 0;
	for (int32_t u = 0; u < in->n; u++)
		all += in->count[u];
	some.rows = malloc((size_t)(all * in->width) * sizeof *some.rows);
	if (!some.rows)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (int32_t u = 0; u < in->n; u++) {
		const int64_t count = count_of(n, in, u, pooled);
		if (!count)
			continue;
		to[some.n] = *out;
		*out += count;
		append_utterance(&some, &at, in, u);
	}
	fv_status status = some.n ? network_run(n, ctx, device, &some, pooled, to) : FV_OK;
	free(some.rows);
	return status;
}

fv_status fixture_compute(
	const network *n, fv_ctx *ctx, core_device *device, const network_input *in, float *out)
{
	fv_status status = compute_pass(n, ctx, device, in, true, &out);
	return status ? status : compute_pass(n, ctx, device, in, false, &out);
}

static FILE *open_file(const char *folder, const char *name, const char *mode, char path[4096])
{
	snprintf(path, 4096, "%s/%s.fixture", folder, name);
	FILE *file = fopen(path, mode);
	if (!file)
		fprintf(stderr, "%s: cannot open: tests/gpu/fixtures makes it\n", path);
	return file;
}

bool fixture_write(const char *folder, const char *name, const float *x, int64_t n)
{
	char path[4096];
	FILE *file = open_file(folder, name, "wb", path);
	if (!file)
		return false;
	bool good = fprintf(file, "fairvox fixture 1 %s %lld\n", name, (long long)n) > 0 &&
		    fwrite(x, sizeof *x, (size_t)n, file) == (size_t)n;
	good = fclose(file) == 0 && good;
	if (!good)
		fprintf(stderr, "%s: cannot write\n", path);
	return good;
}

bool fixture_read(const char *folder, const char *name, float *x, int64_t n)
{
	char path[4096], want[LINE], line[LINE];
	FILE *file = open_file(folder, name, "rb", path);
	if (!file)
		return false;
	snprintf(want, sizeof want, "fairvox fixture 1 %s %lld\n", name, (long long)n);
	bool good = fgets(line, sizeof line, file) != NULL;
	for (int i = 0; good && i < LINE && (line[i] || want[i]); i++)
		good = line[i] == want[i];
	good = good && fread(x, sizeof *x, (size_t)n, file) == (size_t)n && fgetc(file) == EOF;
	(void)fclose(file);
	if (!good)
		fprintf(stderr, "%s: not of this network: make it anew by tests/gpu/fixtures\n",
			path);
	return good;
}
