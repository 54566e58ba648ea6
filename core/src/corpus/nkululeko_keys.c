/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of [EXP] and [DATA] that a configuration of nkululeko may have. A key that would change the
 * rows and is not followed is an error, and so is one that is not known. */
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/number.h"
#include "corpus/nkululeko.h"

struct refusal {
	const char *key, *advice;
};

#define RANDOM_ROWS "rows drawn at random differ each time: leave it out"
#define DURATION "say it in the study: corpus.where: {duration: [LOW, HIGH]}"

static const struct refusal data_refusals[] = {{"limit_samples", RANDOM_ROWS},
	{"limit_samples_per_speaker", RANDOM_ROWS}, {"min_duration_of_sample", DURATION},
	{"max_duration_of_sample", DURATION}, {"min_dur_test", DURATION},
	{"bins", "classes that are ranges of numbers are not made: write them to the table"},
	{"target_divide_by", "only classes are learned"},
	{"check_size", "recordings that cannot be read are errors: leave it out"},
	{"check_vad", "recordings are used as they are: leave it out"},
	{"tests", "list them in databases, with split_strategy = test"},
	{"trains", "list them in databases, with split_strategy = train"},
	{"balance", "splits are not drawn: leave it out"}, {0}};

static const struct refusal database_refusals[] = {{"limit", RANDOM_ROWS},
	{"limit_samples", RANDOM_ROWS}, {"limit_samples_per_speaker", RANDOM_ROWS},
	{"limit_speakers", RANDOM_ROWS}, {"min_duration_of_sample", DURATION},
	{"max_duration_of_sample", DURATION}, {"scale", "only classes are learned"},
	{"reverse", "only classes are learned"}, {"reverse.max", "only classes are learned"},
	{"target_tables_append", "name the tables in corpus.labels instead"}, {0}};

/* Followed, or without effect on the rows. */
static const char *const data_keys[] = {"databases", "root_folders", "target", "labels", "mapping",
	"filter", "filter.sample_selection", "type", "strategy", "no_reuse", "sample_selection",
	"size_diff_weight", "label_data", "label_result", "limit_samples",
	"limit_samples_per_speaker", "min_duration_of_sample", "max_duration_of_sample",
	"min_dur_test", "bins", "target_divide_by", "check_size", "check_vad", "tests", "trains",
	"balance"};
static const size_t n_data_keys = sizeof data_keys / sizeof *data_keys;

static const char *const database_keys[] = {"", "type", "absolute_path", "audio_path", "mapping",
	"colnames", "split_strategy", "target_tables", "files_tables", "test_tables",
	"train_tables", "dev_tables", "as_test", "as_train", "required", "rename_speakers",
	"filter", "label", "columns", "split_column", "train_vals", "train_values", "dev_vals",
	"dev_values", "test_vals", "test_values", "train", "dev", "test", "test_size", "dev_size",
	"value_counts"};
static const size_t n_database_keys = sizeof database_keys / sizeof *database_keys;

static bool is_among(const char *key, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(key, list[i]))
			return true;
	return false;
}

/* The advice for a key that cannot be followed; NULL if it can, or says what holds without it. */
static const char *find_refusal(const struct refusal *list, const char *key, const char *value)
{
	double least;
	if (!strcmp(value, "False") ||
		(!strncmp(key, "min_dur", 7) && core_parse_double(value, &least) && !(least > 0)))
		return NULL;
	for (; list->key; list++)
		if (!strcmp(list->key, key))
			return list->advice;
	return NULL;
}

static const char *find_data_refusal(const core_ini_entry *entry)
{
	const char *key = entry->key, *value = entry->value;
	if (!strcmp(key, "type") && !strcmp(value, "continuous"))
		return "only classes are learned";
	if (!strcmp(key, "strategy") && strcmp(value, "train_test") != 0)
		return "give each database its split_strategy: train or test";
	if (!strcmp(key, "filter.sample_selection") && strcmp(value, "all") != 0)
		return "filters apply to all splits";
	return find_refusal(data_refusals, key, value);
}

/* True if the first `n` bytes of a key are a database of the list. */
static bool is_listed(const nkululeko *nk, const char *key, size_t n)
{
	for (int32_t i = 0; i < nk->databases.n; i++) {
		const char *name = nk->databases.item[i].text;
		if (name && !strncasecmp(name, key, n) && strlen(name) == n)
			return true;
	}
	return false;
}

/* True if the first `n` bytes of a key are a key themselves, NAME = PATH, or, with end '.', the start
 * of one. */
