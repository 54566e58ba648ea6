/* SPDX-License-Identifier: Apache-2.0 */
/* A resolved variant: the configuration after defaults, profile, files, overrides and matrix have
 * been applied and everything has been checked. Made by config/, read by all other modules. Paths
 * are absolute or relative to the working folder. Path templates keep "{fold}". */
#ifndef CORE_CONFIG_SPEC_H
#define CORE_CONFIG_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <fairvox/encoder.h>
#include <fairvox/linear.h>
#include <fairvox/loss.h>
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

/* One column, or several that are joined with "+". */
typedef struct core_joined_column {
	const char *name; /* what the configuration calls it: file, speaker, age */
	core_strings columns;
} core_joined_column;

/* Rows to use, by a column. */
typedef struct core_condition {
	const char *column;
	bool range; /* low to high, both included; otherwise one of the values */
	double low, high;
	core_strings values;
} core_condition;

/* A label file, or a pattern that matches several. */
typedef struct core_label_source {
	const char *split; /* of all its rows; NULL: its rows tell */
	const char *path;  /* may contain {fold} */
} core_label_source;

typedef struct core_corpus_spec {
	/* canonical text of the settings that determine a fold's rows: equal keys mean equal
	 * rows */
	const char *key;
	const struct core_yaml *block; /* as resolved, for the places of its keys; may be NULL */
	const char *audio;             /* folder, NULL: none */
	/* path, may contain {fold}; of several the first with {fold}, or the first */
	const char *labels;
	int32_t n_label_source; /* 0: `labels` is the only one */
	core_label_source *label_source;
	core_strings classes; /* n = 0: found from the label file */
	/* file NULL: the columns are in the label file. speaker: the file's speaker column, NULL:
	 * SpkrID */
	const char *attributes_file, *attributes_speaker;
	int32_t n_attribute_columns;
	core_column *attribute_columns;
	int32_t n_bins;
	core_bins *bins;
	int32_t n_values;
	core_values *values;
	int32_t n_folds;
	int64_t *folds;     /* fold names, e.g. 1..5; {0} when there are no folds */
	bool has_folds;     /* labels has {fold}, or make_folds > 0 */
	int32_t make_folds; /* 0: the split is in the label file, or fold_by tells it */
	int64_t make_folds_seed;
	/* column whose values are the folds, or with make_folds whose rows stay together; NULL: the
	 * speaker */
	const char *fold_by;
	core_strings exclude; /* recording ids */
	/* header names; NULL: the default names. `file` may be a template: "dia{Dialogue_ID}.wav" */
	const char *column_file, *column_speaker, *column_gender, *column_split;
	const char *column_start, *column_end;
	int32_t n_columns; /* as written; those above are filled from them */
	core_joined_column *columns;
	int32_t n_label_attributes; /* the columns that are attributes, gender aside */
	core_joined_column *label_attributes;
	/* column of the class name in a CSV with one label a row; NULL: a column for each class */
	const char *label_column;
	/* e in y' = (1-e) onehot + e/C for one label a row, and in y' = (1 - e C/(C-1)) y + e/(C-1)
	 * for votes and counts */
	double label_smoothing;
	bool has_label_smoothing;
	/* columns that together identify a speaker; n = 0: the speaker column */
	core_strings speaker_key;
	bool shared_speakers; /* speakers may be in two splits */
	const char *speaker;  /* "none": every recording is its own; otherwise NULL */
	double dev_share;     /* of the training rows; 0: the files have dev rows */
	/* [n_splits] value of the split column (field attribute) -> split (field column; NULL: left
	 * out) */
	int32_t n_splits;
	core_column *splits;
	const char *votes_file, *votes_emotion,
		*votes_recording; /* NULL: no votes, the usual name */
	/* [n_map] class (field attribute) -> new name (field column; NULL: dropped) */
	int32_t n_map;
	core_column *map;
	int32_t n_where;
	core_condition *where;
	core_strings missing; /* values that mean missing, beside the usual words */
} core_corpus_spec;

typedef struct core_bias_spec {
	bool on;
	const struct core_yaml *block; /* as resolved, for the places of its keys; may be NULL */
	const char *attribute;
	double minority_ratio; /* >= 1 */
	/* [n_majority] class (field attribute) -> value of the bias attribute (field column) */
	core_column *majority;
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
	void *state;             /* holds the parameters; copied for each instance */
	const char *params_json; /* canonical JSON of all resolved parameters; paths are absolute */
	core_strings paths;      /* values of FV_PATH parameters, for fingerprints */
	int32_t n_delegates;
	/* [n_delegates] one for each FV_LOSS_REF parameter that has a value */
	struct core_delegate *delegate;
} core_plugin_spec;

/* The loss that a parameter names, with its own parameters. */
typedef struct core_delegate {
	const char *param;
	core_plugin_spec use;
} core_delegate;

typedef struct core_encoder_spec {
	core_plugin_spec use;
	const struct core_yaml *block; /* as resolved, for the places of its keys; may be NULL */
	/* canonical text of the settings that determine the features: all but `standardize` */
	const char *key;
	const char *weights; /* NULL: none */
	const char *output;  /* NULL: the encoder's first */
	int32_t layer;       /* -1: all */
	double max_seconds;  /* 0: no cut */
	core_normalize normalize;
	fv_standardize standardize;
	bool has_standardize; /* false: the output's own default */
} core_encoder_spec;

#define CORE_PRODUCT_MAX 8 /* groupers of a product */

