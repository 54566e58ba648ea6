/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox explain: prints what a configuration resolves to, without computing anything. */
#include <string.h>

#include "base/plural.h"
#include "base/progress.h"
#include "hidden_plugins.h"
#include "run/copies.h"
#include "run/estimate.h"
#include "run/failures.h"
#include "run/refresh.h"
#include "shard.h"
#include "study.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox explain [OPTION...] CONFIG [KEY=VALUE...]\n"
	"\n"
	"Prints what 'fairvox run' would do, without computing anything: the axes of the matrix,\n"
	"the number of variants and runs, the features already cached, the runs to compute, and\n"
	"about how long they take.\n"
	"\n"
	"      --full         also every variant, with every value and its origin, the rows left\n"
	"                     after exclusion and bias, and the state of each run\n"
	"  -j, --jobs N       estimate the time for N worker processes (default "
	"1)\n"
	"  -k, --keep-going   explain what can be run, and why the rest cannot; the exit code is\n"
	"                     then 3\n" CLI_DEVICE_HELP CLI_STUDY_OPTIONS;

/* "3 folds", "1 fold" */
static void print_count(int64_t n, const char *what)
{
	cli_printf("%lld %s%s", (long long)n, what, core_plural(n));
}

/* --- variants --------------------------------------------------------------------------------- */

static void print_combinations(const core_config *c)
{
	cli_printf("%s: ", c->path);
	print_count((int64_t)c->n_variants, "variant");
	cli_printf(" (%zu combination%s, %zu excluded, %zu included, %zu merged)\n",
		c->n_combinations, core_plural((int64_t)c->n_combinations), c->n_excluded,
		c->n_included, c->n_merged);
	size_t tuned = 0, trials = 0;
	for (size_t i = 0; i < c->n_variants; i++) {
		tuned += c->variants[i].tune != NULL;
		trials += c->variants[i].trial;
	}
	if (tuned)
		cli_printf("%zu of them tuned, %zu only as trial%s\n", tuned, trials,
			core_plural((int64_t)trials));
}

/* Prints the axes with the labels of their values. */
static fv_status print_axes(fv_ctx *ctx, const core_config *c)
{
	const char **label = core_alloc(ctx, c->n_variants, sizeof *label);
	if (!label)
		return FV_FAILED;
	for (size_t a = 0; a < c->n_axes; a++) {
		size_t n = core_config_labels(c, c->axis[a], NULL, label);
		if (!n)
			continue; /* another axis names its blocks */
		cli_printf("  %s:", c->axis[a]);
		for (size_t k = 0; k < n; k++)
			cli_printf("%s %s", k ? "," : "", label[k]);
		putchar('\n');
	}
	return FV_OK;
}

static void print_notes(const core_config *c, bool full)
{
	size_t dropped = 0;
	for (size_t i = 0; i < c->n_notes; i++) {
		bool shown = full || c->notes[i].kind != CORE_NOTE_DROPPED;
		dropped += !shown;
		if (shown)
			cli_printf("note: %s\n", c->notes[i].text);
	}
	if (dropped) {
		cli_printf("note: ");
		print_count((int64_t)dropped, "key");
		puts(" of replaced blocks dropped: see --full");
	}
}

static fv_status print_variants(fv_ctx *ctx, const core_config *c)
{
	for (size_t i = 0; i < c->n_variants; i++) {
		core_text text = {0};
		const core_variant *v = &c->variants[i];
		cli_printf("\nvariant %s%s\n", v->slug, v->trial ? " (trial)" : "");
		if (v->tune)
			cli_printf("picks by %s, in each fold, one of %d trial%s:", v->tune->by,
				(int)v->tune->n_trials, core_plural(v->tune->n_trials));
		for (int32_t k = 0; v->tune && k < v->tune->n_trials; k++)
			cli_printf(" %s%s", c->variants[v->tune->trial[k]].slug,
				k + 1 < v->tune->n_trials ? "," : "\n");
		core_config_origins(ctx, c, i, &text);
		fv_status printed = cli_print_lines(ctx, &text);
		core_text_free(&text);
		if (printed)
			return printed;
	}
	return FV_OK;
}

/* --- features and runs --------------------------------------------------------------------------- */

/* What the runs and recordings take: on workers, who share it, and on a device. */
struct time_needed {
	double worker_s, device_s;
};

