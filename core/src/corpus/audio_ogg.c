/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of an Ogg file (RFC 3533). libsndfile reads one logical stream; files that were joined
 * hold several, one after the other. */
#include <string.h>

#include "corpus/audio_source.h"

#define PAGE_HEADER 27
#define FIRST_PAGE 2 /* flag of the page that begins a stream */

fv_status core_ogg_check(core_source *s)
{
	uint8_t page[PAGE_HEADER + 255];
	int64_t at = 0, second = 0;
	int32_t streams = 0;
	bool inside = false; /* behind the first pages of a stream */
	for (;;) {
		ssize_t got = core_source_bytes(s, at, page, sizeof page);
		if (got < PAGE_HEADER || memcmp(page, "OggS", 4) ||
			got < PAGE_HEADER + page[PAGE_HEADER - 1])
			break;
		size_t segments = page[PAGE_HEADER - 1];
		bool first = page[5] & FIRST_PAGE;
		if (first && (inside || !streams)) {
			second = streams == 1 ? at : second;
			streams++;
		}
		inside = !first;
		at += PAGE_HEADER + (int64_t)segments;
		for (size_t i = 0; i < segments; i++)
			at += page[PAGE_HEADER + i];
	}
	if (streams <= 1)
		return FV_OK;
	return fv_fail(s->ctx, FV_DATA,
		"%s: %d Ogg streams one after the other, the second from byte %lld on: join them, "
		"for example with ffmpeg -i IN OUT.wav",
		s->path, (int)streams, (long long)second);
}
