/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"

#include <stdio.h>
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
	spec->labels = test_corpus_write(ctx, "l.csv", text);
	return test_corpus_read(ctx, spec, fold);
}

void test_corpus_refuse_text(
	fv_ctx *ctx, core_corpus_spec *spec, fv_status status, const char *text, const char *want)
{
	core_corpus *c;
	spec->labels = test_corpus_write(ctx, "l.csv", text);
	test_fails(ctx, core_corpus_read(ctx, spec, 0, &c), status, want);
}

void test_corpus_check_label(const core_corpus *c, const char *stem, const double *want)
{
	const float *y = c->label + (size_t)test_find_stem(c, stem) * (size_t)c->classes;
	for (int32_t k = 0; k < c->classes; k++)
		test_close(y[k], want[k], 1e-6);
}

const char *test_corpus_join_splits(fv_ctx *ctx, const core_corpus *c)
{
	const char *all = "";
	for (int32_t s = 0; s < CORE_SPLITS + c->n_sets; s++) {
		all = core_format(ctx, s ? "%s " : "%s", all);
		for (int32_t i = 0; i < c->n; i++)
			if (c->split[i] == s)
				all = core_format(ctx, "%s%s", all, c->stem[i]);
	}
	return all;
}

void test_corpus_note(void *notes, core_level level, const char *line)
{
	char *text = notes;
	(void)level;
	snprintf(text + strlen(text), TEST_NOTES - strlen(text), "%s\n", line);
}

int32_t test_find_stem(const core_corpus *corpus, const char *stem)
{
	for (int32_t i = 0; i < corpus->n; i++)
		if (!strcmp(corpus->stem[i], stem))
			return i;
	fail_msg("no stem %s", stem);
	return -1;
}
