/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox status: which runs of a results folder are done, running or failed, and why. */
#include <getopt.h>

#include "base/json.h"
#include "report/results.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox status [--json] RESULTS\n"
	"\n"
	"Prints how many runs of each variant are done, running, failed, open (interrupted) or\n"
	"left out (unreadable), and why the failed ones failed.\n"
	"\n"
	"      --json  print one JSON object\n";

static const char *const states[] = {"done", "running", "failed", "open", "left out"};
#define STATES (sizeof states / sizeof *states)

static void print_text(const core_results *r)
{
	size_t total[STATES] = {0}, variants = r->n + r->n_left_out;
	for (size_t i = 0; i < variants; i++) {
		size_t n[STATES] = {0};
		for (size_t j = 0; j < r->variant[i].n; j++)
			n[r->variant[i].run[j].status]++;
		printf("%s:", r->variant[i].name);
		for (size_t s = 0; s < STATES; s++) {
			total[s] += n[s];
			if (n[s])
				printf(" %zu %s", n[s], states[s]);
		}
		const core_run_facts *facts = core_variant_facts(&r->variant[i]);
		size_t trials =
			json_array_size(json_object_get(facts ? facts->tune : NULL, "trials"));
		if (trials)
			printf(" (each chosen among %zu trials)", trials);
		putchar('\n');
		for (size_t j = 0; j < r->variant[i].n; j++)
			if (r->variant[i].run[j].status == CORE_RUN_FAILED)
				printf("  fold %lld, seed %lld failed: %s\n",
					(long long)r->variant[i].run[j].fold,
					(long long)r->variant[i].run[j].seed,
					r->variant[i].run[j].reason);
	}
	printf("%zu variants:", variants);
	for (size_t s = 0; s < STATES; s++)
		if (s != CORE_RUN_LEFT_OUT || total[s])
			printf("%s %zu %s", s ? "," : "", total[s], states[s]);
	putchar('\n');
}

static fv_status print_json(fv_ctx *ctx, const core_results *r)
{
	json_t *runs = json_array();
	for (size_t i = 0; i < r->n + r->n_left_out; i++)
		for (size_t j = 0; j < r->variant[i].n; j++) {
			const core_run_result *run = &r->variant[i].run[j];
			json_array_append_new(
				runs, json_pack("{s:s, s:I, s:I, s:s, s:s?}", "variant",
					      r->variant[i].name, "fold", (json_int_t)run->fold,
					      "seed", (json_int_t)run->seed, "state",
					      states[run->status], "reason", run->reason));
		}
	json_t *root = json_pack("{s:i, s:o}", "schema_version", 2, "runs", runs);
	const char *text = core_json_text(ctx, root, JSON_COMPACT);
	if (!text)
		return FV_FAILED;
	puts(text);
	return FV_OK;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'J'}, {0}};
	bool json = false;
	for (int option; (option = cli_option(ctx, argc, argv, "", longs)) != -1; json = true)
		if (option == '?')
			return FV_CONFIG;
	if (optind + 1 != argc)
		return fv_fail(ctx, FV_CONFIG, "status: name one results folder");
	core_results *r;
	fv_status status = core_results_read(ctx, argv[optind], &r);
	if (status)
		return status;
	if (json)
		status = print_json(ctx, r);
	else
		print_text(r);
	core_results_free(r);
	return status ? status : cli_flush(ctx);
}

const cli_verb cli_verb_status = {
	"status", "which runs are done, running or failed, and why", usage, run};
