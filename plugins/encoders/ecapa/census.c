/* SPDX-License-Identifier: Apache-2.0 */
/* What a weights file must hold.
 *
 * The network's sizes follow from the shapes of its tensors. Each size is read from up to three
 * tensors, and the value that most of them agree on is used. If one tensor is damaged, the census
 * then names that tensor and not all the others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ecapa.h"

enum { TAPS_MAX = 63, SIZE_MAX_ANY = 65536, NAME = FV_PREFIX_MAX + 80 };

/* --- names --- */

/* Prefixes of published files: SpeechBrain's embedding_model.ckpt, its Pretrained interface's
 * modules, and a training checkpoint. */
static const char *const usual[] = {"", "embedding_model.", "mods.embedding_model.", NULL};

/* The classifier of speakers that the network was trained with. */
static const char *const heads[] = {"classifier.*", NULL};

/* Dimension `dim` of the tensor `name`, divided by `factor`, is the member of ecapa_sizes at offset
 * `size`. */
static const struct witness {
	size_t size;
	const char *name;
	int32_t dim, factor;
} witnesses[] = {
	{offsetof(ecapa_sizes, channels), "blocks.0.conv.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, channels), "blocks.1.tdnn1.conv.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, channels), "mfa.conv.conv.weight", 1, ECAPA_BLOCKS},
	{offsetof(ecapa_sizes, part), "blocks.1.res2net_block.blocks.0.conv.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, part), "blocks.2.res2net_block.blocks.0.conv.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, part), "blocks.3.res2net_block.blocks.0.conv.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, squeeze), "blocks.1.se_block.conv1.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, squeeze), "blocks.2.se_block.conv1.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, squeeze), "blocks.3.se_block.conv1.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, pooled), "mfa.conv.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, pooled), "asp.conv.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, pooled), "fc.conv.weight", 1, 2},
	{offsetof(ecapa_sizes, attention), "asp.tdnn.conv.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, attention), "asp.conv.conv.weight", 1, 1},
	{offsetof(ecapa_sizes, attention), "asp.tdnn.conv.conv.bias", 0, 1},
	{offsetof(ecapa_sizes, dims), "fc.conv.weight", 0, 1},
	{offsetof(ecapa_sizes, dims), "fc.conv.bias", 0, 1},
	{offsetof(ecapa_sizes, taps[0]), "blocks.0.conv.conv.weight", 2, 1},
	{offsetof(ecapa_sizes, taps[1]), "blocks.1.res2net_block.blocks.0.conv.conv.weight", 2, 1},
	{offsetof(ecapa_sizes, taps[1]), "blocks.1.res2net_block.blocks.1.conv.conv.weight", 2, 1},
	{offsetof(ecapa_sizes, taps[1]), "blocks.1.res2net_block.blocks.2.conv.conv.weight", 2, 1},
	{offsetof(ecapa_sizes, taps[2]), "blocks.2.res2net_block.blocks.0.conv.conv.weight", 2, 1},
	{offsetof(ecapa_sizes, taps[2]), "blocks.2.res2net_block.blocks.1.conv.conv.weight", 2, 1},
	{offsetof(ecapa_sizes, taps[2]), "blocks.2.res2net_block.blocks.2.conv.conv.weight", 2, 1},
	{offsetof(ecapa_sizes, taps[3]), "blocks.3.res2net_block.blocks.0.conv.conv.weight", 2, 1},
	{offsetof(ecapa_sizes, taps[3]), "blocks.3.res2net_block.blocks.1.conv.conv.weight", 2, 1},
	{offsetof(ecapa_sizes, taps[3]), "blocks.3.res2net_block.blocks.2.conv.conv.weight", 2, 1},
};

enum { WITNESSES = sizeof witnesses / sizeof *witnesses };

static const fv_tensor *find_tensor(const fv_checkpoint *file, const char *prefix, const char *name)
{
	char whole[NAME];
	snprintf(whole, sizeof whole, "%s%s", prefix, name);
	return fv_checkpoint_find(file, whole);
}

