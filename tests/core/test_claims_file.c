/* SPDX-License-Identifier: Apache-2.0 */
/* The file of claims of a paper: what is refused, and the one that is built in. */
#include "claims.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"

#define GOOD                                                                                       \
	"claims:\n  - name: a\n    claim: b\n    rows: {loss: x}\n    against: {loss: y}\n    "    \
	"metric: f1\n    change: {below: 0}\n"

static void bad_files_are_one_line_with_the_place(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"", ": is empty"},
		{"a\n", ":1:1: "},
		{"claims: []\n", ":1:9: a file of claims needs a list 'claims'"},
		{"claims: 3\n", ":1:9: a file of claims needs a list 'claims'"},
		{"about: x\n", ":1:1: a file of claims needs a list 'claims'"},
		{"claim: []\n", "unknown key 'claim' in a file of claims, did you mean 'claims'?"},
		{"claims: [3]\n", ":1:10: the claim is not a map"},
		{"claims:\n  - name: a\n", ":2:5: the claim has no 'claim'"},
		{GOOD "    metrics: f1\n", ":8:5: unknown key 'metrics' in the claim, did you mean "
					   "'metric'?"},
		{GOOD "    rule: most\n", ":8:11: rule: is not all or any"},
		{GOOD "    mean_over: []\n", ":8:16: mean_over: needs a value"},
		{GOOD "    mean_over: {a: b}\n", ":8:16: mean_over: needs a value"},
		{GOOD "    published: much\n", ":8:16: published: 'much' is not a number"},
		{GOOD "    published: nan\n", ":8:16: published: 'nan' is not a number"},
		{GOOD "    published: [1]\n", ":8:16: published: a list or map is not a number"},
		{GOOD "    attribute: gender\n", ":8:16: attribute: f1 is over all recordings"},
		{GOOD "  - {name: a, claim: b, rows: {loss: x}, against: {loss: y}, metric: f1, "
		      "change: {above: 0}}\n",
			":8:5: two claims are named 'a'"},
		{"claims:\n  - {name: a, claim: b, rows: {}, against: {loss: y}, metric: f1, "
		 "change: "
		 "{below: 0}}\n",
			":2:31: rows: needs what the variants have"},
		{"claims:\n  - {name: a, claim: b, rows: {loss: []}, against: {loss: y}, metric: "
		 "f1, "
		 "change: {below: 0}}\n",
			":2:38: loss: needs a value or a list of values"},
		{"claims:\n  - {name: a, claim: b, rows: {loss: [[x]]}, against: {loss: y}, "
		 "metric: "
		 "f1, change: {below: 0}}\n",
			":2:39: loss: needs plain values"},
		{"claims:\n  - {name: a, claim: b, rows: {loss: x}, against: {loss: y}, metric: "
		 "f2, "
		 "change: {below: 0}}\n",
			"metric: there is no 'f2', did you mean 'f1'?"},
		{"claims:\n  - {name: a, claim: b, rows: {loss: x}, against: {loss: y}, metric: "
		 "ece, "
		 "change: {below: 0}}\n",
			"metric: systems cannot be compared by 'ece'"},
		{"claims:\n  - {name: a, claim: b, rows: {loss: x}, against: {loss: y}, metric: "
		 "tpr_gap, change: {below: 0}}\n",
			"metric: tpr_gap is between groups: name them with 'attribute'"},
		{"claims:\n  - {name: a, claim: b, rows: {loss: x}, against: {loss: y}, metric: "
		 "f1, "
		 "change: {under: 0}}\n",
			"unknown key 'under' in change"},
		{"claims:\n  - {name: a, claim: b, rows: {loss: x}, against: {loss: y}, metric: "
		 "f1, "
		 "change: {below: 0, above: 1}}\n",
			"change: needs one of {below: X} and {above: X}"},
		{"claims:\n  - {name: a, claim: b, rows: {loss: x}, against: {loss: y}, metric: "
		 "f1, "
		 "change: {below: inf}}\n",
			"below: 'inf' is not a number"},
		{"claims:\n  - {name: a, claim: '  ', rows: {loss: x}, against: {loss: y}, metric: "
		 "f1, change: {below: 0}}\n",
			":2:22: claim: needs a text"},
		{"claims:\n  - name: a\n   claim: b\n", "claims.yaml:3:"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		fv_ctx *ctx = test_ctx();
		core_claims claims;
		fv_status status = test_claims_read(ctx, bad[i].text, &claims);
		const char *line = core_error_line(ctx, 0);
		if (status != FV_CONFIG || core_error_count(ctx) != 1 || !line ||
			!strstr(line, bad[i].message) || !strstr(line, "claims.yaml:"))
			fail_msg("%zu: %d: '%s' lacks '%s'", i, (int)status, line ? line : "",
				bad[i].message);
		core_ctx_free(ctx);
	}
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* A file that was cut or changed at random is read or refused with one line, and never does harm. */
static void spoiled_files_do_no_harm(void **unused)
{
	(void)unused;
	const char *good = core_embedded_text("configs/paper/claims.yaml");
	size_t size = strlen(good), refused = 0;
	uint32_t state = 1;
	char *text = malloc(size + 1);
	static const char signs[] = "{}[]:,-#'\"\n\t |>&*!%@0a\xff";
	for (int i = 0; i < 600; i++) {
		fv_ctx *ctx = test_ctx();
		core_claims claims;
		memcpy(text, good, size + 1);
		for (uint32_t k = 1 + next_random(&state) % 4; k; k--)
			text[next_random(&state) % size] =
				signs[next_random(&state) % (sizeof signs - 1)];
		if (i % 4 == 0)
			text[next_random(&state) % size] = '\0';
		fv_status status = test_claims_read(ctx, text, &claims);
		assert_true(status == FV_OK || status == FV_CONFIG);
		if ((core_error_count(ctx) > 0) != (status != FV_OK))
			fail_msg(
				"%d: %s / %s", i, core_error_line(ctx, 0), core_error_line(ctx, 1));
		refused += status != FV_OK;
		core_ctx_free(ctx);
	}
	free(text);
	assert_true(refused > 100 && refused < 600);
}

static void the_claims_of_the_paper_are_built_in(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_claims claims;
	test_ok(ctx, core_claims_read(ctx, NULL, &claims));
	assert_int_equal(claims.n, 48);
	assert_non_null(strstr(claims.about, "Interspeech 2025"));
	for (size_t i = 0; i < claims.n; i++) {
		const core_claim *c = &claims.claim[i];
		assert_non_null(c->source);
		/* what the paper printed is on the side that it claims, but for one rounded mean */
		if (!isnan(c->published))
			assert_true(c->above ? c->published > c->bound : c->published < c->bound);
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files_are_one_line_with_the_place),
		cmocka_unit_test(spoiled_files_do_no_harm),
		cmocka_unit_test(the_claims_of_the_paper_are_built_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
