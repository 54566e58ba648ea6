/* SPDX-License-Identifier: Apache-2.0 */
/* The made-up rows that groupers are shown. */
#ifndef CORE_CONTRACT_GROUPER_FIXTURE_H
#define CORE_CONTRACT_GROUPER_FIXTURE_H

#include "contract/suite.h"

enum { N = CORE_CONTRACT_ROWS, TRAIN = N / 2, COLUMNS_MAX = 32, LAYERS_MAX = 2 };

/* A grouper input with something for every kind of grouper; columns that uses() does not name are
 * hidden. */
struct grouper_fixture {
	float x[N * LAYERS_MAX *
		COLUMNS_MAX]; /* [N, layers, dims] three probabilities, three features in clusters */
	int32_t column_id[N], klass[N], speaker[N];
	double duration[N];
	const char *stem[N];
	int32_t dims, layers;
	bool recordings; /* false: durations are not shown, as in a corpus of features alone */
	const char *column[COLUMNS_MAX];
	fv_role role[COLUMNS_MAX];
};

/* One layer of features; NULL (and a failure): memory is out. */
struct grouper_fixture *contract_make_grouper_fixture(struct contract *c);
/* The same rows with two layers, of which the first has the numbers of other rows, and with the last column first:
 * a grouper that takes x for [N, dims] then reads numbers that differ. */
struct grouper_fixture *contract_add_layer(struct contract *c, const struct grouper_fixture *one);

/* Rows [first, first+n), with only the inputs that `uses` names. */
fv_grouper_input contract_select_rows(
	const struct grouper_fixture *f, uint32_t uses, int32_t first, int32_t n);

/* Copies rows to memory that may only be read, and ends where they end. Close what is returned; NULL: memory is out. */
core_fence *contract_show_rows(fv_ctx *ctx, const fv_grouper_input *rows, fv_grouper_input *out);

/* Tells what the grouper asked for. */
void contract_tell_grouper(struct contract *c, const struct grouper_fixture *f, uint32_t uses);

#endif
