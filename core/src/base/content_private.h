/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of content.c: each names one family of files, or returns NULL. */
#ifndef CORE_BASE_CONTENT_PRIVATE_H
#define CORE_BASE_CONTENT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* True if the n bytes at `start` have these bytes at an offset. */
static inline bool core_has_bytes(
	const uint8_t *start, size_t n, size_t offset, const void *bytes, size_t size)
{
	return n >= size && offset <= n - size && memcmp(start + offset, bytes, size) == 0;
}
/* The same for a string literal, whose NUL does not count. */
#define core_has(start, n, offset, literal)                                                        \
	core_has_bytes(start, n, offset, literal, sizeof(literal) - 1)

const char *core_zip_content(const uint8_t *zip, size_t n);     /* starts with PK\3\4 */
const char *core_model_content(const uint8_t *start, size_t n); /* weights without a fixed start */
const char *core_media_content(const uint8_t *start, size_t n); /* audio, video and images */
/* Text with a known first line, markup, JSON, and text in UTF-16 or UTF-32. */
const char *core_text_content(const uint8_t *start, size_t n);

#endif
