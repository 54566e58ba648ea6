/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of the feature cache: it is read as it is, and once more with the checksum of its numbers, which would reject
 * nearly every change otherwise. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <fairvox/encoder.h>

#include "base/file.h"
#include "fuzz.h"
#include "run/cache.h"

enum { LAYERS = 3, DIMS = 5 };

static void get_entry(const core_encoder *encoder, const char *audio)
{
	fv_ctx *ctx = core_ctx_new();
	float x[LAYERS * DIMS];
	bool silent;
	bool sound = core_cache_get(ctx, fuzz_make_folder(), encoder, audio, x, &silent);
	fuzz_require(sound || !core_error_count(ctx), "a damaged entry that is an error");
	core_ctx_free(ctx);
}

/* Writes an entry of these numbers, and then changes it where the input says so. */
static void write_changed(const core_encoder *encoder, const char *audio, const char *path,
	const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	float x[LAYERS * DIMS] = {0};
	char loose[512];
	memcpy(x, data, size < sizeof x ? size : sizeof x);
	snprintf(loose, sizeof loose, "%s/%s/.%s.unsync", fuzz_make_folder(), encoder->key, audio);
	fuzz_require(!core_cache_write(ctx, fuzz_make_folder(), encoder, audio, x, size % 2) &&
			     !rename(loose, path),
		"an entry that cannot be written");
	FILE *file = fopen(path, "r+b");
	fuzz_require(file != NULL, "an entry that cannot be opened");
	for (size_t i = sizeof x; i + 2 < size; i += 3) {
		(void)fseek(file, 256 * (data[i] % 3) + data[i + 1], SEEK_SET);
		fputc(data[i + 2], file);
	}
	fclose(file);
	core_ctx_free(ctx);
	get_entry(encoder, audio);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const fv_output output = {
		.size = sizeof output, .name = "states", .layers = LAYERS, .dims = DIMS};
	core_encoder encoder = {.name = "toy", .layers = LAYERS, .dims = DIMS};
	char audio[CORE_SHA256_HEX] = {0}, path[512];
	encoder.info.outputs = &output;
	memset(encoder.key, 'a', CORE_SHA256_HEX - 1);
	memset(audio, '0', CORE_SHA256_HEX - 1);
	snprintf(path, sizeof path, "%s/%s", fuzz_make_folder(), encoder.key);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/%s/%s.safetensors", fuzz_make_folder(), encoder.key, audio);
	write_changed(&encoder, audio, path, data, size);
	FILE *file = fopen(path, "wb");
	fuzz_require(file && fwrite(data, 1, size, file) == size && !fclose(file),
		"an entry that cannot be written");
	get_entry(&encoder, audio);
	return 0;
}
