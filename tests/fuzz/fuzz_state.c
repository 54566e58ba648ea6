/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint of a run: the input is read as it is, and as the tensors of a file whose key and checksum are right, which
 * would reject nearly every change otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/file.h"
#include "checkpoint/safetensors_write.h"
#include "fuzz.h"
#include "train/run_checkpoint.h"

enum { TENSORS = 5, NUMBERS = 4 };

static void restore(const char *path)
{
	fv_ctx *ctx = core_ctx_new();
	core_run_checkpoint *state;
	double weights[NUMBERS] = {0};
	int64_t epoch[1] = {0};
	core_text lines = {0};
	const core_run_checkpoint_options options = {.path = path, .key = "key"};
	fuzz_require(!core_run_checkpoint_new(ctx, &options, &state), "out of memory");
	core_run_checkpoint_add(state, "weights", FV_F64, NUMBERS, weights);
	core_run_checkpoint_add(state, "epoch", FV_I64, 1, epoch);
	core_run_checkpoint_add_text(state, "lines", &lines);
	core_run_checkpoint_open(state);
	if (core_run_checkpoint_is_open(state)) {
		(void)core_run_checkpoint_count(state, "weights");
		(void)core_run_checkpoint_read_part(state, "epoch");
		fuzz_check_status(ctx, core_run_checkpoint_restore(state));
	}
	core_run_checkpoint_close(state);
	core_text_free(&lines);
	core_ctx_free(ctx);
}

/* Hashes tensors as a checkpoint does: name, type, shape and bytes, in the order of their names. */
static void hash_tensors(const core_tensor_out *tensor, size_t n, size_t width, char hex[17])
{
	XXH3_state_t *hash = XXH3_createState();
	fuzz_require(hash != NULL, "out of memory");
	XXH3_64bits_reset(hash);
	for (size_t i = 0; i < n; i++) {
		char shape[64];
		int64_t columns = tensor[i].rank == 2 ? tensor[i].shape[1] : 1;
		int used = snprintf(shape, sizeof shape, " %s %lld %lld;", tensor[i].dtype,
			(long long)tensor[i].shape[0], (long long)columns);
		XXH3_64bits_update(hash, tensor[i].name, strlen(tensor[i].name));
		XXH3_64bits_update(hash, shape, (size_t)used);
		XXH3_64bits_update(
			hash, tensor[i].data, (size_t)(tensor[i].shape[0] * columns) * width);
	}
	snprintf(hex, 17, "%016llx", (unsigned long long)XXH3_64bits_digest(hash));
	XXH3_freeState(hash);
}

/* Writes a sound file: two bytes of the input choose type and size of each tensor. */
static void write_sound(const char *path, const uint8_t *data, size_t size)
{
	static const char *const names[TENSORS] = {
		"array.memory", "array.x", "epoch", "lines", "weights"};
	static const int64_t zeros[8 * 16];
	fv_ctx *ctx = core_ctx_new();
	core_tensor_out tensor[TENSORS];
	size_t n = 0;
	for (size_t i = 0; i < TENSORS; i++) {
		uint8_t kind = i < size ? data[i] : 0, count = i + 5 < size ? data[i + 5] : 1;
		if (kind & 8)
			continue;
		tensor[n++] = (core_tensor_out){.name = names[i],
			.dtype = kind & 1 ? "I64" : "F64",
			.rank = kind & 2 ? 2 : 1,
			.shape = {count % 8, kind & 2 ? count / 16 : 1},
			.data = zeros};
	}
	char hex[17];
	hash_tensors(tensor, n, sizeof *zeros, hex);
	const core_meta_out meta[] = {
		{"format", "fairvox-checkpoint/1"}, {"key", "key"}, {"xxh3", hex}};
	fuzz_require(!core_safetensors_write_loose(ctx, path, tensor, n, meta, 3),
		"a checkpoint cannot be written");
	core_ctx_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[512];
	static const char *const name[] = {"state.safetensors"};
	snprintf(path, sizeof path, "%s/%s", fuzz_make_folder(), name[0]);
	fuzz_write_parts(data, size, name, 1);
	restore(path);
	write_sound(path, data, size);
	restore(path);
	return 0;
}
