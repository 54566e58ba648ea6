/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "corpus/audio.h"

struct found {
	core_recording file;
	dev_t device;
	ino_t inode;
};

struct list {
	struct found *item;
	size_t n, room;
};

static int by_stem_and_path(const void *a, const void *b)
{
	const struct found *s = a, *t = b;
	int order = strcmp(s->file.stem, t->file.stem);
	return order ? order : strcmp(s->file.path, t->file.path);
}

static fv_status add_file(fv_ctx *ctx, struct list *list, const FTSENT *entry)
{
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 1024;
		struct found *grown = realloc(list->item, room * sizeof *grown);
		if (!grown)
			return fv_fail(ctx, FV_FAILED, "out of memory");
		list->item = grown;
		list->room = room;
	}
	struct found *found = &list->item[list->n];
	*found = (struct found){
		.device = entry->fts_statp->st_dev, .inode = entry->fts_statp->st_ino};
	found->file.path = core_strdup(ctx, entry->fts_path);
	found->file.stem = core_path_stem(ctx, entry->fts_path);
	if (!found->file.path || !found->file.stem)
		return FV_FAILED;
	list->n++;
	return FV_OK;
}

static fv_status walk_tree(fv_ctx *ctx, FTS *tree, struct list *list)
{
	fv_status status = FV_OK;
	const FTSENT *entry;
	while ((errno = 0, entry = fts_read(tree))) {
		bool hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';
		fv_status step = FV_OK;
		if (hidden && entry->fts_info == FTS_D)
			(void)fts_set(tree, (FTSENT *)entry, FTS_SKIP);
		else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
			step = fv_fail(ctx, FV_DATA, "%s: %s", entry->fts_path,
				strerror(entry->fts_errno));
		else if (hidden || !core_is_audio_name(entry->fts_name))
			continue;
		else if (entry->fts_info == FTS_F)
			step = add_file(ctx, list, entry);
		else if (entry->fts_info == FTS_SLNONE)
			step = fv_fail(
				ctx, FV_DATA, "%s: is a link to a missing file", entry->fts_path);
		else if (entry->fts_info == FTS_NS)
			step = fv_fail(ctx, FV_DATA, "%s: %s", entry->fts_path,
				strerror(entry->fts_errno));
		status = step ? step : status;
		if (step == FV_FAILED)
			return step;
	}
	if (errno)
		return fv_fail(ctx, FV_DATA, "%s", strerror(errno));
	return status;
}

/* Sorts the files by stem and stores each once; two different files with one stem are an error. */
static fv_status store_unique(fv_ctx *ctx, struct list *list, core_audio_index *index)
{
	if (list->n)
		qsort(list->item, list->n, sizeof *list->item, by_stem_and_path);
	index->file = core_alloc(ctx, list->n, sizeof *index->file);
	if (!index->file)
		return FV_FAILED;
	fv_status status = FV_OK;
	const struct found *last = NULL;
	for (size_t i = 0; i < list->n; i++) {
		const struct found *here = &list->item[i];
		bool repeat = last && !strcmp(last->file.stem, here->file.stem);
		if (repeat && (last->device != here->device || last->inode != here->inode))
			status = fv_fail(ctx, FV_DATA, "%s and %s have the same stem '%s'",
				last->file.path, here->file.path, here->file.stem);
		if (repeat)
			continue;
		index->file[index->n++] = here->file;
		last = here;
	}
	return status;
}

fv_status core_audio_index_open(fv_ctx *ctx, const char *folder, core_audio_index **out)
{
	core_audio_index *index = core_alloc(ctx, 1, sizeof *index);
	char *root = core_strdup(ctx, folder);
	if (!index || !root)
		return FV_FAILED;
	index->folder = root;
	if (!core_is_dir(folder))
		return fv_fail(ctx, FV_DATA, "%s: %s", folder,
			core_file_exists(folder) ? "not a folder" : "no such folder");
	FTS *tree = fts_open((char *[]){root, NULL}, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	if (!tree)
		return fv_fail(ctx, FV_DATA, "%s: %s", folder, strerror(errno));
	struct list list = {0};
	fv_status status = walk_tree(ctx, tree, &list);
	fts_close(tree);
	if (!status)
		status = store_unique(ctx, &list, index);
	free(list.item);
	*out = index;
	return status;
}

static int find_stem(const void *stem, const void *file)
{
	return strcmp(stem, ((const core_recording *)file)->stem);
}

const char *core_audio_find(const core_audio_index *index, const char *stem)
{
	const core_recording *file =
		index->n ? bsearch(stem, index->file, (size_t)index->n, sizeof *file, find_stem)
			 : NULL;
	return file ? file->path : NULL;
}

fv_status core_audio_locate(
	fv_ctx *ctx, const core_audio_index *index, const core_corpus *corpus, const char **path)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < corpus->n; i++) {
		path[i] = core_audio_find(index, corpus->stem[i]);
		if (!path[i])
			status = core_fail_at(ctx, FV_DATA, corpus->source[i], corpus->line[i], 0,
				"no recording '%s' below %s", corpus->stem[i], index->folder);
	}
	return status;
}
