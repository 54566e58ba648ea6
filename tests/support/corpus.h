/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the tests that read a corpus. */
#ifndef TEST_CORPUS_H
#define TEST_CORPUS_H

#include "corpus/corpus.h"
#include "support.h"

/* Writes a file into a new folder and returns its path. */
const char *test_corpus_write(fv_ctx *ctx, const char *name, const char *text);
/* Reads a corpus; the second with this text as its label file. They fail the test if it cannot be read. */
core_corpus *test_corpus_read(fv_ctx *ctx, const core_corpus_spec *spec, int64_t fold);
core_corpus *test_corpus_read_text(
	fv_ctx *ctx, core_corpus_spec *spec, int64_t fold, const char *text);

/* Fails the test unless a corpus with this text as its label file is refused so. */
void test_corpus_refuse_text(
	fv_ctx *ctx, core_corpus_spec *spec, fv_status status, const char *text, const char *want);
/* Fails the test unless the row has this label [classes]. */
void test_corpus_check_label(const core_corpus *corpus, const char *stem, const double *want);
/* "train dev test": the stems of each split, in order, without blanks between them. */
const char *test_corpus_join_splits(fv_ctx *ctx, const core_corpus *corpus);
/* A log that appends lines to a text of TEST_NOTES bytes. */
enum { TEST_NOTES = 4096 };
void test_corpus_note(void *notes, core_level level, const char *line);

/* Returns the utterance with this stem; fails the test if there is none. */
int32_t test_find_stem(const core_corpus *corpus, const char *stem);

#endif
