/* SPDX-License-Identifier: Apache-2.0 */
#include "run/cache.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <fairvox/checkpoint.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/io.h"
#include "checkpoint/safetensors_write.h"
#include "plugin/loaded_files.h"

/* Returns true for a temporary file of a killed writer: its name begins with a dot and has six
 * characters after the last dot. */
static bool is_leftover(const char *name)
{
	const char *dot = strrchr(name, '.');
	return name[0] == '.' && dot != name && strlen(dot) == 7;
}

static void remove_leftovers(const char *folder)
{
	DIR *dir = opendir(folder);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));)
		if (is_leftover(entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

bool core_cache_is_key(const char *name)
{
	size_t digits = CORE_SHA256_HEX - 1;
	return strlen(name) == digits && strspn(name, "0123456789abcdef") == digits;
}

bool core_cache_is_entry(const char *name)
{
	const char *dot = strrchr(name, '.');
	return name[0] != '.' && dot && !strcmp(dot, ".safetensors");
}

fv_status core_cache_lock_key(fv_ctx *ctx, const char *cache, const char *key, core_lease **out)
{
	char *folder = core_path_join(ctx, cache, key);
	*out = NULL;
	if (!folder)
		return FV_FAILED;
	fv_status status = core_lease_wait(
		ctx, folder, "another process is encoding with the same encoder", out);
	if (!status)
		remove_leftovers(folder);
	return status;
}

static void hash_values(const float *values, size_t count, bool silent, char hex[17])
{
	XXH64_hash_t hash = XXH3_64bits_withSeed(values, count * sizeof *values, silent);
	snprintf(hex, 17, "%016llx", (unsigned long long)hash);
}

static char *make_entry_path(
	fv_ctx *ctx, const char *cache, const core_encoder *encoder, const char *audio_sha256)
{
	return core_format(ctx, "%s/%s/%s.safetensors", cache, encoder->key, audio_sha256);
}

/* A written entry that is not sealed; its name is that of a leftover. */
static char *make_loose_path(
	fv_ctx *ctx, const char *cache, const core_encoder *encoder, const char *audio_sha256)
{
	return core_format(ctx, "%s/%s/.%s.unsync", cache, encoder->key, audio_sha256);
}

static bool has_meta(const fv_checkpoint *file, const char *key, const char *value)
{
	const char *stored = fv_checkpoint_meta(file, key);
	return stored && !strcmp(stored, value);
}

/* Reads an entry. Its metadata must state this key and audio hash, so a file that was moved to
 * another entry's name is rejected. */
static bool read_entry(fv_ctx *ctx, const fv_checkpoint *file, const core_encoder *encoder,
	const char *audio_sha256, float *out, bool *silent)
{
	const char *name = encoder->info.outputs[encoder->output].name;
	const fv_tensor *tensor = fv_checkpoint_find(file, name);
	if (!tensor || strcmp(tensor->dtype, "F32") || tensor->rank != 2 ||
		tensor->shape[0] != encoder->layers || tensor->shape[1] != encoder->dims ||
		!has_meta(file, "key", encoder->key) || !has_meta(file, "audio", audio_sha256))
		return false;
	char found[17];
	*silent = has_meta(file, "silent", "1");
	if ((!*silent && !has_meta(file, "silent", "0")) || fv_tensor_to_f32(ctx, tensor, out))
		return false;
	hash_values(out, (size_t)tensor->count, *silent, found);
	return has_meta(file, "xxh3", found);
}

bool core_cache_get(fv_ctx *ctx, const char *cache, const core_encoder *encoder,
	const char *audio_sha256, float *out, bool *silent)
{
	char *path = make_entry_path(ctx, cache, encoder, audio_sha256);
	if (!path || !core_file_exists(path))
		return false;
	fv_checkpoint *file;
	bool sound = false;
	if (!fv_checkpoint_open(ctx, path, &file)) {
		sound = read_entry(ctx, file, encoder, audio_sha256, out, silent);
		fv_checkpoint_close(file);
	}
	if (!sound) {
		core_error_clear(ctx);
		if (core_is_dir(path)) /* an entry cannot replace a folder, unless that is gone */
			(void)rmdir(path);
		core_log(ctx, CORE_WARNING, "%s: %s: it is computed again", path,
			core_has_disk_error(path) ? strerror(EIO) : "damaged cache entry");
	}
	return sound;
}

fv_status core_cache_write(fv_ctx *ctx, const char *cache, const core_encoder *encoder,
	const char *audio_sha256, const float *values, bool silent)
{
	char hex[17];
	size_t count = (size_t)encoder->layers * (size_t)encoder->dims;
	hash_values(values, count, silent, hex);
	const core_tensor_out tensor = {.name = encoder->info.outputs[encoder->output].name,
		.dtype = "F32",
		.rank = 2,
		.shape = {encoder->layers, encoder->dims},
		.data = values};
	const core_meta_out meta[] = {{"audio", audio_sha256}, {"encoder", encoder->name},
		{"key", encoder->key}, {"silent", silent ? "1" : "0"}, {"xxh3", hex}};
	char *path = make_loose_path(ctx, cache, encoder, audio_sha256);
	if (!path)
		return FV_FAILED;
	return core_safetensors_write_loose(
		ctx, path, &tensor, 1, meta, sizeof meta / sizeof *meta);
}

fv_status core_cache_seal(fv_ctx *ctx, const char *cache, const core_encoder *encoder,
	const char *const *audio_sha256, int64_t n)
{
	if (core_loaded_files_check(ctx) != FV_OK)
		return FV_FAILED;
	core_mark before = core_ctx_mark(ctx);
	const char **from = core_alloc(ctx, (size_t)n, sizeof *from);
	const char **to = core_alloc(ctx, (size_t)n, sizeof *to);
	fv_status status = from && to ? FV_OK : FV_FAILED;
	for (int64_t i = 0; i < n && !status; i++) {
		from[i] = make_loose_path(ctx, cache, encoder, audio_sha256[i]);
		to[i] = make_entry_path(ctx, cache, encoder, audio_sha256[i]);
		status = from[i] && to[i] ? FV_OK : FV_FAILED;
	}
	if (!status)
		status = core_files_seal(ctx, from, to, n);
	core_ctx_release(ctx, before);
	return status;
}

fv_status core_cache_put(fv_ctx *ctx, const char *cache, const core_encoder *encoder,
	const char *audio_sha256, const float *values, bool silent)
{
	fv_status status = core_cache_write(ctx, cache, encoder, audio_sha256, values, silent);
	return status ? status : core_cache_seal(ctx, cache, encoder, &audio_sha256, 1);
}
