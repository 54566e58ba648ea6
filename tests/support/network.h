/* SPDX-License-Identifier: Apache-2.0 */
/* A weights file in memory, to be damaged and written again. */
#ifndef TEST_NETWORK_H
#define TEST_NETWORK_H

#include "checkpoint/safetensors_write.h"
#include "support.h"

enum { TEST_TENSORS = 256 };

typedef struct test_network {
	core_tensor_out tensor[TEST_TENSORS];
	size_t n;
} test_network;

/* Reads the tensors of a golden file, of float32 or int64, each with space for larger shapes, into
 * memory of the context. */
test_network test_network_load(fv_ctx *ctx, const char *golden);
core_tensor_out *test_network_find(test_network *net, const char *name); /* fails the test */
size_t test_network_size(const core_tensor_out *tensor);                 /* elements */
void test_network_drop(test_network *net, size_t index);

/* Writes model.safetensors into the test program's folder, with the given texts as config.json and
 * preprocessor_config.json next to it (NULL: none). Returns its path. */
const char *test_network_write(fv_ctx *ctx, const test_network *net, const char *config,
	const char *preprocessor, const core_meta_out *meta, size_t n_meta);

#endif
