/* SPDX-License-Identifier: Apache-2.0 */
/* Tags in and around MPEG audio: ID3v1, ID3v2, APE, Lyrics3, and zero bytes. */
#ifndef CORE_CORPUS_MP3_TAGS_H
#define CORE_CORPUS_MP3_TAGS_H

#include <stdint.h>

/* Bytes of the ID3v2 tag at the start of data[0, n); 0: there is none. The tag may be longer than n. */
int64_t core_measure_id3v2(const uint8_t *data, int64_t n);
/* Returns where the tag that begins at `at` ends, or `at` if none begins there. Zero bytes up to `end`
 * count as a tag. */
int64_t core_skip_tag(const uint8_t *data, int64_t at, int64_t end);
/* The same for all tags and zero bytes in a row. */
int64_t core_skip_tags(const uint8_t *data, int64_t at, int64_t end);
/* Returns where the tags begin that a file of this size ends with. */
int64_t core_trim_tags(const uint8_t *data, int64_t size);

#endif
