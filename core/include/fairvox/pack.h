/* SPDX-License-Identifier: Apache-2.0 */
/* Packs: how the network of an encoder computes on a device, the CPU among others.
 *
 * A pack holds the utterances that go through a network together. Each has rows of its own, one behind
 * the other, without padding: the samples of a wave, mel bands, frames. An encoder's op `batch` names the
 * network's operations in order; each takes rows and constants in the device's memory and gives rows there. A
 * plugin never reads that memory: `at` of rows, and constants, are addresses of the device.
 *
 * Operations are enqueued and return nothing. After a failure, for example of memory, those behind it do
 * nothing, and fv_pack_wait returns the failure, whose message is in the context: nothing needs to be checked
 * before. Rows and layouts are scratch memory: they last until the op returns.
 *
 * Shapes: U utterances, R rows in all, W numbers a row, float32, row-major. Unless noted, an operation works
 * on each row, y may be x, and an utterance's numbers do not depend on the other utterances, to the last bit.
 * On the CPU several threads may compute packs of their own with the same constants. All functions are
 * [worker], those of constants [run].
 */
#ifndef FAIRVOX_PACK_H
#define FAIRVOX_PACK_H

#include <fairvox/abi.h>
#include <fairvox/context.h>
#include <fairvox/linear.h>
#include <fairvox/nn.h>

FV_BEGIN_DECLS

typedef struct fv_pack fv_pack;
typedef struct fv_layout fv_layout; /* which rows are which utterance's */

/* R rows of `width` numbers, `stride` numbers apart. at is NULL after a failure. */
typedef struct fv_matrix {
	float *at;
	int64_t width, stride;
	const fv_layout *layout;
} fv_matrix;

/* --- constants: made in open(), live until the plugin's state is closed ------------------------ */

/* fv_linear_open (linear.h) and fv_lstm_open (nn.h) make constants too. */

/* Copies x [n] to the device. NULL, with a message: memory is out. */
const float *fv_constant(fv_ctx *ctx, const float *x, int64_t n);

/* y = scale x + shift in each column; scale and shift are constants of at least the rows' width. */
typedef struct fv_affine {
	const float *scale, *shift;
} fv_affine;

/* How the products of a row are summed. */
typedef enum fv_sums {
	FV_SUMS_FLOAT,  /* sixteen interleaved float sums, as fv_dot */
	FV_SUMS_DOUBLE, /* in double, in order */
} fv_sums;

/* A linear layer for few rows, such as one row an utterance. */
typedef struct fv_dense fv_dense;

/* weight [outputs,inputs], row-major, bias [outputs]; both are copied. NULL, with a message: memory is
 * out. */
fv_dense *fv_dense_open(fv_ctx *ctx, fv_sums sums, int64_t outputs, int64_t inputs,
	const float *weight, const float *bias);

typedef enum fv_function {
	FV_FUNCTION_NONE,
	FV_FUNCTION_RELU,
	FV_FUNCTION_TANH,
	FV_FUNCTION_SOFTMAX, /* over a row; of fv_pack_dense only */
} fv_function;

/* --- rows -------------------------------------------------------------------------------------- */

int32_t fv_pack_count(const fv_pack *pack); /* U */
/* Number of rows that utterance u has in the input. */
int64_t fv_pack_input_rows(const fv_pack *pack, int32_t u);
/* What `prepare` gave, or the waves, [n_u,1]. */
fv_matrix fv_pack_input(const fv_pack *pack);

/* New rows, as many as x has. The numbers in them are not set. */
fv_matrix fv_pack_rows(fv_pack *pack, fv_matrix x, int64_t width);
/* One row an utterance. */
fv_matrix fv_pack_utterances(fv_pack *pack, int64_t width);
/* One row a window: an utterance with T rows of x, T >= window, has (T - window) / step + 1. */
fv_matrix fv_pack_windows(fv_pack *pack, fv_matrix x, int64_t window, int64_t step, int64_t width);

/* The columns [from, from + width) of x, which are the same memory. */
fv_matrix fv_columns(fv_matrix x, int64_t from, int64_t width);

/* --- operations on rows ------------------------------------------------------------------------ */

/* y = activation(W x + b), or with add = 1 activation(y + W x + b). y is not x. */
void fv_pack_linear(fv_pack *pack, const fv_linear *linear, fv_matrix x, int32_t add,
	fv_activation activation, fv_matrix y);

