/* SPDX-License-Identifier: Apache-2.0 */
#include "run/moments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/file.h"
#include "base/numerics.h"
#include "checkpoint/safetensors_write.h"

#define HEX 64
#define PARTS 4
#define CHECKSUM_HEX 17

/* The content of the file as arrays of n recordings: hex digits [n,64], samples, mean, m2. */
struct list {
	int64_t n;
	char *audio;
	int64_t *samples;
	double *mean, *m2;
};

static fv_status make_list(fv_ctx *ctx, int64_t n, struct list *out)
{
	size_t count = (size_t)n;
	*out = (struct list){.n = n,
		.audio = core_alloc(ctx, count, HEX),
		.samples = core_alloc(ctx, count, sizeof *out->samples),
		.mean = core_alloc(ctx, count, sizeof *out->mean),
		.m2 = core_alloc(ctx, count, sizeof *out->m2)};
	return out->audio && out->samples && out->mean && out->m2 ? FV_OK : FV_FAILED;
}

static void describe_tensors(const struct list *list, core_tensor_out tensor[PARTS])
{
	const core_tensor_out parts[PARTS] = {{.name = "audio",
						      .dtype = "U8",
						      .rank = 2,
						      .shape = {list->n, HEX},
						      .data = list->audio},
		{.name = "samples",
			.dtype = "I64",
			.rank = 1,
			.shape = {list->n},
			.data = list->samples},
		{.name = "mean", .dtype = "F64", .rank = 1, .shape = {list->n}, .data = list->mean},
		{.name = "m2", .dtype = "F64", .rank = 1, .shape = {list->n}, .data = list->m2}};
	memcpy(tensor, parts, sizeof parts);
}

static void hash_list(const struct list *list, char hex[CHECKSUM_HEX])
{
	size_t n = (size_t)list->n;
	XXH64_hash_t hash = XXH3_64bits(list->audio, n * HEX);
	hash = XXH3_64bits_withSeed(list->samples, n * sizeof *list->samples, hash);
	hash = XXH3_64bits_withSeed(list->mean, n * sizeof *list->mean, hash);
	hash = XXH3_64bits_withSeed(list->m2, n * sizeof *list->m2, hash);
	snprintf(hex, CHECKSUM_HEX, "%016llx", (unsigned long long)hash);
}

static void format_numerics(char text[CHECKSUM_HEX])
{
	snprintf(text, CHECKSUM_HEX, "%d", CORE_NUMERICS);
}

static bool has_meta(const fv_checkpoint *file, const char *key, const char *value)
{
	const char *found = fv_checkpoint_meta(file, key);
	return found && !strcmp(found, value);
}

/* Returns false if the file is not what core_moments_save writes. */
static bool read_list(fv_ctx *ctx, const fv_checkpoint *file, struct list *out)
{
	core_tensor_out wanted[PARTS];
	const fv_tensor *audio = fv_checkpoint_find(file, "audio");
	char numerics[CHECKSUM_HEX], hex[CHECKSUM_HEX];
	format_numerics(numerics);
	if (!audio || audio->rank != 2 || audio->shape[1] != HEX ||
		!has_meta(file, "numerics", numerics) ||
		make_list(ctx, audio->shape[0], out) != FV_OK)
		return false;
	void *const to[PARTS] = {out->audio, out->samples, out->mean, out->m2};
	describe_tensors(out, wanted);
	for (int i = 0; i < PARTS; i++) {
		const fv_tensor *t = fv_checkpoint_find(file, wanted[i].name);
		if (!t || strcmp(t->dtype, wanted[i].dtype) || t->rank != wanted[i].rank ||
			t->shape[0] != out->n)
			return false;
		if (t->count)
			memcpy(to[i], t->data, (size_t)t->count * (i ? 8 : 1));
	}
	hash_list(out, hex);
	return has_meta(file, "xxh3", hex);
}

/* Loads the file; n = 0 if it is missing or damaged. Clears the errors of `ctx`, which is used for
 * this only. */
static void load_list(fv_ctx *ctx, const char *path, struct list *out)
{
	fv_checkpoint *file;
	bool sound = false;
	*out = (struct list){0};
	if (!core_file_exists(path))
		return;
	if (fv_checkpoint_open(ctx, path, &file) == FV_OK) {
		sound = read_list(ctx, file, out);
		fv_checkpoint_close(file);
	}
	if (sound)
		return;
	*out = (struct list){0};
	core_error_clear(ctx);
	core_log(
		ctx, CORE_WARNING, "%s: damaged or of another version: it is computed again", path);
}

