/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of a head whose two linear layers are carried by their product M = W2 W1 [C,D]: three
 * passes that read each large array once. Sums run in as many parts as a vector has lanes, so the
 * instruction sets differ in rounding; the choice is made at run time and is the same on a machine.
 *
 * Because z_i = sum_l s_l (x_il . M) + const, the products of the layers with M give the logits, and with
 * them the gradient of the mix, ds_l = sum_i dz_i . (x_il M), without a second reading of the features.
 */
#ifndef CORE_NN_COLLAPSE_H
#define CORE_NN_COLLAPSE_H

#include <stddef.h>
#include <stdint.h>

typedef struct core_collapse {
	const char *name;
	/* M [C,D] = W2 [C,H] W1 [H,D] */
	void (*product)(int32_t classes, int32_t projection, int32_t dims, const float *output,
		const float *weight, float *product);
	/* One row x [L,D] -> dots [L,C] = x M^T, mixed [D] = sum_l share_l x_l. next: the row that will be
	 * taken after it, which is fetched meanwhile (rows lie anywhere in far more memory than the
	 * caches hold: this halves the time), or x again. */
	void (*row)(int32_t classes, int32_t layers, int32_t dims, const float *x,
		const float *next, const float *product, const float *share, float *dots,
		float *mixed);
	/* G [C,D] -> d_weight [H,D] = W2^T G, d_output [C,H] += G W1^T */
	void (*gradient)(int32_t classes, int32_t projection, int32_t dims, const float *output,
		const float *weight, const float *outer, float *d_weight, float *d_output);
} core_collapse;

/* The implementations that this machine can run, fastest first. */
size_t core_collapse_paths(core_collapse out[3]);

#endif
