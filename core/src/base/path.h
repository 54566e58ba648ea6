/* SPDX-License-Identifier: Apache-2.0 */
/* Functions on path text. Results live as long as the context. */
#ifndef CORE_BASE_PATH_H
#define CORE_BASE_PATH_H

#include <stdbool.h>

#include "base/context.h"

#define CORE_FOLD_MARK "{fold}"
/* Replaces every CORE_FOLD_MARK in a path template by the fold. */
char *core_expand_fold(fv_ctx *ctx, const char *pattern, int64_t fold);
/* `name` when it is absolute */
char *core_path_join(fv_ctx *ctx, const char *dir, const char *name);
char *core_path_dir(fv_ctx *ctx, const char *path); /* "." when there is none */
const char *core_path_base(const char *path);       /* points into path */

/* What an extension says about a file. */
typedef enum core_media {
	CORE_NO_MEDIA,
	CORE_READ_MEDIA,  /* .wav .flac .ogg .oga .mp3 .aif .aiff .aifc .opus .sph .au .caf .w64 */
	CORE_OTHER_MEDIA, /* audio and video that is not read: .mp4 .m4a .mkv .webm .wma ... */
} core_media;
core_media core_path_media(const char *path); /* any case */
bool core_is_audio_name(const char *path);    /* CORE_READ_MEDIA */

/* The one spelling of a file's name, by which names in label files, features, predictions and on
 * disk are compared: "/" between folders (a backslash ends a folder too), no drive letter, no
 * leading "/", no empty folder and none named ".", composed characters (Unicode NFC; bytes that are
 * not UTF-8 stay), and no extension of audio or video. "C:\data\a.wav" -> "data/a". */
char *core_path_id(fv_ctx *ctx, const char *path);
/* The last part of core_path_id. */
char *core_path_stem(fv_ctx *ctx, const char *path);

/* A part of an id: what stands between two slashes. Not terminated. */
typedef struct core_id_part {
	const char *text; /* NULL: the id has no such part */
	size_t n;
} core_id_part;
/* The part at this place from the end; 0 is the last, the stem. */
core_id_part core_id_find_part(const char *id, int32_t from_end);
/* By bytes; a part that is missing comes first. */
int core_id_compare_parts(core_id_part a, core_id_part b);
int32_t core_id_count_parts(const char *id); /* 1 for a stem */
/* The last `parts` parts of an id; all if it has fewer. Points into id. */
const char *core_id_suffix(const char *id, int32_t parts);

#endif