/* A recording's place in a list, for sorting and searching. */
struct entry {
	const char *audio; /* 64 digits */
	core_moments moments;
};

static int compare_audio(const void *a, const void *b)
{
	return memcmp(((const struct entry *)a)->audio, ((const struct entry *)b)->audio, HEX);
}

static struct entry make_entry(const struct list *list, int64_t i)
{
	return (struct entry){
		list->audio + i * HEX, {list->samples[i], list->mean[i], list->m2[i]}};
}

static fv_status find_moments(fv_ctx *ctx, const char *path, int64_t n,
	const char (*sha256)[CORE_SHA256_HEX], core_moments *moments)
{
	struct list list;
	load_list(ctx, path, &list);
	struct entry *entry = core_alloc(ctx, (size_t)list.n, sizeof *entry);
	if (!entry)
		return FV_FAILED;
	for (int64_t i = 0; i < list.n; i++)
		entry[i] = make_entry(&list, i);
	qsort(entry, (size_t)list.n, sizeof *entry, compare_audio);
	for (int64_t i = 0; i < n; i++) {
		const struct entry key = {.audio = sha256[i]};
		const struct entry *found =
			bsearch(&key, entry, (size_t)list.n, sizeof *entry, compare_audio);
		if (found)
			moments[i] = found->moments;
	}
	return FV_OK;
}

fv_status core_moments_load(fv_ctx *ctx, const char *path, int64_t n,
	const char (*sha256)[CORE_SHA256_HEX], core_moments *moments)
{
	fv_ctx *own = core_ctx_new(); /* frees the content of the file at once */
	if (own)
		core_ctx_copy_log(own, ctx);
	fv_status status = own ? find_moments(own, path, n, sha256, moments) : FV_FAILED;
	core_ctx_free(own);
	return status ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}

static fv_status write_list(fv_ctx *ctx, const char *path, const struct list *list)
{
	core_tensor_out tensor[PARTS];
	char numerics[CHECKSUM_HEX], hex[CHECKSUM_HEX];
	describe_tensors(list, tensor);
	format_numerics(numerics);
	hash_list(list, hex);
	const core_meta_out meta[] = {{"numerics", numerics}, {"xxh3", hex}};
	return core_safetensors_write(ctx, path, tensor, PARTS, meta, 2);
}

static fv_status add_moments(fv_ctx *ctx, const char *path, int64_t n,
	const char (*sha256)[CORE_SHA256_HEX], const core_moments *moments)
{
	struct list before, all;
	load_list(ctx, path, &before);
	struct entry *entry = core_alloc(ctx, (size_t)(before.n + n), sizeof *entry);
	fv_status status = make_list(ctx, before.n + n, &all);
	if (!entry || status)
		return FV_FAILED;
	size_t count = 0;
	for (int64_t i = 0; i < before.n; i++)
		entry[count++] = make_entry(&before, i);
	for (int64_t i = 0; i < n; i++)
		if (moments[i].n)
			entry[count++] = (struct entry){sha256[i], moments[i]};
	qsort(entry, count, sizeof *entry, compare_audio);
	all.n = 0;
	for (size_t i = 0; i < count; i++) {
		if (i && !compare_audio(&entry[i - 1], &entry[i]))
			continue;
		memcpy(all.audio + all.n * HEX, entry[i].audio, HEX);
		all.samples[all.n] = entry[i].moments.n;
		all.mean[all.n] = entry[i].moments.mean;
		all.m2[all.n++] = entry[i].moments.m2;
	}
	return write_list(ctx, path, &all);
}

fv_status core_moments_save(fv_ctx *ctx, const char *path, int64_t n,
	const char (*sha256)[CORE_SHA256_HEX], const core_moments *moments)
{
	fv_ctx *own = core_ctx_new();
	fv_status status = own ? add_moments(own, path, n, sha256, moments) : FV_FAILED;
	if (status)
		(void)fv_fail(ctx, status, "%s",
			own && core_error_line(own, 0) ? core_error_line(own, 0) : "out of memory");
	core_ctx_free(own);
	return status;
}

fv_status core_moments_path(
	fv_ctx *ctx, const char *cache, int32_t rate_hz, double max_seconds, const char **out)
{
	char *name = core_format(ctx, "moments-%dhz-%.17gs.safetensors", (int)rate_hz, max_seconds);
	*out = name ? core_path_join(ctx, cache, name) : NULL;
	return *out ? FV_OK : FV_FAILED;
}
