/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/mp3_frames.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/mp3_tags.h"

#define HEADER_BYTES 4
#define FREE_FRAME_MAX 16384      /* bytes of a frame of free format */
#define LEADING_MAX (1024 * 1024) /* bytes in front of the first frame */
#define FRAMES_AGREE 3            /* frames in a row that tell a stream from other bytes */

struct header {
	int32_t version;                                    /* 1, 2; 3: the unofficial 2.5 */
	int32_t layer, rate_hz, channels, samples, bitrate; /* bitrate: kbit/s, 0: free format */
	bool padded;
};

struct walk {
	fv_ctx *ctx;
	const char *path;
	const uint8_t *data;
	int64_t at, end;
	int64_t last_size; /* bytes of the frame in front of `at` */
	struct header first;
	int64_t free_size; /* bytes of an unpadded frame of free format; 0: not yet known */
	core_mp3_stream *out;
	int32_t room;
};

static bool parse_header(const uint8_t *p, struct header *h)
{
	static const int32_t rates[] = {44100, 48000, 32000};
	static const int16_t bitrates[2][3][15] = {
		{{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
			{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
			{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}},
		{{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
			{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
			{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}}};
	static const int32_t versions[] = {3, 0, 2, 1};
	int32_t bitrate = p[2] >> 4, rate = (p[2] >> 2) & 3;
	h->version = versions[(p[1] >> 3) & 3];
	h->layer = 4 - ((p[1] >> 1) & 3);
	if (p[0] != 0xff || (p[1] & 0xe0) != 0xe0 || !h->version || h->layer == 4 ||
		bitrate == 15 || rate == 3)
		return false;
	h->bitrate = bitrates[h->version > 1][h->layer - 1][bitrate];
	h->rate_hz = rates[rate] >> (h->version - 1);
	h->channels = p[3] >> 6 == 3 ? 1 : 2;
	h->samples = h->layer == 1 ? 384 : h->layer == 3 && h->version > 1 ? 576 : 1152;
	h->padded = (p[2] >> 1) & 1;
	return true;
}

static bool is_same_stream(const struct header *a, const struct header *b)
{
	return a->version == b->version && a->layer == b->layer && a->rate_hz == b->rate_hz &&
	       a->channels == b->channels && !a->bitrate == !b->bitrate;
}

static bool read_header(const struct walk *w, int64_t at, struct header *h)
{
	return w->end - at >= HEADER_BYTES && parse_header(w->data + at, h);
}

/* Bytes of a frame without its padding; 0: of free format. */
static int64_t count_frame_bytes(const struct header *h)
{
	if (h->layer == 1)
		return (int64_t)12000 * h->bitrate / h->rate_hz * 4;
	return (int64_t)(h->samples / 8) * 1000 * h->bitrate / h->rate_hz;
}

static int64_t count_padding(const struct header *h)
{
	return h->padded ? h->layer == 1 ? 4 : 1 : 0;
}

/* A frame of free format ends where the next one begins. */
static int64_t measure_free_frame(const struct walk *w, int64_t at, const struct header *h)
{
	struct header next;
	for (int64_t n = 16; n < FREE_FRAME_MAX; n++)
		if (read_header(w, at + n, &next) && is_same_stream(h, &next))
			return n - count_padding(h);
	return 0;
}

/* Bytes of the frame at `at`; 0: not known. */
static int64_t find_frame_size(struct walk *w, int64_t at, const struct header *h)
{
	if (h->bitrate)
		return count_frame_bytes(h) + count_padding(h);
	if (!w->free_size)
		w->free_size = measure_free_frame(w, at, h);
	return w->free_size ? w->free_size + count_padding(h) : 0;
}

/* Do frames of one stream follow each other from here on, up to the end or several in a row? */
static bool starts_stream(struct walk *w, int64_t at)
{
	struct header first = {0}, h;
	w->free_size = 0;
	for (int i = 0; i < FRAMES_AGREE; i++) {
		if (!read_header(w, at, &h) || (i && !is_same_stream(&first, &h)))
			return i > 0 && (at >= w->end || core_skip_tag(w->data, at, w->end) > at);
		if (!i)
			first = h;
		int64_t size = find_frame_size(w, at, &h);
		if (!size)
			return false;
		at += size;
	}
	return true;
}

bool core_is_mp3(const uint8_t *data, int64_t size)
{
	struct walk w = {.data = data, .end = size};
	int64_t at = core_skip_tags(data, 0, size);
	struct header h;
	if (!read_header(&w, at, &h))
		return false;
	int64_t next = at + find_frame_size(&w, at, &h);
	struct header second;
	return next == at || !read_header(&w, next, &second) || is_same_stream(&h, &second);
}

/* Moves to the first frame from `from` on. */
static fv_status find_first_frame(struct walk *w, int64_t from)
{
	int64_t start = core_skip_tags(w->data, from, w->end), last = w->end - HEADER_BYTES;
	if (last > start + LEADING_MAX)
		last = start + LEADING_MAX;
	for (w->at = start; w->at <= last; w->at++)
		if (w->data[w->at] == 0xff && starts_stream(w, w->at))
			break;
	if (w->at > last)
		return fv_fail(w->ctx, FV_DATA,
			"%s: no frames of MP3 are in it: damaged, or no MP3", w->path);
	(void)read_header(w, w->at, &w->first);
	struct header h;
	if (read_header(w, start, &h) && is_same_stream(&w->first, &h))
		w->at = start; /* a frame, and damage behind it */
	w->out->rate_hz = w->first.rate_hz;
	w->out->channels = w->first.channels;
	w->out->frame_samples = w->first.samples;
	return FV_OK;
}

static uint32_t read_big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* What a frame that holds no sound says about the stream. */
struct info {
	bool found;
	bool skipped; /* libmpg123 does not know its kind, and would decode it */
	int64_t stated;
	bool states_delay;
};

/* Does a Xing or Info header state the encoder's delay and padding? They are 12 bits each, behind
 * the fields that its flags announce, the name of the encoder and facts about it. */
static bool has_delay(const uint8_t *xing, int64_t size)
{
	int64_t name = 8, delay;
	name += xing[7] & 1 ? 4 : 0;   /* frames */
	name += xing[7] & 2 ? 4 : 0;   /* bytes */
	name += xing[7] & 4 ? 100 : 0; /* table of contents */
	name += xing[7] & 8 ? 4 : 0;   /* quality */
	delay = name + 21;
	return size >= delay + 3 && xing[name] &&
	       (xing[delay] || xing[delay + 1] || xing[delay + 2]);
}

static struct info read_info_frame(
	const struct walk *w, int64_t at, int64_t size, const struct header *h)
{
	const uint8_t *frame = w->data + at;
	int64_t side = h->version == 1 ? h->channels == 1 ? 17 : 32 : h->channels == 1 ? 9 : 17;
	int64_t xing = HEADER_BYTES + side, vbri = HEADER_BYTES + 32;
	struct info info = {.stated = -1};
	if (h->layer != 3)
		return info;
	if (size >= vbri + 18 && !memcmp(frame + vbri, "VBRI", 4)) {
		info.found = info.skipped = true;
		int64_t stated = read_big_endian(frame + vbri + 14);
		info.stated = stated > 0 ? stated - 1 : 0; /* it may count itself */
	} else if (size >= xing + 8 &&
		   (!memcmp(frame + xing, "Xing", 4) || !memcmp(frame + xing, "Info", 4))) {
		info.found = true;
		if ((frame[xing + 7] & 1) && size >= xing + 12)
			info.stated = read_big_endian(frame + xing + 8);
		info.states_delay = has_delay(frame + xing, size - xing);
	}
	return info;
}

/* Starts a part at a frame of `size` bytes. */
static fv_status add_part(struct walk *w, const struct info *info, int64_t size)
{
	core_mp3_stream *out = w->out;
	if (out->n_parts == w->room) {
		int32_t room = 2 * w->room + 1;
		core_mp3_part *grown = core_alloc(w->ctx, (size_t)room, sizeof *grown);
		if (!grown)
			return FV_FAILED;
		if (out->n_parts)
			memcpy(grown, out->part, (size_t)out->n_parts * sizeof *grown);
		out->part = grown;
		w->room = room;
	}
	out->part[out->n_parts++] = (core_mp3_part){.start = w->at + (info->skipped ? size : 0),
		.stated = info->stated,
		.states_delay = info->states_delay};
	return FV_OK;
}

/* Reports bytes at w->at that are no frame. Behind the last one they are left out if all that was
 * stated is there, or if they are fewer than a frame has. */
static fv_status check_other_bytes(struct walk *w)
{
	const core_mp3_part *part = &w->out->part[w->out->n_parts - 1];
	int64_t next = w->at + 1;
	while (next < w->end && !(w->data[next] == 0xff && starts_stream(w, next)))
		next++;
	if (next < w->end)
		return fv_fail(w->ctx, FV_DATA,
			"%s: damaged: %lld bytes from byte %lld on are no frame of MP3", w->path,
			(long long)(next - w->at), (long long)w->at);
	bool all = part->stated >= 0 && part->frames >= part->stated;
	if (!all && w->end - w->at >= w->last_size)
		return fv_fail(w->ctx, FV_DATA,
			"%s: damaged or cut short: the last %lld bytes, from byte %lld on, are no "
			"frame of MP3: if nothing is missing, convert it, for example with "
			"ffmpeg -i IN OUT.wav",
			w->path, (long long)(w->end - w->at), (long long)w->at);
	w->at = w->end;
	return FV_OK;
}

static fv_status check_header(const struct walk *w, const struct header *h)
{
	if (h->rate_hz == w->first.rate_hz && h->channels == w->first.channels)
		return FV_OK;
	return fv_fail(w->ctx, FV_DATA,
		"%s: changes at byte %lld from %d Hz and %d channel%s to %d Hz and %d channel%s: "
		"convert it, for example with ffmpeg -i IN OUT.wav",
		w->path, (long long)w->at, (int)w->first.rate_hz, (int)w->first.channels,
		w->first.channels > 1 ? "s" : "", (int)h->rate_hz, (int)h->channels,
		h->channels > 1 ? "s" : "");
}

/* Counts the frame at w->at and moves behind it. */
static fv_status add_frame(struct walk *w, const struct header *h, int64_t size)
{
	struct info info = read_info_frame(w, w->at, size, h);
	if ((info.found || !w->out->n_parts) && add_part(w, &info, size))
		return FV_FAILED;
	core_mp3_part *part = &w->out->part[w->out->n_parts - 1];
	part->frames += !info.found;
	w->last_size = size;
	w->at += size;
	part->end = w->at;
	return FV_OK;
}

static fv_status report_missing(const struct walk *w, const core_mp3_part *part)
{
	int64_t samples = w->out->frame_samples;
	return fv_fail(w->ctx, FV_DATA, "%s: damaged or cut short: %lld of %lld samples", w->path,
		(long long)part->frames * samples, (long long)part->stated * samples);
}

/* Reports that the frame at w->at is longer than the file. */
static fv_status report_cut_frame(const struct walk *w, int64_t size)
{
	int32_t n = w->out->n_parts;
	if (n && w->out->part[n - 1].frames < w->out->part[n - 1].stated)
		return report_missing(w, &w->out->part[n - 1]);
	return fv_fail(w->ctx, FV_DATA,
		"%s: cut short: %lld of %lld bytes of the last frame: if nothing is missing, "
		"convert it, for example with ffmpeg -i IN OUT.wav",
		w->path, (long long)(w->end - w->at), (long long)size);
}

static fv_status step_frame(struct walk *w)
{
	struct header h;
	int64_t behind = core_skip_tag(w->data, w->at, w->end);
	if (behind > w->at) {
		w->at = behind;
		return FV_OK;
	}
	bool frame = read_header(w, w->at, &h) && h.layer == w->first.layer;
	if (frame && !is_same_stream(&w->first, &h)) {
		struct walk ahead = *w;
		if (!starts_stream(&ahead, w->at))
			frame = false;
		else if (check_header(w, &h))
			return FV_DATA;
	}
	int64_t size = frame ? find_frame_size(w, w->at, &h) : 0;
	if (!size)
		return check_other_bytes(w);
	return size > w->end - w->at ? report_cut_frame(w, size) : add_frame(w, &h, size);
}

/* Compares the frames of each part with what it states. */
static fv_status check_stated(const struct walk *w)
{
	for (int32_t i = 0; i < w->out->n_parts; i++)
		if (w->out->part[i].frames < w->out->part[i].stated)
			return report_missing(w, &w->out->part[i]);
	return FV_OK;
}

fv_status core_mp3_find_frames(fv_ctx *ctx, const char *path, const uint8_t *data, int64_t from,
	int64_t to, core_mp3_stream *out)
{
	*out = (core_mp3_stream){0};
	struct walk w = {.ctx = ctx,
		.path = path,
		.data = data,
		.end = core_trim_tags(data, to),
		.out = out};
	fv_status status = find_first_frame(&w, from);
	while (!status && w.at < w.end)
		status = step_frame(&w);
	return status ? status : check_stated(&w);
}
