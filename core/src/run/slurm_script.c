/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "config/slurm_time.h"
#include "run/slurm.h"

/* A task that is stopped again and again makes no headway: it is not taken up more often than this. */
#define RESTARTS_MAX 100

double core_slurm_find_limit(const core_slurm_spec *spec)
{
	double seconds;
	if (!spec->time || !core_slurm_parse_time(spec->time, &seconds))
		return INFINITY;
	return seconds - CORE_SLURM_SHORTEST_S;
}

/* Adds a line "#SBATCH --OPTION=VALUE"; sbatch reads quotes as a shell does. */
static void add_option(core_text *text, const char *option, const char *value)
{
	bool plain = !strpbrk(value, " \t'#");
	if (*value)
		core_text_add(
			text, plain ? "#SBATCH --%s=%s\n" : "#SBATCH --%s=\"%s\"\n", option, value);
}

/* Adds what the configuration asks for. Lines of the user come last: of two equal options sbatch takes the last. */
static void add_wishes(core_text *text, const core_slurm_spec *spec)
{
	const struct {
		const char *option, *value;
	} wish[] = {{"partition", spec->partition}, {"account", spec->account},
		{"time", spec->time}, {"mem", spec->memory}, {"gpus", spec->gpus},
		{"constraint", spec->constraint}};
	for (size_t i = 0; i < sizeof wish / sizeof *wish; i++)
		if (wish[i].value)
			add_option(text, wish[i].option, wish[i].value);
	for (int32_t i = 0; i < spec->sbatch.n; i++) {
		const char *line = spec->sbatch.item[i];
		if (!strncmp(line, "#SBATCH", 7))
			line += 7 + strspn(line + 7, " \t");
		core_text_add(text, "#SBATCH %s\n", line);
	}
}

/* "fairvox-study" of "configs/study.yaml", of characters that need no quotes */
static void add_job_name(core_text *text, const char *config)
{
	const char *base = core_path_base(config), *dot = strrchr(base, '.');
	size_t n = dot && dot != base ? (size_t)(dot - base) : strlen(base);
	core_text_add(text, "#SBATCH --job-name=fairvox-");
	for (size_t i = 0; i < n && i < 60; i++)
		core_text_add(text, "%c",
			isalnum((unsigned char)base[i]) || base[i] == '.' ? base[i] : '-');
	core_text_add(text, "\n");
}

/* The file of a task's messages; '%' begins a pattern of sbatch. */
static void add_log(core_text *text, const char *folder)
{
	core_text path = {0};
	for (const char *p = folder; *p; p++) {
		core_text_put(&path, p, 1);
		if (*p == '%')
			core_text_put(&path, p, 1);
	}
	core_text_add(&path, "/logs/%%A_%%a.log");
	text->failed |= path.failed;
	if (!path.failed)
		add_option(text, "output", path.data);
	core_text_free(&path);
}

static void add_header(
	core_text *text, const core_slurm_plan *plan, const char *path, int64_t n_tasks)
{
	long long last = (long long)n_tasks - 1;
	core_text_add(text,
		"#!/bin/bash\n"
		"# Tasks 0 to %lld of a fairvox study. Each can be run without SLURM, as 'bash %s "
		"TASK';\n"
		"# 'bash %s encode' first encodes the recordings that they need.\n",
		last, core_path_base(path), core_path_base(path));
	add_job_name(text, plan->config);
	core_text_add(text, "#SBATCH --array=0-%lld", last);
	if (plan->spec->throttle)
		core_text_add(text, "%%%d", (int)plan->spec->throttle);
	core_text_add(text, "\n");
	add_log(text, plan->folder);
	core_text_add(text,
		"#SBATCH --open-mode=append\n"
		"#SBATCH --requeue\n"
		"#SBATCH --signal=B:USR1@%d\n"
		"#SBATCH --ntasks=1\n"
		"#SBATCH --cpus-per-task=%d\n",
		CORE_SLURM_WARNING_S, plan->jobs);
	add_wishes(text, plan->spec);
}

/* The program runs in the background, because bash handles a signal only after a command in the foreground. `wait`
 * ends early when a signal is handled, and is then repeated. */
static const char start[] =
	"\n"
	"stopped= child=\n"
	"stop() { stopped=1; [ -z \"$child\" ] || kill -\"$1\" \"$child\" 2>/dev/null; }\n"
	"trap 'stop USR1' USR1\n"
	"trap 'stop TERM' TERM INT\n";

static const char finish[] =
	"child=$!\n"
	"[ -z \"$stopped\" ] || kill -USR1 \"$child\"\n"
	"while :; do\n"
	"\tstopped=\n"
	"\twait \"$child\"\n"
	"\tcode=$?\n"
	"\t[ -n \"$stopped\" ] || break\n"
	"done\n"
	"# 75: stopped before its end; the next attempt goes on from what is saved.\n"
	"if [ \"$code\" = 75 ] && [ -n \"${SLURM_ARRAY_JOB_ID-}\" ] && "
	"[ \"${SLURM_RESTART_COUNT:-0}\" -lt %d ]; then\n"
	"\tscontrol requeue \"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\"\n"
	"fi\n"
	"exit \"$code\"\n";

