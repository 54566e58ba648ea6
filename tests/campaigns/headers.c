/* SPDX-License-Identifier: Apache-2.0 */
/* headers FORMAT: reads many files in one process, for tests/campaigns/headers.py. Each line of standard input names a file that
 * holds inputs one behind the other, each after its length as four bytes. For each input a line goes to standard output: "+" and what it
 * holds, or "-" and the reason why it is refused; then an empty line. What tensors hold is NAME:TYPE:SHAPE:CRC each, with the name in
 * hexadecimal; what a recording holds is RATE:CHANNELS:SAMPLES:CRC, of samples as floats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fairvox/checkpoint.h>
#include <zlib.h>

#include "base/context.h"
#include "corpus/audio.h"

static size_t size_of_type(const char *dtype)
{
	static const struct {
		const char *name;
		size_t size;
	} types[] = {{"F64", 8}, {"I64", 8}, {"F32", 4}, {"I32", 4}, {"F16", 2}, {"BF16", 2},
		{"I16", 2}};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (!strcmp(dtype, types[i].name))
			return types[i].size;
	return 1;
}

static void print_tensors(const fv_checkpoint *file)
{
	printf("+");
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++) {
		const fv_tensor *t = fv_checkpoint_at(file, i);
		size_t bytes = (size_t)t->count * size_of_type(t->dtype);
		printf(" ");
		for (const char *c = t->name; *c; c++)
			printf("%02x", (unsigned char)*c);
		printf(":%s:", t->dtype);
		for (int32_t k = 0; k < t->rank; k++)
			printf("%s%lld", k ? "x" : "", (long long)t->shape[k]);
		printf(":%lu", bytes ? crc32(0, t->data, (uInt)bytes) : 0UL);
	}
	printf("\n");
}

static void print_wave(const core_wave *wave)
{
	printf("+ %d:%d:%lld:%lu\n", (int)wave->rate_hz, (int)wave->channels, (long long)wave->n,
		crc32(0, (const Bytef *)wave->sample, (uInt)((size_t)wave->n * sizeof(float))));
}

static void print_refusal(const fv_ctx *ctx, const char *path)
{
	const char *line = core_error_line(ctx, 0);
	size_t n = strlen(path);
	bool named = line && !strncmp(line, path, n) && line[n] == ':';
	printf("- %s%s\n", named ? "" : "no file is named: ",
		!line   ? ""
		: named ? line + n + 1
			: line);
}

static void read_input(const char *path, bool wave)
{
	fv_ctx *ctx = core_ctx_new();
	fv_checkpoint *file = NULL;
	core_wave samples;
	fv_status status = wave ? core_audio_read(ctx, path, 0, 0, &samples)
				: fv_checkpoint_open(ctx, path, &file);
	if (status != FV_OK && (status != FV_DATA || core_error_lines(ctx) != 1))
		printf("- not one line of bad data\n");
	else if (status != FV_OK)
		print_refusal(ctx, path);
	else if (wave)
		print_wave(&samples);
	else
		print_tensors(file);
	if (status == FV_OK && wave)
		core_wave_free(&samples);
	fv_checkpoint_close(file);
	core_ctx_free(ctx);
}

static int read_batch(const char *name, int fd, bool wave)
{
	static unsigned char data[1 << 16];
	unsigned char head[4];
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	FILE *batch = fopen(name, "rb");
	if (!batch)
		return 1;
	while (fread(head, 1, sizeof head, batch) == sizeof head) {
		size_t size = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
		if (size > sizeof data || fread(data, 1, size, batch) != size || ftruncate(fd, 0) ||
			pwrite(fd, data, size, 0) != (ssize_t)size)
			abort();
		read_input(path, wave);
	}
	printf("\n");
	fflush(stdout);
	return fclose(batch);
}

int main(int argc, char **argv)
{
	char name[4096];
	int fd = memfd_create("input", 0);
	if (argc != 2 || fd < 0)
		return 2;
	while (fgets(name, sizeof name, stdin)) {
		name[strcspn(name, "\n")] = '\0';
		if (read_batch(name, fd, !strcmp(argv[1], "wav")))
			return 1;
	}
	return 0;
}
