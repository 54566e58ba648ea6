/* SPDX-License-Identifier: Apache-2.0 */
/* Fundamental frequency by autocorrelation (Boersma 1993; equation numbers refer to that paper).
 *
 * Each frame gives an unvoiced candidate and up to CANDIDATES - 1 peaks of the normalised
 * autocorrelation. The path with the largest sum of strengths minus transition costs wins. */
#include <fairvox/dsp.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "dsp/sinc.h"
#include "dsp/vector.h"

#define CANDIDATES 12

struct fv_pitch {
	fv_pitch_options option;
	int32_t lag_min, lag_max;
	const fv_fft *fft;
	int32_t fft_size;
	float *window;         /* [option.window] */
	float *window_inverse; /* [lag_max + CORE_SINC_HALF + 2]: 1 / its normalised autocorrelation */
	const core_sinc *sinc;
};

typedef struct candidate {
	float hz, octave; /* octave = log2(hz); hz 0: unvoiced */
	float r;          /* normalised autocorrelation */
	float score;  /* strength of the candidate, later score of the best path that ends here */
	int32_t back; /* index of its predecessor on that path */
} candidate;

typedef struct column {
	int32_t n;
	candidate at[CANDIDATES]; /* at[0] is unvoiced */
} column;

static float *invert_window(fv_ctx *ctx, const float *w, int32_t n, int32_t lags)
{
	float *out = fv_alloc(ctx, (size_t)lags * sizeof *out);
	double energy = 0;
	for (int32_t i = 0; i < n; i++)
		energy += (double)w[i] * (double)w[i];
	for (int32_t lag = 0; out && lag < lags; lag++) {
		double r = 0;
		for (int32_t i = 0; i + lag < n; i++)
			r += (double)w[i] * (double)w[i + lag];
		out[lag] = (float)(energy / r);
	}
	return out;
}

static int is_possible(const fv_pitch_options *o)
{
	return o->rate_hz > 0 && o->hop > 0 && o->floor_hz > 0 && o->floor_hz < o->ceiling_hz &&
	       o->window * o->floor_hz >= 2 * o->rate_hz &&
	       o->ceiling_hz * (CORE_SINC_HALF + 2) <= o->rate_hz;
}

fv_status fv_pitch_open(fv_ctx *ctx, const fv_pitch_options *options, const fv_pitch **out)
{
	const fv_pitch_options *o = options;
	if (!is_possible(o))
		return fv_fail(ctx, FV_CONFIG,
			"pitch from %g to %g Hz is not possible with frames of %d samples at %d "
			"Hz: use longer "
			"frames or a smaller range",
			o->floor_hz, o->ceiling_hz, (int)o->window, (int)o->rate_hz);
	fv_pitch *pitch = fv_alloc(ctx, sizeof *pitch);
	if (!pitch)
		return FV_FAILED;
	pitch->option = *o;
	pitch->lag_min = (int32_t)(o->rate_hz / o->ceiling_hz);
	pitch->lag_max = (int32_t)ceil(o->rate_hz / o->floor_hz);
	int32_t lags = pitch->lag_max + CORE_SINC_HALF + 2;
	for (pitch->fft_size = 64; pitch->fft_size < o->window + lags;)
		pitch->fft_size *= 2; /* large enough that no lag in use wraps around */
	pitch->fft = fv_fft_open(ctx, pitch->fft_size);
	pitch->sinc = core_sinc_open(ctx);
	pitch->window = fv_alloc(ctx, (size_t)o->window * sizeof(float));
	if (!pitch->fft || !pitch->sinc || !pitch->window)
		return FV_FAILED;
	fv_window_hann(pitch->window, o->window);
	pitch->window_inverse = invert_window(ctx, pitch->window, o->window, lags);
	*out = pitch;
	return pitch->window_inverse ? FV_OK : FV_FAILED;
}

int64_t fv_pitch_frames(const fv_pitch *pitch, int64_t n)
{
	return n < pitch->option.window ? 0 : 1 + (n - pitch->option.window) / pitch->option.hop;
}

/* Normalises the autocorrelation of x [window] (eq. 9): *r [lags] lies in work [3 fft_size].
 * False: digital silence. */
static bool normalise_autocorrelation(
	const fv_pitch *pitch, const float *x, float mean, float *work, float **r)
{
	int32_t n = pitch->option.window, size = pitch->fft_size;
	float *frame = work, *power = work + size, *scratch = work + 2 * size;
	for (int32_t i = 0; i < n; i++)
		frame[i] = (x[i] - mean) * pitch->window[i];
	memset(frame + n, 0, (size_t)(size - n) * sizeof *frame);
	fv_fft_power(pitch->fft, frame, power, scratch);
	fv_fft_autocorrelation(pitch->fft, power, frame, scratch);
	*r = frame;
	if (!(frame[0] > 1e-20f))
		return false;
	float scale = 1 / frame[0];
	for (int32_t lag = 0; lag <= pitch->lag_max + CORE_SINC_HALF + 1; lag++)
		frame[lag] *= scale * pitch->window_inverse[lag];
	return true;
}

