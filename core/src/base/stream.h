/* SPDX-License-Identifier: Apache-2.0 */
/* Random streams outside a run (synthesis, audits), and the generator itself for its test
 * vectors. */
#ifndef CORE_BASE_STREAM_H
#define CORE_BASE_STREAM_H

#include <fairvox/stream.h>

void core_philox(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4]);
fv_stream core_stream(
	uint64_t seed, int64_t fold, const char *purpose, int64_t epoch, uint64_t index);

#endif
