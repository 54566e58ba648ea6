/* SPDX-License-Identifier: Apache-2.0 */
/* Test helper: an encoder plugin, opened through the registry with default parameters. */
#ifndef TEST_ENCODER_H
#define TEST_ENCODER_H

#include <fairvox/encoder.h>

#include "plugin/registry.h"
#include "run/encoder.h"
#include "support.h"

typedef struct test_encoder {
	fv_ctx *ctx;
	const fv_encoder_ops *ops;
	void *state;
	fv_encoder_info info;
} test_encoder;

test_encoder test_encoder_open(const char *name); /* fails the test */
void test_encoder_close(test_encoder *encoder);
/* Encodes one recording into [D]; fails the test on an error or a number that is not finite.
 * Release it with free(). */
float *test_encoder_run(const test_encoder *encoder, int32_t output, const float *wave, int64_t n);
/* Encodes wave [n] on the CPU, as the core does. */
fv_status test_encode(const fv_encoder_ops *ops, const void *state, fv_ctx *worker, int32_t output,
	const float *wave, int64_t n, int32_t pooled, float *out);
int32_t test_encoder_column(const test_encoder *encoder, int32_t output, const char *name);
/* Returns the number in the column of this name; out [D] is what test_encoder_run gave. */
double test_encoder_value(
	const test_encoder *encoder, int32_t output, const float *out, const char *name);

/* Opens an encoder as `fairvox encode` does; weights, output and param ("key=value") may be NULL.
 */
fv_status test_encoder_with(fv_ctx *ctx, const core_registry *registry, const char *name,
	const char *weights, const char *output, const char *param, core_encoder **out);

/* Runs the contract suite for encoders with the given weights; fails the test if one of its checks
 * fails. */
void test_encoder_contract(const char *name, const char *weights);

/* Lists every recording under shared/corpora/ravdess/audio, or skips the test. */
typedef struct test_recording {
	char name[256];
	int64_t n;
	float *wave;
} test_recording;
typedef struct test_recordings {
	int32_t n;
	test_recording *at; /* sorted by name */
} test_recordings;
test_recordings test_ravdess(void);
void test_recordings_free(test_recordings *recordings);

#endif
