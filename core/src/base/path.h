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

/* The recording id of a file: its name without folder and without a known audio extension (.wav
 * .flac .ogg .mp3 .aif .aiff .opus .m4a .sph .au .caf .w64, any case). */
char *core_path_stem(fv_ctx *ctx, const char *path);
bool core_is_audio_name(const char *path);

#endif
