/* SPDX-License-Identifier: Apache-2.0 */
/* Files of torch.save: the zip archive that it writes since version 1.6, and what it wrote before.
 */
#ifndef CORE_CHECKPOINT_TORCH_H
#define CORE_CHECKPOINT_TORCH_H

#include "checkpoint/checkpoint_private.h"
#include "checkpoint/pickle.h"

/* A zip archive begins with PK\3\4; before, with a pickle of protocol 2. */
FV_NODISCARD fv_status core_torch_zip_read(fv_ctx *ctx, fv_checkpoint *file);
FV_NODISCARD fv_status core_torch_legacy_read(fv_ctx *ctx, fv_checkpoint *file);

/* --- what both share --- */

/* Sorts the storages by key, each once; rule: storage size, where two mentions differ. */
FV_NODISCARD fv_status core_torch_sort_storages(core_pickle *pickle);
/* The storage of that key, or NULL; after sorting. */
core_pickle_storage *core_torch_find_storage(core_pickle *pickle, uint64_t key);

/* Bytes of the storage; false when 2^64 or more. */
bool core_torch_storage_bytes(const core_pickle_storage *storage, uint64_t *bytes);

/* Fills the checkpoint's table once the storages have their data. */
FV_NODISCARD fv_status core_torch_settle(core_pickle *pickle, fv_checkpoint *file);

/* Fills the checkpoint's metadata from what the pickle, whose top is a dict, says beside tensors. */
FV_NODISCARD fv_status core_torch_meta(core_pickle *pickle, fv_checkpoint *file);

#endif
