/* SPDX-License-Identifier: Apache-2.0 */
/* run --launcher slurm: plans the runs of a study as job arrays, submits them and leaves. */
#include "launch.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/number.h"
#include "base/path.h"
#include "base/plural.h"
#include "base/progress.h"
#include "config/yaml.h"
#include "plugin/call.h"
#include "run/failure_files.h"
#include "run/features.h"
#include "run/slurm.h"
#include "run/tune.h"
#include "shard.h"

/* What is found out before anything is submitted. */
struct launch {
	fv_ctx *ctx;
	cli_study *cli;
	core_study *study;
	core_task_list list;
	int64_t running; /* runs that another process is computing */
	int64_t missing; /* recordings to encode */
	double longest_s;
	core_slurm_plan plan;
};

static fv_status refuse_options(fv_ctx *ctx, const cli_study *cli)
{
	const struct {
		bool given;
		const char *option, *instead;
	} list[] = {{cli->shards > 0, "--shard", "the tasks are the shards"},
		{cli->wait, "--wait", "the launcher submits and leaves"},
		{cli->max_hours > 0, "--max-hours", "give slurm.time"},
		{cli->tasks || cli->has_task, "--task", "it is for the scripts that are submitted"},
		{cli->device == CORE_DEVICE_AUTO, "--device auto",
			"tasks would encode with what each machine has: name cpu or cuda"},
		{cli->force, "--force", "move the results away, or run it without the launcher"}};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (list[i].given)
			return fv_fail(ctx, FV_CONFIG,
				"%s cannot be used with --launcher slurm: %s", list[i].option,
				list[i].instead);
	return FV_OK;
}

/* `matrix.include` could give a variant another `slurm`. */
static fv_status check_one_slurm(fv_ctx *ctx, const core_config *config)
{
	const core_yaml *first = core_yaml_get(config->trees[0], "slurm");
	for (size_t i = 1; i < config->n_variants; i++) {
		const core_yaml *other = core_yaml_get(config->trees[i], "slurm");
		if ((first || other) && !(first && other && core_yaml_equal(first, other)))
			return fv_fail(ctx, FV_CONFIG,
				"%s: variant %s has another 'slurm' than the first: it is the same "
				"for the whole study",
				config->path, config->variants[i].slug);
	}
	return FV_OK;
}

/* A signal in a line of the user's replaces ours. */
static bool sets_signal(const core_slurm_spec *spec)
{
	for (int32_t i = 0; i < spec->sbatch.n; i++)
		if (strstr(spec->sbatch.item[i], "--signal"))
			return true;
	return false;
}

static fv_status check_time(fv_ctx *ctx, const core_config *config)
{
	const core_slurm_spec *spec = &config->variants[0].slurm;
	const core_yaml *time = core_yaml_get(core_yaml_get(config->trees[0], "slurm"), "time");
	if (!time || core_slurm_find_limit(spec) > 0 || sets_signal(spec))
		return FV_OK;
	return core_fail_at(ctx, FV_CONFIG, time->place.file, time->place.line, time->place.column,
		"slurm.time: %s leaves no time to compute: a task is told to stop %d s before its "
		"end, and SLURM may be a minute early: give more than %d minutes",
		time->text, CORE_SLURM_WARNING_S, CORE_SLURM_SHORTEST_S / 60);
}

/* ---- the plan ---- */

/* How long tasks should be: chunk_minutes, but with room before the wall time. */
static double find_target(const core_slurm_spec *spec, int64_t jobs)
{
	double target = spec->chunk_minutes * 60, limit = core_slurm_find_limit(spec);
	if (limit > 0 && 0.8 * limit < target)
		target = 0.8 * limit;
	return target * (double)jobs;
}

/* Counts the recordings that the planned runs need and the cache lacks. */
static fv_status count_missing(struct launch *l)
{
	const core_study *study = l->study;
	bool *needed = core_alloc(l->ctx, (size_t)study->n_encodings, sizeof *needed);
	if (!needed)
		return FV_FAILED;
	for (int64_t i = 0; i < study->n_runs; i++) {
		const core_run *run = &study->run[i];
		const core_variant *variant = core_run_variant(study, run);
		if (run->done || run->aside || variant->tune)
			continue;
		needed[run->encoding] = true;
		for (int32_t g = 0; g < variant->n_groupers; g++)
			if (run->group_encoding[g] >= 0)
				needed[run->group_encoding[g]] = true;
	}
	fv_status status = FV_OK;
	for (int32_t i = 0; i < study->n_encodings && !status; i++) {
		const core_encoding *e = &study->encoding[i];
		int64_t missing = 0;
		if (needed[i] && !e->failure)
			status = core_features_count_missing(l->ctx, e->encoder,
				&study->set[e->set].recordings, study->cache, &missing);
		l->missing += missing;
	}
	return status;
}

