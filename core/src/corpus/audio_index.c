/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "corpus/audio.h"

struct found {
	core_recording file;
	bool is_audio;
	dev_t device;
	ino_t inode;
};

struct list {
	struct found *item;
	size_t n, room;
	size_t folder;         /* bytes of the folder in front of each path */
	const char *folder_id; /* as in core_audio_index */
};

/* By stem without case, then by the parts of the path from the end, then by path. */
static int compare_recordings(const core_recording *s, const core_recording *t)
{
	int order = strcasecmp(core_path_base(s->full), core_path_base(t->full));
	for (int32_t i = 0; !order; i++) {
		core_id_part a = core_id_find_part(s->full, i), b = core_id_find_part(t->full, i);
		if (!a.text && !b.text)
			return strcmp(s->path, t->path);
		order = core_id_compare_parts(a, b);
	}
	return order;
}

static int compare_found(const void *a, const void *b)
{
	return compare_recordings(
		&((const struct found *)a)->file, &((const struct found *)b)->file);
}

static int compare_stems(const struct found *s, const struct found *t)
{
	return strcmp(core_path_base(s->file.id), core_path_base(t->file.id));
}

/* Puts the paths of one file with one stem beside each other, the first by bytes in front. */
static int compare_inodes(const void *a, const void *b)
{
	const struct found *s = a, *t = b;
	if (s->device != t->device)
		return s->device < t->device ? -1 : 1;
	if (s->inode != t->inode)
		return s->inode < t->inode ? -1 : 1;
	int order = compare_stems(s, t);
	return order ? order : strcmp(s->file.path, t->file.path);
}

static fv_status reserve_file(fv_ctx *ctx, struct list *list)
{
	if (list->n < list->room)
		return FV_OK;
	size_t room = list->room ? 2 * list->room : 1024;
	struct found *grown = realloc(list->item, room * sizeof *grown);
	if (!grown)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	list->item = grown;
	list->room = room;
	return FV_OK;
}

static fv_status add_file(fv_ctx *ctx, struct list *list, const FTSENT *entry)
{
	if (reserve_file(ctx, list))
		return FV_FAILED;
	struct found *found = &list->item[list->n];
	*found = (struct found){.is_audio = core_is_audio_name(entry->fts_name),
		.device = entry->fts_statp->st_dev,
		.inode = entry->fts_statp->st_ino};
	core_recording *file = &found->file;
	file->path = core_strdup(ctx, entry->fts_path);
	const char *id = file->path ? core_path_id(ctx, file->path + list->folder) : NULL;
	char *full = id ? core_format(ctx, "%s/%s", list->folder_id, id) : NULL;
	if (!full)
		return FV_FAILED;
	file->full = full;
	file->id = full + strlen(list->folder_id) + 1;
	char *dot = strrchr(full, '.');
	if (core_path_media(entry->fts_name) == CORE_NO_MEDIA && dot && dot > core_path_base(full))
		*dot = 0;
	list->n++;
	return FV_OK;
}

/* Reports what keeps an entry from being read. Only recordings matter. */
static fv_status check_entry(fv_ctx *ctx, const FTSENT *entry)
{
	if (!core_is_audio_name(entry->fts_name))
		return FV_OK;
	if (entry->fts_info == FTS_SLNONE)
		return fv_fail(ctx, FV_DATA, "%s: is a link to a missing file", entry->fts_path);
	if (entry->fts_info == FTS_NS)
		return fv_fail(ctx, FV_DATA, "%s: %s", entry->fts_path, strerror(entry->fts_errno));
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
		else if (!hidden && entry->fts_info == FTS_F)
			step = add_file(ctx, list, entry);
		else if (!hidden)
			step = check_entry(ctx, entry);
		status = step ? step : status;
		if (step == FV_FAILED)
			return step;
	}
	if (errno)
		return fv_fail(ctx, FV_DATA, "%s", strerror(errno));
	return status;
}

/* Keeps one path of each file and stem. */
static void remove_repeats(struct list *list)
{
	size_t kept = 0;
	qsort(list->item, list->n, sizeof *list->item, compare_inodes);
	for (size_t i = 0; i < list->n; i++) {
		const struct found *last = kept ? &list->item[kept - 1] : NULL;
		const struct found *here = &list->item[i];
		if (!last || last->device != here->device || last->inode != here->inode ||
			compare_stems(last, here))
			list->item[kept++] = *here;
	}
	list->n = kept;
}

static fv_status store_files(fv_ctx *ctx, struct list *list, core_audio_index *index)
{
	index->file = core_alloc(ctx, list->n, sizeof *index->file);
	index->other = core_alloc(ctx, list->n, sizeof *index->other);
	if (!index->file || !index->other)
		return FV_FAILED;
	if (!list->n)
		return FV_OK;
	remove_repeats(list);
	qsort(list->item, list->n, sizeof *list->item, compare_found);
	for (size_t i = 0; i < list->n; i++) {
		const struct found *here = &list->item[i];
		if (here->is_audio)
			index->file[index->n++] = here->file;
		else
			index->other[index->n_others++] = here->file;
	}
	return FV_OK;
}

static const char *describe_no_folder(const char *path)
{
	return core_file_exists(path) ? "not a folder" : "no such folder";
}

static const char *make_folder_id(fv_ctx *ctx, const char *folder)
{
	char *absolute = realpath(folder, NULL);
	if (!absolute && core_memory_note_errno())
		return NULL;
	const char *id = core_path_id(ctx, absolute ? absolute : folder);
	free(absolute);
	return id;
}

/* Lists the recordings below a folder. */
static fv_status open_folder(fv_ctx *ctx, const char *folder, core_audio_index **out)
{
	core_audio_index *index = core_alloc(ctx, 1, sizeof *index);
	char *root = core_strdup(ctx, folder);
	if (!index || !root)
		return FV_FAILED;
	index->folder = root;
	index->folder_id = make_folder_id(ctx, folder);
	if (!index->folder_id)
		return FV_FAILED;
	FTS *tree = fts_open((char *[]){root, NULL}, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	if (!tree)
		return fv_fail(ctx, FV_DATA, "%s: %s", folder, strerror(errno));
	struct list list = {.folder = strlen(root), .folder_id = index->folder_id};
	fv_status status = walk_tree(ctx, tree, &list);
	fts_close(tree);
	if (!status)
		status = store_files(ctx, &list, index);
	free(list.item);
	*out = index;
	return status;
}

fv_status core_corpus_open_audio(fv_ctx *ctx, const core_corpus_spec *spec, core_audio_index **out)
{
	if (!core_is_dir(spec->audio))
		return core_fail_key(ctx, FV_DATA, (core_key_ref){spec->block, "audio", NULL},
			"corpus.audio: %s: %s", spec->audio, describe_no_folder(spec->audio));
	return open_folder(ctx, spec->audio, out);
}

fv_status core_audio_index_open(fv_ctx *ctx, const char *folder, core_audio_index **out)
{
	if (!core_is_dir(folder))
		return fv_fail(ctx, FV_DATA, "%s: %s", folder, describe_no_folder(folder));
	return open_folder(ctx, folder, out);
}
