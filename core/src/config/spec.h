/* SPDX-License-Identifier: Apache-2.0 */
/* A resolved variant: what the YAML says once defaults, profile, files, overrides and matrix have been
 * applied and everything has been checked. config/ makes it; all other modules read it.
 * Paths are absolute or relative to the working folder. "{fold}" stays in templates. */
#ifndef CORE_CONFIG_SPEC_H
#define CORE_CONFIG_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <fairvox/encoder.h>
#include <fairvox/plugin.h>

#include "config/place.h"
#include "plugin/registry.h"

typedef struct core_strings {
	int32_t n;
	const char **item;
} core_strings;

typedef struct core_bin {
	const char *name;
	double low, high; /* both inclusive */
} core_bin;

typedef struct core_bins {
	const char *attribute;
	int32_t n;
	core_bin *bin;
} core_bins;

typedef struct core_column {
	const char *attribute, *column; /* race: Race */
} core_column;

typedef struct core_values {
	const char *attribute;
	core_strings names; /* the only values counted in that attribute's metrics */
} core_values;

typedef struct core_corpus_spec {
	const char *
		key; /* canonical text of what decides the rows of a fold: specs with one key read the same */
	core_place place;
	const char *audio;    /* folder, NULL: none */
	const char *labels;   /* path, may contain {fold} */
	core_strings classes; /* n = 0: found from the label file */
	/* file NULL: the columns are the label file's; speaker: its column, NULL: SpkrID */
	const char *attributes_file, *attributes_speaker;
	int32_t n_attribute_columns;
	core_column *attribute_columns;
	int32_t n_bins;
	core_bins *bins;
	int32_t n_values;
	core_values *values;
	int32_t n_folds;
	int64_t *folds; /* fold names, e.g. 1..5; {0} and has_folds false when labels has no {fold}
			 */
	bool has_folds; /* labels has {fold}, or make_folds > 0 */
	int32_t make_folds; /* 0: the label file says the split */
	int64_t make_folds_seed;
	core_strings exclude; /* stems */
	/* header names; NULL: the usual ones */
	const char *column_file, *column_speaker, *column_gender, *column_split;
	const char
		*label_column;  /* one-label CSV: column with the class name; NULL: soft columns */
	double label_smoothing; /* one-label CSV: y' = (1-e) onehot + e/C */
	core_strings speaker_key; /* columns joined to make a speaker; n = 0: the speaker column */
	bool shared_speakers;     /* a speaker in two splits is declared and allowed */
} core_corpus_spec;

typedef struct core_bias_spec {
	bool on;
	core_place place;
	const char *attribute;
	double minority_ratio; /* >= 1 */
	core_column *majority; /* [n] class (attribute) -> value of the attribute (column) */
	int32_t n_majority;
	int64_t seed;
	bool has_seed; /* false: the run's seed */
} core_bias_spec;

typedef enum core_normalize {
	CORE_NORMALIZE_NONE,
	CORE_NORMALIZE_UTTERANCE,
	CORE_NORMALIZE_CORPUS,
} core_normalize;

typedef struct core_plugin_spec {
	core_place place;
	const core_plugin *plugin;
	void *state;             /* parameters filled in; copied for each instance */
	const char *params_json; /* canonical JSON of all resolved parameters; paths are absolute */
	core_strings paths;      /* values of FV_PATH parameters, for content hashes */
	int32_t n_delegates;
	struct core_delegate *delegate; /* one for each FV_LOSS_REF parameter that has a value */
} core_plugin_spec;

/* The loss that a parameter names, with parameters of its own. */
typedef struct core_delegate {
	const char *param;
	core_plugin_spec use;
} core_delegate;

typedef struct core_encoder_spec {
	core_plugin_spec use;
	const char *key; /* canonical text of what decides the features; all but `standardize` */
	const char *weights; /* NULL: none */
	const char *output;  /* NULL: the encoder's first */
	int32_t layer;       /* -1: all */
	double max_seconds;  /* 0: no cut */
	core_normalize normalize;
	fv_standardize standardize;
	bool has_standardize; /* false: the output's own default */
} core_encoder_spec;

typedef struct core_grouper_spec {
	core_plugin_spec use;
	const char *column; /* reserved key `column`: the attribute for FV_USE_COLUMN; NULL: none */
	int64_t seed;       /* reserved key `seed`, own axis */
	bool has_seed;      /* false: the run's seed */
	bool has_encoder;   /* false: the variant's encoder */
	core_encoder_spec encoder;
} core_grouper_spec;

typedef struct core_train_spec {
	int32_t epochs, batch;
	double learning_rate;
	bool adamw;
	double weight_decay;
	double clip;        /* 0: none */
	const char *select; /* config/select_rule.h */
	/* of rules that look at groups; NULL and 0 with the others */
	const char *select_groups; /* CORE_INFERRED_GROUPS or an attribute */
	int32_t select_support;
	double select_f1_floor;
	const char *init, *order; /* files, NULL: none; may contain {fold} */
	int32_t n_seeds;
	int64_t *seeds;
} core_train_spec;

typedef struct core_eval_spec {
	core_strings attributes;                        /* n = 0: all that the corpus has */
	const char *compare_metric, *compare_attribute; /* NULL: no family declared */
} core_eval_spec;

typedef struct core_variant {
	const char *slug; /* a label made of the axes that differ; run/identity.h says what it is */
	char key[65]; /* SHA-256 of all that decides results, as written: equal variants are one */
	core_corpus_spec corpus;
	core_bias_spec bias;
	core_encoder_spec encoder;
	int32_t n_groupers; /* 0: none; more than one: their product */
	core_grouper_spec *groupers;
	core_plugin_spec loss;
	const char *profile;
	int32_t head_projection;
	core_train_spec train;
	core_eval_spec eval;
	const char *yaml;                /* the resolved config as YAML text, for config.yaml */
	int32_t n_axes;                  /* matrix axes of this variant, for table headings */
	const char **axis, **axis_value; /* keys and labels */
	const char *axes_json;           /* {key: value}; null where an axis has no effect */
} core_variant;

#endif
