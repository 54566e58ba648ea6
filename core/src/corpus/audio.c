/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/audio.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sndfile.h>
#include <soxr.h>

#include "base/number.h"

#define SAMPLES_MAX ((int64_t)1 << 28) /* 1 GiB of float32: 4.6 hours at 16 kHz */
#define BLOCK_VALUES 32768
#define MARGIN_SECONDS 0.5 /* read past a cut; far longer than the resampling filter */

struct reader {
	fv_ctx *ctx;
	const char *path;
	SNDFILE *file;
	SF_INFO info;
	float *mono;
	int64_t n, room;
};

void core_wave_free(core_wave *wave)
{
	free(wave->sample);
	wave->sample = NULL;
}

static fv_status reserve_samples(struct reader *r, int64_t more)
{
	if (r->n + more <= r->room)
		return FV_OK;
	if (r->n + more > SAMPLES_MAX)
		return fv_fail(r->ctx, FV_DATA, "%s: longer than %lld samples", r->path,
			(long long)SAMPLES_MAX);
	int64_t room = 2 * (r->n + more);
	float *grown = realloc(r->mono, (size_t)room * sizeof *grown);
	if (!grown)
		return fv_fail(r->ctx, FV_FAILED, "%s: out of memory", r->path);
	r->mono = grown;
	r->room = room;
	return FV_OK;
}

