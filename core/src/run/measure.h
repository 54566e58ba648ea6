/* SPDX-License-Identifier: Apache-2.0 */
/* Computes the metrics of a run from its predictions: the content of metrics.json, which `verify`
 * recomputes. */
#ifndef CORE_RUN_MEASURE_H
#define CORE_RUN_MEASURE_H

#include <jansson.h>

#include "config/spec.h"
#include "eval/predictions.h"

typedef struct core_measured {
	int64_t fold, seed;
	int32_t selected_epoch;
	/* epochs of the last training stage that it was chosen from; 0: it is the last by design */
	int32_t epochs;
} core_measured;

/* The same of a run whose metrics.json has been read. */
core_measured core_measured_read(int64_t fold, int64_t seed, const json_t *metrics);

/* The attributes that metrics.json is about. */
typedef struct core_measured_names {
	core_strings groups;  /* columns, and products of them */
	core_strings numeric; /* columns of numbers */
} core_measured_names;

/* The same of a run whose metrics.json has been read. */
FV_NODISCARD fv_status core_measured_names_read(
	fv_ctx *ctx, const json_t *metrics, core_measured_names *out);

/* The rows that metrics.json is about: those of the split `test`, and those of further test sets,
 * which are under the key `tests`. With eval.threshold: dev each has a second reading under the key
 * `dev_threshold`, at thresholds chosen on the development rows. */
typedef struct core_measured_rows {
	core_predictions test;
	bool has_dev; /* eval.threshold: dev */
	core_predictions dev;
	int32_t n_sets;
	const char *const *set_name; /* [n_sets] */
	core_predictions *set;       /* [n_sets] */
} core_measured_rows;

/* Reads predictions.csv, its development rows if `dev`. `set_name` must live as long as the context. */
FV_NODISCARD fv_status core_measured_rows_read(fv_ctx *ctx, const char *path, int32_t n_sets,
	const char *const *set_name, bool dev, core_measured_rows *out);

/* Sets how the predictions of a model trained with `train` are evaluated: the thresholds, if they differ
 * from 1/C, and whether the argmax reading leaves out rows without a majority. */
FV_NODISCARD fv_status core_measure_set_options(fv_ctx *ctx, const core_train_spec *train,
	bool majority_only, core_predictions *predictions);

/* Computes the metrics of some rows without nulls and intervals: an object as metrics.json. */
FV_NODISCARD fv_status core_measure_values(fv_ctx *ctx, const core_predictions *predictions,
	const core_measured_names *names, json_t **out);

/* Returns metrics.json as text, with the null of each gap and intervals over speakers. Errors: FV_CONFIG
 * for an attribute that the predictions lack. */
FV_NODISCARD fv_status core_measure_predictions(fv_ctx *ctx, const core_measured_rows *rows,
	const core_measured_names *names, const core_measured *run, char **json);

#endif
