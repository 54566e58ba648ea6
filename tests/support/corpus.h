/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers of the tests that read a corpus. */
#ifndef TEST_CORPUS_H
#define TEST_CORPUS_H

#include "corpus/corpus.h"
#include "support.h"

/* Returns the utterance with this stem; fails the test if there is none. */
int32_t test_find_stem(const core_corpus *corpus, const char *stem);

#endif
