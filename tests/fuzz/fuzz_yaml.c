/* SPDX-License-Identifier: Apache-2.0 */
/* The YAML reader: an accepted tree is written and read back as an equal tree. */
#include <string.h>

#include "base/text.h"
#include "config/yaml.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	core_yaml *root, *back;
	fv_status status = core_yaml_parse(ctx, "input", (const char *)data, size, &root);
	fuzz_check_status(ctx, status);
	if (!status) {
		core_text text = {0}, flow = {0};
		fuzz_require(
			core_yaml_canonical_text(ctx, root, NULL) != NULL, "a tree without a key");
		core_yaml_write_flow(root, &flow);
		fuzz_require(
			!core_yaml_write(ctx, root, NULL, &text), "a tree that cannot be written");
		fuzz_require(!core_yaml_parse(ctx, "back", text.data, text.size, &back),
			"what was written cannot be read");
		fuzz_require(core_yaml_equal(root, back), "what was written is another tree");
		core_text_free(&text);
		core_text_free(&flow);
	}
	core_ctx_free(ctx);
	return 0;
}
