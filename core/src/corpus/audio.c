/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/audio.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <soxr.h>

#include "corpus/audio_source.h"

#define SAMPLE_LIMIT 1e30f             /* resampling sums of larger samples might overflow */
#define SAMPLES_MAX ((int64_t)1 << 28) /* 1 GiB of float32: 4.6 hours at 16 kHz */
#define BLOCK_VALUES 32768
#define MARGIN_SECONDS 0.5 /* read past a cut; far longer than the resampling filter */
#define STEP_OF_16_BITS (1.0 / 32768)
#define HEADER_MAX 1024 /* bytes of a file without samples */

struct reader {
	fv_ctx *ctx;
	const char *path;
	core_source source;
	const core_segment *segment; /* NULL: the whole recording */
	int64_t first, end;          /* frames of the segment; end -1: of the recording */
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
	int channels = r->source.channels;
	for (int64_t t = 0; t < frames; t++) {
		double sum = 0;
		for (int c = 0; c < channels; c++)
			sum += block[t * channels + c];
		float mean = (float)(sum / channels);
		if (!isfinite(mean))
			return fv_fail(r->ctx, FV_DATA, "%s: sample %lld is not finite", r->path,
				(long long)r->first + r->n);
		if (fabsf(mean) > SAMPLE_LIMIT)
			return fv_fail(r->ctx, FV_DATA,
				"%s: sample %lld is %g: sound has no numbers beyond %g", r->path,
				(long long)r->first + r->n, (double)mean, (double)SAMPLE_LIMIT);
		r->mono[r->n++] = mean;
	}
	return FV_OK;
}

static float *make_block(const core_source *s, int64_t *frames)
{
	*frames = BLOCK_VALUES / s->channels;
	return malloc((size_t)(*frames * s->channels) * sizeof(float));
}

/* Reports a segment that ends behind the recording's `frames`. */
static fv_status check_segment_end(const struct reader *r, int64_t frames)
{
	if (r->end <= frames && r->first < frames)
		return FV_OK;
	const core_segment *segment = r->segment;
	double rate = r->source.rate_hz, at = r->end > frames ? segment->end : segment->start;
	const char *what = r->end > frames ? "ends" : "starts";
	if (segment->labels)
		return core_fail_at(r->ctx, FV_DATA, segment->labels, segment->line, 0,
			"the segment %s at %.9g s, but %s has %.9g s", what, at, r->path,
			(double)frames / rate);
	return fv_fail(r->ctx, FV_DATA,
		"%s: the segment %s at %.9g s, but the recording has %.9g s", r->path, what, at,
		(double)frames / rate);
}

/* Checks that the file held as many samples as it promised. `limit`: that many were wanted, 0: all. */
static fv_status check_complete(struct reader *r, int64_t limit)
{
	core_source *s = &r->source;
	bool known = s->frames >= 0;
	int64_t promised = known ? s->frames - r->first : r->n;
	if (r->segment && !known && (!limit || r->n < limit)) {
		fv_status status = check_segment_end(r, r->first + r->n);
		if (status)
			return status;
	}
	if (limit && limit < promised)
		promised = limit;
	if (r->n < promised)
		return fv_fail(r->ctx, FV_DATA, "%s: damaged or cut short: %lld of %lld samples",
			r->path, (long long)r->first + r->n, (long long)r->first + promised);
	fv_status status = s->decoder->check(s);
	if (status || r->n)
		return status;
	if (s->bytes > HEADER_MAX)
		return fv_fail(r->ctx, FV_DATA,
			"%s: 0 samples according to its header, but the file has %lld bytes",
			r->path, (long long)s->bytes);
	return fv_fail(r->ctx, FV_DATA, "%s: 0 samples", r->path);
}

