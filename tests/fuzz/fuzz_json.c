/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: a file of results, the receipt of a download, and an index of weights with its files, which are the parts of the input
 * behind lines of "====". */
#include <stdio.h>

#include "base/hash.h"
#include "base/json.h"
#include "checkpoint/split.h"
#include "fetch/file.h"
#include "fuzz.h"

static const char *const names[] = {
	"index.json", "model-1.safetensors", "model-2.safetensors", "receipt.json"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	json_t *root = NULL;
	char hex[CORE_SHA256_HEX], path[512];
	fuzz_write_parts(data, size, names, sizeof names / sizeof *names);
	fv_status status = core_json_read(ctx, fuzz_make_folder(), names[0], &root);
	fuzz_check_status(ctx, status);
	json_decref(status ? NULL : root);
	core_error_clear(ctx);
	snprintf(path, sizeof path, "%s/%s", fuzz_make_folder(), names[0]);
	(void)fuzz_read_tensors(ctx, path, size);
	core_error_clear(ctx);
	fuzz_check_status(ctx, core_weights_sha256(ctx, path, hex));
	snprintf(path, sizeof path, "%s/%s", fuzz_make_folder(), names[3]);
	(void)core_receipt_read_sha256(ctx, path, NULL);
	(void)core_receipt_read_sha256(ctx, path, "a.wav");
	core_ctx_free(ctx);
	return 0;
}
