/* SPDX-License-Identifier: Apache-2.0 */
/* Files of torch.save: the zip archive it writes since version 1.6 and the older form. */
#ifndef CORE_CHECKPOINT_TORCH_H
#define CORE_CHECKPOINT_TORCH_H

#include "checkpoint/checkpoint_private.h"
#include "checkpoint/pickle.h"

/* The zip form starts with PK\3\4, the older one with a pickle of protocol 2. */
FV_NODISCARD fv_status core_torch_zip_read(fv_ctx *ctx, fv_checkpoint *file);
FV_NODISCARD fv_status core_torch_legacy_read(fv_ctx *ctx, fv_checkpoint *file);

/* --- shared by both forms --- */

/* Sorts the storages by key and merges repeated mentions. Rule: storage size, when two mentions
 * differ. */
FV_NODISCARD fv_status core_torch_sort_storages(core_pickle *pickle);
/* Finds a storage by key after core_torch_sort_storages; NULL when there is none. */
core_pickle_storage *core_torch_find_storage(core_pickle *pickle, uint64_t key);

/* Sets *bytes to the size of the storage; false when it reaches 2^64. */
bool core_torch_count_bytes(const core_pickle_storage *storage, uint64_t *bytes);

/* Fills the checkpoint's tensors and metadata; every storage must have its data by now. */
FV_NODISCARD fv_status core_torch_fill_table(core_pickle *pickle, fv_checkpoint *file);

/* Fills the checkpoint's metadata from what the pickle's top dict holds beside tensors. */
FV_NODISCARD fv_status core_torch_read_meta(core_pickle *pickle, fv_checkpoint *file);

#endif
