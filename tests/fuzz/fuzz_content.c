/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is: its name is one line of text. */
#include <string.h>

#include "base/content.h"
#include "base/utf8.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	const char *name = core_content_name(data, size);
	const char *said = core_content_describe(ctx, data, size);
	const char *file = core_content_of_file(ctx, fuzz_write_file(data, size));
	fuzz_require(!name || said, "what has a name is described");
	fuzz_require(!said || !strchr(said, '\n'), "a description that is no line");
	fuzz_require((said == NULL) == (file == NULL) || size > 4096, "a file is something else");
	core_ctx_free(ctx);
	return 0;
}
