/* SPDX-License-Identifier: Apache-2.0 */
/* Groupers say who belongs together. They see a table of numbers and only the attributes they
 * declare in uses(); everything else in fv_table is NULL.
 *
 * Shapes: n rows, D columns, G groups. Ids are 0..G-1, -1 is unknown.
 * Rows come sorted by the bytes of their stems whether or not stems are shown, so a draw made by row
 * position does not depend on the order of a label file.
 */
#ifndef FAIRVOX_GROUPER_H
#define FAIRVOX_GROUPER_H

#include <fairvox/abi.h>
#include <fairvox/context.h>
#include <fairvox/encoder.h>

FV_BEGIN_DECLS

enum {
	FV_USE_TABLE = 1,   /* x, columns, roles: an encoder is needed */
	FV_USE_COLUMN = 2,  /* column_id, column_names: the attribute named by parameter `column` */
	FV_USE_CLASS = 4,   /* klass, class_names */
	FV_USE_SPEAKER = 8, /* speaker */
	FV_USE_FILE = 16,   /* stem */
};

typedef struct fv_table {
	uint32_t size;
	int32_t n, dims, layers; /* x is [n, layers, dims]; groupers mostly want layers == 1 */
	const float *x;
	const char *const *columns;      /* [dims] */
	const fv_role *roles;            /* [dims] */
	const int32_t *column_id;        /* [n] index into column_names; -1 unknown */
	const char *const *column_names; /* sorted by bytes */
	int32_t n_column_names;
	const int32_t *klass;    /* [n] argmax of the soft label; NULL outside the training rows */
	const int32_t *speaker;  /* [n] speaker index */
	const char *const *stem; /* [n] */
	const char *const *class_names; /* [n_classes] in column order */
	int32_t n_classes;
} fv_table;

typedef struct fv_grouping {
	uint32_t size;
	int32_t groups;          /* G > 0 */
	const char *const *name; /* [G], lives until close */
	int32_t soft;            /* 1: assign() fills memberships */
	int32_t probability;     /* 1: memberships are a classifier's probabilities */
} fv_grouping;

typedef struct fv_grouper_ops {
	uint32_t size;
	/* FV_USE_ flags under the parameters given. Called before fit. [run] */
	uint32_t (*uses)(const void *state);
	/* Learns from the training rows (after exclusion and bias) and fills `out`. Errors: FV_DATA when
	 * the rows do not allow it (fewer distinct rows than clusters, no probability column). [run] */
	fv_status (*fit)(void *state, fv_ctx *ctx, const fv_table *train, fv_grouping *out);
	/* Any rows -> id [n], and member [n,G] when soft and member is not NULL. Rows of member need not
	 * sum to 1. Ties go to the lowest id. [run] */
	fv_status (*assign)(
		const void *state, fv_ctx *ctx, const fv_table *rows, int32_t *id, float *member);
	void (*close)(void *state); /* NULL: nothing to do */
} fv_grouper_ops;

FV_END_DECLS

#endif
