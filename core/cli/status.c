/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox status: which runs of a study or a results folder are done, running or failed, and why. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/json.h"
#include "base/plural.h"
#include "base/progress.h"
#include "report/results.h"
#include "report/status_tables.h"
#include "report/write.h"
#include "run/folder.h"
#include "study.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox status [OPTION...] CONFIG [KEY=VALUE...]\n"
	"       fairvox status [OPTION...] RESULTS\n"
	"\n"
	"With a configuration: how many of its runs are done, running, failed, interrupted or\n"
	"pending, in all and for each value of each axis of the matrix, why the failed ones\n"
	"failed, and how long the rest will take with the workers that run now. With a results\n"
	"folder: the same for each variant in it; runs without a folder are not known there.\n"
	"\n"
	"      --follow       with a configuration: show the progress until no run is running,\n"
	"                     interrupted or pending; exit code 3 if some failed\n"
	"      --json         print one JSON object\n" CLI_DEVICE_HELP CLI_STUDY_OPTIONS;

/* --- a results folder ------------------------------------------------------------------------- */

static const char *const states[] = {"done", "running", "failed", "interrupted", "left out"};
#define STATES (sizeof states / sizeof *states)

/* Prints the reasons of failed runs, each once with its first run. */
static void print_failures(const core_variant_result *v)
{
	for (size_t i = 0; i < v->n; i++) {
		const core_run_result *run = &v->run[i];
		size_t before = 0, more = 0;
		for (size_t j = 0; j < v->n && run->reason; j++) {
			bool same = v->run[j].reason && !strcmp(v->run[j].reason, run->reason);
			before += same && j < i;
			more += same && j > i;
		}
		if (!run->reason || before)
			continue;
		cli_printf("  fold %lld, seed %lld", (long long)run->fold, (long long)run->seed);
		if (more)
			cli_printf(" and %zu more", more);
		cli_printf(" failed: %s\n", run->reason);
	}
}

static int64_t count_warnings(fv_ctx *ctx, const core_run_result *run)
{
	return run->status == CORE_RUN_DONE ? core_folder_count_warnings(ctx, run->dir) : 0;
}

static void print_warnings(fv_ctx *ctx, const core_results *r)
{
	core_text text = {0};
	int64_t n = 0;
	const char *first = NULL;
	for (size_t i = 0; i < r->n + r->n_left_out; i++)
		for (size_t j = 0; j < r->variant[i].n; j++)
			if (count_warnings(ctx, &r->variant[i].run[j]) && !n++)
				first = r->variant[i].run[j].dir;
	core_status_tell_warnings(&text, n, first);
	if (text.data)
		cli_printf("%s", text.data);
	core_text_free(&text);
}

static void print_results(fv_ctx *ctx, const core_results *r)
{
	size_t total[STATES] = {0}, variants = r->n + r->n_left_out, unstarted = 0;
	for (size_t i = 0; i < variants; i++) {
		size_t n[STATES] = {0};
		for (size_t j = 0; j < r->variant[i].n; j++)
			n[r->variant[i].run[j].status]++;
		cli_printf("%s:", r->variant[i].name);
		for (size_t s = 0; s < STATES; s++) {
			total[s] += n[s];
			if (n[s])
				cli_printf(" %zu %s", n[s], states[s]);
		}
		const core_run_facts *facts = core_variant_facts(&r->variant[i]);
		size_t trials =
			json_array_size(json_object_get(facts ? facts->tune : NULL, "trials"));
		if (trials)
			cli_printf(" (each chosen among %zu trial%s)", trials,
				core_plural((int64_t)trials));
		if (r->variant[i].reason)
			cli_printf(" could not start: %s", r->variant[i].reason);
		unstarted += r->variant[i].reason != NULL;
		putchar('\n');
		print_failures(&r->variant[i]);
	}
	cli_printf("%zu variant%s:", variants, core_plural((int64_t)variants));
	for (size_t s = 0; s < STATES; s++)
		if (s != CORE_RUN_LEFT_OUT || total[s])
			cli_printf("%s %zu %s", s ? "," : "", total[s], states[s]);
	if (unstarted)
		cli_printf("; %zu variant%s could not start", unstarted,
			core_plural((int64_t)unstarted));
	print_warnings(ctx, r);
	putchar('\n');
}

static fv_status print_json(fv_ctx *ctx, json_t *root)
{
	return cli_print_json(ctx, core_json_text(ctx, root, JSON_COMPACT));
}