static void warn_of_long_runs(const struct launch *l)
{
	const core_slurm_spec *spec = &l->study->config->variants[0].slurm;
	double limit = core_slurm_find_limit(spec);
	core_text longest = {0};
	if (!(limit > 0) || l->longest_s <= limit)
		return;
	core_put_duration(&longest, l->longest_s);
	core_log(l->ctx, CORE_WARNING,
		"a run takes about %s, longer than a task of slurm.time %s: it is stopped, saved "
		"and "
		"requeued until it is done",
		longest.failed ? "?" : longest.data, spec->time);
	core_text_free(&longest);
}

static fv_status make_plan(struct launch *l)
{
	const core_slurm_spec *spec = &l->study->config->variants[0].slurm;
	fv_status status = core_task_list_plan(l->ctx, l->study, find_target(spec, l->cli->jobs),
		&l->list, &l->running, &l->longest_s);
	if (!status)
		status = count_missing(l);
	if (!status)
		warn_of_long_runs(l);
	return status;
}

/* ---- the command of a task ---- */

static fv_status find_folders(struct launch *l)
{
	char folder[PATH_MAX];
	if (!getcwd(folder, sizeof folder))
		return fv_fail(
			l->ctx, FV_FAILED, "the working folder is unknown: %s", strerror(errno));
	l->plan.working = core_strdup(l->ctx, folder);
	l->plan.results = core_path_join(l->ctx, folder, l->cli->results);
	return l->plan.working && l->plan.results ? FV_OK : FV_FAILED;
}

/* Moves a text to the memory of the context. */
static fv_status keep_text(fv_ctx *ctx, core_text *text, const char **out)
{
	if (text->failed)
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	*out = text->failed ? NULL : core_strdup(ctx, text->data ? text->data : "");
	core_text_free(text);
	return *out ? FV_OK : FV_FAILED;
}

/* This program itself, as a word of the shell. */
static fv_status find_program(struct launch *l)
{
	core_text text = {0};
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n < 0)
		return fv_fail(l->ctx, FV_FAILED, "/proc/self/exe: %s", strerror(errno));
	path[n] = '\0';
	core_text_shell(&text, path);
	return keep_text(l->ctx, &text, &l->plan.program);
}

static void add_option(core_text *text, const char *option, const char *value)
{
	core_text_add(text, " %s ", option);
	core_text_shell(text, value);
}

/* " --results DIR ... CONFIG KEY=VALUE...", in words of the shell. Paths stay relative to the working folder, to which
 * the script changes. */
static fv_status write_arguments(struct launch *l)
{
	const cli_study *cli = l->cli;
	core_text text = {0};
	char seconds[32];
	core_text_add(&text, " --no-progress");
	add_option(&text, "--results", cli->results);
	add_option(&text, "--cache", cli->cache);
	for (size_t i = 0; i < cli->folders.n; i++)
		add_option(&text, "--plugins", cli->folders.path[i]);
	add_option(&text, "--save-every", core_number_text(seconds, cli->save_every_s));
	add_option(&text, "--op-timeout", core_number_text(seconds, core_call_limit()));
	if (cli->device != CORE_DEVICE_CPU)
		add_option(&text, "--device", core_device_asked_name(cli->device));
	core_text_add(&text, "%s -- ", cli->isolate ? " --isolate" : "");
	core_text_shell(&text, cli->config);
	for (size_t i = 0; i < cli->n_overrides; i++) {
		core_text_add(&text, " ");
		core_text_shell(&text, cli->overrides[i]);
	}
	return keep_text(l->ctx, &text, &l->plan.arguments);
}

static fv_status write_scripts(struct launch *l)
{
	int64_t array_size;
	l->plan = (core_slurm_plan){.spec = &l->study->config->variants[0].slurm,
		.config = l->cli->config,
		.jobs = (int)l->cli->jobs};
	fv_status status = core_slurm_find_array_size(l->ctx, &array_size);
	if (!status)
		status = find_folders(l);
	if (!status)
		status = find_program(l);
	if (!status)
		status = write_arguments(l);
	return status ? status : core_slurm_write(l->ctx, &l->plan, &l->list, array_size);
}

/* ---- submission ---- */

