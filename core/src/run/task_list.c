/* SPDX-License-Identifier: Apache-2.0 */
#include "run/task_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/plural.h"

#define HEAD "fairvox-tasks 1 "

fv_status core_task_list_write(fv_ctx *ctx, const core_task_list *list, int64_t first, int64_t n,
	core_text *out, char hash[CORE_TASK_DIGITS + 1])
{
	core_text lines = {0};
	char hex[CORE_SHA256_HEX];
	for (int64_t i = 0; i < list->n_runs; i++) {
		const core_task_run *run = &list->run[i];
		if (run->task >= first && run->task < first + n)
			core_text_add(&lines, "%lld %s %lld %lld\n", (long long)(run->task - first),
				run->variant, (long long)run->fold, (long long)run->seed);
	}
	fv_status status =
		lines.failed || !lines.data ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
	if (!status) {
		core_sha256_bytes(lines.data, lines.size, hex);
		snprintf(hash, CORE_TASK_DIGITS + 1, "%.*s", CORE_TASK_DIGITS, hex);
		core_text_add(out, HEAD "%s\n%s", hash, lines.data);
		status = out->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
	}
	core_text_free(&lines);
	return status;
}

/* Reads one line and moves *at behind it. */
static bool read_line(const char **at, core_task_run *run)
{
	int n = 0;
	if (sscanf(*at, "%" SCNd64 " %16[0-9a-f] %" SCNd64 " %" SCNd64 "%n", &run->task,
		    run->variant, &run->fold, &run->seed, &n) != 4 ||
		(*at)[n] != '\n' || strlen(run->variant) != CORE_TASK_DIGITS)
		return false;
	*at += n + 1;
	return true;
}

static fv_status check_hash(fv_ctx *ctx, const char *name, const char *head, const char *lines)
{
	char hex[CORE_SHA256_HEX];
	core_sha256_bytes(lines, strlen(lines), hex);
	if (!strncmp(head + strlen(HEAD), hex, CORE_TASK_DIGITS) &&
		head[strlen(HEAD) + CORE_TASK_DIGITS] == '\n')
		return FV_OK;
	return fv_fail(ctx, FV_DATA,
		"%s: the tasks do not match the hash in the first line: the list was changed or "
		"belongs to another plan: submit the study again",
		name);
}

fv_status core_task_list_read(fv_ctx *ctx, const char *name, const char *text, core_task_list *out)
{
	const char *end = strchr(text, '\n');
	size_t n = 0;
	*out = (core_task_list){0};
	if (strncmp(text, HEAD, strlen(HEAD)) != 0 || !end)
		return fv_fail(ctx, FV_DATA,
			"%s: no list of tasks: it must begin with '" HEAD "HASH'", name);
	fv_status status = check_hash(ctx, name, text, end + 1);
	if (status)
		return status;
	for (const char *at = end + 1; *at; at++)
		n += *at == '\n';
	out->run = core_alloc(ctx, n, sizeof *out->run);
	if (!out->run)
		return FV_FAILED;
	for (const char *at = end + 1; *at; out->n_runs++) {
		core_task_run *run = &out->run[out->n_runs];
		if (!read_line(&at, run) || run->task < 0 || run->task < out->n_tasks - 1 ||
			run->task > out->n_tasks)
			return fv_fail(ctx, FV_DATA,
				"%s: line %" PRId64 ": no task, variant, fold and seed", name,
				out->n_runs + 2);
		out->n_tasks = run->task + 1;
	}
	return FV_OK;
}

static bool is_same_run(const core_study *study, const core_run *run, const core_task_run *wanted)
{
	return run->seed == wanted->seed && study->fold[run->fold].fold == wanted->fold &&
	       !strncmp(study->identity[run->variant].sha256, wanted->variant, CORE_TASK_DIGITS);
}

/* Takes the run of a task back from those that are set aside. Returns false if the study lacks it. */
static bool take_run_back(core_study *study, const core_task_run *wanted)
{
	for (int64_t i = 0; i < study->n_runs; i++)
		if (is_same_run(study, &study->run[i], wanted)) {
			study->run[i].aside = false;
			return true;
		}
	for (size_t i = 0; i < study->n_failed; i++) {
		core_failed_run *failed = &study->failed[i];
		const char *sha256 = study->identity[failed->variant].sha256;
		if (failed->seed == wanted->seed && failed->fold == wanted->fold &&
			!strncmp(sha256, wanted->variant, CORE_TASK_DIGITS)) {
			failed->aside = false;
			return true;
		}
	}
	return false;
}

fv_status core_task_list_select(
	fv_ctx *ctx, const core_task_list *list, const char *name, int64_t task, core_study *study)
{
	if (task < 0 || task >= list->n_tasks)
		return fv_fail(ctx, FV_CONFIG, "--task %lld: %s has %lld task%s, numbered from 0",
			(long long)task, name, (long long)list->n_tasks,
			core_plural(list->n_tasks));
	for (int64_t i = 0; i < study->n_runs; i++)
		study->run[i].aside = true;
	for (size_t i = 0; i < study->n_failed; i++)
		study->failed[i].aside = true;
	for (int64_t i = 0; i < list->n_runs; i++) {
		const core_task_run *wanted = &list->run[i];
		if (wanted->task == task && !take_run_back(study, wanted))
			return fv_fail(ctx, FV_CONFIG,
				"%s: task %lld: the study has no variant %s with fold %lld and "
				"seed %lld: the configuration or its data changed since the tasks "
				"were planned: submit the study again",
				name, (long long)task, wanted->variant, (long long)wanted->fold,
				(long long)wanted->seed);
	}
	return FV_OK;
}