/* Moves to the first frame of the segment. */
static fv_status skip_frames(struct reader *r, float *block, int64_t step)
{
	core_source *s = &r->source;
	if (r->first && s->decoder->seek)
		return s->decoder->seek(s, r->first);
	fv_status status = FV_OK;
	for (int64_t left = r->first, got = 1; left && got && !status; left -= got)
		status = s->decoder->read(s, block, left < step ? left : step, &got);
	return status;
}

/* Decodes at most `limit` frames of the segment (0: all). */
static fv_status decode_frames(struct reader *r, int64_t limit)
{
	core_source *s = &r->source;
	int64_t step, got = 1;
	float *block = make_block(s, &step);
	if (!block)
		return fv_fail(r->ctx, FV_FAILED, "%s: out of memory", r->path);
	fv_status status = skip_frames(r, block, step);
	while (!status && got && (!limit || r->n < limit)) {
		int64_t want = limit && limit - r->n < step ? limit - r->n : step;
		status = s->decoder->read(s, block, want, &got);
		if (!status)
			status = append_frames(r, block, got);
	}
	free(block);
	return status ? status : check_complete(r, limit);
}

/* Resamples r->mono from its own rate to rate_hz into out. */
static fv_status resample_wave(const struct reader *r, int32_t rate_hz, core_wave *out)
{
	int32_t own = r->source.rate_hz;
	double ratio = (double)rate_hz / own;
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
	soxr_error_t error = soxr_oneshot(own, rate_hz, 1, r->mono, (size_t)r->n, NULL, out->sample,
		room, &done, NULL, &quality, &one_thread);
	if (error)
		return fv_fail(r->ctx, FV_DATA, "%s: cannot resample %d Hz to %d Hz: %s", r->path,
			(int)own, (int)rate_hz, soxr_strerror(error));
	if (!done)
		return fv_fail(r->ctx, FV_DATA, "%s: 0 samples at %d Hz", r->path, (int)rate_hz);
	out->n = (int64_t)done;
	return FV_OK;
}

static bool is_silent(const float *sample, int64_t n)
{
	core_moments m = core_wave_moments(sample, n);
	return sqrt(m.m2 / (double)n) < STEP_OF_16_BITS;
}

/* Sets the segment's frames. */
static fv_status find_segment(struct reader *r)
{
	const core_source *s = &r->source;
	r->end = -1;
	if (!r->segment)
		return FV_OK;
	double start = floor(r->segment->start * s->rate_hz + 0.5);
	double end = floor(r->segment->end * s->rate_hz + 0.5);
	double most = (double)(INT64_MAX / 2);
	if (!(start >= 0 && end > start && start < most) && r->segment->labels)
		return core_fail_at(r->ctx, FV_DATA, r->segment->labels, r->segment->line, 0,
			"the segment from %.9g to %.9g s has no sample at the %d Hz of %s",
			r->segment->start, r->segment->end, (int)s->rate_hz, r->path);
	if (!(start >= 0 && end > start && start < most))
		return fv_fail(r->ctx, FV_DATA, "%s: the segment from %.9g to %.9g s has no sample",
			r->path, r->segment->start, r->segment->end);
	r->first = (int64_t)start;
	r->end = isfinite(end) && end < most ? (int64_t)end : -1;
	return s->frames >= 0 ? check_segment_end(r, s->frames) : FV_OK;
}

/* How many frames to decode: the segment, but no more than max_seconds need. 0: all. */
static int64_t find_limit(const struct reader *r, bool cuts, double most)
{
	int64_t limit = r->end < 0 ? 0 : r->end - r->first;
	if (cuts && (!limit || most < (double)limit))
		limit = (int64_t)most;
	return limit;
}

