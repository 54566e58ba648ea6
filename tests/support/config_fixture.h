/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations in a folder of their own, loaded with the plugins of registry.h, and what loading says. */
#ifndef TEST_CONFIG_FIXTURE_H
#define TEST_CONFIG_FIXTURE_H

#include "support.h"

#include "config/config.h"
#include "config/loader.h"

/* The smallest configurations. */
#define CORPUS "corpus: {labels: labels.csv}\n"
#define BASE CORPUS "encoder: {name: waves}\n"
#define GROUPED BASE "grouper: {name: columns, column: gender}\n"

/* A context in its own folder of files, and the result of loading. */
typedef struct test_config {
	fv_ctx *ctx;
	core_config *config;
	fv_status status;
	unsigned needs;
} test_config;

/* Set-up and tear-down of a test; the state is a test_config. */
int test_config_open(void **state);
int test_config_close(void **state);

void test_config_write(test_config *w, const char *path, const char *text);
/* Loads a file with arguments, which are separated by spaces outside brackets. */
void test_config_load(test_config *w, const char *path, const char *arguments);
const char *test_config_errors(test_config *w); /* all lines that were said */
/* Asserts the status and these lines. */
void test_config_expect_errors(test_config *w, fv_status status, const char *lines);
/* The following assert that loading succeeded. */
core_variant *test_config_variant(test_config *w, size_t index);
const char *test_config_slugs(test_config *w); /* separated by spaces */
const char *test_config_notes(test_config *w); /* a line each */
/* Returns the origin that `explain` prints for a key of the first variant. */
const char *test_config_origin(test_config *w, const char *key);

#endif