/* Adds a candidate; in a full column it replaces the weakest voiced one if it is stronger. */
static void keep_candidate(column *frame, candidate c)
{
	if (frame->n < CANDIDATES) {
		frame->at[frame->n++] = c;
		return;
	}
	int32_t weakest = 1;
	for (int32_t i = 2; i < CANDIDATES; i++)
		if (frame->at[i].score < frame->at[weakest].score)
			weakest = i;
	if (c.score > frame->at[weakest].score)
		frame->at[weakest] = c;
}

/* Finds the candidates of one frame, with strengths by eqs. 23 and 26. */
static void find_candidates(
	const fv_pitch *pitch, const float *x, float loudest, float *work, column *frame)
{
	const fv_pitch_options *o = &pitch->option;
	float mean = core_mean(x, o->window), *r;
	int32_t period = pitch->lag_max, middle = (o->window - period) / 2;
	double level = loudest > 0 ? (double)(core_peak(x + middle, period, mean) / loudest) : 0;
	double quiet = 2 - level * (1 + o->voicing) / o->silence;
	frame->n = 1;
	frame->at[0] = (candidate){.score = (float)(o->voicing + (quiet > 0 ? quiet : 0))};
	if (!(level > 0) || !normalise_autocorrelation(pitch, x, mean, work, &r))
		return;
	for (int32_t lag = pitch->lag_min; lag <= pitch->lag_max; lag++) {
		if ((double)r[lag] < 0.5 * o->voicing || r[lag] <= r[lag - 1] ||
			r[lag] < r[lag + 1])
			continue;
		float height, at = core_sinc_peak(pitch->sinc, r, lag, &height);
		double hz = o->rate_hz / (double)at;
		if (hz < o->floor_hz || hz > o->ceiling_hz)
			continue;
		height = height > 1 ? 1 / height : height;
		double gain = o->octave * log2(hz / o->floor_hz);
		keep_candidate(frame, (candidate){(float)hz, (float)log2(hz), height,
					      (float)((double)height + gain), 0});
	}
}

/* Cost of the transition between two candidates (eq. 27), defined for hops of 10 ms as in Praat. */
static float compute_step_cost(
	const fv_pitch_options *o, float scale, const candidate *a, const candidate *b)
{
	if (a->hz > 0 && b->hz > 0)
		return scale * (float)o->octave_jump * fabsf(a->octave - b->octave);
	return (a->hz > 0) != (b->hz > 0) ? scale * (float)o->voiced_unvoiced : 0;
}

static void advance_paths(const fv_pitch *pitch, const column *last, column *next)
{
	float scale = 0.01f * (float)pitch->option.rate_hz / (float)pitch->option.hop;
	for (int32_t i = 0; i < next->n; i++) {
		candidate *c = &next->at[i];
		float best = -INFINITY;
		for (int32_t j = 0; j < last->n; j++) {
			const candidate *from = &last->at[j];
			float score =
				from->score - compute_step_cost(&pitch->option, scale, from, c);
			if (score > best) {
				best = score;
				c->back = j;
			}
		}
		c->score += best;
	}
}

fv_status fv_pitch_track(const fv_pitch *pitch, fv_ctx *worker, const float *wave, int64_t n,
	float *f0_hz, float *strength)
{
	int64_t frames = fv_pitch_frames(pitch, n);
	if (!frames)
		return FV_OK;
	column *columns = fv_scratch(worker, (size_t)frames * sizeof *columns);
	float *work = fv_scratch(worker, (size_t)(3 * pitch->fft_size) * sizeof *work);
	if (!columns || !work)
		return FV_FAILED;
	float loudest = core_peak(wave, n, core_mean(wave, n));
	for (int64_t t = 0; t < frames; t++) {
		find_candidates(pitch, wave + t * pitch->option.hop, loudest, work, &columns[t]);
		if (t)
			advance_paths(pitch, &columns[t - 1], &columns[t]);
	}
	const column *end = &columns[frames - 1];
	int32_t at = 0;
	for (int32_t i = 1; i < end->n; i++)
		at = end->at[i].score > end->at[at].score ? i : at;
	for (int64_t t = frames - 1; t >= 0; t--) {
		const candidate *c = &columns[t].at[at];
		f0_hz[t] = c->hz;
		strength[t] = c->r;
		at = c->back;
	}
	return FV_OK;
}