fv_status ecapa_find_prefix(
	fv_ctx *ctx, const char *path, const fv_checkpoint *file, char prefix[FV_PREFIX_MAX])
{
	const char *name[WITNESSES] = {NULL};
	int64_t n = 0, found;
	for (int w = 0; w < WITNESSES; w++)
		if (n == 0 || strcmp(name[n - 1], witnesses[w].name) != 0)
			name[n++] = witnesses[w].name;
	fv_status status = fv_checkpoint_check_whole(ctx, path, file);
	if (!status)
		status = fv_checkpoint_find_prefix(ctx, path, file, name, n, prefix, &found);
	return status;
}

/* --- sizes --- */

/* Returns the size that one tensor implies, or 0 if the tensor is missing or unusable. */
static int64_t read_witness(const fv_checkpoint *file, const char *prefix, const struct witness *w)
{
	const fv_tensor *t = find_tensor(file, prefix, w->name);
	if (!t || t->rank <= w->dim || t->shape[w->dim] % w->factor ||
		t->shape[w->dim] > (int64_t)SIZE_MAX_ANY * w->factor)
		return 0;
	return t->shape[w->dim] / w->factor;
}

/* Returns the size that most of the n witnesses agree on; on ties the first one wins. */
static int64_t vote_size(
	const fv_checkpoint *file, const char *prefix, const struct witness *w, int n)
{
	int64_t best = 0;
	int most = 0;
	for (int i = 0; i < n; i++) {
		int64_t said = read_witness(file, prefix, &w[i]);
		int same = 0;
		for (int j = 0; j < n && said; j++)
			same += read_witness(file, prefix, &w[j]) == said;
		if (same > most) {
			most = same;
			best = said;
		}
	}
	return best;
}

/* Fills in `sizes`. Returns NULL, or a message in `text` [ECAPA_TEXT] that says why the tensors do not
 * form a network. */
static const char *find_sizes(
	const fv_checkpoint *file, const char *prefix, ecapa_sizes *sizes, char text[ECAPA_TEXT])
{
	*sizes = (ecapa_sizes){0};
	for (int w = 0, n; w < WITNESSES; w += n) {
		for (n = 1; w + n < WITNESSES && witnesses[w + n].size == witnesses[w].size;)
			n++;
		int64_t size = vote_size(file, prefix, &witnesses[w], n);
		if (!size) {
			snprintf(text, ECAPA_TEXT,
				"not an ECAPA-TDNN: there is no tensor '%s%s' of usable shape",
				prefix, witnesses[w].name);
			return text;
		}
		memcpy((char *)sizes + witnesses[w].size, &size, sizeof size);
	}
	sizes->scale = sizes->channels / sizes->part;
	if (sizes->channels % sizes->part || sizes->scale < 2 || sizes->scale > ECAPA_SCALE_MAX) {
		snprintf(text, ECAPA_TEXT,
			"%lld channels cannot be split into 2 to %d parts of %lld",
			(long long)sizes->channels, ECAPA_SCALE_MAX, (long long)sizes->part);
		return text;
	}
	for (int b = 0; b <= ECAPA_BLOCKS; b++)
		if (sizes->taps[b] % 2 == 0 || sizes->taps[b] > TAPS_MAX) {
			snprintf(text, ECAPA_TEXT,
				"block %d has kernels of %lld taps; odd ones up to %d "
				"are read",
				b, (long long)sizes->taps[b], TAPS_MAX);
			return text;
		}
	return NULL;
}

/* --- the list of all tensors --- */

struct list {
	const char *prefix;
	int64_t n;
	fv_expected *at;
	char (*name)[NAME];
};

static void add_tensor(struct list *list, const char *layer, const char *part, fv_expected shape)
{
	snprintf(list->name[list->n], NAME, "%s%s.%s", list->prefix, layer, part);
	shape.name = list->name[list->n];
	list->at[list->n++] = shape;
}

static void add_conv(struct list *list, const char *layer, int64_t out, int64_t in, int64_t taps)
{
	add_tensor(list, layer, "conv.weight", (fv_expected){.rank = 3, .shape = {out, in, taps}});
	add_tensor(list, layer, "conv.bias", (fv_expected){.rank = 1, .shape = {out}});
}

static void add_norm(struct list *list, const char *layer, int64_t width)
{
	static const char *const parts[] = {
		"norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"};
	for (int p = 0; p < 4; p++)
		add_tensor(list, layer, parts[p], (fv_expected){.rank = 1, .shape = {width}});
	add_tensor(list, layer, "norm.num_batches_tracked", (fv_expected){.ignored = 1});
}

