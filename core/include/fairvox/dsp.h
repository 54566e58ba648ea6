/* SPDX-License-Identifier: Apache-2.0 */
/* Signal blocks that encoders share: windows, sums, the real Fourier transform, mel bands, cosine
 * transform, pitch.
 *
 * The result of an _open function lives until the plugin's state is closed (fv_alloc) and needs no
 * close of its own. It is never written to afterwards, so several threads may use it at once. NULL
 * means that memory is out, or that there is no such transform (FV_CONFIG); the message is in the context.
 */
#ifndef FAIRVOX_DSP_H
#define FAIRVOX_DSP_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

/* --- windows and sums ------------------------------------------------------------------------- */

/* Hann window w[i] = 0.5 - 0.5 cos(2 pi (i + 0.5) / n): positive, symmetric, with mean 1/2. */
void fv_window_hann(float *w, int32_t n);

/* Sum of a[i] b[i], as sixteen interleaved float sums that are added in a fixed order. The result
 * does not depend on the instruction set or on alignment. */
float fv_dot(const float *a, const float *b, int64_t n);

/* y[i] = log2 x[i] for positive normal floats, with an error of at most 2e-7 or one unit in the
 * last place. x may be y. */
void fv_log2(const float *x, float *y, int64_t n);

/* The p-quantile, p in [0,1], of n sorted numbers, linear between neighbours (NumPy's default). */
double fv_quantile(const float *sorted, int64_t n, double p);

/* --- Fourier transform of real frames --------------------------------------------------------- */

typedef struct fv_fft fv_fft;

/* For frames of n samples, n even and at least 4. [run] */
fv_fft *fv_fft_open(fv_ctx *ctx, int32_t n);

/* Writes the power spectrum |X_k|^2 of x [n], without scaling, into power [n/2+1]. scratch [n].
 * [worker] */
void fv_fft_power(const fv_fft *fft, const float *x, float *power, float *scratch);

/* The inverse transform of a power spectrum: power [n/2+1] -> r [n], the circular autocorrelation
 * r_l = sum_i x_i x_(i+l mod n) of the frame. scratch [n]. [worker] */
void fv_fft_autocorrelation(const fv_fft *fft, const float *power, float *r, float *scratch);

/* --- short-time power spectra ----------------------------------------------------------------- */

typedef struct fv_stft fv_stft;

/* Frames of n samples, n even and at least 4, multiplied by window [n], every `hop` samples. Frame t is centred on
 * sample t hop; the wave is padded with zeros at both ends (torch.stft and librosa.stft with
 * center = True, pad_mode = "constant"). [run] */
fv_stft *fv_stft_open(fv_ctx *ctx, int32_t n, int32_t hop, const double *window);

/* Number of frames of a wave of n samples: T = 1 + n / hop. */
int64_t fv_stft_frames(const fv_stft *stft, int64_t n);

/* Number of doubles of scratch memory that fv_stft_power needs. */
size_t fv_stft_scratch(const fv_stft *stft);

/* Writes the power spectra |X_k|^2, without scaling, of `frames` frames of wave [n], starting at
 * frame `first`, into power [frames, bins]; bins is half the frame's samples plus 1. Computed in
 * double. Frames past the wave's end see zeros. [worker] */
void fv_stft_power(const fv_stft *stft, const float *wave, int64_t n, int64_t first, int64_t frames,
	double *power, double *scratch);

/* --- mel bands -------------------------------------------------------------------------------- */

typedef struct fv_mel fv_mel;

/* Filter bank of HTK: `bands` triangles of equal width on the mel scale m = 1127 ln(1 + f/700)
 * between low_hz and high_hz. Each rises from the centre of the band below and falls to the centre
 * of the band above, linear in mel, with height 1 (Young et al., The HTK Book 3.4, section 5.4).
 * For power spectra of fft_size/2+1 bins at rate_hz. A band narrower than a bin may contain no bin;
 * its result is then 0. 0 <= low_hz < high_hz <= rate_hz / 2. [run] */
fv_mel *fv_mel_open(fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands, double low_hz,
	double high_hz);

/* Default filter bank of librosa (Slaney, Auditory Toolbox, 1998): triangles of equal width on a
 * scale that is linear up to 1000 Hz (200/3 Hz per mel) and logarithmic above (a factor of 6.4 to
 * the power 1/27 per mel); linear in Hz, with area 1. [run] */
fv_mel *fv_mel_open_slaney(fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands,
	double low_hz, double high_hz);

