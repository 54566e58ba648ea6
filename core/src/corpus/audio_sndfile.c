/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings that libsndfile reads. Its error texts say little to a user and are never shown. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sndfile.h>

#include "base/content.h"
#include "base/memory.h"
#include "base/number.h"
#include "corpus/audio_source.h"

#define CONVERT "convert it, for example with ffmpeg -i IN OUT.wav"

struct sound {
	SNDFILE *file;
	SF_INFO info;
	core_source *source;
	int64_t at; /* in the file */
};

/* libsndfile reads through the source's descriptor; on its own it would close it on failure. */
static sf_count_t find_length(void *user)
{
	return ((const struct sound *)user)->source->bytes;
}

static sf_count_t seek_file(sf_count_t offset, int whence, void *user)
{
	struct sound *sound = user;
	int64_t from = whence == SEEK_SET   ? 0
		       : whence == SEEK_CUR ? sound->at
					    : sound->source->bytes;
	if (from + offset < 0)
		return -1;
	sound->at = from + offset;
	return sound->at;
}

static sf_count_t read_file(void *bytes, sf_count_t size, void *user)
{
	struct sound *sound = user;
	ssize_t got = core_source_bytes(sound->source, sound->at, bytes, (size_t)size);
	sound->at += got > 0 ? got : 0;
	return got > 0 ? got : 0;
}

static sf_count_t tell_place(void *user)
{
	return ((const struct sound *)user)->at;
}

static SF_VIRTUAL_IO file_access = {
	.get_filelen = find_length, .seek = seek_file, .read = read_file, .tell = tell_place};

/* Is this the name of sound or video, and no text that speaks of it? */
static bool is_media(const char *kind)
{
	bool text = !strncmp(kind, "text", 4) || !strncmp(kind, "a table", 7);
	return !text && (strstr(kind, "recording") || strstr(kind, "video") ||
				strstr(kind, "Ogg") || strstr(kind, "Windows Media"));
}

fv_status core_source_report_kind(const core_source *s, const char *kind)
{
	if (strstr(kind, "Git LFS"))
		return fv_fail(s->ctx, FV_DATA, "%s: %s: run git lfs pull", s->path, kind);
	if (is_media(kind))
		return fv_fail(
			s->ctx, FV_DATA, "%s: %s, which is not read: " CONVERT, s->path, kind);
	return fv_fail(s->ctx, FV_DATA, "%s: no recording but %s", s->path, kind);
}

/* Reports why libsndfile cannot open a file, by what the file is. */
static fv_status report_unreadable(core_source *s)
{
	uint8_t start[4096];
	ssize_t n = core_source_bytes(s, 0, start, sizeof start);
	const char *kind = n > 0 ? core_content_describe(s->ctx, start, (size_t)n) : NULL;
	if (!kind)
		return fv_fail(
			s->ctx, FV_DATA, "%s: no recording of any kind that is read", s->path);
	const char *reason =
		!strcmp(kind, "a WAVE recording") ? core_wav_explain(s) : core_sphere_explain(s);
	if (reason)
		return fv_fail(s->ctx, FV_DATA, "%s: %s, but %s: " CONVERT, s->path, kind, reason);
	if (!is_media(kind))
		return core_source_report_kind(s, kind);
	return fv_fail(s->ctx, FV_DATA,
		"%s: %s that is damaged, or coded in a way that is not read: " CONVERT, s->path,
		kind);
}

/* libsndfile silently corrects the size of a truncated file and skips damaged Ogg pages; only
 * its log shows it, e.g. "data : 88200 (should be 58785)". Sizes near 2^31 and 2^32 are written
 * by programs that do not know the length in advance. */
static bool log_shows_damage(SNDFILE *file)
{
	static const char mark[] = " (should be ";
	static const char *const sizes[] = {"data :", " SSND :", "  Data Size   :", "riff :"};
	char log[16384] = "";
	sf_command(file, SFC_GET_LOG_INFO, log, sizeof log);
	if (strstr(log, "Corrupted bitstream") || strstr(log, "reports a hole"))
		return true;
	for (const char *at = log; (at = strstr(at, mark)); at++) {
		const char *line = at;
		while (line > log && line[-1] != '\n')
			line--;
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			if (strncmp(line, sizes[i], strlen(sizes[i])))
				continue;
			uint64_t stated = core_parse_leading_int(line + strlen(sizes[i]));
			uint64_t present = core_parse_leading_int(at + strlen(mark));
			if (stated > present && stated < 0x7fff0000)
				return true;
		}
	}
	return false;
}

