/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"

#include <string.h>

#include "base/file.h"

const char *test_corpus_write(fv_ctx *ctx, const char *name, const char *text)
{
	const char *path = core_path_join(ctx, test_folder("corpus"), name);
	test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
	return path;
}

core_corpus *test_corpus_read(fv_ctx *ctx, const core_corpus_spec *spec, int64_t fold)
{
	core_corpus *c;
	test_ok(ctx, core_corpus_read(ctx, spec, fold, &c));
	return c;
}

core_corpus *test_corpus_read_text(
	fv_ctx *ctx, core_corpus_spec *spec, int64_t fold, const char *text)
{
	spec->labels = test_corpus_write(ctx, "labels.csv", text);
	return test_corpus_read(ctx, spec, fold);
}

int32_t test_find_stem(const core_corpus *corpus, const char *stem)
{
	for (int32_t i = 0; i < corpus->n; i++)
		if (!strcmp(corpus->stem[i], stem))
			return i;
	fail_msg("no stem %s", stem);
	return -1;
}
