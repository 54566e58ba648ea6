/* SPDX-License-Identifier: Apache-2.0 */
/* Turns espeak-ng's speech into the recording: trim, vocal tract by resampling, spectral tilt,
 * tremor, breath, gain, room noise. All filters start at rest. */
#include "synth/synth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <soxr.h>

#include "base/stream.h"

#define TWO_PI 6.283185307179586476925
#define SILENCE 1e-4 /* fraction of full scale; trimmed below it */
#define TILT_CORNER_HZ 1000.0
#define TREMOR_HZ 6.0
#define ENVELOPE_SAMPLES 400.0 /* time constant of the breath envelope */
#define LEAD_SAMPLES 3200      /* 0.2 s before the speech */
#define TAIL_SAMPLES 4800      /* 0.3 s after the speech */

static double gain_from_db(double db)
{
	return pow(10, db / 20);
}

/* Scales the part above a one-pole low-pass at 1 kHz: x += (g - 1) (x - lp). */
void core_synth_apply_tilt(double *x, size_t n, double tilt_db)
{
	double pole = exp(-TWO_PI * TILT_CORNER_HZ / CORE_SYNTH_RATE_HZ);
	double extra = gain_from_db(tilt_db) - 1, low = 0;
	for (size_t i = 0; i < n; i++) {
		low = (1 - pole) * x[i] + pole * low;
		x[i] += extra * (x[i] - low);
	}
}

void core_synth_apply_tremor(double *x, size_t n, double depth, double phase)
{
	if (depth <= 0)
		return;
	if (depth > 0.8)
		depth = 0.8;
	for (size_t i = 0; i < n; i++) {
		double turns = TREMOR_HZ * (double)i / CORE_SYNTH_RATE_HZ + phase;
		x[i] *= 1 + depth * sin(TWO_PI * turns);
	}
}

void core_synth_add_breath(double *x, size_t n, double breath, const float *noise)
{
	double pole = exp(-1 / ENVELOPE_SAMPLES), level = gain_from_db(-26 + 2 * breath), power = 0;
	for (size_t i = 0; i < n; i++) {
		power = (1 - pole) * x[i] * x[i] + pole * power;
		x[i] += sqrt(power) * level * (double)noise[i];
	}
}

/* Each value is the sum of four uniform 16-bit numbers, which is close enough to normal and
 * needs no transcendental function, so it is the same on every machine. One of them has variance
 * (2^32 - 1) / 12. */
void core_synth_fill_noise(fv_stream *stream, float *noise, size_t n)
{
	const double scale = sqrt(12.0 / (4.0 * 4294967295.0));
	for (size_t i = 0; i < n; i++) {
		uint64_t word = fv_next(stream);
		int32_t sum = (int32_t)(word & 0xffff) + (int32_t)(word >> 16 & 0xffff) +
			      (int32_t)(word >> 32 & 0xffff) + (int32_t)(word >> 48);
		noise[i] = (float)((sum - 2 * 65535) * scale);
	}
}

static fv_status resample_speech(
	fv_ctx *ctx, const float *in, size_t n, double from_hz, float **out, size_t *n_out)
{
	size_t room = (size_t)ceil((double)n * CORE_SYNTH_RATE_HZ / from_hz) + 16, used, got;
	soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
	soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
	float *buffer = malloc(room * sizeof *buffer);
	if (!buffer)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	soxr_error_t error = soxr_oneshot(from_hz, CORE_SYNTH_RATE_HZ, 1, in, n, &used, buffer,
		room, &got, NULL, &quality, &runtime);
	if (error || used < n) {
		free(buffer);
		return fv_fail(ctx, FV_FAILED, "resampling failed: %s",
			error ? soxr_strerror(error) : "input left over");
	}
	*out = buffer;
	*n_out = got;
	return FV_OK;
}

/* The speech between its silent ends, as floats with full scale 1. */
static float *trim_silence(const int16_t *speech, size_t n, size_t *n_out)
{
	size_t from = 0, to = n;
	while (from < to && fabs(speech[from] / 32768.0) <= SILENCE)
		from++;
	while (to > from && fabs(speech[to - 1] / 32768.0) <= SILENCE)
		to--;
	*n_out = to - from;
	float *x = malloc((to - from + 1) * sizeof *x);
	for (size_t i = from; x && i < to; i++)
		x[i - from] = (float)speech[i] / 32768.0f;
	return x;
}

static fv_stream open_noise_stream(
	const core_synth_utterance *utterance, uint64_t seed, const char *purpose)
{
	return core_stream(seed, 0, purpose, 0, core_fnv1a64(utterance->file_name));
}

/* x [n_x] holds the speech at its final position, with zeros around; noise [n_x] is scratch. */
static void shape_speech(double *x, size_t n_x, size_t n_speech, float *noise,
	const core_synth_utterance *utterance, uint64_t seed)
{
	const double *v = utterance->v;
	double *speech = x + LEAD_SAMPLES;
	core_synth_apply_tilt(speech, n_speech, v[CORE_SYNTH_TILT]);
	core_synth_apply_tremor(speech, n_speech, v[CORE_SYNTH_TREMOR], utterance->tremor_phase);
	fv_stream breath = open_noise_stream(utterance, seed, "synth.breath");
	core_synth_fill_noise(&breath, noise, n_speech);
	core_synth_add_breath(speech, n_speech, v[CORE_SYNTH_BREATH], noise);
	double gain = gain_from_db(v[CORE_SYNTH_GAIN] - 6),
	       floor_rms = gain_from_db(utterance->room_db);
	fv_stream room = open_noise_stream(utterance, seed, "synth.room");
	core_synth_fill_noise(&room, noise, n_x);
	for (size_t i = 0; i < n_x; i++)
		x[i] = gain * x[i] + floor_rms * (double)noise[i];
}

static int16_t *quantize_samples(const double *x, size_t n)
{
	int16_t *out = malloc(n * sizeof *out);
	for (size_t i = 0; out && i < n; i++) {
		double clipped = x[i] > 1 ? 1 : x[i] < -1 ? -1 : x[i];
		out[i] = (int16_t)lrint(32767 * clipped);
	}
	return out;
}

fv_status core_synth_process(fv_ctx *ctx, const core_synth_utterance *utterance,
	const core_synth_speaker *speaker, uint64_t seed, const int16_t *speech, size_t n,
	int rate_hz, int16_t **out, size_t *n_out)
{
	size_t n_trimmed, n_speech = 0;
	*out = NULL;
	float *resampled = NULL, *raw = trim_silence(speech, n, &n_trimmed);
	if (!raw)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	if (n_trimmed == 0) {
		free(raw);
		return fv_fail(
			ctx, FV_FAILED, "%s: espeak-ng gave only silence", utterance->file_name);
	}
	fv_status status = resample_speech(
		ctx, raw, n_trimmed, rate_hz * speaker->tract, &resampled, &n_speech);
	free(raw);
	if (status)
		return status;
	*n_out = LEAD_SAMPLES + n_speech + TAIL_SAMPLES;
	double *x = calloc(*n_out, sizeof *x);
	float *noise = malloc(*n_out * sizeof *noise);
	if (x && noise) {
		for (size_t i = 0; i < n_speech; i++)
			x[LEAD_SAMPLES + i] = (double)resampled[i];
		shape_speech(x, *n_out, n_speech, noise, utterance, seed);
		*out = quantize_samples(x, *n_out);
	}
	status = x && noise && *out ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
	free(resampled);
	free(noise);
	free(x);
	return status;
}
