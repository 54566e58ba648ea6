/* SPDX-License-Identifier: Apache-2.0 */
/* What a download reads: the catalogue, or a zip archive whose member is extracted. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "fetch/archive.h"
#include "fetch/caches.h"
#include "fuzz.h"

static void read_catalogue(fv_ctx *ctx, const char *path)
{
	core_catalogue catalogue;
	fv_status status = core_catalogue_read(ctx, path, &catalogue);
	fuzz_check_status(ctx, status);
	for (size_t i = 0; !status && i < catalogue.n; i++) {
		const core_item *item = &catalogue.item[i];
		fuzz_require(core_catalogue_find(ctx, &catalogue, item->name) != NULL,
			"an item is not found");
		for (size_t k = 0; k < item->n_forms; k++)
			(void)core_form_find_pointer(ctx, &item->form[k]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	const char *path = fuzz_write_file(data, size);
	if (size > 4 && !memcmp(data, "PK\3\4", 4)) {
		char hex[CORE_SHA256_HEX], target[512];
		core_sha256_bytes("hello\n", 6, hex);
		snprintf(target, sizeof target, "%s/member", fuzz_make_folder());
		fuzz_check_status(
			ctx, core_archive_extract(ctx, path, "folder/a.txt", 6, hex, target));
	} else {
		read_catalogue(ctx, path);
	}
	core_ctx_free(ctx);
	return 0;
}
