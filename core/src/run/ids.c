/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ids.h"

#include <string.h>

#include "base/file.h"
#include "corpus/audio.h"

/* Returns core_path_id of a path without the folder in front. */
static const char *make_id(fv_ctx *ctx, const char *folder, const char *path)
{
	size_t n = strlen(folder);
	return core_path_id(ctx, strncmp(path, folder, n) ? path : path + n);
}

/* Lists the audio folder's files; NULL if that fails. An encoder that reads them reports the
 * reason. */
static const core_audio_index *open_index(fv_ctx *own, const core_set *set)
{
	core_audio_index *index;
	if (!set->spec->audio || !core_is_dir(set->spec->audio) ||
		core_corpus_open_audio(own, set->spec, &index))
		return NULL;
	return index;
}

/* Makes the id of a row from the path of its recording, or from its name in the label file if the
 * recording is not known. */
static const char *make_row_id(fv_ctx *ctx, const core_set *set, const core_audio_index *index,
	const core_fold *fold, int32_t row)
{
	const core_corpus *corpus = fold->corpus;
	const char *path = set->hashed ? set->recordings.path[fold->row[row]]
			   : index     ? core_audio_find_row(ctx, index, corpus, row, NULL)
				       : NULL;
	const char *id =
		path ? make_id(ctx, set->spec->audio, path) : core_path_id(ctx, corpus->file[row]);
	if (!id || !corpus->start)
		return id;
	return core_segment_name(ctx, id, corpus->start[row], corpus->end[row]);
}

static fv_status make_set_ids(fv_ctx *ctx, fv_ctx *own, const core_study *study, core_set *set)
{
	const core_audio_index *index = set->hashed ? NULL : open_index(own, set);
	core_recordings *r = &set->recordings;
	set->id = core_alloc(ctx, (size_t)r->n, sizeof *set->id);
	if (!set->id)
		return FV_FAILED;
	for (int32_t f = 0; f < study->n_folds; f++) {
		const core_fold *fold = &study->fold[f];
		for (int32_t i = 0; &study->set[fold->set] == set && i < fold->corpus->n; i++) {
			const char **id = &set->id[fold->row[i]];
			if (!*id && !(*id = make_row_id(ctx, set, index, fold, i)))
				return FV_FAILED;
		}
	}
	return FV_OK;
}

fv_status core_ids_make(fv_ctx *ctx, core_study *study)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < study->n_sets && !status; i++) {
		fv_ctx *own = core_ctx_new();
		status = own ? make_set_ids(ctx, own, study, &study->set[i])
			     : fv_fail(ctx, FV_FAILED, "out of memory");
		core_ctx_free(own);
	}
	return status;
}
