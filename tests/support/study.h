/* SPDX-License-Identifier: Apache-2.0 */
/* A toy corpus on disk and a study of it, with the plugins of the build. 12 speakers with 8
 * recordings each (6 train, 3 dev, 3 test speakers), 3 classes, features [2,4] in safetensors,
 * attributes gender and race. Only test speaker s11 has race C, and that of s10 is unknown. */
#ifndef TEST_STUDY_H
#define TEST_STUDY_H

#include "run/study.h"

#define TOY_SPEAKERS 12
#define TOY_EACH 8
#define TOY_ROWS (TOY_SPEAKERS * TOY_EACH)
#define TOY_LAYERS 2
#define TOY_DIMS 4
#define TOY_CLASSES 3

/* Writes labels.csv, speakers.csv, features.safetensors and plan.yaml. Attributes are those of
 * speaker (s + turn) % 12, so a turn changes all of them and nothing else. */
void test_toy_write(const char *dir, int turn);

/* Returns the features as written: x [TOY_LAYERS, TOY_DIMS] of recording i of speaker s. */
void test_toy_features(int s, int i, float *x);

/* Opens plan.yaml with overrides ("k=v"). Plugin folders besides FAIRVOX_PLUGIN_PATH may be given
 * (NULL: none). Results go to dir/results. Close it with core_study_close. */
core_study *test_toy_open(
	fv_ctx *ctx, const char *dir, const char *plugins, size_t n, const char *const *override);

#endif
