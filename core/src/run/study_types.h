/* SPDX-License-Identifier: Apache-2.0 */
/* The data types of a study: sets of recordings, folds, features and runs (variant x fold x seed).
 * Files that work on parts of a study include this header; study.h opens all of it. */
#ifndef CORE_RUN_STUDY_TYPES_H
#define CORE_RUN_STUDY_TYPES_H

#include "config/config.h"
#include "corpus/corpus.h"
#include "run/evaluation.h"
#include "run/features.h"

/* The recordings of a corpus, all folds together. */
typedef struct core_set {
	const core_corpus_spec *spec;
	core_recordings recordings;
	const char **id;            /* [recordings.n] their ids (ids.h) */
	bool hashed;                /* paths and hashes are known */
	const core_reason *failure; /* why they cannot be; NULL: none */
	double *seconds;            /* [recordings.n] durations, NAN: unknown; NULL: not asked for,
	                             * or none is known (durations.h) */
	int64_t told_silent;        /* silent recordings that were warned of */
	bool synthetic;             /* made by `fairvox synth`, according to the audio folder */
	/* For the identity of variants: hashes of a fold that does not depend on the requested
	 * folds. */
	bool identified;
	char labels_sha256[CORE_SHA256_HEX], audio_sha256[CORE_SHA256_HEX];
} core_set;

typedef struct core_fold {
	int32_t set;
	int64_t fold;
	core_corpus *corpus;
	bool classes_moved; /* the label file has the classes in another order than the study */
	int64_t *row;       /* [corpus->n] row in the set's recordings */
	char labels_sha256[CORE_SHA256_HEX], attributes_sha256[CORE_SHA256_HEX];
	char audio_sha256[CORE_SHA256_HEX]; /* over stems and hashes; "" until known */
} core_fold;

/* The features of a set under an encoder, loaded when a run needs them. */
typedef struct core_encoding {
	const char *key;            /* of the encoder spec */
	int32_t set, fold;          /* fold: index, only with normalize: corpus; else -1 */
	const core_reason *failure; /* why there are no features; NULL: none */
	core_encoder *encoder;      /* NULL: it could not be opened, as `failure` says */
	core_waves *
		waves; /* only with normalize: corpus; encodings of one rate and length share them */
	bool loaded;
	core_features features;
} core_encoding;

/* The identity of a variant in a results folder, independent of its label. */
typedef struct core_identity {
	char sha256[CORE_SHA256_HEX]; /* see identity.h */
	char family[CORE_SHA256_HEX]; /* the same without the seeds of groupers and bias */
	char settings
		[CORE_SHA256_HEX]; /* the same without the files of plugins: another build has it too */
	const char *dir; /* RESULTS/<slug>-<hash8>, possibly with the slug of an earlier study */
	bool repeats;    /* an earlier variant of the study has the same identity */
} core_identity;

/* The hash of a file, computed once per study. */
typedef struct core_content {
	struct core_content *next;
	const char *path;
	char sha256[CORE_SHA256_HEX];
} core_content;

typedef struct core_run {
	int32_t variant, fold; /* indices */
	int64_t seed;
	int32_t encoding;                         /* the variant's features */
	int32_t group_encoding[CORE_PRODUCT_MAX]; /* features of each grouper; -1: none */
	const char *dir;                          /* RESULTS/<slug>-<hash8>/fold<F>-seed<S> */
	const char *
		fingerprint; /* everything the result depends on, as canonical JSON: the content of `done` */
	bool done;           /* the folder holds the results of exactly this fingerprint */
	const core_evaluation *evaluation; /* how it is evaluated */
	unsigned stale;                    /* if done: CORE_STALE_ flags (refresh.h) */
	const core_reason
		*failure; /* why it cannot be computed; NULL: it can, as far as is known */
	int64_t number;   /* its place among the runs that are trained, from 0 (share.h) */
	bool aside;       /* left to other processes (share.h) */
} core_run;

/* A run that cannot be computed (failures.h). */
typedef struct core_failed_run {
	int32_t variant; /* index */
	bool all;        /* all runs of the variant, whose folds are not known */
	int64_t fold, seed;
	const char *dir; /* NULL: the variant has no identity, so that its runs have no folders */
	const core_reason *reason;
	int64_t number; /* as in core_run */
	bool aside;
} core_failed_run;

/* A fold whose labels cannot be read. */
typedef struct core_bad_fold {
	int32_t set;
	int64_t fold;
	const core_reason *reason;
} core_bad_fold;

typedef struct core_study {
	core_config *config;
	const char *results, *cache;
	core_device_choice *device; /* where encoders compute; NULL: on the CPU */
	int32_t n_sets, n_folds, n_encodings;
	core_set *set;
	core_fold *fold;
	core_encoding *encoding;
	core_identity *identity; /* [config->n_variants] */
	core_content *content;   /* files hashed so far */
	int64_t n_runs, n_numbers;
	core_run *run;
	/* With keep_going, what fails is set apart and the rest of the study is computed. */
	bool keep_going;
	int32_t n_bad_folds;
	core_bad_fold *bad_fold;
	size_t n_failed, failed_capacity;
	core_failed_run *failed;
} core_study;

static inline const core_variant *core_run_variant(const core_study *study, const core_run *run)
{
	return &study->config->variants[run->variant];
}

#endif
