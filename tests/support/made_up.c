/* SPDX-License-Identifier: Apache-2.0 */
#include "made_up.h"

#include <string.h>

core_contract test_contract_run(fv_ctx *ctx, const fv_descriptor *d)
{
	core_contract result;
	core_contract_options options = {.profile = "paper"};
	test_ok(ctx, core_contract_check(ctx, d, &options, &result));
	return result;
}

void test_contract_expect(const fv_descriptor *d, bool fault, const char *name, const char *words)
{
	fv_ctx *ctx = test_ctx();
	core_contract result = test_contract_run(ctx, d);
	for (size_t i = 0; i < result.n; i++)
		if (result.finding[i].fault == fault && !strcmp(result.finding[i].check, name) &&
			strstr(result.finding[i].text, words)) {
			core_ctx_free(ctx);
			return;
		}
	for (size_t i = 0; i < result.n; i++)
		print_error("  %s: %s\n", result.finding[i].check, result.finding[i].text);
	fail_msg("no finding '%s' of %s", words, name);
}
