/* SPDX-License-Identifier: Apache-2.0 */
/* Divides the open runs of a study into tasks of about equal length. */
#include <math.h>
#include <stdio.h>

#include "run/estimate.h"
#include "run/failures.h"
#include "run/folder.h"
#include "run/pace.h"
#include "run/refresh.h"
#include "run/task_list.h"

struct plan {
	fv_ctx *ctx;
	const core_study *study;
	core_pace pace;     /* of finished runs */
	double *measured_s; /* [variants] a run, measured here; 0: not yet */
	core_run_costs costs;
	core_task_list *out;
	double task_s; /* of the task that is being filled */
};

static bool is_planned(const core_study *study, const core_run *run)
{
	return !run->aside && (!run->done || run->stale) && !core_run_variant(study, run)->tune;
}

static fv_status add_finished_runs(struct plan *p)
{
	fv_status status = core_pace_make(p->ctx, p->study, &p->pace);
	for (int64_t i = 0; i < p->study->n_runs && !status; i++) {
		const core_run *run = &p->study->run[i];
		double seconds, ended;
		if (!run->done || core_run_variant(p->study, run)->tune)
			continue;
		status = core_folder_times(p->ctx, run->dir, &seconds, &ended);
		if (!status && !isnan(seconds))
			core_pace_add(&p->pace, run, seconds);
	}
	return status;
}

/* Measures the seconds of a run. With keep_going a failure is left to the run's task, which records it. */
static fv_status measure_seconds(struct plan *p, const core_run *run, double *seconds)
{
	core_run_rows rows;
	fv_ctx *own = core_ctx_aside(p->ctx);
	if (!own)
		return FV_FAILED;
	fv_status status = core_estimate_rows(own, p->study, run, &rows);
	if (!status)
		status = core_estimate_run(own, p->study, run, &rows, &p->costs, seconds);
	if (core_study_goes_on(p->study, status)) {
		core_error_clear(own);
		*seconds = 0;
		status = FV_OK;
	}
	if (status)
		status = core_study_name_failure(own, run, status);
	return core_ctx_rejoin(p->ctx, own, status);
}

/* Seconds of a run. Runs of one variant are taken to be alike. */
static fv_status find_seconds(struct plan *p, const core_run *run, double *seconds)
{
	int32_t v = run->variant;
	if (p->pace.n[v])
		*seconds = p->pace.seconds[v] / (double)p->pace.n[v];
	else
		*seconds = p->measured_s[v];
	if (p->pace.n[v] || p->measured_s[v] > 0)
		return FV_OK;
	fv_status status = measure_seconds(p, run, seconds);
	p->measured_s[v] = *seconds;
	return status;
}

/* Puts a run into the task that is being filled, or into the next one if that would become too long. */
static void add_run(struct plan *p, const core_run *run, double seconds, double target_s)
{
	core_task_list *list = p->out;
	if (!list->n_tasks || (p->task_s > 0 && p->task_s + seconds > target_s)) {
		list->n_tasks++;
		p->task_s = 0;
	}
	p->task_s += seconds;
	core_task_run *to = &list->run[list->n_runs++];
	*to = (core_task_run){.task = list->n_tasks - 1,
		.fold = p->study->fold[run->fold].fold,
		.seed = run->seed};
	snprintf(to->variant, sizeof to->variant, "%.*s", CORE_TASK_DIGITS,
		p->study->identity[run->variant].sha256);
}

fv_status core_task_list_plan(fv_ctx *ctx, const core_study *study, double target_s,
	core_task_list *out, int64_t *running, double *longest_s)
{
	*out = (core_task_list){.run = core_alloc(ctx, (size_t)study->n_runs, sizeof *out->run)};
	struct plan p = {.ctx = ctx,
		.study = study,
		.out = out,
		.measured_s = core_alloc(ctx, study->config->n_variants, sizeof *p.measured_s)};
	*running = 0;
	*longest_s = 0;
	fv_status status = out->run && p.measured_s ? add_finished_runs(&p) : FV_FAILED;
	for (int64_t i = 0; i < study->n_runs && !status; i++) {
		const core_run *run = &study->run[i];
		core_folder_state state;
		const char *reason;
		double seconds = 0;
		if (!is_planned(study, run))
			continue;
		status = core_folder_find_state(ctx, run->dir, NULL, &state, &reason);
		if (!status && !run->done && state == CORE_FOLDER_RUNNING) {
			++*running;
			continue;
		}
		if (!status && !run->done)
			status = find_seconds(&p, run, &seconds);
		if (!status)
			add_run(&p, run, seconds, target_s);
		*longest_s = seconds > *longest_s ? seconds : *longest_s;
	}
	return status;
}