/* y = f(factor (W x + b)), in double from the sums on, rounded once. y is not x. */
void fv_pack_dense(fv_pack *pack, const fv_dense *dense, fv_function f, double factor, fv_matrix x,
	fv_matrix y);

/* y = f(scale x + shift), in float32 */
void fv_pack_affine(fv_pack *pack, fv_affine affine, fv_function f, fv_matrix x, fv_matrix y);

/* --- operations along the rows of an utterance ------------------------------------------------- */

/* A convolution over rows that keeps their number: `taps` rows, odd, `dilation` apart. Beyond an utterance's
 * ends its rows are reflected, so it must have more than dilation (taps - 1) / 2. */
typedef struct fv_convolution {
	uint32_t size;
	fv_linear *linear; /* [outputs, taps, inputs] */
	int32_t taps, dilation;
} fv_convolution;

#define FV_CONVOLUTION(...) FV_SIZED(fv_convolution, __VA_ARGS__)

/* y = relu(convolution of s + t), with s = a(x) and t = b(added). a or b without a scale: x or added as it is;
 * added.at NULL: no t. y may be x or added. */
void fv_pack_convolve(fv_pack *pack, const fv_convolution *convolution, fv_affine a, fv_matrix x,
	fv_affine b, fv_matrix added, fv_matrix y);

/* The mean over an utterance's rows -> y [U,W]. FV_SUMS_FLOAT: in float over sixteen rows and in double over
 * those; FV_SUMS_DOUBLE: in double. */
void fv_pack_mean(fv_pack *pack, fv_sums sums, fv_matrix x, fv_matrix y);

/* Mean and standard deviation of each column of z = scale x + shift over an utterance's rows -> y [U, 2 W],
 * means first. Rows have equal weights, or softmax(logits) over the utterance, column by column, of rows
 * without gaps as x. centre [U,W] is near the means of x. The variance is at least `least`. Sums are of differences
 * from the centre, as those of fv_column_moments (vector.h). logits.at NULL: equal weights. */
void fv_pack_moments(fv_pack *pack, fv_affine affine, double least, fv_matrix x, fv_matrix logits,
	fv_matrix centre, fv_matrix y);

/* y [R,W]: each row is its utterance's row of x [U,W]. */
void fv_pack_spread(fv_pack *pack, fv_matrix x, fv_matrix y);

/* y = sigmoid(gate) (scale y + shift) + x, with gate [U,W]: the sigmoid is in double, its products with scale
 * and shift are rounded to float32. */
void fv_pack_gate(fv_pack *pack, fv_affine affine, fv_matrix gate, fv_matrix x, fv_matrix y);

/* Windows of `window` rows of x, one every `step` rows, through `layers` LSTM layers from a zero state: the
 * last hidden state of the last layer -> a row of y, which fv_pack_windows gives. The hidden layers have the
 * width of y. */
void fv_pack_lstm(fv_pack *pack, fv_lstm *const *layer, int32_t layers, int64_t window,
	int64_t step, fv_matrix x, fv_matrix y);

/* The sum s of some rows, divided by its length: y = s / |s|, in double, rounded once. y [U,W]: of an utterance's rows;
 * y with the rows of x: of each row. A sum whose length is 0 or not finite gives NaN. */
void fv_pack_direction(fv_pack *pack, fv_matrix x, fv_matrix y);

/* --- results ----------------------------------------------------------------------------------- */

/* Copies the rows of utterance u to out[u] + block T_u W, where T_u is their number, in the host's memory. They are
 * there when fv_pack_wait returns; out [U] must stay until then. */
void fv_pack_fetch(fv_pack *pack, fv_matrix x, int64_t block, float *const *out);

/* Waits until all operations are done. Errors: that of the first operation that failed. */
FV_NODISCARD fv_status fv_pack_wait(fv_pack *pack);

/* Says that utterance u has no result, and why (printf format): its recording fails with FV_DATA, the others
 * of the pack do not. */
void fv_pack_refuse(fv_pack *pack, int32_t u, const char *format, ...) FV_PRINTF(3, 4);

/* --- what `prepare` writes ---------------------------------------------------------------------- */

typedef struct fv_feed fv_feed;

/* Returns memory for the network's input of one utterance, [rows,width], in the host's memory. Call it once. width is
 * the same for all utterances. NULL, with a message: memory is out. */
float *fv_feed_rows(fv_feed *feed, int64_t rows, int64_t width);

FV_END_DECLS

#endif