/* ", about 5 s on cuda (40 s on 2 workers)" */
static fv_status print_device_time(fv_ctx *ctx, const core_encoder *e,
	const core_encoding_cost *cost, double device_s, double worker_s, int64_t jobs)
{
	core_text there = {0}, here = {0};
	core_put_duration(&there, device_s);
	core_put_duration(&here, worker_s / (double)jobs);
	bool failed = there.failed || here.failed;
	if (!failed)
		cli_printf(", about %s on %s", there.data, e->device->name);
	if (!failed && cost->cpu_s > 0)
		cli_printf(" (%s on %lld worker%s of the CPU)", here.data, (long long)jobs,
			core_plural(jobs));
	core_text_free(&there);
	core_text_free(&here);
	return failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}

/* Adds what encoding the missing recordings takes. With a device, prints it, and what it would take without. */
static fv_status add_encoding(fv_ctx *ctx, const core_study *study, const core_encoding *t,
	int64_t missing, int64_t jobs, struct time_needed *needed)
{
	core_encoding_cost cost;
	fv_status status = core_estimate_encoding(ctx, study, t, (int)jobs, &cost);
	if (status)
		return status;
	double n = (double)missing, worker_s = cost.cpu_s * n;
	double device_s = cost.open_s + cost.device_s * n;
	if (!t->encoder->device) {
		needed->worker_s += worker_s;
		return FV_OK;
	}
	needed->device_s += device_s;
	return print_device_time(ctx, t->encoder, &cost, device_s, worker_s, jobs);
}

static fv_status print_encoding(fv_ctx *ctx, const core_study *study, const core_encoding *t,
	int64_t jobs, struct time_needed *needed)
{
	const core_encoder *e = t->encoder;
	const core_recordings *r = &study->set[t->set].recordings;
	int64_t missing;
	fv_status status = core_features_count_missing(ctx, e, r, study->cache, &missing);
	if (status)
		return status;
	cli_printf("  %s %s [%d,%d]: %lld recording%s, %.1f MiB, ", e->name,
		e->info.outputs[e->output].name, e->layers, e->dims, (long long)r->n,
		core_plural(r->n), (double)r->n * e->layers * e->dims * 4 / (1 << 20));
	if (e->info.by_name)
		cli_printf("read by name");
	else
		cli_printf("%lld to encode", (long long)missing);
	if (missing)
		status = add_encoding(ctx, study, t, missing, jobs, needed);
	putchar('\n');
	return status;
}

static fv_status print_features(
	fv_ctx *ctx, const core_study *study, int64_t jobs, struct time_needed *needed)
{
	fv_status status = FV_OK;
	puts("features");
	for (int32_t i = 0; i < study->n_encodings && !status; i++)
		if (!study->encoding[i].failure)
			status = print_encoding(ctx, study, &study->encoding[i], jobs, needed);
	return status;
}

struct totals {
	int64_t all, open, judged, tuned, to_choose;
	struct time_needed needed;      /* by the open ones and their features */
	const core_reason *last_reason; /* of a run that cannot be trained; NULL: none */
};

static const char *describe_state(const core_run *run)
{
	return !run->done                     ? "to compute"
	       : run->stale & CORE_STALE_EVAL ? "done, to re-evaluate"
					      : "done";
}

static void print_run(const core_run *run, const core_run_rows *rows)
{
	const core_train_preview *p = &rows->preview;
	cli_printf("  %s: %s, rows %d train", run->dir, describe_state(run), rows->train);
	if (p->n == 1 && p->stage[0].rows != rows->train)
		cli_printf(" (%d kept)", p->stage[0].rows);
	cli_printf(", %d dev, %d test\n", rows->dev, rows->test);
	for (int32_t i = 0; i < p->n && p->n > 1; i++)
		if (p->stage[i].averaged)
			cli_printf("    stage %d: %s, the mean of %d model%s\n", i + 1,
				p->stage[i].loss, p->stage[i].averaged,
				core_plural(p->stage[i].averaged));
		else
			cli_printf("    stage %d: %s, about %d row%s, %d epoch%s\n", i + 1,
				p->stage[i].loss, p->stage[i].rows, core_plural(p->stage[i].rows),
				p->stage[i].epochs, core_plural(p->stage[i].epochs));
}

