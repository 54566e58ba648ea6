/* SPDX-License-Identifier: Apache-2.0 */
/* How the groups of a run agree with what is known: with every attribute, the emotion class and the
 * speaker, in each split and over all rows, by class and by length of the recording; and with the
 * groups of other seeds. Rows are those after exclusion and bias. A value that `values` keeps out
 * of an attribute's metrics is unknown here too. Memory of the context. */
#ifndef CORE_RUN_GROUP_REPORT_H
#define CORE_RUN_GROUP_REPORT_H

#include "base/text.h"
#include "eval/agreement.h"
#include "run/runner.h"

/* Parts of the rows: the splits, then all together. */
enum { CORE_PART_ALL = CORE_SPLITS, CORE_PARTS };
const char *core_get_part_name(int part); /* "train", "dev", "test", "all" */

/* Lengths of recordings: bin b is edge[b] <= seconds < edge[b + 1], the last one open. */
enum { CORE_LENGTH_BINS = 6 };
extern const double core_length_edge[CORE_LENGTH_BINS];

/* Rows with a group and a true value, and how many of them are named rightly. */
typedef struct core_share {
	int64_t known, correct;
} core_share;

typedef struct core_group_truth {
	const char *name; /* of the attribute, or "class", "speaker" */
	bool named; /* groups carry its values' names, not just numbers: there is an accuracy */
	core_agreement part[CORE_PARTS];
	/* where named: */
	core_share *by_class[CORE_PARTS]; /* [C] */
	core_share by_length[CORE_PARTS][CORE_LENGTH_BINS];
} core_group_truth;

/* Of every two seeds; NaN where no pair has a row with both groups known. */
typedef struct core_stability {
	double ari, ari_least, nmi, nmi_least; /* means and smallest */
} core_stability;

typedef struct core_group_report {
	const core_runner *runner;
	int64_t n[CORE_PARTS], unknown[CORE_PARTS]; /* rows; those without a group */
	int64_t *size[CORE_PARTS];                  /* [G] */
	double largest[CORE_PARTS]; /* mean over rows of the largest membership; NaN: hard groups */
	bool has_lengths;           /* recordings were found */
	int64_t no_length[CORE_PARTS]; /* rows whose recording or length is not known */
	int32_t n_attributes;          /* of truth: the attributes, then class, then speaker */
	core_group_truth *truth;       /* [n_attributes + 2] */
	int32_t seeds;                 /* 0: stability was not asked for */
	core_stability stability[CORE_PARTS];
} core_group_report;

/* For a runner after core_runner_make_groups. Errors: FV_DATA for recordings that cannot be opened. */
FV_NODISCARD fv_status core_group_report_make(
	fv_ctx *ctx, const core_runner *runner, core_group_report *out);

/* Infers the groups again for the seeds after each grouper's own, `seeds` in all, and compares
 * every two. Errors: FV_CONFIG where no grouper has a parameter `seed`. */
FV_NODISCARD fv_status core_group_report_add_seeds(
	fv_ctx *ctx, int32_t seeds, core_group_report *report);

/* One JSON object; the caller frees the text. */
FV_NODISCARD fv_status core_group_report_write_json(
	fv_ctx *ctx, const core_group_report *report, core_text *out);

#endif
