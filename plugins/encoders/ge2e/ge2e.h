/* SPDX-License-Identifier: Apache-2.0 */
/* GE2E speaker encoder: declarations that the files of this plugin share.
 *
 * Shapes: n samples, T frames of 40 mel bands, P partial windows of 160 frames, 256 dimensions. */
#ifndef GE2E_H
#define GE2E_H

#include <fairvox/fairvox.h>

enum {
	GE2E_RATE_HZ = 16000,
	GE2E_WINDOW = 400, /* samples */
	GE2E_HOP = 160,
	GE2E_BANDS = 40,
	GE2E_FRAMES = 160, /* of a partial window */
	GE2E_DIMS = 256,
	GE2E_LAYERS = 3
};

enum ge2e_silence { GE2E_CUT, GE2E_KEEP };

typedef struct ge2e_state {
	double level_dbfs, rate, min_coverage; /* parameters */
	int32_t silence;                       /* enum ge2e_silence */
	fv_stft *stft;
	fv_mel *mel;
	fv_lstm *layer[GE2E_LAYERS];
	fv_dense *last; /* the linear layer, 256 -> 256 */
} ge2e_state;

/* --- weights.c --- */

/* Checks that the file holds the network and no unknown tensors, and opens the layers. */
FV_NODISCARD fv_status ge2e_read_weights(ge2e_state *s, fv_ctx *ctx, const char *path);

extern const fv_fits_1 ge2e_fits;

/* --- speech.c --- */

/* Writes wave [n] to out [*kept], made louder and without silences as the parameters ask. *kept is
 * from 1 to n. */
FV_NODISCARD fv_status ge2e_extract_speech(const ge2e_state *s, fv_ctx *worker, const float *wave,
	int64_t n, float *out, int64_t *kept);

/* --- embed.c --- */

/* Opens everything except the weights. */
FV_NODISCARD fv_status ge2e_open_features(ge2e_state *s, fv_ctx *ctx);

/* Returns P for n samples. The windows start at frames 0, *step, 2 *step ... */
int64_t ge2e_count_partials(const ge2e_state *s, int64_t n, int64_t *step);

/* Computes the mel bands of the windows of wave [n] into feed [(P - 1) step + 160, 40]. */
FV_NODISCARD fv_status ge2e_compute_mel(
	const ge2e_state *s, fv_ctx *worker, const float *wave, int64_t n, fv_feed *feed);

/* Enqueues the partial embeddings of the utterances of a pack, whose input is such mel bands: [P,256] of each,
 * each of length 1. */
fv_matrix ge2e_compute_partials(const ge2e_state *s, fv_pack *pack);

/* Computes the embeddings out[u] [256]: the mean of the partials, scaled to length 1. */
FV_NODISCARD fv_status ge2e_embed(const ge2e_state *s, fv_pack *pack, float *const *out);

#endif
