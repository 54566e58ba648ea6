/* SPDX-License-Identifier: Apache-2.0 */
/* Signal blocks that encoders share: windows, sums, the real Fourier transform, mel bands, pitch.
 *
 * What an _open function returns lives until the plugin's state is closed (fv_alloc), needs no
 * close of its own, is never written to afterwards and may be used by several threads at once.
 * NULL means that memory is out; the message is in the context.
 */
#ifndef FAIRVOX_DSP_H
#define FAIRVOX_DSP_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

/* --- windows and sums ------------------------------------------------------------------------- */

/* w[i] = 0.5 - 0.5 cos(2 pi (i + 0.5) / n): positive throughout, symmetric, mean 1/2. */
void fv_window_hann(float *w, int32_t n);

/* sum of a[i] b[i], in sixteen interleaved float sums that are added in a fixed order: the result
 * depends on neither the instruction set nor alignment. */
float fv_dot(const float *a, const float *b, int64_t n);

/* y[i] = log2 x[i] for positive normal floats, to 2e-7 or one unit in the last place. x may be y.
 */
void fv_log2(const float *x, float *y, int64_t n);

/* Value at share p in [0,1] of the n sorted numbers, linear between neighbours (NumPy's default).
 */
double fv_quantile(const float *sorted, int64_t n, double p);

/* --- the Fourier transform of real frames ----------------------------------------------------- */

typedef struct fv_fft fv_fft;

/* For frames of n samples, n even. [run] */
fv_fft *fv_fft_open(fv_ctx *ctx, int32_t n);

/* x [n] -> power [n/2+1], |X_k|^2 without any scaling. scratch [n]. [worker] */
void fv_fft_power(const fv_fft *fft, const float *x, float *power, float *scratch);

/* The inverse for an even, real spectrum: power [n/2+1] -> r [n], the circular autocorrelation
 * r_l = sum_i x_i x_(i+l mod n) of the frame the power came from. scratch [n]. [worker] */
void fv_fft_autocorrelation(const fv_fft *fft, const float *power, float *r, float *scratch);

/* --- short-time power spectra ----------------------------------------------------------------- */

typedef struct fv_stft fv_stft;

/* Frames of n samples, n even, times window [n], every `hop` samples; frame t is centred on sample
 * t hop, and beyond the wave's ends there are zeros (torch.stft and librosa.stft with center = True,
 * pad_mode = "constant"). [run] */
fv_stft *fv_stft_open(fv_ctx *ctx, int32_t n, int32_t hop, const double *window);

/* T = 1 + n / hop for a wave of n samples. */
int64_t fv_stft_frames(const fv_stft *stft, int64_t n);

/* Doubles that fv_stft_power needs for itself. */
size_t fv_stft_scratch(const fv_stft *stft);

/* wave [n] -> power [frames, bins], |X_k|^2 without any scaling, of the frames from `first` on; bins =
 * half the frame's samples + 1. Computed in double. Frames past the wave's end see zeros. [worker] */
void fv_stft_power(const fv_stft *stft, const float *wave, int64_t n, int64_t first, int64_t frames,
	double *power, double *scratch);

/* --- mel bands -------------------------------------------------------------------------------- */

typedef struct fv_mel fv_mel;

/* `bands` triangles, equally wide on the mel scale m = 1127 ln(1 + f/700) between low_hz and
 * high_hz, each rising from the centre of the band below and falling to that of the band above,
 * linear in mel, height 1 (Young et al., The HTK Book 3.4, section 5.4). For power spectra of
 * fft_size/2+1 bins at rate_hz. Bands narrower than a bin may hold no bin: they read 0. [run] */
fv_mel *fv_mel_open(fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands, double low_hz,
	double high_hz);

/* `bands` triangles as librosa's default has them (Slaney, Auditory Toolbox, 1998): equally wide on a
 * scale that is linear up to 1000 Hz (200/3 Hz a mel) and logarithmic above (6.4 to the power 1/27 a
 * mel), linear in Hz, of area 1. [run] */
fv_mel *fv_mel_open_slaney(fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands,
	double low_hz, double high_hz);

/* `bands` triangles as SpeechBrain has them: centres equally wide apart on the mel scale, linear in Hz,
 * of height 1, each rising from the centre of the band below and falling over the same width, so that
 * it ends before the centre of the band above. [run] */
fv_mel *fv_mel_open_symmetric(fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands,
	double low_hz, double high_hz);

/* power [fft_size/2+1] -> out [bands]. [worker] */
void fv_mel_apply(const fv_mel *mel, const float *power, float *out);
/* The same with sums in double, for fv_stft_power. [worker] */
void fv_mel_apply_double(const fv_mel *mel, const double *power, float *out);

/* wave [n] -> out [frames,bands]: the bands of the power spectra of frames 0 .. frames - 1, in double up
 * to the sums. FV_FAILED when memory is out. [worker] */
FV_NODISCARD fv_status fv_mel_spectrum(const fv_mel *mel, const fv_stft *stft, fv_ctx *worker,
	const float *wave, int64_t n, int64_t frames, float *out);

/* --- fundamental frequency -------------------------------------------------------------------- */

/* Autocorrelation method of Boersma, "Accurate short-term analysis of the fundamental frequency and
 * the harmonics-to-noise ratio of a sampled sound", Proc. IFA 17 (1993): the autocorrelation of a
 * Hann-windowed frame divided by that of the window, its peaks refined by sinc interpolation, and
 * the cheapest path through the candidates of all frames (Viterbi). Unlike Praat, the window may be
 * chosen freely, and frames start at sample 0 instead of being centred in the recording. */
typedef struct fv_pitch_options {
	uint32_t size;
	int32_t rate_hz;
	int32_t window, hop; /* samples; window at least 3 rate_hz / floor_hz for three periods */
	double floor_hz, ceiling_hz; /* range of candidates */
	double silence;              /* Praat's names from here: silence threshold, 0.03 */
	double voicing;              /* voicing threshold, 0.45 */
	double octave;               /* octave cost, 0.01 */
	double octave_jump;          /* octave-jump cost, 0.35 */
	double voiced_unvoiced;      /* voiced/unvoiced cost, 0.14 */
} fv_pitch_options;

#define FV_PITCH_OPTIONS(rate, window_samples, hop_samples, floor, ceiling)                        \
	{                                                                                          \
		sizeof(fv_pitch_options), (rate), (window_samples), (hop_samples), (floor),        \
			(ceiling), 0.03, 0.45, 0.01, 0.35, 0.14                                    \
	}

typedef struct fv_pitch fv_pitch;

/* FV_CONFIG when floor, ceiling, window and rate do not fit together, FV_FAILED when memory is out.
 * [run] */
FV_NODISCARD fv_status fv_pitch_open(
	fv_ctx *ctx, const fv_pitch_options *options, const fv_pitch **out);

/* T = 1 + (n - window) / hop, or 0 for n < window. Frame t covers samples t hop .. t hop + window.
 */
int64_t fv_pitch_frames(const fv_pitch *pitch, int64_t n);

/* wave [n] -> f0_hz [T], 0 where unvoiced, and strength [T], the normalised autocorrelation in
 * [0, 1) at the chosen period, 0 where unvoiced. FV_FAILED when memory is out. [worker] */
FV_NODISCARD fv_status fv_pitch_track(const fv_pitch *pitch, fv_ctx *worker, const float *wave,
	int64_t n, float *f0_hz, float *strength);

FV_END_DECLS

#endif
