/* SPDX-License-Identifier: Apache-2.0 */
/* A registry of descriptors written by hand, for tests of code that reads one. No file is loaded.
 *
 * encoders  waves (depth, layers, table, mode, gain, mirror), spectra (bands)
 * groupers  columns (column), clusters (k, seed)
 * losses    plain (no groups), balanced, worst (mode, lambda, inner; presets of profile official)
 * refused   broken.so */
#ifndef TEST_REGISTRY_H
#define TEST_REGISTRY_H

#include <fairvox/param.h>

#include "plugin/registry.h"

typedef struct test_waves {
	int64_t depth;
	double gain;
	int32_t mode, mirror;
	const char *table;
	fv_list layers;
} test_waves;

typedef struct test_clusters {
	int64_t k, seed;
} test_clusters;

typedef struct test_columns {
	const char *column;
} test_columns;

typedef struct test_worst {
	double lambda;
	int32_t mode;
	const char *inner;
} test_worst;

const core_registry *test_registry(void);

#endif
