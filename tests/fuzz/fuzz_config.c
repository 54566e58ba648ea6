/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a configuration against a registry built by hand: it gives variants or errors. */
#include "config/config.h"
#include "fuzz.h"
#include "registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	core_config *config;
	fv_status status = core_config_load(
		ctx, test_registry(), fuzz_write_file(data, size), NULL, 0, CORE_NEED_RUN, &config);
	fuzz_check_status(ctx, status);
	for (size_t i = 0; !status && i < config->n_variants; i++) {
		core_text text = {0};
		core_config_origins(ctx, config, i, &text);
		core_text_free(&text);
	}
	core_ctx_free(ctx);
	return 0;
}
