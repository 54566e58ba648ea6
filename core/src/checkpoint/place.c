/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a file a network is: prefixes of tensor names, and what may stand beside a network. */
#include <fairvox/checkpoint.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* --- prefixes --- */

/* A tensor whose name ends with a name of the network: the prefix is what precedes it. */
struct hit {
	const char *name; /* of the tensor */
	size_t n;         /* length of the prefix */
};

static int compare_hits(const void *a, const void *b)
{
	const struct hit *s = a, *t = b;
	if (s->n != t->n)
		return s->n < t->n ? -1 : 1;
	return memcmp(s->name, t->name, s->n);
}

/* Length of what precedes `end` in a name, where a dot or nothing precedes it; -1: no such end. */
static int64_t measure_prefix(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);
	if (n < m || n - m >= FV_PREFIX_MAX || strcmp(name + n - m, end) != 0)
		return -1;
	return n == m || name[n - m - 1] == '.' ? (int64_t)(n - m) : -1;
}

/* Lists every hit, sorted by prefix. Each name of the network gives one hit of a prefix at most. */
static size_t list_hits(
	const fv_checkpoint *file, const char *const *name, int64_t n, struct hit *hits)
{
	size_t n_hits = 0;
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++)
		for (int64_t k = 0; k < n; k++) {
			const char *whole = fv_checkpoint_at(file, i)->name;
			int64_t length = measure_prefix(whole, name[k]);
			if (length >= 0 && hits)
				hits[n_hits] = (struct hit){whole, (size_t)length};
			n_hits += length >= 0;
		}
	if (hits && n_hits)
		qsort(hits, n_hits, sizeof *hits, compare_hits);
	return n_hits;
}

fv_status fv_checkpoint_find_prefix(fv_ctx *ctx, const char *path, const fv_checkpoint *file,
	const char *const *name, int64_t n, char *prefix, int64_t *found)
{
	*prefix = '\0';
	*found = 0;
	size_t n_hits = list_hits(file, name, n, NULL), most = 0;
	if (!n_hits)
		return FV_OK;
	struct hit *hits = malloc(n_hits * sizeof *hits), best = {0}, rival = {0};
	if (!hits)
		return ctx ? fv_fail(ctx, FV_FAILED, "%s: out of memory", path) : FV_FAILED;
	(void)list_hits(file, name, n, hits);
	for (size_t i = 0, next; i < n_hits; i = next) {
		for (next = i + 1; next < n_hits && !compare_hits(&hits[i], &hits[next]);)
			next++;
		if (next - i == most)
			rival = hits[i];
		if (next - i > most) {
			most = next - i;
			best = hits[i];
			rival.name = NULL;
		}
	}
	free(hits);
	*found = (int64_t)most;
	snprintf(prefix, FV_PREFIX_MAX, "%.*s", (int)best.n, best.name);
	if (!rival.name)
		return FV_OK;
	return ctx ? fv_fail(ctx, FV_DATA,
			     "%s: holds this network twice, as '%s' and as '%.*s': save one of "
			     "them alone",
			     path, prefix, (int)rival.n, rival.name)
		   : FV_DATA;
}

void fv_checkpoint_note_prefix(
	fv_ctx *ctx, const char *path, const char *prefix, const char *const *usual)
{
	for (int32_t i = 0; usual && usual[i]; i++)
		if (!strcmp(usual[i], prefix))
			return;
	if (*prefix)
		fv_note(ctx, "%s: '%s' is left out of the names of the network's tensors", path,
			prefix);
}

/* --- what may stand beside a network --- */

/* Keys of training checkpoints of PyTorch, Lightning, fairseq, s3prl and accelerate. */
static const char *const training[] = {"optimizer", "optimizers", "optimizer_state",
	"optimizer_states", "optimizer_state_dict", "last_optimizer_state", "optim", "opt",
	"Optimizer", "scheduler", "schedulers", "scheduler_state_dict", "lr_scheduler",
	"lr_schedulers", "scaler", "grad_scaler", "callbacks", "loops", "rng_state", "rng_states",
	"cuda_rng_state", "criterion", NULL};

static bool matches_pattern(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);
	if (n && pattern[n - 1] == '*')
		return !strncmp(name, pattern, n - 1);
	return !strcmp(name, pattern);
}

static bool is_training(const char *name)
{
	size_t n = strcspn(name, ".");
	for (int32_t i = 0; training[i]; i++)
		if (strlen(training[i]) == n && !memcmp(training[i], name, n))
			return true;
	return false;
}

int32_t fv_checkpoint_is_beside(const char *prefix, const char *const *heads, const char *name)
{
	/* from the start of the name to behind the whole prefix, one part after the other */
	for (size_t at = 0;;) {
		if (is_training(name + at))
			return 1;
		for (int32_t i = 0; heads && heads[i]; i++)
			if (matches_pattern(heads[i], name + at))
				return 1;
		const char *dot = strchr(prefix + at, '.');
		if (!dot || strncmp(prefix + at, name + at, (size_t)(dot - prefix) + 1 - at) != 0)
			return 0;
		at = (size_t)(dot - prefix) + 1;
	}
}

/* --- files that are a part of something --- */

static fv_status check_adapters(fv_ctx *ctx, const char *path, const fv_checkpoint *file)
{
	static const char *const words[] = {
		".lora_A.", ".lora_B.", ".lora_embedding_A", ".lora_magnitude_vector", ".ia3_l."};
	const char *first = NULL;
	int64_t n = 0;
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++) {
		const char *name = fv_checkpoint_at(file, i)->name;
		bool adapter = false;
		for (size_t w = 0; w < sizeof words / sizeof *words; w++)
			adapter = adapter || strstr(name, words[w]);
		first = adapter && !first ? name : first;
		n += adapter;
	}
	if (!n)
		return FV_OK;
	return ctx ? fv_fail(ctx, FV_DATA,
			     "%s: holds LoRA adapters (%lld of %lld tensors, the first is '%s'): "
			     "merge them into the base model (merge_and_unload of peft) and save "
			     "that",
			     path, (long long)n, (long long)fv_checkpoint_count(file), first)
		   : FV_DATA;
}

/* "model-00001-of-00002.safetensors" has the index "model.safetensors.index.json" beside it. */
static fv_status check_part(fv_ctx *ctx, const char *path)
{
	const char *base = strrchr(path, '/');
	base = base ? base + 1 : path;
	int number = 0, all = 0, end = 0;
	size_t n = strlen(base), stem = 0;
	for (size_t i = 0; i < n && !end; i++)
		if (base[i] == '-' && sscanf(base + i, "-%5d-of-%5d.%n", &number, &all, &end) == 2)
			stem = i;
	if (!end || all < 2)
		return FV_OK;
	char *index = core_format(ctx, "%.*s%.*s.%s.index.json", (int)(base - path), path,
		(int)stem, base, base + stem + end);
	if (!index)
		return FV_FAILED;
	if (!core_file_exists(index))
		return FV_OK;
	return fv_fail(ctx, FV_DATA, "%s: part %d of %d of a model: name its index, %s", path,
		number, all, index);
}

fv_status fv_checkpoint_check_whole(fv_ctx *ctx, const char *path, const fv_checkpoint *file)
{
	fv_status status = check_adapters(ctx, path, file);
	return !status && ctx ? check_part(ctx, path) : status;
}