static void add_choice_of_task(core_text *text, const core_slurm_plan *plan)
{
	core_text_add(text, "\n"
			    "task=${1:-${SLURM_ARRAY_TASK_ID-}}\n"
			    "case $task in\n"
			    "encode) work=(--encode-only) ;;\n"
			    "'' | *[!0-9]*)\n"
			    "\techo \"usage: bash $0 TASK|encode\" >&2\n"
			    "\texit 2\n"
			    "\t;;\n"
			    "*) work=(--keep-going --tasks - --task \"$task\") ;;\n"
			    "esac\n"
			    "cd ");
	core_text_shell(text, plan->working);
	core_text_add(text, " || exit 4\nplan=");
	core_text_shell(text, plan->folder);
	core_text_add(text, "\n"
			    "if [ -n \"${SLURM_JOB_ID-}\" ] && [ ! -d \"$plan\" ]; then\n"
			    "\techo \"$plan: not found on $(hostname): the results must be in a "
			    "folder that all nodes "
			    "share\" >&2\n"
			    "\texit 4\n"
			    "fi\n"
			    "jobs=${SLURM_CPUS_PER_TASK:-$(nproc)}\n");
}

static fv_status write_script(fv_ctx *ctx, const core_slurm_plan *plan, const core_task_list *list,
	int64_t first, core_slurm_script *script)
{
	core_text *text = &script->text;
	char hash[CORE_TASK_DIGITS + 1];
	add_header(text, plan, script->path, script->n_tasks);
	add_choice_of_task(text, plan);
	core_text_put(text, start, sizeof start - 1);
	core_text_add(text, "%s run \"${work[@]}\" --jobs \"$jobs\"%s <<'TASKS' &\n", plan->program,
		plan->arguments);
	fv_status status = core_task_list_write(ctx, list, first, script->n_tasks, text, hash);
	core_text_add(text, "TASKS\n");
	core_text_add(text, finish, RESTARTS_MAX);
	return status || !text->failed ? status : fv_fail(ctx, FV_FAILED, "out of memory");
}

/* The folder of a plan is named after its tasks. */
static fv_status name_folder(fv_ctx *ctx, core_slurm_plan *plan, const core_task_list *list)
{
	core_text all = {0};
	char hash[CORE_TASK_DIGITS + 1];
	fv_status status = core_task_list_write(ctx, list, 0, list->n_tasks, &all, hash);
	core_text_free(&all);
	if (status)
		return status;
	plan->folder = core_format(ctx, "%s/.slurm/%.8s", plan->results, hash);
	if (!plan->folder)
		return FV_FAILED;
	for (const char *p = plan->folder; *p; p++)
		if (strchr("\"\\", *p) || iscntrl((unsigned char)*p))
			return fv_fail(ctx, FV_CONFIG,
				"--results: %s: sbatch cannot write logs to a folder with quotes, "
				"backslashes or control characters in its name",
				plan->results);
	return FV_OK;
}

fv_status core_slurm_write(
	fv_ctx *ctx, core_slurm_plan *plan, const core_task_list *list, int64_t array_size)
{
	size_t n = (size_t)((list->n_tasks + array_size - 1) / array_size);
	fv_status status = name_folder(ctx, plan, list);
	if (status)
		return status;
	plan->script = core_alloc(ctx, n, sizeof *plan->script);
	plan->n_scripts = plan->script ? n : 0;
	for (size_t i = 0; i < plan->n_scripts && !status; i++) {
		core_slurm_script *script = &plan->script[i];
		int64_t first = (int64_t)i * array_size, left = list->n_tasks - first;
		script->n_tasks = left < array_size ? left : array_size;
		script->path = n == 1 ? core_format(ctx, "%s/run.sh", plan->folder)
				      : core_format(ctx, "%s/run-%zu.sh", plan->folder, i + 1);
		status = script->path ? write_script(ctx, plan, list, first, script) : FV_FAILED;
	}
	return status || plan->script ? status : FV_FAILED;
}

void core_slurm_free(core_slurm_plan *plan)
{
	for (size_t i = 0; i < plan->n_scripts; i++)
		core_text_free(&plan->script[i].text);
	plan->n_scripts = 0;
}

fv_status core_slurm_store(fv_ctx *ctx, const core_slurm_plan *plan)
{
	char *logs = core_path_join(ctx, plan->folder, "logs");
	fv_status status = logs ? core_make_dirs(ctx, logs) : FV_FAILED;
	for (size_t i = 0; i < plan->n_scripts && !status; i++) {
		const core_slurm_script *script = &plan->script[i];
		status = core_file_write(ctx, script->path, script->text.data, script->text.size);
	}
	return status;
}
