/* SPDX-License-Identifier: Apache-2.0 */
/* Classifiers that are trained on the device: what the kernels of classifier.cu are given. All memory is the device's; a
 * launch returns at once. n classifiers take part in a launch; the other numbers are the largest of theirs. */
#ifndef CORE_BACKEND_CUDA_CLASSIFIER_HPP
#define CORE_BACKEND_CUDA_CLASSIFIER_HPP

#include <cstdint>
#include <cuda_runtime.h>

namespace gpu
{

static constexpr int NUMBERS = 8; /* of a vector that a thread updates */

/* The scalars of Adam (backend/kernels.h) without the factor of clipping */
struct adam {
	float l2, keep, one_beta1, beta2, one_beta2, rate, root, eps;
};

/* A classifier in a launch. Vectors have `count` numbers in the order of nn/head.h: a [L] at 0, W1 [H,D] at `projection`, b1 [H]
 * at `bias`, W2 [C,H] at `output`, b2 [C] at `output_bias`. */
struct trained {
	int layers, dims, width, classes; /* L, D, H, C */
	int64_t projection, bias, output, output_bias, count;
	float *param, *gradient, *m, *v;
	/* made of the parameters: s [L], W2 b1 + b2 [C], M [C,D] */
	float *share, *constant, *product;
	/* rows: of features [.,L,D], which mean and scale [L,D] or nullptr standardise */
	const float *features, *mean, *scale;
	int rows;
	bool keep;            /* what the gradient needs: dots, mixed */
	const int32_t *index; /* [rows] */
	float *logits;        /* [rows,C] */
	float *dots, *mixed;  /* [rows,L,C], [rows,D] */
	/* a step */
	const float *d_logits; /* [rows,C] */
	float *outer;          /* G [C,D] */
	double *squares;       /* [H] sums over the rows of dW1 */
	double clip, *norm;    /* clip 0: none */
	float *factor;
	adam step;
};

void prepare_classifiers(const trained *all, int n, int dims, cudaStream_t stream);
/* dots: L C */
void read_rows(const trained *all, int n, int rows, int dots, cudaStream_t stream);
/* gradient, norm and factor, of the rows that were read last */
void find_gradients(
	const trained *all, int n, int dims, int width, int layers, cudaStream_t stream);
void take_adam_steps(const trained *all, int n, int64_t count, cudaStream_t stream);

} // namespace gpu

#endif
