/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is, told by its first bytes and never by its name, for messages about a file of
 * another kind than the one asked for. */
#ifndef CORE_BASE_CONTENT_H
#define CORE_BASE_CONTENT_H

#include "base/context.h"

/* Names what a file that starts with the n bytes at `file` is, as a noun phrase: "a gzip archive", "a Git
 * LFS pointer, whose file was not downloaded", "text in UTF-16", "an empty file" (n is 0). 4 KiB
 * are enough; fewer name less. NULL: nothing known, which includes plain text in UTF-8. */
const char *core_content_name(const void *file, size_t n);

/* Names that readers of weights ask for. */
#define CORE_CONTENT_SAFETENSORS "a safetensors file"
#define CORE_CONTENT_TORCH "a PyTorch file"
#define CORE_CONTENT_TORCHSCRIPT "a TorchScript archive"
#define CORE_CONTENT_ZIP "a zip archive"
#define CORE_CONTENT_NPY "a NumPy .npy array"
#define CORE_CONTENT_NPZ "a NumPy .npz archive"
#define CORE_CONTENT_JSON "a JSON file"

/* The same, and plain text too, with the start of its first line: "text: 'Entry not found'", "a
 * table of text: 'FileName,angry'". Lives as long as the context. NULL: nothing known. */
const char *core_content_describe(fv_ctx *ctx, const void *file, size_t n);

/* core_content_describe of a file, of which it reads the first 4 KiB. NULL also where the file
 * cannot be read. Records no error. */
const char *core_content_of_file(fv_ctx *ctx, const char *path);

#endif
