/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/number.h"
#include "base/program.h"
#include "run/slurm.h"

/* "MaxArraySize            = 1001" in the output of scontrol */
static bool read_array_size(const char *text, int64_t *out)
{
	const char *at = text ? strstr(text, "MaxArraySize") : NULL;
	at = at ? strchr(at, '=') : NULL;
	if (!at)
		return false;
	*out = (int64_t)core_parse_leading_int(at + 1);
	return true;
}

fv_status core_slurm_find_array_size(fv_ctx *ctx, int64_t *out)
{
	const char *const argv[] = {"scontrol", "show", "config", NULL};
	core_program_end end;
	*out = CORE_SLURM_ARRAY_SIZE;
	fv_status status = core_program_run(ctx, argv, &end);
	if (status)
		return status;
	if (end.found && !end.code)
		(void)read_array_size(end.out.data, out);
	core_program_free(&end);
	return *out ? FV_OK
		    : fv_fail(ctx, FV_FAILED,
			      "this cluster allows no job arrays (MaxArraySize is 0): run the "
			      "study "
			      "in one job, without --launcher slurm");
}

/* Records what a refused script was refused for, a line of sbatch each. */
static fv_status report_refusal(
	fv_ctx *ctx, const core_slurm_script *script, const core_program_end *end)
{
	if (!end->found)
		return fv_fail(ctx, FV_FAILED,
			"sbatch was not found: this machine has no SLURM: 'bash %s TASK' runs a "
			"task without it",
			script->path);
	const char *words = end->err.data ? end->err.data : "";
	bool any = false;
	for (size_t n; *words; words += n + (words[n] == '\n')) {
		n = strcspn(words, "\n");
		const char *line = words;
		if (!strncmp(line, "sbatch: ", 8))
			line += 8;
		size_t left = n - (size_t)(line - words);
		if (left)
			(void)fv_fail(ctx, FV_FAILED, "sbatch refused %s: %.*s", script->path,
				(int)left, line);
		any |= left != 0;
	}
	return any ? FV_FAILED
		   : fv_fail(ctx, FV_FAILED, "sbatch refused %s: exit code %d", script->path,
			     end->code);
}

/* "123" or "123;cluster", from sbatch --parsable */
static bool read_job_id(const char *text, char id[32])
{
	size_t n = text ? strspn(text, "0123456789") : 0;
	if (!n || n > 31)
		return false;
	memcpy(id, text, n);
	id[n] = '\0';
	return true;
}

static fv_status submit_script(fv_ctx *ctx, const core_slurm_script *script, const char *after,
	bool encode, core_slurm_job *job)
{
	const char *argv[8] = {"sbatch", "--parsable"};
	size_t n = 2;
	core_program_end end;
	if (encode) /* one task, without the throttle */
		argv[n++] = "--array=0";
	if (after) {
		argv[n++] = core_format(ctx, "--dependency=afterok:%s", after);
		argv[n++] = "--kill-on-invalid-dep=yes";
	}
	argv[n++] = script->path;
	if (encode)
		argv[n++] = "encode";
	*job = (core_slurm_job){.encodes = encode, .n_tasks = encode ? 1 : script->n_tasks};
	fv_status status = after && !argv[2] ? FV_FAILED : core_program_run(ctx, argv, &end);
	if (status)
		return status;
	if (!end.found || end.code)
		status = report_refusal(ctx, script, &end);
	else if (!read_job_id(end.out.data, job->id))
		status = fv_fail(ctx, FV_FAILED,
			"sbatch took %s but printed no job number: see squeue", script->path);
	core_program_free(&end);
	return status;
}

/* Takes back what was submitted, so that a refused study leaves no job. */
static void cancel_jobs(fv_ctx *ctx, const core_slurm_job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *const argv[] = {"scancel", jobs[i].id, NULL};
		core_program_end end;
		fv_ctx *own = core_ctx_aside(ctx);
		bool ended = own && !core_program_run(own, argv, &end);
		if (!ended || !end.found || end.code)
			core_log(ctx, CORE_WARNING,
				"job %s was submitted before and could not be cancelled: scancel "
				"%s",
				jobs[i].id, jobs[i].id);
		else
			core_log(ctx, CORE_INFO, "job %s, submitted before, was cancelled",
				jobs[i].id);
		if (ended)
			core_program_free(&end);
		core_ctx_free(own);
	}
}

fv_status core_slurm_submit(fv_ctx *ctx, const core_slurm_plan *plan, bool encode, bool tasks,
	core_slurm_job *jobs, size_t *n_jobs)
{
	fv_status status = FV_OK;
	*n_jobs = 0;
	if (encode) {
		status = submit_script(ctx, &plan->script[0], NULL, true, &jobs[0]);
		*n_jobs = !status;
	}
	for (size_t i = 0; tasks && i < plan->n_scripts && !status; i++) {
		const char *after = encode ? jobs[0].id : NULL;
		status = submit_script(ctx, &plan->script[i], after, false, &jobs[*n_jobs]);
		*n_jobs += !status;
	}
	if (status)
		cancel_jobs(ctx, jobs, *n_jobs);
	return status;
}