static fv_status add_run(fv_ctx *ctx, const core_study *study, const core_run *run, bool full,
	core_run_costs *costs, struct totals *t)
{
	core_run_rows rows;
	double seconds = 0;
	t->all++;
	t->open += !run->done;
	t->judged += run->done && (run->stale & CORE_STALE_EVAL);
	if (run->done && !full)
		return FV_OK;
	fv_ctx *own = core_ctx_aside(ctx);
	fv_status status = own ? core_estimate_rows(own, study, run, &rows) : FV_FAILED;
	if (!status && full)
		print_run(run, &rows);
	if (!status && !run->done)
		status = core_estimate_run(own, study, run, &rows, costs, &seconds);
	t->needed.worker_s += seconds;
	return own ? core_ctx_rejoin(ctx, own, status) : status;
}

/* A run that its plugin refuses is set apart if the study goes on. Equal reasons are told once. */
static fv_status fail_run(
	fv_ctx *ctx, const core_study *study, core_run *run, fv_status status, struct totals *t)
{
	if (!core_study_goes_on(study, status))
		return core_study_name_failure(ctx, run, status);
	status = core_study_fail_run(ctx, study, run, status);
	if (t->last_reason && !strcmp(t->last_reason->text, run->failure->text))
		run->failure = t->last_reason;
	t->last_reason = run->failure;
	t->open--;
	return status;
}

/* Adds all runs up; with `full`, prints each. */
static fv_status add_runs(fv_ctx *ctx, core_study *study, bool full, struct totals *t)
{
	core_run_costs costs = {0};
	fv_status status = FV_OK;
	if (full)
		puts("\nruns");
	for (int64_t i = 0; i < study->n_runs && !status; i++) {
		core_run *run = &study->run[i];
		if (run->aside)
			continue;
		if (!core_run_variant(study, run)->tune) {
			status = add_run(ctx, study, run, full, &costs, t);
			if (status)
				status = fail_run(ctx, study, run, status, t);
			continue;
		}
		t->tuned++;
		t->to_choose += !run->done;
		if (full)
			cli_printf("  %s: %s\n", run->dir,
				run->done ? "chosen" : "to choose among its trials");
	}
	if (!status && t->last_reason)
		status = core_study_pass_on_failures(ctx, study);
	return status || !t->last_reason ? status : core_study_set_failed_apart(ctx, study);
}

static fv_status print_totals(fv_ctx *ctx, const struct totals *t, int64_t jobs)
{
	core_text text = {0};
	print_count(t->all, "run");
	cli_printf(", %lld to compute", (long long)t->open);
	double seconds = t->needed.worker_s / (double)jobs + t->needed.device_s;
	if (t->open || seconds > 0) {
		core_put_duration(&text, seconds);
		cli_printf(", about %s on ", text.failed ? "?" : text.data);
		print_count(jobs, "worker");
	}
	if (t->judged)
		cli_printf(", %lld to re-evaluate", (long long)t->judged);
	if (t->to_choose)
		cli_printf("; %lld of %lld run%s of tuned variants to choose",
			(long long)t->to_choose, (long long)t->tuned, core_plural(t->tuned));
	putchar('\n');
	bool failed = text.failed;
	core_text_free(&text);
	return failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}

fv_status cli_explain(fv_ctx *ctx, cli_study *cli)
{
	core_study *study;
	struct totals totals = {0};
	cli_warn_of_hidden_plugins(ctx, cli);
	print_combinations(cli->variants);
	fv_status status = print_axes(ctx, cli->variants);
	print_notes(cli->variants, cli->full);
	if (!status && cli->full)
		status = print_variants(ctx, cli->variants);
	if (!status)
		status = cli_study_open(ctx, cli, &study);
	if (status)
		return status;
	status = cli_shard_select(ctx, cli, study);
	if (cli->full)
		putchar('\n');
	if (!status)
		status = core_copies_warn(ctx, study);
	if (!status)
		status = print_features(ctx, study, cli->jobs, &totals.needed);
	if (!status)
		status = add_runs(ctx, study, cli->full, &totals);
	bool failed = !status && cli_print_failures(study);
	if (!status)
		status = print_totals(ctx, &totals, cli->jobs);
	core_study_close(study);
	if (!status)
		status = cli_flush(ctx);
	return status || !failed ? status : FV_SOME_FAILED;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	cli_study cli;
	fv_status status = cli_study_parse(ctx, argc, argv, "RCjUkQ", CORE_NEED_RUN, &cli);
	if (!status)
		status = cli_explain(ctx, &cli);
	return status;
}

const cli_verb cli_verb_explain = {"explain", "what a configuration resolves to", usage, run};