static fv_status sndfile_read(core_source *s, float *block, int64_t frames, int64_t *got)
{
	struct sound *sound = s->state;
	*got = 0;
	errno = 0;
	while (*got < frames) {
		sf_count_t more =
			sf_readf_float(sound->file, block + *got * s->channels, frames - *got);
		if (more <= 0)
			break;
		*got += more;
	}
	s->read_frames += *got;
	if (*got < frames && core_memory_note_errno())
		return fv_fail(s->ctx, FV_FAILED, "%s: out of memory", s->path);
	if (*got < frames && sf_error(sound->file))
		return fv_fail(s->ctx, FV_DATA, "%s: damaged after %lld samples", s->path,
			(long long)s->read_frames);
	return FV_OK;
}

/* Formats whose samples have all the same size, and FLAC, whose frames say where they are. */
static fv_status sndfile_seek(core_source *s, int64_t frame)
{
	struct sound *sound = s->state;
	if (sf_seek(sound->file, frame, SF_SEEK_SET) == frame)
		return FV_OK;
	return fv_fail(
		s->ctx, FV_DATA, "%s: damaged before sample %lld", s->path, (long long)frame);
}

static fv_status sndfile_check(core_source *s)
{
	struct sound *sound = s->state;
	bool ogg = (sound->info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_OGG;
	if ((s->frames < 0 && ogg) || log_shows_damage(sound->file))
		return fv_fail(s->ctx, FV_DATA, "%s: damaged or cut short", s->path);
	return FV_OK;
}

static void sndfile_close(core_source *s)
{
	struct sound *sound = s->state;
	if (sound->file)
		sf_close(sound->file);
	free(sound);
}

static const core_decoder jumping_decoder = {
	sndfile_read, sndfile_seek, sndfile_check, sndfile_close};
static const core_decoder steady_decoder = {sndfile_read, NULL, sndfile_check, sndfile_close};

static bool can_jump(const SF_INFO *info)
{
	int type = info->format & SF_FORMAT_TYPEMASK, coding = info->format & SF_FORMAT_SUBMASK;
	bool fixed = coding == SF_FORMAT_PCM_S8 || coding == SF_FORMAT_PCM_U8 ||
		     coding == SF_FORMAT_PCM_16 || coding == SF_FORMAT_PCM_24 ||
		     coding == SF_FORMAT_PCM_32 || coding == SF_FORMAT_FLOAT ||
		     coding == SF_FORMAT_DOUBLE || coding == SF_FORMAT_ULAW ||
		     coding == SF_FORMAT_ALAW;
	return info->seekable && (type == SF_FORMAT_FLAC || (fixed && type != SF_FORMAT_OGG));
}

/* Finds what libsndfile passes over in the file. */
static fv_status check_content(core_source *s, const SF_INFO *info)
{
	int type = info->format & SF_FORMAT_TYPEMASK;
	if (type == SF_FORMAT_WAV || type == SF_FORMAT_WAVEX || type == SF_FORMAT_RF64)
		return core_wav_check(s);
	if (type == SF_FORMAT_FLAC)
		return core_flac_check(s);
	if (type == SF_FORMAT_OGG)
		return core_ogg_check(s);
	return core_extent_check(s);
}

fv_status core_sndfile_open(core_source *s)
{
	struct sound *sound = calloc(1, sizeof *sound);
	if (!sound)
		return fv_fail(s->ctx, FV_FAILED, "%s: out of memory", s->path);
	s->state = sound;
	s->decoder = &steady_decoder;
	sound->source = s;
	errno = 0;
	sound->file = sf_open_virtual(&file_access, SFM_READ, &sound->info, sound);
	if (!sound->file && core_memory_note_errno())
		return fv_fail(s->ctx, FV_FAILED, "%s: out of memory", s->path);
	if (!sound->file)
		return report_unreadable(s);
	const SF_INFO *info = &sound->info;
	if (can_jump(info))
		s->decoder = &jumping_decoder;
	s->rate_hz = info->samplerate;
	s->channels = info->channels;
	s->frames = info->frames < 0 || info->frames >= SF_COUNT_MAX ? -1 : info->frames;
	return check_content(s, info);
}
