/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite on every plugin that was built. */
#include <stdio.h>
#include <string.h>

#include <fairvox/fairvox.h>

#include "support.h"

#include "base/file.h"
#include "base/text.h"
#include "contract/contract.h"
#include "plugin/registry.h"

/* Plugins with a required parameter: its value, or the text per row of a file to create. */
static const struct {
	fv_kind kind;
	const char *plugin, *param, *header, *row;
} needs[] = {
	{FV_GROUPER, "file", "file", "FileName,group,prob_a,prob_b\n", "%s.wav,a,0.75,0.25\n"},
	{FV_GROUPER, "kmeans", "k", NULL, "4"}, /* eight training rows per class */
	{FV_GROUPER, "truth", "column", NULL, "gender"},
	{FV_ENCODER, "precomputed", "file", "FileName,x,y,z\n", "%s,1.5,-2,0\n"},
};

/* Findings that are expected, and why they are right. */
static const struct {
	const char *plugin, *check, *why;
} known[] = {
	{"ds", "open", "draw: confident needs memberships"},
	{"ecapa", "open without weights", "needs them; see test_ecapa"},
	{"file", "assign", "the file made for this test has one group"},
	{"ge2e", "open without weights", "needs them; see test_ge2e"},
	{"grl", "open", "needs two groups"},
	{"pgdro", "open", "needs memberships"},
	{"wav2vec2", "open without weights", "needs them; see test_speech"},
	{"wav2vec2_age_gender", "open without weights", "needs them; see test_speech"},
	{"wavlm", "open without weights", "needs them; see test_speech"},
	{"pseudo", "independence", "pool: speaker looks at the other rows of a speaker"},
};

static const char *needed_file(fv_ctx *ctx, const char *header, const char *row)
{
	core_text text = {0};
	core_text_add(&text, "%s", header);
	for (int i = 0; i < CORE_CONTRACT_ROWS; i++) {
		char stem[16];
		snprintf(stem, sizeof stem, "row_%02d", i);
		const char *place = strstr(row, "%s");
		core_text_add(&text, "%.*s%s%s", (int)(place - row), row, stem, place + 2);
	}
	const char *path = core_format(ctx, "%s/needed.csv", test_folder("contract"));
	test_ok(ctx, core_file_write(ctx, path, text.data, text.size));
	core_text_free(&text);
	return path;
}

static bool is_known(const fv_descriptor *d, const core_finding *f)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i].plugin, d->name) && !strcmp(known[i].check, f->check))
			return true;
	return false;
}

/* Returns the number of findings that are not expected. */
static size_t count_unknown_findings(fv_ctx *ctx, const fv_descriptor *d, const char *profile)
{
	core_contract_options options = {
		.profile = profile, .stem = "row_03", .same_second = strcmp(profile, "paper") != 0};
	core_contract_setting setting;
	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
		if (needs[i].kind != d->kind || strcmp(needs[i].plugin, d->name))
			continue;
		const char *text = needs[i].row;
		if (needs[i].header)
			text = needed_file(ctx, needs[i].header, needs[i].row);
		setting = (core_contract_setting){needs[i].param, text};
		options.setting = &setting;
		options.n_settings = 1;
	}
	core_contract result;
	test_ok(ctx, core_contract_check(ctx, d, &options, &result));
	size_t unknown = 0;
	print_message("%s/%s, profile %s: %zu checks\n", core_kind_name(d->kind), d->name, profile,
		result.n_checks);
	for (size_t i = 0; i < result.n; i++) {
		const core_finding *f = &result.finding[i];
		unknown += !is_known(d, f);
		print_message("  %s %s: %s\n", f->fault ? "FAULT" : "note", f->check, f->text);
	}
	assert_true(result.n_checks > 4);
	return unknown;
}

/* Whether a parameter has another value in the profile `official`. */
static bool has_official_values(const fv_descriptor *d)
{
	for (uint32_t i = 0; i < d->n_params; i++) {
		const fv_param *p = &d->params[i];
		if (p->def_official && (!p->def_paper || strcmp(p->def_official, p->def_paper)))
			return true;
	}
	return false;
}

static void test_every_plugin(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_registry *r;
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &r));
	size_t unknown = 0, official = 0;
	for (size_t i = 0; i < r->n; i++) {
		const fv_descriptor *d = r->plugin[i].descriptor;
		unknown += count_unknown_findings(ctx, d, "paper");
		if (!has_official_values(d))
			continue;
		unknown += count_unknown_findings(ctx, d, "official");
		official++;
	}
	assert_true(r->n >= 4);
	assert_true(official > 0);
	assert_int_equal(unknown, 0);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_plugin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