/* Adds the tensors of a convolution and a norm (the ReLU between them has none). */
static void add_tdnn(struct list *list, const char *layer, int64_t out, int64_t in, int64_t taps)
{
	char name[NAME];
	snprintf(name, sizeof name, "%s.conv", layer);
	add_conv(list, name, out, in, taps);
	snprintf(name, sizeof name, "%s.norm", layer);
	add_norm(list, name, out);
}

static void add_block(struct list *list, const ecapa_sizes *z, int b)
{
	char name[64];
	snprintf(name, sizeof name, "blocks.%d.tdnn1", b);
	add_tdnn(list, name, z->channels, z->channels, 1);
	for (int i = 0; i + 1 < z->scale; i++) {
		snprintf(name, sizeof name, "blocks.%d.res2net_block.blocks.%d", b, i);
		add_tdnn(list, name, z->part, z->part, z->taps[b]);
	}
	snprintf(name, sizeof name, "blocks.%d.tdnn2", b);
	add_tdnn(list, name, z->channels, z->channels, 1);
	snprintf(name, sizeof name, "blocks.%d.se_block.conv1", b);
	add_conv(list, name, z->squeeze, z->channels, 1);
	snprintf(name, sizeof name, "blocks.%d.se_block.conv2", b);
	add_conv(list, name, z->channels, z->squeeze, 1);
}

/* Lists all tensors of the network. Release the list with free(list.at). */
static struct list list_tensors(const ecapa_sizes *z, const char *prefix)
{
	/* Seven tensors for each convolution with norm: the first one, the merging one, the
	 * attention's, and scale + 1 in each block. */
	size_t n = 7 * (size_t)(3 + ECAPA_BLOCKS * (z->scale + 1)) + 4 * ECAPA_BLOCKS + 9;
	fv_expected *at = calloc(n, sizeof *at + NAME);
	struct list list = {.prefix = prefix};
	if (!at)
		return list;
	list.at = at;
	list.name = (char(*)[NAME])(at + n);
	add_tdnn(&list, "blocks.0", z->channels, ECAPA_BANDS, z->taps[0]);
	for (int b = 1; b <= ECAPA_BLOCKS; b++)
		add_block(&list, z, b);
	add_tdnn(&list, "mfa", z->pooled, ECAPA_BLOCKS * z->channels, 1);
	add_tdnn(&list, "asp.tdnn", z->attention, 3 * z->pooled, 1);
	add_conv(&list, "asp.conv", z->pooled, z->attention, 1);
	add_norm(&list, "asp_bn", 2 * z->pooled);
	add_conv(&list, "fc", z->dims, 2 * z->pooled, 1);
	return list;
}

fv_status ecapa_check_census(fv_ctx *ctx, const char *path, const fv_checkpoint *file,
	const char *prefix, ecapa_sizes *sizes)
{
	char text[ECAPA_TEXT];
	if (find_sizes(file, prefix, sizes, text))
		return ctx ? fv_fail(ctx, FV_DATA, "%s: %s", path, text) : FV_DATA;
	struct list list = list_tensors(sizes, prefix);
	if (!list.at)
		return ctx ? fv_fail(ctx, FV_FAILED, "%s: out of memory", path) : FV_FAILED;
	fv_status status = fv_checkpoint_census(ctx, path, file, list.at, list.n, prefix, heads);
	free(list.at);
	if (!status && ctx)
		fv_checkpoint_note_prefix(ctx, path, prefix, usual);
	return status;
}

/* --- does a file fit? --- */

static int32_t ecapa_check_fit(const fv_checkpoint *file, const char *sha256, fv_fit *fit)
{
	ecapa_sizes sizes;
	char prefix[FV_PREFIX_MAX];
	if (ecapa_find_prefix(NULL, NULL, file, prefix) ||
		ecapa_check_census(NULL, NULL, file, prefix, &sizes))
		return 0;
	fit->what = "ECAPA-TDNN speaker encoder";
	if (!strcmp(sha256, "0575cb64845e6b9a10db9bcb74d5ac32b326b8dc90352671d345e2ee3d0126a2")) {
		fit->what = "ECAPA-TDNN speaker encoder of speechbrain/spkrec-ecapa-voxceleb";
		fit->licence = "Apache-2.0";
	}
	return 1;
}

const fv_fits_1 ecapa_fits = FV_FITS(.fits = ecapa_check_fit);