static bool has_line(const core_ini *ini, const char *key, size_t n, char end)
{
	for (int32_t i = 0; i < ini->n; i++) {
		const core_ini_entry *entry = &ini->entry[i];
		if (!strcmp(entry->section, "DATA") && !strncmp(entry->key, key, n) &&
			entry->key[n] == end)
			return true;
	}
	return false;
}

/* True if the line NAME = VALUE may be a database that is not used. */
static bool is_unused_database(const nkululeko *nk, const core_ini_entry *entry)
{
	if (strchr("[{", *entry->value))
		return false;
	return strpbrk(entry->value, "/.") ||
	       has_line(&nk->ini, entry->key, strlen(entry->key), '.');
}

/* Keys that are neither known nor of a database. */
static fv_status check_unknown(nkululeko *nk, const core_ini_entry *entry)
{
	const char *key = entry->key, *dot = strchr(key, '.');
	size_t n = dot ? (size_t)(dot - key) : strlen(key);
	const nkululeko_setting at = {nk->ini.path, key, entry->value, entry->line};
	if (is_among(key, data_keys, n_data_keys) || is_listed(nk, key, n))
		return FV_OK;
	if (dot && (has_line(&nk->ini, key, n, '\0') || has_line(&nk->roots, key, n, '\0')))
		return FV_OK;
	if (dot)
		return nkululeko_fail(nk, &at, "%.*s is no database: it has no line %.*s = PATH",
			(int)n, key, (int)n, key);
	if (is_unused_database(nk, entry) ||
		(n > 5 && !strcmp(key + n - 5, "_bins"))) /* of `balance` */
		return FV_OK;
	if (is_among(key, database_keys, n_database_keys))
		return nkululeko_fail(nk, &at, "write it for each database, as NAME.%s", key);
	return nkululeko_fail(nk, &at, "no key that is known%s",
		core_suggest_name(nk->ctx, key, data_keys, n_data_keys));
}

static fv_status check_experiment(nkululeko *nk)
{
	const core_ini_entry *type = core_ini_find(&nk->ini, "EXP", "type");
	const core_ini_entry *kept = core_ini_find(&nk->ini, "EXP", "filter.sample_selection");
	fv_status status = FV_OK;
	if (type && strcmp(type->value, "classification") != 0)
		status = core_fail_at(nk->ctx, FV_DATA, nk->ini.path, type->line, 0,
			"type: '%s' is not learned, only classification", type->value);
	if (kept && strcmp(kept->value, "all") != 0)
		status = core_fail_at(nk->ctx, FV_DATA, nk->ini.path, kept->line, 0,
			"%s: filters apply to all splits", kept->key);
	return status;
}

fv_status nkululeko_check_data(nkululeko *nk)
{
	fv_status status = check_experiment(nk);
	for (int32_t i = 0; i < nk->ini.n; i++) {
		const core_ini_entry *entry = &nk->ini.entry[i];
		if (strcmp(entry->section, "DATA") != 0)
			continue;
		const char *advice = find_data_refusal(entry);
		if (advice)
			status = core_fail_at(nk->ctx, FV_DATA, nk->ini.path, entry->line, 0,
				"%s: %s", entry->key, advice);
		else if (check_unknown(nk, entry))
			status = FV_DATA;
	}
	return status;
}

static fv_status check_keys(nkululeko *nk, const core_ini *ini, const char *name)
{
	size_t n = strlen(name);
	fv_status status = FV_OK;
	for (int32_t i = 0; i < ini->n; i++) {
		const core_ini_entry *entry = &ini->entry[i];
		if (strcmp(entry->section, "DATA") != 0 || strncasecmp(entry->key, name, n) != 0 ||
			entry->key[n] != '.')
			continue;
		const char *key = entry->key + n + 1;
		const char *advice = find_refusal(database_refusals, key, entry->value);
		bool known = is_among(key, database_keys, n_database_keys);
		for (const struct refusal *r = database_refusals; r->key && !known; r++)
			known = !strcmp(key, r->key);
		if (advice)
			status = core_fail_at(nk->ctx, FV_DATA, ini->path, entry->line, 0, "%s: %s",
				entry->key, advice);
		else if (!known)
			status = core_fail_at(nk->ctx, FV_DATA, ini->path, entry->line, 0,
				"%s: no key that is known%s", entry->key,
				core_suggest_name(nk->ctx, key, database_keys, n_database_keys));
	}
	return status;
}

fv_status nkululeko_check_database(nkululeko *nk, const char *name)
{
	fv_status own = check_keys(nk, &nk->ini, name);
	fv_status root = check_keys(nk, &nk->roots, name);
	return own ? own : root;
}
