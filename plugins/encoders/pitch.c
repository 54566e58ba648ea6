/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder `pitch`: whether a voice is female or male, from its fundamental frequency and vocal
 * effort alone.
 *
 * Output `classes` [1, 4]: probabilities `female` and `male`; values `p25_hz`, the 25th percentile
 * of F0 over the voiced frames, and `alpha_db`, the mean over the same frames of 10 log10(energy in
 * 1-5 kHz / energy in 50-1000 Hz) in 25 ms Hann frames. That is the alpha ratio of Sundberg and
 * Nordenberg, JASA 120, 2006, with numerator and denominator exchanged.
 *
 * Loud voices have both a higher F0 and more energy in the high band, so the threshold on F0
 * depends on the effort:
 *     score = 12 log2(p25 / threshold_hz) - effort_slope (alpha - effort_db)   [semitones]
 *     p(female) = 1 / (1 + exp(-score / softness))
 * A recording without voiced frames gives no evidence: both probabilities are 1/2, both values 0.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/fairvox.h>

enum { RATE = 16000, WINDOW = 640, HOP = 160, EFFORT_WINDOW = 400, FFT = 512 };

typedef struct pitch_state {
	double floor_hz, ceiling_hz, voicing, silence, threshold_hz, effort_db, effort_slope,
		softness;
	const fv_pitch *pitch;
	const fv_fft *fft;
	float *window; /* [EFFORT_WINDOW] */
} pitch_state;

static const char *const columns[] = {"female", "male", "p25_hz", "alpha_db"};
static const fv_role roles[] = {FV_COL_PROBABILITY, FV_COL_PROBABILITY, FV_COL_VALUE, FV_COL_VALUE};
static const fv_output outputs[] = {
	FV_OUTPUT(.name = "classes", .layers = 1, .dims = 4, .columns = columns, .roles = roles),
};

static fv_status pitch_open(void *state, fv_ctx *ctx, const char *weights)
{
	pitch_state *s = state;
	if (weights)
		return fv_fail(ctx, FV_CONFIG,
			"takes no weights, but '%s' is given: remove the key 'weights'", weights);
	fv_pitch_options options = FV_PITCH_OPTIONS(RATE, WINDOW, HOP, s->floor_hz, s->ceiling_hz);
	options.voicing = s->voicing;
	options.silence = s->silence;
	fv_status status = fv_pitch_open(ctx, &options, &s->pitch);
	if (status)
		return status;
	s->fft = fv_fft_open(ctx, FFT);
	s->window = fv_alloc(ctx, EFFORT_WINDOW * sizeof *s->window);
	if (!s->fft || !s->window)
		return FV_FAILED;
	fv_window_hann(s->window, EFFORT_WINDOW);
	return FV_OK;
}

static fv_status pitch_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	(void)state, (void)ctx;
	info->rate_hz = RATE;
	info->min_samples = WINDOW;
	info->n_outputs = 1;
	info->outputs = outputs;
	return FV_OK;
}

static double sum_band(const float *power, double low_hz, double high_hz)
{
	int first = (int)ceil(low_hz * FFT / RATE), end = (int)ceil(high_hz * FFT / RATE);
	double sum = 0;
	for (int k = first; k < end; k++)
		sum += (double)power[k];
	return sum;
}

/* Level of the high band relative to the low band in the middle of a pitch frame, in dB, limited to
 * +-60. work [3 FFT] is scratch. */
static double measure_effort(const pitch_state *s, const float *frame, float *work)
{
	const float *x = frame + (WINDOW - EFFORT_WINDOW) / 2;
	float *windowed = work, *power = work + FFT;
	for (int i = 0; i < EFFORT_WINDOW; i++)
		windowed[i] = x[i] * s->window[i];
	memset(windowed + EFFORT_WINDOW, 0, (FFT - EFFORT_WINDOW) * sizeof *windowed);
	fv_fft_power(s->fft, windowed, power, work + 2 * FFT);
	double low = sum_band(power, 50, 1000), high = sum_band(power, 1000, 5000);
	return 10 * log10(fmin(fmax((high + 1e-20) / (low + 1e-20), 1e-6), 1e6));
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static fv_status pitch_encode(const void *state, fv_ctx *worker, int32_t output, const float *wave,
	int64_t n, int32_t pooled, float *out)
{
	(void)output, (void)pooled;
	const pitch_state *s = state;
	int64_t frames = fv_pitch_frames(s->pitch, n), voiced = 0;
	float *f0 = fv_scratch(worker, (size_t)frames * sizeof *f0);
	float *strength = fv_scratch(worker, (size_t)frames * sizeof *strength);
	float *work = fv_scratch(worker, 3 * FFT * sizeof *work);
	if (!f0 || !strength || !work)
		return FV_FAILED;
	fv_status status = fv_pitch_track(s->pitch, worker, wave, n, f0, strength);
	if (status)
		return status;
	double alpha = 0;
	for (int64_t t = 0; t < frames; t++) {
		if (f0[t] > 0) {
			alpha += measure_effort(s, wave + t * HOP, work);
			f0[voiced++] = f0[t];
		}
	}
	out[0] = out[1] = 0.5f;
	out[2] = out[3] = 0;
	if (!voiced)
		return FV_OK;
	qsort(f0, (size_t)voiced, sizeof *f0, compare_floats);
	double p25 = fv_quantile(f0, voiced, 0.25);
	alpha /= (double)voiced;
	double score = 12 * log2(p25 / s->threshold_hz) - s->effort_slope * (alpha - s->effort_db);
	out[0] = (float)(1 / (1 + exp(-score / s->softness)));
	out[1] = 1 - out[0];
	out[2] = (float)p25;
	out[3] = (float)alpha;
	return FV_OK;
}

#define REAL(field_, unit_, min_, max_, default_, doc_)                                            \
	FV_PARAM_REAL(pitch_state, field_, .name = #field_, .unit = unit_, .min = min_,            \
		.max = max_, .def_paper = default_, .doc = doc_)

static const fv_param params[] = {
	REAL(floor_hz, "Hz", 50, 300, "65", "Lowest fundamental frequency to look for."),
	REAL(ceiling_hz, "Hz", 200, 1500, "600", "Highest fundamental frequency to look for."),
	REAL(voicing, NULL, 0, 1, "0.3",
		"Normalised autocorrelation at which a frame counts as voiced; low, like silence, "
		"so "
		"that the quiet and creaky ends of phrases count."),
	REAL(silence, NULL, 0, 1, "0.015",
		"Share of the recording's peak below which a frame counts as silent."),
	REAL(threshold_hz, "Hz", 80, 400, "165",
		"25th percentile of F0 at which a voice of normal effort counts as female."),
	REAL(effort_db, "dB", -60, 60, "-12", "Alpha ratio of a voice of normal effort."),
	REAL(effort_slope, "semitones/dB", -10, 10, "0.5",
		"Rise of the threshold per dB of alpha ratio; 0: F0 alone."),
	REAL(softness, "semitones", 1e-3, 100, "2",
		"Score at which the odds of the two classes are e to 1."),
};

static const fv_encoder_ops ops =
	FV_ENCODER_OPS(.open = pitch_open, .info = pitch_info, .encode = pitch_encode);

static const fv_descriptor descriptor = FV_ENCODER(.name = "pitch", .version = "1",
	.summary = "Female or male from fundamental frequency and vocal effort; needs no weights",
	.source = "F0: Boersma, Proc. IFA 17 (1993); effort: alpha ratio, Sundberg & Nordenberg, "
		  "JASA 120 (2006)",
	.licence = "Apache-2.0", .state_size = sizeof(pitch_state), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
