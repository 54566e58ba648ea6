/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of networks that encoders share. They compute forward only: weights are copied when a
 * block is opened, and the block is never written to afterwards, so several threads may use it at
 * once.
 *
 * The result of an _open function lives until the plugin's state is closed (fv_alloc) and needs no
 * close of its own. NULL means that memory is out; the message is in the context.
 */
#ifndef FAIRVOX_NN_H
#define FAIRVOX_NN_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

/* --- LSTM ----------------------------------------------------------------------------------------
 * One layer of long short-term memory as in PyTorch (Hochreiter & Schmidhuber, Neural Computation 9
 * (1997), with the forget gate of Gers et al., 2000):
 *
 *     i, f, o = sigmoid(W_i* x + b_i* + W_h* h + b_h*)     g = tanh(W_ig x + b_ig + W_hg h + b_hg)
 *     c' = f c + i g                                       h' = o tanh(c')
 */

typedef struct fv_lstm fv_lstm;

/* weight_ih [4H,D], weight_hh [4H,H], bias_ih [4H], bias_hh [4H], with the rows of the gates in the
 * order i, f, g, o. H must be a multiple of 4. [run] */
fv_lstm *fv_lstm_open(fv_ctx *ctx, int32_t inputs, int32_t hidden, const float *weight_ih,
	const float *weight_hh, const float *bias_ih, const float *bias_hh);

/* Number of floats of scratch memory that fv_lstm_apply needs for up to `sequences` sequences. */
size_t fv_lstm_scratch(const fv_lstm *lstm, int64_t sequences);

/* Runs P sequences x [T,P,D] side by side, each from a zero state, and writes all hidden states to
 * y [T,P,H]. y may be x if D = H. [worker] */
void fv_lstm_apply(const fv_lstm *lstm, const float *x, int64_t steps, int64_t sequences, float *y,
	float *scratch);

FV_END_DECLS

#endif
