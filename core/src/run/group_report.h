/* SPDX-License-Identifier: Apache-2.0 */
/* How the groups of a run agree with the attributes, the emotion class and the speaker, for each
 * split and all rows, by class and by length of the recording; and how stable they are under other
 * seeds. Rows are those after exclusion and bias. An attribute value that `values` excludes from
 * the metrics counts as unknown. Memory of the context. */
#ifndef CORE_RUN_GROUP_REPORT_H
#define CORE_RUN_GROUP_REPORT_H

#include "base/text.h"
#include "eval/agreement.h"
#include "run/run_data.h"

/* Parts of the rows: each split, then all rows. */
enum { CORE_PART_ALL = CORE_SPLITS, CORE_PARTS };
const char *core_get_part_name(int part); /* "train", "dev", "test", "all" */

/* Bins of recording lengths: bin b is edge[b] <= seconds < edge[b + 1]; the last bin is open. */
enum { CORE_LENGTH_BINS = 6 };
extern const double core_length_edge[CORE_LENGTH_BINS];

/* Rows whose group and true value are known, and how many of them agree by name. */
typedef struct core_share {
	int64_t known, correct;
} core_share;

typedef struct core_group_truth {
	const char *name; /* of the attribute, or "class", "speaker" */
	bool named; /* groups are named like its values, not just numbered: there is an accuracy */
	core_agreement part[CORE_PARTS];
	/* only if named: */
	core_share *by_class[CORE_PARTS]; /* [C] */
	core_share by_length[CORE_PARTS][CORE_LENGTH_BINS];
} core_group_truth;

/* Agreement over all pairs of seeds; NaN if no pair has a row with both groups known. */
typedef struct core_stability {
	double ari, ari_least, nmi, nmi_least; /* mean and smallest */
} core_stability;

typedef struct core_group_report {
	const core_run_data *runner;
	int64_t n[CORE_PARTS], unknown[CORE_PARTS]; /* rows; rows without a group */
	int64_t *size[CORE_PARTS];                  /* [G] */
	double largest[CORE_PARTS]; /* mean over rows of the largest membership; NaN: hard groups */
	bool has_lengths;           /* the audio folder was found */
	int64_t no_length[CORE_PARTS]; /* rows whose length is unknown */
	int32_t n_attributes;    /* entries of truth: the attributes, then class and speaker */
	core_group_truth *truth; /* [n_attributes + 2] */
	int32_t seeds;           /* 0: stability was not computed */
	core_stability stability[CORE_PARTS];
} core_group_report;

/* Call core_run_data_make_groups first. Errors: FV_DATA for recordings that cannot be opened. */
FV_NODISCARD fv_status core_group_report_make(
	fv_ctx *ctx, const core_run_data *runner, core_group_report *out);

/* Infers the groups with `seeds` consecutive seeds, beginning with each grouper's own, and compares
 * every pair. Errors: FV_CONFIG if no grouper has a parameter `seed`. */
FV_NODISCARD fv_status core_group_report_add_seeds(
	fv_ctx *ctx, int32_t seeds, core_group_report *report);

/* Writes one JSON object; the caller frees the text. */
FV_NODISCARD fv_status core_group_report_write_json(
	fv_ctx *ctx, const core_group_report *report, core_text *out);

#endif
