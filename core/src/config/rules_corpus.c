/* SPDX-License-Identifier: Apache-2.0 */
/* Rules between keys of the corpus block. */
#include <string.h>

#include "base/number.h"
#include "base/path.h"
#include "config/resolve.h"

/* Whether one of the label files has {fold} in its name. */
static bool names_fold(const core_yaml *labels)
{
	if (!labels)
		return false;
	bool found = labels->written && strstr(labels->written, CORE_FOLD_MARK);
	for (size_t i = 0; i < labels->n; i++)
		found = found || names_fold(labels->entry[i].value);
	return found;
}

static bool check_folds(core_resolver *r, const core_yaml *corpus)
{
	const core_yaml *made = core_yaml_get(corpus, "make_folds");
	bool named = names_fold(core_yaml_get(corpus, "labels"));
	bool makes = !core_yaml_is_word(made, "0"), by = core_yaml_get(corpus, "fold_by") != NULL;
	if (core_yaml_is_word(made, "1"))
		return core_rules_fail(r, corpus, "make_folds",
			"corpus.make_folds: needs at least 2 folds, or 0 for the split of the "
			"label file");
	if (named && (makes || by))
		return core_rules_fail(r, corpus, makes ? "make_folds" : "fold_by",
			makes ? "corpus.make_folds: the label files of {fold} already contain "
				"splits"
			      : "corpus.folds.by: the label files of {fold} already contain "
				"splits");
	if (named && !core_rules_is_given(corpus, "folds"))
		return core_rules_fail(r, corpus, "labels",
			"corpus.folds is missing: corpus.labels contains {fold}");
	if (!named && !makes && !by && core_rules_is_given(corpus, "folds"))
		return core_rules_fail(r, corpus, "folds",
			"corpus.folds has no effect: corpus.labels contains no {fold} and "
			"make_folds is 0");
	return true;
}

/* Folds that are made or told by a column are numbered from 1. */
static bool check_fold_numbers(core_resolver *r, const core_yaml *corpus)
{
	const core_yaml *folds = core_yaml_get(corpus, "folds");
	const core_yaml *made = core_yaml_get(corpus, "make_folds");
	int64_t f, most = 0;
	bool good = true, makes = core_parse_int(made->text, &most) && most > 0;
	if (!makes && !core_yaml_get(corpus, "fold_by"))
		return true;
	for (size_t i = 0; folds && i < folds->n; i++) {
		const core_yaml *fold = folds->entry[i].value;
		if (core_parse_int(fold->text, &f) && f >= 1 && (!makes || f <= most))
			continue;
		if (makes)
			core_loader_fail(r->loader, FV_CONFIG, fold->place,
				"corpus.folds: %s is not among the folds 1 to %s that make_folds "
				"creates",
				fold->text, made->text);
		else
			core_loader_fail(r->loader, FV_CONFIG, fold->place,
				"corpus.folds: the folds of a column are numbered from 1");
		good = false;
	}
	return good;
}

/* For a key that matters only together with another one: if that one is missing, a written key is
 * refused and a default is removed. */
static bool check_dependent_key(
	core_resolver *r, core_yaml *block, const char *key, const char *other)
{
	const core_yaml *it = core_yaml_get(block, other);
	if (it && !core_yaml_is_word(it, "0"))
		return true;
	if (core_rules_is_given(block, key)) {
		core_loader_fail(r->loader, FV_CONFIG, core_yaml_entry(block, key)->key_place,
			"corpus.%s has no effect without corpus.%s", key, other);
		return false;
	}
	core_rules_remove_key(block, key);
	return true;
}

/* Refuses `key` where the setting `why` leaves it without effect. */
static bool check_useless_key(
	core_resolver *r, const core_yaml *block, const char *key, const char *why)
{
	const core_entry *entry = core_yaml_entry(block, key);
	if (!entry || !core_rules_is_given(block, key))
		return true;
	core_loader_fail(r->loader, FV_CONFIG, entry->key_place,
		"corpus.%s has no effect with corpus.%s", key, why);
	return false;
}

static bool check_speaker(core_resolver *r, const core_yaml *corpus)
{
	if (!core_yaml_get(corpus, "speaker"))
		return true;
	const core_entry *column = core_yaml_entry(core_yaml_get(corpus, "columns"), "speaker");
	bool good = check_useless_key(r, corpus, "speaker_key", "speaker: none");
	if (core_yaml_is_word(core_yaml_get(corpus, "shared_speakers"), "true"))
		good = check_useless_key(r, corpus, "shared_speakers", "speaker: none") && good;
	if (!column)
		return good;
	core_loader_fail(r->loader, FV_CONFIG, column->key_place,
		"corpus.columns.speaker has no effect with corpus.speaker: none");
	return false;
}

/* Refuses lists of columns for what is one column, and a split column beside splits by file. */
static bool check_columns(core_resolver *r, const core_yaml *corpus)
{
	static const char *const single[] = {"file", "gender", "split", "start", "end"};
	const core_yaml *columns = core_yaml_get(corpus, "columns");
	const core_yaml *labels = core_yaml_get(corpus, "labels");
	bool good = true;
	for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
		const core_yaml *node = core_yaml_get(columns, single[i]);
		if (!node || node->kind != CORE_YAML_LIST)
			continue;
		core_loader_fail(r->loader, FV_CONFIG, node->place,
			"corpus.columns.%s: one column is needed, not a list", single[i]);
		good = false;
	}
	if (labels && labels->kind == CORE_YAML_MAP && core_yaml_get(columns, "split"))
		good = core_rules_fail(r, columns, "split",
			"corpus.columns.split has no effect: corpus.labels gives the splits");
	return good;
}

static bool check_labels(core_resolver *r, core_yaml *corpus)
{
	const core_yaml *votes = core_yaml_get(corpus, "votes");
	bool good = true;
	if (votes)
		good = check_useless_key(r, corpus, "label_column", "votes");
	/* counts of raters are smoothed too, which only the file can tell */
	if (!votes && !core_yaml_get(corpus, "label_column") &&
		!core_rules_is_given(corpus, "label_smoothing"))
		core_rules_remove_key(corpus, "label_smoothing");
	return good;
}

bool core_rules_check_corpus(core_resolver *r, core_yaml *corpus)
{
	bool good = check_folds(r, corpus);
	const core_yaml *attributes = core_yaml_get(corpus, "attributes");
	if (core_yaml_get(attributes, "speaker") && !core_yaml_get(attributes, "file"))
		good = core_rules_fail(r, attributes, "speaker",
			"corpus.attributes.speaker has no effect without attributes.file");
	good = check_labels(r, corpus) && good;
	good = check_dependent_key(r, corpus, "make_folds_seed", "make_folds") && good;
	good = check_speaker(r, corpus) && good;
	good = check_columns(r, corpus) && good;
	return check_fold_numbers(r, corpus) && good;
}
