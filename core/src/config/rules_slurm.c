/* SPDX-License-Identifier: Apache-2.0 */
/* The values of `slurm` become lines of a script, so each must be a single line that sbatch can read. */
#include <string.h>

#include "base/text.h"
#include "config/resolve.h"
#include "config/slurm_time.h"

/* What the launcher writes itself: another value would break the numbering of the tasks. */
static const char *const own_options[] = {"--array", "-a", "--dependency", "-d", "--wrap"};

static bool has_control_character(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* A line of `slurm.sbatch`, with or without "#SBATCH" in front. */
static bool check_line(core_resolver *r, const core_yaml *line)
{
	const char *text = line->text;
	if (!strncmp(text, "#SBATCH", 7))
		text += 7 + strspn(text + 7, " \t");
	if (text[0] != '-' || !text[1]) {
		core_loader_fail(r->loader, FV_CONFIG, line->place,
			"slurm.sbatch: '%s' is no option of sbatch, as --mail-type=END",
			line->text);
		return false;
	}
	for (size_t i = 0; i < sizeof own_options / sizeof *own_options; i++) {
		size_t n = strlen(own_options[i]);
		bool whole = own_options[i][1] == '-' ? strchr("= ", text[n]) != NULL : true;
		if (strncmp(text, own_options[i], n) != 0 || !whole)
			continue;
		core_loader_fail(r->loader, FV_CONFIG, line->place,
			"slurm.sbatch: %s is written by the launcher itself: leave it out",
			own_options[i]);
		return false;
	}
	return true;
}

static bool check_line_texts(core_resolver *r, const core_yaml *block)
{
	bool good = true;
	for (size_t i = 0; i < block->n; i++) {
		const core_entry *entry = &block->entry[i];
		const core_yaml *value = entry->value;
		bool list = value->kind == CORE_YAML_LIST;
		for (size_t k = 0; k < (list ? value->n : 1); k++) {
			const core_yaml *one = list ? value->entry[k].value : value;
			if (!has_control_character(one->text) &&
				(list || !strpbrk(one->text, "\"\\")))
				continue;
			core_loader_fail(r->loader, FV_CONFIG, one->place,
				"slurm.%s: a single line without %s is needed", entry->key,
				list ? "control characters" : "quotes and backslashes");
			good = false;
		}
	}
	return good;
}

bool core_rules_check_slurm(core_resolver *r, core_yaml *block)
{
	const core_yaml *time = core_yaml_get(block, "time");
	const core_yaml *lines = core_yaml_get(block, "sbatch");
	double seconds;
	bool good = check_line_texts(r, block);
	if (time && !core_slurm_parse_time(time->text, &seconds)) {
		core_loader_fail(r->loader, FV_CONFIG, time->place,
			"slurm.time: '%s' is no time: minutes, H:M:S, D-H or D-H:M:S", time->text);
		good = false;
	}
	for (size_t i = 0; good && lines && i < lines->n; i++)
		good = check_line(r, lines->entry[i].value);
	return good;
}
