/* SPDX-License-Identifier: Apache-2.0 */
/* Classifiers that are trained on a device (device.h). */
#ifndef CORE_BACKEND_CLASSIFIER_H
#define CORE_BACKEND_CLASSIFIER_H

#include "backend/kernels.h"
#include "base/context.h"

/* A classifier without hidden layers (nn/head.h) in the device's memory: its parameters, Adam's moments, and what a step needs. Its
 * results do not depend on the others of a call, to the last bit. */
typedef struct core_classifier core_classifier;

typedef struct core_classifier_plan {
	int32_t layers, dims, projection,
		classes;       /* all at least 1; classes at most CORE_CLASSIFIER_CLASSES */
	int32_t batch, rows;   /* rows of a step, of any call, at most */
	const float *features; /* [.,L,D] in the device's memory, as load gave it */
	const float *mean,
		*scale; /* [L,D] on the host, which standardise the features; NULL: they are used as they are */
} core_classifier_plan;

enum { CORE_CLASSIFIER_CLASSES = 16 };

/* Rows of features -> logits. With `keep`, of a step: n is at most the batch. */
typedef struct core_classifier_rows {
	core_classifier *classifier;
	int32_t n;
	const int32_t *index; /* [n] of the features */
	bool keep;
	float *logits; /* [n,C] */
} core_classifier_rows;

/* The rest of a step: the gradient of the loss with respect to the logits of the rows that were kept last -> new parameters, by
 * Adam. clip: as in core_clip_scale. The parameters stay as they are if the norm is not finite. */
typedef struct core_classifier_step {
	core_classifier *classifier;
	const float *d_logits;  /* [n,C] */
	core_adam_scalars adam; /* whose scale is not used */
	double clip, norm;      /* norm: of the gradient, a result */
} core_classifier_step;

/* Functions that return text return NULL, or what failed. */
typedef struct core_classifier_ops {
	/* ctx must live as long as the classifier: it is told what is remarkable later. Errors: FV_FAILED (memory). */
	fv_status (*open)(fv_ctx *ctx, core_device *device, const core_classifier_plan *plan,
		core_classifier **out);
	void (*close)(core_classifier *classifier);
	/* Vectors [count], in the order of nn/head.h; those that are NULL are left out. */
	const char *(*set)(
		core_classifier *classifier, const float *params, const float *m, const float *v);
	const char *(*get)(
		core_classifier *classifier, float *params, float *gradient, float *m, float *v);
	/* n at least 1; every classifier takes part once. */
	const char *(*forward)(core_device *device, core_classifier_rows *const *job, int32_t n);
	const char *(*update)(core_device *device, core_classifier_step *const *job, int32_t n);
} core_classifier_ops;

#endif