static fv_status read_opened(struct reader *r, int32_t rate_hz, double max_seconds, core_wave *out)
{
	int32_t own = r->source.rate_hz;
	if (r->source.channels < 1 || r->source.channels > BLOCK_VALUES || own < 1)
		return fv_fail(r->ctx, FV_DATA, "%s: %d channels at %d Hz are not supported",
			r->path, (int)r->source.channels, (int)own);
	*out = (core_wave){.rate_hz = rate_hz ? rate_hz : own,
		.source_rate_hz = own,
		.channels = r->source.channels};
	double cut = floor(max_seconds * out->rate_hz + 1e-6);
	double limit = out->rate_hz == own ? cut : ceil((max_seconds + MARGIN_SECONDS) * own);
	bool cuts = max_seconds > 0 && limit < (double)SAMPLES_MAX;
	if (cuts && cut < 1)
		return fv_fail(
			r->ctx, FV_CONFIG, "max_seconds %g is shorter than a sample", max_seconds);
	fv_status status = find_segment(r);
	if (!status)
		status = decode_frames(r, find_limit(r, cuts, limit));
	if (status)
		return status;
	out->silent = is_silent(r->mono, r->n);
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

fv_status core_audio_read_segment(fv_ctx *ctx, const char *path, const core_segment *segment,
	int32_t rate_hz, double max_seconds, core_wave *out)
{
	*out = (core_wave){0};
	struct reader r = {
		.ctx = ctx, .path = path, .segment = core_is_segment(segment) ? segment : NULL};
	fv_status status = core_source_open(ctx, path, &r.source);
	if (!status)
		status = read_opened(&r, rate_hz, max_seconds, out);
	if (!status)
		status = core_source_check(&r.source);
	core_source_close(&r.source);
	free(r.mono);
	if (status)
		core_wave_free(out);
	return status;
}

fv_status core_audio_read(
	fv_ctx *ctx, const char *path, int32_t rate_hz, double max_seconds, core_wave *out)
{
	return core_audio_read_segment(ctx, path, NULL, rate_hz, max_seconds, out);
}

/* Decodes a recording that does not state its length. */
static fv_status count_frames(core_source *s, int64_t *frames)
{
	int64_t step, got = 1;
	float *block = make_block(s, &step);
	if (!block)
		return fv_fail(s->ctx, FV_FAILED, "%s: out of memory", s->path);
	fv_status status = FV_OK;
	for (*frames = 0; got && !status; *frames += got)
		status = s->decoder->read(s, block, step, &got);
	free(block);
	return status ? status : s->decoder->check(s);
}

fv_status core_audio_seconds(fv_ctx *ctx, const char *path, double *out)
{
	core_source s;
	*out = 0;
	fv_status status = core_source_open(ctx, path, &s);
	int64_t frames = s.frames;
	bool supported = s.channels > 0 && s.channels <= BLOCK_VALUES && s.rate_hz > 0;
	if (!status && !supported)
		status = fv_fail(ctx, FV_DATA, "%s: %d channels at %d Hz are not supported", path,
			(int)s.channels, (int)s.rate_hz);
	if (!status)
		status = frames < 0 ? count_frames(&s, &frames) : s.decoder->check(&s);
	if (!status)
		status = core_source_check(&s);
	if (!status)
		*out = (double)frames / s.rate_hz;
	core_source_close(&s);
	return status;
}

bool core_is_segment(const core_segment *segment)
{
	return segment && (segment->start > 0 || isfinite(segment->end));
}

const char *core_segment_label(fv_ctx *ctx, const char *path, const core_segment *segment)
{
	const char *label = path;
	if (core_is_segment(segment))
		label = isfinite(segment->end) ? core_format(ctx, "%s from %.9g to %.9g s", path,
							 segment->start, segment->end)
					       : core_format(ctx, "%s from %.9g s to its end", path,
							 segment->start);
	return label ? label : path;
}

fv_status core_audio_row_seconds(
	fv_ctx *ctx, const core_corpus *corpus, int32_t row, const char *path, double *out)
{
	double start = corpus->start ? corpus->start[row] : 0;
	double end = corpus->start ? corpus->end[row] : INFINITY;
	fv_status status = isfinite(end) ? FV_OK : core_audio_seconds(ctx, path, &end);
	*out = status ? 0 : fmax(end - start, 0);
	return status;
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
