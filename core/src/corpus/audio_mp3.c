/* SPDX-License-Identifier: Apache-2.0 */
/* MPEG audio, decoded by libmpg123 from memory, frame by frame to the end of the stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mpg123.h>

#include "base/memory.h"
#include "corpus/audio_source.h"
#include "corpus/mp3_frames.h"

#define DECODER_DELAY 529 /* samples of layer III */

/* The bytes of one part, as the decoder reads them. */
struct bytes {
	const uint8_t *data;
	int64_t size, at;
};

struct mp3 {
	uint8_t *data;
	core_mp3_stream stream;
	mpg123_handle *decoder;
	struct bytes bytes;
	int32_t part;      /* the next to decode */
	int64_t part_read; /* frames decoded of the current part */
};

static ssize_t read_part(void *user, void *out, size_t size)
{
	struct bytes *b = user;
	size_t left = (size_t)(b->size - b->at), n = size < left ? size : left;
	memcpy(out, b->data + b->at, n);
	b->at += (int64_t)n;
	return (ssize_t)n;
}

static off_t seek_part(void *user, off_t offset, int whence)
{
	struct bytes *b = user;
	int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? b->at : b->size;
	int64_t at = from + offset;
	if (at < 0 || at > b->size)
		return -1;
	b->at = at;
	return (off_t)at;
}

static fv_status load_file(core_source *s, struct mp3 *m)
{
	m->data = malloc((size_t)s->bytes);
	if (!m->data)
		return fv_fail(s->ctx, FV_FAILED, "%s: out of memory", s->path);
	ssize_t got = core_source_bytes(s, 0, m->data, (size_t)s->bytes);
	if (got < 0)
		return fv_fail(s->ctx, FV_DATA, "%s: cannot read: %s", s->path, strerror(errno));
	if (got < s->bytes)
		return fv_fail(
			s->ctx, FV_DATA, "%s: has become shorter while it was read", s->path);
	return FV_OK;
}

/* Trims the delay and padding of the encoder where the stream tells them. Where more frames follow
 * than it states, nothing is trimmed: they belong to another recording, appended without its facts. */
static bool is_trimmed(const core_mp3_part *part)
{
	return part->states_delay && part->stated == part->frames;
}

static fv_status open_part(core_source *s, struct mp3 *m)
{
	const core_mp3_part *part = &m->stream.part[m->part++];
	mpg123_close(m->decoder);
	m->bytes = (struct bytes){m->data + part->start, part->end - part->start, 0};
	m->part_read = 0;
	errno = 0;
	long rate;
	int channels, encoding;
	if (mpg123_param(m->decoder, is_trimmed(part) ? MPG123_ADD_FLAGS : MPG123_REMOVE_FLAGS,
		    MPG123_GAPLESS, 0) ||
		mpg123_open_handle(m->decoder, &m->bytes) ||
		mpg123_getformat(m->decoder, &rate, &channels, &encoding)) {
		(void)core_memory_note_errno();
		return fv_fail(s->ctx, FV_DATA,
			"%s: damaged: the MP3 stream at byte %lld cannot be decoded", s->path,
			(long long)part->start);
	}
	if (rate != s->rate_hz || channels != s->channels || encoding != MPG123_ENC_FLOAT_32)
		return fv_fail(s->ctx, FV_DATA,
			"%s: its frames say %d Hz and %d channel%s, but %ld Hz and %d are decoded",
			s->path, (int)s->rate_hz, (int)s->channels, s->channels > 1 ? "s" : "",
			rate, channels);
	return FV_OK;
}

/* Frames that the current part holds, without the encoder's delay and padding. libmpg123 also leaves
 * out the delay of the decoder at the start, and as many of the frames at the end as the padding is
 * longer than this delay. */
static int64_t count_part_frames(const struct mp3 *m, const core_mp3_part *part)
{
	int64_t frames = part->frames * m->stream.frame_samples;
	long delay, padding;
	if (is_trimmed(part) && !mpg123_getstate(m->decoder, MPG123_ENC_DELAY, &delay, NULL) &&
		!mpg123_getstate(m->decoder, MPG123_ENC_PADDING, &padding, NULL) && delay >= 0 &&
		padding >= 0)
		frames -= delay + (padding > DECODER_DELAY ? padding : DECODER_DELAY);
	return frames > 0 ? frames : 0;
}

