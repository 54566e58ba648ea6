/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox explain: prints what a configuration resolves to, without computing anything. */
#include <string.h>

#include "run/estimate.h"
#include "run/refresh.h"
#include "study.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox explain [OPTION...] CONFIG [KEY=VALUE...]\n"
	"\n"
	"Prints what a configuration resolves to, without computing anything: the variants and\n"
	"which combinations were excluded or merged, every value with its origin, the features\n"
	"already cached, the rows left after exclusion and bias, and the runs that\n"
	"'fairvox run' would compute.\n"
	"\n" CLI_STUDY_OPTIONS;

static void print_notes(const core_config *c)
{
	printf("%s: %zu variant%s (%zu combinations, %zu excluded, %zu included, %zu merged)\n",
		c->path, c->n_variants, c->n_variants == 1 ? "" : "s", c->n_combinations,
		c->n_excluded, c->n_included, c->n_merged);
	size_t tuned = 0, trials = 0;
	for (size_t i = 0; i < c->n_variants; i++) {
		tuned += c->variants[i].tune != NULL;
		trials += c->variants[i].trial;
	}
	if (tuned)
		printf("%zu of them tuned, %zu only as trials\n", tuned, trials);
	for (size_t i = 0; i < c->n_notes; i++)
		printf("note: %s\n", c->notes[i].text);
}

static fv_status print_variants(fv_ctx *ctx, const core_config *c)
{
	for (size_t i = 0; i < c->n_variants; i++) {
		core_text text = {0};
		const core_variant *v = &c->variants[i];
		printf("\nvariant %s%s\n", v->slug, v->trial ? " (trial)" : "");
		if (v->tune)
			printf("picks by %s, in each fold, one of %d trials:", v->tune->by,
				(int)v->tune->n_trials);
		for (int32_t k = 0; v->tune && k < v->tune->n_trials; k++)
			printf(" %s%s", c->variants[v->tune->trial[k]].slug,
				k + 1 < v->tune->n_trials ? "," : "\n");
		core_config_origins(ctx, c, i, &text);
		bool bad = text.failed;
		if (text.data)
			fwrite(text.data, 1, text.size, stdout);
		core_text_free(&text);
		if (bad)
			return fv_fail(ctx, FV_FAILED, "out of memory");
	}
	return FV_OK;
}

static fv_status print_features(fv_ctx *ctx, const core_study *study, double *seconds)
{
	puts("\nfeatures");
	for (int32_t i = 0; i < study->n_encodings; i++) {
		const core_encoding *t = &study->encoding[i];
		const core_encoder *e = t->encoder;
		const core_recordings *r = &study->set[t->set].recordings;
		int64_t missing;
		double each = 0;
		fv_status status = core_features_count_missing(ctx, e, r, study->cache, &missing);
		if (!status && missing)
			status = core_estimate_recording(ctx, study, t, &each);
		if (status)
			return status;
		*seconds += each * (double)missing;
		printf("  %s %s [%d,%d]: %lld recordings, %.1f MiB, ", e->name,
			e->info.outputs[e->output].name, e->layers, e->dims, (long long)r->n,
			(double)r->n * e->layers * e->dims * 4 / (1 << 20));
		if (e->info.by_name)
			puts("read by name");
		else
			printf("%lld to encode\n", (long long)missing);
	}
	return FV_OK;
}

static fv_status print_run(
	fv_ctx *ctx, const core_study *study, const core_run *run, double *seconds)
{
	const core_train_spec *train = &core_run_variant(study, run)->train;
	core_run_rows rows;
	double each;
	fv_status status = core_estimate_rows(ctx, study, run, &rows);
	if (status)
		return status;
	core_train_preview *p = &rows.preview;
	if (!p->n) { /* not known yet: assume that all rows are used */
		p->n = 1;
		p->stage[0].rows = rows.train;
		p->stage[0].epochs = train->epochs;
	}
	printf("  %s: %s, rows %d train", run->dir,
		!run->done                     ? "to compute"
		: run->stale & CORE_STALE_EVAL ? "done, to re-evaluate"
					       : "done",
		rows.train);
	if (p->n == 1 && p->stage[0].rows != rows.train)
		printf(" (%d kept)", p->stage[0].rows);
	printf(", %d dev, %d test\n", rows.dev, rows.test);
	for (int32_t i = 0; i < p->n && p->n > 1; i++)
		printf("    stage %d: %s, about %d rows, %d epochs\n", i + 1, p->stage[i].loss,
			p->stage[i].rows, p->stage[i].epochs);
	if (run->done)
		return FV_OK;
	status = core_estimate_step(ctx, study, run, &each);
	for (int32_t i = 0; i < p->n; i++) {
		int32_t steps = (p->stage[i].rows + train->batch - 1) / train->batch;
		*seconds += each * p->stage[i].epochs * steps;
	}
	return status;
}

static fv_status print_runs(fv_ctx *ctx, const core_study *study, double seconds)
{
	int64_t all = 0, open = 0, judged = 0;
	puts("\nruns");
	for (int64_t i = 0; i < study->n_runs; i++) {
		if (core_run_variant(study, &study->run[i])->tune) {
			printf("  %s: %s\n", study->run[i].dir,
				study->run[i].done ? "chosen" : "to choose among its trials");
			continue;
		}
		fv_status status = print_run(ctx, study, &study->run[i], &seconds);
		if (status)
			return status;
		all++;
		open += !study->run[i].done;
		judged += study->run[i].done && (study->run[i].stale & CORE_STALE_EVAL);
	}
	printf("%lld runs, %lld to compute", (long long)all, (long long)open);
	if (open)
		printf(", about %.0f %s on one worker", seconds < 120 ? seconds : seconds / 60,
			seconds < 120 ? "s" : "min");
	if (judged)
		printf(", %lld to re-evaluate", (long long)judged);
	putchar('\n');
	return FV_OK;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	cli_study cli;
	core_study *study;
	fv_status status = cli_study_parse(ctx, argc, argv, "RC", CORE_NEED_RUN, &cli);
	if (status)
		return status;
	print_notes(cli.variants);
	status = print_variants(ctx, cli.variants);
	if (!status)
		status = cli_study_open(ctx, &cli, &study);
	if (status)
		return status;
	double seconds = 0;
	status = print_features(ctx, study, &seconds);
	if (!status)
		status = print_runs(ctx, study, seconds);
	core_study_close(study);
	return status ? status : cli_flush(ctx);
}

const cli_verb cli_verb_explain = {"explain", "what a configuration resolves to", usage, run};
