/* SPDX-License-Identifier: Apache-2.0 */
/* Groupers assign each recording to a group.
 *
 * A grouper sees its input (fv_grouper_input): the features of an encoder, or attributes of the recordings.
 * It gets only what uses() asks for; all other members of fv_grouper_input are NULL.
 *
 * Shapes: n rows, D columns, G groups. Group ids are 0..G-1; -1 means unknown. Rows are sorted by
 * the bytes of the recordings' names, whether or not the names are shown. A random draw by row
 * position therefore does not depend on the order of a label file.
 */
#ifndef FAIRVOX_GROUPER_H
#define FAIRVOX_GROUPER_H

#include <fairvox/abi.h>
#include <fairvox/context.h>
#include <fairvox/encoder.h>

FV_BEGIN_DECLS

enum {
	FV_USE_FEATURES = 1, /* x, columns, roles: the user must name an encoder */
	FV_USE_COLUMN = 2,  /* column_id, column_names: the attribute named by parameter `column` */
	FV_USE_CLASS = 4,   /* klass, class_names */
	FV_USE_SPEAKER = 8, /* speaker */
	FV_USE_FILE = 16,   /* stem */
	FV_USE_DURATION = 32, /* duration */
};

/* The grouper input. Its arrays live until the op returns. */
typedef struct fv_grouper_input {
	uint32_t size;
	int32_t n, dims, layers; /* x is [n, layers, dims]; a grouper for one layer refuses more
	                          * in fit() with FV_CONFIG. Every number is finite: the core
	                          * refuses features that are not. */
	const float *x;
	const char *const *columns;      /* [dims] */
	const fv_role *roles;            /* [dims] */
	const int32_t *column_id;        /* [n] index into column_names; -1: unknown */
	const char *const *column_names; /* [n_column_names], sorted by bytes */
	int32_t n_column_names;
	const int32_t *klass;    /* [n] argmax of the soft label; NULL outside the training rows */
	const int32_t *speaker;  /* [n] speaker index */
	const char *const *stem; /* [n] names of the recordings */
	const char *const *class_names; /* [n_classes] in column order */
	int32_t n_classes;
	/* [n] 1: nothing can be heard in the recording, so that its features say nothing; NULL:
	 * none is known to be silent. Wherever x has a column of role FV_COL_PROBABILITY, the core
	 * gives such rows group -1 and memberships 0 after assign(); a grouper need only keep them
	 * from affecting other rows. */
	const uint8_t *silent;
	/* [n] seconds of each recording or segment, NAN where unknown; NULL: the corpus has no
	 * recordings, as with precomputed features alone, so that none is known. Such rows are best
	 * given group -1. */
	const double *duration;
} fv_grouper_input;

typedef struct fv_grouping {
	uint32_t size;
	int32_t groups;          /* G > 0 */
	const char *const *name; /* [G]; lives until close() */
	int32_t soft;            /* 1: assign() writes memberships */
	int32_t probability;     /* 1: memberships are a classifier's probabilities, from 0 to 1 */
} fv_grouping;

#define FV_GROUPING(...) FV_SIZED(fv_grouping, __VA_ARGS__)

/* uses, fit and assign are required. */
typedef struct fv_grouper_ops {
	uint32_t size;
	/* Returns the FV_USE_ flags that apply with the given parameters. Called before fit().
	 * [run] */
	uint32_t (*uses)(const void *state);
	/* Learns from the training rows, after exclusion and bias simulation, and fills in `out`.
	 * Errors: FV_DATA if the rows do not allow it, for example if there are fewer distinct rows
	 * than clusters or no probability column. [run] */
	fv_status (*fit)(void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out);
	/* Writes the group id [n] of any rows and, if the grouping is soft and member is not NULL,
	 * their memberships member [n,G]. Memberships are finite numbers from 0 on,
	 * and 1 at most (or 1e-3 more, for rounding) if they are probabilities; those of a row need
	 * not sum to 1. Ties go to the lowest id. [run] */
	fv_status (*assign)(const void *state, fv_ctx *ctx, const fv_grouper_input *rows,
		int32_t *id, float *member);
	/* Releases what did not come from fv_alloc(). NULL: nothing to release. */
	void (*close)(void *state);
} fv_grouper_ops;

#define FV_GROUPER_OPS(...) FV_SIZED(fv_grouper_ops, __VA_ARGS__)

FV_END_DECLS

#endif