static fv_status print_results_json(fv_ctx *ctx, const core_results *r)
{
	json_t *runs = json_array(), *unstarted = json_array();
	for (size_t i = 0; i < r->n + r->n_left_out; i++) {
		if (r->variant[i].reason)
			json_array_append_new(
				unstarted, json_pack("{s:s, s:s}", "variant", r->variant[i].name,
						   "reason", r->variant[i].reason));
		for (size_t j = 0; j < r->variant[i].n; j++) {
			const core_run_result *run = &r->variant[i].run[j];
			json_array_append_new(
				runs, json_pack("{s:s, s:I, s:I, s:s, s:s?, s:I}", "variant",
					      r->variant[i].name, "fold", (json_int_t)run->fold,
					      "seed", (json_int_t)run->seed, "state",
					      states[run->status], "reason", run->reason,
					      "warnings", (json_int_t)count_warnings(ctx, run)));
		}
	}
	return print_json(ctx, json_pack("{s:i, s:o, s:o}", "schema_version", 2, "runs", runs,
				       "not_started", unstarted));
}

static fv_status show_results(fv_ctx *ctx, const cli_study *cli)
{
	if (cli->follow)
		return fv_fail(ctx, FV_CONFIG,
			"--follow needs the configuration of the study: %s is a results folder, "
			"which "
			"does not tell what is still to come",
			cli->config);
	if (cli->n_overrides)
		return fv_fail(ctx, FV_CONFIG, "status: name one results folder");
	core_results *r;
	fv_status status = core_results_read(ctx, cli->config, &r);
	if (status)
		return status;
	if (cli->json)
		status = print_results_json(ctx, r);
	else
		print_results(ctx, r);
	core_results_free(r);
	return status;
}

/* --- a study ---------------------------------------------------------------------------------- */

static void print_failed(const core_survey *s)
{
	for (int64_t i = 0; i < s->study->n_runs; i++) {
		const core_run *run = &s->study->run[i];
		if (s->state[i] == CORE_FOLDER_FAILED)
			cli_printf("%s failed: %s\n", run->dir, s->reason[i]);
	}
}

static fv_status print_study(fv_ctx *ctx, const core_survey *s)
{
	core_text text = {0};
	core_document *document = core_document_new(ctx);
	fv_status status = document ? core_status_tables(ctx, s, document) : FV_FAILED;
	if (!status)
		status = core_document_write(ctx, document, CORE_TABLE_TEXT, &text);
	if (!status) {
		core_text_add(&text, "%s", document->n_tables ? "\n" : "");
		core_status_line(s, &text);
		core_text_add(&text, "\n");
		status = text.failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
	}
	if (!status) {
		(void)cli_print_failures(s->study);
		print_failed(s);
		status = cli_print(ctx, &text);
	}
	core_document_free(document);
	core_text_free(&text);
	return status;
}

static int64_t count_open(const core_survey *s)
{
	return s->count[CORE_FOLDER_RUNNING] + s->count[CORE_FOLDER_INTERRUPTED] +
	       s->count[CORE_FOLDER_PENDING] + s->to_choose;
}

/* Reports the progress until all runs are done or failed. A signal ends the program. */
static fv_status follow_study(fv_ctx *ctx, core_survey *s)
{
	const core_progress progress = core_progress_begin(ctx, "status", "runs");
	static const struct timespec pause = {.tv_sec = 1};
	fv_status status = FV_OK;
	while (!status && count_open(s)) {
		int64_t ended = s->count[CORE_FOLDER_DONE] + s->count[CORE_FOLDER_FAILED];
		bool idle = !s->count[CORE_FOLDER_RUNNING];
		core_progress_report_left(&progress, (double)ended, (double)(ended + count_open(s)),
			idle ? NAN : s->left_s);
		nanosleep(&pause, NULL);
		status = core_survey_update(ctx, s);
	}
	return status;
}

static fv_status show_study(fv_ctx *ctx, cli_study *cli)
{
	core_study *study;
	core_survey survey;
	cli->keep_going = true; /* what cannot be planned is a part of the answer */
	fv_status status = cli_study_read(ctx, CORE_NEED_RUN, cli);
	if (!status)
		status = cli_study_open(ctx, cli, &study);
	if (status)
		return status;
	status = core_survey_make(ctx, study, &survey);
	if (!status && cli->follow)
		status = follow_study(ctx, &survey);
	if (!status)
		status = cli->json ? print_json(ctx, core_status_json(&survey))
				   : print_study(ctx, &survey);
	bool failed = cli->follow && !status &&
		      (survey.count[CORE_FOLDER_FAILED] || survey.choice_failed ||
			      study->config->n_refused);
	core_study_close(study);
	return failed ? FV_SOME_FAILED : status;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	cli_study cli;
	fv_status status = cli_study_parse_options(ctx, argc, argv, "RCJWQ", &cli);
	if (!status)
		status = core_is_dir(cli.config) ? show_results(ctx, &cli) : show_study(ctx, &cli);
	return status ? status : cli_flush(ctx);
}

const cli_verb cli_verb_status = {
	"status", "which runs are done, running or failed, and why", usage, run};
