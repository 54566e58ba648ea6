/* SPDX-License-Identifier: Apache-2.0 */
/* What a study is made of, as data: sets of recordings, folds, features and runs (variant x fold x seed).
 * The files that work on a part of it include this one; study.h, which opens it all, lies above them. */
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
	const char **id; /* [recordings.n] how files of ours spell each (ids.h) */
	bool hashed;     /* paths and hashes are filled in */
	bool synthetic;  /* the audio folder says it was made by `fairvox synth` */
	/* For the identity of variants, of one fold that does not depend on which are asked for. */
	bool identified;
	char labels_sha256[CORE_SHA256_HEX], audio_sha256[CORE_SHA256_HEX];
} core_set;

typedef struct core_fold {
	int32_t set;
	int64_t fold;
	core_corpus *corpus;
	int64_t *row; /* [corpus->n] row in the set's recordings */
	char labels_sha256[CORE_SHA256_HEX], attributes_sha256[CORE_SHA256_HEX];
	char audio_sha256[CORE_SHA256_HEX]; /* over stems and hashes; "" until they are known */
} core_fold;

/* The features of a set under an encoder, loaded when a run needs them. */
typedef struct core_encoding {
	const char *key;   /* of the encoder spec */
	int32_t set, fold; /* fold: index, only with normalize: corpus; else -1 */
	core_encoder *encoder;
	core_waves *
		waves; /* only with normalize: corpus; encodings of one rate and length share them */
	bool loaded;
	core_features features;
} core_encoding;

#define CORE_PRODUCT_MAX 8

/* One point of the matrix as a results folder knows it, whatever its label. */
typedef struct core_identity {
	char sha256[CORE_SHA256_HEX]; /* its identity (identity.h) */
	char family[CORE_SHA256_HEX]; /* the same without the seeds of groupers and bias */
	const char *dir; /* RESULTS/<slug>-<hash8>; an earlier study may have chosen the slug */
	bool repeats;    /* an earlier variant has the same identity: names of files alone differ */
} core_identity;

/* A file's content, hashed once a study. */
typedef struct core_content {
	struct core_content *next;
	const char *path;
	char sha256[CORE_SHA256_HEX];
} core_content;

typedef struct core_run {
	int32_t variant, fold; /* indices */
	int64_t seed;
	int32_t encoding;                         /* the variant's features */
	int32_t group_encoding[CORE_PRODUCT_MAX]; /* of each grouper; -1: uses none */
	const char *dir;                          /* RESULTS/<slug>-<hash8>/fold<F>-seed<S> */
	const char *
		fingerprint; /* everything the result depends on, as canonical JSON: content of `done` */
	bool done;           /* the folder holds the results of exactly this fingerprint */
	const core_evaluation *evaluation; /* how it is to be judged */
	unsigned stale;                    /* of a done run: CORE_STALE_ flags (refresh.h) */
} core_run;

typedef struct core_study {
	core_config *config;
	const char *results, *cache;
	int32_t n_sets, n_folds, n_encodings;
	core_set *set;
	core_fold *fold;
	core_encoding *encoding;
	core_identity *identity; /* [config->n_variants] */
	core_content *content;   /* files hashed so far */
	int64_t n_runs;
	core_run *run;
} core_study;

static inline const core_variant *core_run_variant(const core_study *study, const core_run *run)
{
	return &study->config->variants[run->variant];
}

#endif