static void print_scripts(const core_slurm_plan *plan)
{
	for (size_t i = 0; i < plan->n_scripts; i++) {
		if (i)
			cli_printf("\n# ---- script %zu of %zu ----\n", i + 1, plan->n_scripts);
		fputs(plan->script[i].text.data, stdout);
	}
}

static void print_jobs(const core_slurm_job *job, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (job[i].encodes)
			cli_printf("job %s: encodes\n", job[i].id);
		else
			cli_printf("job %s: %lld task%s\n", job[i].id, (long long)job[i].n_tasks,
				core_plural(job[i].n_tasks));
}

/* A memory file system is seen by one machine alone. */
static void warn_of_memory_folder(fv_ctx *ctx, const core_slurm_plan *plan)
{
	struct statfs fs;
	if (!statfs(plan->folder, &fs) && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC))
		core_log(ctx, CORE_WARNING,
			"%s is in the memory of this machine: other nodes cannot see it: give a "
			"shared folder with --results",
			plan->results);
}

static fv_status submit_plan(struct launch *l)
{
	size_t n = 0;
	core_slurm_job *job = core_alloc(l->ctx, l->plan.n_scripts + 1, sizeof *job);
	fv_status status = job ? core_slurm_store(l->ctx, &l->plan) : FV_FAILED;
	if (status)
		return status;
	warn_of_memory_folder(l->ctx, &l->plan);
	bool encode = l->missing || l->cli->encode_only;
	status = core_slurm_submit(l->ctx, &l->plan, encode, !l->cli->encode_only, job, &n);
	if (status)
		return status;
	print_jobs(job, n);
	core_log(l->ctx, CORE_INFO, "%s: the scripts and logs of these jobs", l->plan.folder);
	return FV_OK;
}

static void report_plan(const struct launch *l)
{
	int64_t done = 0, all = 0;
	for (int64_t i = 0; i < l->study->n_runs; i++) {
		const core_run *run = &l->study->run[i];
		bool counted = !run->aside && !core_run_variant(l->study, run)->tune;
		all += counted;
		done += counted && run->done;
	}
	core_text text = {0};
	core_text_add(&text, "%lld of %lld run%s done", (long long)done, (long long)all,
		core_plural(all));
	if (l->running)
		core_text_add(&text, ", %lld at work now", (long long)l->running);
	if (l->list.n_tasks)
		core_text_add(&text, ", %lld run%s in %lld task%s", (long long)l->list.n_runs,
			core_plural(l->list.n_runs), (long long)l->list.n_tasks,
			core_plural(l->list.n_tasks));
	else
		core_text_add(&text, ": nothing to submit");
	if (l->list.n_tasks && l->missing)
		core_text_add(&text, ", and first %lld recording%s to encode",
			(long long)l->missing, core_plural(l->missing));
	if (!text.failed)
		core_log(l->ctx, CORE_INFO, "%s", text.data);
	core_text_free(&text);
}

/* Nothing is left to train: choices that a stopped task left open are made here. */
static fv_status choose_tuned(struct launch *l)
{
	core_tune_summary tuned = {0};
	return l->cli->dry_run ? FV_OK : core_tune_choose(l->ctx, l->study, false, &tuned);
}

static fv_status launch_study(struct launch *l)
{
	fv_status status = make_plan(l);
	if (status)
		return status;
	report_plan(l);
	if (!l->list.n_tasks)
		return choose_tuned(l);
	if (l->cli->encode_only && !l->missing) {
		core_log(l->ctx, CORE_INFO, "all recordings are encoded: nothing to submit");
		return FV_OK;
	}
	status = write_scripts(l);
	if (!status && l->cli->dry_run)
		print_scripts(&l->plan);
	else if (!status)
		status = submit_plan(l);
	core_slurm_free(&l->plan);
	return status;
}

fv_status cli_launch(fv_ctx *ctx, cli_study *cli)
{
	struct launch l = {.ctx = ctx, .cli = cli};
	fv_status status = refuse_options(ctx, cli);
	if (!status)
		status = check_one_slurm(ctx, cli->variants);
	if (!status)
		status = check_time(ctx, cli->variants);
	cli->encodes = false; /* the tasks do */
	if (!status)
		status = cli_study_open(ctx, cli, &l.study);
	if (status)
		return status;
	bool failed = l.study->n_failed || l.study->config->n_refused;
	if (failed && !cli->dry_run)
		status = core_failures_record(ctx, l.study, true);
	if (!status)
		status = cli_shard_select(ctx, cli, l.study);
	if (!status)
		status = launch_study(&l);
	core_study_close(l.study);
	if (!status)
		status = cli_flush(ctx);
	return status || !failed ? status : FV_SOME_FAILED;
}