/* Appends the mean over channels of block [frames, channels]. */
static fv_status append_frames(struct reader *r, const float *block, int64_t frames)
{
	fv_status status = reserve_samples(r, frames);
	if (status)
		return status;
	int channels = r->info.channels;
	for (int64_t t = 0; t < frames; t++) {
		double sum = 0;
		for (int c = 0; c < channels; c++)
			sum += block[t * channels + c];
		float mean = (float)(sum / channels);
		if (!isfinite(mean))
			return fv_fail(r->ctx, FV_DATA, "%s: sample %lld is not finite", r->path,
				(long long)r->n);
		r->mono[r->n++] = mean;
	}
	return FV_OK;
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

/* Checks that the file held as many samples as it promised. */
static fv_status check_complete(const struct reader *r, int64_t limit)
{
	bool endless = r->info.frames >= SF_COUNT_MAX;
	bool ogg = (r->info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_OGG;
	if (sf_error(r->file))
		return fv_fail(r->ctx, FV_DATA, "%s: damaged after %lld samples: %s", r->path,
			(long long)r->n, sf_strerror(r->file));
	int64_t promised = endless ? r->n : r->info.frames;
	if (limit && limit < promised)
		promised = limit;
	if (r->n < promised)
		return fv_fail(r->ctx, FV_DATA, "%s: damaged or cut short: %lld of %lld samples",
			r->path, (long long)r->n, (long long)promised);
	if ((endless && ogg) || log_shows_damage(r->file))
		return fv_fail(r->ctx, FV_DATA, "%s: damaged or cut short", r->path);
	if (!r->n)
		return fv_fail(r->ctx, FV_DATA, "%s: 0 samples", r->path);
	return FV_OK;
}

/* Decodes at most `limit` frames (0: all). */
static fv_status decode_frames(struct reader *r, int64_t limit)
{
	int64_t step = BLOCK_VALUES / r->info.channels;
	float *block = malloc((size_t)(step * r->info.channels) * sizeof *block);
	if (!block)
		return fv_fail(r->ctx, FV_FAILED, "%s: out of memory", r->path);
	fv_status status = FV_OK;
	while (!status && (!limit || r->n < limit)) {
		int64_t want = limit && limit - r->n < step ? limit - r->n : step;
		int64_t got = sf_readf_float(r->file, block, want);
		if (got <= 0)
			break;
		status = append_frames(r, block, got);
	}
	free(block);
	return status ? status : check_complete(r, limit);
}

/* Resamples r->mono from its own rate to rate_hz into out. */
static fv_status resample_wave(const struct reader *r, int32_t rate_hz, core_wave *out)
{
	double ratio = (double)rate_hz / r->info.samplerate;
	double longest = ceil((double)r->n * ratio) + 1;
	if (longest > (double)SAMPLES_MAX)
		return fv_fail(r->ctx, FV_DATA, "%s: longer than %lld samples at %d Hz", r->path,
			(long long)SAMPLES_MAX, (int)rate_hz);
	size_t room = (size_t)longest, done = 0;
	out->sample = malloc(room * sizeof *out->sample);
	if (!out->sample)
		return fv_fail(r->ctx, FV_FAILED, "%s: out of memory", r->path);
	soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
	soxr_runtime_spec_t one_thread = soxr_runtime_spec(1);
	soxr_error_t error = soxr_oneshot(r->info.samplerate, rate_hz, 1, r->mono, (size_t)r->n,
		NULL, out->sample, room, &done, NULL, &quality, &one_thread);
	if (error)
		return fv_fail(r->ctx, FV_DATA, "%s: cannot resample %d Hz to %d Hz: %s", r->path,
			r->info.samplerate, (int)rate_hz, soxr_strerror(error));
	if (!done)
		return fv_fail(r->ctx, FV_DATA, "%s: 0 samples at %d Hz", r->path, (int)rate_hz);
	out->n = (int64_t)done;
	return FV_OK;
}

static fv_status read_opened(struct reader *r, int32_t rate_hz, double max_seconds, core_wave *out)
{
	int32_t own = r->info.samplerate;
	if (r->info.channels < 1 || r->info.channels > BLOCK_VALUES || own < 1)
		return fv_fail(r->ctx, FV_DATA, "%s: %d channels at %d Hz are not supported",
			r->path, r->info.channels, (int)own);
	*out = (core_wave){.rate_hz = rate_hz ? rate_hz : own,
		.source_rate_hz = own,
		.channels = r->info.channels};
	double cut = floor(max_seconds * out->rate_hz + 1e-6);
	double limit = out->rate_hz == own ? cut : ceil((max_seconds + MARGIN_SECONDS) * own);
	bool cuts = max_seconds > 0 && limit < (double)SAMPLES_MAX;
	if (cuts && cut < 1)
		return fv_fail(
			r->ctx, FV_CONFIG, "max_seconds %g is shorter than a sample", max_seconds);
	fv_status status = decode_frames(r, cuts ? (int64_t)limit : 0);
	if (status)
		return status;
	if (out->rate_hz == own) {
		out->sample = r->mono;
		out->n = r->n;
		r->mono = NULL;
	} else {
		status = resample_wave(r, rate_hz, out);
	}
	if (cuts && (double)out->n > cut)
		out->n = (int64_t)cut;
	return status;
}

static fv_status open_file(struct reader *r)
{
	struct stat st;
	if (stat(r->path, &st))
		return fv_fail(r->ctx, FV_DATA, "%s: %s", r->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fv_fail(r->ctx, FV_DATA, "%s: not a regular file", r->path);
	r->file = sf_open(r->path, SFM_READ, &r->info);
	if (!r->file)
		return fv_fail(r->ctx, FV_DATA, "%s: %s", r->path,
			st.st_size ? sf_strerror(NULL) : "empty file");
	return FV_OK;
}

fv_status core_audio_read(
	fv_ctx *ctx, const char *path, int32_t rate_hz, double max_seconds, core_wave *out)
{
	*out = (core_wave){0};
	struct reader r = {.ctx = ctx, .path = path};
	fv_status status = open_file(&r);
	if (status)
		return status;
	status = read_opened(&r, rate_hz, max_seconds, out);
	sf_close(r.file);
	free(r.mono);
	if (status)
		core_wave_free(out);
	return status;
}

fv_status core_audio_seconds(fv_ctx *ctx, const char *path, double *out)
{
	struct reader r = {.ctx = ctx, .path = path};
	fv_status status = open_file(&r);
	*out = 0;
	if (status)
		return status;
	if (r.info.samplerate > 0 && r.info.frames > 0 && r.info.frames < SF_COUNT_MAX)
		*out = (double)r.info.frames / r.info.samplerate;
	sf_close(r.file);
	return FV_OK;
}

core_moments core_wave_moments(const float *sample, int64_t n)
{
	core_moments m = {.n = n};
	for (int64_t i = 0; i < n; i++)
		m.mean += sample[i];
	m.mean = n ? m.mean / (double)n : 0;
	for (int64_t i = 0; i < n; i++)
		m.m2 += (sample[i] - m.mean) * (sample[i] - m.mean);
	return m;
}

/* Chan, Golub, LeVeque 1979. */
core_moments core_moments_merge(core_moments a, core_moments b)
{
	if (!a.n || !b.n)
		return a.n ? a : b;
	double n = (double)(a.n + b.n), apart = b.mean - a.mean;
	return (core_moments){a.n + b.n, a.mean + apart * (double)b.n / n,
		a.m2 + b.m2 + apart * apart * (double)a.n * (double)b.n / n};
}

void core_wave_standardize(float *sample, int64_t n, double mean, double variance)
{
	double scale = variance > 0 ? 1 / sqrt(variance) : 0;
	for (int64_t i = 0; i < n; i++)
		sample[i] = (float)((sample[i] - mean) * scale);
}