/* Opens each part once to add up the frames. */
static fv_status count_frames(core_source *s, struct mp3 *m)
{
	fv_status status = FV_OK;
	s->frames = 0;
	while (!status && m->part < m->stream.n_parts) {
		status = open_part(s, m);
		if (!status)
			s->frames += count_part_frames(m, &m->stream.part[m->part - 1]);
	}
	m->part = 0;
	return status;
}

/* Reads what is left of the open part. */
static fv_status read_open_part(
	core_source *s, struct mp3 *m, float *block, int64_t frames, int64_t *got)
{
	size_t frame = (size_t)s->channels * sizeof *block, done = 0;
	*got = 0;
	errno = 0;
	while (*got < frames) {
		int result = mpg123_read(m->decoder, (unsigned char *)(block + *got * s->channels),
			(size_t)(frames - *got) * frame, &done);
		*got += (int64_t)(done / frame);
		if (result == MPG123_DONE)
			break;
		if (result) {
			(void)core_memory_note_errno();
			return fv_fail(s->ctx, FV_DATA,
				"%s: damaged: the MP3 stream cannot be decoded after %lld samples",
				s->path, (long long)s->read_frames + *got);
		}
	}
	m->part_read += *got;
	return FV_OK;
}

static fv_status check_part(const core_source *s, const struct mp3 *m)
{
	if (!m->part)
		return FV_OK;
	int64_t held = count_part_frames(m, &m->stream.part[m->part - 1]);
	if (m->part_read == held)
		return FV_OK;
	return fv_fail(s->ctx, FV_DATA, "%s: damaged: %lld of %lld samples can be decoded", s->path,
		(long long)m->part_read, (long long)held);
}

static fv_status mp3_read(core_source *s, float *block, int64_t frames, int64_t *got)
{
	struct mp3 *m = s->state;
	*got = 0;
	while (*got < frames) {
		int64_t more = 0;
		fv_status status = m->part ? read_open_part(s, m, block + *got * s->channels,
						     frames - *got, &more)
					   : FV_OK;
		*got += more;
		if (!status && *got < frames) {
			status = check_part(s, m);
			if (!status && m->part == m->stream.n_parts)
				break;
			if (!status)
				status = open_part(s, m);
		}
		if (status)
			return status;
	}
	s->read_frames += *got;
	return FV_OK;
}

static fv_status mp3_check(core_source *s)
{
	(void)s;
	return FV_OK; /* reading checks each part */
}

static void mp3_close(core_source *s)
{
	struct mp3 *m = s->state;
	if (m->decoder)
		mpg123_delete(m->decoder);
	free(m->data);
	free(m);
}

static const core_decoder mp3_decoder = {mp3_read, NULL, mp3_check, mp3_close};

static fv_status make_decoder(core_source *s, struct mp3 *m)
{
	static bool ready; /* workers are processes */
	if (!ready)
		ready = mpg123_init() == MPG123_OK;
	m->decoder = ready ? mpg123_new(NULL, NULL) : NULL;
	if (!m->decoder ||
		mpg123_param(m->decoder, MPG123_ADD_FLAGS, MPG123_FORCE_FLOAT | MPG123_QUIET, 0) ||
		mpg123_param(m->decoder, MPG123_REMOVE_FLAGS, MPG123_AUTO_RESAMPLE, 0) ||
		mpg123_replace_reader_handle(m->decoder, read_part, seek_part, NULL))
		return fv_fail(s->ctx, FV_FAILED, "%s: out of memory", s->path);
	return FV_OK;
}

fv_status core_mp3_open(core_source *s, int64_t from, int64_t to)
{
	struct mp3 *m = calloc(1, sizeof *m);
	if (!m)
		return fv_fail(s->ctx, FV_FAILED, "%s: out of memory", s->path);
	s->state = m;
	s->decoder = &mp3_decoder;
	fv_status status = load_file(s, m);
	if (!status)
		status = core_mp3_find_frames(s->ctx, s->path, m->data, from, to, &m->stream);
	if (status)
		return status;
	s->rate_hz = m->stream.rate_hz;
	s->channels = m->stream.channels;
	status = make_decoder(s, m);
	return status ? status : count_frames(s, m);
}
