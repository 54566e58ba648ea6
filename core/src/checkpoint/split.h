/* SPDX-License-Identifier: Apache-2.0 */
/* Weights that are split over several files, as Hugging Face writes large models: an index in JSON,
 * {"weight_map": {TENSOR: FILE}}, whose files lie beside it. */
#ifndef CORE_CHECKPOINT_SPLIT_H
#define CORE_CHECKPOINT_SPLIT_H

#include "base/hash.h"
#include "checkpoint/checkpoint_private.h"

/* Whether a file of JSON has the key weight_map. */
bool core_is_index(const fv_checkpoint *file);

/* Opens the files of an index and joins their tensors. Every tensor of the index must be in its file,
 * and no other. */
FV_NODISCARD fv_status core_index_read(fv_ctx *ctx, fv_checkpoint *file);

/* The hash of weights by content: of the file or, for an index, of the hashes of the index and of its
 * files. Errors: FV_DATA. */
FV_NODISCARD fv_status core_weights_sha256(
	fv_ctx *ctx, const char *path, char hex[CORE_SHA256_HEX]);

#endif
