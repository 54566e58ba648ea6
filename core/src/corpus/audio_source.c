/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/audio_source.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/content.h"
#include "base/io.h"
#include "base/path.h"
#include "corpus/mp3_frames.h"
#include "corpus/mp3_tags.h"

#define START_BYTES 16384 /* more than two frames of MP3 */

ssize_t core_source_bytes(core_source *s, int64_t at, void *bytes, size_t size)
{
	ssize_t n = core_pread_fully(s->fd, bytes, size, at);
	if (n >= 0)
		return n;
	if (!s->unread)
		s->unread = errno;
	if (errno == EIO) /* so that no failure that follows is taken for damage */
		core_note_disk_error(s->path);
	return n;
}

fv_status core_source_check(const core_source *s)
{
	return s->unread ? fv_fail(s->ctx, FV_FAILED, "%s: cannot read: %s", s->path,
				   strerror(s->unread))
			 : FV_OK;
}

/* Reads the first bytes behind any ID3v2 tags. *tagged: there are such tags. */
static ssize_t read_start(core_source *s, uint8_t start[START_BYTES], bool *tagged)
{
	int64_t at = 0;
	ssize_t n = core_source_bytes(s, 0, start, START_BYTES);
	*tagged = false;
	for (int64_t size; n > 0 && (size = core_measure_id3v2(start, n)); *tagged = true) {
		at += size;
		n = core_source_bytes(s, at, start, START_BYTES);
	}
	return n;
}

/* Is this the name of a kind that libsndfile knows? */
static bool is_sndfile_kind(const char *name)
{
	static const char *const kinds[] = {
		"WAVE", "AIFF", "FLAC", "Ogg", "AU recording", "CAF", "SPHERE"};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strstr(name, kinds[i]))
			return true;
	return false;
}

/* Chooses the decoder by the file's first bytes, and by its name where they tell nothing. A file
 * that is known to be something else is not given to libsndfile, which would guess. */
static fv_status open_decoder(core_source *s)
{
	uint8_t start[START_BYTES];
	bool tagged;
	ssize_t n = read_start(s, start, &tagged);
	if (n < 0)
		return fv_fail(s->ctx, FV_DATA, "%s: cannot read: %s", s->path, strerror(errno));
	const char *kind = n ? core_content_describe(s->ctx, start, (size_t)n) : NULL;
	const char *dot = strrchr(core_path_base(s->path), '.');
	bool named = dot && !strcasecmp(dot, ".mp3");
	bool vague = !kind || strstr(kind, "zero bytes");
	bool mpeg = vague ? named || tagged || core_is_mp3(start, n)
			  : !strncmp(kind, "an MP3", 6) || !strncmp(kind, "an MPEG recording", 17);
	if (mpeg)
		return core_mp3_open(s, 0, s->bytes);
	int64_t from, to;
	if (core_wav_find_mpeg(s, &from, &to)) {
		fv_status status = core_wav_check(s);
		return status ? status : core_mp3_open(s, from, to);
	}
	return kind && !is_sndfile_kind(kind) ? core_source_report_kind(s, kind)
					      : core_sndfile_open(s);
}

static fv_status open_file(core_source *s)
{
	struct stat st;
	fv_status status = core_open_file(s->ctx, s->path, &s->fd, &st);
	if (status)
		return status;
	s->bytes = st.st_size;
	return s->bytes ? FV_OK : fv_fail(s->ctx, FV_DATA, "%s: empty file", s->path);
}

fv_status core_source_open(fv_ctx *ctx, const char *path, core_source *out)
{
	*out = (core_source){.ctx = ctx, .path = path, .fd = -1, .frames = -1};
	fv_status status = open_file(out);
	return status ? status : open_decoder(out);
}

void core_source_close(core_source *source)
{
	if (source->decoder && source->state)
		source->decoder->close(source);
	if (source->fd >= 0)
		close(source->fd);
	source->state = NULL;
	source->fd = -1;
}