typedef struct core_grouper_spec {
	core_plugin_spec use;
	const struct core_yaml *block; /* as resolved, for the places of its keys; may be NULL */
	/* reserved key `column`: the attribute that an FV_USE_COLUMN grouper reads; NULL: none */
	const char *column;
	uint32_t uses;    /* FV_USE_ flags, as the op `uses` returned them for these parameters */
	int64_t seed;     /* reserved key `seed` */
	bool has_seed;    /* false: the run's seed */
	bool has_encoder; /* false: the grouper uses the variant's encoder */
	core_encoder_spec encoder;
} core_grouper_spec;

typedef enum core_optimizer {
	CORE_ADAM,
	CORE_ADAMW,
	CORE_SGD,
} core_optimizer;

typedef enum core_schedule_kind {
	CORE_SCHEDULE_NONE,
	CORE_SCHEDULE_COSINE,
	CORE_SCHEDULE_PLATEAU,
} core_schedule_kind;

/* What a sampler draws alike often */
typedef enum core_sampler_kind {
	CORE_SAMPLE_NONE, /* each epoch visits every row once */
	CORE_SAMPLE_CLASSES,
	CORE_SAMPLE_GROUPS,
	CORE_SAMPLE_SUBGROUPS,
} core_sampler_kind;

typedef enum core_class_weighting {
	CORE_WEIGHTS_EFFECTIVE,
	CORE_WEIGHTS_INVERSE,
	CORE_WEIGHTS_NONE,
} core_class_weighting;

typedef struct core_train_spec {
	int32_t epochs, batch;
	double learning_rate;
	core_optimizer optimizer;
	double weight_decay; /* adamw, sgd */
	double momentum;     /* sgd */
	core_schedule_kind schedule;
	int32_t plateau_patience; /* epochs */
	double plateau_factor;
	int32_t patience; /* epochs without a better one after which training stops; 0: none */
	core_sampler_kind sampler;
	double clip;        /* 0: none */
	const char *select; /* config/select_rule.h */
	/* for rules that use groups; NULL and 0 with all others */
	const char *select_groups; /* CORE_INFERRED_GROUPS or an attribute */
	int32_t select_support;
	double select_f1_floor;
	core_class_weighting class_weights;
	fv_base_kind base_loss;
	double focal_gamma;
	const char *init, *order; /* files, NULL: none; may contain {fold} */
	int32_t n_seeds;
	int64_t *seeds;
} core_train_spec;

/* The metrics that systems can be compared by: of all rows, and of an attribute's groups. They are the
 * descriptors of eval/metric.c that have a paired test. */
#define CORE_OVERALL_METRICS                                                                       \
	"f1|f1_micro|f1_weighted|acc|accuracy|uar|worst_class_recall|argmax_f1|argmax_f1_micro|"   \
	"argmax_f1_weighted"
#define CORE_GROUP_METRICS                                                                         \
	"tpr_gap|tpr_gap_zero|fpr_gap|dp_gap|dp_gap_eq4|eo_rms|eo_max|"                            \
	"equal_opportunity_difference|equalized_odds_difference|demographic_parity_ratio|"         \
	"equalized_odds_ratio|argmax_tpr_gap|argmax_fpr_gap|argmax_dp_gap|recall_gap|"             \
	"worst_group_f1|worst_group_acc|argmax_worst_group_f1|worst_group_uar"

typedef struct core_eval_spec {
	core_strings attributes; /* n = 0: all attributes of the corpus, unless numeric has some */
	core_strings numeric;    /* attributes that are numbers, not groups */
	bool dev_threshold;      /* threshold: dev */
	bool majority_only;      /* argmax leaves out rows without a strict majority */
	const char *compare_metric, *compare_attribute; /* NULL: no comparison declared */
} core_eval_spec;

/* What the jobs of a cluster ask for. It decides no result. */
#define CORE_SLURM_CHUNK_MINUTES 30
typedef struct core_slurm_spec {
	/* texts for sbatch; NULL: not given */
	const char *partition, *account, *time, *memory, *gpus, *constraint;
	int32_t throttle;     /* tasks of an array at the same time; 0: no limit */
	double chunk_minutes; /* short runs share a task of about this length */
	core_strings sbatch;  /* further options of sbatch, each a line */
} core_slurm_spec;

/* A variant that picks one of its trials in each fold. */
typedef struct core_tune {
	const char *by; /* the development value that decides: dev_loss... */
	int32_t n_trials;
	int32_t *trial;         /* [n_trials] indices of earlier variants */
	const char **axes_json; /* [n_trials] values on the axes of `tune:`: {key: value} */
} core_tune;

typedef struct core_variant {
	/* a label made of the varied axes; run/identity.h defines the identity of a variant */
	const char *slug;
	/* SHA-256 of all settings that decide results, as written; equal keys mean one variant */
	char key[65];
	/* the same of the settings before their check: also known of a variant that is refused */
	char written[65];
	core_corpus_spec corpus;
	core_bias_spec bias;
	core_encoder_spec encoder;
	int32_t n_groupers; /* 0: none; more than one: their product */
	core_grouper_spec *groupers;
	core_plugin_spec loss;
	const char *profile;
	int32_t head_projection, n_head_hidden; /* projection 0: none */
	int64_t *head_hidden;                   /* [n_head_hidden] */
	fv_activation head_activation;
	double head_dropout;
	core_train_spec train;
	core_eval_spec eval;
	core_slurm_spec slurm;
	/* the resolved configuration as YAML text, for config.yaml */
	const char *yaml;
	int32_t n_axes;                  /* axes of the matrix, for table headings */
	const char **axis, **axis_value; /* [n_axes] keys and labels */
	const char *axes_json;           /* {key: value}; null where an axis has no effect */
	const core_tune *tune;           /* NULL: the variant is trained itself */
	bool trial;                      /* exists only as a trial of tuned variants */
} core_variant;

#endif