/* Filter bank of SpeechBrain: triangles with equally spaced centres on the mel scale, linear in Hz,
 * with height 1. Each rises from the centre of the band below and falls over the same width, so it
 * ends before the centre of the band above. [run] */
fv_mel *fv_mel_open_symmetric(fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands,
	double low_hz, double high_hz);

/* power [fft_size/2+1] -> out [bands]. [worker] */
void fv_mel_apply(const fv_mel *mel, const float *power, float *out);
/* The same for the double spectra of fv_stft_power, with sums in double. [worker] */
void fv_mel_apply_double(const fv_mel *mel, const double *power, float *out);

/* Writes the mel bands of frames 0 .. frames - 1 of wave [n] into out [frames,bands]. Spectra and
 * sums are computed in double. Errors: FV_FAILED if memory is out, or the bands are for another fft_size
 * than the frames have samples. [worker] */
FV_NODISCARD fv_status fv_mel_spectrum(const fv_mel *mel, const fv_stft *stft, fv_ctx *worker,
	const float *wave, int64_t n, int64_t frames, float *out);

/* --- cosine transform ------------------------------------------------------------------------- */

typedef struct fv_dct fv_dct;

/* Discrete cosine transform of type II of n numbers, of which the first `bins` results are wanted,
 * 1 <= bins <= n (mel bands to cepstral coefficients, for example):
 *
 *     y_k = 2 sum_i x_i cos(pi k (2 i + 1) / (2 n))
 *
 * orthonormal: 1: y_0 is divided by sqrt(4 n) and the others by sqrt(2 n), so that the transform
 * keeps lengths (norm = "ortho" in scipy.fft.dct); 0: as written. [run] */
fv_dct *fv_dct_open(fv_ctx *ctx, int32_t n, int32_t bins, int32_t orthonormal);

/* x [n] -> out [bins], which must not be x. Computed in double. [worker] */
void fv_dct_apply(const fv_dct *dct, const float *x, float *out);

/* --- fundamental frequency -------------------------------------------------------------------- */

/* Autocorrelation method of Boersma, "Accurate short-term analysis of the fundamental frequency and
 * the harmonics-to-noise ratio of a sampled sound", Proc. IFA 17 (1993). The autocorrelation of a
 * Hann-windowed frame is divided by that of the window, its peaks are refined by sinc
 * interpolation, and the cheapest path through the candidates of all frames is found (Viterbi).
 * Unlike in Praat, the window can be chosen freely, and frames start at sample 0 instead of being
 * centred in the recording. */
typedef struct fv_pitch_options {
	uint32_t size;
	int32_t rate_hz;
	int32_t window,
		hop; /* in samples; window must be at least 3 rate_hz / floor_hz, three periods */
	double floor_hz, ceiling_hz; /* range of candidates */
	/* Named as in Praat, with Praat's defaults: */
	double silence;         /* silence threshold, 0.03 */
	double voicing;         /* voicing threshold, 0.45 */
	double octave;          /* octave cost, 0.01 */
	double octave_jump;     /* octave-jump cost, 0.35 */
	double voiced_unvoiced; /* voiced/unvoiced cost, 0.14 */
} fv_pitch_options;

/* Initialiser of fv_pitch_options with Praat's defaults. */
#define FV_PITCH_OPTIONS(rate, window_samples, hop_samples, floor, ceiling)                        \
	{                                                                                          \
		sizeof(fv_pitch_options), (rate), (window_samples), (hop_samples), (floor),        \
			(ceiling), 0.03, 0.45, 0.01, 0.35, 0.14                                    \
	}

typedef struct fv_pitch fv_pitch;

/* Errors: FV_CONFIG if floor, ceiling, window and rate contradict each other; FV_FAILED if memory
 * is out. [run] */
FV_NODISCARD fv_status fv_pitch_open(
	fv_ctx *ctx, const fv_pitch_options *options, const fv_pitch **out);

/* Number of frames T = 1 + (n - window) / hop, or 0 if n < window. Frame t covers samples t hop ..
 * t hop + window. */
int64_t fv_pitch_frames(const fv_pitch *pitch, int64_t n);

/* Writes, for each frame of wave [n], the fundamental frequency f0_hz [T] and strength [T], the
 * normalised autocorrelation in [0, 1) at the chosen period. Both are 0 in unvoiced frames. Errors:
 * FV_FAILED if memory is out. [worker] */
FV_NODISCARD fv_status fv_pitch_track(const fv_pitch *pitch, fv_ctx *worker, const float *wave,
	int64_t n, float *f0_hz, float *strength);

FV_END_DECLS

#endif
